//! Who starts the releaser after a push: the hook itself, or systemd, which watches a file.

use super::ReleaseError;
use super::source::Source;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The setting of the repository that says so.
pub const WAKER_SETTING: &str = "relhook.releaser";

/// Who starts the releaser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waker {
    /// The hook starts it, detached.
    Hook,
    /// The hook changes a file; a path unit of systemd watches that, and starts the service.
    Trigger,
}

impl Waker {
    /// What the repository at `git_dir` is set to: the hook, unless it says `systemd`.
    ///
    /// # Errors
    /// When the settings cannot be read, or say something else.
    pub fn of(git_dir: &Path) -> Result<Self, ReleaseError> {
        match Source::open(git_dir)?.setting(WAKER_SETTING)?.as_deref() {
            None | Some("hook") => Ok(Self::Hook),
            Some("systemd") => Ok(Self::Trigger),
            Some(other) => Err(ReleaseError::Order(format!(
                "the repository's setting {WAKER_SETTING} is `{}`, which is neither `hook` nor \
                 `systemd`",
                crate::types::escape(other.as_bytes())
            ))),
        }
    }
}

/// The file that a path unit watches. It is never removed and never empty for long, so that a run
/// that fails does not set the unit off again: trying again is the timer's part.
#[must_use]
pub fn trigger(git_dir: &Path) -> PathBuf {
    git_dir.join("relhook").join("release").join("wake")
}

/// Changes the file, so that the releaser is started.
///
/// # Errors
/// When it cannot be written.
pub fn pull_trigger(git_dir: &Path) -> Result<(), ReleaseError> {
    let path = trigger(git_dir);
    let pull = || -> io::Result<()> {
        if let Some(parent) = path.parent() {
            crate::folder::private_dir(parent)?;
        }
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)?;
        writeln!(file, "a push came; process {}", std::process::id())
    };
    pull().map_err(ReleaseError::io(&path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hook_is_the_waker_unless_the_repository_says_otherwise() {
        let dir = tempfile::tempdir().unwrap();
        let git = git2::Repository::init_bare(dir.path()).unwrap();
        let of = || Waker::of(dir.path());
        assert_eq!(of().unwrap(), Waker::Hook);
        let set = |value: &str| {
            git.config().unwrap().set_str(WAKER_SETTING, value).unwrap();
        };
        set("systemd");
        assert_eq!(of().unwrap(), Waker::Trigger);
        set("hook");
        assert_eq!(of().unwrap(), Waker::Hook);
        set("cron");
        assert!(of().is_err());
    }

    #[test]
    fn the_trigger_stays_and_changes() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("relhook")).unwrap();
        for _ in 0..2 {
            pull_trigger(dir.path()).unwrap();
            let text = std::fs::read_to_string(trigger(dir.path())).unwrap();
            assert!(text.starts_with("a push came"));
        }
    }
}
