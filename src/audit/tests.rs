//! The log under use and abuse.

use super::*;
use crate::types::Timestamp;
use std::fs;
use std::io::Write;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_790_000_000 + seconds)
}

fn refused(why: &str) -> Event {
    Event::Refused {
        code: "RH106".into(),
        why: why.into(),
        login: None,
    }
}

fn log_of(entries: usize) -> (tempfile::TempDir, AuditLog) {
    let dir = tempfile::tempdir().unwrap();
    let log = AuditLog::at(dir.path());
    log.begin("acme/site", at(0)).unwrap();
    for number in 1..entries {
        log.append(
            at(i64::try_from(number).unwrap()),
            refused(&format!("no {number}")),
        )
        .unwrap();
    }
    (dir, log)
}

/// Rewrites the head of the log.
fn edit(log: &AuditLog, change: impl Fn(String) -> String) {
    let text = fs::read_to_string(log.file()).unwrap();
    fs::write(log.file(), change(text)).unwrap();
}

fn refusal(error: &AuditError) -> (u64, u64) {
    match error {
        AuditError::Truncated {
            found, recorded, ..
        } => (*found, *recorded),
        other => panic!("{other}"),
    }
}

#[test]
fn a_log_in_use_verifies() {
    let (_dir, log) = log_of(5);
    let mut seen = Vec::new();
    let report = verify(&log, |entry| seen.push(entry.clone())).unwrap();
    assert_eq!(report.entries, 5);
    let numbers: Vec<u64> = seen.iter().map(|entry| entry.seq).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    assert_eq!(seen[3].event, refused("no 3"));
    assert_eq!(report.checkpoint, log.last().unwrap().checkpoint);
    assert_eq!(report.checkpoint.origin, "acme/site");
}

#[test]
fn only_a_beginning_begins() {
    let dir = tempfile::tempdir().unwrap();
    let log = AuditLog::at(dir.path());
    assert!(log.append(at(0), refused("x")).is_err());
    log.begin("acme/site", at(0)).unwrap();
    assert!(matches!(
        log.begin("acme/site", at(0)),
        Err(AuditError::Begun { .. })
    ));
    // Whatever is left of a log, no other begins in its place.
    fs::remove_file(log.file()).unwrap();
    for left in ["tile", "hidden", "log.jsonl", "evidence", "../ledger"] {
        fs::create_dir(log.dir().join(left)).unwrap();
        assert!(matches!(
            log.begin("acme/site", at(0)),
            Err(AuditError::Begun { .. })
        ));
        fs::remove_dir(log.dir().join(left)).unwrap();
    }
}

#[test]
fn full_tiles_are_closed_and_the_log_goes_on() {
    let (_dir, log) = log_of(700);
    let report = verify(&log, |_| ()).unwrap();
    assert_eq!(report.entries, 700);
    let there = |name: &str| log.dir().join(name).exists();
    assert!(there("tile/entries/001") && !there("tile/entries/002"));
    assert!(there("tile/0/001") && there("tile/1/000.p/2") && !there("tile/1/000.p/1"));
    log.publish().unwrap();
    assert!(there("tile/entries/002.p/188") && there("tile/0/002.p/188"));
    log.append(at(900), refused("x")).unwrap();
    log.publish().unwrap();
    assert!(!there("tile/entries/002.p/188") && there("tile/entries/002.p/189"));
    let mut read = Vec::new();
    read_on(&log, Mark::behind(254), |entry, mark| {
        assert_eq!(mark.seq, entry.seq);
        read.push(entry.seq);
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(read, (255..=701).collect::<Vec<_>>());
    assert_eq!(log.recent(300).unwrap().event, refused("no 299"));
    assert_eq!(log.recent(701).unwrap().event, refused("x"));
    assert!(log.recent(702).is_none());
}

#[test]
fn l_01_a_cut_off_tail_is_found() {
    let (_dir, log) = log_of(4);
    log.publish().unwrap();
    edit(&log, |text| {
        let lines = text.lines().take(3);
        lines.map(|line| format!("{line}\n")).collect()
    });
    assert_eq!(refusal(&verify(&log, |_| ()).unwrap_err()), (2, 4));
    assert_eq!(
        refusal(&log.append(at(9), refused("x")).unwrap_err()),
        (2, 4)
    );
}

#[test]
fn l_01_what_was_cut_off_before_it_was_published_is_told_by_whoever_kept_a_checkpoint() {
    let (_dir, log) = log_of(4);
    let kept = log.last().unwrap().checkpoint;
    edit(&log, |text| {
        let lines = text.lines().take(3);
        lines.map(|line| format!("{line}\n")).collect()
    });
    // By itself it is a good log.
    verify(&log, |_| ()).unwrap();
    assert_eq!(refusal(&log.extends(&kept).unwrap_err()), (2, 4));
    log.append(at(9), refused("another third")).unwrap();
    log.append(at(9), refused("another fourth")).unwrap();
    assert!(matches!(log.extends(&kept), Err(AuditError::Forked { .. })));
}

#[test]
fn l_01_an_old_copy_of_the_head_is_not_gone_on_from() {
    let (_dir, log) = log_of(250);
    let old = fs::read(log.file()).unwrap();
    for number in 250..260 {
        log.append(at(number), refused("x")).unwrap();
    }
    fs::write(log.file(), old).unwrap();
    let error = log.append(at(300), refused("fork")).unwrap_err();
    assert_eq!(refusal(&error), (250, 256));
}

#[test]
fn l_02_a_changed_removed_or_inserted_entry_is_found() {
    for change in [
        |text: String| text.replacen("\"seq\":3,", "\"seq\":3,\"extra\":1,", 1),
        |text: String| text.replacen("\"seq\":3,", "\"seq\": 3,", 1),
        |text: String| text.replacen("\"code\":\"RH106\"", "\"code\":\"RH107\"", 1),
        |text: String| text.replace("no 2", "no 7"),
        |text: String| {
            let lines = text.lines().filter(|line| !line.contains("\"seq\":3,"));
            lines.map(|line| format!("{line}\n")).collect()
        },
    ] {
        let (_dir, log) = log_of(5);
        edit(&log, change);
        assert!(matches!(
            verify(&log, |_| ()),
            Err(AuditError::Broken { .. })
        ));
    }
}

#[test]
fn l_02_every_byte_of_a_closed_tile_counts() {
    let (_dir, log) = log_of(300);
    for name in [
        "tile/entries/000",
        "tile/0/000",
        "tile/1/000.p/1",
        "hidden/000",
    ] {
        let path = log.dir().join(name);
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(whole.len() / 25 + 1) {
            let mut bad = whole.clone();
            bad[at] ^= 1;
            fs::write(&path, bad).unwrap();
            assert!(verify(&log, |_| ()).is_err(), "{name}, byte {at}");
            assert!(check(&log).is_err(), "{name}, byte {at}");
        }
        fs::remove_file(&path).unwrap();
        assert!(verify(&log, |_| ()).is_err(), "{name} is gone");
        fs::write(&path, whole).unwrap();
    }
    verify(&log, |_| ()).unwrap();
}

#[test]
fn l_02_another_key_signs_no_head() {
    let (_dir, log) = log_of(3);
    let (_other_dir, other) = log_of(3);
    fs::copy(other.file(), log.file()).unwrap();
    assert!(matches!(
        verify(&log, |_| ()),
        Err(AuditError::Broken { .. })
    ));
    assert!(matches!(
        log.append(at(9), refused("x")),
        Err(AuditError::Broken { .. })
    ));
}

#[test]
fn l_03_concurrent_appenders_fork_nothing() {
    let (_dir, log) = log_of(200);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..20).for_each(|_| drop(log.append(at(1), refused("x")).unwrap())));
        }
    });
    assert_eq!(verify(&log, |_| ()).unwrap().entries, 360);
}

#[test]
fn l_04_a_cut_record_is_dropped_and_said_so() {
    let (_dir, log) = log_of(3);
    let mut file = fs::OpenOptions::new()
        .append(true)
        .open(log.file())
        .unwrap();
    file.write_all(b"{\"entry\":{\"schema\":\"r").unwrap();
    log.append(at(9), refused("after")).unwrap();
    let mut kinds = Vec::new();
    verify(&log, |entry| kinds.push(entry.event.clone())).unwrap();
    assert_eq!(kinds.len(), 5);
    assert_eq!(kinds[3], Event::Recovered { dropped_bytes: 21 });
}

#[test]
fn l_06_a_clock_that_goes_back_does_not_take_the_log_along() {
    let (_dir, log) = log_of(3);
    let recorded = log.append(at(-500), refused("x")).unwrap();
    assert_eq!(recorded.time, at(2));
    verify(&log, |_| ()).unwrap();
}

#[test]
fn l_08_names_and_reasons_are_kept_beside_the_log_and_can_be_deleted() {
    let (_dir, log) = log_of(260);
    let entries = fs::read(log.dir().join("tile/entries/000")).unwrap();
    let says = |bytes: &[u8], text: &str| {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(!says(&entries, "no 7"));
    // Half of a file, as a program leaves it that is killed while it writes one.
    let halves = ["hidden/.tmp-a", "head/.tmp-b"].map(|name| log.dir().join(name));
    for half in &halves {
        fs::write(half, "no 7").unwrap();
    }
    for entry in [8, 259] {
        log.redact(at(300), entry, "asked for by law", "root")
            .unwrap();
    }
    assert!(halves.iter().all(|half| !half.exists()));
    assert!(!says(
        &fs::read(log.dir().join("hidden/000")).unwrap(),
        "\"no 7\""
    ));
    assert!(!says(&fs::read(log.file()).unwrap(), "\"no 258\""));
    let mut seen = Vec::new();
    let report = verify(&log, |entry| seen.push(entry.event.clone())).unwrap();
    assert_eq!(check(&log).unwrap(), report);
    assert_eq!(report.redacted, [8, 259]);
    assert_eq!(seen[7], refused(""));
    assert_eq!(seen[8], refused("no 8"));
    assert!(
        matches!(&seen[260], Event::Redacted(said) if said.entry == 8 && said.reason == "asked for by law")
    );
    assert!(matches!(
        log.redact(at(300), 900, "x", "root"),
        Err(AuditError::NoEntry { .. })
    ));
    // What is gone without a word is found.
    let path = log.dir().join("hidden/000");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        text.lines()
            .skip(2)
            .map(|l| format!("{l}\n"))
            .collect::<String>(),
    )
    .unwrap();
    assert!(matches!(
        verify(&log, |_| ()),
        Err(AuditError::Broken { seq: 2, .. })
    ));
}

#[test]
fn l_11_an_empty_or_missing_log_does_not_verify() {
    let (_dir, log) = log_of(3);
    fs::write(log.file(), "").unwrap();
    assert!(verify(&log, |_| ()).is_err());
    assert!(log.append(at(9), refused("x")).is_err());
    fs::remove_file(log.file()).unwrap();
    assert!(verify(&log, |_| ()).is_err());
    assert!(log.append(at(9), refused("x")).is_err());
    fs::create_dir(log.file()).unwrap();
    assert!(verify(&log, |_| ()).is_err());
    assert!(matches!(
        log.append(at(9), refused("x")),
        Err(AuditError::Io { .. })
    ));
}

#[test]
fn every_entry_is_proved_and_every_earlier_state_too() {
    let (_dir, log) = log_of(1);
    let key = log.key().unwrap();
    let mut states = vec![log.last().unwrap().checkpoint];
    for number in 1..530 {
        states.push(
            log.append(at(1), refused(&format!("no {number}")))
                .unwrap()
                .checkpoint,
        );
    }
    for (seq, before) in (1..).zip(&states) {
        if seq % 41 == 0 || [1, 2, 255, 256, 257, 511, 512, 513, 530].contains(&seq) {
            let receipt = log.prove(seq).unwrap();
            let read = Receipt::parse(&receipt.to_string()).unwrap();
            assert_eq!(read, receipt);
            assert_eq!(read.check(&key).unwrap().size, 530);
            log.extends(before).unwrap();
            let other = Receipt {
                seq: seq + 1,
                ..receipt
            };
            assert_eq!(other.check(&key), Err(ReceiptFault::NotThere));
        }
    }
    let mut other = states[300].clone();
    other.root[0] ^= 1;
    assert!(matches!(
        log.extends(&other),
        Err(AuditError::Forked { .. })
    ));
    assert!(matches!(log.prove(531), Err(AuditError::NoEntry { .. })));
    assert!(matches!(log.prove(0), Err(AuditError::NoEntry { .. })));
}

#[test]
fn a_receipt_of_which_a_byte_is_changed_proves_nothing() {
    let (_dir, log) = log_of(20);
    let key = log.key().unwrap();
    let text = log.prove(7).unwrap().to_string();
    for at in 0..text.len() {
        let mut bad = text.clone().into_bytes();
        bad[at] ^= 1;
        let Ok(bad) = String::from_utf8(bad) else {
            continue;
        };
        let checked = Receipt::parse(&bad).and_then(|receipt| receipt.check(&key));
        assert!(checked.is_err(), "byte {at}");
    }
}

#[test]
fn a_long_event_is_kept_whole_as_evidence() {
    let (_dir, log) = log_of(1);
    let long = Event::Drift(DriftRecord {
        target: "web".into(),
        refname: "refs/heads/prod".into(),
        commit: "8d01e77ab12c00000000000000000000000000ff".parse().unwrap(),
        sequence: 1,
        deep: false,
        found: (0..200)
            .map(|number| DriftItem {
                path: format!("{number}{}", "x".repeat(500)),
                what: "changed".into(),
                how: "size".into(),
            })
            .collect(),
        more: 0,
    });
    log.append(at(1), long.clone()).unwrap();
    let mut seen = Vec::new();
    assert_eq!(
        verify(&log, |entry| seen.push(entry.event.clone()))
            .unwrap()
            .evidence,
        1
    );
    assert_eq!(seen[1], long);
    assert_eq!(log.recent(2).unwrap().event, long);
    for file in fs::read_dir(log.evidence_dir()).unwrap() {
        fs::write(file.unwrap().path(), "{}").unwrap();
    }
    assert!(verify(&log, |_| ()).is_err());
}

#[test]
fn evidence_is_part_of_what_is_verified() {
    let (_dir, log) = log_of(1);
    let hash = log.keep(b"a raw statement").unwrap();
    let list = log.keep(b"a list of arrivals").unwrap();
    let verdict = VerdictRecord {
        outcome: "rejected".into(),
        person: None,
        login: None,
        policy: "8d01e77ab12c00000000000000000000000000ff".parse().unwrap(),
        updates: Vec::new(),
        others: 0,
        codes: Vec::new(),
        report: None,
        evidence: vec![hash.clone()],
        seen: Vec::new(),
        arrivals: Some(ArrivalsRecord {
            by: crate::types::Claimant::Nobody,
            quarantine: Some("incoming-x".into()),
            count: 1,
            oids: Vec::new(),
            lists: vec![list.clone()],
        }),
        landed: vec![1],
        found: Vec::new(),
        settled: Vec::new(),
        tool: "test".into(),
    };
    log.append(at(1), Event::Verdict(verdict)).unwrap();
    assert_eq!(verify(&log, |_| ()).unwrap().evidence, 2);
    assert_eq!(log.evidence(&list).unwrap(), b"a list of arrivals");
    for hash in [hash, list] {
        let file = log.evidence_dir().join(hash.as_str());
        let whole = fs::read(&file).unwrap();
        fs::write(&file, b"another").unwrap();
        assert!(matches!(
            verify(&log, |_| ()),
            Err(AuditError::Broken { seq: 2, .. })
        ));
        assert!(log.evidence(&hash).is_err());
        fs::write(&file, whole).unwrap();
    }
}

#[test]
fn many_entries_at_once_are_the_same_log() {
    let (_dir, log) = log_of(200);
    let events = |count: i64| (0..count).map(|number| (at(number), refused("x")));
    for (count, size) in [(0, 200), (30, 230), (26, 256), (256, 512), (700, 1212)] {
        let last = log.append_all(events(count)).unwrap();
        assert_eq!(last.seq, size);
        assert_eq!(last, log.last().unwrap());
        assert_eq!(verify(&log, |_| ()).unwrap().checkpoint, last.checkpoint);
    }
    assert_eq!(log.append(at(900), refused("y")).unwrap().seq, 1213);
    verify(&log, |_| ()).unwrap();
}
