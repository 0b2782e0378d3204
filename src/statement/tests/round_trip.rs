//! What is written is what is read, and nothing else that is close to it.

use super::*;
use crate::object;
use crate::types::{CheckName, PersonName, WindowName};
use proptest::prelude::*;

fn oids() -> impl Strategy<Value = Oid> {
    any::<[u8; 20]>().prop_filter_map("zero", |bytes| Oid::from_bytes(&bytes).ok())
}

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9é/:#-]{1,3}[ -~é\u{202e}]{0,20}[a-z0-9]"
}

fn refnames() -> impl Strategy<Value = RefName> {
    "refs/(heads|tags)/[a-zA-Zé/-]{1,12}[a-z]"
        .prop_filter_map("odd", |name| RefName::new(name.as_bytes()).ok())
}

fn decisions() -> impl Strategy<Value = Decision> {
    prop_oneof![
        Just(Decision::Approve),
        Just(Decision::Reject),
        Just(Decision::Lift),
        oids().prop_map(|statement| Decision::Withdraw { statement }),
        Just(Decision::Emergency),
        Just(Decision::Delegate),
        Just(Decision::Rollback),
        Just(Decision::Check),
    ]
}

/// Everything that an approval and the decisions with particulars of their own can have.
fn particulars() -> impl Strategy<Value = Particulars> {
    let from = (0..4_000_000_000i64).prop_map(Timestamp::from_unix);
    let paths = prop::collection::vec("[a-z]{1,5}(/\\*\\*|/[a-z]\\*)?", 0..3);
    let named = (
        prop::option::of(text()),
        prop::collection::btree_set("[a-z][a-z0-9-]{0,9}[a-z]", 0..4),
    );
    let answers = prop::collection::btree_set(oids(), 0..4);
    let tags = (prop::option::of(oids()), answers);
    let stead = prop::option::of("[a-z]{1,9}");
    (named, tags, stead, from, paths, any::<bool>()).prop_map(
        |((ticket, overrides), (settles, answers), stead, from, paths, passed)| Particulars {
            ticket,
            settles,
            answers: answers.into_iter().collect(),
            overrides: overrides.into_iter().map(WindowName::new).collect(),
            stead: stead.map(PersonName::new),
            grant: Some(Grant {
                to: PersonName::new("carol"),
                from,
                paths,
            }),
            check: Some(CheckResult {
                name: CheckName::new("tests"),
                passed,
            }),
        },
    )
}

/// What of these a decision can have.
fn fitting(decision: Decision, all: Particulars) -> Particulars {
    let none = Particulars::default();
    match decision {
        Decision::Approve => Particulars {
            grant: None,
            check: None,
            ..all
        },
        Decision::Reject => Particulars {
            stead: all.stead,
            ..none
        },
        Decision::Emergency | Decision::Rollback => Particulars {
            ticket: all.ticket,
            ..none
        },
        Decision::Delegate => Particulars {
            grant: all.grant,
            ..none
        },
        Decision::Check => Particulars {
            check: all.check,
            ..none
        },
        Decision::Lift | Decision::Withdraw { .. } => none,
    }
}

fn statements() -> impl Strategy<Value = Statement> {
    let when = prop::option::of((0..4_000_000_000i64).prop_map(Timestamp::from_unix));
    let checkpoint = prop::option::of(any::<u64>().prop_map(|size| format!("{size} {ROOT}")));
    let reason = prop::option::of(text());
    let names = (text(), refnames());
    let ids = (prop::option::of(oids()), oids(), oids());
    let more = (reason, particulars());
    (decisions(), names, ids, when, checkpoint, more).prop_map(
        |(decision, (repository, refname), (base, commit, tree), expires, checkpoint, more)| {
            let (reason, particulars) = more;
            let compares = match decision {
                Decision::Emergency | Decision::Rollback => Some(true),
                Decision::Lift | Decision::Delegate | Decision::Check => Some(false),
                Decision::Approve | Decision::Reject | Decision::Withdraw { .. } => None,
            };
            let ends = matches!(
                decision,
                Decision::Emergency | Decision::Rollback | Decision::Delegate
            );
            let lifts = decision == Decision::Lift;
            let particulars = fitting(decision, particulars);
            let why = ends
                || !particulars.overrides.is_empty()
                || matches!(decision, Decision::Reject | Decision::Withdraw { .. });
            Statement {
                decision,
                repository,
                refname,
                base: match compares {
                    None => base,
                    Some(true) => base.or(Some(commit)),
                    Some(false) => None,
                },
                commit,
                tree,
                expires: expires.or(ends.then(|| Timestamp::from_unix(1))),
                checkpoint,
                stage: lifts.then(|| crate::types::StageName::new("live-2")),
                reason: reason.or(why.then(|| "no".to_owned())),
                particulars,
            }
        },
    )
}

/// The statement as a whole tag object, and back.
fn stored(statement: &Statement, message: &str) -> Tag {
    let raw = format!(
        "object {}\ntype commit\ntag {}\ntagger Rob <rob@x> 1 +0000\n\n{message}",
        statement.commit,
        tag_name(statement)
    );
    Tag::parse(raw.as_bytes()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn reading_gives_back_what_was_written(statement in statements(), title in text(), body in "[ -~\n]{0,60}") {
        let message = compose(&statement, &title, &body);
        prop_assume!(message.is_ok());
        let tag = stored(&statement, &message.unwrap());
        prop_assert_eq!(Statement::parse(&tag), Ok(statement));
    }

    #[test]
    fn an_ordinary_title_can_always_be_written(statement in statements()) {
        prop_assert!(compose(&statement, "Approve it", "Tried on staging.\n\n# fine").is_ok());
    }

    #[test]
    fn a_changed_statement_is_another_one_or_none(
        statement in statements(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let message = compose(&statement, "t", "").unwrap();
        let mut changed = message.clone().into_bytes();
        let at = 3 + at.index(changed.len() - 3);
        changed[at] = byte;
        let mut tag = stored(&statement, &message);
        tag.message = changed.clone();
        if let Ok(read) = Statement::parse(&tag) {
            prop_assert_eq!(read == statement, changed == message.into_bytes());
        }
    }

    #[test]
    fn random_bytes_state_nothing(raw in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut tag = tag("relhook/approve/111111111111", "");
        tag.message = raw.clone();
        prop_assert!(Statement::parse(&tag).is_err());
        prop_assert_eq!(approving(&raw), Ok(None));
        let _ = RefName::new(&raw).map(|name| StatementRef::parse(&name));
        let _ = object::co_authors(&raw);
    }
}

#[test]
fn text_that_would_become_more_than_text_is_not_written() {
    let why = |title: &str, body: &str| match compose(&approval(), title, body) {
        Err(StatementError::Text { why }) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(why(" ", ""), "the title is empty");
    assert_eq!(why("a\nb", ""), "the title has several lines");
    assert_eq!(why("a\r", "b\u{1b}c"), "it holds control characters");
    assert_eq!(why("a", "b\r\nc"), "it holds control characters");
    assert_eq!(
        why("a", "b\n-----BEGIN PGP MESSAGE-----"),
        "a line begins a signature"
    );
    let misplaced = compose(&approval(), "a", "Relhook-Ref: refs/heads/x");
    assert!(matches!(misplaced, Err(StatementError::Misplaced { .. })));
}

#[test]
fn a_value_that_smuggles_a_line_is_not_written() {
    let injected = Some("fine\nRelhook-Expires: 2030-01-01T00:00:00Z".to_owned());
    let statement = Statement {
        reason: injected,
        expires: None,
        ..approval()
    };
    assert!(matches!(
        compose(&statement, "t", ""),
        Err(StatementError::Text { .. })
    ));
    let statement = Statement {
        repository: "a\n\nb".into(),
        ..approval()
    };
    assert!(compose(&statement, "t", "").is_err());
    let refname = RefName::new(b"refs/heads/pr\xffod").unwrap();
    assert!(
        compose(
            &Statement {
                refname,
                ..approval()
            },
            "t",
            ""
        )
        .is_err()
    );
}
