//! Emergencies: whether one stands in for the approvals that a push lacks, and for nothing else.

use super::range::Case;
use super::roster::{Crowd, Number};
use super::signer::{Signer, signer};
use super::span::Span;
use super::{EmergencyFault, EmergencyUse};
use crate::facts::{Content, Debt, Owing, StatementFacts};
use crate::policy::{BranchRule, Emergency, Leave};
use crate::statement::{Decision, Statement};
use crate::types::{Oid, RefName, Timestamp, is_deceptive};
use std::collections::HashSet;

/// So many letters and digits say why.
const MIN_REASON: usize = 10;

/// What comes of looking for an emergency.
pub(super) enum Weighed {
    /// Nobody declared one for this.
    None,
    /// It stands in.
    Holds(Box<EmergencyUse>),
    /// Those that were declared do not, and why.
    Fails(Vec<EmergencyFault>),
}

/// One statement that was found sound.
#[derive(Clone, Copy)]
struct Declared<'a> {
    person: Number,
    facts: &'a StatementFacts,
}

/// Looks for an emergency that lets in exactly this: this commit, for this ref, on top of what the ref
/// names now.
pub(super) fn weigh(
    case: &Case<'_>,
    span: &Span<'_>,
    withdrawn: &HashSet<(Number, Oid)>,
) -> Weighed {
    let statements = span.facts.statements.iter();
    let mut meant: Vec<&StatementFacts> = statements
        .filter(|facts| {
            let statement = &facts.statement;
            statement.decision == Decision::Emergency
                && statement.commit == span.facts.tip
                && statement.refname == *case.refname
                && statement.repository == case.policy.repository.0
        })
        .collect();
    if meant.is_empty() {
        return Weighed::None;
    }
    // The first that arrived counts; its tag decides where that is not known.
    meant.sort_by_key(|facts| (facts.first_seen, facts.tag));
    let mut reasons = Vec::new();
    let rules = match all_allow(case.rules) {
        Ok(rules) => rules,
        Err(reason) => return Weighed::Fails(vec![reason]),
    };
    let mut sound = Vec::new();
    for facts in meant {
        match check(case, span, &rules, withdrawn, facts) {
            Ok(declared) => sound.push(declared),
            Err(reason) => reasons.push(reason),
        }
    }
    let pair = match pair(case, &rules, &sound) {
        Ok(pair) => Some(pair),
        Err(reason) => {
            reasons.extend(reason);
            None
        }
    };
    let mut against = excepted(span, &rules);
    against.extend(beyond_limit(case, &rules, span.facts.tip));
    match pair {
        Some(pair) if against.is_empty() => {
            Weighed::Holds(Box::new(used(case, span, &rules, &pair)))
        }
        Some(_) => Weighed::Fails(against),
        None => {
            reasons.extend(against);
            Weighed::Fails(reasons)
        }
    }
}

/// What every rule of the ref says of emergencies.
fn all_allow<'a>(rules: &[&'a BranchRule]) -> Result<Vec<&'a Emergency>, EmergencyFault> {
    // A rule that only warns stands in nobody's way.
    let each = rules.iter().filter(|rule| !rule.only_warns()).map(|rule| {
        let emergency = rule.emergency.as_ref();
        emergency.ok_or_else(|| EmergencyFault::Off {
            rule: rule.pattern.clone(),
        })
    });
    each.collect()
}

/// Whether one statement holds here and now, whoever else has to sign.
fn check<'a>(
    case: &Case<'_>,
    span: &Span<'_>,
    rules: &[&Emergency],
    withdrawn: &HashSet<(Number, Oid)>,
    facts: &'a StatementFacts,
) -> Result<Declared<'a>, EmergencyFault> {
    let tag = facts.tag;
    let person = match signer(span.policy, span.roster, &facts.signer) {
        Signer::Person { number, disabled } if !disabled => number,
        Signer::Person { .. } | Signer::Nobody | Signer::Refused(_) => {
            return Err(EmergencyFault::Unsigned { tag });
        }
    };
    if withdrawn.contains(&(person, tag)) {
        return Err(EmergencyFault::Withdrawn {
            person: span.roster.name(person),
        });
    }
    if let Some(fault) = content(rules, &facts.statement) {
        return Err(fault);
    }
    let until = until(rules, facts);
    if until.is_none_or(|until| until <= case.now) {
        return Err(EmergencyFault::Expired { tag, until });
    }
    if facts.statement.base != case.real {
        return Err(EmergencyFault::Elsewhere {
            tag,
            base: facts.statement.base,
            real: case.real,
        });
    }
    // What was rolled back since is another matter: it takes another emergency.
    if span.undone_since(facts.first_seen) {
        return Err(EmergencyFault::Elsewhere {
            tag,
            base: facts.statement.base,
            real: case.real,
        });
    }
    if let Some(debt) = spent(case, tag, span.facts.tip) {
        return Err(EmergencyFault::Used {
            tag,
            entry: debt.entry,
        });
    }
    Ok(Declared { person, facts })
}

/// Until when a statement counts: as long as it says, and no longer than a rule lets it after the server
/// first saw it. Nothing where that is not known.
fn until(rules: &[&Emergency], facts: &StatementFacts) -> Option<Timestamp> {
    let seen = facts.first_seen?;
    let caps = rules.iter().map(|rule| seen.plus(rule.expire));
    caps.chain(facts.statement.expires).min()
}

/// What is wrong with what a statement says, whoever signed it.
pub(super) fn content(rules: &[&Emergency], statement: &Statement) -> Option<EmergencyFault> {
    if !says_why(statement.reason.as_deref()) {
        return Some(EmergencyFault::NoReason);
    }
    rules.iter().find_map(|rule| {
        let pattern = rule.ticket.as_ref()?;
        let ticket = statement.particulars.ticket.as_deref();
        (!ticket.is_some_and(|ticket| pattern.fits(ticket))).then(|| EmergencyFault::Ticket {
            pattern: pattern.as_str().to_owned(),
            ticket: ticket.map(|ticket| crate::types::escape(ticket.as_bytes())),
        })
    })
}

/// Whether a reason can be read: blanks and what is not seen do not count, nor does one letter over and
/// over.
fn says_why(reason: Option<&str>) -> bool {
    let seen = reason.into_iter().flat_map(str::chars);
    let seen = seen.filter(|ch| ch.is_alphanumeric() && !is_deceptive(*ch));
    let seen: Vec<char> = seen.collect();
    let distinct: HashSet<&char> = seen.iter().collect();
    seen.len() >= MIN_REASON && distinct.len() > 3
}

/// The emergency that has used up a statement. The move that it was declared for may be tried again
/// while nothing shows that it was made.
fn spent<'a>(case: &Case<'a>, tag: Oid, tip: Oid) -> Option<&'a Debt> {
    let mut known = case.owing.into_iter().flat_map(|owing| &owing.emergencies);
    known.find(|debt| debt.rests_on(tag) && !is_again(case, debt, tip))
}

/// Whether this is the very move that an emergency was to make.
fn is_again(case: &Case<'_>, debt: &Debt, tip: Oid) -> bool {
    debt.is_open() && !debt.spent && case.real == Some(debt.old) && debt.commit == tip
}

/// Who declares it, and who signs it too for each rule that asks for that.
struct Pair<'a> {
    by: Declared<'a>,
    cosigned: Vec<Declared<'a>>,
}

fn pair<'a>(
    case: &Case<'_>,
    rules: &[&Emergency],
    sound: &[Declared<'a>],
) -> Result<Pair<'a>, Option<EmergencyFault>> {
    let may = |teams: &[_], person: Number| case.roster.members(teams).has(person);
    let mut lacking = None;
    for by in sound {
        if let Some(rule) = rules.iter().find(|rule| !may(&rule.by, by.person)) {
            lacking = lacking.or_else(|| {
                // Somebody who only signs too need not be told that they may not declare one.
                let cosigns = rule.cosign.as_deref();
                let only = cosigns.is_some_and(|teams| may(teams, by.person)) && sound.len() > 1;
                (!only).then(|| EmergencyFault::Signer {
                    person: case.roster.name(by.person),
                    teams: rule.by.clone(),
                })
            });
            continue;
        }
        let mut cosigned: Vec<Declared<'a>> = Vec::new();
        let mut missing = None;
        for teams in rules.iter().filter_map(|rule| rule.cosign.as_deref()) {
            let second = sound
                .iter()
                .find(|one| one.person != by.person && may(teams, one.person));
            match second {
                Some(second) if cosigned.iter().any(|one| one.facts.tag == second.facts.tag) => {}
                Some(second) => cosigned.push(*second),
                None => {
                    let mut could = case.roster.able(teams);
                    could.remove(by.person);
                    missing = Some(EmergencyFault::Cosign {
                        person: case.roster.name(by.person),
                        teams: teams.to_vec(),
                        could: case.roster.names(&could),
                        commit: by.facts.statement.commit,
                        refname: case.refname.clone(),
                    });
                }
            }
        }
        match missing {
            None => return Ok(Pair { by: *by, cosigned }),
            Some(reason) => lacking = Some(reason),
        }
    }
    Err(lacking)
}

/// The first path that is touched and that no emergency lets anybody touch.
fn excepted(span: &Span<'_>, rules: &[&Emergency]) -> Vec<EmergencyFault> {
    let commits = span.facts.commits.iter();
    let paths = commits.flat_map(|commit| match &commit.content {
        Content::Adds(paths) => paths.as_slice(),
        Content::Empty | Content::CleanMerge => &[],
    });
    let mut barred = paths.filter_map(|path| {
        let rule = rules.iter().find_map(|rule| {
            let rules = rule.except.matching(path.as_bytes());
            rules.first().map(|rule| rule.patterns.clone())
        });
        rule.map(|patterns| EmergencyFault::Paths {
            path: path.clone(),
            patterns,
        })
    });
    barred.next().into_iter().collect()
}

/// Whether there were as many as a rule allows.
fn beyond_limit(case: &Case<'_>, rules: &[&Emergency], tip: Oid) -> Vec<EmergencyFault> {
    let known: Vec<&Debt> = case
        .owing
        .into_iter()
        .flat_map(|owing| &owing.emergencies)
        .filter(|debt| !is_again(case, debt, tip))
        .collect();
    let mut reasons = Vec::new();
    for rule in rules {
        let ends = known.iter().map(|debt| debt.time.plus(rule.limit.within));
        let mut ends: Vec<Timestamp> = ends.filter(|end| case.now < *end).collect();
        ends.sort_unstable();
        let count = rule.limit.count as usize;
        if ends.len() >= count {
            reasons.push(EmergencyFault::Limit {
                count: rule.limit.count,
                days: rule.limit.within.0.div_ceil(24 * 60 * 60),
                next: ends.get(ends.len() - count).copied(),
            });
            break;
        }
    }
    reasons
}

fn used(case: &Case<'_>, span: &Span<'_>, rules: &[&Emergency], pair: &Pair<'_>) -> EmergencyUse {
    let statement = &pair.by.facts.statement;
    let within = rules.iter().map(|rule| rule.review_within).min();
    let cosigned = pair.cosigned.iter();
    EmergencyUse {
        tag: pair.by.facts.tag,
        person: case.roster.name(pair.by.person),
        cosigned: cosigned
            .map(|one| (one.facts.tag, case.roster.name(one.person)))
            .collect(),
        reason: statement.reason.clone().unwrap_or_default(),
        ticket: statement.particulars.ticket.clone(),
        base: span.facts.base,
        due: case.now.plus(within.unwrap_or(Emergency::REVIEW_WITHIN)),
        waived: Vec::new(),
    }
}

/// Whether every rule lets another emergency in while a review is overdue.
pub(super) fn may_pile_up(rules: &[&BranchRule]) -> bool {
    let says = |rule: &&BranchRule| {
        let emergency = rule.emergency.as_ref();
        emergency.is_some_and(|emergency| emergency.while_overdue == Leave::Allow)
    };
    let mut rules = rules.iter().filter(|rule| !rule.only_warns()).peekable();
    rules.peek().is_some() && rules.all(says)
}

/// Whether some rule keeps those whose own emergency is owed from settling another.
pub(super) fn bars_each_other(rules: &[&BranchRule]) -> bool {
    rules.iter().any(|rule| {
        let emergency = rule.emergency.as_ref();
        emergency.is_none_or(|emergency| emergency.cross_review == Leave::Refuse)
    })
}

/// Why an emergency's statement is not taken in: what is wrong with it whenever it is used.
pub(super) fn arrives(
    case: &Case<'_>,
    statement: &Statement,
    person: Number,
    tag: Oid,
) -> Vec<EmergencyFault> {
    let (policy, roster) = (case.policy, case.roster);
    let off = |rule: String| vec![EmergencyFault::Off { rule }];
    let rules = policy.rules_for(&statement.refname);
    if rules.is_empty() || is_policy(&statement.refname) {
        return off(statement.refname.to_string());
    }
    let rules = match all_allow(&rules) {
        Ok(rules) => rules,
        Err(reason) => return vec![reason],
    };
    let mut reasons: Vec<EmergencyFault> = content(&rules, statement).into_iter().collect();
    let signs = |rule: &Emergency| {
        let mut who: Crowd = roster.members(&rule.by);
        if let Some(teams) = &rule.cosign {
            who.join(&roster.members(teams));
        }
        who.has(person)
    };
    if let Some(rule) = rules.iter().find(|rule| !signs(rule)) {
        reasons.push(EmergencyFault::Signer {
            person: roster.name(person),
            teams: rule.by.clone(),
        });
    }
    if let Some(until) = statement.expires.filter(|until| *until <= case.now) {
        let until = Some(until);
        reasons.push(EmergencyFault::Expired { tag, until });
    }
    reasons
}

fn is_policy(refname: &RefName) -> bool {
    refname.as_bytes() == crate::policy::POLICY_REF.as_bytes()
}

/// What is owed for a ref.
pub(super) fn owing_for<'a>(owing: &'a [Owing], refname: &RefName) -> Option<&'a Owing> {
    owing.iter().find(|owing| owing.refname == *refname)
}
