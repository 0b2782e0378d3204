//! Statements: the signed, annotated tags by which people approve, reject, lift a hold and withdraw.
//!
//! This room reads and writes what a statement says. Who signed it is told by `signature`, whether
//! it counts by `decide`. The format is described in docs/statements.md.

mod approving;
mod compose;
mod error;
mod model;
mod parse;
mod particulars;
mod reference;

pub use approving::{ApprovingError, ApprovingTrailers, approving};
pub use compose::{compose, tag_name};
pub use error::StatementError;
pub use model::{CheckResult, Decision, Grant, Particulars, Statement};
pub use parse::MAX_STATEMENT_BYTES;
pub use reference::{StatementId, StatementRef, StatementRefError};

/// Where statements are stored: `refs/relhook/statements/<oid>/<id>`.
pub const STATEMENT_PREFIX: &str = "refs/relhook/statements/";

/// The trailers' keys, as they are written.
mod key {
    pub(super) const VERSION: &str = "Relhook-Version";
    pub(super) const DECISION: &str = "Relhook-Decision";
    pub(super) const REPOSITORY: &str = "Relhook-Repository";
    pub(super) const REF: &str = "Relhook-Ref";
    pub(super) const BASE: &str = "Relhook-Base";
    pub(super) const COMMIT: &str = "Relhook-Commit";
    pub(super) const TREE: &str = "Relhook-Tree";
    pub(super) const EXPIRES: &str = "Relhook-Expires";
    pub(super) const CHECKPOINT: &str = "Relhook-Checkpoint";
    pub(super) const STAGE: &str = "Relhook-Stage";
    pub(super) const TICKET: &str = "Relhook-Ticket";
    pub(super) const SETTLES: &str = "Relhook-Settles";
    pub(super) const ANSWERS: &str = "Relhook-Answers";
    pub(super) const OVERRIDES: &str = "Relhook-Overrides";
    pub(super) const STEAD: &str = "Relhook-Stead";
    pub(super) const TO: &str = "Relhook-To";
    pub(super) const FROM: &str = "Relhook-From";
    pub(super) const PATHS: &str = "Relhook-Paths";
    pub(super) const CHECK: &str = "Relhook-Check";
    pub(super) const RESULT: &str = "Relhook-Result";
    pub(super) const WITHDRAWS: &str = "Relhook-Withdraws";
    pub(super) const REASON: &str = "Relhook-Reason";
    pub(super) const APPROVE: &str = "Relhook-Approve";

    /// Every key of a statement, in the order in which they are written.
    pub(super) const STATEMENT: [&str; 22] = [
        VERSION, DECISION, REPOSITORY, REF, BASE, COMMIT, TREE, FROM, EXPIRES, CHECKPOINT, STAGE,
        TICKET, SETTLES, ANSWERS, OVERRIDES, STEAD, TO, PATHS, CHECK, RESULT, WITHDRAWS, REASON,
    ];
}

#[cfg(test)]
mod tests;
