//! What only a server remembers.

use super::{Acceptance, Arrival, Debt, Undone};
use crate::types::{Oid, RefName, Timestamp};
use std::collections::{BTreeSet, HashMap};

/// What is known of one ref.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Where the range starts.
    pub approved: Option<Oid>,
    /// What emergencies let in, oldest first.
    pub emergencies: Vec<Debt>,
}

/// What was learnt before this push. The server's ledger is one; a clone knows less.
pub trait Memory {
    /// Where the range of `refname` starts: the last commit that was accepted, given that the ref
    /// really names `current`; nothing if nothing was ever accepted or pinned.
    ///
    /// # Errors
    /// A sentence, when it cannot be told.
    fn approved(&self, refname: &RefName, current: Option<Oid>) -> Result<Option<Oid>, String>;

    /// Every emergency that let something in to `refname`, as far as it is remembered, oldest first.
    ///
    /// # Errors
    /// A sentence, when it cannot be told.
    fn emergencies(&self, _refname: &RefName) -> Result<Vec<Debt>, String> {
        Ok(Vec::new())
    }

    /// Both at once: a server has them in one place.
    ///
    /// # Errors
    /// A sentence, when it cannot be told.
    fn known(&self, refname: &RefName, current: Option<Oid>) -> Result<Known, String> {
        Ok(Known {
            approved: self.approved(refname, current)?,
            emergencies: self.emergencies(refname)?,
        })
    }

    /// When a statement or approving commit was first seen here.
    ///
    /// # Errors
    /// A sentence, when it cannot be told.
    fn first_seen(&self, oid: Oid) -> Result<Option<Timestamp>, String>;

    /// For each commit the earlier pushes that brought it, and may have been the first to. None
    /// for what was there before relhook, or came past it.
    ///
    /// # Errors
    /// A sentence, when it cannot be told.
    fn first_pushes(&self, _commits: &[Oid]) -> Result<HashMap<Oid, Vec<Arrival>>, String> {
        Ok(HashMap::new())
    }

    /// The earlier rollbacks of `refname` that undid some of these commits. Asked after
    /// [`Self::approved`].
    ///
    /// # Errors
    /// A sentence, when it cannot be told.
    fn undone(&self, _refname: &RefName, _commits: &[Oid]) -> Result<Vec<Undone>, String> {
        Ok(Vec::new())
    }

    /// What is known of moving `refname` back from `old` to `new`.
    ///
    /// # Errors
    /// A sentence, when it cannot be told.
    fn way_back(&self, _refname: &RefName, _old: Oid, _new: Oid) -> Result<WayBack, String> {
        Ok(WayBack {
            accepted: Acceptance::Unknown,
            since: None,
            spent: BTreeSet::new(),
        })
    }
}

/// What is remembered of a way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayBack {
    /// Whether the ref was let be there before.
    pub accepted: Acceptance,
    /// When the ref was last let be where it is.
    pub since: Option<Timestamp>,
    /// The tags of the statements that earlier rollbacks of the ref rested on.
    pub spent: BTreeSet<Oid>,
}
