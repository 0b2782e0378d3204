//! What a replay comes to.

use super::{Finding, Move, Remark, Weight};
use crate::types::Oid;

/// A replay that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// The repository's name.
    pub repository: String,
    /// What it was read from.
    pub source: Source,
    /// The refs that were followed, by name.
    pub refs: Vec<RefAccount>,
    /// The moves that were judged again, in the order of the log; none without a log.
    pub moves: Vec<Move>,
    /// What does not hold up, and what cannot be told, in the order of the log.
    pub findings: Vec<Finding>,
    /// What a reader may want to know besides.
    pub remarks: Vec<Remark>,
}

/// What a replay was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A log that verifies.
    Log {
        /// How many entries it has.
        entries: u64,
        /// Its size and root.
        checkpoint: String,
    },
    /// A clone, without a log.
    Clone {
        /// The remote, without a password.
        remote: String,
        /// The log's size and root as the server shows it, where it does.
        checkpoint: Option<String>,
    },
}

/// One ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefAccount {
    /// Its name, escaped.
    pub refname: String,
    /// Where judging began: what was taken as given; absent where that is nothing.
    pub start: Option<Oid>,
    /// What it names now.
    pub value: Option<Oid>,
    /// The moves that were judged again.
    pub moves: u64,
    /// Those of them that hold up.
    pub held: u64,
}

/// What it comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every move holds up, and no ref moved otherwise.
    Clean,
    /// Something does not hold up.
    Found,
    /// Nothing is known to be wrong, but not all can be told.
    Unclear,
}

impl Outcome {
    /// The word in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Found => "found",
            Self::Unclear => "unclear",
        }
    }
}

impl Replay {
    /// What it comes to.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let has = |weight| self.findings.iter().any(|finding| finding.weight == weight);
        if has(Weight::Found) {
            Outcome::Found
        } else if has(Weight::Doubt) {
            Outcome::Unclear
        } else {
            Outcome::Clean
        }
    }
}
