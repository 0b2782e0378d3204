//! The bus factor against the decision itself: everybody who is there says yes, everybody else is
//! taken away in every combination, and the real `decide` says whether anything still goes in.

use super::build::*;
use super::dice::Dice;
use super::random::{PATHS, PEOPLE, random_policy};
use crate::decide::decide;
use crate::facts::{CommitFacts, FirstPushers, Pusher, SignatureFact, StatementFacts};
use crate::policy::{
    Absence, Blocking, BranchRule, IdentitySource, Number, Policy, Releaser, StandsIn, absences,
};
use crate::types::{Login, PersonName, RefName};
use proptest::prelude::*;
use std::collections::BTreeSet;

type People = BTreeSet<PersonName>;

/// From when until when some deputies were named: longer than some rules let one.
const LONG: (i64, i64) = (-45, 45);
/// As long as every rule lets one.
const SHORT: (i64, i64) = (-25, 30);

/// Who can be there at all.
fn enabled(policy: &Policy) -> Vec<PersonName> {
    let people = policy.people.values().filter(|person| !person.disabled);
    people.map(|person| person.name.clone()).collect()
}

/// Who has named whom a deputy, the deputy second, and from when until when.
struct Named {
    pairs: Vec<(PersonName, PersonName)>,
    span: (i64, i64),
}

/// Whether what `author` changes at `path` goes in while all of `present` help, also in the stead of those
/// who have named them.
fn goes_in(
    policy: &Policy,
    (refname, path): (&str, &str),
    author: &PersonName,
    present: &People,
    named: &Named,
) -> bool {
    let mut change: CommitFacts = commit(1, &[BASE], author.as_str());
    change.content = adds(&[path]);
    if policy.people[author].keys.is_empty() {
        change.signature = SignatureFact::Unsigned;
        if !policy.people[author].logins.is_empty() {
            change.first_pushers = FirstPushers::one(author.clone());
        }
    }
    let rules = policy.rules_for(&name(refname));
    let third = rules.iter().any(|rule| rule.releaser == Releaser::Distinct);
    let shown = |person: &&PersonName| !policy.people[*person].logins.is_empty();
    present.iter().filter(shown).any(|pusher| {
        // Who is to be a third person says nothing, and nobody says anything for them.
        let holds_back = |person: &PersonName| third && person == pusher;
        let mut said = Vec::new();
        for person in present.iter().filter(|one| !holds_back(one)) {
            if policy.people[person].keys.is_empty() {
                continue;
            }
            let steads = named.pairs.iter().filter(|(_, to)| to == person);
            let steads = steads.map(|(by, _)| by).filter(|by| !holds_back(by));
            let own = approves(u32::try_from(said.len()).unwrap(), person.as_str(), 1);
            said.push(own.clone());
            for stead in steads {
                let mut own = for_(own.clone(), stead.as_str());
                own.tag = oid(10_000 + u32::try_from(said.len()).unwrap());
                said.push(own);
            }
        }
        for one in &mut said {
            one.statement.refname = name(refname);
            one.first_seen = Some(at(-10));
        }
        let mut range = range(vec![change.clone()], said);
        range.delegations = delegations(refname, named);
        let mut facts = push(vec![update(refname, range)]);
        facts.pusher = Pusher::Person(pusher.clone());
        decide(policy, &facts).accepted()
    })
}

fn delegations(refname: &str, named: &Named) -> Vec<StatementFacts> {
    let numbered = (0..).zip(&named.pairs);
    numbered
        .map(|(number, (by, to))| {
            let mut one = delegates(number, by.as_str(), to.as_str(), named.span);
            one.statement.refname = name(refname);
            one.first_seen = Some(at(-20));
            one
        })
        .collect()
}

fn stands_in(refname: &RefName, (by, to): &(PersonName, PersonName)) -> StandsIn {
    StandsIn {
        refname: refname.clone(),
        deputy: to.clone(),
        stead: by.clone(),
        from: at(LONG.0),
        until: at(LONG.1),
    }
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

/// What a row says, and of whom it says it.
struct Claimed<'a> {
    nothing: &'a Blocking,
    authors: Vec<(&'a People, &'a Blocking)>,
}

fn compare(policy: &Policy, place: (&str, &str), claimed: &Claimed<'_>, named: &Named) {
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
            .any(|author| goes_in(policy, place, author, &there, named))
    });
    let told = || format!("{place:?} with {:?}: {:#?}", named.pairs, policy.rules);
    let nothing = claimed.nothing;
    assert_eq!(
        nothing.number,
        Number::Exactly(number.unwrap()),
        "{}",
        told()
    );
    assert_eq!(nothing.sets, sets, "{}", told());
    for (authors, blocking) in &claimed.authors {
        for author in *authors {
            let others: Vec<PersonName> = everybody
                .iter()
                .filter(|name| *name != author)
                .cloned()
                .collect();
            let (number, sets) = by_force(&others, |away| {
                !goes_in(policy, place, author, &present(away), named)
            });
            let wanted = number.map_or(Number::Never, Number::Exactly);
            assert_eq!(blocking.number, wanted, "{author}: {}", told());
            assert_eq!(blocking.sets, sets, "{author}: {}", told());
        }
    }
}

fn compare_plain(policy: &Policy, place: (&str, &str), row: &Absence) {
    let authors = row.authors.iter();
    let plain = Claimed {
        nothing: &row.nothing,
        authors: authors.map(|one| (&one.authors, &one.blocking)).collect(),
    };
    let nobody = Named {
        pairs: Vec::new(),
        span: SHORT,
    };
    compare(policy, place, &plain, &nobody);
}

/// The row with all deputies who may be named, and with those who are.
fn compare_deputies(policy: &Policy, place: (&str, &str), row: &Absence, named: &Named) {
    if let Some(nothing) = &row.with_deputies {
        let authors = row.authors.iter();
        let authors = authors.map(|one| (&one.authors, one.with_deputies.as_ref().unwrap()));
        let wide = Claimed {
            nothing,
            authors: authors.collect(),
        };
        let everybody = Named {
            pairs: everybody_names(policy),
            span: SHORT,
        };
        compare(policy, place, &wide, &everybody);
    }
    let today = Claimed {
        nothing: row.now.as_ref().map_or(&row.nothing, |now| &now.nothing),
        authors: Vec::new(),
    };
    // What is known of a ref is not known of a pattern.
    if !named.pairs.is_empty() && !row.rule.contains('*') {
        compare(policy, place, &today, named);
    }
}

/// Everybody has named everybody else; the policy decides which of that counts.
fn everybody_names(policy: &Policy) -> Vec<(PersonName, PersonName)> {
    let able = enabled(policy);
    let able = able
        .iter()
        .filter(|name| !policy.people[*name].keys.is_empty());
    let pairs = able
        .clone()
        .flat_map(|by| able.clone().map(move |to| (by, to)));
    let pairs = pairs.filter(|(by, to)| by != to);
    pairs.map(|(by, to)| (by.clone(), to.clone())).collect()
}

#[test]
fn the_smallest_sets_are_those_that_stop_the_decision_itself() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let seen = std::cell::RefCell::new(BTreeSet::new());
    let deputies = std::cell::RefCell::new(BTreeSet::new());
    let bytes = proptest::collection::vec(any::<u8>(), 400);
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
            for rule in &mut policy.rules {
                if dice.chance(25) {
                    rule.releaser = Releaser::Distinct;
                }
            }
            let all = everybody_names(&policy).into_iter();
            let named = Named {
                pairs: all.filter(|_| dice.chance(25)).collect(),
                span: LONG,
            };
            let standing: Vec<StandsIn> = policy
                .rules
                .iter()
                .filter_map(|rule| RefName::new(rule.pattern.as_bytes()).ok())
                .flat_map(|refname| {
                    let pairs = named.pairs.iter();
                    let all = pairs.map(|pair| stands_in(&refname, pair));
                    all.collect::<Vec<_>>()
                })
                .collect();
            let with_deputies = dice.chance(25);
            let rows = absences(&policy, &standing);
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
                        compare_plain(&policy, (refname, path), row);
                        if with_deputies {
                            compare_deputies(&policy, (refname, path), row, &named);
                        }
                        let kind = (number.is_some(), format!("{:?}", row.nothing.number));
                        seen.borrow_mut().insert(kind);
                        let more = |with: &Option<Blocking>| {
                            with.as_ref().is_some_and(|with| *with != row.nothing)
                        };
                        let now = row.now.as_ref().map(|now| now.nothing.clone());
                        let differs = (more(&row.with_deputies), more(&now));
                        deputies.borrow_mut().insert(differs);
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
    // Deputies make a difference in some, and so do those of today.
    for kind in [(false, false), (true, false), (true, true)] {
        assert!(deputies.borrow().contains(&kind), "{kind:?}");
    }
    assert_eq!(PEOPLE.len(), 5);
}
