//! One accepted push, judged again: with the policy that its entry names, the statements that were heard,
//! the time and the pusher that were recorded, and what was known before it.

use super::compare::{Difference, Names, cannot_tell, differences, other_zones};
use super::evidence::Heard;
use super::finding::{Finding, Weight};
use super::log::Lost;
use super::memory::{Claims, Remembered, Taken, Then, statement_name};
use super::moves::Hands;
use super::policies::{Loaded, Policies};
use super::pushers::Pushers;
use super::story::Story;
use crate::audit::{AuditLog, UpdateRecord, VerdictRecord};
use crate::decide::{Code, Reason, Verdict, decide};
use crate::facts::{Past, Pusher, Sources, Store, commits_between, gather};
use crate::ledger::{each_arrival, each_lost, name_from_hex};
use crate::object::Tag;
use crate::policy::{IdentitySource, Policy};
use crate::statement::{Decision, Statement, StatementRef};
use crate::types::{Oid, PersonName, RefChange, RefName, Seconds, Timestamp};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// A statement that came in so shortly before may not have been there yet when the refs were read.
const JUST_NOW: Seconds = Seconds(600);

/// Judges again.
pub(super) struct Judge<'a> {
    pub log: &'a AuditLog,
    pub store: Store,
    pub policies: Policies,
    /// What was known before the entry that is next.
    pub then: Then,
    pub story: &'a Story,
    pub lost: Lost,
    /// What was seen of who pushed.
    pub pushers: Pushers,
}

/// An accepted push.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub seq: u64,
    pub time: Timestamp,
    pub record: &'a VerdictRecord,
    pub names: Names,
    pub asked: Asked,
}

/// Which updates of a push are judged again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Those that were permitted, and statements: what was let in.
    Permitted,
    /// Every one whose name can be read back, those of a refused push too.
    Everything,
}

/// What came of judging it again.
#[derive(Default)]
pub(super) struct Judgement {
    pub findings: Vec<Finding>,
    /// The people of each move.
    pub hands: BTreeMap<RefName, Hands>,
}

/// What came of judging it once.
pub(super) struct Attempt {
    pub(super) verdict: Verdict,
    /// The commits that it brought to a protected ref.
    members: BTreeSet<Oid>,
    /// Whether something rests on an entry beside which the names were deleted.
    pub(super) nameless: bool,
}

impl Case<'_> {
    pub(super) fn finding(&self, code: Code, weight: Weight, text: impl Into<String>) -> Finding {
        let finding = Finding::new(code, weight, text).at(self.seq, self.time);
        // A push of one ref is about that ref.
        let mut permitted = self
            .record
            .updates
            .iter()
            .filter(|update| update.permit.is_some());
        match (permitted.next(), permitted.next()) {
            (Some(only), None) => finding.of(&only.refname, only.old, only.new),
            (None | Some(_), _) => finding,
        }
    }

    pub(super) fn doubt(&self, text: impl Into<String>) -> Finding {
        self.finding(Code::REPLAY_UNTOLD, Weight::Doubt, text)
    }

    /// What the push asked for, as far as a rule or a statement is concerned.
    pub(super) fn updates(&self) -> Vec<(RefName, RefChange)> {
        let updates = self.record.updates.iter();
        let updates = updates.filter_map(|update| {
            let change = match (self.asked, update.claimed, update.new) {
                (Asked::Permitted, _, None) => return None,
                (Asked::Everything, old, None) => RefChange::Delete { old },
                (_, None, Some(new)) => RefChange::Create { new },
                (_, Some(old), Some(new)) => RefChange::Update { old, new },
            };
            Some((self.name(update)?, change))
        });
        updates.collect()
    }

    /// The ref of an update, where its name can be read back.
    fn name(&self, update: &UpdateRecord) -> Option<RefName> {
        match (&update.permit, self.asked) {
            (Some(permit), _) => name_from_hex(&permit.ref_hex).ok(),
            (None, Asked::Permitted) => statement_name(&update.refname),
            // No ref's name holds a backslash, and what is escaped has one.
            (None, Asked::Everything) => RefName::new(update.refname.as_bytes()).ok(),
        }
    }

    /// The commits that statements of this push are about.
    fn subjects(&self) -> impl Iterator<Item = Oid> {
        let updates = self.record.updates.iter();
        let names = updates.filter_map(|update| statement_name(&update.refname));
        names.filter_map(|name| Some(StatementRef::parse(&name).ok()?.commit))
    }

    fn brings(&self, tag: Oid) -> bool {
        let mut updates = self.record.updates.iter();
        updates.any(|update| update.permit.is_none() && update.new == Some(tag))
    }
}

impl Judge<'_> {
    /// What does not hold up of an accepted push, what cannot be told, and whose it is.
    pub(super) fn judge(&mut self, case: Case<'_>) -> Judgement {
        let loaded = match self.policies.at(&self.store, case.record.policy) {
            Ok(loaded) => loaded,
            Err(why) => {
                let policy = case.record.policy.short();
                let why = format!("the policy {policy} of then cannot be used: {why}");
                return Judgement {
                    findings: vec![case.doubt(why)],
                    hands: BTreeMap::new(),
                };
            }
        };
        let heard = Heard::of(self.log, case.record);
        let mut findings: Vec<Finding> = heard
            .lost
            .iter()
            .map(|hash| match self.story.deleted.contains(hash) {
                true => case.doubt(format!("the evidence {hash} was deleted on purpose")),
                false => {
                    let text = format!("the evidence {hash} is missing or altered");
                    case.finding(Code::REPLAY_EVIDENCE, self.lost.weight(), text)
                }
            })
            .collect();
        let is_gone = |hash| self.story.deleted.contains(hash);
        let deleted = heard.lost.iter().any(is_gone);
        let (known, _) = self.here(self.then_about(case.subjects()));
        let mut first = self.attempt(&loaded, case, &heard, &known, Claims::All);
        let deputies = self.naming(&loaded, case, &first);
        let about = first.members.iter().copied().chain(deputies);
        let (mut others, gone) = self.here(self.others(case, &heard, about));
        if !heard.lost.is_empty() && !others.is_empty() {
            // What the evidence would have had may be in the repository.
            first = self.attempt(&loaded, case, &heard, &others, Claims::All);
            others.clear();
        }
        let hands = hands(&first.verdict, &heard);
        let mut found = differences(case.record, &first.verdict, case.names);
        if found.is_empty() {
            found.extend(undone_otherwise(self.log, case, &first.verdict));
        }
        if found.is_empty() {
            if !gone.is_empty() {
                let text = format!(
                    "statements that came before ({}) are neither among what was heard nor here",
                    entries(&gone)
                );
                findings.push(case.doubt(text));
            }
            findings.extend(self.held(&loaded, case, &heard, &first, &others));
        } else if !deleted {
            // Without what was deleted it cannot hold up, and that shows nothing.
            findings.extend(self.failed(&loaded, case, &heard, &known, found));
        }
        Judgement { findings, hands }
    }

    /// What is to be said of a push that holds up as it was recorded.
    fn held(
        &mut self,
        loaded: &Loaded,
        case: Case<'_>,
        heard: &Heard,
        first: &Attempt,
        others: &[Taken],
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        if case.names == Names::Deleted || first.nameless {
            findings.push(case.doubt(
                "names were deleted: who pushed, and with that who had a hand in it, is not known",
            ));
        } else {
            findings.extend(self.pushers.look(loaded, case, heard));
        }
        if others.is_empty() {
            return findings;
        }
        let all = self.attempt(loaded, case, heard, others, Claims::All);
        let refused = differences(case.record, &all.verdict, case.names);
        let since = others.iter().map(|taken| taken.time).min();
        let just_now = since.is_none_or(|since| case.time <= since.plus(JUST_NOW));
        for difference in refused {
            let Difference::Refused { refname, reasons } = difference else {
                continue;
            };
            let weight = match just_now || cannot_tell(&reasons, case.names) {
                true => Weight::Doubt,
                false => Weight::Found,
            };
            let text = format!(
                "statements that came before ({}) are not among what was heard, and with them \
                 the push would have been refused",
                entries(others)
            );
            let finding = case.finding(Code::REPLAY_LEFT_OUT, weight, text);
            let (from, to) = (finding.from, finding.to);
            findings.push(finding.of(refname, from, to).because(&reasons));
        }
        findings
    }

    /// What is to be said of a push that does not hold up.
    fn failed(
        &mut self,
        loaded: &Loaded,
        case: Case<'_>,
        heard: &Heard,
        known: &[Taken],
        found: Vec<Difference>,
    ) -> Vec<Finding> {
        // A push that never got in has no part in what its commits are, and then it was known.
        let told = self.attempt(loaded, case, heard, known, Claims::Told);
        if differences(case.record, &told.verdict, case.names).is_empty() {
            return vec![case.doubt(
                "it holds up unless an earlier push, of which nothing says that it got in, did",
            )];
        }
        let migrated = case.seq <= self.story.migrated;
        let told_otherwise = |reasons: &[Reason]| {
            cannot_tell(reasons, case.names) || other_zones(case.record, reasons)
        };
        let move_of = |refname: &str| {
            let mut updates = case.record.updates.iter();
            let found = updates.find(|update| update.refname == refname);
            found.map_or((None, None), |update| (update.old, update.new))
        };
        let finding = |difference| match difference {
            Difference::Refused { refname, reasons } => {
                let refname = refname.to_string();
                let (from, to) = move_of(&refname);
                let (code, weight) = match migrated || told_otherwise(&reasons) {
                    true => (Code::REPLAY_UNTOLD, Weight::Doubt),
                    false => (Code::REPLAY_REFUSED, Weight::Found),
                };
                let text = match weight {
                    Weight::Found => format!(
                        "it was accepted (by relhook {}), and is refused when it is judged again",
                        crate::types::escape(case.record.tool.as_bytes())
                    ),
                    Weight::Doubt => "it cannot be judged again".to_owned(),
                };
                case.finding(code, weight, text)
                    .of(refname, from, to)
                    .because(&reasons)
            }
            Difference::Told { refname, how } => {
                let (from, to) = move_of(&refname);
                let finding = case.finding(Code::REPLAY_DIFFERS, Weight::Found, how);
                finding.of(refname, from, to)
            }
        };
        found.into_iter().map(finding).collect()
    }

    /// Judges with the statements of the evidence and some more.
    fn attempt(
        &mut self,
        loaded: &Loaded,
        case: Case<'_>,
        heard: &Heard,
        more: &[Taken],
        claims: Claims,
    ) -> Attempt {
        let pusher = pusher(&loaded.policy, case.record);
        self.attempt_as(loaded, case, (heard, more), claims, pusher)
    }

    /// The same where somebody in particular pushes.
    pub(super) fn attempt_as(
        &mut self,
        loaded: &Loaded,
        case: Case<'_>,
        (heard, more): (&Heard, &[Taken]),
        claims: Claims,
        pusher: Pusher,
    ) -> Attempt {
        let past = self.past(case, heard, more);
        self.store.look_at(Some(past));
        let memory = Remembered {
            then: &self.then,
            told: &self.story.told,
            redacted: &self.story.redacted,
            claims,
            nameless: Cell::new(false),
        };
        let sources = Sources {
            store: &self.store,
            policy: &loaded.policy,
            keyring: &loaded.keyring,
            memory: &memory,
            now: case.time,
            progress: None,
        };
        let facts = gather(&sources, pusher, case.updates());
        let verdict = decide(&loaded.policy, &facts);
        let ranges = facts.updates.iter().filter_map(|update| update.range());
        // What is said of where a ref goes back to counts as well.
        let commits = ranges.flat_map(|range| {
            let back = range.way_back.as_ref().map(|_| range.tip);
            range.commits.iter().map(|commit| commit.oid).chain(back)
        });
        let attempt = Attempt {
            verdict,
            members: commits.collect(),
            nameless: memory.nameless.get(),
        };
        self.store.look_at(None);
        attempt
    }

    /// What the repository was.
    fn past(&self, case: Case<'_>, heard: &Heard, more: &[Taken]) -> Past {
        let mut past = Past::default();
        for update in &case.record.updates {
            let stands = update.permit.is_some() || case.asked == Asked::Everything;
            let name = case.name(update).filter(|_| stands);
            if let (Some(name), Some(old)) = (name, update.old) {
                past.refs.insert(name, old);
            }
        }
        for taken in more {
            past.refs.insert(taken.name.clone(), taken.tag);
        }
        for (tag, raw) in &heard.statements {
            if !case.brings(*tag) {
                past.refs.insert(raw.name.clone(), *tag);
            }
            past.tags.insert(*tag, raw.bytes.clone());
        }
        if let Some(arrivals) = &case.record.arrivals {
            let mut arriving = HashSet::new();
            // That a list is lost is said where it is taken in.
            let _ = each_arrival(self.log, arrivals, &mut |oid| {
                arriving.insert(oid);
                Ok(())
            });
            past.arriving = arriving;
        }
        past
    }

    /// The statements about these commits that came before.
    fn then_about(&self, commits: impl Iterator<Item = Oid>) -> Vec<Taken> {
        let lists = commits.filter_map(|commit| self.then.statements.get(&commit));
        let each: BTreeMap<Oid, Taken> = lists
            .flatten()
            .map(|taken| (taken.tag, taken.clone()))
            .collect();
        each.into_values().collect()
    }

    /// Those whose tags the repository has, and the others.
    pub(super) fn here(&self, taken: Vec<Taken>) -> (Vec<Taken>, Vec<Taken>) {
        let has = |taken: &Taken| matches!(self.store.tag_bytes(taken.tag), Ok(Ok(_)));
        taken.into_iter().partition(has)
    }

    /// The commits of the policy's history by which deputies were named, or taken back, before: where
    /// the policy of then heeded that for something that was pushed.
    fn naming(&self, loaded: &Loaded, case: Case<'_>, first: &Attempt) -> Vec<Oid> {
        let heeds = |name: &RefName| {
            let mut rules = loaded.policy.rules_for(name).into_iter();
            rules.any(|rule| rule.delegation.is_some())
        };
        let mut updates = first.verdict.updates.iter();
        if first.members.is_empty() || !updates.any(|update| heeds(&update.refname)) {
            return Vec::new();
        }
        // A history that cannot be read stopped the judging already.
        let history = commits_between(&self.store, case.record.policy, None);
        let mut history = history.unwrap_or_default();
        history.retain(|commit| {
            let taken = self.then.statements.get(commit).into_iter().flatten();
            taken
                .into_iter()
                .any(|taken| self.is_about_deputies(taken.tag))
        });
        history
    }

    fn is_about_deputies(&self, tag: Oid) -> bool {
        let Ok(Ok(bytes)) = self.store.tag_bytes(tag) else {
            // One that is gone may have been.
            return true;
        };
        let statement = Tag::parse(&bytes).ok();
        let statement = statement.and_then(|tag| Statement::parse(&tag).ok());
        statement.is_some_and(|statement| match statement.decision {
            Decision::Delegate | Decision::Withdraw { .. } => true,
            Decision::Approve
            | Decision::Reject
            | Decision::Lift
            | Decision::Emergency
            | Decision::Rollback
            | Decision::Check => false,
        })
    }

    /// Those about these commits that are not among the evidence.
    fn others(
        &self,
        case: Case<'_>,
        heard: &Heard,
        about: impl Iterator<Item = Oid>,
    ) -> Vec<Taken> {
        let mut others = self.then_about(about);
        others
            .retain(|taken| !heard.statements.contains_key(&taken.tag) && !case.brings(taken.tag));
        others
    }
}

/// Rollbacks of which the record says that they undid other commits than they did: approvals of those
/// would go on counting.
fn undone_otherwise(log: &AuditLog, case: Case<'_>, verdict: &Verdict) -> Vec<Difference> {
    let mut found = Vec::new();
    for update in &case.record.updates {
        let Some(recorded) = &update.rollback else {
            continue;
        };
        let mut listed = BTreeSet::new();
        let read = each_lost(log, recorded, &mut |oid| {
            listed.insert(oid);
            Ok(())
        });
        let mut judged = verdict.updates.iter();
        let judged = judged.find(|judged| judged.refname.to_string() == update.refname);
        let judged = judged.and_then(|judged| judged.rollback.as_ref());
        let loses = judged.map(|judged| judged.loses.iter().map(|lost| lost.oid).collect());
        if read.is_ok() && loses != Some(listed) {
            let how = "it lists other commits as undone than the rollback takes off the ref";
            found.push(Difference::Told {
                refname: update.refname.clone(),
                how: how.to_owned(),
            });
        }
    }
    found
}

/// The people of each move that a verdict permits.
fn hands(verdict: &Verdict, heard: &Heard) -> BTreeMap<RefName, Hands> {
    let mut all = BTreeMap::new();
    for update in &verdict.updates {
        let Some(permit) = &update.permit else {
            continue;
        };
        let mut hands = Hands::default();
        for commit in &update.commits {
            hands
                .contributors
                .extend(commit.contributors.iter().cloned());
            for cover in &commit.covers {
                hands.approved_by.insert(cover.person.clone());
                let name = heard.statements.get(&cover.by).map(|raw| &raw.name);
                let about = name.and_then(|name| StatementRef::parse(name).ok());
                if about.is_some_and(|about| about.commit == permit.new_oid()) {
                    hands.final_approvers.insert(cover.person.clone());
                }
            }
        }
        all.insert(update.refname.clone(), hands);
    }
    all
}

/// The entries by which statements came.
fn entries(taken: &[Taken]) -> String {
    let entries: BTreeSet<u64> = taken.iter().map(|taken| taken.seq).collect();
    let entries: Vec<String> = entries.iter().map(u64::to_string).collect();
    format!("entry {}", entries.join(", "))
}

/// Who pushed, as it was recorded.
fn pusher(policy: &Policy, record: &VerdictRecord) -> Pusher {
    match (&record.person, &policy.identity) {
        (Some(person), _) => Pusher::Person(PersonName::new(person.clone())),
        (None, IdentitySource::None) => Pusher::NotAsked,
        (
            None,
            IdentitySource::Variable(_)
            | IdentitySource::SshKey
            | IdentitySource::SshAuthInfo
            | IdentitySource::OsAccount
            | IdentitySource::Http
            | IdentitySource::Gitolite
            | IdentitySource::Gitea
            | IdentitySource::Gitlab
            | IdentitySource::SignedPush,
        ) => Pusher::Missing {
            source: "the record".to_owned(),
        },
    }
}
