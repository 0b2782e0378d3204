//! The answer as JSON: `relhook/check/v1`, described in docs/json.md.

use super::{Checked, render};
use crate::client::{Freshness, Outlook, PolicyNews};
use crate::decide::{CommitVerdict, Note, Override, Reason, Shortfall, StandIn, UpdateVerdict};
use crate::types::{Oid, RefChange, escape};
use serde_json::{Value, json};
use std::collections::HashSet;

/// So many commits of one ref are listed; `commit_count` says how many there are.
const MAX_COMMITS: usize = 20_000;

/// The whole answer, with a line break at its end.
pub(super) fn answer(checked: &Checked) -> String {
    let workspace = &checked.workspace;
    let assessment = &checked.assessment;
    let updates = assessment.verdict.updates.iter();
    let next = render::next(checked).into_iter().map(|next| next.command);
    let answer = json!({
        "schema": "relhook/check/v1",
        "outlook": outlook(assessment.outlook()),
        "repository": escape(workspace.policy().repository.0.as_bytes()),
        "remote": workspace.remote.shown(),
        "offline": workspace.freshness == Freshness::Offline,
        "policy": { "commit": workspace.policy_id, "news": news(workspace.news) },
        "pusher": {
            "person": checked.pusher.person,
            "because": checked.pusher.because,
        },
        "doubts": assessment.doubts,
        "reasons": list(&assessment.verdict.reasons, reason),
        "updates": updates.map(|one| update(one, checked)).collect::<Vec<_>>(),
        "next": next.collect::<Vec<_>>(),
    });
    format!("{answer:#}\n")
}

fn outlook(outlook: Outlook) -> &'static str {
    match outlook {
        Outlook::Passes => "accepted",
        Outlook::Refused => "refused",
        Outlook::Unclear => "unclear",
    }
}

fn news(news: PolicyNews) -> &'static str {
    match news {
        PolicyNews::First => "first",
        PolicyNews::Same => "same",
        PolicyNews::Changed { .. } => "changed",
        PolicyNews::Replaced { .. } => "replaced",
    }
}

fn list<T>(items: &[T], one: impl Fn(&T) -> Value) -> Vec<Value> {
    items.iter().map(one).collect()
}

fn overridden(one: &Override) -> Value {
    let reason = one.reason.as_ref();
    json!({
        "name": one.name,
        "person": one.person,
        "by": one.by,
        "reason": reason.map(|text| escape(text.as_bytes())),
    })
}

fn update(update: &UpdateVerdict, checked: &Checked) -> Value {
    let (policy, now) = (checked.workspace.policy(), checked.workspace.now);
    let new = &checked.assessment.new;
    let change = match update.change {
        RefChange::Create { .. } => "create",
        RefChange::Update { .. } => "update",
        RefChange::Delete { .. } => "delete",
    };
    let commits = update.commits.iter().take(MAX_COMMITS);
    let rules = policy.rules_for(&update.refname);
    let hours = policy.hours(&rules, now);
    let release = update.permit.as_ref().map(|permit| permit.release());
    json!({
        "ref": update.refname.to_string(),
        "change": change,
        "old": update.change.old(),
        "new": update.change.new_oid(),
        "accepted": update.reasons.is_empty(),
        "releases_to": release.unwrap_or_default(),
        "reasons": list(&update.reasons, reason),
        "let_pass": list(&update.let_pass, reason),
        "notes": list(&update.notes, note),
        "commits": commits.map(|one| commit(one, new)).collect::<Vec<_>>(),
        "commit_count": update.commits.len(),
        "tickets": update.tickets,
        "checks": list(&update.checks, |one| json!({
            "check": one.check,
            "machine": one.machine,
            "by": one.by,
        })),
        "overridden": list(&update.overridden, overridden),
        "hours": hours.as_ref().map(crate::cli::status::json::hours_of),
    })
}

fn reason(reason: &Reason) -> Value {
    json!({
        "code": reason.code().to_string(),
        "text": reason.to_string(),
        "hints": reason.hints(),
    })
}

fn note(note: &Note) -> Value {
    json!({ "code": note.code.to_string(), "text": note.text })
}

fn commit(commit: &CommitVerdict, new: &HashSet<Oid>) -> Value {
    json!({
        "commit": commit.oid,
        "title": commit.title,
        "on_server": !new.contains(&commit.oid),
        "contributors": commit.contributors,
        "strangers": commit.strangers,
        "adds_content": commit.adds,
        "covered_by": list(&commit.covers, |cover| json!({
            "person": cover.person,
            "by": cover.by,
            "in_stead_of": cover.stead,
        })),
        "shortfalls": list(&commit.shortfalls, shortfall),
    })
}

fn shortfall(shortfall: &Shortfall) -> Value {
    let (patterns, path) = match &shortfall.paths {
        Some((patterns, path)) => (Some(patterns), Some(path.to_string())),
        None => (None, None),
    };
    json!({
        "rule": shortfall.rule,
        "patterns": patterns,
        "path": path,
        "required": shortfall.required,
        "have": shortfall.have,
        "from": shortfall.from,
        "could": shortfall.could,
        "stand_ins": shortfall.stand_ins.iter().map(stand_in).collect::<Vec<_>>(),
    })
}

fn stand_in(one: &StandIn) -> Value {
    json!({ "person": one.deputy, "in_stead_of": one.stead, "until": one.until })
}
