//! The hook files: a few lines of shell each, with the program's path in them.

use super::SetupError;
use super::programs::{GATE, LOCK};
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
    /// What it runs.
    pub(crate) runs: Runs,
}

/// What a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runs {
    /// relhook.
    Whole,
    /// The gate alone, where it is there, by the hook's first line: no shell is started.
    GateAtOnce,
    /// The lock alone, where it is there, by the hook's first line too: it ends the calls that
    /// cannot stop anything for about what a shell costs, and the others need none.
    LockAtOnce,
    /// The same, which starts relhook itself where there is more to do than it can.
    LockThenWhole,
}

/// The longest first line that every kernel reads whole, in bytes.
const FIRST_LINE: usize = 120;
/// What a hook begins with that a shell runs.
const SHELL: &str = "#!/bin/sh";

/// What the server's repository runs.
pub(crate) const SERVER: [Shim; 3] = [
    Shim {
        name: "pre-receive",
        text: include_str!("../../hooks/pre-receive"),
        runs: Runs::GateAtOnce,
    },
    Shim {
        name: "post-receive",
        text: include_str!("../../hooks/post-receive"),
        runs: Runs::LockThenWhole,
    },
    Shim {
        name: "reference-transaction",
        text: include_str!("../../hooks/reference-transaction"),
        runs: Runs::LockAtOnce,
    },
];

/// What a developer's clone runs.
pub(crate) const CLIENT: [Shim; 1] = [Shim {
    name: "pre-push",
    text: include_str!("../../hooks/pre-push"),
    runs: Runs::Whole,
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
        let text = self.text.replace("@RELHOOK@", &quoted);
        Ok(match self.first_line(program, path) {
            Some(first) => text.replacen(SHELL, &first, 1),
            None => text,
        }
        .into_bytes())
    }

    /// The line by which the kernel starts the gate or the lock. What it would not read as it is
    /// meant is left to the shell, and so is a kernel that knows no such line: it hands the file to
    /// a shell.
    fn first_line(&self, program: &Path, path: &str) -> Option<String> {
        let at_once = match self.runs {
            Runs::Whole => return None,
            Runs::GateAtOnce => GATE,
            Runs::LockAtOnce | Runs::LockThenWhole => LOCK,
        };
        let meant = program.file_name().is_some_and(|name| name == at_once);
        let first = format!("#!{path} {}", self.name);
        let fits = first.len() <= FIRST_LINE && !path.contains(char::is_whitespace);
        (meant && fits).then_some(first)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn first_line(shim: &Shim, program: &str) -> String {
        let text = String::from_utf8(shim.render(Path::new(program)).unwrap()).unwrap();
        let (first, body) = text.split_once('\n').unwrap();
        // Whatever hands the file to a shell comes to the same program.
        assert!(body.contains("relhook='/") && body.contains("exec \"$relhook\" hook "));
        first.to_owned()
    }

    #[test]
    fn the_kernel_starts_the_gate_and_the_lock_where_it_can_and_a_shell_does_elsewhere() {
        let [pre_receive, post_receive, transaction] = SERVER;
        assert_eq!(
            first_line(&pre_receive, "/usr/bin/relhook-gate"),
            "#!/usr/bin/relhook-gate pre-receive"
        );
        assert_eq!(
            first_line(&post_receive, "/usr/bin/relhook-lock"),
            "#!/usr/bin/relhook-lock post-receive"
        );
        assert_eq!(
            first_line(&transaction, "/usr/bin/relhook-lock"),
            "#!/usr/bin/relhook-lock reference-transaction"
        );
        let long = format!("/{}/relhook-gate", "x".repeat(FIRST_LINE - 28));
        assert_eq!(first_line(&pre_receive, &long).len(), FIRST_LINE);
        let longer = format!("/x{long}");
        for (shim, program) in [
            (pre_receive, "/usr/bin/relhook"),
            (pre_receive, "/usr/my bin/relhook-gate"),
            (pre_receive, "/usr/my\u{a0}bin/relhook-gate"),
            (pre_receive, &longer),
            (post_receive, "/usr/bin/relhook"),
            (transaction, "/usr/bin/relhook-gate"),
            (transaction, "/usr/bin/relhook"),
            (transaction, "/usr/my bin/relhook-lock"),
            (pre_receive, "/usr/bin/relhook-lock"),
        ] {
            assert_eq!(first_line(&shim, program), SHELL, "{program}");
        }
    }
}
