//! Somebody changes production by hand, a release does not work, and somebody goes back: through the
//! hooks, the log and the commands.

use crate::common::page::Page;
use crate::common::{PolicyText, RELHOOK, World, documented, run, shown};
use std::fs;
use std::path::Path;

/// A server that releases `prod` to a directory, with more keys of the target.
fn with_directory(more: &str) -> World {
    let world = World::without_relhook();
    fs::create_dir(world.path("www")).unwrap();
    let mut policy = PolicyText::usual().prod("release: [www]");
    policy.yaml += &format!(
        "targets:\n  www:\n    kind: dir\n    path: {}\n{more}",
        world.path("www").display()
    );
    world.write_policy(&policy);
    world
        .init(&["--policy", "policy.yaml", "--keys", "keys"])
        .assert_ok();
    world
}

/// Dana makes a file, Rita approves it, Dana pushes it. The commit, and what the push said.
fn ships(world: &World, file: &str) -> (String, String) {
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits(file);
    dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
    rita.approves(&fix).accepted();
    let push = dana.pushes(&["prod"]);
    push.accepted();
    // The worker may still be at it when the push has been answered.
    world.relhook(&["release"]);
    (fix, push.said)
}

fn json(world: &World, args: &[&str]) -> serde_json::Value {
    let said = world.relhook(args);
    serde_json::from_slice(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

fn of_kind(world: &World, kind: &str) -> Vec<serde_json::Value> {
    let log = world.log().into_iter();
    log.filter(|entry| entry["kind"] == kind).collect()
}

#[test]
fn u_09_what_is_changed_by_hand_is_told_logged_and_put_back() {
    let world = with_directory("");
    ships(&world, "index.html");
    let clean = world.relhook(&["drift"]);
    assert_eq!(clean.code, 0, "{clean:?}");
    assert!(clean.text().contains("by hash"), "{clean:?}");
    assert!(of_kind(&world, "drift").is_empty());

    fs::write(world.path("www/current/index.html"), "hacked").unwrap();
    fs::write(world.path("www/current/shell.php"), "<?php").unwrap();
    let found = world.relhook(&["drift", "--target", "www"]);
    assert_eq!(found.code, 1);
    let said = shown(&found);
    assert!(
        said.contains("changed index.html") && said.contains("added   shell.php"),
        "{said}"
    );
    assert!(
        said.contains("relhook release --target www --overwrite"),
        "{said}"
    );
    let entries = of_kind(&world, "drift");
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["target"], "www");
    assert_eq!(entries[0]["found"][0]["path"], "index.html");
    assert_eq!(entries[0]["found"][1]["what"], "added");
    let log = shown(&world.relhook(&["audit", "log"]));
    assert!(log.contains("drift      www is not"), "{log}");
    world.relhook(&["audit", "verify"]).assert_ok();
    for args in [&["release", "status"][..], &["status"]] {
        let status = shown(&world.relhook(args));
        assert!(status.contains("by hand   1 changed, 1 added"), "{status}");
    }
    let report = json(&world, &["drift", "--json"]);
    assert_eq!(report["schema"], "relhook/drift/v1");
    assert_eq!(report["targets"][0]["outcome"], "drift");
    documented(&report);

    world.relhook(&["release"]).assert_ok();
    let text = fs::read_to_string(world.path("www/current/index.html")).unwrap();
    assert!(text.contains("by dana"), "{text}");
    assert_eq!(world.relhook(&["drift"]).code, 0);
    let status = shown(&world.relhook(&["release", "status"]));
    assert!(
        status.contains("by hand   nothing changed by hand"),
        "{status}"
    );
}

#[test]
fn u_09_the_exit_says_what_cannot_be_told_and_whose_record_it_is() {
    let world = with_directory("");
    assert_eq!(world.relhook(&["drift"]).code, 0);
    assert_eq!(world.relhook(&["drift", "--target", "other"]).code, 2);
    ships(&world, "index.html");
    let written = world.path("www/releases/1.json");
    let text = fs::read_to_string(&written).unwrap();
    fs::write(&written, text.replacen("index.html", "index.htm1", 1)).unwrap();
    let record = world.relhook(&["drift"]);
    assert_eq!(record.code, 4);
    assert!(shown(&record).contains("RH623"), "{record:?}");
    fs::rename(world.path("www"), world.path("away")).unwrap();
    let gone = world.relhook(&["drift"]);
    assert_eq!(gone.code, 3);
    assert!(shown(&gone).contains("RH639"), "{gone:?}");
}

#[test]
fn u_09_a_release_stops_before_what_somebody_changed_where_the_policy_says_so() {
    let world = with_directory("    drift: refuse\n");
    ships(&world, "index.html");
    fs::write(world.path("www/current/index.html"), "hotfix").unwrap();
    let (_, _) = ships(&world, "second.html");
    let stopped = world.relhook(&["release"]);
    assert_eq!(stopped.code, 1);
    let said = shown(&stopped);
    assert!(
        said.contains("RH638") && said.contains("changed index.html"),
        "{said}"
    );
    assert!(!world.path("www/current/second.html").exists());
    world
        .relhook(&["release", "--target", "www", "--overwrite"])
        .assert_ok();
    assert!(world.path("www/current/second.html").exists());
}

#[test]
fn an_earlier_release_comes_back_with_a_reason_and_stays_until_something_newer() {
    let world = with_directory("");
    let (first, _) = ships(&world, "first.html");
    let (second, _) = ships(&world, "second.html");
    let list = json(&world, &["release", "list", "--json"]);
    documented(&list);
    let releases = list["targets"][0]["releases"].as_array().unwrap();
    assert_eq!(releases.len(), 2);
    assert_eq!(releases[0]["commit"], second.as_str());
    assert_eq!(releases[0]["current"], true);
    assert_eq!(releases[1]["kept"], "releases/1");

    let without = world.relhook(&["release", "--target", "www", "--to", "previous"]);
    assert_eq!(without.code, 2, "no reason: {without:?}");
    let unknown = "0123456789";
    for wanted in [unknown, "refs/heads/prod", "999"] {
        let args = [
            "release", "--target", "www", "--reason", "x", "--to", wanted,
        ];
        let refused = world.relhook(&args);
        assert_eq!(refused.code, 1);
        assert!(shown(&refused).contains("RH643"), "{refused:?}");
    }
    let back = [
        "release",
        "--target",
        "www",
        "--reason",
        "it is slow",
        "--to",
        &first[..9],
    ];
    world.relhook(&back).assert_ok();
    assert!(!world.path("www/current/second.html").exists());
    assert!(world.path("www/current/first.html").exists());
    let course = of_kind(&world, "course");
    assert_eq!(course.len(), 1);
    assert_eq!(course[0]["commit"], first.as_str());
    assert_eq!(course[0]["reason"], "it is slow");
    assert!(course[0]["by"].as_str().is_some_and(|by| !by.is_empty()));

    // It stays there, whoever runs the releaser.
    let again = world.relhook(&["release"]);
    assert!(again.text().contains("www: holds"), "{again:?}");
    let status = shown(&world.relhook(&["release", "status"]));
    assert!(status.contains("it is slow"), "{status}");
    documented(&json(&world, &["release", "status", "--json"])["targets"][0]["pin"]);

    let (_, _) = ships(&world, "third.html");
    assert!(world.path("www/current/second.html").exists());
    assert!(world.path("www/current/third.html").exists());
    let status = json(&world, &["release", "status", "--json"]);
    assert!(status["targets"][0]["pin"].is_null());
    world.relhook(&["audit", "verify"]).assert_ok();
}

#[test]
fn latest_lets_a_target_follow_again() {
    let world = with_directory("");
    ships(&world, "first.html");
    ships(&world, "second.html");
    let to = |what: &str| {
        let args = [
            "release", "--target", "www", "--reason", "why", "--to", what,
        ];
        world.relhook(&args).assert_ok();
    };
    to("previous");
    assert!(!world.path("www/current/second.html").exists());
    to("latest");
    assert!(world.path("www/current/second.html").exists());
    let course = of_kind(&world, "course");
    assert!(course[1]["above"].is_null() && course[0]["above"].is_u64());
}

#[test]
fn r_13_what_no_verdict_accepted_is_not_gone_back_to() {
    let world = with_directory("");
    let before = world.server_ref(crate::common::PROD).unwrap();
    ships(&world, "first.html");
    let dana = world.person("dana");
    let unapproved = dana.commits("unapproved.html");
    dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
    // Neither what was taken as given nor what is only in the repository was accepted.
    for commit in [before, unapproved] {
        let args = [
            "release", "--target", "www", "--reason", "x", "--to", &commit,
        ];
        let refused = world.relhook(&args);
        assert!(shown(&refused).contains("RH643"), "{refused:?}");
    }
    assert!(of_kind(&world, "course").is_empty());
}

#[test]
fn a_release_that_does_not_work_is_not_tried_again_until_somebody_says_so() {
    let site = tempfile::tempdir().unwrap();
    let web = Page::serve(site.path(), "");
    fs::write(site.path().join("health"), "well").unwrap();
    let health = format!(
        "    health:\n      url: {}\n      contains: well\n      within: 1s\n      retries: 0\n",
        web.url("health")
    );
    let world = with_directory(&health);
    ships(&world, "first.html");
    assert!(world.path("www/current/first.html").exists());
    fs::write(site.path().join("health"), "ill").unwrap();
    let (second, said) = ships(&world, "second.html");
    assert!(said.contains("RH641"), "{said}");
    assert!(!world.path("www/current/second.html").exists());
    let asked = web.requests().len();
    let again = world.relhook(&["release"]);
    assert!(again.text().contains("www: holds"), "{again:?}");
    assert_eq!(web.requests().len(), asked);
    let failed = of_kind(&world, "release");
    let failed: Vec<_> = failed
        .iter()
        .filter(|one| one["state"] == "failed")
        .collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["commit"], second.as_str());
    assert!(failed[0]["error"].as_str().unwrap().starts_with("RH641"));
    let status = shown(&world.relhook(&["release", "status"]));
    assert!(status.contains("by the health check"), "{status}");
    let doctor = shown(&world.relhook(&["doctor"]));
    assert!(doctor.contains("does not work"), "{doctor}");

    fs::write(site.path().join("health"), "well").unwrap();
    let args = [
        "release", "--target", "www", "--to", "latest", "--reason", "mended",
    ];
    world.relhook(&args).assert_ok();
    assert!(world.path("www/current/second.html").exists());
}

#[test]
fn the_drift_units_run_what_they_say_and_are_confined() {
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd");
    let service = fs::read_to_string(units.join("relhook-drift@.service")).unwrap();
    for line in [
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=",
        "LimitCORE=0",
        "ReadWritePaths=%f/relhook",
    ] {
        assert!(service.lines().any(|own| own == line), "{line}");
    }
    let world = with_directory("");
    ships(&world, "index.html");
    let start = service
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart=/usr/bin/relhook "))
        .unwrap();
    let start = start.replace("%f", world.server().to_str().unwrap());
    let runs = || {
        let mut relhook = world.server_command(RELHOOK);
        run(relhook.current_dir("/").args(start.split(' '))).code
    };
    assert_eq!(runs(), 0);
    fs::write(world.path("www/current/index.html"), "hacked").unwrap();
    assert_eq!(runs(), 1);
}

/// `systemd-analyze verify`, where it is installed.
#[test]
fn the_drift_units_are_sound() {
    use std::process::Command;
    if Command::new("systemd-analyze")
        .arg("--version")
        .output()
        .is_err()
    {
        eprintln!("skipped: systemd-analyze is not here");
        return;
    }
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd");
    let dir = tempfile::tempdir().unwrap();
    let mut copies = Vec::new();
    for kind in ["service", "timer"] {
        let text = fs::read_to_string(units.join(format!("relhook-drift@.{kind}"))).unwrap();
        // The program and the account are not installed here.
        let text = text.replace("/usr/bin/relhook", RELHOOK);
        let copy = dir
            .path()
            .join(format!("relhook-drift@srv-git-site.git.{kind}"));
        fs::write(&copy, text.replace("User=git\n", "User=root\n")).unwrap();
        copies.push(copy);
    }
    let mut verify = Command::new("systemd-analyze");
    let said = verify
        .args(["verify", "--man=no"])
        .args(&copies)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&said.stderr);
    let own: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("relhook"))
        .collect();
    assert!(own.is_empty(), "{}", own.join("\n"));
}
