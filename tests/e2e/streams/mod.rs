//! The log's entries in other places: real syslog servers, a real journal, a file under logrotate, a
//! program and a web hook; and what becomes of them when a receiver is down or the sender is killed.

mod doctor;
mod faults;
mod journal;
mod places;
mod rsyslog;

use crate::common::{PolicyText, World};
use relhook::audit::{AuditLog, Event, HeartbeatRecord, Mark, read_raw};
use relhook::types::Timestamp;
use serde_json::Value;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// A server whose policy has these streams.
#[track_caller]
fn streaming(streams: &str) -> World {
    let mut policy = PolicyText::usual();
    policy.yaml += &format!("audit:\n  streams:\n{streams}");
    policy
        .keys
        .insert("hook.pem".into(), crate::common::ftpd::authority("right"));
    World::with(&policy)
}

fn log_of(world: &World) -> AuditLog {
    AuditLog::at(&world.server().join("relhook"))
}

/// Appends so many entries, every other with something beside it.
fn grow(world: &World, entries: u64) {
    let log = log_of(world);
    let last = log.last().unwrap();
    let event = |number: u64| match number % 2 {
        0 => Event::Heartbeat(HeartbeatRecord::default()),
        _ => Event::Refused {
            code: "RH106".into(),
            why: format!("attempt {number} by somebody"),
            login: Some("dana".into()),
        },
    };
    let events = (0..entries).map(|number| (last.time, event(last.seq + number)));
    log.append_all(events).unwrap();
}

/// The entries as they stand in the tree.
fn entries(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    read_raw(&log_of(world), Mark::behind(0), |raw| {
        all.push(String::from_utf8(raw.entry).unwrap());
        ControlFlow::Continue(())
    })
    .unwrap();
    all
}

/// Sends what is there; every stream gets through.
#[track_caller]
fn sends(world: &World) {
    let ran = world.relhook(&["audit", "stream", "--once"]);
    ran.assert_ok();
}

/// What arrived is every entry of the log, in its order and to the byte. What came twice came in runs:
/// `Repeats::None` says that nothing did.
#[track_caller]
fn is_everything(world: &World, arrived: &[String], repeats: Repeats) {
    let log = entries(world);
    let mut next = 1;
    for line in arrived {
        let message: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert_eq!(message["schema"], "relhook/stream/v1");
        assert_eq!(message["log"], "acme/site");
        let seq = message["seq"].as_u64().unwrap();
        assert!(seq <= next, "after {} came {seq}", next - 1);
        if seq < next {
            assert_eq!(repeats, Repeats::Allowed, "{seq} came again");
        }
        next = next.max(seq + 1);
        let entry = &log[usize::try_from(seq).unwrap() - 1];
        assert!(line.contains(&format!("\"entry\":{entry}")), "{line}");
    }
    assert_eq!(next - 1, log.len() as u64, "the last of them");
}

/// Whether something may have come twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeats {
    None,
    Allowed,
}

/// What the log says of streams: `<name> <state>`.
fn told(world: &World) -> Vec<String> {
    let log = world.log();
    let of_streams = log.iter().filter(|entry| entry["kind"] == "stream");
    let word = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    of_streams
        .map(|entry| format!("{} {}", word(entry, "stream"), word(entry, "state")))
        .collect()
}

#[track_caller]
fn eventually(what: &str, mut there: impl FnMut() -> bool) {
    let start = Instant::now();
    while !there() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A moment for the log.
fn now() -> Timestamp {
    Timestamp::from_unix(1_800_000_000)
}
