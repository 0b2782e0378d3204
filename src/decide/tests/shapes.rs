//! The shape of a push: refs, values, names, and facts that do not fit together.

use super::build::*;
use crate::decide::{Code, decide};
use crate::facts::{
    Current, Fault, ProposedPolicy, PushFacts, RangeOutcome, StatementOutcome, Subject, UpdateFacts,
};
use crate::policy::POLICY_REF;
use crate::types::RefChange;

fn sound() -> UpdateFacts {
    let range = range(
        vec![commit(1, &[BASE], "dana")],
        vec![approves(1, "rita", 1)],
    );
    update(PROD, range)
}

fn verdict(change: impl FnOnce(&mut UpdateFacts)) -> Vec<Code> {
    let mut update = sound();
    change(&mut update);
    codes(&one(&policy(), &push(vec![update])))
}

fn with_range(change: impl FnOnce(&mut crate::facts::RangeFacts)) -> Vec<Code> {
    verdict(|update| match &mut update.subject {
        Subject::Protected(RangeOutcome::Range(range)) => change(range),
        other => panic!("{other:?}"),
    })
}

fn unprotected(
    refname: &str,
    old: Option<u32>,
    new: Option<u32>,
    current: Option<u32>,
) -> UpdateFacts {
    UpdateFacts {
        refname: name(refname),
        change: match (old, new) {
            (old, None) => RefChange::Delete { old: old.map(oid) },
            (None, Some(new)) => RefChange::Create { new: oid(new) },
            (Some(old), Some(new)) => RefChange::Update {
                old: oid(old),
                new: oid(new),
            },
        },
        current: current.map_or(Current::Absent, |current| Current::At(oid(current))),
        subject: Subject::Unprotected,
    }
}

#[test]
fn the_sound_push_is_sound() {
    assert_eq!(verdict(|_| ()), []);
}

#[test]
fn p_01_p_08_a_protected_ref_is_not_deleted_whatever_the_old_value_says() {
    for old in [None, Some(oid(BASE)), Some(oid(77))] {
        let codes = verdict(|update| {
            update.change = RefChange::Delete { old };
            update.subject = Subject::Protected(RangeOutcome::Deletion);
        });
        assert!(codes.contains(&Code::DELETION), "{codes:?}");
        assert_eq!(codes.contains(&Code::OLD_DISAGREES), old != Some(oid(BASE)));
    }
    let absent = verdict(|update| {
        update.change = RefChange::Delete { old: None };
        update.current = Current::Absent;
        update.subject = Subject::Protected(RangeOutcome::Deletion);
    });
    assert_eq!(absent, [Code::DELETION]);
}

#[test]
fn p_02_p_03_a_ref_named_twice_refuses_both() {
    let second = UpdateFacts {
        change: RefChange::Update {
            old: oid(1),
            new: oid(66),
        },
        ..sound()
    };
    let verdict = decide(&policy(), &push(vec![sound(), second]));
    assert!(!verdict.accepted() && verdict.permits().is_empty());
    for update in &verdict.updates {
        assert!(codes(update).contains(&Code::NAMED_TWICE));
    }
    let twice = || unprotected("refs/heads/dev", None, Some(5), None);
    let verdict = decide(&policy(), &push(vec![twice(), twice()]));
    assert!(!verdict.accepted());
}

#[test]
fn p_07_a_lie_about_the_old_value_is_refused() {
    let lie = verdict(|update| {
        update.change = RefChange::Update {
            old: oid(1),
            new: oid(1),
        };
    });
    assert_eq!(lie, [Code::OLD_DISAGREES]);
    let create = verdict(|update| update.change = RefChange::Create { new: oid(1) });
    assert_eq!(create, [Code::OLD_DISAGREES]);
    let gone = verdict(|update| update.current = Current::Absent);
    assert_eq!(gone, [Code::OLD_DISAGREES]);
}

#[test]
fn p_09_a_step_to_where_the_ref_is_releases_nothing() {
    let codes = verdict(|update| {
        update.change = RefChange::Update {
            old: oid(1),
            new: oid(1),
        };
        update.current = Current::At(oid(1));
    });
    assert_eq!(codes, [Code::NO_OP]);
}

#[test]
fn p_10_every_update_is_judged_on_its_own() {
    let refused = update(
        "refs/heads/prod",
        range(vec![commit(1, &[BASE], "dana")], vec![]),
    );
    let mut two = policy();
    two.rules.push(rule("refs/heads/live"));
    let accepted = || UpdateFacts {
        refname: name("refs/heads/live"),
        ..with_ref("refs/heads/live")
    };
    for updates in [vec![accepted(), refused.clone()], vec![refused, accepted()]] {
        let verdict = decide(&two, &push(updates));
        assert!(!verdict.accepted() && verdict.permits().is_empty());
        for update in &verdict.updates {
            let live = update.refname == name("refs/heads/live");
            assert_eq!(update.reasons.is_empty(), live);
        }
    }
}

fn with_ref(refname: &str) -> UpdateFacts {
    let mut approval = approves(1, "rita", 1);
    approval.statement.refname = name(refname);
    update(
        refname,
        range(vec![commit(1, &[BASE], "dana")], vec![approval]),
    )
}

#[test]
fn p_12_no_update_is_no_push() {
    let verdict = decide(&policy(), &push(vec![]));
    assert!(!verdict.accepted());
    assert_eq!(verdict.reasons[0].code(), Code::NO_UPDATES);
}

#[test]
fn r_05_nothing_goes_through_a_symbolic_ref() {
    let target = "refs/heads/prod".to_owned();
    let mut alias = unprotected("refs/heads/alias", Some(1), Some(2), None);
    alias.current = Current::Symbolic {
        target: target.clone(),
    };
    assert_eq!(codes(&one(&policy(), &push(vec![alias]))), [Code::SYMBOLIC]);
    let codes = verdict(|update| update.current = Current::Symbolic { target });
    assert_eq!(codes, [Code::SYMBOLIC]);
}

#[test]
fn a_ref_that_cannot_be_read_is_not_moved() {
    let why = "cut off".to_owned();
    let codes = verdict(|update| update.current = Current::Unreadable { why });
    assert_eq!(codes, [Code::UNREADABLE]);
}

#[test]
fn r_09_r_10_names_of_relhook_and_git_are_kept_free() {
    for reserved in [
        "refs/relhook/checkpoint",
        "refs/relhook/policy/x",
        "refs/replace/8d01e77",
        "refs/namespaces/ns/refs/heads/prod",
    ] {
        // Whatever the facts call it.
        for subject in [Subject::Reserved, Subject::Unprotected] {
            let mut update = unprotected(reserved, None, Some(1), None);
            update.subject = subject;
            assert_eq!(
                codes(&one(&policy(), &push(vec![update]))),
                [Code::RESERVED]
            );
        }
    }
    let mut lookalike = unprotected("refs/heads/Prod", None, Some(1), None);
    lookalike.subject = Subject::Reserved;
    assert_eq!(
        codes(&one(&policy(), &push(vec![lookalike]))),
        [Code::RESERVED]
    );
}

#[test]
fn r_16_a_move_back_is_refused() {
    let back = with_range(|range| {
        range.fast_forward = false;
        range.commits.clear();
    });
    assert!(back.contains(&Code::NOT_FAST_FORWARD), "{back:?}");
    let aside = with_range(|range| range.fast_forward = false);
    assert_eq!(aside, [Code::NOT_FAST_FORWARD]);
}

#[test]
fn g_02_what_does_not_build_on_what_was_accepted_is_refused() {
    let codes = with_range(|range| range.base = Some(oid(800)));
    assert_eq!(codes, [Code::NOT_FROM_BASELINE]);
}

#[test]
fn a_range_without_a_commit_is_refused() {
    let nothing = with_range(|range| {
        range.base = Some(range.tip);
        range.commits.clear();
        range.statements.clear();
    });
    assert_eq!(nothing, [Code::NOTHING_NEW]);
    let behind = with_range(|range| range.commits.clear());
    assert_eq!(behind, [Code::NOT_FROM_BASELINE]);
    let whole = with_range(|range| {
        range.base = None;
        range.commits.clear();
    });
    assert_eq!(whole, [Code::INTERNAL]);
}

#[test]
fn facts_that_contradict_themselves_are_not_believed() {
    type Change = fn(&mut crate::facts::RangeFacts);
    let changes: [Change; 5] = [
        // The tip is not first.
        |range| range.commits.insert(0, commit(2, &[], "dana")),
        // The same commit twice.
        |range| range.commits.push(commit(1, &[BASE], "dana")),
        // A commit that nothing leads to.
        |range| range.commits.push(commit(2, &[BASE], "dana")),
        // The base within the range.
        |range| {
            range.commits[0].parents = vec![oid(BASE)];
            range.commits.push(commit(BASE, &[], "dana"));
        },
        // A parent before its child.
        |range| {
            range.commits[0].parents = vec![oid(2), oid(BASE)];
            range.commits.push(commit(2, &[1], "dana"));
        },
    ];
    for change in changes {
        let codes = with_range(change);
        assert!(codes.contains(&Code::INTERNAL), "{codes:?}");
    }
    let other = verdict(|update| {
        update.change = RefChange::Update {
            old: oid(BASE),
            new: oid(9),
        };
    });
    assert!(other.contains(&Code::INTERNAL), "{other:?}");
    for subject in [
        Subject::Unprotected,
        Subject::Statement(StatementOutcome::Deletion),
    ] {
        let codes = verdict(|update| update.subject = subject);
        assert_eq!(codes, [Code::INTERNAL]);
    }
}

#[test]
fn every_fault_of_the_gathering_is_a_refusal() {
    let why = || "odd".to_owned();
    for (fault, code) in [
        (Fault::NotACommit { kind: "tag" }, Code::NOT_A_COMMIT),
        (
            Fault::NotFromBaseline { baseline: oid(3) },
            Code::NOT_FROM_BASELINE,
        ),
        (
            Fault::Malformed {
                oid: oid(3),
                why: why(),
            },
            Code::MALFORMED_OBJECT,
        ),
        (Fault::Missing { oid: oid(3) }, Code::MISSING_OBJECT),
        (Fault::TooLarge { what: why() }, Code::TOO_LARGE),
        (Fault::Unreadable { why: why() }, Code::UNREADABLE),
    ] {
        let codes =
            verdict(|update| update.subject = Subject::Protected(RangeOutcome::Fault(fault)));
        assert_eq!(codes, [code]);
    }
}

#[test]
fn unprotected_refs_come_and_go_freely() {
    for (old, new, current) in [
        (None, Some(1), None),
        (Some(1), Some(2), Some(1)),
        (Some(1), None, Some(1)),
        (None, None, None),
    ] {
        let update = unprotected("refs/heads/dev", old, new, current);
        let verdict = one(&policy(), &push(vec![update]));
        passes(&verdict);
        assert!(verdict.permit.is_none());
    }
}

fn policy_push(proposed: ProposedPolicy, approved: bool) -> PushFacts {
    let mut update = with_ref(POLICY_REF);
    if let Subject::Protected(RangeOutcome::Range(mut range)) = update.subject {
        if !approved {
            range.statements.clear();
        }
        update.subject = Subject::Policy(RangeOutcome::Range(range), proposed);
    }
    push(vec![update])
}

#[test]
fn y_01_a_policy_is_judged_by_the_one_before_it() {
    let approved = one(&policy(), &policy_push(ProposedPolicy::Sound, true));
    passes(&approved);
    assert!(approved.permit.is_some());
    let alone = one(&policy(), &policy_push(ProposedPolicy::Sound, false));
    refused(&alone, &[Code::NOT_COVERED]);
}

#[test]
fn y_14_an_unsound_policy_is_refused_whoever_approves_it() {
    let complaints = vec!["policy.yaml:1:1: no".to_owned()];
    for (proposed, code) in [
        (ProposedPolicy::Invalid { complaints }, Code::POLICY_INVALID),
        (
            ProposedPolicy::LocksOut {
                why: "none left".into(),
            },
            Code::POLICY_LOCKS_OUT,
        ),
        (ProposedPolicy::Absent, Code::POLICY_ABSENT),
    ] {
        refused(&one(&policy(), &policy_push(proposed, true)), &[code]);
    }
}

#[test]
fn the_policys_ref_without_a_rule_belongs_to_nobody() {
    let mut bare = policy();
    bare.rules.truncate(1);
    let verdict = one(&bare, &policy_push(ProposedPolicy::Sound, true));
    refused(&verdict, &[Code::NO_RULE]);
}

#[test]
fn the_policy_is_not_deleted() {
    let mut facts = policy_push(ProposedPolicy::Absent, true);
    facts.updates[0].change = RefChange::Delete {
        old: Some(oid(BASE)),
    };
    facts.updates[0].subject = Subject::Policy(RangeOutcome::Deletion, ProposedPolicy::Absent);
    refused(&one(&policy(), &facts), &[Code::DELETION]);
}
