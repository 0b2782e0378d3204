//! The programs that hooks run: relhook, and beside it `relhook-gate`, which holds the two hooks that a
//! push waits for and nothing else, so that it starts in half the time.

use super::shims::{Runs, Shim};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The name of the program that is the gate alone.
pub(crate) const GATE: &str = "relhook-gate";

/// What either program says when it is asked for its version.
pub(crate) const VERSION_LINE: &str = concat!("relhook ", env!("CARGO_PKG_VERSION"));

/// relhook and its gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Programs {
    whole: PathBuf,
    gate: Option<PathBuf>,
}

impl Programs {
    /// relhook at `whole`, with the gate beside it if one of the same version is there. Without one,
    /// relhook itself is the gate.
    pub(crate) fn beside(whole: &Path) -> Self {
        let gate = whole.with_file_name(GATE);
        Self {
            whole: whole.to_owned(),
            gate: is_this_version(&gate).then_some(gate),
        }
    }

    /// What a hook runs.
    pub(crate) fn of(&self, shim: &Shim) -> &Path {
        match (shim.runs, &self.gate) {
            (Runs::Gate | Runs::GateAtOnce, Some(gate)) => gate,
            (Runs::Gate | Runs::GateAtOnce, None) | (Runs::Whole, _) => &self.whole,
        }
    }

    /// The files.
    pub(crate) fn files(&self) -> impl Iterator<Item = PathBuf> + '_ {
        std::iter::once(&self.whole).chain(&self.gate).cloned()
    }
}

fn is_this_version(gate: &Path) -> bool {
    let mut command = Command::new(gate);
    command.arg("--version").env_clear().stdin(Stdio::null());
    let said = command.output();
    said.is_ok_and(|said| {
        said.status.success() && said.stdout.trim_ascii() == VERSION_LINE.as_bytes()
    })
}

#[cfg(test)]
mod tests {
    use super::super::shims::{CLIENT, SERVER};
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn h_15_a_gate_of_another_version_is_not_run_by_the_hooks() {
        let dir = tempfile::tempdir().unwrap();
        let whole = dir.path().join("relhook");
        let gate = dir.path().join(GATE);
        let runs = || {
            let programs = Programs::beside(&whole);
            let shims = SERVER.iter().chain(&CLIENT);
            let of_gate = shims.filter(|shim| programs.of(shim) == gate);
            of_gate.map(|shim| shim.name).collect::<Vec<_>>()
        };
        assert!(runs().is_empty());
        let says = |line: &str| {
            // A file that is still open for writing cannot be run: renamed, it is closed.
            let temp = dir.path().join("temp");
            fs::write(&temp, format!("#!/bin/sh\necho {line}\n")).unwrap();
            fs::set_permissions(&temp, fs::Permissions::from_mode(0o755)).unwrap();
            fs::rename(&temp, &gate).unwrap();
        };
        says("relhook 0.0.1");
        assert!(runs().is_empty());
        says(VERSION_LINE);
        assert_eq!(runs(), ["pre-receive", "reference-transaction"]);
    }
}
