//! `relhook directory sync`: people and teams of a directory, as a change of the policy.

mod json;

use super::{Answer, Exit, Failure};
use crate::client::{Freshness, Workspace, branch};
use crate::directory::{
    self, MAX_SETTINGS_BYTES, Outcome, Plan, Report, Settings, Snapshot, Waivers,
};
use crate::policy::rewrite::{Notes, Register, rewrite};
use crate::policy::{MAX_POLICY_BYTES, Policy, Warning, locks_out, warnings};
use crate::types::{PersonName, TeamName, Timestamp, escape};
use crate::ui;
use anyhow::Context;
use clap::{Args, Subcommand};
use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What can be done with a directory.
#[derive(Debug, Subcommand)]
pub enum DirectoryCommand {
    /// Bring the policy's people and teams to what LDAP or Active Directory says
    Sync(SyncArgs),
}

/// What `relhook directory sync` is asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
It reads the directory once, whole or not at all, shows what would change and what that means for
approvals that wait, and commits the new policy.yaml, signed, to a branch of this clone. It is in
force only when somebody else has approved it and it is pushed. Keys are never taken from a
directory. The settings are described in docs/directory.md.")]
pub struct SyncArgs {
    /// The settings
    #[arg(long, value_name = "FILE", default_value = "directory.yaml")]
    settings: PathBuf,
    /// The remote whose policy it is
    #[arg(long, value_name = "REMOTE", conflicts_with = "policy")]
    remote: Option<OsString>,
    /// Use what was fetched last
    #[arg(long, conflicts_with = "policy")]
    offline: bool,
    /// Change this file's policy instead of a remote's; needs no clone
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Only say what would be
    #[arg(long, conflicts_with = "output")]
    dry_run: bool,
    /// Write the new policy into this file instead of a commit
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The branch of the commit
    #[arg(long, value_name = "NAME", default_value = "directory-sync")]
    branch: OsString,
    /// Let this team lose everybody
    #[arg(long, value_name = "TEAM")]
    allow_empty: Vec<String>,
    /// Let this person, who is disabled in the policy, count again
    #[arg(long, value_name = "PERSON")]
    enable: Vec<String>,
    /// Answer as JSON (relhook/directory-sync/v1)
    #[arg(long)]
    json: bool,
}

/// The policy that is to change, and where from.
struct Source {
    workspace: Option<Workspace>,
    name: String,
    text: Vec<u8>,
    policy: Policy,
}

impl DirectoryCommand {
    /// Runs it.
    ///
    /// # Errors
    /// When the settings, the policy or the directory cannot be read, or the result not written.
    pub fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        match self {
            Self::Sync(args) => args.run(dir),
        }
    }
}

impl SyncArgs {
    fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        if self.policy.is_some() && self.output.is_none() && !self.dry_run {
            let message =
                "--policy goes with --output or --dry-run: only a clone can hold a commit";
            return Err(Failure::usage(message));
        }
        let settings = settings(&self.settings)?;
        let source = self.source(dir)?;
        let now = Timestamp::from_unix(jiff::Timestamp::now().as_second());
        let snapshot = directory::read(&settings, now)?;
        let old = Register::of(&source.text)?;
        let plan = directory::plan(&settings, &snapshot, &old, &self.waivers());
        let report = self.carry_out(&settings, &snapshot, plan, &source)?;
        let exit = match report.outcome {
            Outcome::Refused => Exit::Refused,
            Outcome::Unchanged
            | Outcome::Shown
            | Outcome::Written { .. }
            | Outcome::Committed { .. } => Exit::Pass,
        };
        let text = if self.json {
            json::answer(&report)
        } else {
            ui::directory_report(&report)
        };
        Ok(Answer { text, exit })
    }

    fn waivers(&self) -> Waivers {
        Waivers {
            empty: self.allow_empty.iter().map(TeamName::new).collect(),
            enable: self.enable.iter().map(PersonName::new).collect(),
        }
    }

    fn source(&self, dir: &Path) -> anyhow::Result<Source> {
        let (workspace, name, text) = match &self.policy {
            Some(file) => {
                let text = bounded(file, MAX_POLICY_BYTES)?;
                (None, escape(file.as_os_str().as_bytes()), text)
            }
            None => {
                let freshness = if self.offline {
                    Freshness::Offline
                } else {
                    Freshness::Fetched
                };
                let workspace = Workspace::open(dir, self.remote.as_deref(), freshness)?;
                let text = workspace.policy_text()?;
                (Some(workspace), crate::policy::POLICY_FILE.to_owned(), text)
            }
        };
        let policy = Policy::parse(&text, &name).map_err(Failure::refused)?;
        Ok(Source {
            workspace,
            name,
            text,
            policy,
        })
    }

    /// Makes the new policy, holds it against the check that every policy has to pass, and puts it
    /// where it was asked for.
    fn carry_out(
        &self,
        settings: &Settings,
        snapshot: &Snapshot,
        plan: Plan,
        source: &Source,
    ) -> anyhow::Result<Report> {
        let mut report = Report {
            server: settings.server.to_string(),
            kind: snapshot.kind,
            accounts: snapshot.accounts.len(),
            changes: plan.changes,
            remarks: plan.remarks,
            conflicts: plan.conflicts,
            complaints: Vec::new(),
            warnings: Vec::new(),
            effects: Vec::new(),
            unread: 0,
            outcome: Outcome::Refused,
        };
        if !report.conflicts.is_empty() {
            return Ok(report);
        }
        if report.changes.is_empty() {
            report.outcome = Outcome::Unchanged;
            return Ok(report);
        }
        let text = rewrite(&source.text, &plan.register, &Notes::new())?;
        let new = match Policy::parse(text.as_bytes(), &source.name) {
            Ok(new) => new,
            Err(errors) => {
                report.complaints = errors.lines();
                return Ok(report);
            }
        };
        report.warnings = new_warnings(&source.policy, &new);
        if let Some(workspace) = &source.workspace {
            let standing = workspace.view().standing(&workspace.git)?;
            report.effects = directory::effects(&source.policy, &new, &standing.statements);
            report.unread = standing.unread;
        }
        if let Some(why) = locks_out(&new) {
            report.complaints.push(why);
            return Ok(report);
        }
        report.outcome = self.deliver(&report, &text, source)?;
        Ok(report)
    }

    fn deliver(&self, report: &Report, text: &str, source: &Source) -> anyhow::Result<Outcome> {
        if let Some(file) = &self.output {
            write(file, text)?;
            let file = escape(file.as_os_str().as_bytes());
            return Ok(Outcome::Written { file });
        }
        let Some(workspace) = source.workspace.as_ref().filter(|_| !self.dry_run) else {
            return Ok(Outcome::Shown);
        };
        let branch = branch(&self.branch)?;
        let commit = workspace.commit_policy(text, &message(report), &branch)?;
        let name = branch.to_string();
        let name = name.strip_prefix("refs/heads/").unwrap_or(&name);
        Ok(Outcome::Committed {
            branch: name.to_owned(),
            commit,
            remote: workspace.remote.shown(),
        })
    }
}

fn settings(file: &Path) -> anyhow::Result<Settings> {
    let name = escape(file.as_os_str().as_bytes());
    let bytes = bounded(file, MAX_SETTINGS_BYTES)?;
    let folder = file.parent().unwrap_or(Path::new("."));
    Settings::parse(&bytes, &name, folder).map_err(|errors| Failure::usage(errors.to_string()))
}

/// A file's bytes, and one more than the limit at most, which whoever reads them then refuses.
fn bounded(file: &Path, limit: usize) -> anyhow::Result<Vec<u8>> {
    let name = escape(file.as_os_str().as_bytes());
    let opened = std::fs::File::open(file).with_context(|| format!("{name} cannot be read"))?;
    let mut bytes = Vec::new();
    let read = opened.take(limit as u64 + 1).read_to_end(&mut bytes);
    read.with_context(|| format!("{name} cannot be read"))?;
    Ok(bytes)
}

/// Puts the whole text in place of the file, or leaves what was there.
fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    let name = escape(file.as_os_str().as_bytes());
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let whole = || -> std::io::Result<()> {
        let mut new = tempfile::Builder::new()
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(folder)?;
        new.write_all(text.as_bytes())?;
        new.as_file().sync_all()?;
        new.persist(file).map_err(|error| error.error)?;
        Ok(())
    };
    whole().with_context(|| format!("{name} cannot be written"))
}

/// What the check of the new policy warns of and that of the old one did not.
fn new_warnings(old: &Policy, new: &Policy) -> Vec<String> {
    let before: Vec<Warning> = warnings(old, None);
    let after = warnings(new, None).into_iter();
    let after = after.filter(|warning| !before.contains(warning));
    after.map(|warning| warning.to_string()).collect()
}

/// The commit's message: what changes, in the words of the report.
fn message(report: &Report) -> String {
    let mut quiet = report.clone();
    quiet.outcome = Outcome::Unchanged;
    let text = ui::directory_report(&quiet);
    let body = text
        .trim_end()
        .rsplit_once("\n\n")
        .map_or(text.as_str(), |(body, _)| body);
    format!("Bring people and teams to what the directory says\n\n{body}\n")
}
