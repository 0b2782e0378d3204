//! Change requests: whether a push names one where its rules demand it.

use super::cover::{Outcome, Ruling};
use super::span::At;
use super::voices::Approval;
use super::{EmergencyUse, Reason};
use crate::facts::CommitFacts;
use crate::policy::{TicketPlace, TicketRule};
use crate::types::Oid;
use std::collections::BTreeSet;

/// What is lacking under one rule; `named` gets every name that counts under it. The declaration of an
/// emergency that stands in for approvals does so here too.
pub(super) fn fault(
    ruling: &Ruling<'_>,
    outcome: &Outcome,
    emergency: Option<&EmergencyUse>,
    named: &mut BTreeSet<String>,
) -> Option<Reason> {
    let rule = ruling.rule.ticket.as_ref()?;
    let span = ruling.span;
    let mut approvals = in_approvals(rule, ruling, outcome);
    let declared = emergency.and_then(|used| used.ticket.as_ref());
    approvals.extend(declared.filter(|name| rule.pattern.fits(name)));
    let messages: Vec<(Oid, Vec<&String>)> = span
        .adding()
        .map(|(_, commit, _)| (commit.oid, in_message(rule, commit)))
        .collect();
    if messages.is_empty() {
        // What adds nothing changes nothing.
        return None;
    }
    let without: Vec<Oid> = messages
        .iter()
        .filter(|(_, names)| names.is_empty())
        .map(|(oid, _)| *oid)
        .collect();
    let one_has = without.len() < messages.len();
    let met = match rule.place {
        TicketPlace::Approval => !approvals.is_empty(),
        TicketPlace::Range => one_has,
        TicketPlace::Each => without.is_empty(),
        TicketPlace::Either => one_has || !approvals.is_empty(),
    };
    if rule.place.reads_approvals() {
        named.extend(approvals.into_iter().cloned());
    }
    if rule.place.reads_messages() {
        let names = messages.into_iter().flat_map(|(_, names)| names);
        named.extend(names.cloned());
    }
    (!met).then(|| Reason::NoTicket {
        refname: span.refname.clone(),
        tip: span.facts.tip,
        pattern: rule.pattern.as_str().to_owned(),
        place: rule.place,
        commits: match rule.place {
            TicketPlace::Each => without,
            TicketPlace::Approval | TicketPlace::Range | TicketPlace::Either => Vec::new(),
        },
    })
}

fn in_message<'a>(rule: &TicketRule, commit: &'a CommitFacts) -> Vec<&'a String> {
    let names = commit.tickets.iter();
    names.filter(|name| rule.pattern.fits(name)).collect()
}

/// The names in approvals of the new value itself, by whoever has one that covers something: any of
/// them may name it, in whichever order they came.
fn in_approvals<'a>(
    rule: &TicketRule,
    ruling: &'a Ruling<'_>,
    outcome: &Outcome,
) -> Vec<&'a String> {
    const TIP: At = 0;
    let span = ruling.span;
    let covers: BTreeSet<_> = outcome.covers.values().flatten().collect();
    let counts = |approval: &Approval| {
        let person = span.roster.name(approval.person);
        let stead = approval.stead.map(|stead| span.roster.name(stead));
        covers
            .iter()
            .any(|cover| cover.person == person && cover.stead == stead)
    };
    let approvals = ruling.approvals.iter();
    let whole: BTreeSet<Oid> = approvals
        .filter(|one| one.at == TIP && !one.commit && !span.is_stale(one, TIP) && counts(one))
        .map(|approval| approval.by)
        .collect();
    let statements = span.facts.statements.iter();
    statements
        .filter(|facts| whole.contains(&facts.tag))
        .filter_map(|facts| facts.statement.particulars.ticket.as_ref())
        .filter(|name| rule.pattern.fits(name))
        .collect()
}
