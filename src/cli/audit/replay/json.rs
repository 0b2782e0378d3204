//! The replay for programs (docs/json.md).

use crate::replay::{Finding, RefAccount, Replay, Source, Weight};
use serde_json::{Value, json};

/// A replay as `relhook/replay/v1`.
pub(super) fn answer(replay: &Replay) -> String {
    let of = |weight| -> Vec<Value> {
        let all = replay.findings.iter();
        let all = all.filter(|finding| finding.weight == weight);
        all.map(finding).collect()
    };
    let remarks = replay.remarks.iter().map(|remark| {
        json!({
            "ref": remark.refname,
            "entry": remark.entry,
            "text": remark.text,
        })
    });
    let answer = json!({
        "schema": "relhook/replay/v1",
        "outcome": replay.outcome().word(),
        "repository": replay.repository,
        "source": source(&replay.source),
        "refs": replay.refs.iter().map(account).collect::<Vec<_>>(),
        "findings": of(Weight::Found),
        "doubts": of(Weight::Doubt),
        "remarks": remarks.collect::<Vec<_>>(),
    });
    format!("{answer:#}\n")
}

fn source(source: &Source) -> Value {
    match source {
        Source::Log {
            entries,
            checkpoint,
        } => json!({ "kind": "log", "entries": entries, "checkpoint": checkpoint }),
        Source::Clone { remote, checkpoint } => {
            json!({ "kind": "clone", "remote": remote, "checkpoint": checkpoint })
        }
    }
}

fn account(account: &RefAccount) -> Value {
    json!({
        "ref": account.refname,
        "start": account.start,
        "value": account.value,
        "moves": account.moves,
        "held": account.held,
    })
}

fn finding(finding: &Finding) -> Value {
    let reasons = finding.reasons.iter();
    let reasons = reasons.map(|why| json!({ "code": why.code.to_string(), "text": why.text }));
    json!({
        "code": finding.code.to_string(),
        "text": finding.text,
        "ref": finding.refname,
        "entry": finding.entry,
        "time": finding.time,
        "from": finding.from,
        "to": finding.to,
        "reasons": reasons.collect::<Vec<_>>(),
        "commits": finding.commits,
        "commit_count": finding.commit_count,
    })
}
