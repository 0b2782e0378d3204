//! The full report of a verdict, for the evidence: everything that it said, as JSON.

use crate::decide::{CommitVerdict, Note, Reason, UpdateVerdict, Verdict};
use serde_json::{Value, json};

/// How many commits of one update are listed; the count says how many there were.
const MAX_COMMITS: usize = 1000;
/// How many updates are listed.
const MAX_UPDATES: usize = 2000;

/// The report (`relhook/verdict/v1`, docs/json.md), bounded whatever the push was.
#[must_use]
pub fn report(verdict: &Verdict) -> Vec<u8> {
    let listed = verdict.updates.iter().filter(|update| tells(update));
    let report = json!({
        "schema": "relhook/verdict/v1",
        "accepted": verdict.accepted(),
        "reasons": verdict.reasons.iter().map(reason).collect::<Vec<_>>(),
        "updates": listed.take(MAX_UPDATES).map(update).collect::<Vec<_>>(),
        "update_count": verdict.updates.len(),
    });
    report.to_string().into_bytes()
}

/// Whether there is more to say of an update than that it passed untouched by any rule.
fn tells(update: &UpdateVerdict) -> bool {
    update.permit.is_some() || !update.reasons.is_empty() || !update.commits.is_empty()
}

fn update(update: &UpdateVerdict) -> Value {
    json!({
        "ref": update.refname.to_string(),
        "claimed": update.change.old(),
        "new": update.change.new_oid(),
        "reasons": update.reasons.iter().map(reason).collect::<Vec<_>>(),
        "notes": update.notes.iter().map(note).collect::<Vec<_>>(),
        "commits": update.commits.iter().take(MAX_COMMITS).map(commit).collect::<Vec<_>>(),
        "commit_count": update.commits.len(),
    })
}

fn reason(reason: &Reason) -> Value {
    json!({ "code": reason.code().to_string(), "text": reason.to_string() })
}

fn note(note: &Note) -> Value {
    json!({ "code": note.code.to_string(), "text": note.text })
}

fn commit(commit: &CommitVerdict) -> Value {
    json!({
        "commit": commit.oid,
        "title": commit.title,
        "contributors": commit.contributors,
        "strangers": commit.strangers,
        "adds_content": commit.adds,
        "covered_by": commit.covers.iter()
            .map(|cover| json!({ "person": cover.person, "by": cover.by }))
            .collect::<Vec<_>>(),
    })
}
