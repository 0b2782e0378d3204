//! `relhook release`: brings the targets to what was accepted for them, now; and says how they are.

use super::{Answer, Exit, Failure};
use crate::dispatch::{LedgerOrders, LogWitness};
use crate::facts::Store;
use crate::policy::Bundle;
use crate::release::{
    Adoption, Attempt, Landed, Orders, Outcome, Patience, ReleaseError, Setting, Snapshot, State,
    detach, forbid_core_files, is_running, place, run, run_and_retry, snapshot, state,
};
use crate::server::Server;
use crate::types::{Oid, TargetName, Timestamp};
use crate::ui;
use anyhow::Context;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

/// What `relhook release` is asked for.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ReleaseArgs {
    /// Only this target
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
    /// Overwrite files at paths of the tree that relhook did not put there, and take over what
    /// another release left
    #[arg(long, requires = "target")]
    pub adopt: bool,
    /// Run detached for a push that has been answered
    #[arg(long, hide = true, conflicts_with_all = ["target", "adopt"])]
    pub worker: bool,
    /// What else
    #[command(subcommand)]
    pub command: Option<ReleaseCommand>,
}

/// What can be asked about releases.
#[derive(Debug, clap::Subcommand)]
pub enum ReleaseCommand {
    /// Show each target: what it is to hold, what it was brought to, and how the last run ended
    Status {
        /// Print it as JSON (docs/release.md)
        #[arg(long)]
        json: bool,
    },
}

impl ReleaseArgs {
    /// Runs it for the repository around `dir`.
    ///
    /// # Errors
    /// When the repository, its record or its policy cannot be read.
    pub fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        match &self.command {
            Some(ReleaseCommand::Status { json }) => status(dir, *json),
            None if self.worker => work(dir),
            None => by_hand(dir, self.target.as_deref(), self.adopt),
        }
    }
}

impl Server {
    fn around(dir: &Path) -> anyhow::Result<Self> {
        Ok(Self::beside(Store::open(dir)?)?)
    }

    fn bundle(&self) -> anyhow::Result<Bundle> {
        let (_, bundle) = self
            .store
            .policy()?
            .context("there is no policy in force")?;
        Ok(bundle)
    }

    fn orders(&self) -> LedgerOrders<'_> {
        LedgerOrders { server: self }
    }

    fn setting(&self) -> Setting<'_> {
        Setting {
            git_dir: self.store.git_dir(),
            folder: self.folder.path(),
            now: &crate::hook::clock,
        }
    }

    fn witness(&self) -> LogWitness<'_> {
        LogWitness {
            log: &self.log,
            now: &crate::hook::clock,
        }
    }
}

/// The targets that some rule releases to, by name.
fn targets(bundle: &Bundle) -> BTreeSet<TargetName> {
    let rules = bundle.policy.rules.iter();
    rules
        .flat_map(|rule| rule.release.iter().cloned())
        .collect()
}

/// Releases and waits for the end.
fn by_hand(dir: &Path, only: Option<&str>, adopt: bool) -> anyhow::Result<Answer> {
    forbid_core_files()?;
    let server = Server::around(dir)?;
    let mut names = targets(&server.bundle()?);
    if let Some(only) = only {
        names.retain(|name| name.as_str() == only);
        if names.is_empty() {
            let shown = crate::types::escape(only.as_bytes());
            return Err(Failure::usage(format!(
                "no rule of the policy releases to `{shown}`"
            )));
        }
    }
    let adoption = match adopt {
        true => Adoption::Adopt,
        false => Adoption::Refuse,
    };
    let mut answer = Answer::pass("");
    for name in &names {
        let (orders, mut witness) = (server.orders(), server.witness());
        let outcome = run(
            server.setting(),
            name,
            &orders,
            &mut witness,
            adoption,
            Patience::Wait,
        );
        if outcome.is_err() {
            answer.exit = Exit::Refused;
        }
        answer.text += &told(name, &outcome);
    }
    if names.is_empty() {
        answer.text = "no rule of the policy releases anything\n".into();
    }
    Ok(answer)
}

/// Releases every target at once, tries again where that can help, and writes down what came of it.
fn work(dir: &Path) -> anyhow::Result<Answer> {
    detach()?;
    let names = targets(&Server::around(dir)?.bundle()?);
    std::thread::scope(|scope| {
        for name in &names {
            scope.spawn(move || ui::emit(&work_on(dir, name)));
        }
    });
    Ok(Answer::pass(""))
}

fn work_on(dir: &Path, name: &TargetName) -> String {
    let server = match Server::around(dir) {
        Ok(server) => server,
        Err(error) => return format!("{} {name}: {error}\n", crate::hook::clock()),
    };
    let (orders, mut witness) = (server.orders(), server.witness());
    let outcome = run_and_retry(server.setting(), name, &orders, &mut witness);
    format!("{} {}", crate::hook::clock(), told(name, &outcome))
}

/// An outcome for people.
fn told(name: &TargetName, outcome: &Result<Outcome, ReleaseError>) -> String {
    match outcome {
        Ok(Outcome::Released(order, totals)) => format!(
            "{name}: released {} ({} sent, {} deleted, {} unchanged)\n",
            order.commit.short(),
            totals.uploaded,
            totals.deleted,
            totals.unchanged
        ),
        Ok(Outcome::UpToDate(order)) => {
            format!("{name}: holds {} already\n", order.commit.short())
        }
        Ok(Outcome::NothingAccepted) => format!("{name}: nothing was accepted for it yet\n"),
        Ok(Outcome::LeftToAnother) => format!("{name}: left to another run\n"),
        Err(error) => {
            let code = error.code();
            let hints: String = error
                .hints()
                .iter()
                .map(|hint| format!("  hint: {hint}\n"))
                .collect();
            format!("{name}: stopped\n  {code} {error}\n{hints}  more: relhook explain {code}\n")
        }
    }
}

/// `relhook release status --json`.
#[derive(Debug, Serialize)]
struct StatusReport {
    schema: &'static str,
    targets: Vec<TargetStatus>,
}

/// One target.
#[derive(Debug, Serialize)]
pub(super) struct TargetStatus {
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

fn status(dir: &Path, json: bool) -> anyhow::Result<Answer> {
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
pub(super) fn statuses(dir: &Path) -> anyhow::Result<Vec<TargetStatus>> {
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
pub(super) fn shown(status: &TargetStatus) -> String {
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
