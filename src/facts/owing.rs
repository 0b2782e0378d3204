//! What emergencies let in to a ref, as the log has it, and what is owed for it.

use super::gather::Gatherer;
use super::{ArrivingStatement, Fault, RangeFacts, StatementOutcome};
use crate::statement::Decision;
use crate::types::{Deadline, Oid, PersonName, RefChange, RefName, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What an emergency let in to a ref. Until somebody distinct has looked at it, it is owed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Debt {
    /// The entry that let it in.
    pub entry: u64,
    /// When that was.
    pub time: Timestamp,
    /// Where the range began that it let in.
    pub base: Option<Oid>,
    /// What the ref named before.
    pub old: Oid,
    /// What it came to name.
    pub commit: Oid,
    /// The tag of the statement that declared it.
    pub tag: Oid,
    /// The tags of the statements that signed it too.
    pub cosigned: Vec<Oid>,
    /// Who declared it and signed it too, as the entry names them.
    pub people: BTreeSet<PersonName>,
    /// Until when it is to be looked at.
    pub due: Timestamp,
    /// The entry that says that it is settled.
    pub settled: Option<u64>,
    /// Whether its statements are used up: the ref was seen to move, or has been moved since.
    pub spent: bool,
    /// What was told of its deadline.
    #[serde(default)]
    pub told: Deadline,
}

impl Debt {
    /// Whether nobody distinct has settled it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.settled.is_none()
    }

    /// Whether it is open and its deadline is past.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.is_open() && self.due <= now
    }

    /// How its deadline stands.
    #[must_use]
    pub fn deadline(&self, now: Timestamp) -> Deadline {
        Deadline::at(self.time, self.due, now)
    }

    /// Whether one of its statements is this.
    #[must_use]
    pub fn rests_on(&self, tag: Oid) -> bool {
        self.tag == tag || self.cosigned.contains(&tag)
    }
}

/// What is remembered of a ref's emergencies, with what is owed for them.
#[derive(Debug, Clone)]
pub struct Owing {
    /// The ref.
    pub refname: RefName,
    /// Every emergency that is remembered, oldest first.
    pub emergencies: Vec<Debt>,
    /// Those that are owed, with what they let in.
    pub open: Vec<Owed>,
    /// Why what is remembered cannot be told, if so.
    pub fault: Option<String>,
}

/// Something that is owed.
#[derive(Debug, Clone)]
pub struct Owed {
    /// What.
    pub debt: Debt,
    /// The commits that it let in, and what is stated about them.
    pub range: Result<RangeFacts, Fault>,
    /// Whether this push takes all of it back.
    pub reverted: bool,
}

impl Gatherer<'_> {
    /// What is owed for a ref that is pushed to.
    pub(super) fn owing_of(
        &mut self,
        refname: &RefName,
        change: &RefChange,
        arriving: &[ArrivingStatement],
    ) {
        if self.knows_owing(refname) {
            return;
        }
        // What was read with the range's start.
        let emergencies = self.emergencies.remove(refname).unwrap_or_default();
        let moves = change.new_oid().map(|new| (change.old(), new));
        self.owe(refname, Ok(emergencies), moves, arriving);
    }

    /// What is owed for the refs that pushed statements are about, where one may have a say in it.
    pub(super) fn owing_of_statement(
        &mut self,
        outcome: &StatementOutcome,
        arriving: &[ArrivingStatement],
    ) {
        let StatementOutcome::Read(read) = outcome else {
            return;
        };
        let refname = &read.statement.refname;
        let policy = self.sources.policy;
        let rules = policy.rules_for(refname);
        let may = read.statement.particulars.settles.is_some()
            || rules.iter().any(|rule| rule.emergency.is_some());
        let has_a_say = match read.statement.decision {
            Decision::Approve | Decision::Reject | Decision::Withdraw { .. } => true,
            Decision::Lift
            | Decision::Emergency
            | Decision::Delegate
            | Decision::Rollback
            | Decision::Check => false,
        };
        if may && has_a_say && !rules.is_empty() && !self.knows_owing(refname) {
            let emergencies = self.sources.memory.emergencies(refname);
            self.owe(refname, emergencies, None, arriving);
        }
    }

    /// What is owed for a ref, whatever is pushed.
    pub(super) fn owing_of_ref(&mut self, refname: &RefName) {
        if !self.knows_owing(refname) {
            let emergencies = self.sources.memory.emergencies(refname);
            self.owe(refname, emergencies, None, &[]);
        }
    }

    fn knows_owing(&self, refname: &RefName) -> bool {
        self.owing.iter().any(|owing| owing.refname == *refname)
    }

    fn owe(
        &mut self,
        refname: &RefName,
        emergencies: Result<Vec<Debt>, String>,
        moves: Option<(Option<Oid>, Oid)>,
        arriving: &[ArrivingStatement],
    ) {
        let (emergencies, fault) = match emergencies {
            Ok(emergencies) => (emergencies, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        if emergencies.is_empty() && fault.is_none() {
            return;
        }
        let open: Vec<Debt> = emergencies
            .iter()
            .filter(|one| one.is_open())
            .cloned()
            .collect();
        let open = open.into_iter().map(|debt| {
            let range = self.read_between(refname, debt.commit, debt.base, arriving);
            Owed {
                reverted: moves.is_some_and(|(old, new)| self.takes_back(&debt, old, new)),
                range,
                debt,
            }
        });
        let open = open.collect();
        self.owing.push(Owing {
            refname: refname.clone(),
            emergencies,
            open,
            fault,
        });
    }

    /// Whether it is this very move that takes back what was let in. What cannot be told was not.
    fn takes_back(&mut self, debt: &Debt, old: Option<Oid>, new: Oid) -> bool {
        let was = old.is_some_and(|old| self.reverts(debt, old).unwrap_or(true));
        !was && self.reverts(debt, new).unwrap_or(false)
    }

    /// Whether `new` comes after what was let in, and holds at each path that it changed what was there
    /// before.
    fn reverts(&mut self, debt: &Debt, new: Oid) -> Result<bool, Fault> {
        let Some(base) = debt.base.filter(|_| new != debt.commit) else {
            return Ok(false);
        };
        if !self
            .graph
            .reaches(new, &[debt.commit])?
            .contains(&debt.commit)
        {
            return Ok(false);
        }
        let trees = [base, debt.commit, new].map(|oid| self.graph.tree(oid));
        let [before, between, after] = trees;
        let (before, between, after) = (Some(before?), Some(between?), Some(after?));
        let changed: BTreeSet<_> = self.trees.diff(before, between)?.into_iter().collect();
        let differs = self.trees.diff(before, after)?;
        Ok(differs.iter().all(|path| !changed.contains(path)))
    }
}
