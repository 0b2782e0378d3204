//! A program that has to say yes.

use crate::release::Order;
use crate::release::error::shown_reply;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How much of what the program says is read, in bytes.
const SAID: u64 = 4096;

/// How often it is looked whether the program has ended.
const EVERY: Duration = Duration::from_millis(20);

/// Runs the program, with nothing of relhook's own environment. It leads a process group, which is
/// ended with it when the time is over.
pub(super) fn run(
    program: &Path,
    args: &[String],
    order: &Order,
    within: Duration,
) -> Result<(), String> {
    let output = tempfile::tempfile().map_err(|error| error.to_string())?;
    let handle = || output.try_clone().map_err(|error| error.to_string());
    let mut child = Command::new(program)
        .args(args)
        .current_dir("/")
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LC_ALL", "C.UTF-8")
        .env("RELHOOK_TARGET", order.target.name.as_str())
        .env("RELHOOK_COMMIT", order.commit.to_string())
        .stdin(Stdio::null())
        .stdout(handle()?)
        .stderr(handle()?)
        .process_group(0)
        .spawn()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    let ended = wait(&child, within);
    // Whatever it left running is not to outlive it. It is not collected yet, so its number is
    // still its own.
    end(&child);
    let status = child.wait().map_err(|error| error.to_string())?;
    match ended {
        Ok(true) if status.success() => return Ok(()),
        Ok(true) => {}
        Ok(false) => return Err("the command took too long".into()),
        Err(error) => return Err(error.to_string()),
    }
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("the command exited with {code}"),
        (None, Some(signal)) => format!("the command was ended by signal {signal}"),
        (None, None) => "the command failed".into(),
    };
    match shown_reply(&said(output)) {
        said if said.is_empty() => Err(how),
        said => Err(format!("{how}: {said}")),
    }
}

/// Whether the program ends in time. It is looked at only, and not collected.
fn wait(child: &Child, within: Duration) -> rustix::io::Result<bool> {
    let deadline = Instant::now() + within;
    let Some(pid) = pid(child) else {
        return Ok(false);
    };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    loop {
        if waitid(WaitId::Pid(pid), options)?.is_some() {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        std::thread::sleep(EVERY);
    }
}

fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

/// Ends the program's process group; that it is gone already is the usual case.
fn end(child: &Child) {
    if let Some(group) = pid(child) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// The beginning of what it said.
fn said(mut output: std::fs::File) -> Vec<u8> {
    use std::io::Seek;
    let mut said = Vec::new();
    if output.rewind().is_ok() {
        // What it said explains; that it failed is known without it.
        let _ = output.take(SAID).read_to_end(&mut said);
    }
    said
}
