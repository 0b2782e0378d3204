//! The full report of a verdict, for the record: everything that it said, as JSON.

use crate::decide::{
    CheckPassed, CommitVerdict, Cover, DebtState, DebtVerdict, EmergencyUse, Note, Override,
    Reason, RolledBack, UpdateVerdict, Verdict,
};
use crate::types::escape;
use serde_json::{Value, json};

/// How many commits of one update are listed; the count says how many there were.
const MAX_COMMITS: usize = 1000;
/// How many updates are listed.
const MAX_UPDATES: usize = 2000;

/// So many bytes of a report stand in the entry itself: as evidence it costs two more syncs of the disk.
const SHORT: usize = 4096;

/// The report (`relhook/verdict/v1`, docs/json.md), bounded whatever the push was.
#[must_use]
pub fn report(verdict: &Verdict) -> Value {
    let listed = verdict.updates.iter().filter(|update| tells(update));
    let mut report = json!({
        "schema": "relhook/verdict/v1",
        "accepted": verdict.accepted(),
        "reasons": verdict.reasons.iter().map(reason).collect::<Vec<_>>(),
        "updates": listed.take(MAX_UPDATES).map(update).collect::<Vec<_>>(),
        "update_count": verdict.updates.len(),
    });
    if let Some(fields) = report.as_object_mut().filter(|_| !verdict.debts.is_empty()) {
        let debts = verdict.debts.iter().map(debt).collect();
        fields.insert("debts".into(), Value::Array(debts));
    }
    report
}

/// Whether the entry holds the report: a short one, of plain text as every line of the log is.
#[must_use]
pub fn in_the_entry(text: &str) -> bool {
    text.len() <= SHORT && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// Whether there is more to say of an update than that it passed untouched by any rule.
fn tells(update: &UpdateVerdict) -> bool {
    update.permit.is_some() || !update.reasons.is_empty() || !update.commits.is_empty()
}

fn update(update: &UpdateVerdict) -> Value {
    let mut told = json!({
        "ref": update.refname.to_string(),
        "claimed": update.change.old(),
        "new": update.change.new_oid(),
        "reasons": update.reasons.iter().map(reason).collect::<Vec<_>>(),
        "let_pass": update.let_pass.iter().map(reason).collect::<Vec<_>>(),
        "notes": update.notes.iter().map(note).collect::<Vec<_>>(),
        "commits": update.commits.iter().take(MAX_COMMITS).map(commit).collect::<Vec<_>>(),
        "commit_count": update.commits.len(),
    });
    // Most refs have none of it, and what an entry holds is short.
    let overridden: Vec<Value> = update.overridden.iter().map(overridden).collect();
    let tickets = update.tickets.iter().map(|name| json!(name)).collect();
    let more = [
        ("emergency", update.emergency.as_ref().map(emergency)),
        ("checks", some(update.checks.iter().map(check).collect())),
        ("tickets", some(tickets)),
        ("zone_rules", update.zone_rules.map(Value::from)),
        ("overridden", some(overridden)),
    ];
    if let Some(told) = told.as_object_mut() {
        let more = more
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)));
        told.extend(more);
    }
    if let (Some(fields), Some(rollback)) = (told.as_object_mut(), &update.rollback) {
        fields.insert("rollback".into(), going_back(rollback));
    }
    told
}

/// Where a ref goes back, on whose word, and what that undoes.
fn going_back(rollback: &RolledBack) -> Value {
    json!({
        "statements": rollback.statements.iter()
            .map(|one| json!({
                "statement": one.tag,
                "person": one.person,
                "reason": crate::types::escape(one.reason.as_bytes()),
            }))
            .collect::<Vec<_>>(),
        "loses": rollback.loses.iter().take(MAX_COMMITS)
            .map(|one| json!({ "commit": one.oid, "title": one.title }))
            .collect::<Vec<_>>(),
        "loses_count": rollback.loses.len(),
    })
}

/// The emergency that an update rests on. Why it was declared is in its statement.
fn emergency(used: &EmergencyUse) -> Value {
    json!({
        "tag": used.tag,
        "by": used.person,
        "cosigned_by": used.cosigned.iter().map(|(_, person)| person).collect::<Vec<_>>(),
        "due": used.due,
        "waived": used.waived.iter().map(reason).collect::<Vec<_>>(),
    })
}

/// What is owed for an earlier emergency, and whether it still is.
fn debt(debt: &DebtVerdict) -> Value {
    let (state, by, notes) = match &debt.state {
        DebtState::Open { notes, .. } => ("open", None, notes.as_slice()),
        DebtState::Reviewed { by } => ("reviewed", Some(by), &[][..]),
        DebtState::Reverted { by } => ("reverted", Some(by), &[][..]),
    };
    json!({
        "ref": debt.refname.to_string(),
        "entry": debt.debt.entry,
        "commit": debt.debt.commit,
        "due": debt.debt.due,
        "state": state,
        "overdue": debt.overdue,
        "by": by,
        "notes": notes.iter().map(note).collect::<Vec<_>>(),
    })
}

/// A list, where there is anything in it.
fn some(list: Vec<Value>) -> Option<Value> {
    (!list.is_empty()).then_some(Value::Array(list))
}

fn check(one: &CheckPassed) -> Value {
    json!({ "check": one.check, "machine": one.machine, "by": one.by })
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
            .map(covered)
            .collect::<Vec<_>>(),
    })
}

/// In whose stead is said only where it is: the report of most pushes stands in the log itself.
fn covered(cover: &Cover) -> Value {
    match &cover.stead {
        None => json!({ "person": cover.person, "by": cover.by }),
        Some(stead) => {
            json!({ "person": cover.person, "by": cover.by, "in_stead_of": stead })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::StatedBack;
    use crate::facts::Lost;
    use crate::types::{CheckName, MachineName, PersonName, RefChange, RefName, WindowName};

    fn keys(value: &Value) -> Vec<&str> {
        value
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect()
    }

    #[test]
    fn the_report_has_the_keys_that_docs_json_names() {
        let oid = "8d01e77ab12c00000000000000000000000000ff".parse().unwrap();
        let verdict = Verdict {
            updates: vec![UpdateVerdict {
                refname: RefName::new(b"refs/heads/prod").unwrap(),
                change: RefChange::Create { new: oid },
                reasons: vec![Reason::Deletion],
                let_pass: Vec::new(),
                notes: Vec::new(),
                commits: vec![CommitVerdict {
                    besides: Default::default(),
                    oid,
                    title: "fix".into(),
                    contributors: std::collections::BTreeSet::new(),
                    strangers: Vec::new(),
                    adds: true,
                    covers: Vec::new(),
                    shortfalls: Vec::new(),
                }],
                checks: vec![CheckPassed {
                    check: CheckName::new("tests"),
                    machine: MachineName::new("ci"),
                    by: oid,
                }],
                tickets: std::collections::BTreeSet::from(["CHG-7".into()]),
                overridden: vec![Override {
                    name: WindowName::new("christmas"),
                    person: PersonName::new("rita"),
                    by: oid,
                    reason: None,
                }],
                zone_rules: Some("2026b"),
                rollback: Some(RolledBack {
                    statements: vec![StatedBack {
                        tag: oid,
                        person: PersonName::new("carl"),
                        reason: "it breaks".into(),
                    }],
                    loses: vec![Lost {
                        oid,
                        title: "fix".into(),
                    }],
                }),
                permit: None,
                emergency: None,
            }],
            reasons: Vec::new(),
            debts: Vec::new(),
        };
        let report = report(&verdict);
        assert!(in_the_entry(&report.to_string()));
        assert_eq!(report["schema"], "relhook/verdict/v1");
        assert_eq!(report["accepted"], false);
        let update = &report["updates"][0];
        assert_eq!(update["reasons"][0]["code"], "RH101");
        let docs = include_str!("../../docs/json.md");
        let (_, docs) = docs.split_once("## `relhook/verdict/v1`").unwrap();
        let (docs, _) = docs.split_once("\n## ").unwrap();
        for key in [
            &report,
            update,
            &update["reasons"][0],
            &update["commits"][0],
            &update["overridden"][0],
            &update["rollback"],
            &update["rollback"]["statements"][0],
            &update["rollback"]["loses"][0],
            &update["checks"][0],
        ]
        .into_iter()
        .flat_map(keys)
        {
            assert!(docs.contains(&format!("`{key}`")), "{key}");
        }
    }

    #[test]
    fn l_05_only_a_short_and_plain_report_stands_in_the_log() {
        for (text, stands) in [
            ("x".repeat(SHORT - 2), true),
            ("x".repeat(SHORT - 1), false),
            ("a\u{2028}b".to_owned(), false),
            ("a\u{7f}b".to_owned(), false),
        ] {
            assert_eq!(in_the_entry(&Value::String(text).to_string()), stands);
        }
    }
}
