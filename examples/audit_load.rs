//! Audit logs of any length, and what an append costs: for scripts/bench.
//!
//! - `audit_load fill FOLDER ENTRIES` brings the log below relhook's folder FOLDER to so many
//!   entries, beginning it where there is none: verdicts with people and reports, releases, refused
//!   attempts, heartbeats.
//! - `audit_load append FOLDER ROUNDS` appends to it entry by entry, and beside each writes and syncs
//!   as many bytes to a file on the same disk; it prints the median of both in seconds, and of the
//!   appends that close a tile.
//! - `audit_load check FOLDER` checks all of it as `relhook audit verify` does, and prints the seconds.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measuring tool: what fails ends it"
)]

use relhook::audit::{
    ArrivalsRecord, AuditLog, Event, HeartbeatRecord, PermitRecord, ReleaseRecord, ReleaseState,
    UpdateRecord, VerdictRecord,
};
use relhook::types::{Claimant, Oid, Timestamp};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["fill", folder, entries] => fill(Path::new(folder), entries.parse().unwrap()),
        ["append", folder, rounds] => append(Path::new(folder), rounds.parse().unwrap()),
        ["check", folder] => check(Path::new(folder)),
        _ => panic!("usage: audit_load fill|append FOLDER COUNT, or check FOLDER"),
    }
}

fn fill(folder: &Path, entries: u64) {
    let log = AuditLog::at(folder);
    if !log.is_begun().unwrap() {
        log.begin("bench/site", time(0)).unwrap();
    }
    let last = log.last().unwrap().seq;
    let events = (last + 1..=entries).map(|number| (time(number), event(number)));
    log.append_all(events).unwrap();
}

fn check(folder: &Path) {
    let started = Instant::now();
    let report = relhook::audit::check(&AuditLog::at(folder)).unwrap();
    let took = started.elapsed().as_secs_f64();
    println!("{} {took}", report.entries);
}

fn append(folder: &Path, rounds: u64) {
    let log = AuditLog::at(folder);
    let mut bare = tempfile::tempfile_in(folder).unwrap();
    let (mut appends, mut turns, mut syncs) = (Vec::new(), Vec::new(), Vec::new());
    let length = || log.file().metadata().unwrap().len();
    let from = log.last().unwrap().seq;
    let mut line = 1000;
    for number in from + 1..=from + rounds {
        let event = event(number);
        let before = length();
        let started = Instant::now();
        let recorded = log.append(time(number), event).unwrap();
        let took = started.elapsed();
        if recorded.seq.is_multiple_of(256) {
            turns.push(took);
        } else {
            appends.push(took);
            line = length() - before;
        }
        let bytes = vec![b'x'; usize::try_from(line).unwrap()];
        let started = Instant::now();
        bare.write_all(&bytes).unwrap();
        bare.sync_data().unwrap();
        syncs.push(started.elapsed());
    }
    let (append, sync, turn) = (median(appends), median(syncs), median(turns));
    println!("{append} {sync} {turn}");
}

fn median(mut all: Vec<Duration>) -> f64 {
    all.sort();
    all.get(all.len() / 2).map_or(0.0, Duration::as_secs_f64)
}

fn time(seconds: u64) -> Timestamp {
    Timestamp::from_unix(1_790_000_000 + i64::try_from(seconds).unwrap())
}

fn event(number: u64) -> Event {
    match number % 10 {
        0..=3 => Event::Verdict(accepted(number)),
        4 | 5 => Event::Verdict(rejected(number)),
        6 => release(number, ReleaseState::Started),
        7 => release(number, ReleaseState::Finished),
        8 => Event::Refused {
            code: "RH106".into(),
            why: format!("nobody known pushed: the login `guest{number}` is no person's"),
            login: Some(format!("guest{number}")),
        },
        _ => Event::Heartbeat(HeartbeatRecord::default()),
    }
}

fn oid(number: u64) -> Oid {
    format!("{number:08x}").repeat(5).parse().unwrap()
}

fn accepted(number: u64) -> VerdictRecord {
    let permit = PermitRecord {
        ref_hex: "726566732f68656164732f70726f64".into(),
        old: Some(oid(number - 1)),
        new: oid(number),
        release: vec!["site".into()],
    };
    let commit = serde_json::json!({
        "commit": oid(number), "title": "mend the front page", "contributors": ["dana"],
        "strangers": [], "adds_content": true, "covered_by": ["rita"],
    });
    VerdictRecord {
        outcome: "accepted".into(),
        seen: vec![oid(number + 1)],
        arrivals: Some(ArrivalsRecord {
            by: Claimant::Login("dana".into()),
            quarantine: Some(format!("tmp_objdir-incoming-{number:06}")),
            count: 2,
            oids: vec![oid(number), oid(number + 1)],
            lists: Vec::new(),
        }),
        landed: vec![number - 1],
        ..verdict(number, &[], vec!["rita".into()], Some(permit), &commit)
    }
}

fn rejected(number: u64) -> VerdictRecord {
    let commit = serde_json::json!({
        "commit": oid(number), "title": "mend the front page", "contributors": ["dana"],
        "strangers": [], "adds_content": true, "covered_by": [],
    });
    verdict(number, &["RH401"], Vec::new(), None, &commit)
}

fn verdict(
    number: u64,
    codes: &[&str],
    approved_by: Vec<String>,
    permit: Option<PermitRecord>,
    commit: &serde_json::Value,
) -> VerdictRecord {
    let reasons: Vec<_> = codes
        .iter()
        .map(|code| {
            let text = "1 commit lacks approval by 1 person of reviewers: `2125931`";
            serde_json::json!({"code": code, "text": text})
        })
        .collect();
    let report = serde_json::json!({
        "schema": "relhook/verdict/v1", "accepted": codes.is_empty(), "reasons": [],
        "updates": [{
            "ref": "refs/heads/prod", "claimed": oid(number - 1), "new": oid(number),
            "reasons": reasons, "notes": [], "commits": [commit], "commit_count": 1,
        }],
        "update_count": 1,
    });
    VerdictRecord {
        outcome: "rejected".into(),
        person: Some("dana".into()),
        login: Some("dana".into()),
        policy: oid(7),
        updates: vec![UpdateRecord {
            refname: "refs/heads/prod".into(),
            claimed: Some(oid(number - 1)),
            old: Some(oid(number - 1)),
            new: Some(oid(number)),
            codes: codes.iter().map(|code| (*code).to_owned()).collect(),
            let_pass: Vec::new(),
            approved_by,
            contributors: vec!["dana".into()],
            rollback: None,
            tickets: Vec::new(),
            permit,
            emergency: None,
        }],
        others: 0,
        codes: Vec::new(),
        report: Some(report),
        evidence: Vec::new(),
        seen: Vec::new(),
        arrivals: None,
        landed: Vec::new(),
        found: Vec::new(),
        settled: Vec::new(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn release(number: u64, state: ReleaseState) -> Event {
    Event::Release(ReleaseRecord {
        target: "site".into(),
        refname: "refs/heads/prod".into(),
        commit: oid(number),
        sequence: number - 1,
        state,
        uploaded: 20,
        deleted: 1,
        bytes: 81_234,
        error: None,
        for_good: false,
        lifted_by: vec!["rita".into()],
    })
}
