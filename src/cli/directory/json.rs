//! The answer as JSON: `relhook/directory-sync/v1`, described in docs/json.md.

use crate::directory::{Change, Effect, EffectKind, Outcome, Report};
use crate::types::escape;
use serde_json::{Value, json};

/// The whole answer, with a line break at its end.
pub(super) fn answer(report: &Report) -> String {
    let conflicts = report.conflicts.iter();
    let next = report.next();
    let answer = json!({
        "schema": "relhook/directory-sync/v1",
        "server": report.server,
        "kind": report.kind,
        "accounts": report.accounts,
        "changes": report.changes.iter().map(change).collect::<Vec<_>>(),
        "remarks": report.remarks.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "conflicts": conflicts
            .map(|one| json!({ "text": one.to_string(), "hint": one.hint() }))
            .collect::<Vec<_>>(),
        "complaints": report.complaints,
        "warnings": report.warnings,
        "statements": report.effects.iter().map(effect).collect::<Vec<_>>(),
        "unread": report.unread,
        "outcome": outcome(&report.outcome),
        "next": next.into_iter().map(|(_, command)| command).collect::<Vec<_>>(),
    });
    format!("{answer:#}\n")
}

fn texts(all: &[String]) -> Vec<String> {
    all.iter().map(|text| escape(text.as_bytes())).collect()
}

fn change(change: &Change) -> Value {
    match change {
        Change::Added {
            person,
            logins,
            emails,
            ids,
        } => json!({
            "change": "added",
            "person": person,
            "logins": texts(logins),
            "emails": texts(emails),
            "ids": ids,
        }),
        Change::Disabled { person, why } => json!({
            "change": "disabled",
            "person": person,
            "why": why,
        }),
        Change::Enabled { person } => json!({ "change": "enabled", "person": person }),
        Change::Changed {
            person,
            what,
            come,
            gone,
        } => json!({
            "change": "changed",
            "person": person,
            "what": what,
            "come": texts(come),
            "gone": texts(gone),
        }),
        Change::Team { team, come, gone } => json!({
            "change": "team",
            "team": team,
            "come": come,
            "gone": gone,
        }),
        Change::TeamGone { team } => json!({ "change": "team-gone", "team": team }),
    }
}

fn effect(effect: &Effect) -> Value {
    let (decision, counts) = match effect.kind {
        EffectKind::ApprovalEnds => ("approve", false),
        EffectKind::ApprovalBegins => ("approve", true),
        EffectKind::ObjectionEnds => ("reject", false),
        EffectKind::ObjectionBegins => ("reject", true),
    };
    json!({
        "decision": decision,
        "counts": counts,
        "person": effect.person,
        "commit": effect.commit,
        "ref": effect.refname.to_string(),
        "tag": effect.tag,
    })
}

fn outcome(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Unchanged => json!({ "did": "unchanged" }),
        Outcome::Refused => json!({ "did": "refused" }),
        Outcome::Shown => json!({ "did": "shown" }),
        Outcome::Written { file } => json!({ "did": "written", "file": file }),
        Outcome::Committed {
            branch,
            commit,
            remote,
        } => json!({
            "did": "committed",
            "branch": branch,
            "commit": commit,
            "remote": remote,
        }),
    }
}
