//! What only a server remembers.

use super::Arrival;
use crate::types::{Oid, RefName, Timestamp};
use std::collections::HashMap;

/// What was learnt before this push. The server's ledger is one; a clone knows less.
pub trait Memory {
    /// Where the range of `refname` starts: the last commit that was accepted, given that the ref
    /// really names `current`; nothing if nothing was ever accepted or pinned.
    ///
    /// # Errors
    /// A sentence, when it cannot be told.
    fn approved(&self, refname: &RefName, current: Option<Oid>) -> Result<Option<Oid>, String>;

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
}
