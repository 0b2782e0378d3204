//! What somebody is about to sign: the commits and by whom, every path that changes, and what it
//! will mean. Nothing in it was rendered by anything that the commits could have a say in.

use super::Color;
use super::color::Tone;
use super::page::{Page, Reader};
use super::report::commit_row;
use super::text::{WIDTH, count, cut, width};
use crate::client::{ChangeKind, FileStat};
use crate::decide::{CommitVerdict, UpdateVerdict};
use crate::statement::{Decision, Statement};
use crate::types::{PersonName, escape};

/// So many commits are shown.
const MAX_COMMITS: usize = 100;
/// So many paths are shown.
const MAX_FILES: usize = 200;
/// So many reasons that remain are shown.
const MAX_REASONS: usize = 6;

/// What somebody is about to sign.
#[derive(Debug, Clone, Copy)]
pub struct Proposal<'a> {
    /// `Approve`, `Reject`.
    pub verb: &'a str,
    /// What would be stated.
    pub statement: &'a Statement,
    /// Who would sign, where that can be told, and what it was told from.
    pub signer: (Option<&'a PersonName>, &'a str),
    /// The commits that the ref would get.
    pub commits: &'a [CommitVerdict],
    /// The paths that differ from the base.
    pub files: &'a [FileStat],
    /// What would be said to a push of it afterwards; absent where that is beside the point.
    pub afterwards: Option<&'a UpdateVerdict>,
    /// What else there is to know.
    pub remarks: &'a [String],
}

/// A proposal, as text for a terminal.
#[must_use]
pub fn proposal(proposal: &Proposal<'_>, color: Color) -> String {
    let mut page = Page::new(Reader::Here, color);
    write_head(
        &mut page,
        proposal.verb,
        proposal.statement,
        proposal.signer,
    );
    page.gap();
    page.line(
        Tone::Strong,
        &format!("{}:", count(proposal.commits.len(), "commit")),
    );
    for commit in proposal.commits.iter().take(MAX_COMMITS) {
        page.line(Tone::Plain, &commit_row(commit));
        write_own(&mut page, commit, proposal);
    }
    let more = proposal.commits.len().saturating_sub(MAX_COMMITS);
    if more > 0 {
        page.line(Tone::Faint, &format!("    and {more} more"));
    }
    write_files(&mut page, proposal.files);
    page.gap();
    write_meaning(&mut page, proposal);
    page.finish("")
}

/// What is stated, of what, as whom and why.
pub(super) fn write_head(
    page: &mut Page,
    verb: &str,
    statement: &Statement,
    signer: (Option<&PersonName>, &str),
) {
    page.line(Tone::Strong, &format!("{verb} {}", statement.commit));
    let repository = escape(statement.repository.as_bytes());
    let against = match statement.base {
        Some(base) if statement.decision == Decision::Rollback => format!("from {base}"),
        Some(base) => format!("compared with {base}"),
        None => "compared with nothing: the ref is not there yet".to_owned(),
    };
    page.paragraph(
        Tone::Plain,
        "  for ",
        &format!("{} of {repository}", statement.refname),
    );
    page.paragraph(Tone::Plain, "  ", &against);
    let signer = match signer {
        (Some(person), because) => format!("{person} ({because})"),
        (None, because) => format!("nobody that the policy knows ({because})"),
    };
    page.paragraph(Tone::Plain, "  as ", &signer);
    if let Some(stead) = &statement.particulars.stead {
        page.paragraph(Tone::Plain, "  in the stead of ", &stead.to_string());
    }
    if let Some(until) = statement.expires {
        page.paragraph(Tone::Plain, "  until ", &until.to_string());
    }
    if let Some(name) = &statement.particulars.ticket {
        page.paragraph(
            Tone::Plain,
            "  for the change request ",
            &escape(name.as_bytes()),
        );
    }
    for name in &statement.particulars.overrides {
        page.paragraph(Tone::Bad, "  overrides ", &name.to_string());
    }
    if let Some(reason) = &statement.reason {
        page.paragraph(Tone::Plain, "  because: ", &escape(reason.as_bytes()));
    }
}

fn write_own(page: &mut Page, commit: &CommitVerdict, proposal: &Proposal<'_>) {
    const INDENT: &str = "            ";
    let has_hand = |person: &PersonName| commit.adds && commit.contributors.contains(person);
    let stead = proposal.statement.particulars.stead.as_ref();
    if proposal.signer.0.is_some_and(has_hand) {
        let text = "yours: an approval by you does not count for it";
        page.paragraph(Tone::Bad, INDENT, text);
    } else if let Some(stead) = stead.filter(|stead| has_hand(stead)) {
        let text = format!("{stead}'s: an approval in their stead does not count for it");
        page.paragraph(Tone::Bad, INDENT, &text);
    }
}

/// The paths that differ.
pub(super) fn write_files(page: &mut Page, files: &[FileStat]) {
    let added: u64 = files.iter().map(|file| file.added).sum();
    let deleted: u64 = files.iter().map(|file| file.deleted).sum();
    let total = format!("{}, +{added} -{deleted}:", count(files.len(), "path"));
    page.line(Tone::Strong, &total);
    for file in files.iter().take(MAX_FILES) {
        page.line(Tone::Plain, &file_row(file));
    }
    let more = files.len().saturating_sub(MAX_FILES);
    if more > 0 {
        page.line(
            Tone::Bad,
            &format!("    and {more} more (--diff shows all)"),
        );
    }
}

/// `    src/price.rs  +10 -2  executable now`.
fn file_row(file: &FileStat) -> String {
    let what = match &file.kind {
        ChangeKind::Added(entry) => format!("  new {entry}"),
        ChangeKind::Deleted => "  gone".to_owned(),
        ChangeKind::Modified => String::new(),
        ChangeKind::Turned { from, to } => format!("  {from}, now {to}"),
    };
    let tail = format!("  +{} -{}{what}", file.added, file.deleted);
    let room = WIDTH.saturating_sub(4 + width(&tail));
    format!("    {}{tail}", cut(&file.path.to_string(), room))
}

fn write_meaning(page: &mut Page, proposal: &Proposal<'_>) {
    if let Some(update) = proposal.afterwards {
        if update.reasons.is_empty() && update.emergency.is_some() {
            let text = "With it, a push of this goes in WITHOUT APPROVAL.";
            page.paragraph(Tone::Bad, "", text);
        } else if update.reasons.is_empty() {
            page.paragraph(Tone::Good, "", "With it, a push of this would be accepted.");
        } else {
            page.paragraph(
                Tone::Bad,
                "",
                "With it, a push of this would still be refused:",
            );
        }
        for reason in update.reasons.iter().take(MAX_REASONS) {
            let lead = format!("  {} ", reason.code());
            page.paragraph(Tone::Bad, &lead, &cut(&reason.to_string(), 400));
        }
        let more = update.reasons.len().saturating_sub(MAX_REASONS);
        if more > 0 {
            page.line(
                Tone::Faint,
                &format!("  and {}", count(more, "more reason")),
            );
        }
        for note in update.notes.iter().take(MAX_REASONS) {
            page.paragraph(Tone::Faint, "  note: ", &cut(&note.text, 400));
        }
    }
    for remark in proposal.remarks {
        page.paragraph(Tone::Plain, "", remark);
    }
}
