//! What some decisions say besides, and who must not.

use super::*;
use crate::types::{CheckName, PersonName, WindowName};

fn read(statement: &Statement, from: &str, to: &str) -> Result<Statement, StatementError> {
    let message = compose(statement, "A title", "").unwrap();
    assert!(message.contains(from), "{from} in {message}");
    Statement::parse(&tag(&tag_name(statement), &message.replacen(from, to, 1)))
}

fn saying(decision: Decision, base: bool, particulars: Particulars) -> Statement {
    Statement {
        decision,
        base: base.then(|| oid(0x22)),
        particulars,
        ..approval()
    }
}

fn emergency() -> Statement {
    let ticket = Some("INC-42".to_owned());
    let particulars = Particulars {
        ticket,
        ..Particulars::default()
    };
    saying(Decision::Emergency, true, particulars)
}

fn delegation() -> Statement {
    let grant = Grant {
        to: PersonName::new("carol"),
        from: Timestamp::from_unix(1_790_000_000),
        paths: vec!["docs/**".to_owned(), "*.md".to_owned()],
    };
    let particulars = Particulars {
        grant: Some(grant),
        ..Particulars::default()
    };
    saying(Decision::Delegate, false, particulars)
}

fn check() -> Statement {
    let check = CheckResult {
        name: CheckName::new("tests"),
        passed: true,
    };
    let particulars = Particulars {
        check: Some(check),
        ..Particulars::default()
    };
    saying(Decision::Check, false, particulars)
}

#[test]
fn what_binds_an_emergency_or_a_rollback_has_to_be_there() {
    let rollback = saying(Decision::Rollback, true, emergency().particulars);
    for statement in [emergency(), rollback] {
        assert_eq!(read(&statement, "", ""), Ok(statement.clone()));
        for (line, key) in [
            (format!("Relhook-Base: {TWO}\n"), key::BASE),
            (
                "Relhook-Expires: 2026-12-24T00:00:00Z\n".into(),
                key::EXPIRES,
            ),
            ("Relhook-Reason: looks right\n".into(), key::REASON),
        ] {
            let missing = Err(StatementError::Missing { key });
            assert_eq!(read(&statement, &line, ""), missing);
        }
        let without = read(&statement, "Relhook-Ticket: INC-42\n", "").unwrap();
        assert_eq!(without.particulars, Particulars::default());
    }
}

#[test]
fn a_delegation_names_who_from_when_and_until_when() {
    let statement = delegation();
    let message = compose(&statement, "Name carol a deputy", "").unwrap();
    assert!(message.contains("Relhook-Paths: docs/** *.md\n"));
    assert_eq!(read(&statement, "", ""), Ok(statement.clone()));
    let from = "Relhook-From: 2026-09-21T14:13:20Z\n";
    for (line, key) in [
        ("Relhook-To: carol\n", key::TO),
        (from, key::FROM),
        ("Relhook-Expires: 2026-12-24T00:00:00Z\n", key::EXPIRES),
        ("Relhook-Reason: looks right\n", key::REASON),
    ] {
        assert_eq!(
            read(&statement, line, ""),
            Err(StatementError::Missing { key })
        );
    }
    let everywhere = read(&statement, "Relhook-Paths: docs/** *.md\n", "").unwrap();
    assert_eq!(everywhere.particulars.grant.unwrap().paths, [""; 0]);
    for odd in ["docs/**  *.md", "docs/** ", "docs/[", " docs"] {
        let odd = read(&statement, "docs/** *.md", odd);
        let Err(
            StatementError::Value {
                key: key::PATHS, ..
            }
            | StatementError::Trailers(_),
        ) = odd
        else {
            panic!("{odd:?}");
        };
    }
}

#[test]
fn a_check_says_what_it_tried_and_what_came_of_it() {
    let statement = check();
    assert_eq!(read(&statement, "", ""), Ok(statement.clone()));
    let failed = read(&statement, "Result: pass", "Result: fail").unwrap();
    assert!(!failed.particulars.check.unwrap().passed);
    for (from, to) in [
        ("Relhook-Result: pass\n", ""),
        ("Relhook-Check: tests\n", ""),
        ("Result: pass", "Result: PASS"),
        ("Result: pass", "Result: passed"),
        ("Check: tests", "Check: te sts"),
    ] {
        assert!(read(&statement, from, to).is_err(), "{from} {to}");
    }
}

#[test]
fn nothing_says_what_its_decision_does_not() {
    let not_here = |key, decision| Err(StatementError::NotHere { key, decision });
    let approve = |line: &str| changed("Relhook-Reason", &format!("{line}\nRelhook-Reason"));
    for line in [
        "Relhook-Ticket: INC-42",
        "Relhook-Stead: rita",
        "Relhook-Overrides: christmas",
        &format!("Relhook-Settles: {TWO}"),
        &format!("Relhook-Answers: {TWO}"),
    ] {
        assert!(approve(line).is_ok(), "{line}");
    }
    let grant = "Relhook-To: carol\nRelhook-From: 2026-09-21T14:13:20Z";
    assert_eq!(approve(grant), not_here(key::TO, "approve"));
    let result = "Relhook-Check: tests\nRelhook-Result: pass";
    assert_eq!(approve(result), not_here(key::CHECK, "approve"));
    let before = "Relhook-Reason";
    let add =
        |statement: &Statement, line: &str| read(statement, before, &format!("{line}\n{before}"));
    for (statement, line, key) in [
        (emergency(), "Relhook-Stead: rita", key::STEAD),
        (emergency(), "Relhook-Stage: live", key::STAGE),
        (delegation(), "Relhook-Ticket: INC-42", key::TICKET),
        (check(), "Relhook-Ticket: INC-42", key::TICKET),
        (check(), &format!("Relhook-Base: {TWO}"), key::BASE),
        (delegation(), &format!("Relhook-Base: {TWO}"), key::BASE),
        (
            emergency(),
            &format!("Relhook-Settles: {TWO}"),
            key::SETTLES,
        ),
    ] {
        assert_eq!(
            add(&statement, line),
            not_here(key, statement.decision.word()),
            "{line}"
        );
    }
    let withdraws = format!("Relhook-Withdraws: {TWO}");
    assert_eq!(
        add(&emergency(), &withdraws),
        not_here(key::WITHDRAWS, "emergency")
    );
}

#[test]
fn an_override_names_windows_and_freezes_and_says_why() {
    let windows = |names: &[&str]| names.iter().map(|name| WindowName::new(*name)).collect();
    let approval = Statement {
        reason: Some("the site is down".into()),
        particulars: Particulars {
            overrides: windows(&["christmas", "office"]),
            ..Particulars::default()
        },
        ..approval()
    };
    let message = compose(&approval, "Let it in", "").unwrap();
    let line = "Relhook-Overrides: christmas office\n";
    assert!(message.contains(line), "{message}");
    let read = |message: &str| Statement::parse(&tag("relhook/approve/111111111111", message));
    assert_eq!(read(&message), Ok(approval));
    for bad in ["", "a  b", " a", "a ", "a a", "../a", "a,b"] {
        let odd = message.replace(line, &format!("Relhook-Overrides: {bad}\n"));
        assert!(read(&odd).is_err(), "{bad:?}");
    }
    let silent = message.replace("Relhook-Reason: the site is down\n", "");
    let missing = StatementError::Missing { key: key::REASON };
    assert_eq!(read(&silent), Err(missing));
}
