//! What a target holds beside what it is to hold, found out without touching it.

use super::plan::Content;
use crate::types::RepoPath;
use std::collections::BTreeMap;

/// How a target compares with the accepted commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Files that are there with the right content, by hash or by reading them back.
    pub equal: BTreeMap<RepoPath, Content>,
    /// Files that are there with another content.
    pub different: Vec<RepoPath>,
    /// Files that are not there.
    pub missing: Vec<RepoPath>,
    /// Files of earlier releases that a release would remove.
    pub surplus: Vec<RepoPath>,
    /// What else is there: files and whole directories (with a `/` behind) that relhook did not put
    /// there and that a release leaves alone.
    pub foreign: Vec<RepoPath>,
}

impl Comparison {
    /// Whether the target holds exactly the commit's files, whatever else it has.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.different.is_empty() && self.missing.is_empty() && self.surplus.is_empty()
    }
}
