//! Releases: what reaches a target, and what does not.

use crate::common::{PROD, PolicyText, World};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A server that releases `prod` to a folder; the folder.
pub(super) fn with_target() -> (World, PathBuf) {
    let world = World::without_relhook();
    let site = world.path("site");
    fs::create_dir(&site).unwrap();
    let policy = PolicyText::usual().prod("release: [www]");
    let target = format!(
        "targets:\n  www:\n    kind: dir\n    path: {}\n",
        site.display()
    );
    world.write_policy(&PolicyText {
        yaml: format!("{}{target}", policy.yaml),
        ..policy
    });
    world
        .init(&["--policy", "policy.yaml", "--keys", "keys"])
        .assert_ok();
    (world, site)
}

/// Commits, approves and pushes a file to `prod`.
fn ships(world: &World, file: &str) -> String {
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits(file);
    dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
    rita.approves(&fix).accepted();
    dana.pushes(&["prod"]).accepted();
    fix
}

#[track_caller]
pub(super) fn arrives(path: &std::path::Path) {
    let start = Instant::now();
    while !path.exists() {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{} never came",
            path.display()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_accepted_push_is_released() {
    let (world, site) = with_target();
    ships(&world, "index.html");
    arrives(&site.join("current/index.html"));
}

#[test]
fn u_06_h_09_only_what_was_accepted_is_released_whatever_the_ref_says() {
    let (world, site) = with_target();
    ships(&world, "index.html");
    arrives(&site.join("current/index.html"));
    let dana = world.person("dana");
    let evil = dana.commits("evil");
    dana.offers("evil");
    fs::write(world.server().join(PROD), format!("{evil}\n")).unwrap();
    let _ = world.relhook(&["release"]);
    assert!(!site.join("current/evil").exists());
    assert!(site.join("current/index.html").exists());
}

#[test]
fn d_01_a_release_does_not_depend_on_post_receive() {
    let (world, site) = with_target();
    let hook = world.server().join("hooks/post-receive");
    fs::rename(&hook, world.path("away")).unwrap();
    ships(&world, "index.html");
    assert!(!site.join("current").exists());
    fs::rename(world.path("away"), hook).unwrap();
    world.relhook(&["release"]).assert_ok();
    assert!(site.join("current/index.html").exists());
}

#[test]
fn p_09_a_push_of_nothing_releases_nothing_again() {
    let (world, site) = with_target();
    let fix = ships(&world, "index.html");
    arrives(&site.join("current/index.html"));
    world.relhook(&["release"]).assert_ok();
    let before = fs::read_link(site.join("current")).unwrap();
    let push = crate::common::RawPush::new().command(&fix, &fix, PROD);
    let _ = push.send(&world.person("dana"));
    world.relhook(&["release"]).assert_ok();
    assert_eq!(fs::read_link(site.join("current")).unwrap(), before);
}

#[test]
fn d_06_what_ends_the_push_does_not_end_the_release() {
    use std::os::unix::process::CommandExt;
    let (world, site) = with_target();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    ships(&world, "one.html");
    arrives(&site.join("current/one.html"));
    // The release of the next one waits here until the push is gone.
    let lock = world.server().join("relhook/release/www/lock");
    let lock = fs::File::options().append(true).open(lock).unwrap();
    lock.lock().unwrap();
    let fix = dana.commits("two.html");
    dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
    rita.approves(&fix).accepted();
    let mut push = dana.git_command();
    // A group of its own, as a terminal gives each command: Ctrl-C goes to all of it.
    let mut push = push
        .args(["push", "-q", "origin", "prod"])
        .process_group(0)
        .spawn()
        .unwrap();
    let at = || world.server_git(&["rev-parse", PROD]).text();
    let start = Instant::now();
    while at().trim() != fix {
        assert!(start.elapsed() < Duration::from_secs(20), "it never got in");
        std::thread::sleep(Duration::from_millis(20));
    }
    // By then the worker has a session of its own.
    std::thread::sleep(Duration::from_secs(2));
    let group = format!("-{}", push.id());
    let signalled = std::process::Command::new("kill")
        .args(["-INT", "--", &group])
        .status();
    assert!(signalled.unwrap().success());
    push.wait().unwrap();
    assert!(!site.join("current/two.html").exists());
    drop(lock);
    arrives(&site.join("current/two.html"));
}
