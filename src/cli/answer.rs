//! What a command answers with: text for standard output, and how to exit.

use crate::client::ClientError;
use crate::directory::DirectoryError;
use crate::facts::StoreError;
use std::fmt;
use std::process::ExitCode;

/// A command's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Answer {
    /// What goes to standard output; whole lines.
    pub text: String,
    /// How to exit.
    pub exit: Exit,
}

impl Answer {
    /// Done, or would pass.
    pub fn pass(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            exit: Exit::Pass,
        }
    }

    /// Would be refused.
    pub fn refused(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            exit: Exit::Refused,
        }
    }
}

/// How the program exits. The numbers are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, or would pass.
    Pass,
    /// 1: would be refused.
    Refused,
    /// 2: the command was not understood.
    Usage,
    /// 3: it cannot be told.
    CannotTell,
    /// 4: the record or a signed object is not what it has to be.
    Integrity,
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Refused => 1,
            Self::Usage => 2,
            Self::CannotTell => 3,
            Self::Integrity => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// An error that says how to exit; every other error means that it cannot be told.
#[derive(Debug)]
pub struct Failure {
    /// How to exit.
    pub exit: Exit,
    /// What is wrong, with a hint where there is one.
    pub message: String,
}

impl Failure {
    /// It was looked at, and refused for this reason.
    pub fn refused(error: impl Into<anyhow::Error>) -> anyhow::Error {
        Self {
            exit: Exit::Refused,
            message: sentence(&error.into()),
        }
        .into()
    }

    /// The command was given something that it cannot work with.
    pub fn usage(message: impl Into<String>) -> anyhow::Error {
        Self {
            exit: Exit::Usage,
            message: message.into(),
        }
        .into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// How to exit after `error`.
pub(super) fn exit_of(error: &anyhow::Error) -> Exit {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.exit;
    }
    match error.downcast_ref::<ClientError>() {
        Some(error) if error.is_integrity() => Exit::Integrity,
        Some(error) if error.is_usage() => Exit::Usage,
        Some(error) if error.is_refusal() => Exit::Refused,
        Some(_) | None => Exit::CannotTell,
    }
}

/// What to do about `error`, where that is known.
pub(super) fn hint(error: &anyhow::Error) -> Option<&'static str> {
    if let Some(error) = error.downcast_ref::<StoreError>() {
        return Some(error.hint());
    }
    if let Some(error) = error.downcast_ref::<DirectoryError>() {
        return Some(error.hint());
    }
    error.downcast_ref::<ClientError>()?.hint()
}

/// An error and its causes as one sentence: a cause that the sentence names already is left out.
pub(super) fn sentence(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |said, cause| {
        let cause = cause.to_string();
        if said.is_empty() {
            cause
        } else if said.contains(&cause) {
            said
        } else {
            format!("{said}: {cause}")
        }
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow::anyhow!("disk full")
            .context("log: disk full")
            .context("no verdict");
        assert_eq!(super::sentence(&error), "no verdict: log: disk full");
    }
}
