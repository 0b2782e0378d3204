//! The repository's own settings that the hooks rely on.

use super::git::{Git, Settings};
use super::report::{Report, StepState};
use super::{InstallError, Mode};

/// Name, value: set in the repository itself, so that no other configuration file changes it.
const WANTED: [(&str, &str); 4] = [
    // Reasons for an emergency and tickets travel as push options.
    ("receive.advertisePushOptions", "true"),
    // Broken objects are refused by git before relhook has to.
    ("receive.fsckObjects", "true"),
    // A shallow push would end history early for good.
    ("receive.shallowUpdate", "false"),
    // Every move of every ref leaves a trace, in bare repositories too.
    ("core.logAllRefUpdates", "always"),
];

/// Refs that only relhook itself writes: no push may name them.
const HIDDEN: (&str, &str) = ("receive.hideRefs", "refs/relhook/checkpoint");

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
        let stands =
            |found: &&super::git::Setting| found.value.as_deref() == Some(value.as_bytes());
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
