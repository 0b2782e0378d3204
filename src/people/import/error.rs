//! Why a list cannot be taken.

use super::MAX_FILE_BYTES;
use crate::types::escape;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Why nothing is proposed. Everything taken from outside is escaped.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file that cannot be read.
    #[error("{file} cannot be read: {why}")]
    File {
        /// Which.
        file: String,
        /// What the system says.
        why: std::io::Error,
    },
    /// A file that is too large.
    #[error("{file} is larger than {MAX_FILE_BYTES} bytes")]
    TooLarge {
        /// Which.
        file: String,
    },
    /// A line that cannot be taken.
    #[error("{file}:{line}: {why}")]
    Line {
        /// Which file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// A history that cannot be walked.
    #[error("the history cannot be read: {why}")]
    History {
        /// What is wrong.
        why: String,
    },
    /// What was to be merged is not there.
    #[error(
        "`--merge`: nobody here is `{name}`: name a person of the policy, or an address that was read"
    )]
    NoSuch {
        /// The name.
        name: String,
    },
}

/// What is wrong with one line.
#[derive(Debug)]
pub(super) struct LineFault {
    line: u64,
    why: String,
}

impl LineFault {
    pub(super) fn new(line: u64, why: impl Into<String>) -> Self {
        let why = why.into();
        Self { line, why }
    }

    pub(super) fn about(self, file: &Path) -> ImportError {
        ImportError::Line {
            file: shown(file),
            line: self.line,
            why: self.why,
        }
    }
}

fn shown(file: &Path) -> String {
    escape(file.as_os_str().as_bytes())
}

/// A list's bytes, bounded. A byte-order mark is dropped.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, ImportError> {
    let failed = |why| ImportError::File {
        file: shown(file),
        why,
    };
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).map_err(failed)?;
    let limit = MAX_FILE_BYTES as u64 + 1;
    opened.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(ImportError::TooLarge { file: shown(file) });
    }
    if let Some(nul) = bytes.iter().position(|byte| *byte == 0) {
        let before = bytes.get(..nul).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        return Err(LineFault::new(line, "holds a NUL byte").about(file));
    }
    Ok(bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .map(<[u8]>::to_vec)
        .unwrap_or(bytes))
}
