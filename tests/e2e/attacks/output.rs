//! Hostile names, wherever they are shown or kept.

use crate::common::{PROD, PolicyText, RawPush, World, ZERO};
use std::os::unix::ffi::OsStrExt;

/// What would repaint a terminal, break a line or turn text around.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;x\u{7}\u{202e}evil\u{200b}\u{9b}31m";

/// Nothing in it does more than be read.
#[track_caller]
fn is_plain(what: &str, text: &[u8]) {
    let text = std::str::from_utf8(text).unwrap_or_else(|error| panic!("{what}: {error}"));
    // git's own colour codes around `remote:` do not occur: nobody is at a terminal.
    let bad = |ch: char| {
        (ch.is_control() && ch != '\n')
            || ('\u{200b}'..='\u{200f}').contains(&ch)
            || ('\u{202a}'..='\u{202e}').contains(&ch)
    };
    assert!(!text.contains(bad), "{what}: {text:?}");
}

#[test]
fn z_07_t_06_hostile_text_is_plain_wherever_it_is_shown() {
    let policy = PolicyText::usual()
        .prod("paths:\n      - match: [infra/**]\n        required: 1\n        from: [admins]");
    let world = World::with(&policy);
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    // A file, an author, a co-author and a message that are made to deceive.
    let file = [b"infra/", HOSTILE.as_bytes(), b"\nx\xff"].concat();
    std::fs::create_dir(dana.clone_dir().join("infra")).unwrap();
    let path = dana.clone_dir().join(std::ffi::OsStr::from_bytes(&file));
    std::fs::write(path, "x").unwrap();
    dana.git(&["add", "-A"]);
    let message =
        format!("Title {HOSTILE}\n\nCo-authored-by: {HOSTILE} <x{HOSTILE}@nowhere.example>\n");
    dana.git(&["commit", "-q", "--cleanup=verbatim", "-m", &message]);
    let fix = dana.git(&["rev-parse", "HEAD"]);
    let strange = "Evil\u{202e}\u{200b} Name <strange\u{202e}@nowhere.example>";
    let second = dana.commits_as("more", &["--author", strange]);
    dana.offers("fix");
    for tip in [&fix, &second] {
        rita.approves(tip).accepted();
    }
    let push = dana.pushes(&["prod"]);
    push.refused_with("RH2");
    is_plain("the push", push.said.as_bytes());
    let odd = format!("refs/heads/release/{}", "x\u{202e}\u{200b}\u{9b}y");
    let push = RawPush::new().command(ZERO, &second, odd).send(&dana);
    push.refused();
    is_plain(
        "the ref",
        push.said.split("unpack").next().unwrap().as_bytes(),
    );
    // On the developer's side, on the server, and in what is kept.
    rita.git(&["fetch", "-q", "origin"]);
    rita.git(&["checkout", "-q", "-B", "fix", "origin/fix"]);
    for person in [&dana, &rita] {
        for args in [
            &["check", PROD][..],
            &["check", "--json", PROD],
            &["status"],
            &["status", "--json"],
            &["approve", "--dry-run", &second],
        ] {
            let ran = person.relhook(args);
            is_plain(&format!("{args:?}"), &ran.out);
            is_plain(&format!("{args:?}"), ran.err.as_bytes());
        }
    }
    for args in [
        &["status"][..],
        &["status", "--json"],
        &["audit", "show"],
        &["audit", "verify"],
    ] {
        let ran = world.relhook(args);
        is_plain(&format!("server {args:?}"), &ran.out);
        is_plain(&format!("server {args:?}"), ran.err.as_bytes());
    }
    is_plain("the log", world.log_text().as_bytes());
    is_plain("the log", &std::fs::read(world.log_head()).unwrap());
    // JSON stays JSON.
    for person in [&dana, &rita] {
        let shown = person.relhook(&["status", "--json"]);
        let _: serde_json::Value = serde_json::from_slice(&shown.out).unwrap();
    }
}
