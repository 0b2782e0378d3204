//! What holds whatever the world is: order does not matter, and less approval, more contributors,
//! more rules and more objections never turn a refusal into a pass.

use super::build::*;
use super::dice::Dice;
use super::random::{World, random_rule, worlds};
use crate::decide::{Code, decide};
use crate::facts::{PushFacts, RangeFacts, RangeOutcome, Role, Subject, UpdateFacts};
use crate::policy::Policy;
use crate::statement::Decision;
use proptest::prelude::*;

pub fn range_of(update: &UpdateFacts) -> &RangeFacts {
    match &update.subject {
        Subject::Protected(RangeOutcome::Range(range)) => range,
        other => panic!("{other:?}"),
    }
}

fn range_mut(facts: &mut PushFacts) -> &mut RangeFacts {
    match &mut facts.updates[0].subject {
        Subject::Protected(RangeOutcome::Range(range)) => range,
        other => panic!("{other:?}"),
    }
}

fn accepts(policy: &Policy, facts: &PushFacts) -> bool {
    decide(policy, facts).accepted()
}

/// Takes a world; if `change` finds something to change, a pass afterwards was one before.
fn never_helps(
    world: &World,
    change: impl FnOnce(&mut World) -> bool,
) -> Result<(), TestCaseError> {
    let mut changed = world.clone();
    if change(&mut changed) && accepts(&changed.policy, &changed.facts) {
        prop_assert!(accepts(&world.policy, &world.facts));
    }
    Ok(())
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 1500,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

const PEOPLE: [&str; 5] = ["amy", "bob", "cat", "dan", "eli"];

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_order_of_statements_is_nothing(world in worlds(), turn in 0usize..12) {
        let before = one(&world.policy, &world.facts);
        let mut turned = world.facts.clone();
        let statements = &mut range_mut(&mut turned).statements;
        if !statements.is_empty() {
            let turn = turn % statements.len();
            statements.rotate_left(turn);
            statements.reverse();
        }
        let after = one(&world.policy, &turned);
        prop_assert_eq!(before.reasons, after.reasons);
        prop_assert_eq!(before.notes, after.notes);
        for (before, after) in before.commits.iter().zip(&after.commits) {
            prop_assert_eq!(&before.covers, &after.covers);
            prop_assert_eq!(&before.shortfalls, &after.shortfalls);
        }
    }

    #[test]
    fn updates_know_nothing_of_each_other(world in worlds(), other in worlds(), first in any::<bool>()) {
        let alone = one(&world.policy, &world.facts);
        let mut company = other.facts.updates[0].clone();
        company.refname = name("refs/heads/other");
        let mut facts = world.facts.clone();
        facts.updates.insert(usize::from(first), company);
        let both = decide(&world.policy, &facts);
        let same = &both.updates[usize::from(!first)];
        prop_assert_eq!(&alone.reasons, &same.reasons);
        prop_assert_eq!(&alone.permit, &same.permit);
        if !alone.reasons.is_empty() {
            prop_assert!(!both.accepted() && both.permits().is_empty());
        }
    }

    #[test]
    fn an_approval_less_never_helps(world in worlds(), which in any::<usize>()) {
        never_helps(&world, |world| {
            let statements = &mut range_mut(&mut world.facts).statements;
            let approvals: Vec<usize> = (0..statements.len())
                .filter(|at| statements[*at].statement.decision == Decision::Approve)
                .collect();
            if approvals.is_empty() {
                return false;
            }
            statements.remove(approvals[which % approvals.len()]);
            true
        })?;
        never_helps(&world, |world| {
            let commits = &mut range_mut(&mut world.facts).commits;
            let mut carrying = commits.iter_mut().filter(|commit| commit.approving.is_some());
            carrying.next().is_some_and(|commit| commit.approving.take().is_some())
        })?;
    }

    #[test]
    fn a_withdrawn_approval_never_helps(world in worlds(), which in any::<usize>()) {
        never_helps(&world, |world| {
            let statements = &mut range_mut(&mut world.facts).statements;
            let approvals: Vec<_> = statements
                .iter()
                .filter(|facts| facts.statement.decision == Decision::Approve)
                .cloned()
                .collect();
            if approvals.is_empty() {
                return false;
            }
            let mut facts = approvals[which % approvals.len()].clone();
            facts.statement.decision = Decision::Withdraw { statement: facts.tag };
            facts.tag = oid(20_000);
            statements.push(facts);
            true
        })?;
    }

    #[test]
    fn a_contributor_more_never_helps(world in worlds(), at in any::<usize>(), who in 0usize..5) {
        never_helps(&world, |world| {
            let commits = &mut range_mut(&mut world.facts).commits;
            let at = at % commits.len();
            commits[at].claims.push(claim(Role::CoAuthor, PEOPLE[who]));
            true
        })?;
    }

    #[test]
    fn a_rule_more_never_helps(world in worlds(), bytes in proptest::collection::vec(any::<u8>(), 40)) {
        never_helps(&world, |world| {
            world.policy.rules.push(random_rule(&mut Dice::new(&bytes), "refs/heads/p*"));
            true
        })?;
    }

    #[test]
    fn an_objection_more_never_helps(world in worlds(), at in any::<usize>(), who in 0usize..5) {
        never_helps(&world, |world| {
            let range = range_mut(&mut world.facts);
            let about = u32::try_from(1 + at % range.commits.len()).unwrap();
            range.statements.push(rejects(9000, PEOPLE[who], about));
            true
        })?;
    }

    #[test]
    fn a_higher_number_never_helps(world in worlds(), which in any::<usize>()) {
        never_helps(&world, |world| {
            let at = which % world.policy.rules.len();
            world.policy.rules[at].required += 1;
            true
        })?;
    }

    #[test]
    fn somebody_disabled_never_helps(world in worlds(), at in 0usize..5) {
        never_helps(&world, |world| {
            let person = world.policy.people.get_mut(&who(PEOPLE[at]));
            person.is_some_and(|person| !std::mem::replace(&mut person.disabled, true))
        })?;
    }

    #[test]
    fn what_is_refused_says_why_and_what_passes_has_a_permit(world in worlds()) {
        let verdict = one(&world.policy, &world.facts);
        prop_assert_eq!(verdict.reasons.is_empty(), verdict.permit.is_some());
        prop_assert!(!codes(&verdict).contains(&Code::INTERNAL));
        for reason in &verdict.reasons {
            prop_assert!(!reason.to_string().is_empty());
        }
    }
}
