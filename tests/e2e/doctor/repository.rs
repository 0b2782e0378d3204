//! The repository's kind, git's settings, refs, and who can write.

use super::{bad, finds, finds_and_mends, mends, pasted};
use crate::common::{PROD, PolicyText, World};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, SystemTime};

/// A repository of another kind in the place of the server's.
fn of_kind(options: &[&str]) -> World {
    let world = World::without_relhook();
    fs::remove_dir_all(world.server()).unwrap();
    let mut git = world.server_command("git");
    git.args(["init", "-q", "--bare", "-b", "prod"])
        .args(options);
    let made = git.arg(world.server()).output().unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    world
}

#[test]
fn n_04_a_repository_of_sha_256_is_diagnosed() {
    let world = of_kind(&["--object-format=sha256"]);
    finds(&world, "object-format", "error", "`sha256`");
}

#[test]
fn n_03_a_repository_of_reftable_is_diagnosed_and_converted() {
    let world = of_kind(&["--ref-format=reftable"]);
    finds_and_mends(&world, "ref-format", "error", "`reftable`");
}

#[test]
fn n_05_a_partial_clone_is_diagnosed() {
    let world = World::new();
    world
        .server_git(&["config", "remote.origin.promisor", "true"])
        .assert_ok();
    finds(&world, "partial-clone", "error", "remote.origin.promisor");
}

#[test]
fn g_11_and_g_12_a_history_that_lies_is_diagnosed() {
    let world = World::new();
    let prod = world.server_ref(PROD).unwrap();
    fs::create_dir_all(world.server().join("info")).unwrap();
    fs::write(world.server().join("info/grafts"), format!("{prod}\n")).unwrap();
    finds_and_mends(&world, "grafts", "error", "info/grafts");
    fs::write(world.server().join("shallow"), format!("{prod}\n")).unwrap();
    finds(&world, "shallow", "error", "refuses every push");
}

#[test]
fn g_16_borrowed_objects_are_taken_home() {
    let world = World::new();
    let lender = world.path("lender.git");
    let mut git = Command::new("git");
    git.args(["init", "-q", "--bare"]).arg(&lender);
    assert!(git.status().unwrap().success());
    let alternates = world.server().join("objects/info/alternates");
    fs::write(alternates, format!("{}/objects\n", lender.display())).unwrap();
    finds_and_mends(&world, "alternates", "warning", "lender.git");
}

#[test]
fn p_19_h_12_and_h_10_settings_that_lead_past_the_rule() {
    let world = World::new();
    for (check, state, key, value) in [
        (
            "proc-receive",
            "error",
            "receive.procReceiveRefs",
            "refs/heads",
        ),
        (
            "update-instead",
            "error",
            "receive.denyCurrentBranch",
            "updateInstead",
        ),
        (
            "shared-repository",
            "warning",
            "core.sharedRepository",
            "group",
        ),
        ("http-receive-pack", "error", "http.receivepack", "true"),
        ("daemon-receive-pack", "error", "daemon.receivepack", "true"),
        ("fsck-objects", "warning", "receive.fsckObjects", "false"),
        (
            "push-options",
            "warning",
            "receive.advertisePushOptions",
            "false",
        ),
        ("shallow-update", "error", "receive.shallowUpdate", "true"),
        ("reflog", "warning", "core.logAllRefUpdates", "false"),
    ] {
        world.server_git(&["config", key, value]).assert_ok();
        if check == "shallow-update" {
            let finding = finds(&world, check, state, key);
            mends(&world, &finding);
            finds_and_mends(&world, check, "warning", "not set");
        } else {
            finds_and_mends(&world, check, state, key);
        }
    }
    world
        .server_git(&["config", "--unset-all", "receive.hideRefs"])
        .assert_ok();
    finds_and_mends(&world, "hide-refs", "warning", "refs/relhook/checkpoint");
    finds_and_mends(&world, "max-input-size", "warning", "fill the disk");
    let settings = world.path("home/server/.gitconfig");
    fs::write(settings, "[safe]\n\tdirectory = *\n").unwrap();
    finds_and_mends(&world, "safe-directory", "warning", "safe.directory is `*`");
}

#[test]
fn r_05_and_r_09_refs_that_are_not_what_they_look_like() {
    let world = World::new();
    let prod = world.server_ref(PROD).unwrap();
    let refs = world.server().join("refs");
    fs::write(refs.join("heads/alias"), format!("ref: {PROD}\n")).unwrap();
    finds_and_mends(&world, "symbolic-refs", "warning", "refs/heads/alias");
    assert_eq!(world.server_ref(PROD).unwrap(), prod);
    fs::write(refs.join("heads/alias"), "ref: refs/heads/nowhere\n").unwrap();
    finds_and_mends(&world, "symbolic-refs", "warning", "refs/heads/nowhere");
    for (check, folder, name) in [
        ("replace-refs", "replace", prod.as_str()),
        ("namespaces", "namespaces/a/refs/heads", "prod"),
    ] {
        fs::create_dir_all(refs.join(folder)).unwrap();
        fs::write(refs.join(folder).join(name), format!("{prod}\n")).unwrap();
        finds_and_mends(&world, check, "warning", folder);
    }
}

#[test]
fn h_13_what_others_can_write_is_closed() {
    let world = World::new();
    let hook = world.server().join("hooks");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o777)).unwrap();
    finds_and_mends(&world, "writers", "error", "by everybody");
    let config = world.server().join("config");
    std::os::unix::fs::chown(&config, Some(4321), Some(4321)).unwrap();
    finds_and_mends(&world, "writers", "error", "belongs to uid 4321");
}

#[test]
fn r_15_and_x_10_what_crashes_leave_behind_is_cleared_away() {
    let world = World::new();
    let lock = world.server().join("refs/heads/prod.lock");
    let quarantine = world.server().join("objects/tmp_objdir-incoming-abc123");
    fs::write(&lock, "").unwrap();
    fs::create_dir(&quarantine).unwrap();
    // Somebody may still be at work on them.
    assert!(bad(&world, "locks").is_empty() && bad(&world, "leftovers").is_empty());
    let long_ago = SystemTime::now() - Duration::from_secs(3 * 24 * 3600);
    for path in [&lock, &quarantine] {
        fs::File::open(path)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
    }
    finds_and_mends(&world, "locks", "warning", "prod.lock");
    finds_and_mends(&world, "leftovers", "warning", "broken off");
    assert!(!lock.exists() && !quarantine.exists());
}

#[test]
fn a_repository_with_a_work_tree_is_no_server() {
    let world = World::new();
    let clone = world.person("dana").clone_dir();
    let line = format!("relhook doctor --json {}", clone.display());
    let said = pasted(&world, &line);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(String::from_utf8_lossy(&said.out).contains("it has a work tree"));
    let said = pasted(
        &world,
        &format!("relhook doctor {}", world.path("keys").display()),
    );
    assert_eq!(said.code, 3);
    assert!(said.err.contains("no Git repository"), "{}", said.err);
    assert_eq!(pasted(&world, "relhook doctor --jsn").code, 2);
}

#[test]
fn p_20_the_secret_for_nonces_is_looked_after() {
    let policy = PolicyText::usual().replacing("source: RELHOOK_USER", "source: signed-push");
    let world = World::with(&policy);
    assert_eq!(bad(&world, "nonce-seed"), [] as [serde_json::Value; 0]);
    let file = world.server().join("relhook/nonce.config");
    let weak = "[receive]\n\tcertNonceSeed = 12345\n";
    fs::write(&file, weak).unwrap();
    finds_and_mends(&world, "nonce-seed", "error", "shorter than 16 bytes");
    fs::remove_file(&file).unwrap();
    finds_and_mends(&world, "nonce-seed", "error", "is not set");
    let config = |args: &[&str]| {
        let mut git = world.server_command("git");
        git.arg("-C").arg(world.server()).arg("config").args(args);
        assert!(git.status().unwrap().success());
    };
    config(&["receive.certNonceSlop", "86400"]);
    finds_and_mends(&world, "nonce-slop", "warning", "`86400`");
    // In git's own file, which others may read.
    fs::remove_file(&file).unwrap();
    let seed = "0123456789abcdef0123456789abcdef";
    config(&["receive.certNonceSeed", seed]);
    let mode = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&world.server(), 0o755);
    mode(&world.server().join("config"), 0o644);
    finds_and_mends(&world, "nonce-seed", "error", "others can read");
}

#[test]
fn git_stands_in_the_way_of_a_rollback_that_the_policy_provides_for() {
    let world = World::with(&PolicyText::usual().prod("rollback: {by: [admins]}"));
    assert_eq!(bad(&world, "rollback"), [] as [serde_json::Value; 0]);
    let key = "receive.denyNonFastForwards";
    world.server_git(&["config", key, "true"]).assert_ok();
    finds_and_mends(&world, "rollback", "warning", "git refuses the rollbacks");
    // Where no rule has any, it may be on.
    let usual = World::new();
    usual.server_git(&["config", key, "true"]).assert_ok();
    assert_eq!(bad(&usual, "rollback"), [] as [serde_json::Value; 0]);
}
