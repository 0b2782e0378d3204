//! Hooks under strain: a client that is gone, an environment that lies or is empty, many refs.

use super::release::{arrives, with_target};
use crate::common::{PROD, Ran, World, run_with};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

/// A hook of the server, started as git starts it: in the bare repository, told where it is.
fn hook(world: &World, name: &str) -> Command {
    let mut hook = world.server_command(&format!("{}/hooks/{name}", world.server().display()));
    hook.current_dir(world.server());
    hook
}

fn judged(world: &World, environment: &[(&str, &str)], line: &str) -> Ran {
    let mut hook = hook(world, "pre-receive");
    run_with(hook.envs(environment.iter().copied()), line.as_bytes())
}

#[test]
fn d_02_d_05_a_pusher_who_is_gone_stops_no_release() {
    let (world, site) = with_target();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
    rita.approves(&fix).accepted();
    // The push itself goes in without waking anybody.
    let post_receive = world.server().join("hooks/post-receive");
    let kept = std::fs::read(&post_receive).unwrap();
    std::fs::remove_file(&post_receive).unwrap();
    let before = world.server_ref(PROD).unwrap();
    dana.pushes(&["prod"]).accepted();
    assert!(!site.join("current").exists());
    std::fs::write(&post_receive, kept).unwrap();
    // Then the hook runs with nobody left to read what it says.
    let mut child = Command::new("sh")
        .arg(&post_receive)
        .current_dir(world.server())
        .env("GIT_DIR", ".")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    let line = format!("{before} {fix} {PROD}\n");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(line.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success());
    arrives(&site.join("current/index.html"));
}

#[test]
fn many_refs_go_in_with_one_push() {
    let world = World::new();
    let dana = world.person("dana");
    let head = dana.commits("index.html");
    let lines: String = (0..2000)
        .map(|number| format!("create refs/heads/many/{number} {head}\n"))
        .collect();
    run_with(
        dana.git_command().args(["update-ref", "--stdin"]),
        lines.as_bytes(),
    )
    .assert_ok();
    dana.pushes(&["refs/heads/many/*"]).accepted();
    assert!(world.server_ref("refs/heads/many/1999").is_some());
    // One refused ref among them refuses them all.
    let lines = lines.replace("/many/", "/more/");
    run_with(
        dana.git_command().args(["update-ref", "--stdin"]),
        lines.as_bytes(),
    )
    .assert_ok();
    dana.pushes(&["refs/heads/more/*", "HEAD:prod"])
        .refused_with("RH401");
    assert!(world.server_ref("refs/heads/more/0").is_none());
}

#[test]
fn an_empty_environment_is_enough() {
    let world = World::new();
    let dana = world.person("dana");
    let fix = dana.commits("index.html");
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
    let before = world.server_ref(PROD).unwrap();
    let mut bare = Command::new(world.server().join("hooks/pre-receive"));
    bare.current_dir(world.server()).env_clear();
    let refused = run_with(&mut bare, format!("{before} {fix} {PROD}\n").as_bytes());
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("RH401"), "{}", refused.err);
}

#[test]
fn r_09_n_06_an_environment_that_lies_is_refused_or_changes_nothing() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
    rita.approves(&fix).accepted();
    let line = format!("{} {fix} {PROD}\n", world.server_ref(PROD).unwrap());
    let namespace = judged(&world, &[("GIT_NAMESPACE", "ns")], &line);
    assert_eq!(namespace.code, 1);
    assert!(namespace.err.contains("RH902"), "{}", namespace.err);
    // An OpenPGP approval is judged by the policy's keys, whatever home the environment names.
    let elsewhere = world.path("elsewhere");
    let lies = [
        ("GNUPGHOME", elsewhere.to_str().unwrap()),
        ("LC_ALL", "de_DE.UTF-8"),
        ("LANGUAGE", "de"),
        ("GIT_COMMITTER_NAME", "Rita"),
        ("GIT_REPLACE_REF_BASE", "refs/heads/"),
        ("GIT_GRAFT_FILE", "/dev/null"),
        ("HOME", "/nonexistent"),
        ("RELHOOK_USER", "dana"),
    ];
    let judged = judged(&world, &lies, &line);
    assert_eq!(judged.code, 0, "{}", judged.err);
    assert!(!elsewhere.exists());
}

#[test]
fn l_07_what_cannot_be_judged_is_on_the_record_too() {
    let world = World::new();
    let refused = judged(&world, &[], "nonsense\n");
    assert_eq!(refused.code, 1);
    let last = world.log().pop().unwrap();
    assert_eq!(last["kind"], "refused");
    assert_eq!(last["code"], "RH117");
    assert_eq!(judged(&world, &[], "").code, 1, "no line is no push");
}

#[test]
fn d_10_a_verdict_that_cannot_be_recorded_is_a_refusal() {
    let world = World::new();
    let dana = world.person("dana");
    let log = world.log_head();
    let whole = std::fs::read(&log).unwrap();
    std::fs::write(&log, "").unwrap();
    dana.commits("index.html");
    dana.pushes(&["HEAD:refs/heads/fix"]).refused_with("RH702");
    std::fs::remove_file(&log).unwrap();
    dana.pushes(&["HEAD:refs/heads/fix"]).refused_with("RH702");
    // What others can read, nobody goes on with.
    std::fs::write(&log, whole).unwrap();
    dana.pushes(&["HEAD:refs/heads/fix"]).refused_with("RH741");
    std::fs::set_permissions(&log, std::fs::Permissions::from_mode(0o600)).unwrap();
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
    world.relhook(&["audit", "verify"]).assert_ok();
}
