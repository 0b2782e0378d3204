//! Running another program for a release: without a shell, with an environment of its own, in a
//! process group of its own, for a limited time, and so that nothing of it outlives the run.
//!
//! Its messages go to a file that it holds a lock on, as every program does that it starts. When
//! relhook is killed, the lock tells the next run that its program is still at work on the target;
//! it is ended before anything else is done.

mod find;
mod output;

pub(in crate::release) use find::{find, trusted};
pub(in crate::release) use output::Lines;

use super::ReleaseError;
use super::desk::Desk;
use output::Piece;
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, kill_process_group, prlimit, waitid,
};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// Where programs are looked for and find each other.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// How long the program of a killed run is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a running program is looked at.
const PACE: Duration = Duration::from_millis(100);

/// How long output is waited for after the program has ended: something else may hold its pipe.
const GRACE: Duration = Duration::from_secs(2);

/// The most that a program may write to its messages, in bytes.
const MESSAGES_LIMIT: u64 = 16 * 1024 * 1024;

/// How much of their end is kept, in bytes.
const MESSAGES_KEPT: u64 = 16 * 1024;

/// What a program reads from its standard input.
pub(in crate::release) enum Input<'a> {
    /// Nothing.
    Nothing,
    /// A file from its beginning.
    File(&'a Path),
    /// A few bytes that are on no disk: at most 4096.
    Secret(&'a [u8]),
    /// What it is told when it is at work already ([`Running::tell`]).
    Later,
}

/// Which of the programs of a target it is that are at work: what it writes its messages to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::release) enum Place {
    /// The only one.
    Only,
    /// The first, while this run has started a second.
    First,
    /// One beside the first.
    Second,
}

impl Place {
    fn messages(self, desk: &Desk) -> PathBuf {
        desk.file(match self {
            Self::Only | Self::First => "program.messages",
            Self::Second => "program-2.messages",
        })
    }

    /// Which process it is: its number and when it began.
    fn owner(self, desk: &Desk) -> PathBuf {
        desk.file(match self {
            Self::Only | Self::First => "program.pid",
            Self::Second => "program-2.pid",
        })
    }
}

/// One program to run.
pub(in crate::release) struct Call<'a> {
    /// The program's absolute path.
    pub(in crate::release) program: &'a Path,
    /// What follows its name.
    pub(in crate::release) args: Vec<OsString>,
    /// Where it begins.
    pub(in crate::release) dir: &'a Path,
    /// What its environment has beside `PATH`, `HOME`, `LC_ALL` and `TZ`.
    pub(in crate::release) env: Vec<(OsString, OsString)>,
    /// What it reads.
    pub(in crate::release) input: Input<'a>,
    /// How long it may take.
    pub(in crate::release) limit: Duration,
    /// How large a file it may write.
    pub(in crate::release) writes: Writes,
}

/// How large the files may get that a program, and what it starts, writes on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::release) enum Writes {
    /// As large as they are.
    Anything,
    /// So many bytes, or as many as its messages may have. Writing more is an error to it, or ends it.
    UpTo(u64),
}

/// How a program ended by itself.
#[derive(Debug)]
pub(in crate::release) struct Ended {
    /// Its exit code; nothing if a signal ended it.
    pub(in crate::release) code: Option<i32>,
    /// The signal that ended it.
    pub(in crate::release) signal: Option<i32>,
    /// The end of its messages, as it wrote them.
    pub(in crate::release) messages: Vec<u8>,
}

impl Ended {
    /// Whether it ended with the exit code 0.
    pub(in crate::release) fn is_well(&self) -> bool {
        self.code == Some(0)
    }

    /// How it ended and what it said, in one line.
    pub(in crate::release) fn told(&self) -> String {
        let how = match (self.code, self.signal) {
            (Some(code), _) => format!("it ended with the exit code {code}"),
            (None, Some(signal)) => format!("signal {signal} ended it"),
            (None, None) => "it ended".to_owned(),
        };
        match super::error::shown_end(&self.messages) {
            said if said.is_empty() => format!("{how}, without a message"),
            said => format!("{how}: {said}"),
        }
    }
}

/// What takes a program's output. An error stops the program.
pub(in crate::release) type Sink<'a> = dyn FnMut(&[u8]) -> Result<(), ReleaseError> + 'a;

/// Runs a program and hands its output on as it comes.
///
/// # Errors
/// When it cannot be started, when one of an earlier run does not end, when it takes too long or
/// writes too much, and the sink's.
pub(in crate::release) fn run(
    desk: &Desk,
    call: Call<'_>,
    sink: &mut Sink<'_>,
) -> Result<Ended, ReleaseError> {
    start(desk, Place::Only, call)?.finish(sink)
}

/// Starts a program, which is at work while something else is done.
///
/// # Errors
/// When it cannot be started, or one of an earlier run does not end.
pub(in crate::release) fn start(
    desk: &Desk,
    place: Place,
    call: Call<'_>,
) -> Result<Running, ReleaseError> {
    let name = call.program.to_path_buf();
    let (limit, writes) = (call.limit, call.writes);
    let messages = Messages::open(desk, place, &name)?;
    let mut child = spawn(desk, call, &messages)?;
    let pid = Pid::from_child(&child);
    messages.belong_to(pid);
    let bounded = bound(pid, writes).map_err(ReleaseError::io(&name));
    let followed = bounded.and_then(|()| output::follow(&mut child));
    let mut running = Running {
        watch: Watch {
            name,
            pid,
            deadline: Instant::now() + limit,
            limit,
        },
        child,
        pieces: None,
        messages,
        ended: false,
    };
    running.pieces = Some(followed?);
    Ok(running)
}

/// A program at work. It is ended with whatever it started when nobody waits for its end.
pub(in crate::release) struct Running {
    watch: Watch,
    child: Child,
    /// What it says; always there once it is at work.
    pieces: Option<output::Pieces>,
    messages: Messages,
    ended: bool,
}

impl Running {
    /// Writes to its standard input, and closes that.
    pub(in crate::release) fn tell(&mut self, bytes: &[u8]) {
        if let Some(mut pipe) = self.child.stdin.take() {
            // One that does not read it says why by its end.
            let _ = pipe.write_all(bytes);
        }
    }

    /// Hands its output on as it comes, until it has ended.
    ///
    /// # Errors
    /// When it takes too long or writes too much, and the sink's.
    pub(in crate::release) fn finish(mut self, sink: &mut Sink<'_>) -> Result<Ended, ReleaseError> {
        drop(self.child.stdin.take());
        let followed = match &self.pieces {
            Some(pieces) => self.watch.until_the_end(pieces, &self.messages, sink),
            None => Ok(()),
        };
        let status = self.end();
        followed?;
        let status = status.map_err(ReleaseError::io(&self.watch.name))?;
        Ok(Ended {
            code: status.code(),
            signal: status.signal(),
            messages: self.messages.end()?,
        })
    }

    /// Whatever it started ends with it, before its number is free for others.
    fn end(&mut self) -> io::Result<ExitStatus> {
        self.ended = true;
        let _ = kill_process_group(self.watch.pid, Signal::KILL);
        self.child.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.end();
        }
    }
}

fn spawn(desk: &Desk, call: Call<'_>, messages: &Messages) -> Result<Child, ReleaseError> {
    let fail = |error: io::Error| ReleaseError::Program {
        program: call.program.display().to_string(),
        why: error.to_string(),
    };
    let stdin = match &call.input {
        Input::Nothing => Stdio::null(),
        Input::File(path) => File::open(path).map_err(ReleaseError::io(path))?.into(),
        Input::Secret(_) | Input::Later => Stdio::piped(),
    };
    let errors = messages.file.try_clone().map_err(fail)?;
    let mut child = Command::new(call.program)
        .args(&call.args)
        .current_dir(call.dir)
        .env_clear()
        .env("PATH", PATH)
        .env("HOME", desk.file(""))
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .envs(call.env.iter().map(|(name, value)| (name, value)))
        .process_group(0)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(errors)
        .spawn()
        .map_err(fail)?;
    if let Input::Secret(bytes) = &call.input
        && let Some(mut pipe) = child.stdin.take()
    {
        // It fits the pipe, so this does not wait; a program that does not read it says so itself.
        let _ = pipe.write_all(bytes);
    }
    Ok(child)
}

/// Sets a program's limit. It has only just begun, so nothing that matters is written yet, and what it
/// starts later has the same limit.
fn bound(pid: Pid, writes: Writes) -> io::Result<()> {
    let Writes::UpTo(bytes) = writes else {
        return Ok(());
    };
    let bytes = Some(bytes.max(2 * MESSAGES_LIMIT));
    let limit = Rlimit {
        current: bytes,
        maximum: bytes,
    };
    prlimit(Some(pid), Resource::Fsize, limit)?;
    Ok(())
}

/// A running program that is watched.
struct Watch {
    name: PathBuf,
    pid: Pid,
    deadline: Instant,
    limit: Duration,
}

impl Watch {
    /// Until it has ended and its output is read, or until it has to be stopped.
    fn until_the_end(
        &self,
        pieces: &output::Pieces,
        messages: &Messages,
        sink: &mut Sink<'_>,
    ) -> Result<(), ReleaseError> {
        let mut over: Option<Instant> = None;
        let mut open = true;
        loop {
            let piece = match open {
                true => pieces.recv_timeout(PACE),
                false => {
                    std::thread::sleep(PACE / 10);
                    Err(RecvTimeoutError::Timeout)
                }
            };
            match piece {
                Ok(Piece::Bytes(bytes)) => sink(&bytes)?,
                Ok(Piece::Broken(error)) => return Err(ReleaseError::io(&self.name)(error)),
                Err(RecvTimeoutError::Disconnected) => open = false,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if over.is_none() && self.has_ended()? {
                over = Some(Instant::now());
            }
            if over.is_some_and(|since| !open || since.elapsed() > GRACE) {
                return Ok(());
            }
            if Instant::now() > self.deadline {
                return Err(ReleaseError::ProgramTime {
                    program: self.name.display().to_string(),
                    limit: self.limit,
                });
            }
            messages.bounded(&self.name)?;
        }
    }

    /// Whether it has ended; its number stays taken.
    fn has_ended(&self) -> Result<bool, ReleaseError> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(self.pid), options)
            .map(|status| status.is_some())
            .map_err(|error| ReleaseError::io(&self.name)(error.into()))
    }
}

/// The file of a program's messages, and by its lock the sign that something still writes to it.
struct Messages {
    file: File,
    path: PathBuf,
    /// Which process it belongs to: its number and when it began.
    owner: PathBuf,
}

impl Messages {
    /// Opens and locks it. What an earlier run left at work is ended, in whichever place.
    fn open(desk: &Desk, place: Place, name: &Path) -> Result<Self, ReleaseError> {
        if place == Place::Only && Place::Second.messages(desk).exists() {
            drop(Self::locked(desk, Place::Second, name)?);
        }
        Self::locked(desk, place, name)
    }

    fn locked(desk: &Desk, place: Place, name: &Path) -> Result<Self, ReleaseError> {
        let (path, owner) = (place.messages(desk), place.owner(desk));
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .map_err(ReleaseError::io(&path))?;
        let patience = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(ReleaseError::io(&path)(error)),
                Err(TryLockError::WouldBlock) if Instant::now() > patience => {
                    return Err(ReleaseError::ProgramBusy {
                        program: name.display().to_string(),
                    });
                }
                Err(TryLockError::WouldBlock) => {
                    end_orphan(&owner);
                    std::thread::sleep(PACE);
                }
            }
        }
        file.set_len(0).map_err(ReleaseError::io(&path))?;
        Ok(Self { file, path, owner })
    }

    /// Writes down whose it is, for a run that finds it locked. If that cannot be written, that
    /// run waits instead.
    fn belong_to(&self, pid: Pid) {
        if let Some(began) = began(pid) {
            let _ = fs::write(&self.owner, format!("{} {began}\n", pid.as_raw_nonzero()));
        }
    }

    fn bounded(&self, name: &Path) -> Result<(), ReleaseError> {
        let length = self.file.metadata().map_err(ReleaseError::io(&self.path))?;
        if length.len() > MESSAGES_LIMIT {
            return Err(ReleaseError::ProgramFailed {
                program: name.display().to_string(),
                why: format!("it wrote more than {MESSAGES_LIMIT} bytes of messages"),
            });
        }
        Ok(())
    }

    /// The end of what was written.
    fn end(&mut self) -> Result<Vec<u8>, ReleaseError> {
        let read = || -> io::Result<Vec<u8>> {
            let length = self.file.metadata()?.len();
            let mut file = &self.file;
            file.seek(SeekFrom::Start(length.saturating_sub(MESSAGES_KEPT)))?;
            let mut bytes = Vec::new();
            file.take(MESSAGES_KEPT).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(ReleaseError::io(&self.path))
    }
}

/// When a process began, in the system's own count; nothing where there is no such process.
fn began(pid: Pid) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // The name in brackets may hold anything; what follows its last bracket does not.
    let fields = stat.rsplit_once(')')?.1;
    fields.split_whitespace().nth(19)?.parse().ok()
}

/// Ends the program that a killed run left, if it is still the one that was written down.
fn end_orphan(owner: &Path) {
    let written = fs::read_to_string(owner).unwrap_or_default();
    let Some((pid, since)) = written.trim_end().split_once(' ') else {
        return;
    };
    let pid = pid.parse().ok().and_then(Pid::from_raw);
    if let (Some(pid), Ok(since)) = (pid, since.parse::<u64>())
        && began(pid) == Some(since)
    {
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

#[cfg(test)]
mod tests;
