//! What a pusher sees of a verdict: which refs, which commits by whom, what is missing, who can
//! supply it, the command, the codes. All reasons at once.

use super::color::{Color, Tone};
use super::page::{Page, Reader};
use super::people::{contact, person};
use super::text::{WIDTH, count, cut, list, width};
use super::{emergency, reasons};
use crate::audit::Checkpoint;
use crate::decide::{
    Code, CommitVerdict, Outcome, Permit, Reason, RolledBack, UpdateVerdict, Verdict,
};
use crate::facts::Lost;
use crate::policy::Policy;
use crate::statement::STATEMENT_PREFIX;
use crate::types::{Oid, PersonName, RefChange, RefName, escape};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// So many refused refs are told in full; the others are named.
const MAX_UPDATES: usize = 8;
/// So many reasons of one ref are told in full; the others are counted.
const MAX_REASONS: usize = 10;
/// So many reasons with the same code are told in full.
const MAX_ALIKE: usize = 4;
/// So many commits are shown for one ref.
const MAX_COMMITS: usize = 6;
/// So many people are shown for one ref.
const MAX_PEOPLE: usize = 6;
/// So many commits that a rollback undoes are shown.
const MAX_LOST: usize = 50;
/// The longest reason that is shown, in columns.
const MAX_REASON: usize = 600;
/// So many notes are shown for one ref.
const MAX_NOTES: usize = 5;

/// What a pusher sees of a verdict; empty where no rule has anything to say. It has no colour: what
/// reads it at the other end of the push is not known.
#[must_use]
pub fn report(verdict: &Verdict, policy: &Policy) -> String {
    if verdict.accepted() {
        accepted(verdict, policy)
    } else {
        refused(verdict, policy)
    }
}

/// The line that ends what a pusher sees: what the audit log is with this push in it. Who keeps it
/// can show later that nothing before it has changed.
#[must_use]
pub fn logged(checkpoint: &Checkpoint) -> String {
    format!(
        "relhook: log {} {}\n",
        checkpoint.size,
        checkpoint.root_base64()
    )
}

fn accepted(verdict: &Verdict, policy: &Policy) -> String {
    let mut page = Page::new(Reader::Pusher, Color::Off);
    let permits = verdict.permits();
    let statements = verdict.updates.iter().filter(|update| is_statement(update));
    let statements = statements.count();
    if permits.is_empty() && statements == 0 {
        return String::new();
    }
    match verdict.outcome() {
        Outcome::Emergency => emergency::write_banner(&mut page),
        Outcome::Accepted | Outcome::Rejected if verdict.lets_pass() => page.line(
            Tone::Bad,
            "relhook: let in, and NOT approved as the policy asks",
        ),
        Outcome::Accepted | Outcome::Rejected => page.line(Tone::Good, "relhook: accepted"),
    }
    for update in &verdict.updates {
        let permit = permits
            .iter()
            .find(|permit| *permit.refname() == update.refname);
        let Some(permit) = permit else { continue };
        if let Some(rollback) = &update.rollback {
            write_rollback(&mut page, update, rollback, policy);
            write_release(&mut page, permit);
            continue;
        }
        match &update.emergency {
            Some(used) => emergency::write_used(&mut page, update, used, policy),
            None => {
                let commits = count(update.commits.len(), "commit");
                let lead = format!("  {}: ", cut(&update.refname.short(), 40));
                let by = approval(update, policy);
                page.paragraph(Tone::Strong, &lead, &format!("{commits}, {by}"));
            }
        }
        write_tickets(&mut page, update);
        write_overridden(&mut page, update, policy);
        write_let_pass(&mut page, update, policy);
        write_release(&mut page, permit);
        write_notes(&mut page, update);
        if let Some(used) = &update.emergency {
            emergency::write_owed(&mut page, update, used);
        }
    }
    if statements > 0 {
        let recorded = format!("{} recorded", count(statements, "statement"));
        page.paragraph(Tone::Faint, "  ", &recorded);
    }
    emergency::write_debts(&mut page, verdict);
    match verdict.lets_pass() {
        true => page.finish(&explain(&codes(verdict))),
        false => page.finish(""),
    }
}

/// Which rules of a ref only warn, and what they let pass.
pub(super) fn write_let_pass(page: &mut Page, update: &UpdateVerdict, policy: &Policy) {
    let lead = format!("    {} ", Code::ONLY_WARNS);
    for rule in policy.rules_for(&update.refname) {
        if rule.only_warns() {
            let rule = cut(&crate::types::escape(rule.pattern.as_bytes()), 60);
            let text = format!("`{rule}` ONLY WARNS: what lacks approvals goes in all the same");
            page.paragraph(Tone::Bad, &lead, &text);
        }
    }
    if !update.let_pass.is_empty() {
        page.paragraph(Tone::Bad, "    ", "it would have refused this:");
        write_reasons(page, &update.let_pass);
    }
}

/// The change requests that an update names, and the checks that it passed.
pub(super) fn write_tickets(page: &mut Page, update: &UpdateVerdict) {
    let names: Vec<String> = update
        .tickets
        .iter()
        .map(|name| escape(name.as_bytes()))
        .collect();
    if !names.is_empty() {
        let names = list(&names, 8, "and");
        page.paragraph(Tone::Plain, "    ", &format!("for {names}"));
    }
    let checks = update.checks.iter();
    let checks: Vec<String> = checks
        .map(|one| format!("{} ({})", one.check, one.machine))
        .collect();
    if !checks.is_empty() {
        let checks = list(&checks, 8, "and");
        page.paragraph(Tone::Plain, "    ", &format!("passed {checks}"));
    }
}

/// What does not keep an update from going in because somebody has overridden it.
pub(super) fn write_overridden(page: &mut Page, update: &UpdateVerdict, policy: &Policy) {
    for one in &update.overridden {
        let why = one.reason.as_ref();
        let why = why.map_or_else(String::new, |text| {
            format!(": `{}`", cut(&escape(text.as_bytes()), 200))
        });
        let text = format!(
            "`{}` overridden by {}{why}",
            one.name,
            person(policy, &one.person)
        );
        page.paragraph(Tone::Strong, "    ", &text);
    }
}

/// What a rollback undoes, and on whose word.
fn write_rollback(page: &mut Page, update: &UpdateVerdict, rollback: &RolledBack, policy: &Policy) {
    let to = update.change.new_oid().map(|oid| oid.short());
    let to = to.unwrap_or_default();
    let lead = format!("  {}: ", cut(&update.refname.short(), 40));
    page.paragraph(Tone::Strong, &lead, &format!("rolled back to {to}"));
    for stated in &rollback.statements {
        let lead = format!("    {}: ", person(policy, &stated.person));
        let reason = cut(&escape(stated.reason.as_bytes()), MAX_REASON);
        page.paragraph(Tone::Plain, &lead, &reason);
    }
    write_lost(page, &rollback.loses);
}

/// The commits that a ref loses.
pub(super) fn write_lost(page: &mut Page, loses: &[Lost]) {
    let undoes = count(loses.len(), "commit");
    page.paragraph(Tone::Bad, "  ", &format!("undoes {undoes}:"));
    for lost in loses.iter().take(MAX_LOST) {
        let lead = format!("    {} ", lost.oid.short());
        let room = WIDTH.saturating_sub(width(&lead));
        page.line(Tone::Plain, &format!("{lead}{}", cut(&lost.title, room)));
    }
    let more = loses.len().saturating_sub(MAX_LOST);
    if more > 0 {
        page.line(Tone::Faint, &format!("    and {more} more"));
    }
}

/// Where an accepted push goes from here.
pub(super) fn write_release(page: &mut Page, permit: &Permit) {
    let targets: Vec<String> = permit.release().iter().map(ToString::to_string).collect();
    if !targets.is_empty() {
        let targets = list(&targets, 8, "and");
        page.paragraph(Tone::Faint, "    ", &format!("to be released to {targets}"));
    }
}

/// `approved by rita (Rita Reviewer)`.
pub(super) fn approval(update: &UpdateVerdict, policy: &Policy) -> String {
    let by = approvers(update, policy);
    if by.is_empty() && !update.let_pass.is_empty() {
        "approved by nobody".to_owned()
    } else if by.is_empty() {
        "nothing in it needs approval".to_owned()
    } else {
        format!("approved by {}", list(&by, 6, "and"))
    }
}

fn is_statement(update: &UpdateVerdict) -> bool {
    update.refname.is_under(STATEMENT_PREFIX)
}

fn approvers(update: &UpdateVerdict, policy: &Policy) -> Vec<String> {
    let covers = update.commits.iter().flat_map(|commit| &commit.covers);
    let names: BTreeSet<(&PersonName, Option<&PersonName>)> = covers
        .map(|cover| (&cover.person, cover.stead.as_ref()))
        .collect();
    let shown = |(name, stead): (&PersonName, Option<&PersonName>)| match stead {
        None => person(policy, name),
        Some(stead) => format!("{} in {stead}'s stead", person(policy, name)),
    };
    names.into_iter().map(shown).collect()
}

fn refused(verdict: &Verdict, policy: &Policy) -> String {
    let mut page = Page::new(Reader::Pusher, Color::Off);
    page.line(Tone::Bad, "relhook: refused, nothing was changed");
    write_reasons(&mut page, &verdict.reasons);
    let (bad, good): (Vec<_>, Vec<_>) = verdict
        .updates
        .iter()
        .partition(|update| !update.reasons.is_empty());
    for update in bad.iter().take(MAX_UPDATES) {
        page.gap();
        write_update(&mut page, update, policy);
    }
    write_others(&mut page, bad.get(MAX_UPDATES..).unwrap_or_default());
    emergency::write_debts(&mut page, verdict);
    if !good.is_empty() && !bad.is_empty() {
        page.gap();
        let others = count(good.len(), "other ref");
        let whole = format!("{others} could have gone in, but a push goes in whole or not at all");
        page.paragraph(Tone::Faint, "", &whole);
    }
    page.finish(&explain(&codes(verdict)))
}

/// One refused ref: why, what else there is to know, its commits, and who can help.
fn write_update(page: &mut Page, update: &UpdateVerdict, policy: &Policy) {
    page.line(Tone::Strong, &heading(&update.refname, &update.change));
    write_reasons(page, &update.reasons);
    write_let_pass(page, update, policy);
    write_notes(page, update);
    write_commits(page, update);
    write_people(page, update, policy);
}

/// The ref and where it was to go.
pub(super) fn heading(refname: &RefName, change: &RefChange) -> String {
    let name = cut(&refname.to_string(), WIDTH - 20);
    match change {
        RefChange::Create { new } => format!("{name}, new at {}", new.short()),
        RefChange::Update { old, new } => format!("{name}, {}..{}", old.short(), new.short()),
        RefChange::Delete { .. } => format!("{name}, deleted"),
    }
}

/// The reasons in their order, those that are alike cut short.
pub(super) fn write_reasons(page: &mut Page, all: &[Reason]) {
    let mut alike: HashMap<Code, usize> = HashMap::new();
    let mut said = reasons::Said::new();
    let mut told = 0;
    let mut hidden: BTreeMap<Code, usize> = BTreeMap::new();
    for reason in all {
        let seen = alike.entry(reason.code()).or_default();
        *seen += 1;
        if *seen > MAX_ALIKE || told >= MAX_REASONS {
            *hidden.entry(reason.code()).or_default() += 1;
        } else {
            told += 1;
            reasons::write(page, reason, &mut said);
        }
    }
    for (code, number) in hidden {
        let more = count(number, "more reason");
        page.paragraph(
            Tone::Bad,
            &format!("  {code} "),
            &format!("and {more} like it"),
        );
    }
}

pub(super) fn write_notes(page: &mut Page, update: &UpdateVerdict) {
    for note in update.notes.iter().take(MAX_NOTES) {
        let text = format!("{} ({})", cut(&note.text, 400), note.code);
        page.paragraph(Tone::Faint, "  note: ", &text);
    }
    let more = update.notes.len().saturating_sub(MAX_NOTES);
    if more > 0 {
        let more = format!("and {} more", count(more, "note"));
        page.paragraph(Tone::Faint, "  note: ", &more);
    }
}

/// The commits that the reasons are about: what they are and who made them.
fn write_commits(page: &mut Page, update: &UpdateVerdict) {
    let concerned: BTreeSet<Oid> = update
        .reasons
        .iter()
        .flat_map(reasons::commits)
        .copied()
        .collect();
    let rows: Vec<&CommitVerdict> = update
        .commits
        .iter()
        .filter(|commit| concerned.contains(&commit.oid))
        .collect();
    if rows.is_empty() {
        return;
    }
    page.paragraph(Tone::Faint, "  ", "the commits:");
    for row in rows.iter().take(MAX_COMMITS) {
        page.line(Tone::Plain, &commit_row(row));
    }
    let more = rows.len().saturating_sub(MAX_COMMITS);
    if more > 0 {
        page.line(Tone::Faint, &format!("    and {more} more"));
    }
}

/// `    8d01e77 Change the price (dana)`, no wider than a line.
pub(super) fn commit_row(commit: &CommitVerdict) -> String {
    let by = cut(&format!(" ({})", makers(commit)), 40);
    let lead = format!("    {} ", commit.oid.short());
    let room = WIDTH.saturating_sub(width(&lead) + width(&by));
    format!("{lead}{}{by}", cut(&commit.title, room))
}

/// Everybody who had a hand in a commit, strangers too.
pub(super) fn makers(commit: &CommitVerdict) -> String {
    let mut names: Vec<String> = commit
        .contributors
        .iter()
        .map(ToString::to_string)
        .collect();
    names.extend(commit.strangers.iter().cloned());
    if names.is_empty() {
        "nobody known".to_owned()
    } else {
        names.join(", ")
    }
}

/// Who can help, with a name and an address to reach them by.
pub(super) fn write_people(page: &mut Page, update: &UpdateVerdict, policy: &Policy) {
    let helpers: BTreeSet<&PersonName> = update.reasons.iter().flat_map(reasons::helpers).collect();
    let known: Vec<(String, String)> = helpers
        .iter()
        .filter_map(|name| Some((name.to_string(), contact(policy, name)?)))
        .collect();
    if known.is_empty() {
        return;
    }
    page.paragraph(Tone::Faint, "  ", "who to ask:");
    for (name, contact) in known.iter().take(MAX_PEOPLE) {
        let row = format!("    {name}: {contact}");
        page.line(Tone::Plain, &cut(&row, WIDTH));
    }
    let more = known.len().saturating_sub(MAX_PEOPLE);
    if more > 0 {
        page.line(Tone::Faint, &format!("    and {more} more"));
    }
}

/// Refused refs for which there is no room.
fn write_others(page: &mut Page, others: &[&UpdateVerdict]) {
    if others.is_empty() {
        return;
    }
    page.gap();
    let names: Vec<String> = others
        .iter()
        .take(4)
        .map(|update| cut(&update.refname.to_string(), 60))
        .collect();
    let more = others.len().saturating_sub(names.len());
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let text = format!("refused too: {}{more}", names.join(", "));
    page.paragraph(Tone::Bad, "", &text);
}

/// Every code that is said, once.
pub(super) fn codes(verdict: &Verdict) -> BTreeSet<Code> {
    let of_update = |update: &UpdateVerdict| -> Vec<Code> {
        let all = update.reasons.iter().chain(&update.let_pass);
        let warns = (!update.let_pass.is_empty()).then_some(Code::ONLY_WARNS);
        all.map(Reason::code).chain(warns).collect()
    };
    let of_updates = verdict.updates.iter().flat_map(of_update);
    let all = verdict.reasons.iter().map(Reason::code);
    all.chain(of_updates).collect()
}

/// Where to read more.
pub(super) fn explain(codes: &BTreeSet<Code>) -> String {
    let mut words: Vec<String> = codes.iter().take(6).map(ToString::to_string).collect();
    if codes.len() > 6 {
        words.push("…".to_owned());
    }
    format!("more: relhook explain {}", words.join(" "))
}
