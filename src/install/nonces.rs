//! Putting in place what git needs to ask for signed pushes.

use super::report::{Report, StepState};
use super::{InstallError, Mode};
use crate::folder::replace_file;
use crate::policy::{IdentitySource, Policy};
use crate::setup::nonces::{SEED, SLOP, SLOP_SECONDS, is_strong, others_can_read};
use crate::setup::{Git, Setting, Settings};
use crate::types::{escape, hex};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The file that holds the secret, in the repository: in relhook's own folder, for this account
/// alone, whatever the mode of git's own configuration.
const FILE: &str = "relhook/nonce.config";
/// How many random bytes the secret has.
const RANDOM: u64 = 32;

/// Puts in place what signed pushes need, where the policy asks for them.
///
/// # Errors
/// When the secret cannot be made, or git cannot write its settings.
pub(in crate::install) fn put(
    git: &Git,
    git_dir: &Path,
    settings: &Settings,
    policy: &Policy,
    mode: Mode,
    report: &mut Report,
) -> Result<(), InstallError> {
    if policy.identity != IdentitySource::SignedPush {
        return Ok(());
    }
    let set = settings.last(SEED).filter(|found| is_strong(found));
    let state = match (set, mode) {
        (Some(found), _) => {
            warn_if_shown(found, report)?;
            StepState::Kept
        }
        (None, Mode::DryRun) => StepState::Would,
        (None, Mode::Apply) => {
            make(git, git_dir)?;
            StepState::Done
        }
    };
    report.step(state, format!("setting {SEED}, a secret, in {FILE}"));
    slop(git, settings, mode, report)
}

fn slop(
    git: &Git,
    settings: &Settings,
    mode: Mode,
    report: &mut Report,
) -> Result<(), InstallError> {
    let state = match (settings.last(SLOP), mode) {
        (Some(_), _) => return Ok(()),
        (None, Mode::DryRun) => StepState::Would,
        (None, Mode::Apply) => {
            git.ask(&["config", "--local", SLOP, SLOP_SECONDS])?;
            StepState::Done
        }
    };
    report.step(state, format!("setting {SLOP} = {SLOP_SECONDS}"));
    Ok(())
}

/// The secret goes from the system's random source into a file, past every command line.
fn make(git: &Git, git_dir: &Path) -> Result<(), InstallError> {
    let random = Path::new("/dev/urandom");
    let mut bytes = Vec::new();
    let source = std::fs::File::open(random).map_err(InstallError::io(random))?;
    source
        .take(RANDOM)
        .read_to_end(&mut bytes)
        .map_err(InstallError::io(random))?;
    if bytes.len() as u64 != RANDOM {
        let short = std::io::Error::other("too few random bytes");
        return Err(InstallError::io(random)(short));
    }
    let hex = hex(&bytes);
    let path = git_dir.join(FILE);
    // A replaced file is made with mode 0600.
    replace_file(
        &path,
        format!("[receive]\n\tcertNonceSeed = {hex}\n").as_bytes(),
    )
    .map_err(InstallError::io(&path))?;
    let included = git.settings()?;
    let there = included
        .local("include.path")
        .iter()
        .any(|found| found.value.as_deref() == Some(FILE.as_bytes()));
    if !there {
        git.ask(&["config", "--local", "--add", "include.path", FILE])?;
    }
    Ok(())
}

/// Says so where others can read the secret.
fn warn_if_shown(found: &Setting, report: &mut Report) -> Result<(), InstallError> {
    let Some(path) = &found.origin else {
        return Ok(());
    };
    if others_can_read(path).map_err(InstallError::io(path))? {
        let shown = escape(path.as_os_str().as_bytes());
        report.warnings.push(format!(
            "{SEED} is a secret, and others can read it: chmod 600 {shown}"
        ));
    }
    Ok(())
}
