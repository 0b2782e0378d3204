//! The format, piece by piece.

use super::*;
use crate::object::TrailerError;

fn value(key: &'static str, value: &str, why: &str) -> Result<Statement, StatementError> {
    Err(StatementError::Value {
        key,
        value: value.into(),
        why: why.into(),
    })
}

#[test]
fn what_a_statement_looks_like() {
    let message = compose(&approval(), "Approve 1111111 for prod", "It works.\n").unwrap();
    assert_eq!(
        message,
        "Approve 1111111 for prod\n\
         \n\
         It works.\n\
         \n\
         Relhook-Version: 1\n\
         Relhook-Decision: approve\n\
         Relhook-Repository: acme/site\n\
         Relhook-Ref: refs/heads/prod\n\
         Relhook-Base: 2222222222222222222222222222222222222222\n\
         Relhook-Commit: 1111111111111111111111111111111111111111\n\
         Relhook-Tree: 3333333333333333333333333333333333333333\n\
         Relhook-Expires: 2026-12-24T00:00:00Z\n\
         Relhook-Checkpoint: 17 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\
         Relhook-Reason: looks right\n"
    );
    let tag = tag("relhook/approve/111111111111", &message);
    assert_eq!(Statement::parse(&tag), Ok(approval()));
}

#[test]
fn v_01_what_binds_a_statement_has_to_be_there() {
    for (line, key) in [
        ("Relhook-Version: 1\n", key::VERSION),
        ("Relhook-Decision: approve\n", key::DECISION),
        ("Relhook-Repository: acme/site\n", key::REPOSITORY),
        ("Relhook-Ref: refs/heads/prod\n", key::REF),
        (&format!("Relhook-Commit: {ONE}\n"), key::COMMIT),
        (
            "Relhook-Tree: 3333333333333333333333333333333333333333\n",
            key::TREE,
        ),
    ] {
        assert_eq!(changed(line, ""), Err(StatementError::Missing { key }));
    }
}

#[test]
fn what_may_be_left_out() {
    let line = format!("Relhook-Base: {TWO}\n");
    assert_eq!(changed(&line, "").unwrap().base, None);
    let line = format!("Relhook-Checkpoint: 17 {ROOT}\n");
    assert_eq!(changed(&line, "").unwrap().checkpoint, None);
    assert_eq!(
        changed("Relhook-Reason: looks right\n", "").unwrap().reason,
        None
    );
    let line = "Relhook-Expires: 2026-12-24T00:00:00Z\n";
    assert_eq!(changed(line, "").unwrap().expires, None);
}

#[test]
fn v_02_the_tag_is_named_by_its_content() {
    let message = compose(&approval(), "t", "").unwrap();
    for found in [
        "relhook/reject/111111111111",
        "relhook/approve/222222222222",
        "relhook/approve/1111111111111",
        "relhook/approve/11111111111",
        "v1",
    ] {
        let expected = "relhook/approve/111111111111".to_owned();
        let error = Statement::parse(&tag(found, &message)).unwrap_err();
        let found = found.to_owned();
        assert_eq!(error, StatementError::TagName { found, expected });
    }
}

#[test]
fn v_03_ids_are_whole() {
    let error = "not 40 lower-case hexadecimal digits";
    let line = format!("Relhook-Commit: {ONE}");
    assert_eq!(
        changed(&line, "Relhook-Commit: 1111111"),
        value(key::COMMIT, "1111111", error)
    );
    assert_eq!(
        changed(&line, "Relhook-Commit: HEAD"),
        value(key::COMMIT, "HEAD", error)
    );
    let line = format!("Relhook-Base: {TWO}");
    assert_eq!(
        changed(&line, "Relhook-Base: prod"),
        value(key::BASE, "prod", error)
    );
    let zero = "0".repeat(40);
    let read = changed(&line, &format!("Relhook-Base: {zero}"));
    assert_eq!(
        read,
        value(key::BASE, &zero, "the all-zero id names no object")
    );
}

#[test]
fn v_05_the_commit_is_the_tags_object() {
    let (stated, object) = (oid(0x22), oid(0x11));
    let read = changed(
        &format!("Relhook-Commit: {ONE}"),
        &format!("Relhook-Commit: {TWO}"),
    );
    assert_eq!(read, Err(StatementError::OtherCommit { stated, object }));
    for (kind, word) in [
        (ObjectKind::Tag, "tag"),
        (ObjectKind::Tree, "tree"),
        (ObjectKind::Blob, "blob"),
    ] {
        let message = compose(&approval(), "t", "").unwrap();
        let tag = Tag {
            kind,
            ..tag("relhook/approve/111111111111", &message)
        };
        assert_eq!(
            Statement::parse(&tag),
            Err(StatementError::NotACommit { kind: word })
        );
    }
}

#[test]
fn v_16_unknown_and_duplicate_trailers() {
    for line in [
        "Relhook-Nonce: 1",
        "relhook-tree: 1",
        "Signed-off-by: Rob <rob@example.org>",
        "X: y",
    ] {
        let read = changed("Relhook-Reason", &format!("{line}\nRelhook-Reason"));
        let key = line.split(':').next().unwrap().to_owned();
        assert_eq!(read, Err(StatementError::Unknown { key }));
    }
    for key in [
        key::VERSION,
        key::DECISION,
        key::COMMIT,
        key::REASON,
        key::EXPIRES,
    ] {
        let line = match key {
            key::VERSION => "Relhook-Version: 1".to_owned(),
            _ => format!("{key}: {TWO}"),
        };
        let read = changed(
            "Relhook-Version: 1\n",
            &format!("Relhook-Version: 1\n{line}\n"),
        );
        let key = key.to_owned();
        assert_eq!(read, Err(StatementError::Duplicate { key }));
    }
}

#[test]
fn v_16_what_reads_like_a_trailer_is_one() {
    for line in [
        "Relhook-Commit: 2222222222222222222222222222222222222222",
        "  relhook-ref: refs/heads/test",
        "> Relhook-Decision : reject",
        "Relhook\u{2010}Expires: never",
        "relhook tree: x",
    ] {
        let read = changed("It works.", &format!("It works.\n{line}\nand so on"));
        let line = crate::types::escape(line.as_bytes());
        assert_eq!(read, Err(StatementError::Misplaced { line }));
    }
    let title = changed("Approve\n", "Relhook-Ref: refs/heads/test\n");
    assert!(matches!(title, Err(StatementError::Misplaced { .. })));
    assert!(changed("It works.", "relhook's trees: fine").is_ok());
}

#[test]
fn v_17_values_are_exact_to_the_byte() {
    let blanks = "it has blanks around it, or control characters";
    let line = "Relhook-Repository: acme/site";
    let read = changed(line, "Relhook-Repository: \u{a0}acme/site");
    assert_eq!(read, value(key::REPOSITORY, "\u{a0}acme/site", blanks));
    let read = changed(line, "Relhook-Repository: acme\u{85}site");
    assert_eq!(read, value(key::REPOSITORY, "acme\\u{85}site", blanks));
    let upper = "A".repeat(40);
    let read = changed(
        &format!("Relhook-Base: {TWO}"),
        &format!("Relhook-Base: {upper}"),
    );
    assert_eq!(
        read,
        value(key::BASE, &upper, "not 40 lower-case hexadecimal digits")
    );
    for (from, to) in [
        ("Relhook-Ref: refs", "Relhook-Ref:  refs"),
        ("Relhook-Ref: refs", "Relhook-Ref:refs"),
        ("Relhook-Ref: refs", " Relhook-Ref: refs"),
        ("Relhook-Ref: refs", "Relhook-Ref : refs"),
        ("prod\n", "prod \n"),
        ("prod\n", "prod\r\n"),
        ("prod\n", "prod\n more\n"),
        ("Relhook-Version: 1\n", "prose\nRelhook-Version: 1\n"),
    ] {
        let read = changed(from, to);
        let line = matches!(
            read,
            Err(StatementError::Trailers(TrailerError::Line { .. }))
        );
        assert!(line, "{to:?} {read:?}");
    }
}

#[test]
fn other_versions_are_refused_before_anything_else() {
    for version in ["2", "01", "1.0", "\u{661}"] {
        let to = format!("Relhook-Version: {version}\nRelhook-New: x");
        let version = version.to_owned();
        let read = changed("Relhook-Version: 1", &to);
        assert_eq!(read, Err(StatementError::Version { version }));
    }
}

#[test]
fn decisions_that_this_server_does_not_know_say_so() {
    for word in ["hold", "Emergency", "Approve", "yes"] {
        let read = changed(
            "Relhook-Decision: approve",
            &format!("Relhook-Decision: {word}"),
        );
        let error = read.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the decision `{word}` is not known to this relhook")
        );
        assert_eq!(error, StatementError::Decision { word: word.into() });
    }
}

#[test]
fn rejecting_and_withdrawing_take_a_reason() {
    let withdraw = Decision::Withdraw {
        statement: oid(0x44),
    };
    for decision in [Decision::Reject, withdraw] {
        let mut statement = Statement {
            decision,
            ..approval()
        };
        assert!(compose(&statement, "t", "").is_ok());
        statement.reason = None;
        let missing = StatementError::Missing { key: key::REASON };
        assert_eq!(compose(&statement, "t", ""), Err(missing));
    }
}

#[test]
fn a_withdrawal_names_what_it_withdraws() {
    let decision = Decision::Withdraw {
        statement: oid(0x44),
    };
    let message = compose(
        &Statement {
            decision,
            ..approval()
        },
        "t",
        "",
    )
    .unwrap();
    let line = format!("Relhook-Withdraws: {}\n", "4".repeat(40));
    let name = "relhook/withdraw/111111111111";
    let statement = Statement::parse(&tag(name, &message)).unwrap();
    assert_eq!(statement.decision, decision);
    let read = Statement::parse(&tag(name, &message.replace(&line, "")));
    assert_eq!(
        read,
        Err(StatementError::Missing {
            key: key::WITHDRAWS
        })
    );
    let read = changed("Relhook-Reason", &format!("{line}Relhook-Reason"));
    let (key, decision) = (key::WITHDRAWS, "approve");
    assert_eq!(read, Err(StatementError::NotHere { key, decision }));
}

#[test]
fn each_value_has_one_form() {
    for time in [
        "2026-12-24",
        "2026-12-24T00:00:00+00:00",
        "2026-12-24t00:00:00Z",
        "never",
    ] {
        let read = changed("2026-12-24T00:00:00Z", time);
        assert_eq!(
            read,
            value(key::EXPIRES, time, "not a time like 2026-12-24T00:00:00Z")
        );
    }
    for name in ["prod", "refs/heads/a..b", "refs/heads/x y"] {
        let read = changed("refs/heads/prod", name);
        assert!(
            matches!(read, Err(StatementError::Value { key: key::REF, .. })),
            "{name}"
        );
    }
    let size = "its size is not a plain decimal number";
    for (head, why) in [
        ("017", size),
        ("+17", size),
        ("x", size),
        ("18446744073709551616", size),
    ] {
        let checkpoint = format!("{head} {ROOT}");
        let read = changed(&format!("17 {ROOT}"), &checkpoint);
        assert_eq!(read, value(key::CHECKPOINT, &checkpoint, why));
    }
    for root in [
        "",
        "AAAA",
        &ROOT.replace('=', ""),
        &ROOT.replace("FU=", "FV="),
        &ROOT.replace('+', "-"),
        &format!("{ROOT}="),
    ] {
        let read = changed(ROOT, root);
        assert!(read.is_err(), "{root}");
    }
    let read = changed("looks right", "...");
    assert_eq!(
        read,
        value(key::REASON, "...", "it holds no letter and no digit")
    );
    let long = "x".repeat(2049);
    assert!(changed("looks right", &long).is_err());
}

#[test]
fn s_21_an_ordinary_tag_states_nothing() {
    for message in [
        "",
        "v1\n",
        "v1\n\nThe release.\n",
        "v1\n\nSigned-off-by: Rob <rob@example.org>\n",
    ] {
        assert!(
            Statement::parse(&tag("v1", message)).is_err(),
            "{message:?}"
        );
    }
}

#[test]
fn a_message_has_a_largest_size() {
    let (size, limit) = (MAX_STATEMENT_BYTES + 1, MAX_STATEMENT_BYTES);
    let read = Statement::parse(&tag("v1", &"x".repeat(size)));
    assert_eq!(read, Err(StatementError::TooLarge { size, limit }));
}

#[test]
fn refs_are_taken_apart_and_put_together() {
    // echo hello | sha256sum
    let id = StatementId::of(b"hello\n");
    assert_eq!(id.to_string(), "5891b5b522d5df08");
    let name = format!("refs/relhook/statements/{ONE}/5891b5b522d5df08");
    let parse = |name: &str| StatementRef::parse(&RefName::new(name.as_bytes()).unwrap());
    assert_eq!(
        parse(&name),
        Ok(StatementRef {
            commit: oid(0x11),
            id
        })
    );
    assert_eq!(
        StatementRef::of(oid(0x11), b"hello\n")
            .to_refname()
            .to_string(),
        name
    );
    for bad in [
        name.to_uppercase()
            .replace("REFS/RELHOOK/STATEMENTS", "refs/relhook/statements"),
        name.replace("5891b5b522d5df08", "5891b5b522d5df0"),
        name.replace("5891b5b522d5df08", "5891b5b522d5df081"),
        name.replace("5891b5b522d5df08", "+891b5b522d5df08"),
        name.replace(ONE, "1111111"),
        name.replace(ONE, &"0".repeat(40)),
        name.replace("/5891b5b522d5df08", ""),
        format!("{name}/x"),
        name.replace("statements", "statement"),
        "refs/heads/prod".to_owned(),
    ] {
        assert!(parse(&bad).is_err(), "{bad}");
    }
}

#[test]
fn a_lift_names_its_stage_and_compares_with_nothing() {
    let lift = Statement {
        decision: Decision::Lift,
        base: None,
        stage: Some(crate::types::StageName::new("live")),
        reason: None,
        ..approval()
    };
    let message = compose(&lift, "Let it go on", "").unwrap();
    assert!(message.contains("Relhook-Decision: lift\n"));
    assert!(message.contains("Relhook-Stage: live\n"));
    let read = |message: &str| Statement::parse(&tag("relhook/lift/111111111111", message));
    assert_eq!(read(&message), Ok(lift));
    let without = message.replace("Relhook-Stage: live\n", "");
    let missing = StatementError::Missing { key: key::STAGE };
    assert_eq!(read(&without), Err(missing));
    for bad in ["a b", "../live", "", ".live", "live\u{e9}"] {
        let odd = message.replace("Stage: live", &format!("Stage: {bad}"));
        assert!(read(&odd).is_err(), "{bad:?}");
    }
    let base = format!("Relhook-Stage: live\nRelhook-Base: {TWO}\n");
    let compared = message.replace("Relhook-Stage: live\n", &base);
    let not_here = |key, decision| StatementError::NotHere { key, decision };
    assert_eq!(read(&compared), Err(not_here(key::BASE, "lift")));
    // Nothing else has a stage.
    let reason = "Relhook-Reason: looks right\n";
    let staged = changed(reason, &format!("{reason}Relhook-Stage: live\n"));
    assert_eq!(staged, Err(not_here(key::STAGE, "approve")));
}
