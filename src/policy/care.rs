//! What a target is to have beside its files: how they are verified, what becomes of changes by
//! hand, and what says that a release works.

use crate::types::Seconds;
use std::path::PathBuf;

/// How a target is looked after.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Care {
    /// How the files of a release are verified when they have arrived.
    pub verify: Verify,
    /// What becomes of what somebody changed by hand on the target.
    pub drift: OnDrift,
    /// What says that a release works; nothing if absent.
    pub health: Option<Health>,
}

/// How the files on a target are compared with what they are to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verify {
    /// By hash where the place tells one, else by size.
    #[default]
    Quick,
    /// By hash always: what the place tells no hash of is read back.
    Deep,
}

/// What a release does with a target that somebody changed by hand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnDrift {
    /// It goes ahead: what was accepted is what is to stand there.
    #[default]
    Overwrite,
    /// It looks first, and stops where it finds anything.
    Refuse,
}

/// What says whether a release works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// What is asked.
    pub check: HealthCheck,
    /// How long it may take in all until the answer is good.
    pub within: Seconds,
    /// How often it is asked again after an answer that is not.
    pub retries: u32,
}

/// What is asked whether a release works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HealthCheck {
    /// A page.
    Http {
        /// Its address; `http` or `https`, without a user's name.
        url: String,
        /// The status that the answer has to have.
        status: u16,
        /// What its body has to hold, if anything.
        contains: Option<String>,
    },
    /// A program, started without a shell: exit 0 is good.
    Command {
        /// The program's absolute path.
        program: PathBuf,
        /// What it is given.
        args: Vec<String>,
    },
}
