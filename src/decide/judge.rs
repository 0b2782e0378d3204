//! One push: every update on its own, and all of them or none.

use super::range::{Case, Findings};
use super::roster::Roster;
use super::shape::{self, Kind};
use super::{DebtVerdict, Permit, Reason, UpdateVerdict, Verdict};
use super::{arrival, debt, emergency, pusher, range, releaser};
use crate::facts::{ProposedPolicy, PushFacts, RangeFacts, RangeOutcome, Subject, UpdateFacts};
use crate::policy::{BranchRule, Policy};
use crate::types::{RefName, TargetName};
use std::collections::HashMap;

/// Judges a push by the policy in force. Every reason to refuse it is found, not only the first.
///
/// One refused update refuses the push; nothing that is decided for one update is used for
/// another.
pub fn decide(policy: &Policy, facts: &PushFacts) -> Verdict {
    let roster = Roster::new(policy);
    let mut times: HashMap<&RefName, usize> = HashMap::new();
    for update in &facts.updates {
        *times.entry(&update.refname).or_default() += 1;
    }
    let rules: Vec<Vec<&BranchRule>> = facts
        .updates
        .iter()
        .map(|update| policy.rules_for(&update.refname))
        .collect();
    let pairs = facts.updates.iter().zip(&rules);
    let judged: Vec<Judged<'_>> = pairs
        .map(|(update, rules)| {
            let times = times.get(&update.refname).copied().unwrap_or(1);
            judge(policy, &roster, facts, (update, rules), times)
        })
        .collect();
    let debts = match facts.owing.is_empty() {
        true => Vec::new(),
        false => debt::judge(policy, &roster, facts, &judged),
    };
    let finished = judged.into_iter().map(|judged| finish(judged, &debts));
    Verdict {
        updates: finished.collect(),
        reasons: of_push(facts),
        debts,
    }
}

/// What concerns the push as a whole.
fn of_push(facts: &PushFacts) -> Vec<Reason> {
    let faults = facts.owing.iter().filter_map(|owing| owing.fault.clone());
    let mut reasons: Vec<Reason> = faults.map(|why| Reason::Unreadable { why }).collect();
    if facts.updates.is_empty() {
        reasons.push(Reason::NoUpdates);
    }
    reasons
}

/// One update, judged on its own.
pub(super) struct Judged<'a> {
    pub case: Case<'a>,
    pub findings: Findings,
    /// Its range, where it has one that could be read.
    pub range: Option<&'a RangeFacts>,
    update: &'a UpdateFacts,
    /// Whether its ref only moves by a permit.
    guarded: bool,
}

fn judge<'a>(
    policy: &'a Policy,
    roster: &'a Roster<'a>,
    facts: &'a PushFacts,
    (update, rules): (&'a UpdateFacts, &'a [&'a BranchRule]),
    times: usize,
) -> Judged<'a> {
    let case = Case {
        policy,
        roster,
        refname: &update.refname,
        now: facts.now,
        rules,
        real: update.current.oid(),
        new: update.change.new_oid(),
        owing: emergency::owing_for(&facts.owing, &update.refname),
    };
    let mut findings = Findings {
        reasons: shape::faults(update, times),
        ..Findings::default()
    };
    let guarded = by_subject(&case, facts, update, &mut findings);
    stand_in(&mut findings);
    Judged {
        case,
        findings,
        range: update.range(),
        update,
        guarded,
    }
}

/// Lets an emergency stand in for approvals, where nothing but those is lacking. Whatever else there is
/// against an update, no emergency makes up for.
fn stand_in(findings: &mut Findings) {
    if let Some(used) = &mut findings.emergency {
        if findings.reasons.iter().all(Reason::is_of_cover) {
            used.waived = std::mem::take(&mut findings.reasons);
        } else {
            findings.emergency = None;
        }
    }
}

/// What is left to say of an update, once it is known what is owed for its ref.
fn finish(judged: Judged<'_>, debts: &[DebtVerdict]) -> UpdateVerdict {
    let Judged {
        case,
        mut findings,
        update,
        guarded,
        range: _,
    } = judged;
    // Going back brings nothing that nobody has looked at, and is what an overdue review asks for.
    if guarded && update.range().is_some() && findings.rollback.is_none() {
        let piles_up = findings.emergency.is_some() && emergency::may_pile_up(case.rules);
        if !piles_up {
            findings.reasons.extend(debt::overdue(debts, case.refname));
        }
    }
    let passes = findings.reasons.is_empty();
    if !passes && let Some(used) = findings.emergency.take() {
        findings.reasons.splice(0..0, used.waived);
    }
    let permit = case.new.filter(|_| guarded && passes);
    let permit = permit.map(|new| {
        let release = targets(case.rules);
        Permit::new(update.refname.clone(), case.real, new, release)
    });
    if passes && findings.let_pass.is_empty() {
        // Nobody has to be told why something else did not count.
        findings.notes.clear();
    }
    UpdateVerdict {
        refname: update.refname.clone(),
        change: update.change,
        reasons: findings.reasons,
        let_pass: findings.let_pass,
        notes: findings.notes,
        commits: findings.commits,
        checks: findings.checks,
        tickets: findings.tickets,
        overridden: findings.overridden,
        zone_rules: findings.zone_rules,
        rollback: findings.rollback,
        permit,
        emergency: findings.emergency.map(|used| *used),
    }
}

/// Judges an update by what its ref is; whether that is a ref that only moves by a permit.
fn by_subject(
    case: &Case<'_>,
    facts: &PushFacts,
    update: &UpdateFacts,
    findings: &mut Findings,
) -> bool {
    match (shape::kind(case.policy, case.refname), &update.subject) {
        (Kind::Reserved, _) | (_, Subject::Reserved) => findings.reasons.push(Reason::Reserved),
        (Kind::Unprotected, Subject::Unprotected) => {}
        (Kind::Statement, Subject::Statement(outcome)) => {
            let faults = arrival::faults(case, update, outcome);
            findings.reasons.extend(faults);
        }
        (Kind::Protected, Subject::Protected(outcome)) => {
            findings.add(guard(case, facts, outcome));
            return true;
        }
        (Kind::Policy, Subject::Policy(outcome, proposed)) => {
            findings.add(guard(case, facts, outcome));
            // Nobody breaks the glass on the policy itself, whatever a rule of it says.
            findings.emergency = None;
            findings.reasons.extend(of_proposed(proposed, outcome));
            return true;
        }
        (Kind::Unprotected | Kind::Statement | Kind::Protected | Kind::Policy, _) => {
            findings.reasons.push(Reason::Internal {
                why: format!("the facts take `{}` for something else", case.refname),
            });
        }
    }
    false
}

/// Judges an update of a protected ref.
fn guard(case: &Case<'_>, facts: &PushFacts, outcome: &RangeOutcome) -> Findings {
    let mut findings = Findings {
        reasons: pusher::faults(case.policy, &facts.pusher, case.rules),
        ..Findings::default()
    };
    if case.rules.is_empty() {
        findings.reasons.push(Reason::NoRule);
    }
    match (outcome, case.new) {
        (RangeOutcome::Deletion, _) | (_, None) => findings.reasons.push(Reason::Deletion),
        (RangeOutcome::Range(_), Some(new)) if case.real == Some(new) => {
            findings.reasons.push(Reason::NoOp { at: new });
        }
        (RangeOutcome::Fault(fault), _) => findings.reasons.push(Reason::from(fault)),
        (RangeOutcome::Range(range), Some(_)) => {
            findings.add(range::judge(case, range));
            let (rules, pusher) = (case.rules, &facts.pusher);
            let commits = &findings.commits;
            let third = releaser::fault(case.policy, case.refname, rules, pusher, commits);
            findings.reasons.extend(third);
        }
    }
    findings
}

/// Why the policy that a push brings may not take the place of the one in force.
fn of_proposed(proposed: &ProposedPolicy, outcome: &RangeOutcome) -> Option<Reason> {
    match (proposed, outcome) {
        // That it is deleted was said, and so was that it could not be read.
        (_, RangeOutcome::Deletion) | (ProposedPolicy::Sound, _) => None,
        (ProposedPolicy::Invalid { complaints }, _) => Some(Reason::PolicyInvalid {
            complaints: complaints.clone(),
        }),
        (ProposedPolicy::LocksOut { why }, _) => Some(Reason::PolicyLocksOut { why: why.clone() }),
        (ProposedPolicy::Absent, _) => Some(Reason::PolicyAbsent),
    }
}

/// The targets of all rules, each once, in their order.
fn targets(rules: &[&BranchRule]) -> Vec<TargetName> {
    let mut all: Vec<TargetName> = Vec::new();
    for target in rules.iter().flat_map(|rule| &rule.release) {
        if !all.contains(target) {
            all.push(target.clone());
        }
    }
    all
}

impl Findings {
    fn add(&mut self, other: Self) {
        self.reasons.extend(other.reasons);
        self.let_pass.extend(other.let_pass);
        self.notes.extend(other.notes);
        self.commits.extend(other.commits);
        self.emergency = self.emergency.take().or(other.emergency);
        self.checks.extend(other.checks);
        self.tickets.extend(other.tickets);
        self.overridden.extend(other.overridden);
        self.zone_rules = self.zone_rules.or(other.zone_rules);
        self.rollback = other.rollback.or(self.rollback.take());
    }
}
