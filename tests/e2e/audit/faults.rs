//! Each system call by which an append touches the log fails once, or is the last that is made.
//!
//! Whatever happens: the log verifies, an entry that was answered for is in it, it is the log that it
//! was made longer, and the next append works. A kill is tried before each call that changes
//! something; before any other it would find the same disk.

use super::{ORIGIN, Site, answered, time};
use crate::common::{RELHOOK, Ran, command, run};
use relhook::audit::{Checkpoint, Event, HeartbeatRecord, LogKey, verify};
use std::collections::BTreeMap;
use std::path::Path;

/// What happens at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The program is killed before it.
    Kill,
    /// The disk is full.
    Full,
    /// The disk fails.
    Disk,
}

/// The calls that are looked at; those that a system lacks are left out, and so is `close`: what it
/// answers changes nothing, for everything was synced before.
const CALLS: &[&str] = &[
    "openat",
    "read",
    "pread64",
    "write",
    "pwrite64",
    "fdatasync",
    "fsync",
    "rename",
    "renameat",
    "renameat2",
    "mkdir",
    "mkdirat",
    "unlink",
    "unlinkat",
    "rmdir",
    "ftruncate",
    "flock",
    "statx",
    "newfstatat",
    "getdents64",
    "link",
    "linkat",
    "chmod",
    "fchmod",
];

impl Fault {
    fn injected(self) -> &'static str {
        match self {
            Self::Kill => "signal=KILL",
            Self::Full => "error=ENOSPC",
            Self::Disk => "error=EIO",
        }
    }

    /// Whether it is worth trying at this call.
    fn fits(self, call: &Call) -> bool {
        let changes = match &*call.name {
            "openat" => call.line.contains("O_CREAT"),
            name => !matches!(
                name,
                "read" | "pread64" | "flock" | "statx" | "newfstatat" | "getdents64"
            ),
        };
        match self {
            Self::Kill => changes,
            Self::Full => changes && !call.name.starts_with("unlink") && call.name != "rmdir",
            Self::Disk => true,
        }
    }
}

/// A call that touches the log.
#[derive(Debug)]
struct Call {
    name: String,
    /// Which of its name, counted from 1.
    nth: usize,
    line: String,
}

/// What is done to a log, and what is then to be found.
struct Scene {
    site: Site,
    words: Vec<&'static str>,
}

impl Scene {
    fn new(site: Site, words: &[&'static str]) -> Self {
        Self {
            site,
            words: words.to_vec(),
        }
    }

    /// The calls of one run, in which nothing fails.
    fn calls(&self) -> Vec<Call> {
        let trial = self.site.copy();
        let calls: Vec<String> = CALLS.iter().map(|name| format!("?{name}")).collect();
        let (ran, trace) = traced(&trial, &self.words, &format!("trace={}", calls.join(",")));
        ran.assert_ok();
        let mut seen = BTreeMap::new();
        let mut calls = Vec::new();
        for line in trace.lines() {
            let Some((name, _)) = line.split_once('(') else {
                continue;
            };
            let nth = seen.entry(name.to_owned()).or_insert(0);
            *nth += 1;
            if touches(line) {
                calls.push(Call {
                    name: name.to_owned(),
                    nth: *nth,
                    line: line.to_owned(),
                });
            }
        }
        calls
    }

    /// Every call that `fault` fits, and how many there were.
    #[track_caller]
    fn strike(&self, fault: Fault) -> usize {
        let before = self.site.log().last().unwrap().checkpoint;
        let calls = self.calls();
        let fitting: Vec<&Call> = calls.iter().filter(|call| fault.fits(call)).collect();
        let faults: Vec<String> = fitting
            .iter()
            .filter_map(|call| {
                let why = self.struck(fault, call, &before).err()?;
                Some(format!("{fault:?} at {}: {why}\n", call.line))
            })
            .collect();
        assert!(faults.is_empty(), "{}", faults.concat());
        fitting.len()
    }

    fn struck(&self, fault: Fault, call: &Call, before: &Checkpoint) -> Result<(), String> {
        let trial = self.site.copy();
        let what = format!(
            "inject={}:{}:when={}",
            call.name,
            fault.injected(),
            call.nth
        );
        let (ran, trace) = traced(&trial, &self.words, &what);
        let hit = match fault {
            Fault::Kill => ran.code == -1 && trace.ends_with("+++ killed by SIGKILL +++\n"),
            Fault::Full | Fault::Disk => trace
                .lines()
                .any(|line| line.contains("(INJECTED)") && touches(line)),
        };
        if !hit || ran.code > 4 {
            return Err(format!("exit {}, {}\n{trace}", ran.code, ran.err));
        }
        self.check(&trial, before, &ran)
    }

    /// What has to hold after it.
    fn check(&self, trial: &Site, before: &Checkpoint, ran: &Ran) -> Result<(), String> {
        let say = |what: &'static str| {
            move |error: relhook::audit::AuditError| format!("{what}: {error}")
        };
        let log = trial.log();
        let mut kept = vec![before.clone()];
        kept.extend((ran.code == 0).then(|| self.told(trial, ran)).flatten());
        let report = verify(&log, |_| ()).map_err(say("verify"))?;
        let size = kept.iter().map(|kept| kept.size).max().unwrap();
        if report.entries < size {
            return Err(format!("{} of {size} entries are left", report.entries));
        }
        for kept in &kept {
            log.extends(kept).map_err(say("extends"))?;
        }
        let next = log.append(time(1), Event::Heartbeat(HeartbeatRecord::default()));
        let next = next.map_err(say("the next append"))?;
        if next.seq <= report.entries {
            return Err(format!("the next entry is {}", next.seq));
        }
        kept.push(next.checkpoint.clone());
        let report = verify(&log, |_| ()).map_err(say("verify, after the next append"))?;
        if report.checkpoint != next.checkpoint {
            return Err("the next append is not the last entry".into());
        }
        for kept in &kept {
            log.extends(kept)
                .map_err(say("extends, after the next append"))?;
        }
        Ok(())
    }

    /// The checkpoint that was answered.
    fn told(&self, trial: &Site, ran: &Ran) -> Option<Checkpoint> {
        match *self.words.first().unwrap() {
            "heartbeat" => Some(answered(ran)),
            "checkpoint" => {
                let key = LogKey::parse(&trial.audit(&["key"]).text()).unwrap();
                Some(Checkpoint::open(&ran.out, &key).unwrap())
            }
            _ => None,
        }
    }
}

fn touches(line: &str) -> bool {
    line.contains("relhook/audit/")
        || line.contains("relhook/audit>")
        || line.contains("relhook/audit\"")
}

/// Runs `relhook audit …` under strace.
fn traced(site: &Site, words: &[&str], what: &str) -> (Ran, String) {
    let to = site.path().join("trace");
    let mut strace = command("strace", site.path());
    strace.args(["-y", "-s", "40", "-e", what, "-o"]).arg(&to);
    strace.arg(RELHOOK).arg("--git-dir").arg(site.repository());
    let ran = run(strace.arg("audit").args(words));
    (ran, read(&to))
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
}

/// A log with a full tile and a second that the next append fills.
fn at_a_turn() -> Scene {
    Scene::new(Site::of(511), &["heartbeat"])
}

/// The same, whose last append was killed when it had made the tile and not begun the next.
fn after_a_killed_turn() -> Scene {
    let scene = at_a_turn();
    let calls = scene.calls();
    let last = calls
        .iter()
        .rfind(|call| call.name.starts_with("rename") && call.line.contains("head/journal"));
    let last = last.unwrap();
    let what = format!("inject={}:signal=KILL:when={}", last.name, last.nth);
    let (ran, _) = traced(&scene.site, &scene.words, &what);
    assert_eq!(ran.code, -1);
    assert!(scene.site.folder().join("audit/tile/entries/001").exists());
    assert_eq!(scene.site.log().last().unwrap().seq, 512);
    scene
}

/// A log whose last append was cut.
fn after_a_cut() -> Scene {
    use std::io::Write;
    let scene = Scene::new(Site::of(20), &["heartbeat"]);
    let head = scene.site.folder().join("audit/head/journal");
    let mut head = std::fs::OpenOptions::new().append(true).open(head).unwrap();
    head.write_all(b"{\"entry\":{\"sche").unwrap();
    scene
}

#[test]
fn l_04_no_call_of_an_append_can_fail_the_log() {
    let scene = Scene::new(Site::of(20), &["heartbeat"]);
    let tried = [Fault::Kill, Fault::Full, Fault::Disk].map(|fault| scene.strike(fault));
    assert!(tried[0] >= 3 && tried[2] >= 12, "{tried:?}");
    let scene = after_a_cut();
    let tried = [Fault::Kill, Fault::Full, Fault::Disk].map(|fault| scene.strike(fault));
    assert!(tried[0] >= 6, "{tried:?}");
}

#[test]
fn l_04_a_kill_anywhere_in_a_turn_loses_nothing() {
    assert!(at_a_turn().strike(Fault::Kill) >= 28);
}

#[test]
fn l_04_a_full_disk_anywhere_in_a_turn_loses_nothing() {
    assert!(at_a_turn().strike(Fault::Full) >= 27);
}

#[test]
fn l_04_a_failing_disk_anywhere_in_a_turn_loses_nothing() {
    assert!(at_a_turn().strike(Fault::Disk) >= 70);
}

#[test]
fn l_04_after_a_killed_turn_another_kill_loses_nothing() {
    assert!(after_a_killed_turn().strike(Fault::Kill) >= 28);
}

#[test]
fn l_04_after_a_killed_turn_a_full_disk_loses_nothing() {
    assert!(after_a_killed_turn().strike(Fault::Full) >= 27);
}

#[test]
fn l_04_after_a_killed_turn_a_failing_disk_loses_nothing() {
    assert!(after_a_killed_turn().strike(Fault::Disk) >= 70);
}

#[test]
fn l_04_publishing_and_redacting_can_fail_without_harm() {
    for words in [
        &["checkpoint"][..],
        &["redact", "4", "--reason", "asked for"],
        &["redact", "262", "--reason", "asked for"],
    ] {
        let scene = Scene::new(Site::of(265), words);
        scene.site.audit(&["checkpoint"]).assert_ok();
        scene.site.grow(5);
        for fault in [Fault::Kill, Fault::Full, Fault::Disk] {
            assert!(scene.strike(fault) >= 3, "{words:?}");
        }
    }
}

#[test]
fn what_the_library_says_after_a_kill_the_program_says_too() {
    let scene = after_a_killed_turn();
    let note = scene.site.path().join("note");
    std::fs::write(&note, scene.site.audit(&["checkpoint"]).out).unwrap();
    let before = scene.site.log().last().unwrap().checkpoint;
    let next = answered(&scene.site.audit(&["heartbeat"]));
    assert_eq!((before.size, next.size), (512, 513));
    assert_eq!(before.origin, ORIGIN);
    for since in [note.display().to_string(), before.to_string()] {
        let verified = scene.site.audit(&["verify", "--since", &since]).text();
        assert!(
            verified.contains("the log is whole: 513 entries"),
            "{verified}"
        );
        assert!(
            verified.contains("the log of 512 entries made longer"),
            "{verified}"
        );
    }
}
