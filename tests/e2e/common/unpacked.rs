//! Servers that Debian's packages do not let be installed beside each other: `scripts/test` unpacks
//! them below the target folder, with the libraries that they need.

use super::run::command;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder that stands for `/` of an unpacked server.
pub fn unpacked(name: &str) -> PathBuf {
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../tools");
    let root = tools.join(name);
    assert!(root.is_dir(), "scripts/test unpacks {}", root.display());
    root
}

/// A program of an unpacked server.
pub fn unpacked_program(name: &str, program: &str, home: &Path) -> Command {
    let root = unpacked(name);
    let mut command = command(root.join(program).to_str().unwrap(), home);
    // One that lacks no library has no such folder.
    let libraries = std::fs::read_dir(root.join("usr/lib"));
    let libraries = libraries.into_iter().flatten().flatten();
    let mut triplets = libraries
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with("-linux-gnu"));
    if let Some(triplet) = triplets.next() {
        command.env("LD_LIBRARY_PATH", triplet);
    }
    command
}
