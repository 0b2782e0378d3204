//! What a developer sees before a push: each commit, who made it, what covers it, and what next.

use super::color::Tone;
use super::page::{Page, Reader};
use super::report::{
    approval, codes, commit_row, explain, heading, write_let_pass, write_notes, write_overridden,
    write_people, write_reasons, write_release, write_tickets,
};
use super::text::{count, list};
use super::{Color, emergency};
use crate::client::Outlook;
use crate::decide::{CommitVerdict, Cover, Outcome, Shortfall, UpdateVerdict, Verdict};
use crate::policy::Policy;
use crate::types::Timestamp;
use std::collections::BTreeSet;

/// So many commits of one ref are told one by one.
const MAX_COMMITS: usize = 50;

/// What the server would say to a push.
#[derive(Debug, Clone, Copy)]
pub struct Forecast<'a> {
    /// What it comes to.
    pub outlook: Outlook,
    /// What would be said.
    pub verdict: &'a Verdict,
    /// By which policy.
    pub policy: &'a Policy,
    /// At which moment.
    pub now: Timestamp,
    /// Under which assumptions: a sentence each.
    pub assumptions: &'a [String],
    /// What only the server knows: a sentence each.
    pub doubts: &'a [String],
    /// What to do next.
    pub next: &'a [Next],
}

/// Something to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// What it is for.
    pub text: String,
    /// The command.
    pub command: String,
}

/// A forecast, as text for a terminal.
#[must_use]
pub fn forecast(forecast: &Forecast<'_>, color: Color) -> String {
    let mut page = Page::new(Reader::Here, color);
    for assumption in forecast.assumptions {
        page.paragraph(Tone::Faint, "", assumption);
    }
    for update in &forecast.verdict.updates {
        page.gap();
        write_update(&mut page, update, forecast);
    }
    emergency::write_debts(&mut page, forecast.verdict);
    page.gap();
    write_outlook(&mut page, forecast);
    for next in forecast.next {
        page.paragraph(Tone::Plain, "", &format!("next, {}:", next.text));
        page.command("    ", &next.command);
    }
    page.gap();
    let codes = codes(forecast.verdict);
    if !codes.is_empty() {
        page.line(Tone::Faint, &explain(&codes));
    }
    page.line(Tone::Faint, "This is advice: the server judges for itself.");
    page.finish("")
}

fn write_outlook(page: &mut Page, forecast: &Forecast<'_>) {
    for doubt in forecast.doubts {
        page.paragraph(Tone::Bad, "unclear: ", doubt);
    }
    if forecast.verdict.updates.is_empty() && forecast.outlook == Outlook::Passes {
        page.line(Tone::Good, "Nothing to push: the server has it already.");
        return;
    }
    match forecast.outlook {
        Outlook::Passes if forecast.verdict.outcome() == Outcome::Emergency => page.line(
            Tone::Bad,
            "The push would be accepted AS AN EMERGENCY, without approval.",
        ),
        Outlook::Passes if forecast.verdict.lets_pass() => page.line(
            Tone::Bad,
            "The push would be let in, NOT approved as the policy asks: a rule only warns.",
        ),
        Outlook::Passes => page.line(Tone::Good, "The push would be accepted."),
        Outlook::Refused => page.line(Tone::Bad, "The push would be refused."),
        Outlook::Unclear => page.line(
            Tone::Bad,
            "Whether the push would be accepted cannot be told from here.",
        ),
    }
}

/// Until when it could go in, where windows or freezes say so.
fn write_hours(page: &mut Page, update: &UpdateVerdict, policy: &Policy, now: Timestamp) {
    let rules = policy.rules_for(&update.refname);
    if let Some(hours) = policy
        .hours(&rules, now)
        .filter(|hours| hours.closed.is_empty())
    {
        page.paragraph(Tone::Faint, "  ", &hours.shown());
    }
}

fn write_update(page: &mut Page, update: &UpdateVerdict, forecast: &Forecast<'_>) {
    let policy = forecast.policy;
    let commits = count(update.commits.len(), "commit");
    let heading = heading(&update.refname, &update.change);
    page.line(Tone::Strong, &format!("{heading}, {commits}"));
    for commit in update.commits.iter().take(MAX_COMMITS) {
        page.line(Tone::Plain, &commit_row(commit));
        write_cover(page, commit);
    }
    let more = update.commits.len().saturating_sub(MAX_COMMITS);
    if more > 0 {
        page.line(
            Tone::Faint,
            &format!("    and {more} more (--json has all)"),
        );
    }
    match &update.emergency {
        Some(used) => {
            emergency::write_used(page, update, used, policy);
            emergency::write_owed(page, update, used);
        }
        None if update.reasons.is_empty() && !update.commits.is_empty() => {
            page.paragraph(Tone::Good, "  ", &approval(update, policy));
        }
        None => {}
    }
    write_tickets(page, update);
    write_overridden(page, update, policy);
    write_hours(page, update, policy, forecast.now);
    if let Some(permit) = &update.permit {
        write_release(page, permit);
    }
    write_reasons(page, &update.reasons);
    write_let_pass(page, update, policy);
    write_notes(page, update);
    write_people(page, update, policy);
}

/// What covers a commit and what it lacks, under its row.
fn write_cover(page: &mut Page, commit: &CommitVerdict) {
    const INDENT: &str = "            ";
    if !commit.adds {
        page.paragraph(Tone::Faint, INDENT, "adds nothing of its own");
    }
    let by: BTreeSet<String> = commit.covers.iter().map(shown).collect();
    if !by.is_empty() {
        let by: Vec<String> = by.into_iter().collect();
        let by = format!("approved by {}", list(&by, 6, "and"));
        page.paragraph(Tone::Good, INDENT, &by);
    }
    for shortfall in &commit.shortfalls {
        page.paragraph(Tone::Bad, INDENT, &lacks(shortfall));
    }
}

fn shown(cover: &Cover) -> String {
    let stead = cover.stead.as_ref();
    let stead = stead.map_or_else(String::new, |stead| format!(" in {stead}'s stead"));
    format!("{}{stead} (`{}`)", cover.person, cover.by.short())
}

/// `needs 1 more of reviewers for db/x: rita or remy could approve`.
fn lacks(shortfall: &Shortfall) -> String {
    let missing = shortfall.required.saturating_sub(shortfall.have);
    let teams: Vec<String> = shortfall.from.iter().map(ToString::to_string).collect();
    let teams = list(&teams, 6, "or");
    let paths = match &shortfall.paths {
        Some((_, path)) => format!(" for `{path}`"),
        None => String::new(),
    };
    let mut could: Vec<String> = shortfall.could.iter().map(ToString::to_string).collect();
    let deputies = shortfall.stand_ins.iter();
    could.extend(deputies.map(|one| format!("{} in {}'s stead", one.deputy, one.stead)));
    let could = if could.is_empty() {
        "nobody is left who could".to_owned()
    } else {
        format!("{} could approve", list(&could, 6, "or"))
    };
    format!("needs {missing} more of {teams}{paths}: {could}")
}
