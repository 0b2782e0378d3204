//! The hooks.

use super::{bad, finds, finds_and_mends, mends};
use crate::common::{World, write_program};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

#[test]
fn a_server_that_was_just_set_up_has_no_errors() {
    let world = World::new();
    let ran = world.relhook(&["doctor", "--checked", "variable", "--checked", "sshd"]);
    assert_eq!(ran.code, 0, "{}", String::from_utf8_lossy(&ran.out));
}

#[test]
fn h_01_a_hook_that_is_missing_or_not_executable() {
    let world = World::new();
    let hook = world.server().join("hooks/pre-receive");
    fs::remove_file(&hook).unwrap();
    finds_and_mends(&world, "pre-receive", "error", "is not there");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o644)).unwrap();
    finds_and_mends(&world, "pre-receive", "error", "is not executable");
    fs::remove_file(&hook).unwrap();
    symlink("/nowhere", &hook).unwrap();
    finds_and_mends(&world, "pre-receive", "error", "leads nowhere");
}

#[test]
fn h_02_an_empty_hook() {
    let world = World::new();
    fs::write(world.server().join("hooks/reference-transaction"), "").unwrap();
    assert_eq!(bad(&world, "refusal").len(), 1);
    finds_and_mends(&world, "reference-transaction", "error", "is empty");
    assert!(bad(&world, "refusal").is_empty());
}

#[test]
fn h_04_hooks_from_elsewhere_in_the_accounts_own_settings() {
    let world = World::new();
    let settings = world.path("home/server/.gitconfig");
    fs::write(&settings, "[core]\n\thooksPath = /dev/null\n").unwrap();
    let finding = finds(&world, "hooks-path", "error", ".gitconfig");
    mends(&world, &finding);
    assert!(bad(&world, "hooks-path").is_empty());
    world
        .server_git(&["config", "core.hooksPath", "elsewhere"])
        .assert_ok();
    finds_and_mends(&world, "hooks-path", "error", "(local");
}

#[test]
fn h_16_a_runner_that_does_not_heed_the_refusal() {
    let world = World::new();
    let hooks = world.server().join("hooks");
    let folder = hooks.join("pre-receive.d");
    fs::create_dir(&folder).unwrap();
    fs::rename(hooks.join("pre-receive"), folder.join("relhook")).unwrap();
    write_program(
        &hooks.join("pre-receive"),
        "#!/bin/sh\nfor hook in \"$GIT_DIR\"/hooks/pre-receive.d/*; do \"$hook\"; done\nexit 0\n",
    );
    // The second lock holds all the same.
    finds(&world, "refusal", "warning", "not by relhook");
    finds(&world, "other-hooks", "warning", "pre-receive.d");
    fs::write(hooks.join("reference-transaction"), "").unwrap();
    finds(&world, "refusal", "error", "went in");
    finds_and_mends(&world, "pre-receive", "error", "another program's");
    assert!(bad(&world, "reference-transaction").is_empty());
    assert!(bad(&world, "refusal").is_empty());
}
