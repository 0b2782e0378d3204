//! The units: systemd reads them without complaint, and what they run does what they are for.

use crate::common::{PolicyText, RELHOOK, Ran, World, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

fn units() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd")
}

/// The value of a setting of a unit, once in it.
#[track_caller]
fn setting(unit: &str, key: &str) -> String {
    let text = fs::read_to_string(units().join(unit)).unwrap();
    let values: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix(&format!("{key}=")))
        .collect();
    assert_eq!(values.len(), 1, "{unit}: {key}");
    values[0].to_owned()
}

#[test]
fn systemd_takes_the_units_as_they_are() {
    let Ok(version) = Command::new("systemd-analyze").arg("--version").output() else {
        eprintln!("skipped: systemd-analyze is not here");
        return;
    };
    assert!(version.status.success());
    let dir = tempfile::tempdir().unwrap();
    let mut checked = Vec::new();
    for entry in fs::read_dir(units()).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        // The program and the account are not installed here.
        let text = text.replace("/usr/bin/relhook", RELHOOK);
        let text = text.replace("User=git\n", "User=root\n");
        let text = text.replace("User=relhook-witness\n", "User=root\n");
        let copy = dir.path().join(path.file_name().unwrap());
        fs::write(&copy, text).unwrap();
        checked.push(copy);
    }
    assert!(checked.len() >= 3, "{checked:?}");
    let said = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .args(&checked)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&said.stderr);
    let own: Vec<_> = text
        .lines()
        .filter(|line| line.contains("relhook"))
        .collect();
    assert!(own.is_empty(), "{}", own.join("\n"));
}

#[test]
fn the_service_is_confined() {
    let text = fs::read_to_string(units().join("relhook-release@.service")).unwrap();
    for line in [
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "PrivateTmp=yes",
        "CapabilityBoundingSet=",
        "LimitCORE=0",
        "UMask=0077",
    ] {
        assert!(text.lines().any(|own| own == line), "{line}");
    }
}

#[test]
fn clones_are_shown_what_a_confined_service_added_to_the_log() {
    const SHOWS: &str = "relhook-checkpoint@.service";
    for unit in ["relhook-release@.service", "relhook-heartbeat@.service"] {
        assert_eq!(setting(unit, "ReadWritePaths"), "%f/relhook");
        let next = setting(unit, "OnSuccess");
        assert_eq!(next, SHOWS.replace("@.", "@%i."), "{unit}");
    }
    assert_eq!(setting(SHOWS, "ReadWritePaths"), "%f");
    let world = World::new();
    let audit = world.server().join("relhook");
    let log = relhook::audit::AuditLog::at(&audit);
    let event = relhook::audit::Event::Heartbeat(Default::default());
    let last = log.append(log.last().unwrap().time, event).unwrap();
    let line = setting(SHOWS, "ExecStart");
    let words: Vec<&str> = line.split(' ').skip(3).collect();
    assert!(line.starts_with("/usr/bin/relhook -C %f "), "{line}");
    world.relhook(&words).assert_ok();
    let shown = world.server_git(&["show", "refs/relhook/checkpoint:checkpoint"]);
    assert!(shown.text().contains(&format!("\n{}\n", last.seq)));
}

/// A server whose releases systemd is to start.
fn server() -> World {
    let world = World::without_relhook();
    let policy = PolicyText::usual().prod("release: [www]");
    fs::create_dir(world.path("www")).unwrap();
    let target = format!(
        "targets:\n  www:\n    kind: dir\n    path: {}\n",
        world.path("www").display()
    );
    world.write_policy(&PolicyText {
        yaml: format!("{}{target}", policy.yaml),
        ..policy
    });
    world
        .init(&["--policy", "policy.yaml", "--keys", "keys"])
        .assert_ok();
    world.server_git(&["config", "relhook.releaser", "systemd"]);
    world
}

/// What the service runs, for this repository.
fn service_runs(world: &World) -> Ran {
    run(&mut service(world))
}

fn service(world: &World) -> Command {
    let line = setting("relhook-release@.service", "ExecStart");
    let line = line.replace("%f", world.server().to_str().unwrap());
    let mut words = line.split(' ');
    assert_eq!(words.next(), Some("/usr/bin/relhook"));
    let mut service = world.server_command(RELHOOK);
    service.current_dir("/").args(words);
    service
}

/// What the path unit watches, for this repository.
fn watched(world: &World) -> PathBuf {
    let path = setting("relhook-release@.path", "PathChanged");
    path.replace("%f", world.server().to_str().unwrap()).into()
}

#[test]
fn a_push_changes_the_watched_file_and_the_service_releases() {
    let world = server();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
    rita.approves(&fix).accepted();
    let wake = watched(&world);
    assert!(!wake.exists());
    let mut service = service(&world);
    let said = std::thread::scope(|scope| {
        let wake = &wake;
        scope.spawn(move || {
            let start = Instant::now();
            while !wake.exists() {
                assert!(
                    start.elapsed() < Duration::from_secs(30),
                    "nothing was asked for"
                );
                std::thread::sleep(Duration::from_millis(20));
            }
            run(&mut service).assert_ok();
        });
        let push = dana.pushes(&["prod"]);
        push.accepted();
        push.said
    });
    // It was the service, not the hook, and the pusher saw it.
    assert!(said.contains("www: released"), "{said}");
    assert!(!world.server().join("relhook/release/worker.log").exists());
    assert!(world.path("www/current/index.html").exists());
    let began = setting("relhook-release@.timer", "Unit");
    assert_eq!(began, setting("relhook-release@.path", "Unit"));
    // What the timer starts later finds nothing to do, and says so by its code.
    let log = || releases(&world);
    let before = log();
    service_runs(&world).assert_ok();
    assert_eq!(log(), before);
}

/// What the log says of releases. What became of a move is told a moment later, by nobody who is waited for.
fn releases(world: &World) -> Vec<String> {
    let all = world.log_text();
    let releases = all
        .lines()
        .filter(|line| line.contains("\"kind\":\"release\""));
    releases.map(str::to_owned).collect()
}

#[test]
fn d_14_what_failed_for_good_is_not_tried_by_the_timer_and_the_service_fails() {
    let world = server();
    fs::remove_dir(world.path("www")).unwrap();
    fs::write(world.path("www"), "in the way").unwrap();
    world.server_git(&["config", "relhook.releaser", "hook"]);
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
    rita.approves(&fix).accepted();
    dana.pushes(&["prod"]).accepted();
    let log = || releases(&world);
    let before = log();
    assert!(before.concat().contains("\"for_good\":true"), "{before:?}");
    for _ in 0..3 {
        assert_eq!(service_runs(&world).code, 1);
    }
    assert_eq!(log(), before, "it was tried again");
    fs::remove_file(world.path("www")).unwrap();
    fs::create_dir(world.path("www")).unwrap();
    world.relhook(&["release"]).assert_ok();
    service_runs(&world).assert_ok();
}

#[test]
fn a_word_that_names_no_releaser_is_told_to_the_pusher() {
    let world = server();
    world.server_git(&["config", "relhook.releaser", "cron"]);
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
    rita.approves(&fix).accepted();
    let push = dana.pushes(&["prod"]);
    push.accepted();
    assert!(push.said.contains("relhook.releaser"), "{}", push.said);
}

#[test]
fn the_heartbeat_is_confined_and_leaves_an_entry() {
    let world = World::new();
    let text = fs::read_to_string(units().join("relhook-heartbeat@.service")).unwrap();
    for line in [
        "ReadWritePaths=%f/relhook",
        "ProtectSystem=strict",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
    ] {
        assert!(text.lines().any(|held| held == line), "{line}");
    }
    let started = setting("relhook-heartbeat@.service", "ExecStart");
    let words: Vec<&str> = started.split(' ').collect();
    assert_eq!(words[..3], ["/usr/bin/relhook", "-C", "%f"]);
    world.relhook(&words[3..]).assert_ok();
    assert_eq!(world.log().last().unwrap()["kind"], "heartbeat");
    world.relhook(&["audit", "verify"]).assert_ok();
}
