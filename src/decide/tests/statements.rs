//! Statements that arrive: taken in or not.

use super::build::*;
use crate::decide::Code;
use crate::facts::{
    ArrivingStatement, Current, Fault, FirstPushers, Pusher, SignatureFact, StatementOutcome,
    Subject, UpdateFacts,
};
use crate::signature::SignatureProblem;
use crate::types::RefChange;

fn verdict(update: UpdateFacts) -> Vec<Code> {
    let mut facts = push(vec![update]);
    // Anybody may carry a statement.
    facts.pusher = Pusher::Unknown {
        login: "zoe".into(),
    };
    let verdict = one(&policy(), &facts);
    assert!(verdict.permit.is_none());
    codes(&verdict)
}

fn with(change: impl FnOnce(&mut ArrivingStatement)) -> Vec<Code> {
    let mut update = arriving(approves(1, "rita", 1), "rita");
    match &mut update.subject {
        Subject::Statement(StatementOutcome::Read(read)) => change(read),
        other => panic!("{other:?}"),
    }
    verdict(update)
}

#[test]
fn v_14_a_sound_statement_is_taken_in_whoever_carries_it() {
    assert_eq!(with(|_| ()), []);
}

#[test]
fn r_18_statements_are_never_replaced_or_deleted() {
    let mut exists = arriving(approves(1, "rita", 1), "rita");
    exists.current = Current::At(oid(7));
    let codes = verdict(exists);
    assert!(codes.contains(&Code::STATEMENT_EXISTS), "{codes:?}");

    let mut moved = arriving(approves(1, "rita", 1), "rita");
    moved.current = Current::At(oid(7));
    moved.change = RefChange::Update {
        old: oid(7),
        new: oid(10_001),
    };
    assert_eq!(verdict(moved), [Code::STATEMENT_EXISTS]);

    for (old, current) in [
        (Some(oid(7)), Current::At(oid(7))),
        (None, Current::At(oid(7))),
        (None, Current::Absent),
    ] {
        let mut gone = arriving(approves(1, "rita", 1), "rita");
        gone.current = current;
        gone.change = RefChange::Delete { old };
        gone.subject = Subject::Statement(StatementOutcome::Deletion);
        let codes = verdict(gone.clone());
        assert!(codes.contains(&Code::STATEMENT_DELETION), "{codes:?}");
        // Even if the facts had read something.
        gone.subject = arriving(approves(1, "rita", 1), "rita").subject;
        let codes = verdict(gone);
        assert!(codes.contains(&Code::STATEMENT_DELETION), "{codes:?}");
    }
}

#[test]
fn what_is_no_statement_is_not_taken_in() {
    let why = || "no".to_owned();
    for (outcome, code) in [
        (StatementOutcome::MalformedName, Code::STATEMENT_NAME),
        (
            StatementOutcome::NotATag { kind: "commit" },
            Code::STATEMENT_NOT_A_TAG,
        ),
        (
            StatementOutcome::Malformed { why: why() },
            Code::STATEMENT_FORMAT,
        ),
        (
            StatementOutcome::Fault(Fault::Missing { oid: oid(3) }),
            Code::MISSING_OBJECT,
        ),
        (
            StatementOutcome::Fault(Fault::Unreadable { why: why() }),
            Code::UNREADABLE,
        ),
    ] {
        let mut update = arriving(approves(1, "rita", 1), "rita");
        update.subject = Subject::Statement(outcome);
        assert_eq!(verdict(update), [code]);
    }
}

#[test]
fn a_statement_agrees_with_where_it_is_and_what_it_is_about() {
    assert_eq!(
        with(|read| read.name_agrees = false),
        [Code::STATEMENT_MISPLACED]
    );
    assert_eq!(
        with(|read| read.repository_agrees = false),
        [Code::STATEMENT_REPOSITORY]
    );
    let other = with(|read| read.statement.repository = "acme/fork".into());
    assert_eq!(other, [Code::STATEMENT_REPOSITORY]);
    assert_eq!(
        with(|read| read.commit_tree = None),
        [Code::STATEMENT_COMMIT]
    );
    assert_eq!(
        with(|read| read.commit_tree = Some(oid(6))),
        [Code::STATEMENT_TREE]
    );
}

#[test]
fn a_statement_is_its_signers_own() {
    assert_eq!(
        with(|read| read.signer = SignatureFact::Unsigned),
        [Code::STATEMENT_UNSIGNED]
    );
    assert_eq!(with(|read| read.tagger = None), [Code::STATEMENT_TAGGER]);
    assert_eq!(
        with(|read| read.tagger = Some(who("remy"))),
        [Code::STATEMENT_TAGGER]
    );
    assert_eq!(
        with(|read| {
            read.signer = good("eve");
            read.tagger = Some(who("eve"));
        }),
        [Code::STATEMENT_SIGNER]
    );
    // A key that the policy does not have for that person.
    let borrowed = with(|read| {
        read.signer = SignatureFact::Good {
            person: who("rita"),
            key: key("mallory"),
        };
    });
    assert_eq!(borrowed, [Code::KEY_UNKNOWN]);
    let nobody = with(|read| read.signer = good("mallory"));
    assert_eq!(nobody, [Code::KEY_UNKNOWN]);
}

#[test]
fn each_way_in_which_a_signature_fails_has_its_own_code() {
    let key = || "ABCD".to_owned();
    let problems = [
        (SignatureProblem::Bad, Code::SIGNATURE_BAD),
        (
            SignatureProblem::UnknownKey { key: key() },
            Code::KEY_UNKNOWN,
        ),
        (
            SignatureProblem::ExpiredKey { key: key() },
            Code::KEY_EXPIRED,
        ),
        (SignatureProblem::ExpiredSignature, Code::SIGNATURE_EXPIRED),
        (
            SignatureProblem::RevokedKey { key: key() },
            Code::KEY_REVOKED,
        ),
        (
            SignatureProblem::NotYetValid { made: at(9) },
            Code::SIGNATURE_FUTURE,
        ),
        (SignatureProblem::Weak { what: key() }, Code::SIGNATURE_WEAK),
        (SignatureProblem::WrongSubkey { key: key() }, Code::SUBKEY),
        (SignatureProblem::NotOne { count: 2 }, Code::SIGNATURES),
        (
            SignatureProblem::WrongNamespace { namespace: key() },
            Code::SIGNATURE_NAMESPACE,
        ),
        (
            SignatureProblem::Malformed { why: key() },
            Code::SIGNATURE_MALFORMED,
        ),
        (
            SignatureProblem::EngineFailed { why: key() },
            Code::SIGNATURE_UNCHECKED,
        ),
        (
            SignatureProblem::Unsupported { what: key() },
            Code::SIGNATURE_UNSUPPORTED,
        ),
        (
            SignatureProblem::NoTouch { key: key() },
            Code::SIGNATURE_UNTOUCHED,
        ),
    ];
    for (problem, code) in problems {
        let fact = SignatureFact::Refused(problem);
        assert_eq!(with(|read| read.signer = fact.clone()), [code]);
        // The same on a commit, whoever first pushed it and whoever approves.
        let mut policy = policy();
        policy.rules[0].attribution = crate::policy::Attribution::SignatureOrPusher;
        let mut bad = commit(1, &[BASE], "dana");
        bad.signature = fact;
        bad.first_pushers = FirstPushers::one(who("dana"));
        refused(
            &judge(&policy, vec![bad], vec![approves(1, "rita", 1)]),
            &[code],
        );
    }
}

#[test]
fn a_withdrawal_takes_back_its_signers_own() {
    let withdrawal = |owner: Option<&str>| {
        let mut update = arriving(withdraws(2, "rita", 1, 1), "rita");
        match &mut update.subject {
            Subject::Statement(StatementOutcome::Read(read)) => {
                read.withdrawn_signer = owner.map(who);
            }
            other => panic!("{other:?}"),
        }
        verdict(update)
    };
    assert_eq!(withdrawal(Some("rita")), []);
    assert_eq!(withdrawal(Some("remy")), [Code::WITHDRAWS_ANOTHERS]);
    assert_eq!(withdrawal(None), [Code::WITHDRAWS_NOTHING]);
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let codes = with(|read| {
        read.name_agrees = false;
        read.commit_tree = None;
        read.tagger = None;
    });
    let wanted = [
        Code::STATEMENT_MISPLACED,
        Code::STATEMENT_COMMIT,
        Code::STATEMENT_TAGGER,
    ];
    assert_eq!(codes, wanted);
}
