//! Random lives of one ref: pushes, approvals, rollbacks, the same again, the clock going on, the ledger lost
//! and made anew from the log. The function decides by what the ledger remembers; a slow oracle keeps every
//! event and answers from the words of the rule.

use super::build::*;
use super::dice::Dice;
use crate::audit::{
    AuditLog, Event, PermitRecord, Pin, RollbackRecord, UpdateRecord, VerdictRecord,
};
use crate::decide::{ROLLBACK_LIFE, UpdateVerdict};
use crate::facts::{CommitFacts, Current, Lost, Memory, StatementFacts, WayBackFacts};
use crate::ledger::Ledger;
use crate::policy::{Policy, Rollback};
use crate::statement::Decision;
use crate::types::{Oid, RefChange, hex};
use proptest::prelude::*;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// Something that happened, as the oracle remembers it.
enum Deed {
    /// The ref was let be there.
    Let(u32),
    /// The ref went back, on these statements, and lost these commits.
    Back(Vec<Oid>, BTreeSet<u32>),
}

struct Life {
    policy: Policy,
    dir: tempfile::TempDir,
    log: AuditLog,
    ledger: Option<Ledger>,
    now: i64,
    at: u32,
    parents: BTreeMap<u32, Vec<u32>>,
    statements: Vec<StatementFacts>,
    deeds: Vec<(i64, Deed)>,
    /// The statements of rollbacks that were carried out.
    tags: Vec<Oid>,
}

fn number(oid: Oid) -> u32 {
    (0..2000)
        .chain([BASE])
        .find(|one| super::build::oid(*one) == oid)
        .unwrap()
}

impl Life {
    fn new() -> Self {
        let mut policy = policy();
        policy.rules[0].rollback = Some(Rollback {
            required: 1,
            by: teams(&["owners"]),
        });
        let dir = tempfile::tempdir().unwrap();
        let log = AuditLog::at(dir.path());
        log.begin("acme/site", at(0)).unwrap();
        let pin = Pin::new(&name(PROD), oid(BASE), "root");
        log.append(at(0), Event::Pinned(pin)).unwrap();
        let ledger = Ledger::open(dir.path(), &log).unwrap();
        Self {
            policy,
            dir,
            log,
            ledger: Some(ledger),
            now: 0,
            at: BASE,
            parents: BTreeMap::from([(BASE, Vec::new())]),
            statements: Vec::new(),
            deeds: vec![(0, Deed::Let(BASE))],
            tags: Vec::new(),
        }
    }

    fn ledger(&self) -> &Ledger {
        self.ledger.as_ref().unwrap()
    }

    fn forgets(&mut self) {
        self.ledger = None;
        std::fs::remove_dir_all(self.dir.path().join("ledger")).unwrap();
        self.ledger = Some(Ledger::open(self.dir.path(), &self.log).unwrap());
    }

    fn reach(&self, from: u32) -> BTreeSet<u32> {
        let mut all = BTreeSet::from([from]);
        for parent in &self.parents[&from] {
            all.extend(self.reach(*parent));
        }
        all
    }

    fn states(&mut self, mut statement: StatementFacts) {
        statement.first_seen = Some(at(self.now));
        statement.claimed = at(self.now);
        let record = self.record(vec![statement.tag], None);
        self.takes_in(record);
        self.statements.push(statement);
    }

    fn record(&self, seen: Vec<Oid>, update: Option<UpdateRecord>) -> VerdictRecord {
        VerdictRecord {
            outcome: "accepted".into(),
            person: None,
            login: None,
            policy: oid(1999),
            updates: update.into_iter().collect(),
            others: 0,
            codes: Vec::new(),
            report: None,
            evidence: Vec::new(),
            seen,
            arrivals: None,
            landed: Vec::new(),
            found: Vec::new(),
            settled: Vec::new(),
            tool: "test".into(),
        }
    }

    fn takes_in(&self, record: VerdictRecord) {
        let entry = self
            .log
            .append(at(self.now), Event::Verdict(record.clone()))
            .unwrap();
        self.ledger()
            .apply(entry.seq, entry.time, &record, None)
            .unwrap();
    }

    /// The statements about these commits, as the ledger remembers when they came.
    fn about(&self, commits: &BTreeSet<u32>) -> Vec<StatementFacts> {
        let all = self.statements.iter();
        let all = all.filter(|one| commits.contains(&number(one.statement.commit)));
        all.map(|one| StatementFacts {
            first_seen: self.ledger().first_seen(one.tag).unwrap(),
            ..one.clone()
        })
        .collect()
    }

    /// A push of `new`, judged by the function; it is carried out if it passes.
    fn pushes(&mut self, new: u32) -> bool {
        let current = oid(self.at);
        let base = self.ledger().approved(&name(PROD), Some(current)).unwrap();
        assert_eq!(base, Some(current), "the range starts where the ref is");
        let mut members: BTreeSet<u32> = &self.reach(new) - &self.reach(self.at);
        let mut commits: Vec<CommitFacts> = Vec::new();
        // Parents have lower numbers than their children.
        for one in members.iter().rev() {
            commits.push(commit(*one, &self.parents[one], "dana"));
        }
        let forward = self.reach(new).contains(&self.at);
        let mut facts = range(commits, self.about(&members));
        facts.base = base;
        facts.tip = oid(new);
        facts.fast_forward = forward;
        let oids: Vec<Oid> = facts.commits.iter().map(|one| one.oid).collect();
        facts.undone = self.ledger().undone(&name(PROD), &oids).unwrap();
        if !forward {
            members = BTreeSet::from([new]);
            let known = self
                .ledger()
                .way_back(&name(PROD), current, oid(new))
                .unwrap();
            let loses = &self.reach(self.at) - &self.reach(new);
            let loses = loses.iter().rev().map(|one| Lost {
                oid: oid(*one),
                title: format!("Step {one}"),
            });
            facts.way_back = Some(WayBackFacts {
                is_ancestor: self.reach(self.at).contains(&new),
                loses: loses.collect(),
                statements: self.about(&members),
                accepted: known.accepted,
                since: known.since,
                spent: known.spent,
            });
        }
        let mut one_update = update(PROD, facts);
        one_update.current = Current::At(current);
        one_update.change = RefChange::Update {
            old: current,
            new: oid(new),
        };
        let mut pushed = push(vec![one_update]);
        pushed.now = at(self.now);
        let verdict = one(&self.policy, &pushed);
        let wanted = match forward {
            true => self.may_go_on(new),
            false => self.may_go_back(new),
        };
        let passes = verdict.reasons.is_empty();
        assert_eq!(
            passes, wanted,
            "{:#?} {:#?}",
            verdict.reasons, verdict.notes
        );
        if passes {
            self.moves(new, &verdict);
        }
        passes
    }

    fn moves(&mut self, new: u32, verdict: &UpdateVerdict) {
        let permit = verdict.permit.as_ref().unwrap();
        assert_eq!(
            (permit.old(), permit.new_oid()),
            (Some(oid(self.at)), oid(new))
        );
        let rollback = verdict.rollback.as_ref().map(|rollback| RollbackRecord {
            statements: rollback.statements.iter().map(|one| one.tag).collect(),
            by: Vec::new(),
            count: rollback.loses.len() as u64,
            loses: rollback.loses.iter().map(|one| one.oid).collect(),
            lists: Vec::new(),
        });
        let update = UpdateRecord {
            refname: PROD.into(),
            claimed: permit.old(),
            old: permit.old(),
            new: Some(oid(new)),
            codes: Vec::new(),
            let_pass: Vec::new(),
            tickets: Vec::new(),
            approved_by: Vec::new(),
            contributors: Vec::new(),
            rollback: rollback.clone(),
            emergency: None,
            permit: Some(PermitRecord {
                ref_hex: hex(PROD.as_bytes()),
                old: permit.old(),
                new: oid(new),
                release: Vec::new(),
            }),
        };
        self.takes_in(self.record(Vec::new(), Some(update)));
        if let Some(rollback) = rollback {
            let lost = &self.reach(self.at) - &self.reach(new);
            self.tags.extend(&rollback.statements);
            let back = Deed::Back(rollback.statements, lost);
            self.deeds.push((self.now, back));
        }
        self.deeds.push((self.now, Deed::Let(new)));
        self.at = new;
    }

    /// The oracle: each commit that comes in was approved by a reviewer since it was last undone, by
    /// somebody who answers each rollback that undid it; and somebody said yes to the whole.
    fn may_go_on(&self, new: u32) -> bool {
        let members = &self.reach(new) - &self.reach(self.at);
        let covers = |yes: &StatementFacts, one: u32| {
            self.reach(number(yes.statement.commit)).contains(&one)
                && self.deeds.iter().all(|(when, deed)| match deed {
                    Deed::Back(tags, lost) if lost.contains(&one) => {
                        let answers = &yes.statement.particulars.answers;
                        yes.first_seen.unwrap() >= at(*when)
                            && tags.iter().any(|tag| answers.contains(tag))
                    }
                    Deed::Back(..) | Deed::Let(_) => true,
                })
        };
        let yeses = self.statements.iter();
        let yeses = yeses.filter(|one| one.statement.decision == Decision::Approve);
        let yeses: Vec<&StatementFacts> = yeses
            .filter(|one| members.contains(&number(one.statement.commit)))
            .collect();
        !members.is_empty()
            && members
                .iter()
                .all(|one| yeses.iter().any(|yes| covers(yes, *one)))
            && yeses.iter().any(|yes| {
                number(yes.statement.commit) == new && members.iter().any(|one| covers(yes, *one))
            })
    }

    /// The oracle: back to where the ref was let be, not undone since, on the word of an owner, given
    /// since it came to be here, young, for exactly this way, and never used.
    fn may_go_back(&self, new: u32) -> bool {
        let last_let = |what: u32| {
            self.deeds
                .iter()
                .rposition(|(_, deed)| matches!(deed, Deed::Let(one) if *one == what))
        };
        let undone = self
            .deeds
            .iter()
            .rposition(|(_, deed)| matches!(deed, Deed::Back(_, lost) if lost.contains(&new)));
        let was_let = last_let(new).is_some_and(|then| undone.is_none_or(|undone| undone < then));
        let since = last_let(self.at).map(|then| self.deeds[then].0).unwrap();
        let word = self.statements.iter().any(|one| {
            let statement = &one.statement;
            let seen = one.first_seen.unwrap();
            statement.decision == Decision::Rollback
                && statement.base == Some(oid(self.at))
                && statement.commit == oid(new)
                && [good("olga"), good("remy")].contains(&one.signer)
                && statement.expires.is_none_or(|end| at(self.now) < end)
                && seen >= at(since)
                && at(self.now) < seen.plus(ROLLBACK_LIFE)
                && !self.tags.contains(&one.tag)
        });
        new != self.at && self.reach(self.at).contains(&new) && was_let && word
    }
}

fn lives(dice: &mut Dice<'_>, deeds: &mut [usize; 4]) {
    let mut life = Life::new();
    let mut next = 1;
    for step in 0..40_u32 {
        let commits: Vec<u32> = life.parents.keys().copied().collect();
        // What matters happens near the tip.
        let newest = commits
            .iter()
            .rev()
            .filter(|one| **one != BASE)
            .take(3)
            .copied();
        let near: Vec<u32> = newest.chain([life.at]).collect();
        let some = near[dice.roll(near.len())];
        match dice.roll(20) {
            0..4 => {
                let parent = if dice.chance(60) { life.at } else { some };
                life.parents.insert(next, vec![parent]);
                next += 1;
            }
            4..9 => {
                let mut yes = approves(1000 + step, dice.pick(&["rita", "remy"]), some);
                yes.statement.base = None;
                yes.base = crate::facts::BaseRelation::None;
                let answers = life.tags.iter().rev().take(4).filter(|_| dice.chance(85));
                yes.statement.particulars.answers = answers.copied().collect();
                life.states(yes);
            }
            9..12 => {
                let ancestors: Vec<u32> = life.reach(life.at).into_iter().collect();
                let to = ancestors[dice.roll(ancestors.len())];
                let who = dice.pick(&["olga", "olga", "remy", "rita"]);
                let mut word = says(1000 + step, Decision::Rollback, who, to);
                let from = if dice.chance(85) { life.at } else { some };
                word.statement.base = Some(oid(from));
                word.statement.reason = Some("down".into());
                word.statement.expires = match dice.roll(4) {
                    0 => Some(at(life.now + 50)),
                    _ => Some(at(life.now + 1_000_000)),
                };
                life.states(word);
                // Mostly it is carried out at once.
                if dice.chance(60) && to != life.at {
                    let went = life.pushes(to);
                    deeds[1] += usize::from(went);
                    deeds[3] += usize::from(!went);
                }
            }
            12..17 => {
                let forward = life.reach(some).contains(&life.at);
                if some != life.at {
                    let went = life.pushes(some);
                    match (forward, went) {
                        (true, true) => deeds[0] += 1,
                        (true, false) => deeds[2] += 1,
                        (false, true) => deeds[1] += 1,
                        (false, false) => deeds[3] += 1,
                    }
                }
            }
            17..19 => life.now += [0, 1, 60, 50_000][dice.roll(4)],
            _ => life.forgets(),
        }
    }
}

#[test]
fn v_09_in_random_lives_nothing_undone_comes_back_on_old_words() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        // So many that each happens much more often than is asked for below, whatever the dice say.
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let deeds = Cell::new([0; 4]);
    runner
        .run(&proptest::collection::vec(any::<u8>(), 400), |bytes| {
            let mut counted = deeds.get();
            lives(&mut Dice::new(&bytes), &mut counted);
            deeds.set(counted);
            Ok(())
        })
        .unwrap();
    // Each happened often: on, back, and both refused.
    let [on, back, not_on, not_back] = deeds.get();
    assert!(
        on > 60 && back > 40 && not_on > 60 && not_back > 40,
        "{:?}",
        deeds.get()
    );
}
