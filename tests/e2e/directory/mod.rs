//! `relhook directory sync` with real directories.

mod dc;
mod samba;
mod slapd;
mod stories;
mod wire;

use crate::common::{Person, RELHOOK, Ran, run};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A sync in somebody's clone with these settings.
fn sync(person: &Person<'_>, settings: &str, args: &[&str]) -> Ran {
    let file = person.world.path("directory.yaml");
    std::fs::write(&file, settings).unwrap();
    let mut relhook = person.command(RELHOOK);
    relhook
        .current_dir(person.clone_dir())
        .args(["directory", "sync", "--settings"])
        .arg(&file)
        .args(args);
    run(&mut relhook)
}

/// A sync of a policy's file, without a clone.
fn sync_file(folder: &Path, policy: &str, settings: &str, args: &[&str]) -> (Ran, PathBuf) {
    let (old, new) = (folder.join("policy.yaml"), folder.join("new.yaml"));
    std::fs::write(&old, policy).unwrap();
    let file = folder.join("directory.yaml");
    std::fs::write(&file, settings).unwrap();
    let mut relhook = crate::common::command(RELHOOK, folder);
    relhook
        .args(["directory", "sync", "--settings"])
        .arg(&file)
        .arg("--policy")
        .arg(&old)
        .args(["--output"])
        .arg(&new)
        .args(args);
    (run(&mut relhook), new)
}

/// The answer as JSON.
#[track_caller]
fn answer(ran: &Ran) -> Value {
    let text = String::from_utf8(ran.out.clone()).unwrap();
    let answer: Value =
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}\n{}", ran.err));
    assert_eq!(answer["schema"], "relhook/directory-sync/v1");
    crate::common::documented(&answer);
    answer
}

/// A policy for a directory with rita, remy and admins who stay.
fn policy() -> String {
    let key = |byte: &str| format!("openpgp:{}", byte.repeat(20));
    format!(
        "version: 1\nrepository: acme/site\npeople:\n  # the root\n  root:\n    keys: [\"{}\"]\n  \
         alice:\n    keys: [\"{}\"]\nteams:\n  reviewers: [root, alice]\n  admins: [root, alice]\n\
         branches:\n  refs/heads/prod: {{required: 1, from: [reviewers]}}\n  \
         refs/relhook/policy: {{required: 1, from: [admins]}}\n",
        key("A1"),
        key("B2")
    )
}
