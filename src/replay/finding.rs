//! What a replay lists.

use crate::decide::{Code, Reason};
use crate::types::{Oid, Timestamp};

/// What a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// It is not as it has to be.
    Found,
    /// What is here does not tell.
    Doubt,
}

/// Something that does not hold up, or that cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which kind.
    pub code: Code,
    /// Whether that is certain.
    pub weight: Weight,
    /// The ref, escaped; absent where it is about a push as a whole.
    pub refname: Option<String>,
    /// The entry of the log that it is about.
    pub entry: Option<u64>,
    /// That entry's time.
    pub time: Option<Timestamp>,
    /// What the ref named before.
    pub from: Option<Oid>,
    /// What it was moved to.
    pub to: Option<Oid>,
    /// One sentence, escaped.
    pub text: String,
    /// What speaks against the move, where it was judged again.
    pub reasons: Vec<Why>,
    /// Commits that nobody judged, at most 100.
    pub commits: Vec<Oid>,
    /// How many there are.
    pub commit_count: usize,
}

/// So many commits of a finding are listed.
pub const MAX_COMMITS: usize = 100;

/// One thing that speaks against a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// Its code.
    pub code: Code,
    /// One sentence, escaped.
    pub text: String,
}

impl From<&Reason> for Why {
    fn from(reason: &Reason) -> Self {
        Self {
            code: reason.code(),
            text: reason.to_string(),
        }
    }
}

/// Something that the policy of its day allows and that a reader may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The ref, escaped.
    pub refname: Option<String>,
    /// The entry that it is about.
    pub entry: Option<u64>,
    /// One sentence, escaped.
    pub text: String,
}

impl Finding {
    /// With nothing but what it says.
    pub(super) fn new(code: Code, weight: Weight, text: impl Into<String>) -> Self {
        Self {
            code,
            weight,
            refname: None,
            entry: None,
            time: None,
            from: None,
            to: None,
            text: text.into(),
            reasons: Vec::new(),
            commits: Vec::new(),
            commit_count: 0,
        }
    }

    /// The same about an entry.
    #[must_use]
    pub(super) fn at(self, entry: u64, time: Timestamp) -> Self {
        Self {
            entry: Some(entry),
            time: Some(time),
            ..self
        }
    }

    /// The same about a move of a ref.
    #[must_use]
    pub(super) fn of(
        self,
        refname: impl ToString,
        from: Option<Oid>,
        to: impl Into<Option<Oid>>,
    ) -> Self {
        Self {
            refname: Some(refname.to_string()),
            from,
            to: to.into(),
            ..self
        }
    }

    /// The same for these reasons.
    #[must_use]
    pub(super) fn because<'a>(self, reasons: impl IntoIterator<Item = &'a Reason>) -> Self {
        let reasons = reasons.into_iter().map(Why::from).collect();
        Self { reasons, ..self }
    }

    /// The same with the commits that it is about.
    #[must_use]
    pub(super) fn listing(self, mut commits: Vec<Oid>) -> Self {
        let commit_count = commits.len();
        commits.truncate(MAX_COMMITS);
        Self {
            commits,
            commit_count,
            ..self
        }
    }
}
