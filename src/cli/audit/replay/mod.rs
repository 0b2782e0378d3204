//! `relhook audit replay`: every move of a protected ref judged again.

mod json;
mod render;

use crate::audit::{AuditError, AuditLog, LogKey};
use crate::cli::reading::Reader;
use crate::cli::{Answer, Exit, Failure};
use crate::client::{Freshness, KnownRollback, Workspace, branch};
use crate::replay::{Asked, Lost, Outcome, Replay, ReplayError, of_clone, of_log};
use crate::types::{Oid, RefName, Timestamp, escape};
use anyhow::Context;
use clap::Args;
use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// So many branches are looked at.
const MAX_REFS: usize = 100_000;

/// What `relhook audit replay` is asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
On the server it reads the log; in a clone, which has none, it looks for approvals of all that the
protected refs brought. Exit codes: 0 all holds up, 1 something does not, 3 cannot tell, 4 the log
does not verify.")]
pub struct ReplayArgs {
    /// A ref or branch to follow; several times for several. All protected ones without it
    #[arg(long = "ref", value_name = "REF")]
    refs: Vec<OsString>,
    /// In a clone: a copy of the log, the folder `audit` of the server's
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
    /// With --log: the log's public key, or a file with it. Without it, the one that the server shows
    #[arg(long, requires = "log")]
    key: Option<String>,
    /// In a clone, without a log: the commit at which judging begins
    #[arg(long, value_name = "COMMIT", conflicts_with = "log")]
    from: Option<OsString>,
    /// In a clone: the remote
    #[arg(long, value_name = "REMOTE")]
    remote: Option<OsString>,
    /// In a clone: use what was fetched last
    #[arg(long)]
    offline: bool,
    /// Answer as JSON (relhook/replay/v1)
    #[arg(long)]
    json: bool,
}

/// The refs that are named in full or as branches.
///
/// # Errors
/// A name that is none.
pub(in crate::cli) fn named_refs(names: &[OsString]) -> anyhow::Result<Vec<RefName>> {
    let named = |name: &OsString| branch(name).map_err(|error| Failure::usage(error.to_string()));
    names.iter().map(named).collect()
}

impl ReplayArgs {
    /// Runs it for the repository around `dir`.
    ///
    /// # Errors
    /// When the repository or its policy cannot be read, or the log cannot.
    pub(super) fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        let refs = named_refs(&self.refs)?;
        let Some(server) = Reader::on_server(dir)? else {
            return self.in_clone(dir, &refs);
        };
        if self.log.is_some() || self.from.is_some() {
            return Err(Failure::usage(
                "the log is here: --log and --from are for clones",
            ));
        }
        server.record_all("audit replay")?;
        self.answer(of_log(&server.log, server.store, &refs, Lost::Found))
    }

    fn in_clone(&self, dir: &Path, refs: &[RefName]) -> anyhow::Result<Answer> {
        let freshness = match self.offline {
            true => Freshness::Offline,
            false => Freshness::Fetched,
        };
        let workspace = Workspace::open(dir, self.remote.as_deref(), freshness)?;
        if freshness == Freshness::Fetched {
            for name in refs.iter().filter(|name| !name.is_under("refs/heads/")) {
                workspace.remote.fetch_one(&workspace.git, name)?;
            }
        }
        match &self.log {
            Some(path) => self.with_copy(workspace, path, refs),
            None => {
                let rolled_back = rolled_back(&workspace)?;
                let is_told = |one: &&KnownRollback| one.lost.is_some();
                let untold = rolled_back
                    .iter()
                    .filter(|(_, all)| !all.iter().all(|one| is_told(&one)))
                    .map(|(name, _)| name.clone())
                    .collect();
                let undone = |name: &RefName, commits: &[Oid]| {
                    let all = rolled_back.get(name).into_iter().flatten();
                    let all = all.filter(is_told);
                    all.filter_map(|one| one.undone(commits)).collect()
                };
                let asked = Asked {
                    undone: &undone,
                    untold: &untold,
                    refs,
                    from: self.from(&workspace)?,
                    remote: workspace.remote.shown(),
                    checkpoint: workspace.checkpoint(),
                    now: workspace.now,
                };
                self.answer(of_clone(workspace.store, &asked))
            }
        }
    }

    fn from(&self, workspace: &Workspace) -> anyhow::Result<Option<Oid>> {
        let Some(from) = &self.from else {
            return Ok(None);
        };
        let mut commit = from.clone();
        commit.push("^{commit}");
        let options = ["rev-parse", "--verify", "-q", "--end-of-options"].map(OsString::from);
        let found = workspace.git.maybe(&[&options[..], &[commit]].concat())?;
        let oid = found.and_then(|hex| Oid::from_hex(&hex).ok());
        let shown = escape(from.as_bytes());
        oid.map(Some)
            .ok_or_else(|| Failure::usage(format!("--from: `{shown}` names no commit here")))
    }

    /// The replay of a copy of the log, which has to be the log that the server shows.
    fn with_copy(
        &self,
        workspace: Workspace,
        path: &Path,
        refs: &[RefName],
    ) -> anyhow::Result<Answer> {
        match copy_of(&workspace, path, self.key.as_deref())? {
            CopyOf::Log(log) => self.answer(of_log(&log, workspace.store, refs, Lost::Doubt)),
            CopyOf::Broken(answer) => Ok(answer),
        }
    }

    fn answer(&self, replay: Result<Replay, ReplayError>) -> anyhow::Result<Answer> {
        let replay = match replay {
            Ok(replay) => replay,
            Err(ReplayError::Audit(error)) => return broken(error),
            Err(error) => return Err(error.into()),
        };
        Ok(Answer {
            text: match self.json {
                true => json::answer(&replay),
                false => render::answer(&replay),
            },
            exit: match replay.outcome() {
                Outcome::Clean => Exit::Pass,
                Outcome::Found => Exit::Refused,
                Outcome::Unclear => Exit::CannotTell,
            },
        })
    }
}

/// What the server shows of rollbacks, by the refs of the clone's mirror.
fn rolled_back(workspace: &Workspace) -> anyhow::Result<HashMap<RefName, Vec<KnownRollback>>> {
    let branches = workspace.store.refs_below(b"refs/heads/", MAX_REFS)?;
    let names = branches.iter().map(|(name, _)| name);
    Ok(workspace.rollbacks(names)?)
}

/// A copy of a log.
pub(in crate::cli) enum CopyOf {
    /// It is the log that the server shows.
    Log(AuditLog),
    /// It is not, as the answer says.
    Broken(Answer),
}

/// The copy of the log at `path`, which has to be the log that the server shows; by `key`, or the key that
/// the server shows.
///
/// # Errors
/// When there is no key, or the copy cannot be read or is too old.
pub(in crate::cli) fn copy_of(
    workspace: &Workspace,
    path: &Path,
    key: Option<&str>,
) -> anyhow::Result<CopyOf> {
    let key = match (key, &workspace.log) {
        (Some(key), _) => match std::fs::read_to_string(key) {
            Ok(text) => LogKey::parse(&text),
            Err(_) => LogKey::parse(key),
        }
        .context("the key is none of a log")?,
        (None, Some(seen)) => seen.key.clone(),
        (None, None) => {
            return Err(Failure::usage(
                "the server shows no log here: --key says by which key the copy is to be read",
            ));
        }
    };
    let log = AuditLog::copy(path, key);
    if let Some(seen) = &workspace.log {
        match log.extends(&seen.checkpoint) {
            Ok(_) => {}
            Err(AuditError::Truncated {
                found, recorded, ..
            }) => anyhow::bail!(
                "the copy ends at entry {found}, and the server's log has {recorded}: copy it again"
            ),
            Err(error) => return broken(error).map(CopyOf::Broken),
        }
    }
    Ok(CopyOf::Log(log))
}

/// Of a log that does not verify there is no replay.
///
/// # Errors
/// When it is not that, but could not be read.
pub(in crate::cli) fn broken(error: AuditError) -> anyhow::Result<Answer> {
    if !error.is_integrity() {
        return Err(error.into());
    }
    Ok(Answer {
        text: format!("RH702: {error}\nof a log that does not verify there is no replay\n"),
        exit: Exit::Integrity,
    })
}

/// When something was, for people.
fn day(time: Timestamp) -> String {
    let text = time.to_string();
    text.get(..16)
        .map_or(text.clone(), |minute| minute.replace('T', " "))
}
