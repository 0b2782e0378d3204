//! `relhook release status`: each target, what it is to hold, and how the last run ended.

use super::targets;
use crate::cli::Answer;
use crate::policy::Bundle;
use crate::release::{
    Attempt, Landed, Orders, Snapshot, State, is_running, place, snapshot, state,
};
use crate::server::Server;
use crate::types::{Oid, TargetName, Timestamp};
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;

/// `relhook release status --json`.
#[derive(Debug, Serialize)]
struct StatusReport {
    schema: &'static str,
    targets: Vec<TargetStatus>,
}

/// One target.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct TargetStatus {
    target: TargetName,
    place: Option<String>,
    wanted: Option<Wanted>,
    released: Option<Landed>,
    last: Option<Attempt>,
    failures: u32,
    retry_at: Option<Timestamp>,
    running: Option<Snapshot>,
    /// Why something of it cannot be told.
    unclear: Option<String>,
}

/// What a target is to hold.
#[derive(Debug, Serialize)]
struct Wanted {
    #[serde(rename = "ref")]
    refname: String,
    commit: Oid,
    sequence: u64,
}

pub(super) fn status(dir: &Path, json: bool) -> anyhow::Result<Answer> {
    let report = StatusReport {
        schema: "relhook/release-status/v1",
        targets: statuses(dir)?,
    };
    let text = if json {
        serde_json::to_string_pretty(&report)? + "\n"
    } else if report.targets.is_empty() {
        "no rule of the policy releases anything\n".into()
    } else {
        report.targets.iter().map(shown).collect()
    };
    Ok(Answer::pass(text))
}

/// Every target that a rule releases to.
pub(in crate::cli) fn statuses(dir: &Path) -> anyhow::Result<Vec<TargetStatus>> {
    let server = Server::around(dir)?;
    let bundle = server.bundle()?;
    let all = targets(&bundle).into_iter();
    Ok(all.map(|name| look_at(&server, &bundle, name)).collect())
}

fn look_at(server: &Server, bundle: &Bundle, name: TargetName) -> TargetStatus {
    let mut unclear = None;
    let order = server.orders().order(&name).unwrap_or_else(|why| {
        unclear = Some(why);
        None
    });
    let state = state(server.setting(), &name).unwrap_or_else(|error| {
        unclear = Some(error.to_string());
        State::default()
    });
    let target = bundle.policy.targets.get(&name);
    TargetStatus {
        place: target.map(|target| place(&target.kind)),
        wanted: order.map(|order| Wanted {
            refname: order.refname.to_string(),
            commit: order.commit,
            sequence: order.sequence,
        }),
        running: is_running(server.setting(), &name)
            .then(|| snapshot(server.folder.path(), &name))
            .flatten(),
        released: state.released,
        last: state.last,
        failures: state.failures,
        retry_at: state.retry_at,
        unclear,
        target: name,
    }
}

/// One target for people.
pub(in crate::cli) fn shown(status: &TargetStatus) -> String {
    let mut text = format!(
        "{}  {}\n",
        status.target,
        status.place.as_deref().unwrap_or("")
    );
    let mut line = |head: &str, what: &str| {
        let _ = writeln!(text, "  {head:<9} {what}");
    };
    match &status.wanted {
        Some(wanted) => line(
            "wanted",
            &what(wanted.commit, &wanted.refname, wanted.sequence),
        ),
        None => line("wanted", "nothing was accepted for it yet"),
    }
    match &status.released {
        Some(landed) => {
            let what = what(landed.commit, &landed.refname, landed.sequence);
            line("released", &format!("{what}, {}", landed.at));
        }
        None => line("released", "nothing yet"),
    }
    if let Some(running) = &status.running {
        line("running", &format!("{} of {}", running.done, running.of));
    }
    if let Some(last) = status.last.as_ref().filter(|last| last.error.is_some()) {
        let code = last.code.as_deref().unwrap_or_default();
        let error = last.error.as_deref().unwrap_or_default();
        line("stopped", &format!("{} {code} {error}", last.at));
    }
    if let Some(at) = status.retry_at {
        line(
            "again",
            &format!("{at}, after {} failed runs", status.failures),
        );
    }
    if let Some(unclear) = &status.unclear {
        line("unclear", unclear);
    }
    text
}

fn what(commit: Oid, refname: &str, sequence: u64) -> String {
    format!("{} of {refname} (entry {sequence})", commit.short())
}
