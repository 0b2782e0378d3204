//! The range of one protected ref: who made it, who approves, who objects.

use super::cover::{Outcome, Ruling};
use super::emergency::{self, Weighed};
use super::roster::Roster;
use super::span::{At, Span};
use super::voices::{Voices, sift};
use super::{
    CheckPassed, CommitVerdict, EmergencyUse, Note, Override, Reason, RolledBack, attribution,
    checks, hours, notes, objections, ticket, tip, way_back,
};
use crate::facts::{CommitFacts, Owing, RangeFacts};
use crate::policy::{BranchRule, POLICY_REF, Policy};
use crate::types::{Oid, RefName, Timestamp};
use std::collections::BTreeSet;

/// What a range is judged by.
pub(super) struct Case<'a> {
    pub policy: &'a Policy,
    pub roster: &'a Roster<'a>,
    pub refname: &'a RefName,
    pub now: Timestamp,
    /// The rules that match the ref; all of them apply.
    pub rules: &'a [&'a BranchRule],
    /// What the ref names now.
    pub real: Option<Oid>,
    /// What it is to name.
    pub new: Option<Oid>,
    /// What is remembered of the ref's emergencies, where there is anything.
    pub owing: Option<&'a Owing>,
}

/// What was found.
#[derive(Default)]
pub(super) struct Findings {
    pub reasons: Vec<Reason>,
    /// What rules that only warn would refuse for.
    pub let_pass: Vec<Reason>,
    pub notes: Vec<Note>,
    pub commits: Vec<CommitVerdict>,
    /// The emergency that may stand in for what is lacking.
    pub emergency: Option<Box<EmergencyUse>>,
    pub checks: Vec<CheckPassed>,
    pub tickets: BTreeSet<String>,
    pub overridden: Vec<Override>,
    pub zone_rules: Option<&'static str>,
    pub rollback: Option<RolledBack>,
}

/// Judges a range.
pub(super) fn judge(case: &Case<'_>, facts: &RangeFacts) -> Findings {
    if let Some(back) = way_back::of(case, facts) {
        return way_back::judge(case, facts, back);
    }
    let mut findings = Findings {
        reasons: shape(case, facts),
        ..Findings::default()
    };
    if facts.commits.is_empty() {
        return findings;
    }
    match Span::new(case.policy, case.roster, case.refname, case.now, facts) {
        Ok(span) => content(case, &span, &mut findings),
        Err(why) => findings.reasons.push(Reason::Internal { why }),
    }
    findings
}

/// Whether the range begins where it has to.
fn shape(case: &Case<'_>, facts: &RangeFacts) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let tip = facts.tip;
    if case.new != Some(tip) {
        let why = format!("the range of {tip} was read for another update");
        reasons.push(Reason::Internal { why });
    }
    if !facts.fast_forward {
        reasons.push(Reason::NotFastForward {
            current: case.real,
            new: tip,
        });
    }
    match facts.base {
        Some(base) if base == tip => reasons.push(Reason::NothingNew { tip }),
        // A second word about the same mistake would only confuse.
        Some(base) if !descends(facts, base) && (facts.fast_forward || case.real != Some(base)) => {
            reasons.push(Reason::NotFromBaseline { baseline: base });
        }
        None if facts.commits.is_empty() => {
            let why = format!("no commit was read though {tip} is to be judged whole");
            reasons.push(Reason::Internal { why });
        }
        Some(_) | None => {}
    }
    reasons
}

/// Whether the tip descends from the base: then a commit on the way has it as a parent, and all on
/// the way are in the range.
fn descends(facts: &RangeFacts, base: Oid) -> bool {
    let mut commits = facts.commits.iter();
    commits.any(|commit| commit.parents.contains(&base))
}

fn content(case: &Case<'_>, span: &Span<'_>, findings: &mut Findings) {
    let reasons = &mut findings.reasons;
    reasons.extend(attribution::faults(span, case.rules));
    let voices = sift(span);
    let rulings = case
        .rules
        .iter()
        .map(|rule| Ruling::new(span, rule, &voices));
    let judged: Vec<(Ruling<'_>, Outcome)> = rulings
        .map(|ruling| {
            let outcome = ruling.judge();
            (ruling, outcome)
        })
        .collect();
    let rulings: Vec<&Ruling<'_>> = judged.iter().map(|(ruling, _)| ruling).collect();
    reasons.extend(objecting(span, &voices, &rulings));
    for (ruling, outcome) in &judged {
        let lacking = match lets_pass(ruling) {
            true => &mut findings.let_pass,
            false => &mut *reasons,
        };
        lacking.extend(outcome.reasons.iter().cloned());
        lacking.extend(tip::fault(ruling, outcome));
    }
    if span.exhausted() {
        reasons.push(Reason::TooLarge {
            what: "approvals that each compare with another commit".into(),
        });
    }
    if reasons.iter().any(Reason::is_of_cover) {
        match emergency::weigh(case, span, &voices.withdrawn) {
            Weighed::None => {}
            Weighed::Holds(used) => findings.emergency = Some(used),
            Weighed::Fails(why) => reasons.extend(why.into_iter().map(Reason::Emergency)),
        }
    }
    let emergency = findings.emergency.as_deref();
    for (ruling, outcome) in &judged {
        let named = &mut findings.tickets;
        reasons.extend(ticket::fault(ruling, outcome, emergency, named));
    }
    let checked = checks::judge(span, case.rules);
    reasons.extend(checked.reasons);
    findings.checks = checked.passed;
    let hours = hours::judge(span, case.rules, &voices, emergency);
    reasons.extend(hours.reasons);
    findings.overridden = hours.overridden;
    findings.zone_rules = hours.zone_rules;
    let mut told = notes::of_rules(&voices, &judged);
    told.extend(hours.notes);
    reasons.extend(voices.unchecked);
    told.extend(voices.notes);
    findings.notes = notes::tidy(told);
    findings.commits = verdicts(span, &judged);
}

/// How each commit fared.
pub(super) fn verdicts(span: &Span<'_>, judged: &[(Ruling<'_>, Outcome)]) -> Vec<CommitVerdict> {
    let commits = span.facts.commits.iter().enumerate();
    commits
        .map(|(at, commit)| verdict(span, at, commit, judged))
        .collect()
}

/// Whether a rule lets pass what lacks approvals. Nothing but that: whoever objects is heard, and
/// what cannot be judged is refused. On the policy itself no rule does, whatever it says.
fn lets_pass(ruling: &Ruling<'_>) -> bool {
    ruling.rule.only_warns() && ruling.span.refname.as_bytes() != POLICY_REF.as_bytes()
}

/// The objections that stand under one of the rules.
pub(super) fn objecting(
    span: &Span<'_>,
    voices: &Voices<'_>,
    rulings: &[&Ruling<'_>],
) -> Vec<Reason> {
    let by_rule: Vec<Vec<bool>> = rulings
        .iter()
        .map(|ruling| objections::standing(ruling, &voices.objections))
        .collect();
    let numbered = voices.objections.iter().enumerate();
    let standing = numbered.filter(|(number, _)| {
        let mut rules = by_rule.iter();
        rules.any(|standing| standing.get(*number) == Some(&true))
    });
    standing
        .map(|(_, objection)| Reason::Rejected {
            person: span.roster.name(objection.person),
            stead: objection.stead.map(|stead| span.roster.name(stead)),
            commit: span.oid(objection.at).unwrap_or(objection.tag),
            tag: objection.tag,
            reason: objection.reason.map(str::to_owned),
            disabled: span.roster.is_disabled(objection.person),
        })
        .collect()
}

fn verdict(
    span: &Span<'_>,
    at: At,
    commit: &CommitFacts,
    judged: &[(Ruling<'_>, Outcome)],
) -> CommitVerdict {
    let strangers = attribution::of_commit(span, commit);
    let outcomes = || judged.iter().map(|(_, outcome)| outcome);
    let covers = outcomes().filter_map(|outcome| outcome.covers.get(&at));
    let covers: std::collections::BTreeSet<_> = covers.flatten().cloned().collect();
    let shortfalls = outcomes().filter_map(|outcome| outcome.shortfalls.get(&at));
    let contributors = span.contributors.get(at);
    CommitVerdict {
        oid: commit.oid,
        title: commit.title.clone(),
        contributors: contributors.map_or_else(Default::default, |all| span.roster.names(all)),
        strangers: strangers
            .into_iter()
            .map(|(identity, _)| identity)
            .collect(),
        adds: commit.content.adds(),
        covers: covers.into_iter().collect(),
        besides: outcomes()
            .filter_map(|outcome| outcome.besides.get(&at))
            .flatten()
            .map(|vote| {
                let stead = (!vote.is_own()).then(|| span.roster.name(vote.seat));
                (span.roster.name(vote.voter), stead)
            })
            .collect(),
        shortfalls: shortfalls.flatten().cloned().collect(),
    }
}
