//! What a scenario tells that people and machines have said: approvals, objections, emergencies, words
//! about rollbacks, deputies and checks.

use super::facts::{Kind, Movement, Told, commit_id, id, signed_by};
use crate::facts::{
    Acceptance, BaseRelation, CommitFacts, Debt, Lost, Owed, Owing, RangeFacts, SignatureFact,
    StatementFacts, WayBackFacts,
};
use crate::policy::{Emergency, Policy};
use crate::statement::{Decision, Grant, Particulars, Statement};
use crate::types::{Deadline, MachineName, Oid, OidError, PersonName, RefName, Seconds, Timestamp};
use std::collections::BTreeSet;

/// Why somebody says so, where the file does not say.
const USUAL_REASON: &str = "told in a scenario";

/// Who says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Speaker {
    Person(PersonName),
    Machine(MachineName),
}

/// One thing that was said about the commits.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub decision: Decision,
    pub by: Speaker,
    /// The commit's place among the commits.
    pub of: usize,
    /// The place of the commit that the signer compared with, where it is one of them.
    pub since: Option<usize>,
    pub age: Seconds,
    pub refname: Option<RefName>,
    pub withdrawn: bool,
    pub reason: Option<String>,
    pub particulars: Particulars,
}

/// Somebody who named a deputy.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub by: PersonName,
    pub to: PersonName,
    /// How long ago it came to the server.
    pub age: Seconds,
    /// From when on; since it came to the server without it.
    pub from: Option<Timestamp>,
    /// Until when; for a day more without it.
    pub until: Option<Timestamp>,
    pub paths: Vec<String>,
    pub withdrawn: bool,
}

/// An emergency that let something in before.
#[derive(Debug, Clone)]
pub(super) struct Earlier {
    pub by: PersonName,
    pub age: Seconds,
    pub reviewed: bool,
}

/// How long a deputy stands in who was named without an end.
const A_DAY: Seconds = Seconds(24 * 60 * 60);

impl Told {
    /// So long before the push.
    fn ago(&self, age: Seconds) -> Timestamp {
        Timestamp::from_unix(self.time.as_unix().saturating_sub_unsigned(age.0))
    }

    /// Everything that was said about the commits, what was taken back followed by that.
    pub(super) fn statements(
        &self,
        policy: &Policy,
        base: Oid,
    ) -> Result<Vec<StatementFacts>, OidError> {
        let mut all = Vec::new();
        for (number, said) in self.said.iter().enumerate() {
            let facts = self.statement(policy, base, number, said)?;
            let back = said.withdrawn.then(|| self.taken_back(&facts, number));
            all.push(facts);
            all.extend(back.transpose()?);
        }
        Ok(all)
    }

    fn statement(
        &self,
        policy: &Policy,
        base: Oid,
        number: usize,
        said: &Said,
    ) -> Result<StatementFacts, OidError> {
        let seen = self.ago(said.age);
        let (relation, compared) = match (said.since, self.movement) {
            (Some(place), _) => (BaseRelation::InRange, Some(commit_id(place)?)),
            (None, Movement::New) => (BaseRelation::None, None),
            (None, Movement::Forward | Movement::Forced | Movement::Back | Movement::Deletion) => {
                (BaseRelation::Before, Some(base))
            }
        };
        let signer = match &said.by {
            Speaker::Person(name) => signed_by(policy, name),
            Speaker::Machine(name) => by_machine(policy, name),
        };
        Ok(StatementFacts {
            tag: id(Kind::Statement, number)?,
            statement: Statement {
                decision: said.decision,
                repository: policy.repository.0.clone(),
                refname: said.refname.as_ref().unwrap_or(&self.refname).clone(),
                base: compared,
                commit: commit_id(said.of)?,
                tree: id(Kind::Tree, said.of)?,
                expires: None,
                checkpoint: None,
                stage: None,
                reason: Some(said.reason.as_deref().unwrap_or(USUAL_REASON).to_owned()),
                particulars: said.particulars.clone(),
            },
            signer,
            first_seen: Some(seen),
            claimed: seen,
            base: relation,
        })
    }

    /// The withdrawal of a statement, which comes with the push.
    fn taken_back(
        &self,
        facts: &StatementFacts,
        number: usize,
    ) -> Result<StatementFacts, OidError> {
        let mut withdrawal = facts.clone();
        withdrawal.tag = id(Kind::Withdrawal, number)?;
        withdrawal.statement.decision = Decision::Withdraw {
            statement: facts.tag,
        };
        withdrawal.statement.particulars = Particulars::default();
        withdrawal.first_seen = Some(self.time);
        withdrawal.claimed = self.time;
        Ok(withdrawal)
    }

    /// Who was named a deputy, and what of that was taken back.
    pub(super) fn delegations(&self, policy: &Policy) -> Result<Vec<StatementFacts>, OidError> {
        let mut all = Vec::new();
        for (place, named) in self.deputies.iter().enumerate() {
            let number = self.said.len() + place;
            let seen = self.ago(named.age);
            let facts = StatementFacts {
                tag: id(Kind::Statement, number)?,
                statement: Statement {
                    decision: Decision::Delegate,
                    repository: policy.repository.0.clone(),
                    refname: self.refname.clone(),
                    base: None,
                    commit: id(Kind::Policy, 0)?,
                    tree: id(Kind::Tree, number)?,
                    expires: Some(named.until.unwrap_or_else(|| self.time.plus(A_DAY))),
                    checkpoint: None,
                    stage: None,
                    reason: Some(USUAL_REASON.to_owned()),
                    particulars: Particulars {
                        grant: Some(Grant {
                            to: named.to.clone(),
                            from: named.from.unwrap_or(seen),
                            paths: named.paths.clone(),
                        }),
                        ..Particulars::default()
                    },
                },
                signer: signed_by(policy, &named.by),
                first_seen: Some(seen),
                claimed: seen,
                base: BaseRelation::None,
            };
            let back = named.withdrawn.then(|| self.taken_back(&facts, number));
            all.push(facts);
            all.extend(back.transpose()?);
        }
        Ok(all)
    }

    /// What moving back would mean, where the scenario's push does.
    pub(super) fn way_back(
        &self,
        base: Oid,
        statements: &[StatementFacts],
    ) -> Option<WayBackFacts> {
        match self.movement {
            Movement::Forward | Movement::New | Movement::Forced | Movement::Deletion => None,
            Movement::Back => Some(WayBackFacts {
                is_ancestor: true,
                loses: vec![Lost {
                    oid: base,
                    title: "what is there now".to_owned(),
                }],
                statements: statements.to_vec(),
                accepted: Acceptance::Accepted,
                since: None,
                spent: BTreeSet::new(),
            }),
        }
    }

    /// What earlier emergencies let in, and what of it is owed.
    pub(super) fn owing(&self, policy: &Policy) -> Result<Vec<Owing>, OidError> {
        if self.earlier.is_empty() {
            return Ok(Vec::new());
        }
        let mut emergencies = Vec::new();
        let mut open = Vec::new();
        for (number, earlier) in self.earlier.iter().enumerate() {
            let debt = self.debt(policy, number, earlier)?;
            if debt.is_open() {
                open.push(Owed {
                    range: Ok(let_in(policy, &debt, number, earlier)?),
                    debt: debt.clone(),
                    reverted: false,
                });
            }
            emergencies.push(debt);
        }
        emergencies.sort_by_key(|debt| debt.time);
        Ok(vec![Owing {
            refname: self.refname.clone(),
            emergencies,
            open,
            fault: None,
        }])
    }

    fn debt(&self, policy: &Policy, number: usize, earlier: &Earlier) -> Result<Debt, OidError> {
        let rules = policy.rules_for(&self.refname);
        let within = rules.iter().filter_map(|rule| rule.emergency.as_ref());
        let within = within.map(|emergency| emergency.review_within).min();
        let time = self.ago(earlier.age);
        let entry = number as u64 + 1;
        Ok(Debt {
            entry,
            time,
            base: Some(id(Kind::Before, number)?),
            old: id(Kind::Before, number)?,
            commit: id(Kind::Earlier, number)?,
            tag: id(Kind::Declared, number)?,
            cosigned: Vec::new(),
            people: BTreeSet::from([earlier.by.clone()]),
            due: time.plus(within.unwrap_or(Emergency::REVIEW_WITHIN)),
            settled: earlier.reviewed.then_some(entry),
            spent: true,
            told: Deadline::default(),
        })
    }
}

/// What an earlier emergency let in: one commit of the one who declared it.
fn let_in(
    policy: &Policy,
    debt: &Debt,
    number: usize,
    earlier: &Earlier,
) -> Result<RangeFacts, OidError> {
    let commit = CommitFacts {
        oid: debt.commit,
        parents: vec![id(Kind::Before, number)?],
        title: format!("emergency {}", number + 1),
        claims: Vec::new(),
        signature: signed_by(policy, &earlier.by),
        first_pushers: crate::facts::FirstPushers::default(),
        content: crate::facts::Content::Adds(vec![crate::types::RepoPath::new(b"fix".to_vec())]),
        approving: None,
        tickets: Vec::new(),
    };
    Ok(RangeFacts {
        base: debt.base,
        tip: debt.commit,
        fast_forward: true,
        commits: vec![commit],
        statements: Vec::new(),
        delegations: Vec::new(),
        undone: Vec::new(),
        way_back: None,
    })
}

/// A good signature by a machine.
fn by_machine(policy: &Policy, name: &MachineName) -> SignatureFact {
    let machine = policy.machines.get(name);
    match machine.and_then(|machine| machine.keys.first()) {
        Some(key) => SignatureFact::Machine {
            machine: name.clone(),
            key: key.clone(),
        },
        None => SignatureFact::Unsigned,
    }
}
