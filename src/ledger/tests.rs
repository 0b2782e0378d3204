//! What the ledger remembers, and that the log alone brings it back.

use super::*;
use crate::audit::{Pin, UpdateRecord, hex};

fn oid(digit: char) -> Oid {
    digit.to_string().repeat(40).parse().unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_790_000_000 + seconds)
}

fn prod() -> RefName {
    RefName::new(b"refs/heads/prod").unwrap()
}

fn accepted(old: Option<Oid>, new: Oid, seen: Vec<Oid>) -> VerdictRecord {
    let permit = PermitRecord {
        ref_hex: hex(prod().as_bytes()),
        old,
        new,
        release: vec!["site".into()],
    };
    VerdictRecord {
        outcome: "accepted".into(),
        person: Some("dana".into()),
        login: None,
        policy: oid('f'),
        updates: vec![UpdateRecord {
            refname: prod().to_string(),
            claimed: old,
            old,
            new: Some(new),
            codes: Vec::new(),
            approved_by: vec!["rita".into()],
            permit: Some(permit),
        }],
        others: 0,
        codes: Vec::new(),
        evidence: Vec::new(),
        seen,
        tool: "test".into(),
    }
}

struct Server {
    dir: tempfile::TempDir,
    log: AuditLog,
    ledger: Ledger,
}

fn server() -> Server {
    let dir = tempfile::tempdir().unwrap();
    let log = AuditLog::at(dir.path());
    log.begin("acme/site", at(0)).unwrap();
    let ledger = Ledger::open(dir.path(), &log).unwrap();
    Server { dir, log, ledger }
}

impl Server {
    fn accepts(&self, old: Option<Oid>, new: Oid, when: i64, seen: Vec<Oid>) {
        let verdict = accepted(old, new, seen);
        let recorded = self
            .log
            .append(at(when), Event::Verdict(verdict.clone()))
            .unwrap();
        self.ledger
            .apply(recorded.seq, recorded.time, &verdict)
            .unwrap();
    }
}

#[test]
fn a_permit_allows_exactly_its_move_and_only_for_a_while() {
    let server = server();
    server.accepts(Some(oid('a')), oid('b'), 1, Vec::new());
    let record = server.ledger.record(&prod()).unwrap();
    assert!(record.permits(Some(oid('a')), oid('b'), at(2)));
    assert!(!record.permits(None, oid('b'), at(2)));
    assert!(!record.permits(Some(oid('a')), oid('c'), at(2)));
    assert!(!record.permits(Some(oid('c')), oid('b'), at(2)));
    assert!(!record.permits(Some(oid('a')), oid('b'), at(100_000)));
}

#[test]
fn g_02_a_value_that_no_verdict_accepted_is_no_base() {
    let server = server();
    server.ledger.pin(&prod(), oid('a')).unwrap();
    server.accepts(Some(oid('a')), oid('b'), 1, Vec::new());
    let base = |current| server.ledger.approved(&prod(), Some(current)).unwrap();
    assert_eq!(base(oid('a')), Some(oid('a')));
    assert_eq!(base(oid('b')), Some(oid('b')));
    assert_eq!(
        base(oid('e')),
        Some(oid('a')),
        "moved behind relhook's back"
    );
    let record = server.ledger.record(&prod()).unwrap();
    assert_eq!(record.accepted_by(oid('e')), None);
    assert_eq!(
        record.accepted_by(oid('a')),
        None,
        "taken as given is not accepted"
    );
    assert_eq!(record.accepted_by(oid('b')), Some(2));
}

#[test]
fn a_lost_ledger_comes_back_from_the_log() {
    let server = server();
    let pin = Pin::new(&prod(), oid('a'), "root");
    server.log.append(at(1), Event::Pinned(pin)).unwrap();
    server.ledger.pin(&prod(), oid('a')).unwrap();
    server.accepts(Some(oid('a')), oid('b'), 2, vec![oid('1')]);
    server.accepts(Some(oid('b')), oid('c'), 3, vec![oid('1'), oid('2')]);
    let before = server.ledger.record(&prod()).unwrap();
    std::fs::remove_dir_all(server.dir.path().join("ledger")).unwrap();
    let again = Ledger::open(server.dir.path(), &server.log).unwrap();
    assert_eq!(again.record(&prod()).unwrap(), before);
    assert_eq!(again.refs().unwrap(), [(prod(), before)]);
    assert_eq!(again.seen(oid('1')).unwrap(), Some(at(2)));
    assert_eq!(again.seen(oid('2')).unwrap(), Some(at(3)));
    assert_eq!(again.seen(oid('3')).unwrap(), None);
}

#[test]
fn d_08_after_a_start_of_the_machine_the_log_decides() {
    let server = server();
    server.accepts(Some(oid('a')), oid('b'), 2, vec![oid('1')]);
    let before = server.ledger.record(&prod()).unwrap();
    // As after a power cut: what was written last is not there, and another start is on the mark.
    std::fs::write(server.ledger.ref_file(&prod()), "").unwrap();
    std::fs::remove_file(server.ledger.seen_file(oid('1'))).unwrap();
    std::fs::write(server.ledger.mark(), "another start").unwrap();
    let again = Ledger::open(server.dir.path(), &server.log).unwrap();
    assert_eq!(again.record(&prod()).unwrap(), before);
    assert_eq!(again.seen(oid('1')).unwrap(), Some(at(2)));
}

#[test]
fn a_lost_ledger_does_not_come_back_from_a_broken_log() {
    let server = server();
    server.accepts(Some(oid('a')), oid('b'), 2, Vec::new());
    std::fs::write(server.log.file(), "").unwrap();
    std::fs::remove_dir_all(server.dir.path().join("ledger")).unwrap();
    assert!(matches!(
        Ledger::open(server.dir.path(), &server.log),
        Err(LedgerError::Audit(AuditError::Truncated { .. }))
    ));
}

#[test]
fn a_damaged_file_is_an_error_and_not_an_empty_one() {
    let server = server();
    server.accepts(Some(oid('a')), oid('b'), 1, vec![oid('1')]);
    std::fs::write(server.ledger.ref_file(&prod()), "").unwrap();
    assert!(server.ledger.approved(&prod(), Some(oid('b'))).is_err());
    std::fs::write(server.ledger.seen_file(oid('1')), "yesterday").unwrap();
    assert!(server.ledger.first_seen(oid('1')).is_err());
}
