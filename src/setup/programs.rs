//! The programs that hooks run: relhook, and beside it `relhook-gate`, which holds the two hooks that a
//! push waits for and nothing else, so that it starts in half the time, and `relhook-lock`, which holds
//! the second of them and starts quicker still.

use super::shims::{Runs, Shim};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The name of the program that is the gate alone.
pub(crate) const GATE: &str = "relhook-gate";

/// The name of the program that is the second lock alone.
pub(crate) const LOCK: &str = "relhook-lock";

/// The name of relhook itself, by which the others find it beside them.
pub(crate) const WHOLE: &str = "relhook";

/// What each program says when it is asked for its version.
pub(crate) const VERSION_LINE: &str = concat!("relhook ", env!("CARGO_PKG_VERSION"));

/// relhook, its gate and its lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Programs {
    whole: PathBuf,
    gate: Option<PathBuf>,
    lock: Option<PathBuf>,
}

impl Programs {
    /// relhook at `whole`, with the gate and the lock beside it that are there and of the same
    /// version. Without a lock, the gate is one; without a gate, relhook itself is.
    pub(crate) fn beside(whole: &Path) -> Self {
        let beside = |name| Some(whole.with_file_name(name)).filter(|path| is_this_version(path));
        Self {
            whole: whole.to_owned(),
            gate: beside(GATE),
            lock: beside(LOCK),
        }
    }

    /// What a hook runs.
    pub(crate) fn of(&self, shim: &Shim) -> &Path {
        let smaller = match shim.runs {
            Runs::Whole => None,
            Runs::GateAtOnce => self.gate.as_ref(),
            Runs::LockAtOnce => self.lock.as_ref().or(self.gate.as_ref()),
            // It looks for relhook beside itself, by this name.
            Runs::LockThenWhole => self.lock.as_ref().filter(|_| self.whole.ends_with(WHOLE)),
        };
        smaller.unwrap_or(&self.whole)
    }

    /// The files.
    pub(crate) fn files(&self) -> impl Iterator<Item = PathBuf> + '_ {
        let smaller = self.gate.iter().chain(&self.lock);
        std::iter::once(&self.whole).chain(smaller).cloned()
    }
}

fn is_this_version(program: &Path) -> bool {
    let mut command = Command::new(program);
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
    use crate::testing::write_program;
    use std::fs;

    #[test]
    fn h_15_a_program_of_another_version_is_not_run_by_the_hooks() {
        let dir = tempfile::tempdir().unwrap();
        let whole = dir.path().join("relhook");
        let runs = || {
            let programs = Programs::beside(&whole);
            let name = |shim| programs.of(shim).file_name().unwrap().to_owned();
            let names = SERVER.iter().chain(&CLIENT).map(name);
            names.collect::<Vec<_>>()
        };
        let says = |name: &str, line: &str| {
            let text = format!("#!/bin/sh\necho {line}\n");
            write_program(&dir.path().join(name), &text);
        };
        let of = |gate, lock| {
            let after = if lock == LOCK { LOCK } else { "relhook" };
            [gate, after, lock, "relhook"]
        };
        assert_eq!(runs(), of("relhook", "relhook"));
        says(GATE, "relhook 0.0.1");
        says(LOCK, "relhook 0.0.1");
        assert_eq!(runs(), of("relhook", "relhook"));
        says(GATE, VERSION_LINE);
        assert_eq!(runs(), of(GATE, GATE));
        says(LOCK, VERSION_LINE);
        assert_eq!(runs(), of(GATE, LOCK));
        fs::remove_file(dir.path().join(GATE)).unwrap();
        assert_eq!(runs(), of("relhook", LOCK));
    }
}
