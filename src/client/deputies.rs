//! Who stands in for whom: the delegations that the server has and that are not over.

use super::{ClientError, Stored, View, Workspace};
use crate::decide::{Reason, decide, heeds};
use crate::facts::{
    ArrivingStatement, Current, PushFacts, Pusher, SignatureFact, StatementOutcome, Subject,
    UpdateFacts, commits_between,
};
use crate::statement::{Decision, STATEMENT_PREFIX, Statement};
use crate::types::{Oid, PersonName, RefChange, RefName, Timestamp};
use std::collections::BTreeMap;

/// A delegation that the server has.
#[derive(Debug, Clone)]
pub struct Deputy {
    /// The statement.
    pub stored: Stored,
    /// Whether the policy in force heeds it, once it begins.
    pub heeded: bool,
}

impl Deputy {
    /// Who gave it, where the signature counts.
    #[must_use]
    pub fn by(&self) -> Option<&PersonName> {
        self.stored.signer.as_ref()
    }

    /// Whether it lets this person speak about this ref then.
    #[must_use]
    pub fn stands_in(&self, person: &PersonName, refname: &RefName, time: Timestamp) -> bool {
        let statement = &self.stored.statement;
        let grant = statement.particulars.grant.as_ref();
        statement.refname == *refname
            && grant.is_some_and(|grant| grant.to == *person && grant.from <= time)
            && statement.expires.is_some_and(|until| time < until)
    }
}

impl View<'_> {
    /// The delegations that are not over and were not taken back, in the order of their ends.
    ///
    /// # Errors
    /// When a statement cannot be read.
    pub fn stand_ins(&self) -> Result<Vec<Deputy>, ClientError> {
        let mut rules = self.policy.rules.iter();
        if rules.all(|rule| rule.delegation.is_none()) {
            return Ok(Vec::new());
        }
        self.deputies(&self.stored_about()?)
    }

    /// The delegations that are not over and were not taken back, in the order of their ends. `about`
    /// is what is stored, by the commit that it is about.
    pub(super) fn deputies(
        &self,
        about: &BTreeMap<Oid, Vec<Oid>>,
    ) -> Result<Vec<Deputy>, ClientError> {
        let rules = self.policy.rules.iter();
        let policy = self.policy.id.map(|id| id.0);
        let Some(policy) = policy.filter(|_| rules.clone().any(|rule| rule.delegation.is_some()))
        else {
            return Ok(Vec::new());
        };
        let history = commits_between(self.store, policy, None)?;
        let tags = history.iter().filter_map(|commit| about.get(commit));
        let mut all = Vec::new();
        for tag in tags.flatten() {
            let stored = self.stored(*tag)?;
            match stored.statement.decision {
                Decision::Delegate | Decision::Withdraw { .. } => all.push(stored),
                Decision::Approve
                | Decision::Reject
                | Decision::Lift
                | Decision::Emergency
                | Decision::Rollback
                | Decision::Check => {}
            }
        }
        let standing = super::standing::without_withdrawn(all);
        let current = standing.into_iter().filter(|stored| {
            let until = stored.statement.expires;
            until.is_some_and(|until| self.now < until)
        });
        let deputy = |stored: Stored| Deputy {
            heeded: stored
                .signer
                .as_ref()
                .is_some_and(|by| heeds(self.policy, &stored.statement, by)),
            stored,
        };
        let mut deputies: Vec<Deputy> = current.map(deputy).collect();
        deputies.sort_by_key(|deputy| (deputy.stored.statement.expires, deputy.stored.tag));
        Ok(deputies)
    }
}

impl Workspace {
    /// Why the server would not take a statement in, if this person signed it.
    #[must_use]
    pub fn not_taken(&self, statement: &Statement, signer: &PersonName) -> Vec<Reason> {
        let key = self.policy().people.get(signer);
        let Some(key) = key.and_then(|person| person.keys.first()) else {
            return vec![Reason::StatementUnsigned];
        };
        let name = format!("{STATEMENT_PREFIX}{}/0000000000000000", statement.commit);
        let Ok(refname) = RefName::new(name.as_bytes()) else {
            return vec![Reason::StatementName];
        };
        let tag = statement.commit;
        let arriving = ArrivingStatement {
            tag,
            commit_tree: Some(statement.tree),
            statement: statement.clone(),
            signer: SignatureFact::Good {
                person: signer.clone(),
                key: key.clone(),
            },
            tagger: Some(signer.clone()),
            tagger_identity: signer.to_string(),
            claimed: self.now,
            name_agrees: true,
            repository_agrees: true,
            withdrawn_signer: None,
            earlier: 0,
        };
        let facts = PushFacts {
            now: self.now,
            pusher: Pusher::NotAsked,
            owing: Vec::new(),
            updates: vec![UpdateFacts {
                refname,
                change: RefChange::Create { new: tag },
                current: Current::Absent,
                subject: Subject::Statement(StatementOutcome::Read(arriving)),
            }],
        };
        let verdict = decide(self.policy(), &facts);
        let updates = verdict.updates.into_iter();
        updates.flat_map(|update| update.reasons).collect()
    }
}
