//! What the last look at a target found: kept in the target's folder, told by `release status`, and
//! taken in by the next release, which sends again what somebody changed.

use super::{Change, Compared, Difference, Looked};
use crate::policy::Verify;
use crate::release::manifest::PathText;
use crate::types::{Oid, RepoPath, Timestamp};
use serde::{Deserialize, Serialize};

/// What the first field says.
const SCHEMA: &str = "relhook/drift-record/v1";

/// How many differences are kept.
const KEPT: usize = 100_000;

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    schema: String,
    /// When it was looked at.
    pub at: Timestamp,
    /// The commit that the target was to hold.
    pub commit: Oid,
    /// The number of the audit entry that accepted it.
    pub sequence: u64,
    /// Whether every content was read.
    pub deep: bool,
    /// How many files were compared in which way.
    pub compared: Compared,
    /// What somebody changed.
    pub differences: Vec<Named>,
    /// How many more there are.
    pub more: u64,
}

/// A difference, as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    pub(super) path: PathText,
    /// What was done.
    pub what: Change,
    /// What exactly, escaped.
    pub how: String,
}

impl Named {
    /// The path, escaped.
    #[must_use]
    pub fn shown(&self) -> String {
        self.path.path().map_or_else(
            |_| "a path that cannot be read".into(),
            |path| path.to_string(),
        )
    }
}

impl From<&Difference> for Named {
    fn from(difference: &Difference) -> Self {
        Self {
            path: (&difference.path).into(),
            what: difference.what,
            how: difference.how.clone(),
        }
    }
}

impl Finding {
    /// What `looked` found at `at`.
    #[must_use]
    pub fn new(looked: &Looked, at: Timestamp) -> Self {
        let all = &looked.differences;
        Self {
            schema: SCHEMA.to_owned(),
            at,
            commit: looked.commit,
            sequence: looked.sequence,
            deep: looked.depth == Verify::Deep,
            compared: looked.compared,
            differences: all.iter().take(KEPT).map(Named::from).collect(),
            more: all.len().saturating_sub(KEPT) as u64,
        }
    }

    /// Whether it is one that relhook writes.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.schema == SCHEMA
    }

    /// The released files that are not as they were released. Paths that no release holds are left
    /// out: nothing of them is to be sent.
    #[must_use]
    pub fn suspects(&self) -> Vec<RepoPath> {
        let released = |named: &&Named| match named.what {
            Change::Changed | Change::Missing | Change::Link => true,
            Change::Added => false,
        };
        let suspects = self.differences.iter().filter(released);
        suspects
            .filter_map(|named| named.path.path().ok())
            .collect()
    }

    /// How many differences there are in all.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.more.saturating_add(self.differences.len() as u64)
    }

    /// How many of each kind, in words: `2 changed, 1 added`.
    #[must_use]
    pub fn words(&self) -> String {
        let count = |what: Change| {
            let of = self.differences.iter().filter(|one| one.what == what);
            (of.count() as u64, what.word())
        };
        let kinds = [
            Change::Changed,
            Change::Missing,
            Change::Added,
            Change::Link,
        ];
        let words: Vec<String> = kinds
            .into_iter()
            .map(count)
            .chain([(self.more, "more")])
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| format!("{number} {word}"))
            .collect();
        match words.is_empty() {
            true => "nothing changed by hand".into(),
            false => words.join(", "),
        }
    }
}
