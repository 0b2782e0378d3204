//! What the ledger remembers, and that the log alone brings it back.

use super::*;
use crate::audit::{AuditError, Pin, UpdateRecord};

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
        ref_hex: crate::types::hex(prod().as_bytes()),
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
            contributors: vec!["dana".into()],
            refname: prod().to_string(),
            claimed: old,
            old,
            new: Some(new),
            codes: Vec::new(),
            let_pass: Vec::new(),
            approved_by: vec!["rita".into()],
            rollback: None,
            tickets: Vec::new(),
            permit: Some(permit),
            emergency: None,
        }],
        others: 0,
        codes: Vec::new(),
        report: None,
        evidence: Vec::new(),
        seen,
        arrivals: None,
        landed: Vec::new(),
        found: Vec::new(),
        settled: Vec::new(),
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

/// What is left when the ledger is closed.
struct Closed {
    dir: tempfile::TempDir,
    log: AuditLog,
}

fn wrecked(file: &Path, sql: &str) {
    let database = Connection::open(file).unwrap();
    database.execute_batch(sql).unwrap();
}

impl Server {
    fn closed(self) -> (tempfile::TempDir, AuditLog) {
        let Self { dir, log, ledger } = self;
        drop(ledger);
        (dir, log)
    }

    fn tampered(self, sql: &str) -> Closed {
        let (dir, log) = self.closed();
        wrecked(&dir.path().join("ledger/ledger.sqlite"), sql);
        Closed { dir, log }
    }

    fn accepts(&self, old: Option<Oid>, new: Oid, when: i64, seen: Vec<Oid>) {
        let verdict = accepted(old, new, seen);
        let recorded = self
            .log
            .append(at(when), Event::Verdict(verdict.clone()))
            .unwrap();
        self.ledger
            .apply(recorded.seq, recorded.time, &verdict, None)
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
    let (dir, log) = server.closed();
    std::fs::remove_dir_all(dir.path().join("ledger")).unwrap();
    let again = Ledger::open(dir.path(), &log).unwrap();
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
    let sql = "DELETE FROM refs; DELETE FROM seen; UPDATE relhook_ledger SET boot = x'00'";
    let dir = server.tampered(sql);
    let again = Ledger::open(dir.dir.path(), &dir.log).unwrap();
    assert_eq!(again.record(&prod()).unwrap(), before);
    assert_eq!(again.seen(oid('1')).unwrap(), Some(at(2)));
}

#[test]
fn a_file_that_is_not_the_ledgers_is_made_again_from_the_log() {
    for wreck in [
        (|file| std::fs::write(file, "").unwrap()) as fn(&Path),
        |file| std::fs::write(file, "yesterday's lunch, and more of it").unwrap(),
        |file| std::fs::remove_file(file).unwrap(),
        // Another program's, and a later relhook's.
        |file| wrecked(file, "DROP TABLE relhook_ledger; CREATE TABLE cats (name)"),
        |file| wrecked(file, "UPDATE relhook_ledger SET version = version + 1"),
        // Nothing but a beginning: its maker was killed.
        |file| wrecked(file, "DELETE FROM relhook_ledger"),
    ] {
        let server = server();
        server.accepts(Some(oid('a')), oid('b'), 2, vec![oid('1')]);
        let before = server.ledger.record(&prod()).unwrap();
        let (dir, log) = server.closed();
        wreck(&dir.path().join("ledger/ledger.sqlite"));
        let again = Ledger::open(dir.path(), &log).unwrap();
        assert_eq!(again.record(&prod()).unwrap(), before);
        assert_eq!(again.seen(oid('1')).unwrap(), Some(at(2)));
    }
}

#[test]
fn the_files_of_an_older_relhook_go() {
    let (dir, log) = server().closed();
    let folder = dir.path().join("ledger");
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::create_dir_all(folder.join("seen/aa")).unwrap();
    std::fs::write(folder.join("complete"), boot_id()).unwrap();
    drop(Ledger::open(dir.path(), &log).unwrap());
    let names = std::fs::read_dir(&folder).unwrap();
    let names: Vec<_> = names.map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names, ["ledger.sqlite"]);
}

/// What a process leaves that is killed: every byte that it wrote, and no lock.
fn left_by_a_killed_one(server: &Server) -> tempfile::TempDir {
    let left = tempfile::tempdir().unwrap();
    let folder = left.path().join("ledger");
    std::fs::create_dir(&folder).unwrap();
    for file in std::fs::read_dir(server.dir.path().join("ledger")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
    left
}

#[test]
fn d_08_a_writer_that_is_killed_leaves_what_was_before() {
    let server = server();
    server.accepts(Some(oid('a')), oid('b'), 2, vec![oid('1')]);
    let before = server.ledger.record(&prod()).unwrap();
    let journal = |folder: &Path| folder.join("ledger/ledger.sqlite-journal");
    let length = |file: &Path| std::fs::metadata(file).unwrap().len();
    assert_eq!(length(&journal(server.dir.path())), 0, "it is kept, empty");

    // So little memory that its pages go to the file before the transaction ends.
    let whole = server.ledger.database.write().unwrap();
    whole.execute_batch("PRAGMA cache_size = 1").unwrap();
    let file = server.dir.path().join("ledger/ledger.sqlite");
    let untouched = std::fs::read(&file).unwrap();
    whole.execute("DELETE FROM refs", []).unwrap();
    for number in 1..=3000u32 {
        let oid: Oid = format!("{number:040x}").parse().unwrap();
        see(&whole, oid, at(3)).unwrap();
        if number % 1000 == 0 {
            let left = left_by_a_killed_one(&server);
            assert!(
                length(&journal(left.path())) > 0,
                "what was before is in the journal"
            );
            assert_ne!(std::fs::read(&file).unwrap(), untouched);
            // There is no log that it could be made from.
            let ledger = Ledger::open(left.path(), &AuditLog::at(left.path())).unwrap();
            assert_eq!(ledger.record(&prod()).unwrap(), before);
            assert_eq!(ledger.seen(oid).unwrap(), None);
            assert_eq!(
                ledger.seen("1".repeat(40).parse().unwrap()).unwrap(),
                Some(at(2))
            );
            // And it is written to as before.
            ledger.pin(&prod(), self::oid('c')).unwrap();
            assert!(ledger.record(&prod()).unwrap().knows(self::oid('c')));
        }
    }
    whole.commit().unwrap();
    let left = left_by_a_killed_one(&server);
    assert_eq!(length(&journal(left.path())), 0);
    let ledger = Ledger::open(left.path(), &AuditLog::at(left.path())).unwrap();
    assert_eq!(ledger.record(&prod()).unwrap(), RefRecord::default());
}

#[test]
fn h_13_the_file_is_this_accounts_alone() {
    use std::os::unix::fs::PermissionsExt;
    let server = server();
    server.accepts(Some(oid('a')), oid('b'), 2, Vec::new());
    for name in ["ledger.sqlite", "ledger.sqlite-journal"] {
        let file = server.dir.path().join("ledger").join(name);
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn d_08_a_file_in_use_is_not_taken_away() {
    let server = server();
    server.accepts(Some(oid('a')), oid('b'), 2, Vec::new());
    let folder = server.dir.path().to_owned();
    std::fs::write(folder.join("ledger/damaged"), "").unwrap();
    let opening = std::thread::spawn(move || {
        let again = Ledger::open(&folder, &AuditLog::at(&folder)).unwrap();
        again.record(&prod()).unwrap().knows(oid('c'))
    });
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(!opening.is_finished());
    // Who has it open still writes to it, and the one that is made then has it from the log.
    server.accepts(Some(oid('b')), oid('c'), 3, Vec::new());
    let (_dir, _log) = server.closed();
    assert!(opening.join().unwrap());
}

#[test]
fn a_lost_ledger_does_not_come_back_from_a_broken_log() {
    let server = server();
    server.accepts(Some(oid('a')), oid('b'), 2, Vec::new());
    let (dir, log) = server.closed();
    std::fs::write(log.file(), "").unwrap();
    std::fs::remove_dir_all(dir.path().join("ledger")).unwrap();
    assert!(matches!(
        Ledger::open(dir.path(), &log),
        Err(LedgerError::Audit(AuditError::Truncated { .. }))
    ));
}

#[test]
fn what_is_damaged_is_an_error_once_and_then_made_again() {
    let server = server();
    server.accepts(Some(oid('a')), oid('b'), 1, vec![oid('1')]);
    let server = server.tampered("UPDATE refs SET record = 'yesterday'");
    let ledger = Ledger::open(server.dir.path(), &server.log).unwrap();
    assert!(ledger.approved(&prod(), Some(oid('b'))).is_err());
    drop(ledger);
    let again = Ledger::open(server.dir.path(), &server.log).unwrap();
    assert_eq!(again.approved(&prod(), Some(oid('b'))), Ok(Some(oid('b'))));
}

#[test]
fn l_03_many_processes_write_one_after_the_other() {
    let server = server();
    let names: Vec<String> = (0..8).map(|one| format!("refs/heads/b{one}")).collect();
    std::thread::scope(|scope| {
        for name in &names {
            scope.spawn(|| {
                let ledger = Ledger::open(server.dir.path(), &AuditLog::at(server.dir.path()));
                let ledger = ledger.unwrap();
                for digit in "123456789".chars() {
                    let name = RefName::new(name.as_bytes()).unwrap();
                    ledger.pin(&name, oid(digit)).unwrap();
                    assert!(ledger.record(&name).unwrap().knows(oid(digit)));
                }
            });
        }
    });
    assert_eq!(server.ledger.refs().unwrap().len(), names.len());
}

mod arrivals;
