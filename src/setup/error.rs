//! Why the machine could not be asked.

use std::io;
use std::path::PathBuf;

/// Why the machine could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// git could not be run.
    #[error("git could not be run: {source}")]
    NoGit {
        /// What the system said.
        source: io::Error,
    },
    /// git failed.
    #[error("`git {what}` failed: {said}")]
    GitSaid {
        /// The arguments.
        what: String,
        /// The first line of what it said, escaped.
        said: String,
    },
    /// git's version cannot be read.
    #[error("git's version cannot be read from `{version}`")]
    OddGit {
        /// What git said, escaped.
        version: String,
    },
    /// The path of this program cannot stand in a hook.
    #[error("the path of this program, `{path}`, cannot stand in a hook: {why}")]
    OddProgram {
        /// The path, escaped.
        path: String,
        /// Why.
        why: &'static str,
    },
    /// A file could not be looked at.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
