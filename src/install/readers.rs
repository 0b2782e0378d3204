//! Who may read the audit log: this account, and the group that was named, if one was.

use super::report::{Report, StepState};
use super::{InstallError, Mode};
use crate::audit::AuditLog;
use crate::folder::{AUDIT_GID, Folder, share};
use crate::setup::{Git, Settings, group_named};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The setting that holds the group's name.
const AUDIT_GROUP: &str = "relhook.auditGroup";

/// Which group of the machine may read the audit log. It is the machine's business: a policy, which
/// anybody can propose, does not choose accounts of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditGroup {
    /// The one with this name.
    Named(String),
    /// None.
    Nobody,
}

/// The group, with its number.
pub(in crate::install) struct Readers {
    group: Option<(String, u32)>,
}

impl Readers {
    /// The one that is asked for, or that the settings name.
    ///
    /// # Errors
    /// When there is no such group, or this account is not in it.
    pub(in crate::install) fn of(
        asked: Option<&AuditGroup>,
        settings: &Settings,
    ) -> Result<Self, InstallError> {
        let set = || {
            let set = settings.local(AUDIT_GROUP).last()?.value.clone()?;
            String::from_utf8(set).ok()
        };
        let name = match asked {
            Some(AuditGroup::Nobody) => None,
            Some(AuditGroup::Named(name)) => Some(name.clone()),
            None => set(),
        };
        let Some(name) = name else {
            return Ok(Self { group: None });
        };
        let refused = |why: String| InstallError::AuditGroup {
            name: crate::types::escape(name.as_bytes()),
            why,
        };
        let gid = group_named(&name).ok_or_else(|| refused("there is no such group".into()))?;
        if !is_mine(gid) {
            let account = crate::setup::acting();
            return Err(refused(format!(
                "the account {account} is not in it: usermod -aG {name} {account}, then log in again"
            )));
        }
        Ok(Self {
            group: Some((name, gid)),
        })
    }

    fn gid(&self) -> Option<u32> {
        self.group.as_ref().map(|(_, gid)| *gid)
    }

    /// Puts the settings and relhook's own folder in place: nothing else opens before.
    ///
    /// # Errors
    /// When git or the system says no.
    pub(in crate::install) fn put_folder(
        &self,
        git: &Git,
        git_dir: &Path,
        settings: &Settings,
        mode: Mode,
        report: &mut Report,
    ) -> Result<(), InstallError> {
        let (name, gid) = match &self.group {
            Some((name, gid)) => (Some(name.clone()), Some(gid.to_string())),
            None => (None, None),
        };
        for (key, value) in [(AUDIT_GROUP, name), (AUDIT_GID, gid)] {
            put_setting(git, settings, (key, value.as_deref()), mode, report)?;
        }
        let path = git_dir.join("relhook");
        let Ok(meta) = fs::symlink_metadata(&path) else {
            return Ok(());
        };
        let wanted = match self.group {
            Some(_) => 0o750,
            None => 0o700,
        };
        let gid = self.gid().unwrap_or(meta.gid());
        let ours = meta.uid() == rustix::process::geteuid().as_raw();
        let stands = meta.mode() & 0o7777 == wanted && meta.gid() == gid;
        if ours && meta.is_dir() && !stands && mode == Mode::Apply {
            share(&path, gid, wanted).map_err(InstallError::io(&path))?;
        }
        Ok(())
    }

    /// Gives every file of the log the mode and the group that it has to have.
    ///
    /// # Errors
    /// When the system says no.
    pub(in crate::install) fn put_log(
        &self,
        git_dir: &Path,
        mode: Mode,
        report: &mut Report,
    ) -> Result<(), InstallError> {
        let log = AuditLog::at(&git_dir.join("relhook"));
        if log.is_old()? || !log.is_begun()? {
            return Ok(());
        }
        let state = match (log.is_open_to(self.gid())?, mode) {
            (true, _) => StepState::Kept,
            (false, Mode::DryRun) => StepState::Would,
            (false, Mode::Apply) => {
                log.open_to(self.gid())?;
                StepState::Done
            }
        };
        match (&self.group, state) {
            (Some((name, _)), state) => {
                report.step(state, format!("audit log, for the group {name} to read"));
            }
            (None, StepState::Kept) => {}
            (None, state) => report.step(state, "audit log, for this account alone"),
        }
        Ok(())
    }

    /// The folder, as its group can enter it, where it was made just now.
    ///
    /// # Errors
    /// When the system says no.
    pub(in crate::install) fn made(&self, folder: &Folder) -> Result<(), InstallError> {
        match self.gid() {
            Some(gid) => share(folder.path(), gid, 0o750).map_err(InstallError::io(folder.path())),
            None => Ok(()),
        }
    }
}

fn put_setting(
    git: &Git,
    settings: &Settings,
    (key, value): (&str, Option<&str>),
    mode: Mode,
    report: &mut Report,
) -> Result<(), InstallError> {
    let local = settings.local(key);
    let stands = match value {
        None if local.is_empty() => return Ok(()),
        None => false,
        Some(value) => local
            .last()
            .is_some_and(|set| set.value.as_deref() == Some(value.as_bytes())),
    };
    let (args, what) = match value {
        Some(value) => (
            vec!["config", "--local", "--replace-all", key, value],
            format!("setting {key} = {value}"),
        ),
        None => (
            vec!["config", "--local", "--unset-all", key],
            format!("setting {key} taken away"),
        ),
    };
    let state = match (stands, mode) {
        (true, _) => StepState::Kept,
        (false, Mode::DryRun) => StepState::Would,
        (false, Mode::Apply) => {
            git.ask(&args)?;
            StepState::Done
        }
    };
    report.step(state, what);
    Ok(())
}

/// Whether this process may give a file to the group.
fn is_mine(gid: u32) -> bool {
    let groups = rustix::process::getgroups().unwrap_or_default();
    rustix::process::geteuid().is_root()
        || rustix::process::getegid().as_raw() == gid
        || groups.iter().any(|group| group.as_raw() == gid)
}
