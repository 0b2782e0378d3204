//! The repository's own settings that the hooks rely on, put in place.

use super::report::{Report, StepState};
use super::{InstallError, Mode};
use crate::setup::{Git, HIDDEN, Setting, Settings, WANTED};

/// Puts the settings in place.
///
/// # Errors
/// When git cannot write them.
pub(in crate::install) fn put(
    git: &Git,
    settings: &Settings,
    mode: Mode,
    report: &mut Report,
) -> Result<(), InstallError> {
    for (key, value) in WANTED {
        let stands = |found: &&Setting| found.value.as_deref() == Some(value.as_bytes());
        let kept = settings.local(key).last().is_some_and(stands)
            && settings.last(key).as_ref().is_some_and(stands);
        let args = ["config", "--local", "--replace-all", key, value];
        apply(git, kept, &args, mode, report)?;
    }
    let (key, value) = HIDDEN;
    let local = settings.local(key);
    let kept = local
        .iter()
        .any(|found| found.value.as_deref() == Some(value.as_bytes()));
    apply(
        git,
        kept,
        &["config", "--local", "--add", key, value],
        mode,
        report,
    )
}

fn apply(
    git: &Git,
    kept: bool,
    args: &[&str],
    mode: Mode,
    report: &mut Report,
) -> Result<(), InstallError> {
    let state = match (kept, mode) {
        (true, _) => StepState::Kept,
        (false, Mode::DryRun) => StepState::Would,
        (false, Mode::Apply) => {
            git.ask(args)?;
            StepState::Done
        }
    };
    let [.., key, value] = args else {
        return Ok(());
    };
    report.step(state, format!("setting {key} = {value}"));
    Ok(())
}
