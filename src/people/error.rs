//! Why a proposal cannot be written into a policy.

use crate::policy::PolicyErrors;

/// Why there is no text. Everything taken from outside is escaped.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A value that the policy would refuse.
    #[error("the {part} `{value}` of `{person}` {why}")]
    Value {
        /// Whose.
        person: String,
        /// `e-mail`, `login` and so on.
        part: &'static str,
        /// The value.
        value: String,
        /// What the policy says against it.
        why: String,
    },
    /// A team without anybody in it.
    #[error("the team `{team}` would be empty")]
    EmptyTeam {
        /// Which.
        team: String,
    },
    /// The file cannot be read as YAML of the strict kind.
    #[error("{0}")]
    Unreadable(PolicyErrors),
    /// The file's own keys do not each begin a line.
    #[error("the file is not written with each of its keys at the beginning of a line")]
    Layout,
    /// An entry that would be lost, because it cannot be read.
    #[error(
        "an entry of `{section}` is not as the format has it; `relhook policy lint` says where"
    )]
    Unknown {
        /// Which.
        section: &'static str,
    },
    /// What was written does not read back as it was meant: nothing is given then.
    #[error("the section `{section}` does not read back as it was written")]
    ReadsOtherwise {
        /// Which.
        section: &'static str,
    },
}

impl From<PolicyErrors> for WriteError {
    fn from(errors: PolicyErrors) -> Self {
        Self::Unreadable(errors)
    }
}
