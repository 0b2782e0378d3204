//! `relhook release`: brings the targets to what was accepted for them, now; and says how they are.

mod compare;
mod course;
mod history;
mod lift;
mod list;
mod show;
mod status;
mod watch;
mod work;

use super::{Answer, Failure};
use crate::dispatch::{LedgerOrders, LogWitness};
use crate::facts::Store;
use crate::policy::Bundle;
use crate::release::{Seal, Setting, forbid_core_files};
use crate::server::Server;
use crate::types::TargetName;
use anyhow::Context;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::Path;

pub(in crate::cli) use status::{TargetStatus, shown, statuses};
pub(in crate::cli) use work::tell;

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
    /// Show what is on the target and equal, what differs, what is missing and what else is there;
    /// touch nothing
    #[arg(long, requires = "target", conflicts_with = "adopt")]
    pub compare: bool,
    /// Overwrite what somebody changed by hand on the target, whatever the policy's `drift` says
    #[arg(long, requires = "target")]
    pub overwrite: bool,
    /// Read back every file that is sent, and compare its content
    #[arg(long)]
    pub deep: bool,
    /// Go back to an earlier release and stay there until something newer is accepted: an entry's
    /// number, a commit, `previous`; or `latest`, to follow again
    #[arg(long, value_name = "RELEASE", requires_all = ["target", "reason"])]
    #[arg(conflicts_with_all = ["adopt", "compare"])]
    pub to: Option<String>,
    /// Why it goes there, for the log
    #[arg(long, value_name = "TEXT", requires = "to")]
    pub reason: Option<String>,
    /// Run detached for a push that has been answered
    #[arg(long, hide = true, conflicts_with_all = ["target", "adopt", "compare", "deep"])]
    pub worker: bool,
    /// What is due, once: for a timer
    #[arg(long, hide = true, conflicts_with_all = ["target", "adopt", "compare", "worker"])]
    pub due: bool,
    /// What else
    #[command(subcommand)]
    pub command: Option<ReleaseCommand>,
}

/// What can be asked about releases.
#[derive(Debug, clap::Subcommand)]
pub enum ReleaseCommand {
    /// Show each target: what it is to hold, what it was brought to, and how the last run ended
    Status(status::StatusArgs),
    /// List what each target can go back to: what was accepted for it, and what of it was released
    List(list::ListArgs),
    /// Show what was released when, who let it, how it ended and how long it took
    Log(history::LogArgs),
    /// Sign that a release may go on to a stage that holds it
    Lift(lift::LiftArgs),
    /// Print the public key by which the records on targets are signed
    Key,
}

impl ReleaseArgs {
    /// Runs it for the repository around `dir`.
    ///
    /// # Errors
    /// When the repository, its record or its policy cannot be read.
    pub fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        match &self.command {
            Some(ReleaseCommand::Status(args)) => args.run(dir),
            Some(ReleaseCommand::List(args)) => args.run(dir),
            Some(ReleaseCommand::Log(args)) => args.run(dir),
            Some(ReleaseCommand::Lift(args)) => args.run(dir),
            Some(ReleaseCommand::Key) => key(dir),
            None if self.worker => work::work(dir, work::Stay::UntilDone),
            None if self.due => work::work(dir, work::Stay::Once),
            None if self.compare => compare::by_hand(dir, self.target.as_deref()),
            None => work::by_hand(dir, self),
        }
    }
}

impl Server {
    pub(in crate::cli) fn around(dir: &Path) -> anyhow::Result<Self> {
        Ok(Self::beside(Store::open(dir)?)?)
    }

    pub(in crate::cli) fn bundle(&self) -> anyhow::Result<Bundle> {
        let (_, bundle) = self
            .store
            .policy()?
            .context("there is no policy in force")?;
        Ok(bundle)
    }

    pub(in crate::cli) fn orders(&self) -> LedgerOrders<'_> {
        LedgerOrders {
            server: self,
            now: &crate::hook::clock,
        }
    }

    pub(in crate::cli) fn setting(&self) -> Setting<'_> {
        Setting {
            git_dir: self.store.git_dir(),
            folder: self.folder.path(),
            program: None,
            now: &crate::hook::clock,
        }
    }

    pub(in crate::cli) fn witness(&self) -> LogWitness<'_> {
        LogWitness {
            log: &self.log,
            now: &crate::hook::clock,
        }
    }
}

/// The server's public release key.
fn key(dir: &Path) -> anyhow::Result<Answer> {
    forbid_core_files()?;
    let server = Server::around(dir)?;
    Ok(Answer::pass(Seal::open(server.folder.path())?.public_pem()))
}

/// What is reported about targets: as JSON, or each as it is `shown`.
fn told<R: Serialize, T>(
    report: &R,
    targets: &[T],
    json: bool,
    shown: impl Fn(&T) -> String,
) -> anyhow::Result<Answer> {
    Ok(Answer::pass(if json {
        serde_json::to_string_pretty(report)? + "\n"
    } else if targets.is_empty() {
        "no rule of the policy releases anything\n".into()
    } else {
        targets.iter().map(shown).collect()
    }))
}

/// The targets that are meant: all, or the one that is named.
pub(in crate::cli) fn chosen(
    bundle: &Bundle,
    only: Option<&str>,
) -> anyhow::Result<BTreeSet<TargetName>> {
    let mut names = targets(bundle);
    if let Some(only) = only {
        names.retain(|name| name.as_str() == only);
        if names.is_empty() {
            let shown = crate::types::escape(only.as_bytes());
            return Err(Failure::usage(format!(
                "no rule of the policy releases to `{shown}`"
            )));
        }
    }
    Ok(names)
}

/// The targets that some rule releases to, by name.
fn targets(bundle: &Bundle) -> BTreeSet<TargetName> {
    let rules = bundle.policy.rules.iter();
    rules
        .flat_map(|rule| rule.release.iter().cloned())
        .collect()
}
