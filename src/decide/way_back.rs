//! Moving a ref back: the one move that is no fast-forward and may yet be made. It takes the signed word of
//! those whom every rule of the ref names, about exactly this ref, this old and this new value, given
//! since the ref came to be where it is, and never used before.

use super::cover::Ruling;
use super::range::{Case, Findings, objecting};
use super::roster::{Crowd, Roster};
use super::span::Span;
use super::voices::{WordBack, sift, words_back};
use super::{Note, Reason, RolledBack, StatedBack, notes};
use crate::facts::{
    Acceptance, CommitFacts, Content, FirstPushers, RangeFacts, SignatureFact, WayBackFacts,
};
use crate::policy::{BranchRule, POLICY_REF};
use crate::types::{Oid, Seconds};
use std::collections::BTreeMap;

/// So long a rollback statement counts after the server first saw it, whatever it says itself.
pub const ROLLBACK_LIFE: Seconds = Seconds(24 * 60 * 60);

/// The facts of a move back, where it is one that the rules could allow. The policy never goes back.
pub(super) fn of<'a>(case: &Case<'_>, facts: &'a RangeFacts) -> Option<&'a WayBackFacts> {
    let back = facts.way_back.as_ref()?;
    let allowed = !case.rules.is_empty()
        && case.rules.iter().all(|rule| rule.rollback.is_some())
        && case.refname.as_bytes() != POLICY_REF.as_bytes();
    (allowed && back.is_ancestor && !facts.fast_forward).then_some(back)
}

/// Judges a move back.
pub(super) fn judge(case: &Case<'_>, facts: &RangeFacts, back: &WayBackFacts) -> Findings {
    let mut findings = Findings::default();
    let (Some(from), Some(to)) = (case.real, case.new.filter(|new| *new == facts.tip)) else {
        let why = format!("the way back to {} was read for another update", facts.tip);
        findings.reasons.push(Reason::Internal { why });
        return findings;
    };
    findings.reasons.extend(target(back, to));
    let alone = alone(to, facts, back);
    match Span::new(case.policy, case.roster, case.refname, case.now, &alone) {
        Ok(span) => said(case, &span, (back, from), &mut findings),
        Err(why) => findings.reasons.push(Reason::Internal { why }),
    }
    findings
}

/// Why the ref may not go back there, whoever says so.
fn target(back: &WayBackFacts, to: Oid) -> Option<Reason> {
    match back.accepted {
        Acceptance::Accepted => None,
        Acceptance::Undone => Some(Reason::RollbackTarget { to, undone: true }),
        Acceptance::Never => Some(Reason::RollbackTarget { to, undone: false }),
        Acceptance::Unknown => Some(Reason::RollbackUnknown { to }),
    }
}

/// The commit by itself, with what is said of it: what it brings was judged when it went in.
fn alone(to: Oid, facts: &RangeFacts, back: &WayBackFacts) -> RangeFacts {
    RangeFacts {
        base: None,
        tip: to,
        fast_forward: true,
        commits: vec![CommitFacts {
            oid: to,
            parents: Vec::new(),
            title: String::new(),
            claims: Vec::new(),
            signature: SignatureFact::Unsigned,
            first_pushers: FirstPushers::default(),
            content: Content::Empty,
            approving: None,
            tickets: Vec::new(),
        }],
        statements: back.statements.clone(),
        delegations: facts.delegations.clone(),
        undone: Vec::new(),
        way_back: None,
    }
}

/// Who says that it may go back, and who objects to where it would go.
fn said(
    case: &Case<'_>,
    span: &Span<'_>,
    (back, from): (&WayBackFacts, Oid),
    findings: &mut Findings,
) {
    let voices = sift(span);
    let rulings = case
        .rules
        .iter()
        .map(|rule| Ruling::new(span, rule, &voices));
    let rulings: Vec<Ruling<'_>> = rulings.collect();
    let all: Vec<&Ruling<'_>> = rulings.iter().collect();
    findings.reasons.extend(objecting(span, &voices, &all));
    let mut told = Vec::new();
    let words = words_back(span, &mut told);
    let mut sound: Vec<&WordBack<'_>> = Vec::new();
    for word in &words {
        match fault(case, (back, from), word) {
            None => sound.push(word),
            Some(note) => told.push(note),
        }
    }
    let mut counted: BTreeMap<Oid, StatedBack> = BTreeMap::new();
    for rule in case.rules {
        let reason = enough(case, rule, &sound, (from, span.facts.tip), &mut counted);
        findings.reasons.extend(reason);
    }
    for word in sound {
        if !counted.contains_key(&word.tag) {
            told.push(notes::may_not_go_back(case.roster, word));
        }
    }
    findings.reasons.extend(voices.unchecked);
    told.extend(voices.notes);
    findings.notes = notes::tidy(told);
    findings.rollback = (!counted.is_empty()).then(|| RolledBack {
        statements: counted.into_values().collect(),
        loses: back.loses.clone(),
    });
}

/// Whether enough of those whom the rule names say so; who does is added to those who are counted.
fn enough(
    case: &Case<'_>,
    rule: &BranchRule,
    sound: &[&WordBack<'_>],
    (from, to): (Oid, Oid),
    counted: &mut BTreeMap<Oid, StatedBack>,
) -> Option<Reason> {
    // That every rule has one was seen.
    let rollback = rule.rollback.as_ref()?;
    let members = case.roster.members(&rollback.by);
    let mut people = Crowd::default();
    for word in sound.iter().filter(|word| members.has(word.person)) {
        people.add(word.person);
        counted.insert(word.tag, stated(case.roster, word));
    }
    let have = u32::try_from(people.len()).unwrap_or(u32::MAX);
    let missing = rollback.required.max(1).saturating_sub(have);
    let could = case.roster.able(&rollback.by).without(&people);
    (missing > 0).then(|| Reason::RollbackUnstated {
        refname: case.refname.clone(),
        from,
        to,
        missing,
        by: rollback.by.clone(),
        could: case.roster.names(&could),
    })
}

fn stated(roster: &Roster<'_>, word: &WordBack<'_>) -> StatedBack {
    StatedBack {
        tag: word.tag,
        person: roster.name(word.person),
        reason: word.reason.to_owned(),
    }
}

/// Why a statement is not about this move, if it is not. Its signature, ref, repository and end were looked at
/// before, and whether it was withdrawn.
fn fault(case: &Case<'_>, (back, from): (&WayBackFacts, Oid), word: &WordBack<'_>) -> Option<Note> {
    if back.spent.contains(&word.tag) {
        return Some(notes::spent(case.roster, word));
    }
    if word.base != Some(from) {
        return Some(notes::of_another_value(case.roster, word));
    }
    let Some(seen) = word.seen else {
        return Some(notes::arrival_unknown(case.roster, word));
    };
    if back.since.is_some_and(|since| seen < since) || case.now >= seen.plus(ROLLBACK_LIFE) {
        return Some(notes::of_another_time(case.roster, word));
    }
    None
}
