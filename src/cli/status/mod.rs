//! `relhook status`: how things stand, on the server or seen from a clone.

pub(in crate::cli) mod json;
mod render;
mod server;

use super::{Answer, Exit};
use crate::client::{Freshness, Standing, View, Workspace};
use crate::decide::DebtVerdict;
use crate::facts::Store;
use crate::folder::{Folder, FolderError};
use crate::policy::Policy;
use crate::types::{Oid, Timestamp};
use clap::Args;
use server::ServerState;
use std::ffi::OsString;
use std::path::Path;

/// What `relhook status` is asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
On the server it also says whether hooks, settings and the record are in place, and what each target
holds; it exits 1 where something is not as it has to be.")]
pub struct StatusArgs {
    /// In a clone: the remote
    #[arg(long, value_name = "REMOTE")]
    remote: Option<OsString>,
    /// In a clone: use what was fetched last
    #[arg(long)]
    offline: bool,
    /// Answer as JSON (relhook/status/v1)
    #[arg(long)]
    json: bool,
}

/// How things stand.
struct Status {
    policy: Policy,
    policy_id: Oid,
    /// Where that was seen: a remote, or the server itself.
    seen: Seen,
    standing: Standing,
    /// The machine's clock.
    now: Timestamp,
    /// What is owed for emergencies.
    debts: Vec<DebtVerdict>,
}

/// Where things were looked at.
enum Seen {
    /// In a clone of this remote.
    Clone { remote: String, offline: bool },
    /// On the server.
    Server(ServerState),
}

impl StatusArgs {
    /// Says how things stand.
    ///
    /// # Errors
    /// When the repository or its policy cannot be read.
    pub fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        let store = Store::open(dir)?;
        let status = match Folder::open(store.git_dir()) {
            Ok(folder) => server::look(dir, store, &folder)?,
            Err(FolderError::Absent { .. }) => self.look_from_clone(dir)?,
            Err(
                error @ (FolderError::Exposed { .. }
                | FolderError::Group { .. }
                | FolderError::Io { .. }),
            ) => {
                return Err(error.into());
            }
        };
        let text = if self.json {
            json::answer(&status)
        } else {
            render::answer(&status)
        };
        Ok(Answer {
            text,
            exit: match &status.seen {
                Seen::Server(state) if !state.is_sound() => Exit::Refused,
                Seen::Server(_) | Seen::Clone { .. } => Exit::Pass,
            },
        })
    }

    fn look_from_clone(&self, dir: &Path) -> anyhow::Result<Status> {
        let freshness = if self.offline {
            Freshness::Offline
        } else {
            Freshness::Fetched
        };
        let workspace = Workspace::open(dir, self.remote.as_deref(), freshness)?;
        let view: View<'_> = workspace.view();
        let standing = view.standing(&workspace.git)?;
        Ok(Status {
            seen: Seen::Clone {
                remote: workspace.remote.shown(),
                offline: self.offline,
            },
            policy_id: workspace.policy_id,
            now: workspace.now,
            debts: workspace.owed(),
            policy: workspace.bundle.policy,
            standing,
        })
    }
}
