//! Rules that only warn: what they say is what they would refuse, and no other rule is the weaker.

use super::build::*;
use super::random::{World, worlds};
use crate::decide::{Code, Reason, UpdateVerdict};
use crate::facts::{ProposedPolicy, RangeOutcome, Subject};
use crate::policy::{Enforce, POLICY_REF, Policy};
use proptest::prelude::*;

fn warning(mut policy: Policy, patterns: &[&str]) -> Policy {
    for rule in &mut policy.rules {
        if patterns.contains(&rule.pattern.as_str()) {
            rule.enforce = Enforce::Warn;
        }
    }
    policy
}

fn let_pass(update: &UpdateVerdict) -> Vec<Code> {
    update.let_pass.iter().map(Reason::code).collect()
}

#[test]
fn what_lacks_approvals_goes_in_and_is_told() {
    let warns = warning(policy(), &[PROD]);
    let one = judge(&warns, vec![commit(1, &[BASE], "dana")], vec![]);
    passes(&one);
    assert_eq!(let_pass(&one), [Code::NOT_COVERED]);
    assert!(one.permit.is_some());
    let approved = judge(
        &warns,
        vec![commit(1, &[BASE], "dana")],
        vec![approves(1, "rita", 1)],
    );
    passes(&approved);
    assert_eq!(let_pass(&approved), []);
}

#[test]
fn nothing_but_approvals_is_let_pass() {
    let warns = warning(policy(), &[PROD]);
    let mut unsigned = commit(1, &[BASE], "dana");
    unsigned.signature = crate::facts::SignatureFact::Unsigned;
    refused(
        &judge(&warns, vec![unsigned], vec![]),
        &[Code::UNAUTHENTICATED],
    );
    let objected = vec![rejects(1, "rita", 1)];
    refused(
        &judge(&warns, vec![commit(1, &[BASE], "dana")], objected),
        &[Code::REJECTED],
    );
    let mut back = range(vec![commit(1, &[BASE], "dana")], vec![]);
    back.fast_forward = false;
    let back = one(&warns, &push(vec![update(PROD, back)]));
    refused(&back, &[Code::NOT_FAST_FORWARD]);
    assert_eq!(let_pass(&back), [Code::NOT_COVERED]);
}

#[test]
fn on_the_policy_itself_a_rule_refuses_whatever_it_says() {
    let warns = warning(policy(), &[POLICY_REF]);
    let mut change = update(POLICY_REF, range(vec![commit(1, &[BASE], "dana")], vec![]));
    let Subject::Protected(RangeOutcome::Range(range)) = change.subject else {
        panic!("a range");
    };
    change.subject = Subject::Policy(RangeOutcome::Range(range), ProposedPolicy::Sound);
    let judged = one(&warns, &push(vec![change]));
    refused(&judged, &[Code::NOT_COVERED]);
    assert_eq!(let_pass(&judged), []);
}

#[test]
fn another_rule_for_the_same_ref_refuses_as_if_it_stood_alone() {
    let mut two = policy();
    let mut strict = rule("refs/heads/*");
    strict.required = 2;
    two.rules.push(strict);
    let said = vec![approves(1, "rita", 1)];
    let tries = |policy: &Policy| judge(policy, vec![commit(1, &[BASE], "dana")], said.clone());
    refused(&tries(&two), &[Code::NOT_COVERED]);
    let judged = tries(&warning(two.clone(), &["refs/heads/*"]));
    passes(&judged);
    assert_eq!(let_pass(&judged), [Code::NOT_COVERED]);
    refused(&tries(&warning(two, &[PROD])), &[Code::NOT_COVERED]);
}

fn sorted(reasons: &[Reason]) -> Vec<String> {
    let mut all: Vec<String> = reasons.iter().map(|reason| format!("{reason:?}")).collect();
    all.sort();
    all
}

#[test]
fn what_is_refused_and_what_is_let_pass_is_together_what_is_refused_otherwise() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 1500,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let passed = std::cell::Cell::new(0);
    runner
        .run(&(worlds(), 0..3_usize), |(world, which)| {
            let World { policy, facts } = world;
            let patterns: &[&str] = match which {
                0 => &[PROD],
                1 => &["refs/heads/*"],
                _ => &[PROD, "refs/heads/*"],
            };
            let strict = one(&policy, &facts);
            let loose = one(&warning(policy.clone(), patterns), &facts);
            let mut together = loose.reasons.clone();
            together.extend(loose.let_pass.iter().cloned());
            prop_assert_eq!(sorted(&together), sorted(&strict.reasons));
            let cover = [
                Code::NOT_COVERED,
                Code::PATHS_NOT_COVERED,
                Code::TIP_NOT_NAMED,
            ];
            prop_assert!(let_pass(&loose).iter().all(|code| cover.contains(code)));
            // What the others ask for is asked for all the same.
            let mut others = policy.clone();
            others
                .rules
                .retain(|rule| !patterns.contains(&rule.pattern.as_str()));
            if others
                .rules
                .iter()
                .any(|rule| rule.refs.is_match(PROD.as_bytes()))
            {
                let alone = one(&others, &facts);
                let asked = alone
                    .reasons
                    .iter()
                    .filter(|reason| cover.contains(&reason.code()));
                for reason in asked {
                    prop_assert!(loose.reasons.contains(reason), "{:?}", reason);
                }
            }
            passed.set(
                passed.get() + usize::from(loose.reasons.is_empty() && !strict.reasons.is_empty()),
            );
            Ok(())
        })
        .unwrap();
    assert!(passed.get() > 100, "{}", passed.get());
}
