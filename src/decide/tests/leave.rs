//! People come and go, name deputies, take that back, approve and push; the clock runs on. Whatever
//! they do in whatever order: nothing goes in without distinct people who were asked, or who held a
//! delegation of one who was, none of whom had a hand in it.
//!
//! The model is a list of what happened. It is asked anew, in the slowest and plainest way, for each
//! push that goes in.

use super::build::*;
use super::dice::Dice;
use crate::decide::decide;
use crate::facts::{
    CommitFacts, Current, PushFacts, RangeOutcome, Role, StatementFacts, Subject, UpdateFacts,
};
use crate::policy::{DelegationRule, Policy, PolicyId};
use crate::statement::{Decision, Grant};
use crate::types::{Oid, PersonName, RefChange, Seconds, TeamName};
use proptest::prelude::*;
use std::cell::Cell;
use std::collections::BTreeSet;

const PEOPLE: [&str; 5] = ["amy", "bob", "cat", "dan", "eli"];
const TEAM: &str = "team";
/// The commit of the policy in force.
const POLICY: u32 = 800;

/// Something that was said and taken in.
#[derive(Debug, Clone)]
struct Said {
    number: u32,
    by: &'static str,
    when: i64,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    /// Yes to this commit compared with that one, in the stead of somebody.
    Yes(u32, u32, Option<&'static str>),
    /// No to this commit.
    No(u32, Option<&'static str>),
    Names {
        to: &'static str,
        from: i64,
        until: i64,
    },
    TakesBack(u32),
}

struct Model {
    policy: Policy,
    now: i64,
    said: Vec<Said>,
    /// Who had a hand in each commit; the first is 1, each the parent of the next.
    commits: Vec<Vec<&'static str>>,
    /// The commit that the ref is at; none is the base.
    tip: u32,
    went_in: usize,
    by_deputies: usize,
}

impl Model {
    fn new(dice: &mut Dice<'_>) -> Self {
        let mut made = policy();
        let template = made.people[&who("dana")].clone();
        made.id = Some(PolicyId(oid(POLICY)));
        made.people = PEOPLE
            .iter()
            .map(|name| {
                let mut person = template.clone();
                person.name = who(name);
                person.keys = vec![key(name)];
                (who(name), person)
            })
            .collect();
        let some: BTreeSet<PersonName> = PEOPLE[..3].iter().map(|name| who(name)).collect();
        let all = PEOPLE.iter().map(|name| who(name)).collect();
        made.teams = [(TeamName::new(TEAM), some), (TeamName::new("all"), all)].into();
        made.rules.truncate(1);
        made.rules[0].from = teams(&[TEAM]);
        made.rules[0].required = if dice.chance(40) { 2 } else { 1 };
        made.rules[0].delegation = Some(DelegationRule {
            by: teams(&["all"]),
            to: teams(&["all"]),
            longest: Seconds(300),
        });
        Self {
            policy: made,
            now: 0,
            said: Vec::new(),
            commits: Vec::new(),
            tip: 0,
            went_in: 0,
            by_deputies: 0,
        }
    }

    fn act(&mut self, dice: &mut Dice<'_>) {
        match dice.roll(16) {
            0..2 => self.commit(dice),
            2..6 => {
                let stead = dice.chance(60).then(|| dice.pick(&PEOPLE));
                let (top, tip) = (self.top(), self.tip);
                self.says(dice, |_| What::Yes(top, tip, stead));
            }
            6 => {
                let stead = dice.chance(50).then(|| dice.pick(&PEOPLE));
                let top = self.top();
                if dice.chance(30) {
                    self.says(dice, |_| What::No(top, stead));
                }
            }
            7..10 => {
                let now = self.now;
                self.says(dice, |dice| {
                    let from = now + 20 * (dice.roll(5) as i64 - 2);
                    let until = from + 10 * (dice.roll(34) as i64);
                    What::Names {
                        to: dice.pick(&PEOPLE),
                        from,
                        until,
                    }
                });
            }
            10 => {
                if let Some(last) = self.said.len().checked_sub(1) {
                    let which = self.said[last.saturating_sub(dice.roll(6))].clone();
                    let by = if dice.chance(80) {
                        which.by
                    } else {
                        dice.pick(&PEOPLE)
                    };
                    self.say(by, What::TakesBack(which.number));
                }
            }
            11 => self.now += 10 * dice.roll(16) as i64,
            12 => self.someone_comes_or_goes(dice),
            _ => self.push(),
        }
    }

    fn top(&self) -> u32 {
        u32::try_from(self.commits.len()).unwrap()
    }

    fn commit(&mut self, dice: &mut Dice<'_>) {
        let mut hands = vec![dice.pick(&PEOPLE)];
        if dice.chance(20) {
            hands.push(dice.pick(&PEOPLE));
        }
        self.commits.push(hands);
    }

    fn says(&mut self, dice: &mut Dice<'_>, what: impl FnOnce(&mut Dice<'_>) -> What) {
        let by = dice.pick(&PEOPLE);
        let what = what(dice);
        self.say(by, what);
    }

    fn say(&mut self, by: &'static str, what: What) {
        let about = match &what {
            What::Yes(commit, ..) | What::No(commit, _) => *commit,
            What::Names { .. } => POLICY,
            What::TakesBack(number) => match self.said.iter().find(|said| said.number == *number) {
                Some(Said {
                    what: What::Names { .. },
                    ..
                }) => POLICY,
                Some(Said {
                    what: What::Yes(commit, ..) | What::No(commit, _),
                    ..
                }) => *commit,
                Some(Said {
                    what: What::TakesBack(_),
                    ..
                })
                | None => return,
            },
        };
        if about == 0 {
            return;
        }
        let number = u32::try_from(self.said.len()).unwrap();
        let said = Said {
            number,
            by,
            when: self.now,
            what,
        };
        // Whether it is taken in is the server's to say.
        let mut update = arriving(self.statement(&said, about), by);
        if let (
            What::TakesBack(back),
            Subject::Statement(crate::facts::StatementOutcome::Read(read)),
        ) = (&said.what, &mut update.subject)
        {
            let owner = self.said.iter().find(|one| one.number == *back);
            read.withdrawn_signer = owner.map(|owner| who(owner.by));
        }
        let facts = PushFacts {
            now: at(self.now),
            ..push(vec![update])
        };
        if decide(&self.policy, &facts).accepted() {
            self.said.push(said);
        }
    }

    fn statement(&self, said: &Said, about: u32) -> StatementFacts {
        let decision = match &said.what {
            What::Yes(..) => Decision::Approve,
            What::No(..) => Decision::Reject,
            What::Names { .. } => Decision::Delegate,
            What::TakesBack(back) => Decision::Withdraw {
                statement: oid(10_000 + back),
            },
        };
        let mut made = says(said.number, decision, said.by, about);
        made.first_seen = Some(at(said.when));
        made.claimed = at(said.when);
        match &said.what {
            What::Yes(_, base, stead) => {
                made.statement.base = Some(id(*base));
                made.statement.particulars.stead = stead.map(who);
            }
            What::No(_, stead) => made.statement.particulars.stead = stead.map(who),
            What::Names { to, from, until } => {
                made.statement.expires = Some(at(*until));
                made.statement.particulars.grant = Some(Grant {
                    to: who(to),
                    from: at(*from),
                    paths: Vec::new(),
                });
            }
            What::TakesBack(_) => {}
        }
        made
    }

    fn someone_comes_or_goes(&mut self, dice: &mut Dice<'_>) {
        let person = who(dice.pick(&PEOPLE));
        match dice.roll(6) {
            0..3 => {
                let team = self.policy.teams.get_mut(&TeamName::new(TEAM)).unwrap();
                if !team.remove(&person) {
                    team.insert(person);
                }
            }
            3 => {
                let person = self.policy.people.get_mut(&person).unwrap();
                person.disabled = !person.disabled;
            }
            4 => {
                let longest = &mut self.policy.rules[0].delegation.as_mut().unwrap().longest;
                *longest = Seconds(if longest.0 == 300 { 100 } else { 300 });
            }
            _ => {
                let own = key(person.as_str());
                let keys = &mut self.policy.people.get_mut(&person).unwrap().keys;
                *keys = if keys.is_empty() {
                    vec![own]
                } else {
                    Vec::new()
                };
            }
        }
    }

    fn push(&mut self) {
        let top = self.top();
        if top == self.tip {
            return;
        }
        let (mut statements, mut delegations) = (Vec::new(), Vec::new());
        for said in &self.said {
            let about = match &said.what {
                What::Yes(commit, ..) | What::No(commit, _) => *commit,
                What::Names { .. } => POLICY,
                What::TakesBack(back) => match &self.said[*back as usize].what {
                    What::Yes(commit, ..) | What::No(commit, _) => *commit,
                    What::Names { .. } | What::TakesBack(_) => POLICY,
                },
            };
            let made = self.statement(said, about);
            match (&said.what, about) {
                (What::Names { .. }, _) | (What::TakesBack(_), POLICY) => delegations.push(made),
                _ => statements.push(made),
            }
        }
        let commits: Vec<CommitFacts> =
            (self.tip + 1..=top).rev().map(|at| self.made(at)).collect();
        let mut range = range(commits, statements);
        range.base = Some(id(self.tip));
        range.delegations = delegations;
        let (old, new) = (id(self.tip), id(top));
        let update = UpdateFacts {
            refname: name(PROD),
            change: RefChange::Update { old, new },
            current: Current::At(old),
            subject: Subject::Protected(RangeOutcome::Range(range)),
        };
        let facts = PushFacts {
            now: at(self.now),
            ..push(vec![update])
        };
        if decide(&self.policy, &facts).accepted() {
            self.check(top);
            self.went_in += 1;
            self.tip = top;
        }
    }

    fn made(&self, at: u32) -> CommitFacts {
        let hands = &self.commits[at as usize - 1];
        let mut made = commit(at, &[at - 1], hands[0]);
        made.parents = vec![id(at - 1)];
        for other in &hands[1..] {
            made.claims.push(claim(Role::CoAuthor, other));
        }
        made
    }

    /// What may not be otherwise, whenever something goes in.
    fn check(&mut self, top: u32) {
        let required = self.policy.rules[0].required as usize;
        for at in self.tip + 1..=top {
            let hands = self.commits[at as usize - 1].clone();
            let clean = |name: &str| !hands.contains(&name);
            let mut pairs: BTreeSet<(&str, &str)> = BTreeSet::new();
            for said in &self.said {
                let What::Yes(commit, base, stead) = &said.what else {
                    continue;
                };
                if *commit < at || *base >= at || self.taken_back(said.number) || !clean(said.by) {
                    continue;
                }
                match stead {
                    None => drop(pairs.insert((said.by, said.by))),
                    Some(stead) if self.held(said, stead) && clean(stead) => {
                        pairs.insert((said.by, *stead));
                    }
                    Some(_) => {}
                }
            }
            pairs.retain(|(voter, seat)| self.counts(seat) && self.can_speak(voter));
            let distinct = most(&pairs);
            assert!(
                distinct >= required,
                "{at} went in with {distinct} of {pairs:?}"
            );
            let own = pairs.iter().filter(|(voter, seat)| voter == seat);
            self.by_deputies += usize::from(own.count() < required);
        }
        for said in &self.said {
            if let What::No(commit, None) = &said.what {
                let later = self.said.iter().any(|other| {
                    matches!(&other.what, What::Yes(yes, base, None) if yes >= commit && base < commit)
                        && other.by == said.by
                        && other.when > said.when
                });
                let standing = *commit > self.tip
                    && self.listed(said.by)
                    && self.has_key(said.by)
                    && !self.taken_back(said.number)
                    && !later;
                assert!(!standing, "{commit} went in though {} objects", said.by);
            }
        }
    }

    fn listed(&self, name: &str) -> bool {
        self.policy.teams[&TeamName::new(TEAM)].contains(&who(name))
    }

    fn has_key(&self, name: &str) -> bool {
        !self.policy.people[&who(name)].keys.is_empty()
    }

    fn can_speak(&self, name: &str) -> bool {
        self.has_key(name) && !self.policy.people[&who(name)].disabled
    }

    fn counts(&self, name: &str) -> bool {
        self.listed(name) && self.can_speak(name)
    }

    fn taken_back(&self, number: u32) -> bool {
        let signer = self.said[number as usize].by;
        self.said.iter().any(|said| {
            matches!(said.what, What::TakesBack(back) if back == number)
                && said.by == signer
                && self.has_key(signer)
        })
    }

    /// Whether who said this held a delegation of the other then, and still does.
    fn held(&self, yes: &Said, stead: &str) -> bool {
        let longest = self.policy.rules[0].delegation.as_ref().unwrap().longest;
        self.said.iter().any(|said| {
            let What::Names { to, from, until } = &said.what else {
                return false;
            };
            said.by == stead
                && *to == yes.by
                && *to != stead
                && said.when <= yes.when
                && (*from..*until).contains(&yes.when)
                && (*from..*until).contains(&self.now)
                && until - from <= i64::try_from(longest.0).unwrap()
                && !self.taken_back(said.number)
        })
    }
}

fn id(commit: u32) -> Oid {
    oid(if commit == 0 { BASE } else { commit })
}

/// How many can count together, nobody twice and for nobody twice.
fn most(pairs: &BTreeSet<(&str, &str)>) -> usize {
    let Some(first) = pairs.first() else {
        return 0;
    };
    let mut without = pairs.clone();
    without.remove(first);
    let mut with = without.clone();
    with.retain(|pair| pair.0 != first.0 && pair.1 != first.1);
    most(&without).max(1 + most(&with))
}

#[test]
fn nothing_goes_in_without_somebody_who_was_asked_or_their_deputy() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 1500,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let (went_in, by_deputies) = (Cell::new(0), Cell::new(0));
    let bytes = proptest::collection::vec(any::<u8>(), 900);
    runner
        .run(&bytes, |bytes| {
            let mut dice = Dice::new(&bytes);
            let mut model = Model::new(&mut dice);
            for _ in 0..120 {
                model.act(&mut dice);
            }
            went_in.set(went_in.get() + model.went_in);
            by_deputies.set(by_deputies.get() + model.by_deputies);
            Ok(())
        })
        .unwrap();
    // What is checked happens often enough to mean something.
    assert!(went_in.get() > 300, "{} went in", went_in.get());
    assert!(by_deputies.get() > 5, "{} by deputies", by_deputies.get());
}

#[test]
fn the_model_knows_what_a_deputy_may() {
    let bytes = [0; 4];
    let mut model = Model::new(&mut Dice::new(&bytes));
    model.commits.push(vec!["dan"]);
    model.say(
        "amy",
        What::Names {
            to: "eli",
            from: 0,
            until: 100,
        },
    );
    model.say("eli", What::Yes(1, 0, Some("amy")));
    model.push();
    assert_eq!((model.went_in, model.by_deputies, model.tip), (1, 1, 1));
}
