//! What a pusher sees of emergencies: that nobody approved what goes in, and what is owed for it. It is
//! not to be overlooked.

use super::color::Tone;
use super::page::Page;
use super::people::person;
use super::reasons;
use super::text::{count, cut, list};
use crate::decide::{Code, DebtState, DebtVerdict, EmergencyUse, UpdateVerdict, Verdict};
use crate::policy::Policy;
use crate::types::{PersonName, escape, shell_word};
use std::collections::BTreeSet;

/// A line that nobody overlooks.
const RULE: &str = "!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!";
/// So many debts are told.
const MAX_DEBTS: usize = 6;

/// What stands above everything else where something goes in without approval.
pub(super) fn write_banner(page: &mut Page) {
    page.line(Tone::Bad, RULE);
    page.line(
        Tone::Bad,
        "relhook: EMERGENCY: accepted, and nobody has approved it",
    );
    page.line(Tone::Bad, RULE);
}

/// One ref that goes where it goes by an emergency.
pub(super) fn write_used(
    page: &mut Page,
    update: &UpdateVerdict,
    used: &EmergencyUse,
    policy: &Policy,
) {
    let name = cut(&update.refname.short(), 40);
    let commits = count(update.commits.len(), "commit");
    let by = person(policy, &used.person);
    let lead = format!("  {name}: ");
    page.paragraph(Tone::Strong, &lead, &format!("{commits}, let in by {by}"));
    let why = escape(used.reason.as_bytes());
    page.paragraph(Tone::Plain, "    because: ", &cut(&why, 400));
    if let Some(ticket) = &used.ticket {
        let ticket = escape(ticket.as_bytes());
        page.paragraph(Tone::Plain, "    ticket: ", &cut(&ticket, 100));
    }
    if !used.cosigned.is_empty() {
        let names = used.cosigned.iter().map(|(_, name)| person(policy, name));
        let names = list(&names.collect::<Vec<_>>(), 6, "and");
        page.paragraph(Tone::Plain, "    signed too by ", &names);
    }
}

/// What is owed for it from now on.
pub(super) fn write_owed(page: &mut Page, update: &UpdateVerdict, used: &EmergencyUse) {
    let name = cut(&update.refname.short(), 40);
    let text = format!(
        "somebody who had no hand in it has to look at it and approve it before {}. After that, \
         nothing goes to {name} but what settles it.",
        used.due
    );
    page.paragraph(Tone::Bad, "  OWED: ", &text);
    let mut could: BTreeSet<&PersonName> = used.waived.iter().flat_map(reasons::helpers).collect();
    could.remove(&used.person);
    for (_, name) in &used.cosigned {
        could.remove(name);
    }
    if let Some(tip) = update.change.new_oid() {
        let refname = shell_word(&update.refname.to_string());
        let command = format!("relhook approve {} --ref {refname}", tip.subject());
        write_ask(page, could.into_iter(), &command);
    }
}

fn write_ask<'a>(page: &mut Page, could: impl Iterator<Item = &'a PersonName>, command: &str) {
    let could: Vec<String> = could.map(ToString::to_string).collect();
    if could.is_empty() {
        page.paragraph(Tone::Faint, "  hint: ", "whoever may approve it runs:");
    } else {
        let who = list(&could, 6, "or");
        page.paragraph(Tone::Faint, "  hint: ", &format!("ask {who} to run:"));
    }
    page.command("    ", command);
}

/// What is owed for earlier emergencies, and what is not any more.
pub(super) fn write_debts(page: &mut Page, verdict: &Verdict) {
    for debt in verdict.debts.iter().take(MAX_DEBTS) {
        write_debt(page, debt, verdict.accepted());
    }
    let more = verdict.debts.len().saturating_sub(MAX_DEBTS);
    if more > 0 {
        page.line(Tone::Bad, &format!("  and {more} more are owed"));
    }
}

fn write_debt(page: &mut Page, debt: &DebtVerdict, accepted: bool) {
    let what = &debt.debt;
    let commit = what.commit.short();
    let name = cut(&debt.refname.short(), 40);
    let entry = what.entry;
    let settled = |page: &mut Page, how: &str, by: &BTreeSet<PersonName>| {
        if accepted {
            let by: Vec<String> = by.iter().map(ToString::to_string).collect();
            let by = list(&by, 6, "and");
            let text = format!(
                "`{commit}` of {name}, which went in by an emergency (entry {entry}), is {how} by {by}"
            );
            page.paragraph(Tone::Good, "  settled: ", &text);
        }
    };
    match &debt.state {
        DebtState::Reviewed { by } => settled(page, "approved", by),
        DebtState::Reverted { by } => settled(page, "taken back, approved", by),
        // A reason says so.
        DebtState::Open { .. } if debt.overdue && !accepted => {}
        DebtState::Open { notes, could } => {
            let lead = match debt.overdue {
                true => "  OVERDUE: ",
                false => "  OWED: ",
            };
            let text = format!(
                "`{commit}` went to {name} by an emergency (entry {entry}), and nobody distinct has \
                 looked at it. It is due by {} ({})",
                what.due,
                Code::DEBT_OPEN
            );
            page.paragraph(Tone::Bad, lead, &text);
            for note in notes {
                let text = format!("{} ({})", cut(&note.text, 400), note.code);
                page.paragraph(Tone::Faint, "  note: ", &text);
            }
            let refname = shell_word(&debt.refname.to_string());
            let command = format!("relhook approve {} --ref {refname}", what.commit.subject());
            write_ask(page, could.iter(), &command);
        }
    }
}
