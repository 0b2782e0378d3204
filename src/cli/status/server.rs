//! What only the server can tell: whether it is whole, and whether its refs are what was accepted.

use super::{Seen, Status};
use crate::audit::{AuditLog, Recorded};
use crate::cli::reading::Disclosure;
use crate::client::{Git, Standing, View};
use crate::decide::DebtVerdict;
use crate::facts::Store;
use crate::folder::Folder;
use crate::install::{Mode, Request, StepState, install_server};
use crate::ledger::Ledger;
use crate::notify::{Troubled, troubled};
use crate::policy::Bundle;
use crate::signature::Keyring;
use crate::streams;
use crate::types::{RefName, Timestamp};
use anyhow::Context;
use std::path::Path;

/// How the server itself is.
pub(super) struct ServerState {
    /// What `relhook init` would put right, or why it could not even look.
    pub missing: Vec<String>,
    /// What is worth a look.
    pub warnings: Vec<String>,
    /// The audit log's last entry, or why there is none.
    pub log: Result<Recorded, String>,
    /// Protected refs whose value no verdict accepted.
    pub strays: Vec<RefName>,
    /// Each target, as `relhook release status` shows it; or why that cannot be told.
    pub targets: Result<Vec<crate::cli::release::TargetStatus>, String>,
}

impl ServerState {
    /// Whether everything is as it has to be.
    pub fn is_sound(&self) -> bool {
        self.missing.is_empty() && self.log.is_ok() && self.strays.is_empty()
    }
}

/// Looks at a server's own repository.
pub(super) fn look(dir: &Path, store: Store, folder: &Folder) -> anyhow::Result<Status> {
    let (policy_id, bundle) = store
        .policy()?
        .context("there is no policy at refs/relhook/policy")?;
    let home = folder.path().join("keyring").join(policy_id.to_string());
    let keyring = Keyring::build(&bundle.policy, &bundle.keys, &home)?;
    let view = View {
        store: &store,
        policy: &bundle.policy,
        keyring: &keyring,
        now: Timestamp::from_unix(jiff::Timestamp::now().as_second()),
    };
    let standing = view.standing(&Git::at(store.git_dir()))?;
    let log = AuditLog::at(folder.path());
    let debts = owed(view, folder, &log)?;
    let (missing, mut warnings) = installation(dir);
    warnings.extend(untold(folder.path(), &bundle));
    let mut disclosure = Disclosure::by("status");
    warnings.extend(unsent(folder.path(), &bundle, &mut || {
        disclosure.ask(&store, &log)
    }));
    let state = ServerState {
        missing,
        warnings,
        strays: strays(&standing, folder, &log)?,
        log: log.last().map_err(|error| error.to_string()),
        targets: crate::cli::release::statuses(dir, &mut disclosure)
            .map_err(|error| error.to_string()),
    };
    Ok(Status {
        now: view.now,
        policy: bundle.policy,
        policy_id,
        seen: Seen::Server(state),
        standing,
        debts,
    })
}

/// What is owed for emergencies, by the log's time where that is later.
fn owed(view: View<'_>, folder: &Folder, log: &AuditLog) -> anyhow::Result<Vec<DebtVerdict>> {
    let ledger = Ledger::open(folder.path(), log)?;
    let refs = ledger.refs()?.into_iter();
    let refs = refs.filter(|(_, known)| !known.emergencies().is_empty());
    let refs: Vec<RefName> = refs.map(|(name, _)| name).collect();
    if refs.is_empty() {
        return Ok(Vec::new());
    }
    let now = log.last().map_or(view.now, |last| view.now.max(last.time));
    Ok(View { now, ..view }.owed(&ledger, &refs))
}

/// Who is not told what they are to be told.
fn untold(folder: &Path, bundle: &Bundle) -> Vec<String> {
    let sentence = |one: Troubled| {
        let again = one.retry_at.map(|at| format!(", again {at}"));
        format!(
            "the notifier {} does not get through ({} times{}): {}",
            one.notifier,
            one.failures,
            again.unwrap_or_default(),
            one.error
        )
    };
    match troubled(folder, bundle) {
        Ok(all) => all.into_iter().map(sentence).collect(),
        Err(error) => vec![format!("what was told cannot be said: {error}")],
    }
}

/// Which streams of the log do not get through. Why is kept beside an entry, and is shown only where that
/// may be: `ask` says.
fn unsent(
    folder: &Path,
    bundle: &Bundle,
    ask: &mut dyn FnMut() -> Result<(), String>,
) -> Vec<String> {
    let sentence = |one: streams::Troubled| {
        let again = one.retry_at.map(|at| format!(", again {at}"));
        format!(
            "the stream {} does not get through behind entry {} ({} times{}): {}",
            one.stream,
            one.sent,
            one.failures,
            again.unwrap_or_default(),
            ask().map_or_else(|instead| instead, |()| one.error)
        )
    };
    match streams::troubled(folder, bundle) {
        Ok(all) => all.into_iter().map(sentence).collect(),
        Err(error) => vec![format!("what was sent cannot be said: {error}")],
    }
}

/// What `relhook init` would do.
fn installation(dir: &Path) -> (Vec<String>, Vec<String>) {
    let report = std::env::current_exe()
        .map_err(|error| error.to_string())
        .and_then(|program| {
            install_server(&Request {
                dir: dir.to_owned(),
                program,
                policy: None,
                keys: None,
                layout: None,
                audit_group: None,
                mode: Mode::DryRun,
            })
            .map_err(|error| error.to_string())
        });
    match report {
        Err(why) => (vec![why], Vec::new()),
        Ok(report) => {
            let steps = report.steps.into_iter();
            let missing = steps.filter(|step| step.state != StepState::Kept);
            (missing.map(|step| step.what).collect(), report.warnings)
        }
    }
}

/// The protected refs that are where no verdict put them: something moved them past the hooks.
fn strays(standing: &Standing, folder: &Folder, log: &AuditLog) -> anyhow::Result<Vec<RefName>> {
    let ledger = Ledger::open(folder.path(), log)?;
    let mut strays = Vec::new();
    for (name, oid) in &standing.refs {
        if !ledger.record(name)?.knows(*oid) {
            strays.push(name.clone());
        }
    }
    Ok(strays)
}
