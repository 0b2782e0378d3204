//! What a sync found and did, for whoever reads it.

use super::{Change, Conflict, Effect, Kind, Remark};
use crate::types::Oid;

/// What a sync found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The server's URL.
    pub server: String,
    /// What kind of server it is.
    pub kind: Kind,
    /// How many accounts were read.
    pub accounts: usize,
    /// What changes.
    pub changes: Vec<Change>,
    /// What is worth a look.
    pub remarks: Vec<Remark>,
    /// What has to be settled first.
    pub conflicts: Vec<Conflict>,
    /// What makes the new policy unsound, a line each.
    pub complaints: Vec<String>,
    /// What the policy's own check warns of, and did not before.
    pub warnings: Vec<String>,
    /// What becomes of statements that wait.
    pub effects: Vec<Effect>,
    /// How many statements were not looked at.
    pub unread: usize,
    /// What was done.
    pub outcome: Outcome,
}

/// What a sync did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The policy says already what the directory says.
    Unchanged,
    /// Nothing: there are conflicts, or the new policy would not be sound.
    Refused,
    /// Nothing: it was only to be shown.
    Shown,
    /// The new policy is in this file, escaped.
    Written {
        /// Which.
        file: String,
    },
    /// The new policy is a commit.
    Committed {
        /// On this branch, escaped, in short.
        branch: String,
        /// Its id.
        commit: Oid,
        /// The remote that it is for, escaped.
        remote: String,
    },
}

impl Report {
    /// Commands that bring the change further, each with what it is for.
    #[must_use]
    pub fn next(&self) -> Vec<(&'static str, String)> {
        let Outcome::Committed { branch, remote, .. } = &self.outcome else {
            return Vec::new();
        };
        let policy = crate::policy::POLICY_REF;
        let (branch, remote) = (
            crate::types::shell_word(branch),
            crate::types::shell_word(remote),
        );
        vec![
            (
                "to let others fetch it",
                format!("git push {remote} {branch}"),
            ),
            (
                "somebody else, after a git fetch",
                format!("relhook approve {remote}/{branch} --ref {policy}"),
            ),
            (
                "once it is approved",
                format!("git push {remote} {branch}:{policy}"),
            ),
        ]
    }
}
