//! The command line as a whole: help, manual pages, completions, and where its words are described.

use crate::common::{RELHOOK, command, run, shown};
use std::path::Path;

fn relhook(args: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    let ran = run(command(RELHOOK, home.path()).args(args));
    assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
    shown(&ran)
}

/// The commands that `--help` names.
fn commands() -> Vec<String> {
    let help = relhook(&["--help"]);
    let list = help.split("Commands:\n").nth(1).unwrap();
    let list = list.split("\n\n").next().unwrap();
    let names = list.lines().filter_map(|line| {
        let line = line.strip_prefix("  ")?;
        line.starts_with(|ch: char| ch != ' ')
            .then(|| line.split(' ').next().unwrap().to_owned())
    });
    names.filter(|name| name != "help").collect()
}

#[test]
fn every_command_is_in_the_manual_and_in_the_docs() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let dir = tempfile::tempdir().unwrap();
    relhook(&["man", "--out", dir.path().to_str().unwrap()]);
    let all = commands();
    assert!(all.len() > 8, "{all:?}");
    for name in all {
        assert!(docs.contains(&format!("| `relhook {name}` |")), "{name}");
        let page = dir.path().join(format!("relhook-{name}.1"));
        assert!(page.exists(), "{name}");
    }
    assert!(!dir.path().join("relhook-hook.1").exists());
}

#[test]
fn completions_are_scripts_that_their_shells_take() {
    let script = relhook(&["completions", "bash"]);
    assert!(script.contains("approve") && script.contains("--no-push"));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &script).unwrap();
    let home = tempfile::tempdir().unwrap();
    run(command("bash", home.path()).arg("-n").arg(file.path())).assert_ok();
    for shell in ["zsh", "fish"] {
        assert!(
            relhook(&["completions", shell]).contains("relhook"),
            "{shell}"
        );
    }
}

#[test]
fn d_05_a_reader_that_went_away_is_no_panic() {
    let home = tempfile::tempdir().unwrap();
    let line = format!("{RELHOOK} completions bash | head -c 1; exit ${{PIPESTATUS[0]}}");
    let ran = run(command("bash", home.path()).args(["-c", &line]));
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    assert_eq!(ran.code, 0, "{}", ran.err);
}
