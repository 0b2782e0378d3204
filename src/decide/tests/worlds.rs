//! Small worlds without a gap: three people, two commits, every team, every way to approve and to
//! object.

use super::build::*;
use super::random::{World, compare};
use crate::facts::StatementFacts;
use crate::policy::{Independence, Policy};
use crate::types::{Seconds, TeamName};
use std::collections::BTreeMap;

const PEOPLE: [&str; 3] = ["amy", "bob", "cat"];

fn policies(team: usize) -> Vec<Policy> {
    let mut made = policy();
    let template = made.people[&who("dana")].clone();
    made.people = PEOPLE
        .iter()
        .map(|name| {
            let mut person = template.clone();
            person.name = who(name);
            person.keys = vec![key(name)];
            (who(name), person)
        })
        .collect();
    let members = (0..3)
        .filter(|at| team >> at & 1 == 1)
        .map(|at| who(PEOPLE[at]));
    made.teams = BTreeMap::from([(TeamName::new("team"), members.collect())]);
    made.rules.truncate(1);
    made.rules[0].from = teams(&["team"]);
    let mut all = Vec::new();
    for required in [1, 2] {
        for independence in [Independence::Commit, Independence::Range] {
            made.rules[0].required = required;
            made.rules[0].independence = independence;
            made.rules[0].expire = (required == 2).then_some(Seconds(30));
            all.push(made.clone());
        }
    }
    all
}

/// What one person says: nothing, yes to the first, to the whole, or to the second alone.
fn said(person: usize, choice: usize) -> Option<StatementFacts> {
    let number = u32::try_from(person).unwrap();
    let mut facts = match choice {
        0 => return None,
        1 => approves(number, PEOPLE[person], 1),
        2 => approves(number, PEOPLE[person], 2),
        _ => since(approves(number, PEOPLE[person], 2), 1),
    };
    // One of the three is too old for the rules that ask for two.
    facts.first_seen = Some(at(if person == 0 { -40 } else { -20 }));
    Some(facts)
}

#[test]
fn the_oracle_agrees_on_every_small_world() {
    let (mut worlds, mut accepted) = (0, 0);
    for team in 1..8 {
        for policy in policies(team) {
            // amy writes the first; who is bob and who is cat does not matter to the second.
            for second in ["amy", "bob"] {
                for choices in 0..64 {
                    for objector in 0..4 {
                        let mut statements: Vec<StatementFacts> = (0..3)
                            .filter_map(|at| said(at, choices >> (2 * at) & 3))
                            .collect();
                        if let Some(objector) = PEOPLE.get(objector) {
                            let mut no = rejects(50, objector, 1);
                            no.first_seen = Some(at(-30));
                            statements.push(no);
                        }
                        let mut tip = commit(2, &[1], second);
                        let mut first = commit(1, &[BASE], "amy");
                        std::mem::swap(&mut tip.title, &mut first.title);
                        let range = range(vec![tip, first], statements);
                        let facts = push(vec![update(PROD, range)]);
                        worlds += 1;
                        accepted += usize::from(compare(&World {
                            policy: policy.clone(),
                            facts,
                        }));
                    }
                }
            }
        }
    }
    assert_eq!(worlds, 7 * 4 * 2 * 64 * 4);
    assert!(
        accepted > 500 && accepted < worlds / 2,
        "{accepted} of {worlds}"
    );
}

#[test]
fn the_oracle_agrees_on_every_small_world_with_an_approving_commit() {
    let mut accepted = 0;
    for team in 1..8 {
        for policy in policies(team) {
            for (author, approver) in (0..9).map(|pair| (PEOPLE[pair / 3], PEOPLE[pair % 3])) {
                for choices in 0..64 {
                    let statements = (0..3)
                        .filter_map(|at| said(at, choices >> (2 * at) & 3))
                        .collect();
                    let commits = vec![approving(2, &[1], approver), commit(1, &[BASE], author)];
                    let facts = push(vec![update(PROD, range(commits, statements))]);
                    accepted += usize::from(compare(&World {
                        policy: policy.clone(),
                        facts,
                    }));
                }
            }
        }
    }
    assert!(accepted > 500, "{accepted}");
}
