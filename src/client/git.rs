//! Running git: the user's own, with their settings and credentials.

use super::ClientError;
use crate::types::{Oid, escape};
use std::ffi::{OsStr, OsString};
use std::io::{Read, Seek, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The most that is read from git, in bytes.
const MAX_ANSWER: u64 = 64 << 20;

/// The git that is found in `PATH`, working in one folder.
#[derive(Debug, Clone)]
pub struct Git {
    dir: PathBuf,
}

/// What git answered.
struct Answered {
    success: bool,
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Git {
    /// git, run in `dir`.
    #[must_use]
    pub fn at(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    /// git's standard output.
    ///
    /// # Errors
    /// When it cannot be run, does not exit 0, or answers too much.
    pub fn ask<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Vec<u8>, ClientError> {
        succeeded(args, self.answer(args, Stdio::null())?)
    }

    /// git's standard output, with `input` on its standard input.
    ///
    /// # Errors
    /// As for [`Self::ask`].
    pub fn ask_with<S: AsRef<OsStr>>(
        &self,
        args: &[S],
        input: &[u8],
    ) -> Result<Vec<u8>, ClientError> {
        let mut file = tempfile::tempfile().map_err(|source| ClientError::NoGit { source })?;
        let written = file.write_all(input).and_then(|()| file.rewind());
        written.map_err(|source| ClientError::NoGit { source })?;
        let answered = self.answer(args, file.into())?;
        succeeded(args, answered)
    }

    /// git's standard output, without its last line break; nothing where it does not exit 0.
    ///
    /// # Errors
    /// When it cannot be run, or answers too much.
    pub fn maybe<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Option<Vec<u8>>, ClientError> {
        let answered = self.answer(args, Stdio::null())?;
        Ok(answered.success.then(|| line(answered.out)))
    }

    /// One object id.
    ///
    /// # Errors
    /// As for [`Self::ask`], and when the answer is not one.
    pub fn oid<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Oid, ClientError> {
        one_oid(args, self.ask(args)?)
    }

    /// One object id, with `input` on git's standard input.
    ///
    /// # Errors
    /// As for [`Self::oid`].
    pub fn oid_of<S: AsRef<OsStr>>(&self, args: &[S], input: &[u8]) -> Result<Oid, ClientError> {
        one_oid(args, self.ask_with(args, input)?)
    }

    /// A path.
    ///
    /// # Errors
    /// As for [`Self::ask`].
    pub fn path<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<PathBuf, ClientError> {
        let said = line(self.ask(args)?);
        Ok(self.dir.join(PathBuf::from(OsString::from_vec(said))))
    }

    /// Runs git on the user's terminal, where it may ask and show progress; whether it exited 0.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<bool, ClientError> {
        let mut command = self.command(args);
        // What git prints there is for people; relhook's own standard output may be JSON.
        command.stdout(Stdio::null());
        let status = command.status();
        let status = status.map_err(|source| ClientError::NoGit { source })?;
        Ok(status.success())
    }

    fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new("git");
        command
            .args(args)
            .current_dir(&self.dir)
            // What is judged and signed is what the ids name, not what is put in its place.
            .env("GIT_NO_REPLACE_OBJECTS", "1");
        command
    }

    fn answer<S: AsRef<OsStr>>(&self, args: &[S], input: Stdio) -> Result<Answered, ClientError> {
        let io = |source| ClientError::NoGit { source };
        let mut command = self.command(args);
        command
            .env("LC_ALL", "C")
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(io)?;
        let stderr = child.stderr.take();
        // Both pipes are drained at once, or git could wait for ever with one of them full.
        let complaints = std::thread::spawn(move || drain(stderr));
        let out = drain(child.stdout.take()).map_err(io)?;
        let limit = MAX_ANSWER;
        if out.len() as u64 > limit {
            // Its pipe is closed by now, so that it ends.
            child.wait().map_err(io)?;
            let what = shown(args);
            return Err(ClientError::TooMuch { what, limit });
        }
        let status = child.wait().map_err(io)?;
        let err = complaints.join().ok().and_then(Result::ok);
        Ok(Answered {
            success: status.success(),
            out,
            err: err.unwrap_or_default(),
        })
    }
}

fn one_oid<S: AsRef<OsStr>>(args: &[S], said: Vec<u8>) -> Result<Oid, ClientError> {
    let said = line(said);
    Oid::from_hex(&said).map_err(|_| ClientError::Odd {
        what: shown(args),
        said: escape(&said),
    })
}

fn succeeded<S: AsRef<OsStr>>(args: &[S], answered: Answered) -> Result<Vec<u8>, ClientError> {
    if answered.success {
        return Ok(answered.out);
    }
    let said = answered.err.split(|byte| *byte == b'\n').next();
    Err(ClientError::GitSaid {
        what: shown(args),
        said: escape(said.unwrap_or_default()),
    })
}

/// All of a pipe, up to just past the limit.
fn drain(pipe: Option<impl Read>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(MAX_ANSWER + 1).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn line(mut said: Vec<u8>) -> Vec<u8> {
    if said.last() == Some(&b'\n') {
        said.pop();
    }
    said
}

fn shown<S: AsRef<OsStr>>(args: &[S]) -> String {
    let words = args.iter().map(|arg| escape(arg.as_ref().as_bytes()));
    words.collect::<Vec<_>>().join(" ")
}
