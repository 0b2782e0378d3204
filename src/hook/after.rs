//! What comes after a push: clones are shown how far the audit log is, and the releaser is woken.
//! Nothing is decided here, and none of it may ever run: the next push brings it along.

use super::gate::{UNWANTED, not_started};
use super::{Answer, git_dir};
use crate::setup::{GATE, LOCK, WHOLE};
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long a push waits before clones are shown what it wrote. Pushes that come one upon the other
/// are shown together, and none of them shares the machine with what the one before it set off.
const SOON: Duration = Duration::from_secs(1);

/// `post-receive` in a small program, which does what every push needs and starts the whole program
/// only where something is released.
pub fn after_push() -> Answer {
    let place = git_dir().and_then(|git_dir| {
        show_soon(&git_dir);
        Ok((releases(&git_dir), beside().map_err(not_started)?))
    });
    match place {
        Ok((false, _)) => Answer::pass(),
        Ok((true, whole)) => {
            let mut command = command(&whole);
            not_started(command.args(["hook", "post-receive"]).exec()).refuse()
        }
        Err(stop) => stop.refuse(),
    }
}

/// Whether anything that was accepted ever went to a target; if not, there is nobody to wake.
pub(super) fn releases(git_dir: &Path) -> bool {
    git_dir.join("relhook/releases").exists()
}

/// Has clones be shown in a moment how far the log is. Where a program waits already to do so, it
/// will see what is in the log by now. What goes wrong is passed over: the next push, heartbeat or
/// release shows it too.
pub(super) fn show_soon(git_dir: &Path) {
    let start = || -> io::Result<()> {
        let Some(turn) = turn(git_dir)? else {
            return Ok(());
        };
        // The lock goes over to the program that waits, as its standard input.
        command(&std::env::current_exe()?)
            .args(["hook", "show-soon"])
            .current_dir(git_dir)
            .stdin(turn)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map(drop)
    };
    let _ = start();
}

/// The lock of who waits; nothing where somebody does.
fn turn(git_dir: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(git_dir.join("relhook/audit/soon.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Waits, then becomes the program that shows the log to clones. The lock in standard input ends
/// there, before the log is read: whoever writes to it later finds nobody who waits, and starts anew.
pub fn show_then() -> Answer {
    std::thread::sleep(SOON);
    let stop = match beside() {
        Ok(whole) => {
            let mut command = command(&whole);
            command.args(["hook", "publish"]).stdin(Stdio::null());
            not_started(command.exec())
        }
        Err(error) => not_started(error),
    };
    stop.refuse()
}

/// The whole program, which stands beside this one or is this one.
fn beside() -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    Ok(match own.file_name().and_then(|name| name.to_str()) {
        Some(GATE | LOCK) => own.with_file_name(WHOLE),
        Some(_) | None => own,
    })
}

fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for name in UNWANTED {
        command.env_remove(name);
    }
    command
}
