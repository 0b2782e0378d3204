//! The hook files: a few lines of shell each, with the program's path in them.

use super::SetupError;
use crate::types::escape;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// One hook file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shim {
    /// The hook's name.
    pub(crate) name: &'static str,
    /// Its text, with `@RELHOOK@` where the program's path goes.
    pub(crate) text: &'static str,
}

/// What the server's repository runs.
pub(crate) const SERVER: [Shim; 3] = [
    Shim {
        name: "pre-receive",
        text: include_str!("../../hooks/pre-receive"),
    },
    Shim {
        name: "post-receive",
        text: include_str!("../../hooks/post-receive"),
    },
    Shim {
        name: "reference-transaction",
        text: include_str!("../../hooks/reference-transaction"),
    },
];

/// What a developer's clone runs.
pub(crate) const CLIENT: [Shim; 1] = [Shim {
    name: "pre-push",
    text: include_str!("../../hooks/pre-push"),
}];

/// What every hook of ours says, whatever its version.
pub(super) const MARK: &[u8] = b"Installed by `relhook init";

/// The largest hook that is read to see whose it is, in bytes.
pub(super) const LIMIT: u64 = 64 << 10;

/// How a hook file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Ours, as it has to be.
    Good,
    /// Not there, empty, or ours and outdated.
    Wanting,
    /// Somebody else's.
    Foreign,
}

impl Shim {
    /// The text with the program's path, quoted for the shell.
    ///
    /// # Errors
    /// When the path cannot stand in a hook.
    pub(crate) fn render(&self, program: &Path) -> Result<Vec<u8>, SetupError> {
        let odd = |why| SetupError::OddProgram {
            path: escape(program.as_os_str().as_bytes()),
            why,
        };
        if !program.is_absolute() {
            return Err(odd("it is not absolute"));
        }
        let path = program.to_str().ok_or_else(|| odd("it is not UTF-8"))?;
        if path.chars().any(char::is_control) {
            return Err(odd("it holds a control character"));
        }
        let quoted = format!("'{}'", path.replace('\'', "'\\''"));
        Ok(self.text.replace("@RELHOOK@", &quoted).into_bytes())
    }
}

/// How the hook at `path` stands beside what it has to be.
///
/// # Errors
/// When it cannot be looked at.
pub(crate) fn look(path: &Path, wanted: &[u8]) -> Result<Found, SetupError> {
    let failed = |source| SetupError::Io {
        path: path.to_owned(),
        source,
    };
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Wanting),
        Err(source) => return Err(failed(source)),
    };
    if !meta.is_file() || meta.len() > LIMIT {
        return Ok(Found::Foreign);
    }
    let text = fs::read(path).map_err(failed)?;
    let mode_fits = meta.mode() & 0o7777 == 0o755;
    Ok(if text == wanted && mode_fits {
        Found::Good
    } else if text.is_empty() || text.windows(MARK.len()).any(|part| part == MARK) {
        Found::Wanting
    } else {
        Found::Foreign
    })
}
