//! Installation in a developer's clone: a hook that says before a push what the server will say.

use super::report::Report;
use super::{InstallError, Mode, hooks, survey};
use crate::setup::{CLIENT, Git, Place, Programs};
use std::path::Path;

/// Puts the `pre-push` hook into the clone at `dir`; `program` is what it runs.
///
/// # Errors
/// When git is too old, hooks are kept elsewhere, or another program's hook is there.
pub fn install_client(dir: &Path, program: &Path, mode: Mode) -> Result<Report, InstallError> {
    let git = Git::at(dir);
    survey::version(&git)?;
    let common = git.path(&["rev-parse", "--git-common-dir"])?;
    let folder = common.join("hooks");
    survey::check_hooks_path(&git.settings()?, &folder)?;
    let places = CLIENT.map(|shim| Place {
        shim,
        path: Path::new("hooks").join(shim.name),
    });
    let programs = Programs::beside(program);
    hooks::check(&common, &places, &programs)?;
    let mut report = Report::default();
    hooks::put(&common, &places, &programs, mode, &mut report)?;
    report.next.push("relhook check".into());
    Ok(report)
}
