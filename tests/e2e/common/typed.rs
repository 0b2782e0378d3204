//! What stands on a page of the documentation, and people who type it.

use super::{Person, RELHOOK, Ran, run, shown};
use std::path::Path;
use std::process::Command;

/// What signs, and asks before it does.
const SIGNS: [&str; 6] = [
    "delegate --to",
    "approve",
    "reject",
    "withdraw",
    "rollback",
    "emergency",
];

/// The text of a page below `docs`.
pub fn page_text(page: &str) -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    std::fs::read_to_string(docs.join(page)).unwrap()
}

/// All lines of a page's fenced blocks.
pub fn page_blocks(page: &str) -> Vec<String> {
    let text = page_text(page);
    let blocks = text.split("```").skip(1).step_by(2);
    let lines = blocks.flat_map(|block| block.trim().lines().map(str::to_owned));
    lines.collect()
}

/// Somebody types a line; what is to be signed is signed without asking.
pub fn types(person: &Person<'_>, line: &str) -> Ran {
    let signs = SIGNS
        .iter()
        .any(|word| line.starts_with(&format!("relhook {word}")));
    let yes = if signs && !line.contains("--yes") {
        " --yes"
    } else {
        ""
    };
    let mut shell = person.command("sh");
    shell.current_dir(person.clone_dir());
    in_shell(shell, &format!("{line}{yes}"))
}

/// Has a shell, which is put in its place, read a line; it finds the built programs.
pub fn in_shell(mut shell: Command, line: &str) -> Ran {
    let programs = Path::new(RELHOOK).parent().unwrap();
    let mut path = programs.as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    run(shell.env("PATH", path).args(["-c", line]))
}

/// What it said, of what has to succeed.
#[track_caller]
pub fn done(ran: &Ran) -> String {
    assert_eq!(ran.code, 0, "{}\n{}", ran.err, shown(ran));
    format!("{}{}", shown(ran), ran.err)
}
