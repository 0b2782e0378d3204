//! Why a proposal cannot be written into a policy.

use crate::policy::rewrite::RewriteError;

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
    /// The policy's text cannot be rewritten.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
}
