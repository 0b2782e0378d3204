//! How one reason reads: its code, its sentence, what helps.

use super::color::Tone;
use super::page::Page;
use super::text::cut;
use crate::decide::{Reason, Signed};
use crate::types::{Oid, PersonName};
use std::collections::BTreeSet;

/// The longest sentence, in columns; what a hostile name makes longer is cut.
const MAX_SENTENCE: usize = 600;
/// So many complaints about a pushed policy are shown.
const MAX_COMPLAINTS: usize = 12;

/// What helps that was said already: it is not said twice about one ref.
pub(super) type Said = BTreeSet<String>;

/// Writes a reason: its code, its sentence, and what helps.
pub(super) fn write(page: &mut Page, reason: &Reason, said: &mut Said) {
    let lead = format!("  {} ", reason.code());
    if let Reason::PolicyInvalid { complaints } = reason {
        page.paragraph(Tone::Bad, &lead, "the pushed policy is not sound:");
        for complaint in complaints.iter().take(MAX_COMPLAINTS) {
            page.paragraph(Tone::Faint, "    - ", &cut(complaint, MAX_SENTENCE));
        }
        let more = complaints.len().saturating_sub(MAX_COMPLAINTS);
        if more > 0 {
            page.paragraph(Tone::Faint, "    - ", &format!("and {more} more"));
        }
    } else {
        page.paragraph(Tone::Bad, &lead, &cut(&reason.to_string(), MAX_SENTENCE));
    }
    for hint in reason.hints() {
        if said.insert(hint.clone()) {
            write_hint(page, &hint);
        }
    }
}

/// Writes what helps; a command in it gets a line of its own.
fn write_hint(page: &mut Page, hint: &str) {
    let hint = cut(hint, MAX_SENTENCE);
    match split_command(&hint) {
        Some((text, command)) => {
            page.paragraph(Tone::Faint, "  hint: ", &format!("{text}:"));
            page.command("    ", command);
        }
        None => page.paragraph(Tone::Faint, "  hint: ", &hint),
    }
}

/// `they run: relhook approve …` as what is said and the command.
fn split_command(hint: &str) -> Option<(&str, &str)> {
    let (text, command) = hint.rsplit_once(": ")?;
    let is_command = ["relhook ", "git "]
        .iter()
        .any(|program| command.starts_with(program));
    is_command.then_some((text, command))
}

/// The commits that a reason is about, where it is about particular ones of the range.
pub(super) fn commits(reason: &Reason) -> &[Oid] {
    if let Reason::NotCovered(lack) | Reason::PathsNotCovered { lack, .. } = reason {
        &lack.commits
    } else if let Reason::Stranger { commits, .. }
    | Reason::NoTicket { commits, .. }
    | Reason::Unauthenticated { commits, .. }
    | Reason::Signature {
        on: Signed::Commits(commits),
        ..
    } = reason
    {
        commits
    } else if let Reason::MalformedObject { oid, .. }
    | Reason::TipNotNamed { tip: oid, .. }
    | Reason::Rejected { commit: oid, .. } = reason
    {
        std::slice::from_ref(oid)
    } else {
        &[]
    }
}

/// The people who could supply what a reason asks for.
pub(super) fn helpers(reason: &Reason) -> BTreeSet<&PersonName> {
    if let Reason::NotCovered(lack) | Reason::PathsNotCovered { lack, .. } = reason {
        let deputies = lack.stand_ins.iter().map(|one| &one.deputy);
        lack.could
            .iter()
            .chain(&lack.some)
            .chain(deputies)
            .collect()
    } else if let Reason::TipNotNamed {
        could, stand_ins, ..
    } = reason
    {
        let deputies = stand_ins.iter().map(|one| &one.deputy);
        could.iter().chain(deputies).collect()
    } else if let Reason::RollbackUnstated { could, .. } = reason {
        could.iter().collect()
    } else if let Reason::Emergency(fault) = reason {
        fault.helpers().into_iter().flatten().collect()
    } else if let Reason::Rejected {
        person,
        disabled: false,
        ..
    } = reason
    {
        [person].into()
    } else if let Reason::ReleaserNotDistinct { could, .. } = reason {
        could.iter().collect()
    } else if let Reason::OutsideWindows(shut) | Reason::Frozen(shut) = reason {
        let could = shut.could.iter();
        could.flat_map(|(_, people)| people).collect()
    } else {
        BTreeSet::new()
    }
}

#[cfg(test)]
mod tests {
    use super::split_command;

    #[test]
    fn a_command_in_a_hint_stands_alone() {
        let approve = "they run: relhook approve 8d01e77ab12c --ref refs/heads/prod";
        let (text, command) = split_command(approve).unwrap();
        assert_eq!(text, "they run");
        assert!(command.starts_with("relhook approve "));
        assert_eq!(split_command("git fetch, merge or rebase onto it"), None);
        assert_eq!(split_command("nobody else: the policy has to change"), None);
    }
}
