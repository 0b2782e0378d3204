//! Looking a repository over before anything is changed.

use super::InstallError;
use crate::doctor::{self, Finding, Keeper, State, Words};
use crate::facts::Store;
use crate::setup::{Git, OLDEST_GIT, Programs, Settings};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A repository that relhook can work in.
#[derive(Debug)]
pub(in crate::install) struct Surveyed {
    /// What the hooks will read.
    pub(in crate::install) store: Store,
    /// Its absolute folder.
    pub(in crate::install) git_dir: PathBuf,
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
pub(in crate::install) fn server(git: &Git, programs: &Programs) -> Result<Surveyed, InstallError> {
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
    let mut warnings = flags(git, &git_dir, programs, &settings)?;
    warnings.extend_from_slice(store.warnings());
    warnings.extend(flag_worktrees(&git_dir)?);
    Ok(Surveyed {
        store,
        git_dir,
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

/// What `relhook doctor` would say of it too.
fn flags(
    git: &Git,
    git_dir: &Path,
    programs: &Programs,
    settings: &Settings,
) -> Result<Vec<String>, InstallError> {
    let words = Words::new(git_dir);
    let mut found = doctor::judge_settings(settings, &words);
    found.extend(doctor::judge_refs(
        &doctor::list_refs(git_dir, git)?,
        &words,
    ));
    let roots: Vec<PathBuf> = programs.files().chain([git_dir.to_owned()]).collect();
    found.extend(doctor::exposed(&roots, &Keeper::me(), &words));
    let bad = found.iter().filter(|one| one.state != State::Ok);
    Ok(bad.map(Finding::line).collect())
}

fn flag_worktrees(git_dir: &Path) -> Result<Option<String>, InstallError> {
    let path = git_dir.join("worktrees");
    let there = path.try_exists().map_err(InstallError::io(&path))?;
    Ok(there.then(|| {
        "worktrees/ is there: git refuses pushes to a branch that is checked out in one".into()
    }))
}
