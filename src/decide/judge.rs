//! One push: every update on its own, and all of them or none.

use super::range::{Case, Findings};
use super::roster::Roster;
use super::shape::{self, Kind};
use super::{Permit, Reason, UpdateVerdict, Verdict, arrival, pusher, range};
use crate::facts::{ProposedPolicy, PushFacts, RangeOutcome, Subject, UpdateFacts};
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
    let judged = facts.updates.iter().map(|update| {
        let times = times.get(&update.refname).copied().unwrap_or(1);
        judge(policy, &roster, facts, update, times)
    });
    Verdict {
        updates: judged.collect(),
        reasons: if facts.updates.is_empty() {
            vec![Reason::NoUpdates]
        } else {
            Vec::new()
        },
    }
}

fn judge(
    policy: &Policy,
    roster: &Roster<'_>,
    facts: &PushFacts,
    update: &UpdateFacts,
    times: usize,
) -> UpdateVerdict {
    let rules = policy.rules_for(&update.refname);
    let case = Case {
        policy,
        roster,
        refname: &update.refname,
        now: facts.now,
        rules: &rules,
        real: update.current.oid(),
        new: update.change.new_oid(),
    };
    let mut findings = Findings {
        reasons: shape::faults(update, times),
        ..Findings::default()
    };
    let guarded = by_subject(&case, facts, update, &mut findings);
    let permit = case.new.filter(|_| guarded && findings.reasons.is_empty());
    let permit = permit.map(|new| {
        let release = targets(&rules);
        Permit::new(update.refname.clone(), case.real, new, release)
    });
    if findings.reasons.is_empty() {
        // Nobody has to be told why something else did not count.
        findings.notes.clear();
    }
    UpdateVerdict {
        refname: update.refname.clone(),
        change: update.change,
        reasons: findings.reasons,
        notes: findings.notes,
        commits: findings.commits,
        permit,
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
            let faults = arrival::faults(case.policy, case.roster, update, outcome);
            findings.reasons.extend(faults);
        }
        (Kind::Protected, Subject::Protected(outcome)) => {
            findings.add(guard(case, facts, outcome));
            return true;
        }
        (Kind::Policy, Subject::Policy(outcome, proposed)) => {
            findings.add(guard(case, facts, outcome));
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
        (RangeOutcome::Range(range), Some(_)) => findings.add(range::judge(case, range)),
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
        self.notes.extend(other.notes);
        self.commits.extend(other.commits);
    }
}
