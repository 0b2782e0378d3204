//! Random policies, histories and statements, and both implementations over them.

use super::build::*;
use super::dice::Dice;
use super::oracle::{self, Answer};
use crate::decide::{Code, UpdateVerdict};
use crate::facts::{
    Approving, BaseRelation, Claim, CommitFacts, Content, Current, FirstPushers, PushFacts, Pusher,
    RangeFacts, Role, SignatureFact, StatementFacts, Undone,
};
use crate::policy::{Attribution, BranchRule, DelegationRule, Independence, Policy};
use crate::signature::SignatureProblem;
use crate::statement::Decision;
use crate::types::{RefChange, Seconds, TeamName};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

pub const PEOPLE: [&str; 5] = ["amy", "bob", "cat", "dan", "eli"];
const TEAMS: [&str; 3] = ["left", "middle", "right"];
pub const PATHS: [&str; 4] = ["a/x", "a/y", "b/x", "c"];

/// A policy and a push of one range.
#[derive(Debug, Clone)]
pub struct World {
    pub policy: Policy,
    pub facts: PushFacts,
}

pub fn worlds() -> impl Strategy<Value = World> {
    proptest::collection::vec(any::<u8>(), 900).prop_map(|bytes| world(&mut Dice::new(&bytes)))
}

fn world(dice: &mut Dice<'_>) -> World {
    let policy = random_policy(dice);
    let commits = random_commits(dice);
    // In half of the worlds most people approve the tip, so that enough of them pass.
    let friendly = dice.chance(60);
    let statements = random_statements(dice, &commits, friendly);
    let undone = random_undone(dice, &commits);
    let delegations = random_delegations(dice);
    let statements = in_stead(dice, statements, &delegations);
    let mut range = range(commits, statements);
    range.undone = undone;
    range.delegations = delegations;
    range.fast_forward = !dice.chance(2);
    if dice.chance(3) {
        range.base = None;
    }
    let mut facts = push(vec![update(PROD, range)]);
    facts.pusher = match dice.roll(10) {
        0..5 => Pusher::NotAsked,
        5..9 => Pusher::Person(who(dice.pick(&PEOPLE))),
        _ => Pusher::Unknown {
            login: "zoe".into(),
        },
    };
    if dice.chance(3) {
        facts.updates[0].change = RefChange::Create { new: oid(1) };
        if dice.chance(50) {
            facts.updates[0].current = Current::Absent;
        }
    }
    World { policy, facts }
}

pub fn random_policy(dice: &mut Dice<'_>) -> Policy {
    let mut made = policy();
    let template = made.people[&who("dana")].clone();
    made.people = PEOPLE
        .iter()
        .map(|name| {
            let mut person = template.clone();
            person.name = who(name);
            person.keys = vec![key(name)];
            person.disabled = dice.chance(8);
            if dice.chance(6) {
                person.keys.clear();
            }
            (who(name), person)
        })
        .collect();
    made.teams = TEAMS
        .iter()
        .map(|team| {
            let mut people: BTreeSet<_> = PEOPLE
                .iter()
                .filter(|_| dice.chance(65))
                .map(|name| who(name))
                .collect();
            people.insert(who(dice.pick(&PEOPLE)));
            (TeamName::new(*team), people)
        })
        .collect();
    made.rules = vec![random_rule(dice, PROD)];
    if dice.chance(25) {
        made.rules.push(random_rule(dice, "refs/heads/*"));
    }
    made.rules.push(rule("refs/heads/other"));
    made.rules.last_mut().unwrap().from = teams(&TEAMS[..1]);
    made
}

pub fn random_rule(dice: &mut Dice<'_>, pattern: &str) -> BranchRule {
    let mut made = rule(pattern);
    made.required = if dice.chance(25) { 2 } else { 1 };
    made.from = teams(&[dice.pick(&TEAMS)]);
    if dice.chance(40) {
        made.from.push(TeamName::new(dice.pick(&TEAMS)));
    }
    made.expire = dice.chance(30).then_some(Seconds(100));
    if dice.chance(30) {
        made.independence = Independence::Range;
    }
    if dice.chance(40) {
        made.attribution = Attribution::SignatureOrPusher;
    }
    if dice.chance(10) {
        made.push = Some(teams(&[dice.pick(&TEAMS)]));
    }
    if dice.chance(70) {
        made.delegation = Some(DelegationRule {
            by: teams(&TEAMS[dice.roll(3)..]),
            to: teams(&TEAMS[..1 + dice.roll(3)]),
            longest: Seconds(if dice.chance(80) { 200 } else { 60 }),
        });
    }
    let globs = ["a/**", "b/*", "**", "a"];
    let rules: Vec<(&str, u32, &str)> = (0..dice.roll(3))
        .map(|_| {
            (
                dice.pick(&globs),
                if dice.chance(15) { 2 } else { 1 },
                dice.pick(&TEAMS),
            )
        })
        .collect();
    made.paths = paths(&rules);
    made
}

/// Commits 1 to n, each reached from the first.
fn random_commits(dice: &mut Dice<'_>) -> Vec<CommitFacts> {
    let count = 1 + dice.roll(5);
    let mut parents: Vec<Vec<u32>> = vec![Vec::new(); count];
    for at in 1..count {
        let child = if dice.chance(60) {
            at - 1
        } else {
            dice.roll(at)
        };
        parents[child].push(u32::try_from(at + 1).unwrap());
        if at > 1 && dice.chance(20) {
            let other = dice.roll(at);
            let number = u32::try_from(at + 1).unwrap();
            if !parents[other].contains(&number) {
                parents[other].push(number);
            }
        }
    }
    for own in &mut parents {
        if own.is_empty() || dice.chance(10) {
            own.push(BASE);
        }
    }
    (1..)
        .zip(&parents)
        .map(|(number, parents)| random_commit(dice, number, parents))
        .collect()
}

fn random_commit(dice: &mut Dice<'_>, number: u32, parents: &[u32]) -> CommitFacts {
    let author = dice.pick(&PEOPLE);
    let mut made = commit(number, parents, author);
    if dice.chance(15) {
        made.claims[1] = claim(Role::Committer, dice.pick(&PEOPLE));
    }
    if dice.chance(10) {
        made.claims.push(claim(Role::CoAuthor, dice.pick(&PEOPLE)));
    }
    if dice.chance(1) {
        made.claims.push(Claim {
            role: Role::CoAuthor,
            identity: "Zoe <zoe@elsewhere.example>".into(),
            owner: None,
        });
    }
    made.signature = match dice.roll(40) {
        0..32 => good(author),
        32..36 => good(dice.pick(&PEOPLE)),
        36..39 => SignatureFact::Unsigned,
        _ => SignatureFact::Refused(SignatureProblem::Bad),
    };
    if dice.chance(40) {
        made.first_pushers = FirstPushers::one(who(dice.pick(&PEOPLE)));
        if dice.chance(20) {
            made.first_pushers.people.insert(who(dice.pick(&PEOPLE)));
            made.first_pushers.certain = dice.chance(50);
        }
    }
    if dice.chance(35) {
        made.content = if parents.len() == 1 {
            Content::Empty
        } else {
            Content::CleanMerge
        };
    } else {
        let touched: BTreeSet<&str> = (0..=dice.roll(2)).map(|_| dice.pick(&PATHS)).collect();
        made.content = adds(&touched.into_iter().collect::<Vec<_>>());
    }
    if dice.chance(if made.content.adds() { 5 } else { 60 }) {
        made.approving = Some(Approving {
            refname: name(if dice.chance(8) {
                "refs/heads/other"
            } else {
                PROD
            }),
            repository: if dice.chance(4) {
                "acme/fork"
            } else {
                "acme/site"
            }
            .into(),
            first_seen: random_time(dice),
            claimed: random_claim(dice),
            answers: random_answers(dice),
        });
    }
    made
}

fn random_time(dice: &mut Dice<'_>) -> Option<crate::types::Timestamp> {
    (!dice.chance(5)).then(|| at(-10 * i64::try_from(dice.roll(13)).unwrap()))
}

fn random_claim(dice: &mut Dice<'_>) -> crate::types::Timestamp {
    at(-10 * i64::try_from(dice.roll(4)).unwrap())
}

/// The tag of a rollback's statement.
fn rollback(number: usize) -> crate::types::Oid {
    oid(20_000 + u32::try_from(number).unwrap())
}

fn random_answers(dice: &mut Dice<'_>) -> Vec<crate::types::Oid> {
    let numbers = (0..3).filter(|_| dice.chance(50));
    numbers.map(rollback).collect()
}

/// Earlier rollbacks that undid some of the commits, one of them on the word of two people.
fn random_undone(dice: &mut Dice<'_>, commits: &[CommitFacts]) -> Vec<Undone> {
    let count = if dice.chance(20) { 1 + dice.roll(2) } else { 0 };
    let undone = (0..count).map(|number| Undone {
        statements: match number {
            0 => vec![rollback(0)],
            other => vec![rollback(other), rollback(other + 1)],
        },
        at: at(-10 * i64::try_from(dice.roll(13)).unwrap()),
        commits: commits
            .iter()
            .filter(|_| dice.chance(60))
            .map(|commit| commit.oid)
            .collect(),
    });
    undone.collect()
}

fn random_statements(
    dice: &mut Dice<'_>,
    commits: &[CommitFacts],
    friendly: bool,
) -> Vec<StatementFacts> {
    let count = u32::try_from(commits.len()).unwrap();
    let mut all: Vec<StatementFacts> = Vec::new();
    if friendly {
        for (number, person) in (100..).zip(PEOPLE) {
            if dice.chance(70) {
                let mut yes = approves(number, person, 1);
                yes.statement.particulars.answers = random_answers(dice);
                all.push(yes);
            }
        }
    }
    for number in 0..u32::try_from(dice.roll(5)).unwrap() {
        let about = if dice.chance(40) {
            1
        } else {
            1 + dice.roll(commits.len()) as u32
        };
        let decision = match dice.roll(20) {
            0..13 => Decision::Approve,
            13..16 => Decision::Reject,
            _ => Decision::Withdraw {
                statement: match dice.roll(3) {
                    0 => oid(1 + dice.roll(commits.len()) as u32),
                    1 => oid(10_100 + dice.roll(5) as u32),
                    _ => oid(10_000 + dice.roll(5) as u32),
                },
            },
        };
        all.push(random_statement(dice, number, decision, about, count));
    }
    all
}

/// Who names whom a deputy, and takes it back.
fn random_delegations(dice: &mut Dice<'_>) -> Vec<StatementFacts> {
    let mut all = Vec::new();
    if dice.chance(50) {
        return all;
    }
    for number in 0..1 + u32::try_from(dice.roll(4)).unwrap() {
        let (by, to) = (dice.pick(&PEOPLE), dice.pick(&PEOPLE));
        let from = -10 * i64::try_from(dice.roll(12)).unwrap();
        let until = 10 * (i64::try_from(dice.roll(13)).unwrap() - 3);
        let mut made = delegates(number, by, to, (from, until));
        made.first_seen = random_time(dice);
        if dice.chance(5) {
            made.statement.refname = name("refs/heads/other");
        }
        if dice.chance(20) {
            let grant = made.statement.particulars.grant.as_mut().unwrap();
            grant.paths = vec![dice.pick(&["a/**", "b/*", "**"]).to_owned()];
        }
        if dice.chance(3) {
            made.signer = SignatureFact::Unsigned;
        }
        let tag = made.tag;
        all.push(made);
        if dice.chance(12) {
            let back = Decision::Withdraw { statement: tag };
            let who = if dice.chance(80) {
                by
            } else {
                dice.pick(&PEOPLE)
            };
            let mut back = says(30_000 + number, back, who, 7);
            back.first_seen = random_time(dice);
            all.push(back);
        }
    }
    all
}

/// Some of what was said was said in others' stead, most of it by deputies.
fn in_stead(
    dice: &mut Dice<'_>,
    mut statements: Vec<StatementFacts>,
    delegations: &[StatementFacts],
) -> Vec<StatementFacts> {
    for made in &mut statements {
        let about = matches!(
            made.statement.decision,
            Decision::Approve | Decision::Reject
        );
        if about && !delegations.is_empty() && dice.chance(10) {
            made.statement.particulars.stead = Some(who(dice.pick(&PEOPLE)));
        }
    }
    for (number, given) in (300..).zip(delegations) {
        let (Some(grant), SignatureFact::Good { person, .. }) =
            (&given.statement.particulars.grant, &given.signer)
        else {
            continue;
        };
        if dice.chance(60) {
            let decision = match dice.chance(6) {
                true => Decision::Reject,
                false => Decision::Approve,
            };
            let mut made = says(number, decision, grant.to.as_str(), 1);
            made.statement.particulars.stead = Some(person.clone());
            made.first_seen = random_time(dice);
            made.claimed = random_claim(dice);
            statements.push(made);
        }
    }
    statements
}

fn random_statement(
    dice: &mut Dice<'_>,
    number: u32,
    decision: Decision,
    about: u32,
    count: u32,
) -> StatementFacts {
    let person = dice.pick(&PEOPLE);
    let mut made = says(number, decision, person, about);
    made.first_seen = random_time(dice);
    made.claimed = random_claim(dice);
    made.statement.particulars.answers = random_answers(dice);
    if dice.chance(5) {
        made.statement.refname = name("refs/heads/other");
    }
    if dice.chance(4) {
        made.statement.repository = "acme/fork".into();
    }
    if dice.chance(12) {
        made.statement.expires = Some(at(if dice.chance(50) { 5 } else { -5 }));
    }
    match dice.roll(20) {
        0..13 => {}
        13..15 => {
            made.statement.base = None;
            made.base = BaseRelation::None;
        }
        15..18 => made = since(made, 1 + dice.roll(count as usize) as u32),
        18 => made.base = BaseRelation::Elsewhere,
        _ => made.base = BaseRelation::None,
    }
    match dice.roll(30) {
        0..28 => {}
        28 => made.signer = SignatureFact::Unsigned,
        _ => made.signer = SignatureFact::Refused(SignatureProblem::ExpiredSignature),
    }
    made
}

/// What the function said, in the oracle's words.
pub fn in_its_words(verdict: &UpdateVerdict) -> Answer {
    let mut answer = Answer {
        accepted: verdict.reasons.is_empty(),
        short: BTreeSet::new(),
        tip: BTreeSet::new(),
        objections: BTreeSet::new(),
        covers: BTreeMap::new(),
    };
    for commit in &verdict.commits {
        for short in &commit.shortfalls {
            let patterns = short.paths.as_ref().map(|(patterns, _)| patterns.clone());
            let rule = short.rule.clone();
            let could = short.could.clone();
            let pairs = short.stand_ins.iter();
            let pairs = pairs.map(|one| (one.deputy.clone(), one.stead.clone()));
            let pairs = pairs.collect();
            answer
                .short
                .insert((commit.oid, rule, patterns, short.have, could, pairs));
        }
        if commit.adds {
            let people = commit.covers.iter().map(|cover| cover.person.clone());
            answer.covers.insert(commit.oid, people.collect());
        }
    }
    for reason in &verdict.reasons {
        if let crate::decide::Reason::Rejected { tag, .. } = reason {
            answer.objections.insert(*tag);
        }
    }
    answer
}

/// Both implementations over one world; whether it was accepted.
pub fn compare(world: &World) -> bool {
    let verdict = one(&world.policy, &world.facts);
    let mut wanted = oracle::answer(&world.policy, &world.facts, &world.facts.updates[0]);
    // Of a tip that itself lacks approvals, the function says only that.
    let tip = range_of(world).tip;
    let tips = std::mem::take(&mut wanted.tip);
    let unsaid = |rule: &String| {
        let mut short = wanted.short.iter();
        short.any(|(commit, own, paths, ..)| *commit == tip && own == rule && paths.is_none())
    };
    let said = tips.iter().filter(|rule| !unsaid(rule)).count();
    let tips = codes(&verdict)
        .iter()
        .filter(|code| **code == Code::TIP_NOT_NAMED)
        .count();
    let mut said_so = in_its_words(&verdict);
    if !range_of(world).delegations.is_empty() {
        // Of those who could count together one choice is made; how many it has is compared above.
        for (commit, people) in &mut said_so.covers {
            let all = wanted.covers.get(commit).cloned().unwrap_or_default();
            assert!(people.is_subset(&all), "{people:?} of {all:?}");
            *people = all;
        }
    }
    assert_eq!(said_so, wanted, "{:#?}", verdict.reasons);
    assert_eq!(tips, said);
    wanted.accepted
}

fn range_of(world: &World) -> &RangeFacts {
    super::laws::range_of(&world.facts.updates[0])
}

#[test]
fn the_oracle_agrees_on_random_worlds_of_both_kinds() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 6000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let accepted = std::cell::Cell::new(0);
    let nontrivial = std::cell::Cell::new(0);
    runner
        .run(&worlds(), |world| {
            if compare(&world) {
                accepted.set(accepted.get() + 1);
                let adding = range_of(&world)
                    .commits
                    .iter()
                    .filter(|one| one.content.adds());
                nontrivial.set(nontrivial.get() + usize::from(adding.count() > 1));
            }
            Ok(())
        })
        .unwrap();
    // Neither answer is rare, so agreeing means something.
    assert!(
        (800..5000).contains(&accepted.get()),
        "{} of 6000",
        accepted.get()
    );
    assert!(
        nontrivial.get() > 250,
        "{} of {}",
        nontrivial.get(),
        accepted.get()
    );
}
