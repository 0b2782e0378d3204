//! Looking a repository over before anything is changed.

use super::InstallError;
use crate::facts::Store;
use crate::setup::{Git, OLDEST_GIT, Settings};
use crate::types::escape;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A repository that relhook can work in.
#[derive(Debug)]
pub(in crate::install) struct Surveyed {
    /// What the hooks will read.
    pub(in crate::install) store: Store,
    /// Its absolute folder.
    pub(in crate::install) git_dir: PathBuf,
    /// Where its hooks are.
    pub(in crate::install) hooks: PathBuf,
    /// Its settings.
    pub(in crate::install) settings: Settings,
    /// git's version.
    pub(in crate::install) version: String,
    /// What a person should look at.
    pub(in crate::install) warnings: Vec<String>,
}

/// Looks over the bare repository that `git` stands in.
///
/// # Errors
/// Whatever would make the rule hold less than it says.
pub(in crate::install) fn server(git: &Git, program: &Path) -> Result<Surveyed, InstallError> {
    let version = version(git)?;
    let git_dir = git.path(&["rev-parse", "--absolute-git-dir"])?;
    if git.ask(&["rev-parse", "--is-bare-repository"])? != b"true\n" {
        return Err(InstallError::NotBare { path: git_dir });
    }
    // What the hooks will open has to be what relhook can read, and tell one history.
    let store = Store::open(&git_dir)?;
    let settings = git.settings()?;
    let hooks = git_dir.join("hooks");
    check_hooks_path(&settings, &hooks)?;
    let mut warnings = flag_settings(&settings);
    warnings.extend_from_slice(store.warnings());
    warnings.extend(flag_worktrees(&git_dir)?);
    warnings.extend(flag_refs(&git_dir)?);
    warnings.extend(flag_writers(&git_dir));
    warnings.extend(flag_writers(program));
    Ok(Surveyed {
        store,
        git_dir,
        hooks,
        settings,
        version,
        warnings,
    })
}

/// git's version, if it is new enough.
///
/// # Errors
/// When it is not.
pub(in crate::install) fn version(git: &Git) -> Result<String, InstallError> {
    let (numbers, version) = git.version()?;
    if numbers < OLDEST_GIT {
        return Err(InstallError::OldGit { version });
    }
    Ok(version)
}

/// git runs the hooks of one folder only; it has to be this one, whoever pushes.
pub(in crate::install) fn check_hooks_path(
    settings: &Settings,
    hooks: &Path,
) -> Result<(), InstallError> {
    let Some(set) = settings.last("core.hooksPath") else {
        return Ok(());
    };
    let value = set.value.as_deref().unwrap_or_default();
    if set.scope == "local" && value == hooks.as_os_str().as_bytes() {
        return Ok(());
    }
    Err(InstallError::HooksElsewhere {
        value: set.shown(),
        scope: set.scope.clone(),
        hooks: hooks.to_owned(),
    })
}

fn flag_settings(settings: &Settings) -> Vec<String> {
    let mut flags = Vec::new();
    if let Some(set) = settings.last("receive.procReceiveRefs") {
        flags.push(format!(
            "receive.procReceiveRefs is `{}`: a proc-receive hook may move those refs after \
             relhook judged them",
            set.shown()
        ));
    }
    let update = settings.last("receive.denyCurrentBranch");
    if update.is_some_and(|set| set.value.as_deref() == Some(b"updateInstead")) {
        flags.push("receive.denyCurrentBranch is updateInstead: files would change before the release does".into());
    }
    if let Some(set) = settings.last("core.sharedRepository") {
        let alone = matches!(
            set.shown().as_str(),
            "umask" | "false" | "0" | "0600" | "0700"
        );
        if !alone {
            flags.push(format!(
                "core.sharedRepository is `{}`: whoever can write the repository can go around \
                 its hooks",
                set.shown()
            ));
        }
    }
    flags
}

fn flag_worktrees(git_dir: &Path) -> Result<Option<String>, InstallError> {
    let path = git_dir.join("worktrees");
    let there = path.try_exists().map_err(InstallError::io(&path))?;
    Ok(there.then(|| {
        "worktrees/ is there: git refuses pushes to a branch that is checked out in one".into()
    }))
}

/// Symbolic refs other than HEAD, and replacements of objects.
fn flag_refs(git_dir: &Path) -> Result<Vec<String>, InstallError> {
    let repository = git2::Repository::open_bare(git_dir)?;
    let mut flags = Vec::new();
    for reference in repository.references()? {
        let reference = reference?;
        let name = reference.name_bytes();
        if reference.kind() == Some(git2::ReferenceType::Symbolic) {
            flags.push(format!(
                "{} is a symbolic ref: pushes to it are refused",
                escape(name)
            ));
        }
        if name.starts_with(b"refs/replace/") {
            flags.push(format!(
                "{} replaces an object for `git log`, not for relhook: remove it",
                escape(name)
            ));
        }
    }
    Ok(flags)
}

/// Folders on the way to `path` in which others can put something else.
fn flag_writers(path: &Path) -> Vec<String> {
    let exposed = path.ancestors().filter(|folder| {
        // What cannot be looked at belongs to somebody with more rights than this account.
        fs::metadata(folder).is_ok_and(|meta| {
            let sticky = meta.is_dir() && meta.mode() & 0o1000 != 0;
            meta.mode() & 0o022 != 0 && !sticky
        })
    });
    exposed
        .map(|folder| {
            let shown = escape(folder.as_os_str().as_bytes());
            format!("{shown} can be written by others: chmod go-w it")
        })
        .collect()
}
