//! Drift: what somebody changed on a target since the last release. What is to be there and what a
//! look found go in, the differences come out; who looks is each kind of target's own business.

mod compare;
mod record;

use super::{Content, FileKind, Manifest};
use crate::policy::Verify;
use crate::types::{Oid, RepoPath};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

pub(in crate::release) use compare::differs;
pub use compare::drift;
pub use record::{Finding, Named};

/// What is to be on a target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// The released files. Of one without a content it is not known what it is to hold: a run was
    /// interrupted while it changed.
    pub files: BTreeMap<RepoPath, (FileKind, Option<Content>)>,
    /// The directories that relhook made.
    pub dirs: BTreeSet<RepoPath>,
    /// Files of relhook's own that may be there for a while.
    pub passing: BTreeSet<RepoPath>,
}

impl Expected {
    /// What a manifest says.
    ///
    /// # Errors
    /// When it is not one that relhook writes.
    pub fn of(manifest: &Manifest) -> Result<Self, String> {
        let holding = manifest.holding()?;
        let mut expected = Self {
            dirs: holding.dirs,
            ..Self::default()
        };
        for (path, kind, _) in manifest.kinds() {
            let content = match holding.files.get(&path) {
                Some(super::Held::Known(content)) => Some(content.clone()),
                Some(super::Held::Uncertain) | None => None,
            };
            expected.files.insert(path, (kind, content));
        }
        Ok(expected)
    }
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A file.
    File {
        /// Its size in bytes, where it was told.
        size: Option<u64>,
        /// Its content's SHA-256 in lower-case hexadecimal digits, where it was computed.
        sha256: Option<String>,
        /// Whether its owner may run it, where that was told.
        runs: Option<bool>,
    },
    /// A symbolic link, with the SHA-256 of its target where that was read.
    Link(Option<String>),
    /// A directory.
    Directory,
    /// Neither a file nor a directory: the place does not say what else.
    Other,
}

/// What a look at a target found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// What stands where, as far as it was looked at.
    pub entries: BTreeMap<RepoPath, Seen>,
    /// Directories that are relhook's and of which everything is in `entries`; the release's own
    /// directory is the empty path.
    pub owned: BTreeSet<RepoPath>,
    /// How many files were compared in which way.
    pub compared: Compared,
}

/// How many files were compared in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// By their content's hash.
    pub hash: u64,
    /// By size, and by their time being older than the release's end.
    pub time: u64,
    /// By size alone.
    pub size: u64,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub path: RepoPath,
    /// What.
    pub what: Change,
    /// What exactly, in a few words.
    pub how: String,
}

/// What somebody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// What was released is different now.
    Changed,
    /// What was released is gone.
    Missing,
    /// Something stands in a directory of relhook's that was not released.
    Added,
    /// A symbolic link stands where none was released, or another one does.
    Link,
}

impl Change {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Added => "added",
            Self::Link => "link",
        }
    }
}

/// A target that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// The ref whose release is there, escaped.
    pub refname: String,
    /// The commit.
    pub commit: Oid,
    /// The number of the audit entry that accepted it.
    pub sequence: u64,
    /// How it was looked at.
    pub depth: Verify,
    /// How many files were compared in which way.
    pub compared: Compared,
    /// What somebody changed, by path.
    pub differences: Vec<Difference>,
}

#[cfg(test)]
mod tests;
