//! Release windows and freezes: whether something may go out at this moment, and who has overridden
//! what keeps it.

use super::cover::{Age, age};
use super::notes;
use super::reason::Shut;
use super::roster::Crowd;
use super::span::{At, Span};
use super::voices::{Approval, Voices};
use super::{EmergencyUse, Note, Override, Reason};
use crate::policy::{BranchRule, Closed, Emergencies, Moment, zone_rules};
use crate::types::WindowName;
use std::collections::{BTreeMap, BTreeSet};

/// What windows and freezes come to.
#[derive(Default)]
pub(super) struct Found {
    pub reasons: Vec<Reason>,
    /// What keeps others out, and did not keep this one.
    pub overridden: Vec<Override>,
    pub notes: Vec<Note>,
    /// The version of the time-zone rules; absent where the rules name neither window nor freeze.
    pub zone_rules: Option<&'static str>,
}

/// Judges the moment. Nothing is asked of approvals while everything is open.
pub(super) fn judge(
    span: &Span<'_>,
    rules: &[&BranchRule],
    voices: &Voices<'_>,
    emergency: Option<&EmergencyUse>,
) -> Found {
    if !rules.iter().any(|rule| rule.has_hours()) {
        return Found::default();
    }
    let mut found = Found {
        zone_rules: Some(zone_rules()),
        ..Found::default()
    };
    let closed = span.policy.closed(rules, span.now, &BTreeSet::new());
    if closed.is_empty() {
        return found;
    }
    let asked: BTreeSet<&WindowName> = closed.iter().flat_map(names).collect();
    let hands = hands(span);
    let mut given: BTreeMap<WindowName, Override> = BTreeMap::new();
    for (approval, name, reason) in said(span, voices) {
        if !asked.contains(name) || given.contains_key(name) {
            continue;
        }
        match counts(span, rules, &hands, approval, name) {
            Ok(()) => {
                let made = Override {
                    name: name.clone(),
                    person: span.roster.name(approval.person),
                    by: approval.by,
                    reason: reason.map(str::to_owned),
                };
                given.insert(name.clone(), made);
            }
            Err(why) => found
                .notes
                .push(notes::no_override(span, approval.person, name, why)),
        }
    }
    if let Some(used) = emergency {
        for name in closed.iter().filter_map(|closed| passing(span, closed)) {
            given.entry(name.clone()).or_insert_with(|| Override {
                name: name.clone(),
                person: used.person.clone(),
                by: used.tag,
                reason: Some(used.reason.clone()),
            });
        }
    }
    let overridden = given.keys().cloned().collect();
    let left = span.policy.closed(rules, span.now, &overridden);
    let shut = |closed: &Closed<'_>| shut(span, rules, &hands, closed);
    found.reasons = left.iter().map(shut).collect();
    found.overridden = given.into_values().collect();
    found
}

/// The names by which somebody could override it.
fn names<'a>(closed: &Closed<'a>) -> &'a [WindowName] {
    match closed {
        Closed::Outside(rule) => &rule.windows,
        Closed::Frozen(freeze) => std::slice::from_ref(&freeze.name),
    }
}

/// The window or freeze by whose own word an emergency gets past.
fn passing<'a>(span: &Span<'a>, closed: &Closed<'a>) -> Option<&'a WindowName> {
    let windows = &span.policy.calendar.windows;
    match closed {
        Closed::Outside(rule) => rule.windows.iter().find(|name| {
            let window = windows.get(*name);
            window.is_some_and(|window| window.emergencies == Emergencies::Pass)
        }),
        Closed::Frozen(freeze) => match freeze.emergencies {
            Emergencies::Pass => Some(&freeze.name),
            Emergencies::Wait => None,
        },
    }
}

/// Everybody who had a hand in something that the range adds.
fn hands(span: &Span<'_>) -> Crowd {
    let mut all = Crowd::default();
    for (_, _, contributors) in span.adding() {
        all.join(contributors);
    }
    all
}

/// The overrides that approvals of the new value itself name, with their reasons.
fn said<'a>(
    span: &Span<'a>,
    voices: &'a Voices<'_>,
) -> impl Iterator<Item = (&'a Approval, &'a WindowName, Option<&'a str>)> {
    const TIP: At = 0;
    let whole = voices.approvals.iter();
    let whole = whole.filter(|approval| approval.at == TIP && !approval.commit);
    let statements = &span.facts.statements;
    whole.flat_map(|approval| {
        let mut all = statements.iter();
        let found = all.find(|facts| facts.tag == approval.by);
        let statement = found.map(|facts| &facts.statement);
        let names = statement
            .into_iter()
            .flat_map(|said| &said.particulars.overrides);
        let reason = statement.and_then(|said| said.reason.as_deref());
        names.map(move |name| (approval, name, reason))
    })
}

/// Whether something of what would go out was rolled back since: what let it go out once is no word
/// about the next time, any more than the approvals are.
fn is_stale(span: &Span<'_>, approval: &Approval) -> bool {
    span.was_undone() && span.adding().any(|(at, ..)| span.is_stale(approval, at))
}

/// Why an override does not count, if it does not. It is its signer's own word, whoever they approve in the
/// stead of: nobody hands it on.
fn counts(
    span: &Span<'_>,
    rules: &[&BranchRule],
    hands: &Crowd,
    approval: &Approval,
    name: &WindowName,
) -> Result<(), &'static str> {
    let teams = span.policy.calendar.overriders(name);
    let fresh = |rule: &&BranchRule| age(span, rule, approval) == Age::Counts;
    if !span.roster.members(teams).has(approval.person) {
        Err("is not among those who may")
    } else if hands.has(approval.person) {
        Err("had a hand in what would go out")
    } else if !rules.iter().all(fresh) {
        Err("said so too long ago for this ref")
    } else if is_stale(span, approval) {
        Err("said so before that was rolled back, or without an answer to why")
    } else {
        Ok(())
    }
}

fn shut(span: &Span<'_>, rules: &[&BranchRule], hands: &Crowd, closed: &Closed<'_>) -> Reason {
    let calendar = &span.policy.calendar;
    let names = names(closed);
    let could = names.iter().find_map(|name| {
        let able = span.roster.able(calendar.overriders(name));
        let able = able.without(hands);
        (able.len() > 0).then(|| (name.clone(), span.roster.names(&able)))
    });
    let ends = match closed {
        Closed::Outside(rule) => {
            let windows = rule.windows.iter();
            let windows = windows.filter_map(|name| calendar.windows.get(name));
            let opening = windows
                .filter_map(|window| Some(Moment::new(&window.zone, window.opens(span.now)?)));
            opening.min_by_key(|moment| moment.at)
        }
        Closed::Frozen(freeze) => {
            let until = freeze.until;
            until.map(|until| Moment::new(&freeze.zone, until.at))
        }
    };
    let shut = Shut {
        refname: span.refname.clone(),
        tip: span.facts.tip,
        names: names.to_vec(),
        ends,
        opens: span.policy.opens(rules, span.now),
        could,
    };
    match closed {
        Closed::Outside(_) => Reason::OutsideWindows(shut),
        Closed::Frozen(_) => Reason::Frozen(shut),
    }
}
