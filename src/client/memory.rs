//! What a clone can know in place of the server's ledger.

use super::rollbacks::KnownRollback;
use crate::facts::{Arrival, Debt, Memory, Undone};
use crate::types::{Claimant, Oid, PersonName, RefName, Timestamp};
use crate::witness::Debts;
use std::collections::{HashMap, HashSet};

/// The assumptions under which a clone judges.
///
/// The range starts at the server's own value of the ref. When the server first saw a statement is
/// not known here: `seen` holds what is assumed, `now` where it says nothing.
#[derive(Debug, Clone)]
pub(super) struct CloneMemory {
    /// When objects are taken to have been first seen.
    pub(super) seen: HashMap<Oid, Timestamp>,
    /// What is taken for all others.
    pub(super) now: Timestamp,
    /// The commits that the server does not have yet.
    pub(super) new: HashSet<Oid>,
    /// Who is taken to push them.
    pub(super) pusher: Option<PersonName>,
    /// The emergencies that the server shows.
    pub(super) debts: Debts,
    /// What the server rolled back, as far as that can be told here.
    pub(super) rollbacks: HashMap<RefName, Vec<KnownRollback>>,
}

impl Memory for CloneMemory {
    fn approved(&self, _refname: &RefName, current: Option<Oid>) -> Result<Option<Oid>, String> {
        Ok(current)
    }

    fn emergencies(&self, refname: &RefName) -> Result<Vec<Debt>, String> {
        Ok(self.debts.get(refname).cloned().unwrap_or_default())
    }

    fn first_seen(&self, oid: Oid) -> Result<Option<Timestamp>, String> {
        Ok(Some(self.seen.get(&oid).copied().unwrap_or(self.now)))
    }

    fn undone(&self, refname: &RefName, commits: &[Oid]) -> Result<Vec<Undone>, String> {
        let all = self.rollbacks.get(refname).into_iter().flatten();
        Ok(all.filter_map(|one| one.undone(commits)).collect())
    }

    fn first_pushes(&self, commits: &[Oid]) -> Result<HashMap<Oid, Vec<Arrival>>, String> {
        let Some(person) = &self.pusher else {
            return Ok(HashMap::new());
        };
        let own = Arrival {
            by: Claimant::Person(person.clone()),
            landed: true,
        };
        let new = commits.iter().filter(|commit| self.new.contains(*commit));
        Ok(new.map(|commit| (*commit, vec![own.clone()])).collect())
    }
}
