//! Emergencies and what is owed for them, as a machine that is driven at random: people commit, approve,
//! object, take back, declare and push, the clock moves, pushes die, and the ledger is lost and made
//! again from the log. A second, naive account is kept beside it.
//!
//! What must always hold: nothing is on the ref but what somebody distinct approved, or what is owed or
//! was settled for an emergency; and the ledger knows exactly what is owed.

use super::record::{Circumstances, verdict_record};
use crate::audit::{MoveOutcome, MovedRecord, VerdictRecord};
use crate::decide::tests::build::*;
use crate::decide::{Outcome, decide};
use crate::facts::{
    BaseRelation, CommitFacts, Debt, Owed, Owing, PushFacts, RangeFacts, StatementFacts,
    UpdateFacts,
};
use crate::ledger::{RefRecord, Tidings};
use crate::policy::{Emergency, Leave, Limit, PathRules, Policy};
use crate::statement::Decision;
use crate::types::{Oid, Seconds, Timestamp, hex};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const PEOPLE: [&str; 4] = ["dana", "dora", "rita", "remy"];
const REVIEWERS: [&str; 2] = ["rita", "remy"];
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

#[derive(Debug, Clone)]
enum Act {
    /// Somebody commits on top of everything; it may take back what the last emergency let in.
    Commit {
        by: usize,
        reverts: bool,
    },
    /// Somebody approves: a commit, what they compared with, and whether they name what is owed.
    Approve {
        by: usize,
        commit: usize,
        since: usize,
        settles: bool,
    },
    Reject {
        by: usize,
        commit: usize,
    },
    Withdraw {
        which: usize,
    },
    /// Somebody declares an emergency, for what the ref names or what they think that it does.
    Declare {
        by: usize,
        commit: usize,
        stale: bool,
        hours: u64,
    },
    /// A push, which may die before the ref has moved.
    Push {
        commit: usize,
        dies: bool,
    },
    Wait {
        hours: u64,
    },
    /// What became of the moves is told.
    Tell,
    /// The ledger is lost.
    Crash,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let who = 0..PEOPLE.len();
    let place = 0..12_usize;
    let act = prop_oneof![
        4 => (who.clone(), any::<bool>()).prop_map(|(by, reverts)| Act::Commit { by, reverts }),
        6 => (who.clone(), place.clone(), 0..3_usize, any::<bool>())
            .prop_map(|(by, commit, since, settles)| Act::Approve { by, commit, since, settles }),
        1 => (who.clone(), place.clone()).prop_map(|(by, commit)| Act::Reject { by, commit }),
        1 => (0..40_usize).prop_map(|which| Act::Withdraw { which }),
        4 => (who, place.clone(), proptest::bool::weighted(0.2), 1..12_u64)
            .prop_map(|(by, commit, stale, hours)| Act::Declare { by, commit, stale, hours }),
        8 => (place, proptest::bool::weighted(0.2))
            .prop_map(|(commit, dies)| Act::Push { commit, dies }),
        2 => (1..60_u64).prop_map(|hours| Act::Wait { hours }),
        2 => Just(Act::Tell),
        1 => Just(Act::Crash),
    ];
    proptest::collection::vec(act, 1..60)
}

fn rules() -> Policy {
    let mut policy = policy();
    let rule = policy
        .rules
        .iter_mut()
        .find(|rule| rule.pattern == PROD)
        .unwrap();
    rule.emergency = Some(Emergency {
        by: teams(&["developers", "owners"]),
        cosign: None,
        expire: Seconds(6 * HOUR),
        limit: Limit {
            count: 2,
            within: Seconds(20 * DAY),
        },
        except: PathRules::default(),
        ticket: None,
        review_within: Seconds(3 * DAY),
        while_overdue: Leave::Refuse,
        cross_review: Leave::Refuse,
    });
    policy
}

/// What the log holds.
enum Told {
    Verdict(VerdictRecord),
    Moved(MovedRecord),
}

/// What is owed, by the naive account.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Owes {
    entry: u64,
    /// The commits that were let in: behind the first, up to and with the last.
    from: usize,
    to: usize,
    by: &'static str,
    due: Timestamp,
}

struct Machine {
    policy: Policy,
    now: Timestamp,
    /// Who made each commit, and which emergency's commits it takes back.
    commits: Vec<(&'static str, Option<(usize, usize)>)>,
    statements: Vec<(StatementFacts, &'static str)>,
    /// How many commits the ref has.
    at: usize,
    log: Vec<(u64, Timestamp, Told)>,
    ledger: RefRecord,
    /// Allowed moves of which nothing was told yet: entry, from, to, whether it happened.
    moves: Vec<(u64, usize, usize, bool)>,
    // The naive account.
    open: Vec<Owes>,
    /// When each emergency let something in, and the entry.
    used: BTreeMap<Oid, (Timestamp, u64)>,
    /// Commits that somebody distinct approved, or that an emergency's review settled.
    good: BTreeSet<usize>,
    /// Entries of emergencies whose push died, while the ref has not moved since.
    unmade: BTreeSet<u64>,
}

/// The id of the commit in a place; 0 is where it all began.
fn id(place: usize) -> Oid {
    match place {
        0 => oid(BASE),
        place => oid(u32::try_from(place).unwrap()),
    }
}

impl Machine {
    fn new() -> Self {
        let mut ledger = RefRecord::default();
        ledger.pin(id(0));
        Self {
            policy: rules(),
            now: at(0),
            commits: Vec::new(),
            statements: Vec::new(),
            at: 0,
            log: Vec::new(),
            ledger,
            moves: Vec::new(),
            open: Vec::new(),
            used: BTreeMap::new(),
            good: BTreeSet::new(),
            unmade: BTreeSet::new(),
        }
    }

    fn place(&self, oid: Oid) -> usize {
        (0..=self.commits.len())
            .find(|place| id(*place) == oid)
            .unwrap()
    }

    fn facts_of(&self, place: usize) -> CommitFacts {
        let by = self.commits[place - 1].0;
        let number = u32::try_from(place).unwrap();
        let parent = if place == 1 { BASE } else { number - 1 };
        commit(number, &[parent], by)
    }

    /// The commits behind `from`, up to and with `to`, and what is said of them.
    fn range(&self, from: usize, to: usize) -> RangeFacts {
        let commits: Vec<_> = (from + 1..=to)
            .rev()
            .map(|place| self.facts_of(place))
            .collect();
        let within = |place: usize| place > from && place <= to;
        let statements = self
            .statements
            .iter()
            .filter(|(facts, _)| within(self.place(facts.statement.commit)));
        let statements = statements.map(|(facts, _)| {
            let mut facts = facts.clone();
            facts.base = match facts.statement.base {
                None => BaseRelation::None,
                Some(base) if within(self.place(base)) => BaseRelation::InRange,
                Some(base) if self.place(base) <= from => BaseRelation::Before,
                Some(_) => BaseRelation::Elsewhere,
            };
            facts
        });
        RangeFacts {
            base: Some(id(from)),
            tip: id(to),
            fast_forward: true,
            statements: statements.collect(),
            delegations: Vec::new(),
            undone: Vec::new(),
            way_back: None,
            commits,
        }
    }

    fn owing(&self, to: Option<usize>) -> Vec<Owing> {
        let emergencies = self.ledger.emergencies().to_vec();
        if emergencies.is_empty() {
            return Vec::new();
        }
        let open = emergencies.iter().filter(|debt| debt.is_open());
        let open = open.map(|debt: &Debt| {
            let (from, end) = (self.place(debt.base.unwrap()), self.place(debt.commit));
            let taken_back = |upto: usize| {
                let later = self.commits.iter().take(upto).skip(end);
                later
                    .into_iter()
                    .any(|(_, reverts)| *reverts == Some((from, end)))
            };
            Owed {
                range: Ok(self.range(from, end)),
                reverted: to.is_some_and(|to| taken_back(to) && !taken_back(self.at)),
                debt: debt.clone(),
            }
        });
        vec![Owing {
            refname: name(PROD),
            open: open.collect(),
            emergencies,
            fault: None,
        }]
    }

    fn judges(&mut self, updates: Vec<UpdateFacts>, to: Option<usize>) -> (Outcome, VerdictRecord) {
        let mut facts: PushFacts = push(updates);
        facts.now = self.now;
        facts.owing = self.owing(to);
        let verdict = decide(&self.policy, &facts);
        let circumstances = Circumstances {
            policy: oid(800),
            login: None,
            report: None,
            evidence: Vec::new(),
            arrivals: None,
            rollbacks: std::collections::BTreeMap::new(),
            tidings: Tidings::default(),
        };
        let record = verdict_record(&verdict, &facts, circumstances);
        let seq = self.log.len() as u64 + 1;
        self.log
            .push((seq, self.now, Told::Verdict(record.clone())));
        take(
            &mut self.ledger,
            seq,
            self.now,
            &Told::Verdict(record.clone()),
        );
        (verdict.outcome(), record)
    }

    fn seq(&self) -> u64 {
        self.log.len() as u64
    }

    /// A statement arrives in a push of its own. What it settles is held against the naive account.
    fn states(&mut self, by: &'static str, facts: StatementFacts) {
        let accepted = {
            self.statements.push((facts.clone(), by));
            let (outcome, record) = self.judges(vec![arriving(facts.clone(), by)], None);
            self.settles(&record);
            outcome == Outcome::Accepted
        };
        if !accepted {
            self.statements.pop();
        }
    }

    /// The people who approve a commit now, by the plain words of the rule.
    fn approves(
        &self,
        place: usize,
        not: &[&str],
        wanted: &dyn Fn(&StatementFacts) -> bool,
    ) -> bool {
        let author = self.commits[place - 1].0;
        self.statements.iter().any(|(facts, by)| {
            let statement = &facts.statement;
            statement.decision == Decision::Approve
                && wanted(facts)
                && REVIEWERS.contains(by)
                && *by != author
                && !not.contains(by)
                && self.place(statement.commit) >= place
                && statement.base.is_none_or(|base| self.place(base) < place)
                && !self.withdrawn(facts.tag)
        })
    }

    fn withdrawn(&self, tag: Oid) -> bool {
        let withdraws = Decision::Withdraw { statement: tag };
        self.statements
            .iter()
            .any(|(facts, _)| facts.statement.decision == withdraws)
    }

    /// What an entry says is settled has to be so, and is not owed any more.
    fn settles(&mut self, record: &VerdictRecord) {
        for settled in &record.settled {
            let place = self
                .open
                .iter()
                .position(|one| one.entry == settled.entry)
                .unwrap();
            let one = self.open.remove(place);
            let behind: Vec<&str> = std::iter::once(one.by)
                .chain(self.open.iter().map(|other| other.by))
                .collect();
            let tag = self.tag_of(one.entry);
            match settled.how {
                crate::audit::SettledHow::Review => {
                    for place in one.from + 1..=one.to {
                        assert!(self.approves(place, &behind, &|_| true), "{one:?} {place}");
                    }
                    let names = |facts: &StatementFacts| {
                        facts.statement.commit == id(one.to)
                            && facts.statement.particulars.settles == Some(tag)
                    };
                    assert!((one.from + 1..=one.to).any(|at| self.approves(at, &behind, &names)));
                }
                crate::audit::SettledHow::Revert => {
                    let mut later = self.commits.iter().enumerate().skip(one.to);
                    let taken = later.any(|(place, (_, reverts))| {
                        *reverts == Some((one.from, one.to))
                            && self.approves(place + 1, &behind, &|_| true)
                    });
                    assert!(taken, "{one:?}");
                }
            }
            self.good.extend(one.from + 1..=one.to);
        }
    }

    fn tag_of(&self, entry: u64) -> Oid {
        let known = self.ledger.emergencies().iter();
        known
            .filter(|debt| debt.entry == entry)
            .map(|debt| debt.tag)
            .next()
            .unwrap()
    }

    fn pushes(&mut self, to: usize, dies: bool) {
        if to <= self.at {
            return;
        }
        let from = self.at;
        let mut update = update(PROD, self.range(from, to));
        update.change = crate::types::RefChange::Update {
            old: id(from),
            new: id(to),
        };
        update.current = crate::facts::Current::At(id(from));
        let overdue: Vec<u64> = self
            .open
            .iter()
            .filter(|one| one.due <= self.now)
            .map(|one| one.entry)
            .collect();
        let (outcome, record) = self.judges(vec![update], Some(to));
        if outcome == Outcome::Rejected {
            return;
        }
        let settles = |entry: &u64| record.settled.iter().any(|settled| settled.entry == *entry);
        assert!(
            overdue.iter().all(settles),
            "it went in past what is overdue"
        );
        self.settles(&record);
        self.is_tried_again(from, to);
        match &record.updates[0].emergency {
            None => {
                for place in from + 1..=to {
                    assert!(
                        self.approves(place, &[], &|_| true),
                        "{place} went in unapproved"
                    );
                    self.good.insert(place);
                }
            }
            Some(emergency) => self.breaks(emergency.tag, from, to),
        }
        if outcome == Outcome::Emergency && dies {
            self.unmade.insert(self.seq());
        }
        self.moves.push((self.seq(), from, to, !dies));
        if !dies {
            self.unmade.clear();
            self.at = to;
        }
    }

    /// An emergency that let something in has to be one, and is owed from now on.
    fn breaks(&mut self, tag: Oid, from: usize, to: usize) {
        let found = self
            .statements
            .iter()
            .find(|(facts, _)| facts.tag == tag)
            .unwrap();
        let (facts, by) = (found.0.clone(), found.1);
        assert!(["dana", "dora", "remy"].contains(&by));
        assert_eq!(facts.statement.decision, Decision::Emergency);
        assert_eq!(
            (facts.statement.base, facts.statement.commit),
            (Some(id(from)), id(to))
        );
        assert!(facts.statement.expires.unwrap() > self.now && !self.withdrawn(tag));
        assert!(facts.first_seen.unwrap().plus(Seconds(6 * HOUR)) > self.now);
        assert!(!self.used.contains_key(&tag), "used twice");
        let lately = self
            .used
            .values()
            .filter(|(time, _)| time.plus(Seconds(20 * DAY)) > self.now);
        assert!(lately.count() < 2, "one too many");
        self.used.insert(tag, (self.now, self.seq()));
        let due = self.now.plus(Seconds(3 * DAY));
        self.open.push(Owes {
            entry: self.seq(),
            from,
            to,
            by,
            due,
        });
    }

    /// The very move that an emergency was to make, whose push died: it is made by this one or not at all.
    fn is_tried_again(&mut self, from: usize, to: usize) {
        let same =
            |one: &&Owes| self.unmade.contains(&one.entry) && (one.from, one.to) == (from, to);
        let entries: Vec<u64> = self.open.iter().filter(same).map(|one| one.entry).collect();
        for entry in entries {
            self.never_went_in(entry);
        }
        // Of any other it is not known any more whether it was made: it is owed until the log says so.
        self.unmade.clear();
    }

    /// What never went in is owed to nobody, and used nothing up; unless it was settled meanwhile.
    fn never_went_in(&mut self, entry: u64) {
        if self.open.iter().any(|one| one.entry == entry) {
            self.open.retain(|one| one.entry != entry);
            self.used.retain(|_, (_, of)| *of != entry);
        }
    }

    fn tells(&mut self) {
        for (entry, from, to, happened) in std::mem::take(&mut self.moves) {
            let outcome = match happened {
                true => MoveOutcome::Moved,
                false => MoveOutcome::NotMoved,
            };
            let moved = MovedRecord {
                sequence: entry,
                refname: PROD.into(),
                ref_hex: hex(PROD.as_bytes()),
                old: Some(id(from)),
                new: id(to),
                outcome,
                now: None,
            };
            if !happened {
                self.never_went_in(entry);
            }
            let seq = self.seq() + 1;
            take(&mut self.ledger, seq, self.now, &Told::Moved(moved.clone()));
            self.log.push((seq, self.now, Told::Moved(moved)));
        }
    }

    fn does(&mut self, act: &Act) {
        let last = self.commits.len();
        match *act {
            Act::Commit { by, reverts } => {
                let last_open = self.open.last().filter(|one| one.to == last && reverts);
                let reverts = last_open.map(|one| (one.from, one.to));
                if last < 11 {
                    self.commits.push((PEOPLE[by], reverts));
                }
            }
            Act::Wait { hours } => self.now = self.now.plus(Seconds(hours * HOUR)),
            Act::Tell => self.tells(),
            Act::Crash => self.crashes(),
            Act::Push { commit, dies } => self.pushes(commit.min(last), dies),
            Act::Withdraw { which } => {
                let Some((facts, by)) = self.statements.get(which).cloned() else {
                    return;
                };
                let statement = facts.tag;
                let about = self.place(facts.statement.commit);
                let mut own = self.fresh(Decision::Withdraw { statement }, by, about);
                own.statement.commit = facts.statement.commit;
                self.statements.push((own, by));
            }
            Act::Approve {
                by,
                commit,
                since,
                settles,
            } => self.approves_as(PEOPLE[by], commit.min(last), since, settles),
            Act::Reject { by, commit } if commit.min(last) > 0 => {
                let mut facts = self.fresh(Decision::Reject, PEOPLE[by], commit.min(last));
                facts.statement.base = Some(id(0));
                self.states(PEOPLE[by], facts);
            }
            Act::Declare {
                by,
                commit,
                stale,
                hours,
            } if commit.min(last) > self.at => {
                let mut facts = self.fresh(Decision::Emergency, PEOPLE[by], commit.min(last));
                facts.statement.base = Some(id(if stale { 0 } else { self.at }));
                facts.statement.expires = Some(self.now.plus(Seconds(hours * HOUR)));
                facts.statement.reason = Some("the shop is down for everybody".into());
                self.states(PEOPLE[by], facts);
            }
            Act::Reject { .. } | Act::Declare { .. } => {}
        }
    }

    /// A statement with a tag of its own, seen now.
    fn fresh(&self, decision: Decision, by: &str, about: usize) -> StatementFacts {
        let number = u32::try_from(self.statements.len() + 1).unwrap() + 100;
        let mut facts = says(number, decision, by, u32::try_from(about).unwrap());
        facts.first_seen = Some(self.now);
        facts.claimed = self.now;
        facts
    }

    fn approves_as(&mut self, by: &'static str, commit: usize, since: usize, settles: bool) {
        if commit == 0 {
            return;
        }
        let mut facts = self.fresh(Decision::Approve, by, commit);
        let debt = self.open.iter().find(|one| one.to == commit && settles);
        let base = match debt {
            Some(debt) => debt.from,
            None => [0, self.at, commit.saturating_sub(1)][since].min(commit - 1),
        };
        facts.statement.base = Some(id(base));
        facts.statement.particulars.settles = debt.map(|debt| self.tag_of(debt.entry));
        self.states(by, facts);
    }

    fn crashes(&mut self) {
        let mut ledger = RefRecord::default();
        ledger.pin(id(0));
        for (seq, time, told) in &self.log {
            take(&mut ledger, *seq, *time, told);
        }
        assert_eq!(ledger, self.ledger, "the log says something else");
        self.ledger = ledger;
    }

    /// What must hold whatever happened.
    fn holds(&self) {
        let owed: BTreeSet<u64> = self.open.iter().map(|one| one.entry).collect();
        let known = self
            .ledger
            .emergencies()
            .iter()
            .filter(|debt| debt.is_open());
        let known: BTreeSet<u64> = known.map(|debt| debt.entry).collect();
        assert_eq!(known, owed, "the ledger and the account differ");
        for place in 1..=self.at {
            let of = |one: &Owes| place > one.from && place <= one.to;
            let is_owed = self.open.iter().any(of);
            assert!(
                self.good.contains(&place) || is_owed,
                "{place} is on the ref, and nobody owes for it"
            );
        }
    }
}

/// As the ledger takes in an entry.
fn take(known: &mut RefRecord, seq: u64, time: Timestamp, told: &Told) {
    let verdict = match told {
        Told::Moved(moved) => return known.became(moved),
        Told::Verdict(verdict) => verdict,
    };
    if !verdict.let_in() {
        return;
    }
    for update in &verdict.updates {
        let Some(permit) = &update.permit else {
            continue;
        };
        known.allow(permit, seq, time);
        match &update.emergency {
            Some(emergency) => known.declare(emergency, permit, seq, time).unwrap(),
            None => known.approve(permit),
        }
    }
    for settled in &verdict.settled {
        known.settle(settled, seq);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn e_01_e_03_e_07_e_11_nothing_is_on_the_ref_that_nobody_answers_for(acts in acts()) {
        let mut machine = Machine::new();
        for act in &acts {
            machine.does(act);
            machine.holds();
        }
    }
}

/// The machine gets everywhere: what never happens shows nothing.
#[test]
fn the_random_acts_reach_what_matters() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..1500 {
        let acts = acts().new_tree(&mut runner).unwrap().current();
        let mut machine = Machine::new();
        for act in &acts {
            machine.does(act);
        }
        for (_, _, told) in &machine.log {
            let Told::Verdict(verdict) = told else {
                continue;
            };
            let codes = verdict.updates.iter().flat_map(|update| &update.codes);
            for code in codes {
                for wanted in ["RH505", "RH506", "RH507", "RH509", "RH512"] {
                    if code == wanted {
                        *seen.entry(wanted).or_default() += 1;
                    }
                }
            }
            if verdict.outcome == "emergency" {
                *seen.entry("emergency").or_default() += 1;
            }
            for settled in &verdict.settled {
                let how = match settled.how {
                    crate::audit::SettledHow::Review => "review",
                    crate::audit::SettledHow::Revert => "revert",
                };
                *seen.entry(how).or_default() += 1;
            }
        }
    }
    for wanted in [
        "emergency",
        "review",
        "revert",
        "RH505",
        "RH506",
        "RH509",
        "RH512",
    ] {
        assert!(
            seen.get(wanted).is_some_and(|count| *count >= 3),
            "{wanted}: {seen:?}"
        );
    }
}
