//! Who stands in for whom: on the server itself, or as a clone sees it.

use crate::client::{Deputy, View, Workspace};
use crate::facts::Store;
use crate::folder::{Folder, FolderError};
use crate::policy::Policy;
use crate::signature::Keyring;
use crate::types::Timestamp;
use anyhow::Context;
use std::path::Path;

/// The delegations that are not over, and by which policy they were looked at.
pub(in crate::cli) struct Deputies {
    /// The policy in force.
    pub policy: Policy,
    /// Where it is in force: the remote, or this server.
    pub of: String,
    pub all: Vec<Deputy>,
    /// The machine's clock.
    pub now: Timestamp,
}

/// Looks in the repository around `dir`; `open` opens it where it is a clone.
pub(in crate::cli) fn deputies(
    dir: &Path,
    open: impl FnOnce() -> anyhow::Result<Workspace>,
) -> anyhow::Result<Deputies> {
    let store = Store::open(dir)?;
    match Folder::open(store.git_dir()) {
        Ok(folder) => on_server(&store, &folder),
        Err(FolderError::Absent { .. }) => {
            let workspace = open()?;
            Ok(Deputies {
                policy: workspace.policy().clone(),
                of: workspace.remote.shown(),
                all: workspace.view().stand_ins()?,
                now: workspace.now,
            })
        }
        Err(
            error @ (FolderError::Exposed { .. }
            | FolderError::Group { .. }
            | FolderError::Io { .. }),
        ) => Err(error.into()),
    }
}

fn on_server(store: &Store, folder: &Folder) -> anyhow::Result<Deputies> {
    let (policy_id, bundle) = store
        .policy()?
        .context("there is no policy at refs/relhook/policy")?;
    let home = folder.path().join("keyring").join(policy_id.to_string());
    let keyring = Keyring::build(&bundle.policy, &bundle.keys, &home)?;
    let now = Timestamp::from_unix(jiff::Timestamp::now().as_second());
    let view = View {
        store,
        policy: &bundle.policy,
        keyring: &keyring,
        now,
    };
    Ok(Deputies {
        all: view.stand_ins()?,
        policy: bundle.policy,
        of: "this server".to_owned(),
        now,
    })
}
