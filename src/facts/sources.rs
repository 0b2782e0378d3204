//! Where facts come from.

use super::{Memory, Store};
use crate::policy::Policy;
use crate::signature::Keyring;
use crate::types::{RefName, Timestamp};

/// Everything that facts about a push are gathered from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The repository.
    pub store: &'a Store,
    /// The policy in force, never one that the push brings.
    pub policy: &'a Policy,
    /// Its keys.
    pub keyring: &'a Keyring,
    /// What was learnt before.
    pub memory: &'a dyn Memory,
    /// The server's clock, never behind the audit log's last entry.
    pub now: Timestamp,
    /// Who wants to hear how far a long range has come.
    pub progress: Option<&'a dyn Fn(Progress<'_>)>,
}

/// How far the reading of one range has come.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// The ref.
    pub refname: &'a RefName,
    /// Commits read.
    pub done: usize,
    /// Commits in the range.
    pub total: usize,
}

impl std::fmt::Debug for Sources<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources")
            .field("store", self.store)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}
