//! An accepted push reaches an FTP site, through the hooks and the worker.

use crate::common::ftpd::{Ftpd, PASSWORD, Tls, USER, authority};
use crate::common::{PolicyText, Push, World};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

/// A server that releases `prod` to an FTPS site.
fn with_site() -> (World, Ftpd) {
    let ftpd = Ftpd::start(Tls::Explicit);
    let world = World::without_relhook();
    let mut policy = PolicyText::usual().prod("release: [site]");
    policy.yaml += &format!(
        "targets:\n  site:\n    kind: ftps\n    host: localhost\n    port: {}\n    path: {}\n    \
         ca: keys/site.pem\n",
        ftpd.port,
        ftpd.site().display()
    );
    policy.keys.insert("site.pem".into(), authority("right"));
    world.write_policy(&policy);
    world
        .init(&["--policy", "policy.yaml", "--keys", "keys"])
        .assert_ok();
    (world, ftpd)
}

fn credentials(world: &World, password: &str) {
    let folder = world.server().join("relhook/credentials");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("site");
    fs::write(&file, format!("user={USER}\npassword={password}\n")).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Dana makes a file, Rita approves it, Dana pushes it.
pub(super) fn ships(world: &World, file: &str) -> Push {
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits(file);
    dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
    rita.approves(&fix).accepted();
    let push = dana.pushes(&["prod"]);
    push.accepted();
    push
}

/// What the audit log says about releases.
pub(super) fn recorded(world: &World) -> Vec<String> {
    let state = |entry: serde_json::Value| {
        let text = entry.to_string();
        let states = ["started", "finished", "failed"];
        let is = |state: &&&str| text.contains(&format!("\"state\":\"{state}\""));
        states.iter().find(is).map(|state| (*state).to_owned())
    };
    world.log().into_iter().filter_map(state).collect()
}

#[test]
fn an_approved_push_is_uploaded_while_the_pusher_watches() {
    let (world, ftpd) = with_site();
    credentials(&world, PASSWORD);
    let dana = world.person("dana");
    dana.commits("unapproved.html");
    dana.pushes(&["prod"]).refused();
    assert_eq!(ftpd.commands().len(), 0);

    let push = ships(&world, "index.html");
    assert!(push.said.contains("site: released"), "{}", push.said);
    assert!(ftpd.site().join("index.html").exists());
    assert_eq!(recorded(&world), ["started", "finished"]);
    world.relhook(&["audit", "verify"]).assert_ok();

    let again = world.relhook(&["release"]);
    assert!(again.text().contains("site: holds"), "{again:?}");
    let status = world.relhook(&["release", "status", "--json"]);
    let status: serde_json::Value = serde_json::from_slice(&status.out).unwrap();
    assert_eq!(status["schema"], "relhook/release-status/v1");
    let site = &status["targets"][0];
    assert_eq!(site["target"], "site");
    assert_eq!(site["wanted"]["commit"], site["released"]["commit"]);
    assert_eq!(site["failures"], 0);
    assert!(site["last"]["error"].is_null() && site["running"].is_null());
}

#[test]
fn d_04_a_release_that_stops_says_so_and_is_carried_on_by_hand() {
    let (world, ftpd) = with_site();
    let push = ships(&world, "index.html");
    assert!(
        push.said.contains("RH610") && push.said.contains("mode 0600"),
        "{}",
        push.said
    );
    credentials(&world, "wrong-horse");
    let failed = world.relhook(&["release"]);
    assert_eq!(failed.code, 1);
    let said = String::from_utf8_lossy(&failed.out).into_owned() + &failed.err;
    assert!(
        said.contains("RH613") && !said.contains("wrong-horse"),
        "{said}"
    );
    let status = world.relhook(&["release", "status"]).text();
    assert!(
        status.contains("stopped") && status.contains("RH613"),
        "{status}"
    );
    assert!(status.contains("released  nothing yet"), "{status}");

    credentials(&world, PASSWORD);
    world.relhook(&["release"]).assert_ok();
    assert!(ftpd.site().join("index.html").exists());
    assert_eq!(
        recorded(&world),
        ["failed", "failed", "started", "finished"]
    );
    let log = world.log_text();
    assert!(!log.contains("wrong-horse") && !log.contains(PASSWORD));
    assert_eq!(world.relhook(&["release", "--target", "other"]).code, 2);
    assert_eq!(world.relhook(&["release", "--adopt"]).code, 2);
}

#[test]
fn files_in_the_way_are_adopted_by_name() {
    let (world, ftpd) = with_site();
    credentials(&world, PASSWORD);
    fs::write(ftpd.site().join("index.html"), "theirs").unwrap();
    let push = ships(&world, "index.html");
    assert!(
        push.said.contains("RH616") && push.said.contains("index.html"),
        "{}",
        push.said
    );
    assert_eq!(
        fs::read_to_string(ftpd.site().join("index.html")).unwrap(),
        "theirs"
    );
    world
        .relhook(&["release", "--target", "site", "--adopt"])
        .assert_ok();
    assert_ne!(
        fs::read_to_string(ftpd.site().join("index.html")).unwrap(),
        "theirs"
    );
}

#[test]
fn a_site_that_comes_back_is_released_to_without_anybody() {
    let (world, mut ftpd) = with_site();
    credentials(&world, PASSWORD);
    let path = ftpd.site();
    ftpd.stops();
    // The worker finds nobody there, and tries again after ten seconds.
    let push = ships(&world, "index.html");
    assert!(push.said.contains("RH611"), "{}", push.said);
    ftpd.starts_again();
    let start = Instant::now();
    while !path.join("index.html").exists() {
        assert!(start.elapsed() < Duration::from_secs(40), "it never came");
        std::thread::sleep(Duration::from_millis(100));
    }
}
