//! What `relhook people import` has to say about its proposal: questions first.

use super::Color;
use super::color::Tone;
use super::page::{Page, Reader};
use super::text::count;
use crate::people::import::{History, Outcome, Stranger, Suggested};
use crate::types::{escape, shell_word};

/// The most of a kind that are told one by one.
const MAX_TOLD: usize = 50;

/// The option that makes two one, ready for a shell.
#[must_use]
pub fn merges(one: &str, other: &str) -> String {
    format!(
        "--merge {}",
        shell_word(&escape(format!("{one}={other}").as_bytes()))
    )
}

/// The option that gives an identity to somebody.
#[must_use]
pub fn gives(one: &str) -> String {
    merges(one, "PERSON")
}

/// The report.
#[must_use]
pub fn imported(outcome: &Outcome, walked: &History, twins_allowed: bool) -> String {
    let mut page = Page::new(Reader::Here, Color::Off);
    for conflict in outcome.conflicts.iter().take(MAX_TOLD) {
        page.paragraph(Tone::Bad, "conflict  ", conflict);
    }
    let word = if twins_allowed {
        "allowed   "
    } else {
        "twins?    "
    };
    for twin in outcome.twins.iter().take(MAX_TOLD) {
        if let (Some(one), Some(other)) = (outcome.person(twin.one), outcome.person(twin.other)) {
            let why: Vec<&str> = twin.why.iter().copied().collect();
            let text = format!(
                "{} and {} may be one human: {}",
                shown(one),
                shown(other),
                why.join(", ")
            );
            page.paragraph(Tone::Bad, word, &text);
            page.command("          ", &merges(&one.handle(), &other.handle()));
        }
    }
    more(&mut page, outcome.twins.len());
    for Stranger(place) in outcome.strangers.iter().take(MAX_TOLD) {
        if let Some(one) = outcome.person(*place) {
            let text = format!(
                "{} stands {} in the history, and nobody owns it",
                shown(one),
                count(usize::try_from(one.times()).unwrap_or(usize::MAX), "time")
            );
            page.paragraph(Tone::Strong, "unowned   ", &text);
            page.command("          ", &gives(&one.handle()));
        }
    }
    more(&mut page, outcome.strangers.len());
    for note in outcome.notes.iter().take(MAX_TOLD) {
        page.paragraph(Tone::Plain, "note      ", note);
    }
    more(&mut page, outcome.notes.len());
    unreadable(&mut page, walked);
    page.finish(&summary(outcome, twins_allowed))
}

fn more(page: &mut Page, all: usize) {
    if all > MAX_TOLD {
        let text = format!("and {} more; --json tells them all", all - MAX_TOLD);
        page.paragraph(Tone::Plain, "          ", &text);
    }
}

fn unreadable(page: &mut Page, walked: &History) {
    if let Some((oid, why)) = &walked.example {
        let text = format!(
            "{} of {} commits do not fit relhook's grammar, and have to lie below the baseline; {}: {why}",
            walked.unreadable,
            walked.commits,
            oid.short()
        );
        page.paragraph(Tone::Strong, "unread    ", &text);
    }
    if walked.unclear > 0 {
        let text = format!(
            "{} co-author lines name nobody who can be told",
            walked.unclear
        );
        page.paragraph(Tone::Plain, "note      ", &text);
    }
}

/// Somebody: what they are called and the first of their identities.
fn shown(one: &Suggested) -> String {
    let named = one
        .names
        .iter()
        .next()
        .map(|name| crate::object::shown(name.as_bytes()));
    let handle = crate::object::shown(one.handle().as_bytes());
    match named {
        Some(named) if named != handle => format!("`{handle}` ({named})"),
        Some(_) | None => format!("`{handle}`"),
    }
}

fn summary(outcome: &Outcome, twins_allowed: bool) -> String {
    let counts = outcome.new_people();
    let number = |new| counts.get(&new).copied().unwrap_or_default();
    let people = format!("{} new, {} known", number(true), number(false));
    if !outcome.conflicts.is_empty() || (!outcome.twins.is_empty() && !twins_allowed) {
        format!("{people}; open: settle the above, each by its option or by --allow-twins for all")
    } else {
        format!("{people}; check who is who, give them keys, then relhook policy lint")
    }
}
