//! What the server would say, as far as a clone can tell.

use super::memory::CloneMemory;
use super::{Assumed, ClientError, Planned, Workspace};
use crate::decide::{DebtVerdict, Reason, UpdateVerdict, Verdict, decide};
use crate::facts::{
    BaseRelation, PushFacts, Pusher, RangeFacts, RangeOutcome, SignatureFact, Sources,
    StatementFacts, Subject, UpdateFacts, gather,
};
use crate::object::{Commit, Tag};
use crate::policy::{Attribution, BranchRule, Shows};
use crate::statement::Statement;
use crate::types::{KeyFingerprint, Oid, PersonName, RefName, Seconds, Timestamp};
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};

/// Clocks of a clone and a server that are this near are as near as can be hoped for, in seconds.
const CLOCKS: i64 = 60;

/// What the server would say.
#[derive(Debug, Clone)]
pub struct Assessment {
    /// What the push would be.
    pub facts: PushFacts,
    /// What would be said to it.
    pub verdict: Verdict,
    /// The commits that the server does not have yet.
    pub new: HashSet<Oid>,
    /// What depends on something that only the server knows.
    pub doubts: Vec<String>,
}

/// What that comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// It would be accepted.
    Passes,
    /// It would be refused.
    Refused,
    /// It cannot be told from here.
    Unclear,
}

impl Assessment {
    /// Whether a reason rests on who first pushed commits that the server has: it may know.
    fn is_first_pushers(&self, reason: &Reason) -> bool {
        if let Reason::Unauthenticated {
            commits,
            demanded: Attribution::SignatureOrPusher,
        } = reason
        {
            commits.iter().all(|oid| !self.new.contains(oid))
        } else {
            false
        }
    }

    /// What it comes to.
    #[must_use]
    pub fn outlook(&self) -> Outlook {
        let of_updates = self
            .verdict
            .updates
            .iter()
            .flat_map(|update| &update.reasons);
        let mut reasons = self.verdict.reasons.iter().chain(of_updates).peekable();
        if reasons.peek().is_none() {
            if self.doubts.is_empty() {
                Outlook::Passes
            } else {
                Outlook::Unclear
            }
        } else if reasons.all(|reason| reason.cannot_tell() || self.is_first_pushers(reason)) {
            Outlook::Unclear
        } else {
            Outlook::Refused
        }
    }
}

impl Workspace {
    /// What the server would say to a push by this person.
    ///
    /// Statements whose arrival only the server knows are taken as new first; where a rule lets
    /// approvals expire, they are then taken as old as they say they are, and where that makes a
    /// difference, it is a doubt.
    ///
    /// # Errors
    /// When git cannot be asked which commits are new, or what was rolled back cannot be read.
    pub fn assess(&self, planned: &[Planned], pusher: &Assumed) -> Result<Assessment, ClientError> {
        let new = self.new_commits(planned)?;
        let mut memory = CloneMemory {
            seen: HashMap::new(),
            now: self.now,
            new,
            pusher: pusher.person.clone(),
            debts: self.debts.clone(),
            rollbacks: self.rollbacks(planned.iter().map(|planned| &planned.refname))?,
        };
        let facts = self.gather(planned, pusher, &memory);
        let verdict = if planned.is_empty() {
            // git would not even ask.
            Verdict {
                updates: Vec::new(),
                reasons: Vec::new(),
                debts: Vec::new(),
            }
        } else {
            decide(self.policy(), &facts)
        };
        let mut doubts = Vec::new();
        if verdict.accepted()
            && facts
                .updates
                .iter()
                .any(|update| self.expires(&update.refname))
        {
            memory.seen = self.claimed_times(&facts, &memory.new);
            let aged = self.gather(planned, pusher, &memory);
            if !decide(self.policy(), &aged).accepted() {
                doubts.push(
                    "an approval may have expired, or have come before its deputy was named: the \
                     server counts from when it first saw each"
                        .to_owned(),
                );
            }
        }
        doubts.extend(self.near_a_turn(&facts, &verdict));
        Ok(Assessment {
            facts,
            verdict,
            new: memory.new,
            doubts,
        })
    }

    /// Whether windows and freezes would say something else by a clock that is a little off: the
    /// server's decides.
    fn near_a_turn(&self, facts: &PushFacts, verdict: &Verdict) -> Option<String> {
        let names = facts.updates.iter().map(|update| &update.refname);
        let mut rules = names.flat_map(|name| self.policy().rules_for(name));
        if !rules.any(BranchRule::has_hours) {
            return None;
        }
        let now = facts.now.as_unix();
        let by_others = [now.saturating_sub(CLOCKS), now.saturating_add(CLOCKS)];
        let differs = by_others.iter().any(|other| {
            let mut facts = facts.clone();
            facts.now = Timestamp::from_unix(*other);
            decide(self.policy(), &facts).accepted() != verdict.accepted()
        });
        let doubt =
            "a window or a freeze begins or ends within a minute: the server's clock decides";
        differs.then(|| doubt.to_owned())
    }

    /// What the server would say to the same push if it had one statement more, signed by
    /// `signer`. Who pushes is left out of it: that may be somebody else.
    #[must_use]
    pub fn with_statement(
        &self,
        assessment: &Assessment,
        statement: &Statement,
        signer: &PersonName,
    ) -> Vec<UpdateVerdict> {
        let Some(key) = self.key_of(signer) else {
            return assessment.verdict.updates.clone();
        };
        let mut facts = assessment.facts.clone();
        let one = self.as_stated(statement, signer, key);
        for update in &mut facts.updates {
            if let Some(range) = range_mut(update) {
                if let Some(back) = &mut range.way_back {
                    back.statements.push(one.clone());
                }
                range.statements.push(one.clone());
            }
        }
        let mut updates = decide(self.policy(), &facts).updates;
        for update in &mut updates {
            update.reasons.retain(|reason| !about_pusher(reason));
        }
        updates
    }

    /// A statement as it would stand among those about a range.
    fn as_stated(
        &self,
        statement: &Statement,
        signer: &PersonName,
        key: KeyFingerprint,
    ) -> StatementFacts {
        StatementFacts {
            // Any id does that no other statement has.
            tag: statement.commit,
            statement: statement.clone(),
            signer: SignatureFact::Good {
                person: signer.clone(),
                key,
            },
            // It comes after all that is here.
            first_seen: Some(self.now.plus(Seconds(1))),
            claimed: self.now.plus(Seconds(1)),
            base: match statement.base {
                Some(_) => BaseRelation::Before,
                None => BaseRelation::None,
            },
        }
    }

    /// What the server remembers, as far as it shows it.
    fn memory(&self) -> CloneMemory {
        CloneMemory {
            seen: HashMap::new(),
            now: self.now,
            new: HashSet::new(),
            pusher: None,
            debts: self.debts.clone(),
            rollbacks: HashMap::new(),
        }
    }

    /// What is owed for emergencies, by ref, as far as the server shows it.
    #[must_use]
    pub fn owed(&self) -> Vec<DebtVerdict> {
        let refs: Vec<RefName> = self.debts.keys().cloned().collect();
        self.view().owed(&self.memory(), &refs)
    }

    /// What would be owed, had the server one statement more, signed by `signer`.
    #[must_use]
    pub fn owed_with(&self, statement: &Statement, signer: &PersonName) -> Vec<DebtVerdict> {
        let refs = [statement.refname.clone()];
        let mut facts = self.view().owing(&self.memory(), &refs);
        if let Some(key) = self.key_of(signer) {
            let one = self.as_stated(statement, signer, key);
            let open = facts.owing.iter_mut().flat_map(|owing| &mut owing.open);
            for owed in open.filter(|owed| owed.debt.commit == statement.commit) {
                if let Ok(range) = &mut owed.range {
                    range.statements.push(one.clone());
                }
            }
        }
        decide(self.policy(), &facts).debts
    }

    fn key_of(&self, person: &PersonName) -> Option<KeyFingerprint> {
        self.policy().people.get(person)?.keys.first().cloned()
    }

    fn gather(&self, planned: &[Planned], pusher: &Assumed, memory: &CloneMemory) -> PushFacts {
        let sources = Sources {
            store: &self.store,
            policy: self.policy(),
            keyring: &self.keyring,
            memory,
            now: self.now,
            progress: None,
        };
        let updates = planned
            .iter()
            .map(|planned| (planned.refname.clone(), planned.change))
            .collect();
        gather(&sources, self.pusher(pusher), updates)
    }

    /// The pusher as the server would know them.
    fn pusher(&self, assumed: &Assumed) -> Pusher {
        match (self.policy().identity.shows(), &assumed.person) {
            (Shows::Nothing, _) => Pusher::NotAsked,
            (Shows::Login | Shows::SshKey | Shows::Key, Some(person)) => {
                Pusher::Person(person.clone())
            }
            (Shows::Login | Shows::SshKey | Shows::Key, None) => Pusher::Unknown {
                login: "you".to_owned(),
            },
        }
    }

    fn expires(&self, refname: &RefName) -> bool {
        let rules = self.policy().rules_for(refname);
        let hangs = |rule: &&BranchRule| rule.expire.is_some() || rule.delegation.is_some();
        rules.iter().any(hangs)
    }

    /// The commits of the push that no ref of the server reaches.
    fn new_commits(&self, planned: &[Planned]) -> Result<HashSet<Oid>, ClientError> {
        let tips = planned
            .iter()
            .filter_map(|planned| planned.change.new_oid());
        let mut args: Vec<OsString> = vec!["rev-list".into()];
        args.extend(tips.map(|oid| oid.to_string().into()));
        if args.len() == 1 {
            return Ok(HashSet::new());
        }
        args.push("--not".into());
        args.push(format!("--glob={}", self.remote.mirror()).into());
        // A tip that is no commit has no range; the judgement says so.
        let listed = self.git.maybe::<OsString>(&args)?.unwrap_or_default();
        let lines = listed.split(|byte| *byte == b'\n');
        Ok(lines.filter_map(|hex| Oid::from_hex(hex).ok()).collect())
    }

    /// When statements and approving commits say that they were made, never later than now.
    fn claimed_times(&self, facts: &PushFacts, new: &HashSet<Oid>) -> HashMap<Oid, Timestamp> {
        let mut times = HashMap::new();
        for range in facts.updates.iter().filter_map(UpdateFacts::range) {
            for statement in range.statements.iter().chain(&range.delegations) {
                if let Some(time) = self.tag_time(statement.tag) {
                    times.insert(statement.tag, time.min(self.now));
                }
            }
            for commit in &range.commits {
                let counts = commit.approving.is_some() && !new.contains(&commit.oid);
                if let Some(time) = self.commit_time(commit.oid).filter(|_| counts) {
                    times.insert(commit.oid, time.min(self.now));
                }
            }
        }
        times
    }

    fn tag_time(&self, oid: Oid) -> Option<Timestamp> {
        let bytes = self.store.tag_bytes(oid).ok()?.ok()?;
        let tag = Tag::parse(&bytes).ok()?;
        Some(Timestamp::from_unix(tag.tagger.claimed_seconds))
    }

    fn commit_time(&self, oid: Oid) -> Option<Timestamp> {
        let commit = Commit::parse(&self.store.commit_bytes(oid).ok()?).ok()?;
        Some(Timestamp::from_unix(commit.committer.claimed_seconds))
    }

    /// A branch name under which others could fetch a commit that may not be on a protected one
    /// yet; nothing where the policy protects that name too.
    #[must_use]
    pub fn review_branch(&self, person: Option<&PersonName>, commit: Oid) -> Option<RefName> {
        let who = person.map_or("review", PersonName::as_str);
        let name = format!("refs/heads/{who}/{}", commit.short());
        let name = RefName::new(name.as_bytes()).ok()?;
        let taken = self.policy().protects(&name);
        (!taken).then_some(name)
    }

    /// The remote's name as a word of a command, where it is one.
    #[must_use]
    pub fn remote_word(&self) -> &OsStr {
        self.remote.name()
    }
}

fn about_pusher(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::PusherMissing { .. }
            | Reason::PusherUnknown { .. }
            | Reason::PusherNotAllowed { .. }
            | Reason::PusherDisabled { .. }
            | Reason::PusherNotAsked { .. }
            | Reason::ReleaserNotDistinct { .. }
            | Reason::ReleaserNotAsked
    )
}

fn range_mut(update: &mut UpdateFacts) -> Option<&mut RangeFacts> {
    match &mut update.subject {
        Subject::Protected(RangeOutcome::Range(range))
        | Subject::Policy(RangeOutcome::Range(range), _) => Some(range),
        Subject::Protected(RangeOutcome::Deletion | RangeOutcome::Fault(_))
        | Subject::Policy(RangeOutcome::Deletion | RangeOutcome::Fault(_), _)
        | Subject::Unprotected
        | Subject::Statement(_)
        | Subject::Reserved => None,
    }
}
