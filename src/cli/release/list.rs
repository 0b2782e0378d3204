//! `relhook release list`: what each target can go back to.

use super::{chosen, told};
use crate::cli::Answer;
use crate::release::{Kept, kept, state};
use crate::server::Server;
use crate::types::{Oid, TargetName, Timestamp};
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;

/// `relhook release list --json`.
#[derive(Debug, Serialize)]
struct ListReport {
    schema: &'static str,
    targets: Vec<TargetList>,
}

#[derive(Debug, Serialize)]
struct TargetList {
    target: TargetName,
    releases: Vec<Listed>,
}

#[derive(Debug, Serialize)]
struct Listed {
    #[serde(rename = "ref")]
    refname: String,
    commit: Oid,
    sequence: u64,
    accepted: Timestamp,
    released: Option<Timestamp>,
    /// Whether the target holds it now.
    current: bool,
    /// Where the target keeps it.
    kept: Option<String>,
}

/// What `relhook release list` is asked for.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only this target
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// Print it as JSON (relhook/release-list/v1)
    #[arg(long)]
    json: bool,
}

impl ListArgs {
    /// Lists them for the repository around `dir`.
    ///
    /// # Errors
    /// When the repository, its record or its policy cannot be read.
    pub fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        list(dir, self.target.as_deref(), self.json)
    }
}

fn list(dir: &Path, only: Option<&str>, json: bool) -> anyhow::Result<Answer> {
    let server = Server::around(dir)?;
    let bundle = server.bundle()?;
    let mut targets = Vec::new();
    for name in chosen(&bundle, only)? {
        let target = bundle.policy.targets.get(&name);
        let kept = target.map(|target| kept(server.setting(), &target.kind));
        let kept = kept.unwrap_or_default();
        targets.push(of_target(&server, name, &kept)?);
    }
    let schema = "relhook/release-list/v1";
    let report = ListReport { schema, targets };
    told(&report, &report.targets, json, shown)
}

fn of_target(server: &Server, name: TargetName, kept: &[Kept]) -> anyhow::Result<TargetList> {
    let holds = state(server.setting(), &name)?.released;
    let past = server.orders().history(&name).map_err(anyhow::Error::msg)?;
    let releases = past.into_iter().map(|one| Listed {
        current: holds
            .as_ref()
            .is_some_and(|landed| landed.commit == one.commit),
        kept: kept
            .iter()
            .find(|kept| kept.commit == one.commit)
            .map(|kept| kept.name.clone()),
        refname: one.refname.to_string(),
        commit: one.commit,
        sequence: one.sequence,
        accepted: one.accepted,
        released: one.released,
    });
    Ok(TargetList {
        releases: releases.collect(),
        target: name,
    })
}

/// One target for people: the last accepted first.
fn shown(list: &TargetList) -> String {
    let mut text = format!("{}\n", list.target);
    if list.releases.is_empty() {
        text += "  nothing was accepted for it yet\n";
    }
    for one in &list.releases {
        let released = match one.released {
            Some(at) => format!("released {at}"),
            None => "never released".into(),
        };
        let here = match (one.current, &one.kept) {
            (true, _) => ", there now".into(),
            (false, Some(name)) => format!(", kept as {name}"),
            (false, None) => String::new(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "  {:>6}  {} of {}, {released}{here}",
            one.sequence,
            one.commit.short(),
            one.refname
        );
    }
    text
}
