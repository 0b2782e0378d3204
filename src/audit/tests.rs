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

fn edit(log: &AuditLog, change: impl Fn(String) -> String) {
    let text = fs::read_to_string(log.file()).unwrap();
    fs::write(log.file(), change(text)).unwrap();
}

#[test]
fn a_log_in_use_verifies() {
    let (_dir, log) = log_of(5);
    let mut seen = Vec::new();
    let report = verify(&log, |entry| seen.push(entry.seq)).unwrap();
    assert_eq!(report.entries, 5);
    assert_eq!(seen, [1, 2, 3, 4, 5]);
    assert_eq!(report.head, log.last().unwrap().hash);
}

#[test]
fn only_a_beginning_begins() {
    let dir = tempfile::tempdir().unwrap();
    let log = AuditLog::at(dir.path());
    assert!(matches!(
        log.append(at(0), refused("x")),
        Err(AuditError::Absent { .. })
    ));
    log.begin("acme/site", at(0)).unwrap();
    assert!(matches!(
        log.begin("acme/site", at(0)),
        Err(AuditError::Begun { .. })
    ));
}

#[test]
fn l_01_a_cut_off_tail_is_found() {
    let (_dir, log) = log_of(4);
    edit(&log, |text| {
        text.lines()
            .take(2)
            .map(|line| format!("{line}\n"))
            .collect()
    });
    assert!(matches!(
        verify(&log, |_| ()),
        Err(AuditError::Truncated { found: 2, .. })
    ));
    assert!(matches!(
        log.append(at(9), refused("x")),
        Err(AuditError::Truncated {
            found: 2,
            recorded: 4,
            ..
        })
    ));
}

#[test]
fn a_changed_removed_or_inserted_line_is_found() {
    for change in [
        |text: String| text.replace("no 2", "no 7"),
        |text: String| {
            text.lines()
                .filter(|line| !line.contains("no 2"))
                .map(|l| format!("{l}\n"))
                .collect()
        },
        |text: String| text.replacen("\"seq\":2,", "\"seq\":2,\"extra\":1,", 1),
        |text: String| text.replacen("\"seq\":2,", "\"seq\": 2,", 1),
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
fn l_03_concurrent_appenders_fork_nothing() {
    let (_dir, log) = log_of(1);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..20).for_each(|_| drop(log.append(at(1), refused("x")).unwrap())));
        }
    });
    assert_eq!(verify(&log, |_| ()).unwrap().entries, 161);
}

#[test]
fn l_04_a_cut_record_is_dropped_and_said_so() {
    let (_dir, log) = log_of(3);
    let mut file = fs::OpenOptions::new()
        .append(true)
        .open(log.file())
        .unwrap();
    file.write_all(b"{\"schema\":\"relhook/aud").unwrap();
    log.append(at(9), refused("after")).unwrap();
    let mut kinds = Vec::new();
    verify(&log, |entry| kinds.push(entry.event.clone())).unwrap();
    assert_eq!(kinds.len(), 5);
    assert_eq!(kinds[3], Event::Recovered { dropped_bytes: 22 });
}

#[test]
fn l_06_a_clock_that_goes_back_does_not_take_the_log_along() {
    let (_dir, log) = log_of(3);
    let recorded = log.append(at(-500), refused("x")).unwrap();
    assert_eq!(recorded.time, at(2));
    verify(&log, |_| ()).unwrap();
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
}

#[test]
fn a_head_that_is_one_entry_behind_is_caught_up_and_one_elsewhere_is_not() {
    let (dir, log) = log_of(3);
    let head = dir.path().join("audit/head");
    let behind = fs::read(&head).unwrap();
    log.append(at(5), refused("x")).unwrap();
    fs::write(&head, &behind).unwrap();
    log.append(at(6), refused("y")).unwrap();
    assert_eq!(verify(&log, |_| ()).unwrap().entries, 5);
    fs::write(&head, &behind).unwrap();
    log.append(at(7), refused("three behind, as after a power cut"))
        .unwrap();
    assert_eq!(verify(&log, |_| ()).unwrap().entries, 6);
    fs::write(&head, &behind).unwrap();
    edit(&log, |text| text.replace("no 2", "no 7"));
    assert!(log.append(at(8), refused("behind, and rewritten")).is_err());
    edit(&log, |text| text.replace("no 7", "no 2"));
    log.append(at(8), refused("as it was")).unwrap();
    fs::write(&head, "").unwrap();
    log.append(at(9), refused("after a power cut that emptied the head"))
        .unwrap();
    verify(&log, |_| ()).unwrap();
    fs::write(&head, "").unwrap();
    edit(&log, |text| text.replace("no 2", "no 7"));
    assert!(
        log.append(at(9), refused("emptied, and rewritten"))
            .is_err()
    );
    edit(&log, |text| text.replace("no 7", "no 2"));
    fs::remove_file(&head).unwrap();
    assert!(matches!(
        log.append(at(7), refused("z")),
        Err(AuditError::Broken { .. })
    ));
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
fn a_verdict_from_before_arrivals_were_recorded_still_verifies() {
    let (_dir, log) = log_of(1);
    let old = "{\"outcome\":\"rejected\",\"person\":null,\"login\":null,\
        \"policy\":\"8d01e77ab12c00000000000000000000000000ff\",\"updates\":[],\"others\":0,\
        \"codes\":[],\"evidence\":[],\"seen\":[],\"tool\":\"0.1.0\"}";
    let verdict: VerdictRecord = serde_json::from_str(old).unwrap();
    assert_eq!(serde_json::to_string(&verdict).unwrap(), old);
    log.append(at(1), Event::Verdict(verdict)).unwrap();
    assert_eq!(verify(&log, |_| ()).unwrap().entries, 2);
}
