//! Where each stream is in the log, on disk.

use crate::audit::{AuditError, Mark};
use crate::folder::{private_dir, replace_file};
use crate::policy::Bundle;
use crate::types::{Seconds, StreamName, Timestamp};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What the first field of a state says.
const SCHEMA: &str = "relhook/stream-state/v1";

/// How long after the first, second, … failure in a row it is tried again, in seconds; the last holds
/// for all that follow.
const WAITS: [u64; 6] = [5, 30, 120, 300, 600, 1800];

/// Between two entries that say that the same stream fails lies at least so much time, in seconds: one
/// that comes and goes does not fill the log.
const TELL_AGAIN: Seconds = Seconds(3600);

/// Why nothing could even be tried.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The log cannot be read or written.
    #[error("the log cannot be used: {0}")]
    Audit(#[from] AuditError),
    /// The policy in force cannot be read.
    #[error("the policy cannot be used: {0}")]
    Policy(String),
    /// A file of the stream's cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A stream that does not get through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Troubled {
    /// Its name.
    pub stream: StreamName,
    /// The last entry that arrived.
    pub sent: u64,
    /// How many times in a row it failed.
    pub failures: u32,
    /// Why, the last time.
    pub error: String,
    /// When it is tried again.
    pub retry_at: Option<Timestamp>,
}

/// The streams of the policy that do not get through.
///
/// # Errors
/// When a state cannot be read.
pub fn troubled(folder: &Path, bundle: &Bundle) -> Result<Vec<Troubled>, StreamError> {
    let mut all = Vec::new();
    for name in bundle.policy.audit.streams.keys() {
        let Some(state) = Desk::at(folder, name).state()? else {
            continue;
        };
        if let Some(error) = state.error {
            all.push(Troubled {
                stream: name.clone(),
                sent: state.mark.seq,
                failures: state.failures,
                error,
                retry_at: state.retry_at,
            });
        }
    }
    Ok(all)
}

/// How a stream stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The last entry that arrived; 0 for none.
    pub sent: u64,
    /// How many times in a row it failed.
    pub failures: u32,
    /// Why, the last time.
    pub error: Option<String>,
}

/// How the stream of this name stands; as one that begins, where nothing was ever sent.
///
/// # Errors
/// When its state cannot be read.
pub fn standing(folder: &Path, name: &StreamName) -> Result<Standing, StreamError> {
    let state = Desk::at(folder, name).state()?.unwrap_or_else(State::new);
    Ok(Standing {
        sent: state.mark.seq,
        failures: state.failures,
        error: state.error,
    })
}

/// Where a stream is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::streams) struct State {
    schema: String,
    /// Everything up to here was taken in.
    pub(in crate::streams) mark: Mark,
    /// How many times in a row it failed.
    pub(in crate::streams) failures: u32,
    /// When it is tried again.
    pub(in crate::streams) retry_at: Option<Timestamp>,
    /// Why it failed, the last time.
    pub(in crate::streams) error: Option<String>,
    /// Whether the last word of the log about it is that it fails.
    told: bool,
    /// When that was said last.
    told_at: Option<Timestamp>,
}

impl State {
    /// A stream that begins: with the first entry, so that what arrives has no gap.
    pub(in crate::streams) fn new() -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            mark: Mark::behind(0),
            failures: 0,
            retry_at: None,
            error: None,
            told: false,
            told_at: None,
        }
    }

    /// It failed; whether the log is to say so.
    pub(in crate::streams) fn failed(&mut self, why: &str, now: Timestamp) -> bool {
        let place = self.failures as usize;
        let wait = WAITS.get(place).or(WAITS.last()).copied().unwrap_or(0);
        self.failures = self.failures.saturating_add(1);
        self.retry_at = Some(now.plus(Seconds(wait)));
        self.error = Some(crate::types::escape(why.as_bytes()));
        let long_ago = self.told_at.is_none_or(|at| at.plus(TELL_AGAIN) <= now);
        if self.told || !long_ago {
            return false;
        }
        self.told = true;
        self.told_at = Some(now);
        true
    }

    /// Everything up to `mark` was taken in; whether the log is to say that it gets through again.
    pub(in crate::streams) fn taken(&mut self, mark: Mark) -> bool {
        self.mark = mark;
        self.failures = 0;
        self.retry_at = None;
        self.error = None;
        std::mem::take(&mut self.told)
    }
}

/// The files of one stream.
pub(in crate::streams) struct Desk {
    path: PathBuf,
    _lock: Option<File>,
}

impl Desk {
    fn at(folder: &Path, name: &StreamName) -> Self {
        let file = format!("{}.json", name.as_str());
        Self {
            path: folder.join("streams").join(file),
            _lock: None,
        }
    }

    /// Takes the stream's lock; nothing if somebody else has it.
    pub(in crate::streams) fn lock(
        folder: &Path,
        name: &StreamName,
    ) -> Result<Option<Self>, StreamError> {
        let mut desk = Self::at(folder, name);
        let path = desk.path.with_extension("lock");
        let fail = |source| StreamError::Io {
            path: path.clone(),
            source,
        };
        private_dir(&folder.join("streams")).map_err(fail)?;
        let mut options = OpenOptions::new();
        options.create(true).append(true).mode(0o600);
        let lock = options.open(&path).map_err(fail)?;
        match lock.try_lock() {
            Ok(()) => {
                desk._lock = Some(lock);
                Ok(Some(desk))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(fail(error)),
        }
    }

    fn fail(&self, source: io::Error) -> StreamError {
        StreamError::Io {
            path: self.path.clone(),
            source,
        }
    }

    pub(in crate::streams) fn state(&self) -> Result<Option<State>, StreamError> {
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.fail(error)),
        };
        let state: State =
            serde_json::from_slice(&bytes).map_err(|error| self.fail(error.into()))?;
        match state.schema == SCHEMA {
            true => Ok(state.into()),
            false => Err(self.fail(io::Error::other("it has another schema"))),
        }
    }

    /// Writes it down. When this returns, it is on disk.
    pub(in crate::streams) fn remember(&self, state: &State) -> Result<(), StreamError> {
        serde_json::to_vec_pretty(state)
            .map_err(io::Error::from)
            .and_then(|bytes| replace_file(&self.path, &bytes))
            .map_err(|error| self.fail(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(1_790_000_000 + seconds)
    }

    #[test]
    fn a_stream_that_comes_and_goes_is_told_of_once_an_hour() {
        let mut state = State::new();
        let mut told = 0;
        for minute in 0..180 {
            told += u32::from(state.failed("down", at(minute * 60)));
            state.taken(Mark::behind(1));
        }
        assert_eq!(told, 3);
        assert_eq!(state.failures, 0);
    }

    #[test]
    fn the_waits_grow_and_end() {
        let mut state = State::new();
        let mut last = 0;
        for _ in 0..20 {
            state.failed("down", at(0));
            let wait = state.retry_at.unwrap().as_unix() - at(0).as_unix();
            assert!(wait >= last);
            last = wait;
        }
        assert_eq!(last, 1800);
        assert!(!state.failed("down", at(9999)), "it is told once");
        assert!(state.taken(Mark::behind(3)));
        assert!(!state.taken(Mark::behind(4)));
    }
}
