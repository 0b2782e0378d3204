//! What became of the moves that verdicts allowed, and when clones are shown the log.

use crate::common::{PROD, RELHOOK, World, command, run};
use relhook::facts::Store;
use relhook::hook::clock;
use relhook::server::Server;
use relhook::types::Seconds;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

const CHECKPOINT: &str = "refs/relhook/checkpoint";

fn entries(world: &World, kind: &str) -> Vec<Value> {
    let text = world.log_text();
    let all = text.lines().map(|line| serde_json::from_str(line).unwrap());
    all.filter(|entry: &Value| entry["kind"] == kind).collect()
}

/// The entries that accepted a move of `prod`.
fn accepted(world: &World) -> Vec<u64> {
    let verdicts = entries(world, "verdict");
    let of_prod = verdicts
        .iter()
        .filter(|verdict| verdict["outcome"] == "accepted" && verdict["updates"][0]["ref"] == PROD);
    of_prod
        .map(|verdict| verdict["seq"].as_u64().unwrap())
        .collect()
}

/// What the log says became of moves of `prod`: the entry that allowed each, and its outcome.
fn told(world: &World) -> Vec<(u64, String)> {
    let moved = entries(world, "moved");
    let of_prod = moved.iter().filter(|moved| moved["ref"] == PROD);
    let outcome = |moved: &Value| {
        let seq = moved["sequence"].as_u64().unwrap();
        (seq, moved["outcome"].as_str().unwrap().to_owned())
    };
    of_prod.map(outcome).collect()
}

fn waits_for(what: &str, done: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What clones are shown: how many entries the log has.
fn shown(world: &World) -> u64 {
    let note = world.server_git(&["show", &format!("{CHECKPOINT}:checkpoint")]);
    let size = note.text().lines().nth(1).map(str::parse);
    size.and_then(Result::ok).unwrap_or(0)
}

#[test]
fn every_move_is_told_once_and_shown_to_clones_soon_after() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    // Pushes that come one upon the other.
    for file in ["a", "b", "c"] {
        let commit = dana.commits(file);
        dana.offers("fix");
        rita.approves(&commit).accepted();
        dana.pushes(&["prod"]).accepted();
    }
    let moved = |seq: u64| (seq, "moved".to_owned());
    let all: Vec<_> = accepted(&world).into_iter().map(moved).collect();
    assert_eq!(all.len(), 3);
    waits_for("the moves are not told", || told(&world) == all);
    // Nobody pushes any more, and what was told is shown.
    waits_for("clones are shown an older log", || {
        let size = world.log_text().lines().count() as u64;
        shown(&world) == size
    });
    world.relhook(&["audit", "heartbeat"]).assert_ok();
    assert_eq!(told(&world), all);
    // A ledger that is made again knows that they were told.
    super::loses_ledger(&world);
    world.relhook(&["audit", "heartbeat"]).assert_ok();
    assert_eq!(told(&world), all);
    world.relhook(&["audit", "verify"]).assert_ok();
}

#[test]
fn a_push_that_was_allowed_and_came_to_nothing_is_told_when_its_permit_is_spent() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let commit = dana.commits("x");
    dana.offers("fix");
    rita.approves(&commit).accepted();
    let lock = world.server().join("refs/heads/prod.lock");
    std::fs::write(&lock, "").unwrap();
    dana.pushes(&["prod"]).refused();
    std::fs::remove_file(lock).unwrap();
    let [allowed] = accepted(&world)[..] else {
        panic!("one verdict allowed the move");
    };
    // It may still be under way.
    world.relhook(&["audit", "heartbeat"]).assert_ok();
    assert_eq!(told(&world), []);
    let tells_later = || {
        let server = Server::beside(Store::open(&world.server()).unwrap()).unwrap();
        server.tell_moves(clock().plus(Seconds(601))).unwrap()
    };
    assert!(tells_later() >= 1);
    assert_eq!(told(&world), [(allowed, "not-moved".to_owned())]);
    assert_eq!(tells_later(), 0);
}

#[test]
fn a_ref_that_was_moved_past_the_hooks_is_told_with_the_next_move() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let commit = dana.commits("x");
    dana.offers("fix");
    rita.approves(&commit).accepted();
    let lock = world.server().join("refs/heads/prod.lock");
    std::fs::write(&lock, "").unwrap();
    dana.pushes(&["prod"]).refused();
    std::fs::remove_file(lock).unwrap();
    let evil = dana.commits("evil");
    dana.offers("evil");
    std::fs::write(world.server().join(PROD), format!("{evil}\n")).unwrap();
    let server = Server::beside(Store::open(&world.server()).unwrap()).unwrap();
    server.tell_moves(clock().plus(Seconds(601))).unwrap();
    let moved = entries(&world, "moved");
    let told = moved.iter().find(|moved| moved["ref"] == PROD).unwrap();
    assert_eq!(told["outcome"], "elsewhere");
    assert_eq!(told["now"], evil.as_str());
}

#[test]
fn d_15_what_is_shown_is_not_written_while_garbage_is_collected() {
    let world = World::new();
    world.relhook(&["audit", "checkpoint"]).assert_ok();
    world.relhook(&["audit", "heartbeat"]).assert_ok();
    let before = world.server_ref(CHECKPOINT);
    let running = world.server().join("gc.pid");
    std::fs::write(&running, format!("{} here", std::process::id())).unwrap();
    let mut shows = command(RELHOOK, &world.path("home/server"));
    shows.arg("--git-dir").arg(world.server());
    let shows = shows.args(["audit", "checkpoint"]).stdout(Stdio::null());
    let mut shows = shows.spawn().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(world.server_ref(CHECKPOINT), before);
    std::fs::remove_file(&running).unwrap();
    assert!(shows.wait().unwrap().success());
    assert_ne!(world.server_ref(CHECKPOINT), before);
}

#[test]
fn d_15_what_was_collected_all_the_same_is_made_anew() {
    let world = World::new();
    let dana = world.person("dana");
    dana.commits("x");
    world.relhook(&["audit", "checkpoint"]).assert_ok();
    let lost = world.server_ref(CHECKPOINT).unwrap();
    let objects = world.server().join("objects");
    std::fs::remove_file(objects.join(&lost[..2]).join(&lost[2..])).unwrap();
    dana.pushes(&["HEAD:refs/heads/fix"]).refused();
    world.relhook(&["audit", "checkpoint"]).assert_ok();
    let listed = world.server_git(&["rev-list", "--objects", CHECKPOINT]);
    listed.assert_ok();
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
}

/// The server's folder as it is now, in another place.
fn copy(world: &World, name: &str) -> PathBuf {
    let to = world.path(name);
    let mut cp = command("cp", world.root());
    run(cp.arg("-a").arg(world.server()).arg(&to)).assert_ok();
    to
}

/// `relhook audit heartbeat` in that copy under strace, with what was traced.
fn heartbeat(world: &World, site: &Path, what: &str) -> (i32, String) {
    let trace = world.path("trace");
    let mut strace = command("strace", &world.path("home/server"));
    strace.args(["-f", "-y", "-s", "40", "-e", what, "-o"]);
    strace.arg(&trace).arg(RELHOOK).arg("--git-dir").arg(site);
    let ran = run(strace.args(["audit", "heartbeat"]));
    let text = std::fs::read(&trace).unwrap();
    (ran.code, String::from_utf8_lossy(&text).into_owned())
}

/// What the log of a copy says became of moves, `prod`'s and others': the entry and the ref of each.
fn told_in(world: &World, site: &Path) -> Vec<(u64, String)> {
    let mut log = command(RELHOOK, &world.path("home/server"));
    log.arg("--git-dir").arg(site);
    let ran = run(log.args(["audit", "log", "-n", "0", "--json"]));
    ran.assert_ok();
    let text = String::from_utf8(ran.out).unwrap();
    let all = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let moved = all.filter(|entry: &Value| entry["kind"] == "moved");
    let of = |entry: Value| {
        let seq = entry["sequence"].as_u64().unwrap();
        (seq, entry["ref"].as_str().unwrap().to_owned())
    };
    moved.map(of).collect()
}

#[test]
fn l_04_a_move_is_told_once_whenever_its_teller_is_killed() {
    const CALLS: [&str; 6] = [
        "pwrite64",
        "write",
        "fdatasync",
        "unlink",
        "ftruncate",
        "rename",
    ];
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    world.relhook(&["audit", "heartbeat"]).assert_ok();
    let _quiet = super::quiet(&world);
    let commit = dana.commits("x");
    dana.offers("fix");
    rita.approves(&commit).accepted();
    dana.pushes(&["prod"]).accepted();
    let before = told_in(&world, &world.server());
    // What a run that nobody ends tells, and the calls by which it changes something.
    let whole = copy(&world, "whole.git");
    let calls = CALLS.join(",");
    let (code, trace) = heartbeat(&world, &whole, &format!("trace={calls}"));
    assert_eq!(code, 0, "{trace}");
    let all = told_in(&world, &whole);
    assert!(all.len() > before.len(), "{trace}");
    let mut killed = 0;
    let mut told_by_the_killed = 0;
    for name in CALLS {
        let call = format!(" {name}(");
        let number = trace.lines().filter(|line| line.contains(&call)).count();
        for nth in 1..=number {
            let site = copy(&world, &format!("{name}-{nth}.git"));
            let what = format!("inject={name}:signal=KILL:when={nth}");
            let (code, _) = heartbeat(&world, &site, &what);
            killed += usize::from(code == -1);
            told_by_the_killed += usize::from(told_in(&world, &site) == all);
            let (code, trace) = heartbeat(&world, &site, "trace=none");
            assert_eq!(code, 0, "{trace}");
            assert_eq!(told_in(&world, &site), all, "{name} {nth}");
            std::fs::remove_dir_all(site).unwrap();
        }
    }
    assert!(
        killed >= 6 && told_by_the_killed >= 2,
        "{killed}, {told_by_the_killed}"
    );
}
