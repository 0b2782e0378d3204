//! What a statement says, before anybody asked who signed it.

use crate::types::{CheckName, Oid, PersonName, RefName, StageName, Timestamp, WindowName};

/// What the signer states. A server that does not know a decision refuses it.
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
    /// The commit may go out before anybody else has approved it: breaking the glass.
    Emergency,
    /// Another person may approve in the signer's stead for a while, as [`Particulars::grant`] says.
    Delegate,
    /// The ref may go back from [`Statement::base`] to the commit.
    Rollback,
    /// A machine tried the commit, as [`Particulars::check`] says.
    Check,
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
            Self::Emergency => "emergency",
            Self::Delegate => "delegate",
            Self::Rollback => "rollback",
            Self::Check => "check",
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
    /// What some decisions say besides.
    pub particulars: Particulars,
}

/// What some decisions say besides what all do. Each is there only where its decision allows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Particulars {
    /// The change request or incident: in an approval, an emergency or a rollback.
    pub ticket: Option<String>,
    /// The emergency statement whose debt an approval settles, by its tag object.
    pub settles: Option<Oid>,
    /// The rollback statements whose reasons an approval answers, by their tag objects.
    pub answers: Vec<Oid>,
    /// The windows and freezes that an approval overrides, as the policy names them; an approval
    /// that overrides something says why.
    pub overrides: Vec<WindowName>,
    /// The person in whose stead an approval or a rejection is given.
    pub stead: Option<PersonName>,
    /// What a delegation grants: there for [`Decision::Delegate`], and for nothing else.
    pub grant: Option<Grant>,
    /// What a machine found: there for [`Decision::Check`], and for nothing else.
    pub check: Option<CheckResult>,
}

/// What a delegation grants until the statement expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Who may approve in the signer's stead.
    pub to: PersonName,
    /// From when on.
    pub from: Timestamp,
    /// The globs of the paths that it is for; all paths where there are none.
    pub paths: Vec<String>,
}

/// What a machine found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckResult {
    /// What it tried.
    pub name: CheckName,
    /// Whether that went well.
    pub passed: bool,
}
