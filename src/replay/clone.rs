//! The replay of a clone, which has no log: whether approvals that stand in the repository cover what a
//! protected ref brought since judging began.
//!
//! It walks the ref's first parents from there on, and takes each commit that approvals name for what
//! may have been pushed. Under which policy and when it was, who pushed, and in which order statements
//! came, a clone is not told; it tries the policies in their order, and takes a statement's own date.

use super::account::{RefAccount, Replay, Source};
use super::finding::{Finding, Remark, Weight, Why};
use super::log::ReplayError;
use super::policies::{Loaded, Policies};
use crate::decide::{Code, Reason, UpdateVerdict, decide};
use crate::facts::{
    Fault, Memory, Past, Pusher, Sources, StatementFacts, Store, Undone, commits_between, gather,
    stored_statements,
};
use crate::object::Commit;
use crate::policy::POLICY_REF;
use crate::statement::{Decision, STATEMENT_PREFIX};
use crate::types::{Oid, RefChange, RefName, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

/// So many refs, and so many versions of the policy, are looked at.
const MAX: usize = 100_000;

/// What is asked of a clone.
pub struct Asked<'a> {
    /// The refs; all protected branches where there are none.
    pub refs: &'a [RefName],
    /// Where judging begins, instead of where the policy or the first approval says.
    pub from: Option<Oid>,
    /// The remote that the clone mirrors, without a password.
    pub remote: String,
    /// The log's size and root as the server shows it.
    pub checkpoint: Option<String>,
    /// The machine's clock.
    pub now: Timestamp,
    /// What of some commits was taken off a ref again, by the rollbacks that the server shows.
    pub undone: &'a dyn Fn(&RefName, &[Oid]) -> Vec<Undone>,
    /// The refs with rollbacks of which it is not known what they took off.
    pub untold: &'a BTreeSet<RefName>,
}

/// Looks for approvals of everything that the protected refs brought.
///
/// # Errors
/// When the policy's history or the refs cannot be read.
pub fn of_clone(store: Store, asked: &Asked<'_>) -> Result<Replay, ReplayError> {
    let policy_ref = RefName::new(POLICY_REF.as_bytes()).map_err(|error| Fault::Unreadable {
        why: error.to_string(),
    })?;
    let Some(in_force) = store.current(&policy_ref)?.oid() else {
        let why = format!("{POLICY_REF} is not here");
        return Err(Fault::Unreadable { why }.into());
    };
    let mut versions = first_parents(&store, in_force, None)?;
    versions.reverse();
    let mut listed = store.refs_below(b"refs/heads/", MAX)?;
    listed.push((policy_ref.clone(), in_force));
    for name in asked
        .refs
        .iter()
        .filter(|name| !name.is_under("refs/heads/"))
    {
        if let Some(oid) = store.current(name)?.oid().filter(|_| *name != policy_ref) {
            listed.push((name.clone(), oid));
        }
    }
    let mut walk = Walk {
        asked,
        store,
        policies: Policies::new()?,
        versions,
        refs: Vec::new(),
        findings: Vec::new(),
        remarks: Vec::new(),
    };
    let loaded = walk.policies.at(&walk.store, in_force);
    let loaded = loaded.map_err(|why| Fault::Unreadable { why })?;
    for (name, tip) in &listed {
        let wanted = asked.refs.is_empty() || asked.refs.contains(name) || *name == policy_ref;
        if wanted && loaded.policy.protects(name) {
            let from = asked.from.filter(|_| *name != policy_ref);
            walk.follow(name, *tip, from)?;
        }
    }
    for name in asked.refs {
        if !listed.iter().any(|(listed, _)| listed == name) {
            let finding = Finding::new(Code::REPLAY_UNTOLD, Weight::Doubt, "it is not here");
            walk.findings.push(finding.of(name, None, None));
        }
    }
    Ok(Replay {
        repository: loaded.policy.repository.0.clone(),
        source: Source::Clone {
            remote: asked.remote.clone(),
            checkpoint: asked.checkpoint.clone(),
        },
        refs: walk.refs,
        moves: Vec::new(),
        findings: walk.findings,
        remarks: walk.remarks,
    })
}

/// `tip` and its first parents, as far as they are among `members`; all of them without.
fn first_parents(
    store: &Store,
    tip: Oid,
    members: Option<&HashSet<Oid>>,
) -> Result<Vec<Oid>, Fault> {
    let mut path = Vec::new();
    let mut next = Some(tip);
    while let Some(oid) = next.filter(|oid| members.is_none_or(|members| members.contains(oid))) {
        if path.len() == MAX && members.is_none() {
            let what = format!("more than {MAX} commits");
            return Err(Fault::TooLarge { what });
        }
        path.push(oid);
        next = commit(store, oid)?.parents.first().copied();
    }
    Ok(path)
}

fn commit(store: &Store, oid: Oid) -> Result<Commit, Fault> {
    let bytes = store.commit_bytes(oid)?;
    Commit::parse(&bytes).map_err(|error| Fault::Malformed {
        oid,
        why: error.to_string(),
    })
}

struct Walk<'a> {
    asked: &'a Asked<'a>,
    store: Store,
    policies: Policies,
    /// The commits of the policy's branch, the first one first.
    versions: Vec<Oid>,
    refs: Vec<RefAccount>,
    findings: Vec<Finding>,
    remarks: Vec<Remark>,
}

/// What judging a stretch of a ref came to.
struct Judged {
    /// What speaks against it, without what only the server knows.
    reasons: Vec<Reason>,
    update: Option<UpdateVerdict>,
}

/// Which statements are heard.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heard {
    All,
    /// Without objections and withdrawals that are dated after the approvals.
    UpTo(Timestamp),
}

/// A stretch of a ref.
#[derive(Clone, Copy)]
struct Stretch<'a> {
    name: &'a RefName,
    from: Option<Oid>,
    to: Oid,
}

impl Walk<'_> {
    fn follow(&mut self, name: &RefName, tip: Oid, from: Option<Oid>) -> Result<(), ReplayError> {
        let start = match from {
            Some(from) => Some(from),
            None => self.start(name, tip)?,
        };
        let mut account = RefAccount {
            refname: name.to_string(),
            start,
            value: Some(tip),
            moves: 0,
            held: 0,
        };
        self.say_what_is_not_told(name, tip);
        if let Some(start) = start {
            self.stretches(name, tip, start, &mut account)?;
        } else {
            let text = "where judging began is not known here: no rule has a baseline for it, and no \
                        approval says what it compared with; --from says it";
            let finding = Finding::new(Code::REPLAY_UNTOLD, Weight::Doubt, text);
            self.findings.push(finding.of(name, None, tip));
        }
        self.refs.push(account);
        Ok(())
    }

    /// Says what a clone does not look at for a ref, where there is such a thing.
    fn say_what_is_not_told(&mut self, name: &RefName, tip: Oid) {
        if self.asked.untold.contains(name) {
            let text = "it was rolled back, and what that took off it cannot be told here: approvals from \
                        before may count for what no longer may rest on them";
            let finding = Finding::new(Code::REPLAY_UNTOLD, Weight::Doubt, text);
            self.findings.push(finding.of(name, None, tip));
        }
        let mut versions = self.versions.iter();
        let by_the_hour = versions.any(|version| {
            let loaded = self.policies.at(&self.store, *version);
            loaded.is_ok_and(|loaded| {
                let mut rules = loaded.policy.rules_for(name).into_iter();
                rules.any(|rule| !rule.windows.is_empty() || !rule.freezes.is_empty())
            })
        });
        if by_the_hour {
            self.remarks.push(Remark {
                refname: Some(name.to_string()),
                entry: None,
                text:
                    "has windows or freezes, which are not looked at: when it was pushed only the \
                       server's log tells"
                        .to_owned(),
            });
        }
    }

    /// Where judging began: the rule's baseline, what the first approval compared with, or for the
    /// policy its first version.
    fn start(&mut self, name: &RefName, tip: Oid) -> Result<Option<Oid>, Fault> {
        if name.as_bytes() == POLICY_REF.as_bytes() {
            return Ok(self.versions.first().copied());
        }
        for version in self.versions.clone() {
            let baseline = self.policies.baseline(&self.store, version, name);
            if baseline.is_some() {
                return Ok(baseline);
            }
        }
        let about = self.store.names_below(STATEMENT_PREFIX.as_bytes(), MAX)?;
        let mut path = first_parents(&self.store, tip, None)?;
        path.reverse();
        for oid in path {
            if !about.contains(oid.to_string().as_bytes()) {
                continue;
            }
            for facts in self.statements(oid)? {
                let statement = facts.statement;
                let approves = statement.decision == Decision::Approve;
                if let Some(base) = statement.base
                    && approves
                    && statement.refname == *name
                {
                    let text = format!(
                        "is judged from {} on: what the first approval compared with",
                        base.short()
                    );
                    self.remarks.push(Remark {
                        refname: Some(name.to_string()),
                        entry: None,
                        text,
                    });
                    return Ok(Some(base));
                }
            }
        }
        Ok(None)
    }

    /// The statements about a commit, by whatever version of the policy can be used.
    fn statements(&mut self, oid: Oid) -> Result<Vec<StatementFacts>, Fault> {
        let Some(loaded) = self.newest() else {
            return Ok(Vec::new());
        };
        let memory = self.then(None, self.asked.now);
        let sources = self.sources(&loaded, &memory, self.asked.now);
        stored_statements(&sources, oid)
    }

    fn then(&self, from: Option<Oid>, now: Timestamp) -> Then<'_> {
        Then {
            from,
            now,
            asked: self.asked,
        }
    }

    fn newest(&mut self) -> Option<Rc<Loaded>> {
        let newest = *self.versions.last()?;
        self.policies.at(&self.store, newest).ok()
    }

    fn sources<'a>(
        &'a self,
        loaded: &'a Loaded,
        memory: &'a dyn Memory,
        now: Timestamp,
    ) -> Sources<'a> {
        Sources {
            store: &self.store,
            policy: &loaded.policy,
            keyring: &loaded.keyring,
            memory,
            now,
            progress: None,
        }
    }

    /// Goes from one commit that approvals name to the next, as far as they cover the way.
    fn stretches(
        &mut self,
        name: &RefName,
        tip: Oid,
        start: Oid,
        account: &mut RefAccount,
    ) -> Result<(), Fault> {
        let members: HashSet<Oid> = commits_between(&self.store, tip, Some(start))?
            .into_iter()
            .collect();
        let mut path = first_parents(&self.store, tip, Some(&members))?;
        path.reverse();
        let about = self.store.names_below(STATEMENT_PREFIX.as_bytes(), MAX)?;
        let (mut from, mut version) = (start, 0);
        for to in path {
            let named = about.contains(to.to_string().as_bytes()) || to == tip;
            if !named && !self.is_approving(to)? {
                continue;
            }
            let stretch = Stretch {
                name,
                from: Some(from),
                to,
            };
            match self.try_versions(stretch, version)? {
                Some((found, doubt)) => {
                    account.moves += 1;
                    account.held += u64::from(doubt.is_none());
                    self.findings.extend(doubt);
                    (from, version) = (to, found);
                }
                None if to == tip => {
                    account.moves += 1;
                    let finding = self.uncovered(stretch)?;
                    self.findings.push(finding);
                }
                None => {}
            }
        }
        Ok(())
    }

    fn is_approving(&self, oid: Oid) -> Result<bool, Fault> {
        let commit = commit(&self.store, oid)?;
        let approving = crate::statement::approving(&commit.message);
        Ok(approving.is_ok_and(|approving| approving.is_some()))
    }

    /// The first version of the policy, from this one on, under which the stretch is approved; and a
    /// doubt, if there is one.
    fn try_versions(
        &mut self,
        stretch: Stretch<'_>,
        since: usize,
    ) -> Result<Option<(usize, Option<Finding>)>, Fault> {
        let then = self.time_of(stretch)?;
        for heard in [Heard::All, Heard::UpTo(then)] {
            for index in since..self.versions.len() {
                let Some(judged) = self.judge(stretch, index, heard, then)? else {
                    continue;
                };
                if !judged.reasons.is_empty() {
                    continue;
                }
                let doubt = (heard != Heard::All).then(|| {
                    let text = "it is approved unless an objection or a withdrawal that is dated later \
                                came before the push: only the server knows";
                    let finding = Finding::new(Code::REPLAY_UNTOLD, Weight::Doubt, text);
                    finding.of(stretch.name, stretch.from, stretch.to)
                });
                return Ok(Some((index, doubt)));
            }
        }
        Ok(None)
    }

    /// When it may have been pushed: the date of the last approval of its end, as its signer says.
    fn time_of(&mut self, stretch: Stretch<'_>) -> Result<Timestamp, Fault> {
        let said = self.statements(stretch.to)?;
        let approvals = said.iter().filter(|facts| {
            let statement = &facts.statement;
            statement.decision == Decision::Approve && statement.refname == *stretch.name
        });
        let last = approvals.map(|facts| facts.claimed).max();
        let committed = commit(&self.store, stretch.to)?.committer.claimed_seconds;
        let committed = Timestamp::from_unix(committed);
        Ok(last
            .map_or(committed, |last| last.max(committed))
            .min(self.asked.now))
    }

    /// Judges a stretch as one push under a version of the policy; nothing where that cannot be used.
    fn judge(
        &mut self,
        stretch: Stretch<'_>,
        version: usize,
        heard: Heard,
        now: Timestamp,
    ) -> Result<Option<Judged>, Fault> {
        let Some(version) = self.versions.get(version).copied() else {
            return Ok(None);
        };
        let Ok(loaded) = self.policies.at(&self.store, version) else {
            return Ok(None);
        };
        if !loaded.policy.protects(stretch.name) {
            return Ok(None);
        }
        let lets = loaded.policy.rules_for(stretch.name);
        let lets = lets.iter().any(|rule| rule.delegation.is_some());
        let past = self.past(stretch, lets.then_some(version), heard)?;
        self.store.look_at(Some(past));
        let memory = self.then(stretch.from, now);
        let sources = self.sources(&loaded, &memory, now);
        let change = match stretch.from {
            Some(old) => RefChange::Update {
                old,
                new: stretch.to,
            },
            None => RefChange::Create { new: stretch.to },
        };
        let updates = vec![(stretch.name.clone(), change)];
        let facts = gather(&sources, Pusher::NotAsked, updates);
        let mut verdict = decide(&loaded.policy, &facts);
        self.store.look_at(None);
        let update = verdict.updates.pop();
        let reasons = update.iter().flat_map(|update| update.reasons.clone());
        let reasons = reasons.filter(|reason| {
            let only_the_server_knows = [
                Code::PUSHER_NOT_ASKED,
                Code::PUSHER_MISSING,
                Code::RELEASER_NOT_ASKED,
                Code::OUTSIDE_WINDOWS,
                Code::FROZEN,
            ];
            !only_the_server_knows.contains(&reason.code())
        });
        Ok(Some(Judged {
            reasons: reasons.collect(),
            update,
        }))
    }

    /// The statements about a stretch, as refs of then; and where a version of the policy lets people
    /// name deputies, those about its history.
    fn past(
        &mut self,
        stretch: Stretch<'_>,
        version: Option<Oid>,
        heard: Heard,
    ) -> Result<Past, Fault> {
        let mut refs = BTreeMap::new();
        if let Some(from) = stretch.from {
            refs.insert(stretch.name.clone(), from);
        }
        let about = self.store.names_below(STATEMENT_PREFIX.as_bytes(), MAX)?;
        let mut subjects = commits_between(&self.store, stretch.to, stretch.from)?;
        if let Some(version) = version {
            subjects.extend(commits_between(&self.store, version, None)?);
        }
        for oid in subjects {
            if !about.contains(oid.to_string().as_bytes()) {
                continue;
            }
            let prefix = format!("{STATEMENT_PREFIX}{oid}/");
            let late: HashSet<Oid> = match heard {
                Heard::All => HashSet::new(),
                Heard::UpTo(then) => self
                    .statements(oid)?
                    .into_iter()
                    .filter(|facts| facts.claimed > then && is_no(&facts.statement.decision))
                    .map(|facts| facts.tag)
                    .collect(),
            };
            let limit = self.store.limits().statements;
            let stored = self.store.refs_below(prefix.as_bytes(), limit)?;
            refs.extend(stored.into_iter().filter(|(_, tag)| !late.contains(tag)));
        }
        Ok(Past {
            refs,
            ..Past::default()
        })
    }

    /// What is to be said of the end of a ref that no approval covers.
    fn uncovered(&mut self, stretch: Stretch<'_>) -> Result<Finding, Fault> {
        let newest = self.versions.len().saturating_sub(1);
        let now = self.asked.now;
        let judged = self.judge(stretch, newest, Heard::All, now)?;
        let text = "no approval in this clone covers what the ref brought";
        let Some(judged) = judged else {
            let finding = Finding::new(Code::REPLAY_UNTOLD, Weight::Doubt, text);
            return Ok(finding.of(stretch.name, stretch.from, stretch.to));
        };
        let unclear = judged
            .reasons
            .iter()
            .all(|reason| reason.cannot_tell() || reason.code() == Code::UNAUTHENTICATED);
        let (code, weight) = match unclear {
            true => (Code::REPLAY_UNTOLD, Weight::Doubt),
            false => (Code::REPLAY_UNCOVERED, Weight::Found),
        };
        let commits = judged.update.iter().flat_map(|update| &update.commits);
        let lacking = commits.filter(|commit| !commit.shortfalls.is_empty());
        let lacking = lacking.map(|commit| commit.oid).collect();
        let mut finding = Finding::new(code, weight, text)
            .of(stretch.name, stretch.from, stretch.to)
            .because(&judged.reasons)
            .listing(lacking);
        // There is an approval, and this is why it does not do.
        let notes = judged.update.iter().flat_map(|update| &update.notes);
        let old = notes.filter(|note| note.code == Code::ROLLED_BACK);
        finding.reasons.extend(old.map(|note| Why {
            code: note.code,
            text: note.text.clone(),
        }));
        Ok(finding)
    }
}

fn is_no(decision: &Decision) -> bool {
    match decision {
        Decision::Reject | Decision::Withdraw { .. } => true,
        Decision::Approve
        | Decision::Lift
        | Decision::Emergency
        | Decision::Delegate
        | Decision::Rollback
        | Decision::Check => false,
    }
}

/// What a clone takes for what the server knew: where the stretch begins, that nothing was old, and what
/// was rolled back.
struct Then<'a> {
    from: Option<Oid>,
    now: Timestamp,
    asked: &'a Asked<'a>,
}

impl Memory for Then<'_> {
    fn approved(&self, _: &RefName, _: Option<Oid>) -> Result<Option<Oid>, String> {
        Ok(self.from)
    }

    fn first_seen(&self, _: Oid) -> Result<Option<Timestamp>, String> {
        Ok(Some(self.now))
    }

    fn undone(&self, refname: &RefName, commits: &[Oid]) -> Result<Vec<Undone>, String> {
        Ok((self.asked.undone)(refname, commits))
    }
}
