//! What a sync with a directory found and did, as text.

use super::text::wrap;
use crate::directory::{Change, Effect, EffectKind, Kind, Outcome, Report};
use crate::types::escape;

/// So many lines of one section are told.
const MOST: usize = 200;

/// The report, as lines for a terminal.
#[must_use]
pub fn directory_report(report: &Report) -> String {
    let mut lines = vec![head(report)];
    section(
        &mut lines,
        "People and teams",
        report.changes.iter().map(change),
    );
    let remarks = report.remarks.iter().map(|one| ("  ? ", one.to_string()));
    section(&mut lines, "Look twice", remarks);
    let effects = report.effects.iter().map(effect);
    section(
        &mut lines,
        "What this does to statements that wait",
        effects,
    );
    if report.unread > 0 {
        lines.push(format!(
            "  and {} more statements were not looked at",
            report.unread
        ));
    }
    let warnings = report.warnings.iter().map(|one| ("  ? ", one.clone()));
    section(&mut lines, "The policy would warn", warnings);
    let conflicts = report
        .conflicts
        .iter()
        .flat_map(|one| [("  ! ", one.to_string()), ("    hint: ", one.hint())]);
    section(&mut lines, "To be settled first", conflicts);
    let complaints = report.complaints.iter().map(|one| ("  ! ", one.clone()));
    section(&mut lines, "The policy would not be sound", complaints);
    lines.push(String::new());
    lines.extend(outcome(report));
    lines.join("\n") + "\n"
}

fn head(report: &Report) -> String {
    let kind = match report.kind {
        Kind::ActiveDirectory => "Active Directory",
        Kind::Ldap => "LDAP",
    };
    let accounts = super::text::count(report.accounts, "account");
    format!("{}, {kind}: {accounts}", report.server)
}

fn section(
    lines: &mut Vec<String>,
    title: &str,
    items: impl Iterator<Item = (&'static str, String)>,
) {
    let items: Vec<(&str, String)> = items.collect();
    if items.is_empty() {
        return;
    }
    lines.push(String::new());
    lines.push(format!("{title}:"));
    for (lead, text) in items.iter().take(MOST) {
        lines.extend(wrap(lead, text));
    }
    if items.len() > MOST {
        lines.push(format!("  and {} more", items.len() - MOST));
    }
}

fn change(change: &Change) -> (&'static str, String) {
    match change {
        Change::Added {
            person,
            logins,
            emails,
            ..
        } => {
            let values = logins.iter().chain(emails);
            let text = format!("{person} is new: {}; no key yet", shown(values));
            ("  + ", text)
        }
        Change::Disabled { person, why } => ("  - ", format!("{person} is disabled ({why})")),
        Change::Enabled { person } => ("  + ", format!("{person} counts again")),
        Change::Changed {
            person,
            what,
            come,
            gone,
        } => {
            let mut parts = Vec::new();
            if !come.is_empty() {
                parts.push(format!("comes {}", shown(come)));
            }
            if !gone.is_empty() {
                parts.push(format!("goes {}", shown(gone)));
            }
            ("  ~ ", format!("{person}, {what}: {}", parts.join("; ")))
        }
        Change::Team { team, come, gone } => {
            let come = come.iter().map(|name| format!("+{name}"));
            let gone = gone.iter().map(|name| format!("-{name}"));
            let all: Vec<String> = come.chain(gone).collect();
            ("  ~ ", format!("team {team}: {}", all.join(" ")))
        }
        Change::TeamGone { team } => ("  - ", format!("team {team}: nobody is left, and it goes")),
    }
}

fn shown<'a>(values: impl IntoIterator<Item = &'a String>) -> String {
    let values = values.into_iter().map(|value| escape(value.as_bytes()));
    values.collect::<Vec<_>>().join(", ")
}

fn effect(effect: &Effect) -> (&'static str, String) {
    let (lead, what) = match effect.kind {
        EffectKind::ApprovalEnds => ("  - ", "approval no longer counts"),
        EffectKind::ApprovalBegins => ("  + ", "approval begins to count"),
        EffectKind::ObjectionEnds => ("  ! ", "objection is lifted"),
        EffectKind::ObjectionBegins => ("  + ", "objection begins to stand"),
    };
    let (person, commit) = (&effect.person, effect.commit.short());
    (
        lead,
        format!("{person}'s {what}: `{commit}` for {}", effect.refname),
    )
}

fn outcome(report: &Report) -> Vec<String> {
    let mut lines = match &report.outcome {
        Outcome::Unchanged => wrap("", "The policy says already what the directory says."),
        Outcome::Refused => wrap("", "Nothing was changed."),
        Outcome::Shown => wrap("", "Nothing was written: this is what would be."),
        Outcome::Written { file } => wrap("", &format!("The new policy is in {file}.")),
        Outcome::Committed { branch, commit, .. } => {
            let text = format!(
                "It is the commit `{}` on the branch {branch} of this clone, and in force only \
                 when it is approved and pushed.",
                commit.short()
            );
            wrap("", &text)
        }
    };
    for (what, command) in report.next() {
        lines.push(format!("next, {what}:"));
        lines.push(format!("    {command}"));
    }
    lines
}
