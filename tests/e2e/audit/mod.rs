//! The audit log through the built program: as it is met by whoever pushes, by clones that watch it and
//! by an auditor; when the system fails it or others append too; and what programs that know nothing of
//! relhook make of it.

mod attest;
mod cosigning;
mod custody;
mod faults;
mod head;
mod independent;
mod migration;
mod moves;
mod page;
mod receipts;
mod replay;
mod report;
mod stamps;
mod together;
mod witness;

use crate::common::{RELHOOK, Ran, World, command, run};
use relhook::audit::{AuditLog, Checkpoint, Event, HeartbeatRecord};
use relhook::types::Timestamp;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The name of the logs.
const ORIGIN: &str = "acme/site";

/// A bare repository with an audit log and nothing else.
#[derive(Debug)]
struct Site {
    root: TempDir,
}

impl Site {
    /// One whose log has so many entries: some with something hidden, some without.
    fn of(entries: u64) -> Self {
        let site = Self::without_log();
        site.log().begin(ORIGIN, time(0)).unwrap();
        site.grow(entries - 1);
        site
    }

    fn without_log() -> Self {
        let root = tempfile::Builder::new().prefix("rh").tempdir().unwrap();
        let site = Self { root };
        let mut init = command("git", site.path());
        let init = init.args(["init", "-q", "--bare", "--template="]);
        run(init.arg(site.repository())).assert_ok();
        std::fs::create_dir(site.folder()).unwrap();
        std::fs::set_permissions(site.folder(), Permissions::from_mode(0o700)).unwrap();
        site
    }

    /// Another, the same to the byte.
    fn copy(&self) -> Self {
        let root = tempfile::Builder::new().prefix("rh").tempdir().unwrap();
        let mut copy = command("cp", self.path());
        run(copy.arg("-a").arg(self.repository()).arg(root.path())).assert_ok();
        Self { root }
    }

    /// Appends so many entries.
    fn grow(&self, entries: u64) {
        let log = self.log();
        let from = log.last().unwrap().seq;
        let events = (from..from + entries).map(|number| {
            let event = match number % 3 {
                0 => Event::Refused {
                    code: "RH106".into(),
                    why: format!("attempt {number}"),
                    login: Some("dana".into()),
                },
                _ => Event::Heartbeat(HeartbeatRecord::default()),
            };
            (time(number), event)
        });
        log.append_all(events).unwrap();
    }

    fn path(&self) -> &Path {
        self.root.path()
    }

    fn repository(&self) -> PathBuf {
        self.path().join("r.git")
    }

    fn folder(&self) -> PathBuf {
        self.repository().join("relhook")
    }

    fn log(&self) -> AuditLog {
        AuditLog::at(&self.folder())
    }

    /// `relhook audit …`, to be run.
    fn command(&self, words: &[&str]) -> Command {
        let mut relhook = command(RELHOOK, self.path());
        relhook.arg("--git-dir").arg(self.repository());
        relhook.arg("audit").args(words);
        relhook
    }

    fn audit(&self, words: &[&str]) -> Ran {
        run(&mut self.command(words))
    }
}

fn time(seconds: u64) -> Timestamp {
    Timestamp::from_unix(1_790_000_000 + i64::try_from(seconds).unwrap())
}

/// What `relhook audit heartbeat` answered.
#[track_caller]
fn answered(ran: &Ran) -> Checkpoint {
    Checkpoint::unsigned(ORIGIN, &ran.text()).unwrap()
}

/// Held while nobody shows the log to others or adds to it what a push began.
#[track_caller]
pub fn quiet(world: &World) -> [std::fs::File; 2] {
    let audit = world.server().join("relhook/audit");
    let lock = |name: &str| {
        let mut options = std::fs::OpenOptions::new();
        let lock = options.create(true).append(true).open(audit.join(name));
        let lock = lock.unwrap();
        lock.lock().unwrap();
        lock
    };
    // Whoever waits to begin has begun once this is had, and nobody waits while it is held.
    let soon = lock("soon.lock");
    let end = std::time::Instant::now() + std::time::Duration::from_secs(120);
    while let Some(at_it) = left_behind(world) {
        assert!(std::time::Instant::now() < end, "still at it: {at_it}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    [soon, lock("publish.lock")]
}

/// Takes away what is made again from the log, while nobody is at it.
#[track_caller]
pub fn loses_ledger(world: &World) {
    let _quiet = quiet(world);
    std::fs::remove_dir_all(world.server().join("relhook/ledger")).unwrap();
}

/// A program that a push left behind and that is still at it. One that waits gives its lock back a moment
/// before it becomes the next: both are looked for, and what is between the two and has no name yet.
fn left_behind(world: &World) -> Option<String> {
    let server = world.server().canonicalize().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes.map(|process| process.path()).find_map(|process| {
        let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
        let mut words = line.split(|byte| *byte == 0);
        let known = line.is_empty()
            || words.any(|word| matches!(word, b"show-soon" | b"publish" | b"--worker"));
        let here = known && std::fs::read_link(process.join("cwd")).is_ok_and(|dir| dir == server);
        here.then(|| format!("{process:?} {}", String::from_utf8_lossy(&line)).replace('\0', " "))
    })
}
