//! Why an update is refused: one variant a reason, holding the facts; the sentence is made here.

use super::Code;
use std::fmt;

/// One reason to refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The update deletes a ref that may not be deleted.
    Deletion,
}

impl Reason {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Deletion => Code(101),
        }
    }

    /// What to do about it: who can supply what is missing, and the command to run next. Each is
    /// one line without its `hint:`.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Deletion => vec!["ask the repository's administrator".into()],
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deletion => f.write_str("this ref may not be deleted"),
        }
    }
}
