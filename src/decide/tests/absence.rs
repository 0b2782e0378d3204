//! The bus factor against the decision itself: everybody who is there says yes, everybody else is
//! taken away in every combination, and the real `decide` says whether anything still goes in.

use super::build::*;
use super::dice::Dice;
use super::random::{PATHS, PEOPLE, random_policy};
use crate::decide::decide;
use crate::facts::{CommitFacts, FirstPushers, Pusher, SignatureFact};
use crate::policy::{Absence, BranchRule, IdentitySource, Number, Policy, absences};
use crate::types::{Login, PersonName};
use proptest::prelude::*;
use std::collections::BTreeSet;

type People = BTreeSet<PersonName>;

/// Who can be there at all.
fn enabled(policy: &Policy) -> Vec<PersonName> {
    let people = policy.people.values().filter(|person| !person.disabled);
    people.map(|person| person.name.clone()).collect()
}

/// Whether what `author` changes at `path` goes in while all of `present` help.
fn goes_in(policy: &Policy, refname: &str, path: &str, author: &str, present: &People) -> bool {
    let mut change: CommitFacts = commit(1, &[BASE], author);
    change.content = adds(&[path]);
    if policy.people[&who(author)].keys.is_empty() {
        change.signature = SignatureFact::Unsigned;
        if !policy.people[&who(author)].logins.is_empty() {
            change.first_pushers = FirstPushers::one(who(author));
        }
    }
    let numbered = present.iter().enumerate();
    let able = numbered.filter(|(_, name)| !policy.people[name].keys.is_empty());
    let statements = able.map(|(number, person)| {
        let number = u32::try_from(number).unwrap();
        let mut said = approves(number, person.as_str(), 1);
        said.statement.refname = name(refname);
        said
    });
    let range = range(vec![change], statements.collect());
    let mut facts = push(vec![update(refname, range)]);
    let shown = |person: &&PersonName| !policy.people[*person].logins.is_empty();
    present.iter().filter(shown).any(|person| {
        facts.pusher = Pusher::Person(person.clone());
        decide(policy, &facts).accepted()
    })
}

/// The smallest sets whose absence stops it: every set of people is tried.
fn by_force(
    everybody: &[PersonName],
    stops: impl Fn(&People) -> bool,
) -> (Option<usize>, Vec<People>) {
    let mut found: Vec<People> = (0..1_u32 << everybody.len())
        .map(|mask| {
            let away = everybody.iter().enumerate();
            let away = away.filter(|(at, _)| mask >> at & 1 == 1);
            away.map(|(_, name)| name.clone()).collect()
        })
        .filter(|away| stops(away))
        .collect();
    let smallest = found.iter().map(BTreeSet::len).min();
    found.retain(|away| Some(away.len()) == smallest);
    found.sort();
    (smallest, found)
}

/// A path that falls under this path rule of the rule and under no other rule; under none for the
/// rule's own row.
fn path_for(
    policy: &Policy,
    rule: &BranchRule,
    refname: &str,
    number: Option<usize>,
) -> Option<&'static str> {
    let wanted: BTreeSet<usize> = number.into_iter().collect();
    PATHS.into_iter().chain(["elsewhere/z"]).find(|path| {
        let rules = policy.rules_for(&name(refname));
        let mut others = rules.iter().filter(|other| other.pattern != rule.pattern);
        rule.paths.positions(path.as_bytes()) == wanted
            && others.all(|other| other.paths.positions(path.as_bytes()).is_empty())
    })
}

fn compare(policy: &Policy, rule: &BranchRule, refname: &str, path: &str, row: &Absence) {
    let everybody = enabled(policy);
    let present = |away: &People| -> People {
        everybody
            .iter()
            .filter(|name| !away.contains(*name))
            .cloned()
            .collect()
    };
    let (number, sets) = by_force(&everybody, |away| {
        let there = present(away);
        !there
            .iter()
            .any(|author| goes_in(policy, refname, path, author.as_str(), &there))
    });
    assert_eq!(
        row.nothing.number,
        Number::Exactly(number.unwrap()),
        "{}: {row:#?}",
        rule.pattern
    );
    assert_eq!(row.nothing.sets, sets, "{row:#?}");
    for one in &row.authors {
        for author in &one.authors {
            let others: Vec<PersonName> = everybody
                .iter()
                .filter(|name| *name != author)
                .cloned()
                .collect();
            let (number, sets) = by_force(&others, |away| {
                !goes_in(policy, refname, path, author.as_str(), &present(away))
            });
            let wanted = number.map_or(Number::Never, Number::Exactly);
            assert_eq!(one.blocking.number, wanted, "{author}: {row:#?}");
            assert_eq!(one.blocking.sets, sets, "{author}: {row:#?}");
        }
    }
}

#[test]
fn the_smallest_sets_are_those_that_stop_the_decision_itself() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let seen = std::cell::RefCell::new(BTreeSet::new());
    let bytes = proptest::collection::vec(any::<u8>(), 300);
    runner
        .run(&bytes, |bytes| {
            let mut dice = Dice::new(&bytes);
            let mut policy = random_policy(&mut dice);
            policy.identity = IdentitySource::Http;
            for person in policy.people.values_mut() {
                if !dice.chance(20) {
                    person.logins = vec![Login::new(person.name.as_str())];
                }
            }
            let rows = absences(&policy);
            let mut next = rows.iter();
            for rule in &policy.rules {
                let refname = match rule.pattern.as_str() {
                    "refs/heads/*" => "refs/heads/another",
                    pattern => pattern,
                };
                let numbers = std::iter::once(None).chain((0..rule.paths.len()).map(Some));
                for number in numbers {
                    let row = next.next().unwrap();
                    assert_eq!(row.rule, rule.pattern);
                    if let Some(path) = path_for(&policy, rule, refname, number) {
                        compare(&policy, rule, refname, path, row);
                        let kind = (number.is_some(), format!("{:?}", row.nothing.number));
                        seen.borrow_mut().insert(kind);
                    }
                }
            }
            assert_eq!(next.next(), None);
            Ok(())
        })
        .unwrap();
    // Rows of both kinds, and from "never" to "three people".
    let seen = seen.into_inner();
    for path in [false, true] {
        for number in 0..=3 {
            let kind = (path, format!("Exactly({number})"));
            assert!(seen.contains(&kind), "{kind:?} in {seen:?}");
        }
    }
    assert_eq!(PEOPLE.len(), 5);
}
