//! What a statement says, before anybody asked who signed it.

use crate::types::{Oid, RefName, StageName, Timestamp};

/// What the signer states. The format names more (emergency, delegate, rollback, hold, check);
/// a server that does not know one refuses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// Yes to the commit and what it brings.
    Approve,
    /// No to it.
    Reject,
    /// The commit may go on to the stage that [`Statement::stage`] names, which was held.
    Lift,
    /// An earlier statement of the same signer no longer holds.
    Withdraw {
        /// The withdrawn statement's tag object.
        statement: Oid,
    },
}

impl Decision {
    /// The word in the trailer and the tag's name.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Lift => "lift",
            Self::Withdraw { .. } => "withdraw",
        }
    }
}

/// A statement that fits the format: its trailers agree with each other and with its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What is stated.
    pub decision: Decision,
    /// The repository's name, as the policy writes it.
    pub repository: String,
    /// The ref that the commit is approved for.
    pub refname: RefName,
    /// The commit that the signer compared with; absent where there was none.
    pub base: Option<Oid>,
    /// The commit.
    pub commit: Oid,
    /// Its tree.
    pub tree: Oid,
    /// When the statement stops counting.
    pub expires: Option<Timestamp>,
    /// The audit log's head that the signer last saw, as written.
    pub checkpoint: Option<String>,
    /// The stage whose hold is lifted: there for [`Decision::Lift`], and for nothing else.
    pub stage: Option<StageName>,
    /// Why, where the signer said so; escaped by whoever shows it.
    pub reason: Option<String>,
}
