//! The folder in which a target's releases are kept track of: `<relhook>/release/<target>/`.
//!
//! A lock that the system lets go when its holder dies, the state of the last runs, what a
//! running one is doing, and the journal of an unfinished one.

use super::drift::Finding;
use super::order::{Patience, Totals};
use super::{Adoption, ReleaseError};
use crate::folder::{private_dir, replace_file};
use crate::types::{Oid, TargetName, Timestamp};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The largest state file that is read, in bytes.
const STATE_LIMIT: u64 = 64 * 1024;

/// The file that keeps what the last look at the target found.
const DRIFT: &str = "drift.json";

/// The largest such file that is read, in bytes.
const DRIFT_LIMIT: u64 = 64 * 1024 * 1024;

/// The file that keeps what was begun and has not ended well.
const BEGUN: &str = "begun.json";

/// What the first field of the state says.
const SCHEMA: &str = "relhook/release-state/v1";

/// One target's folder.
#[derive(Debug, Clone)]
pub(in crate::release) struct Desk {
    path: PathBuf,
}

/// The target's lock. Dropping it, or dying, lets it go.
#[derive(Debug)]
pub(in crate::release) struct Held {
    _lock: File,
}

/// What is remembered of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    schema: String,
    /// What the target held after the last release that ended well.
    pub released: Option<Landed>,
    /// How the last run ended.
    pub last: Option<Attempt>,
    /// How many runs in a row have failed.
    pub failures: u32,
    /// When the next run is due, if trying again can help.
    pub retry_at: Option<Timestamp>,
    /// Whether it is not tried again: a person says so first, or another commit is accepted.
    #[serde(default)]
    pub for_good: bool,
    /// The earlier release that the target went back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<Pin>,
}

/// An earlier release that a target holds until something newer is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The ref, escaped.
    #[serde(rename = "ref")]
    pub refname: String,
    /// The commit.
    pub commit: Oid,
    /// The number of the audit entry that accepted it.
    pub sequence: u64,
    /// What was accepted by this entry or an earlier one does not replace it.
    pub above: u64,
    /// Since when.
    pub at: Timestamp,
    /// The account that said so; absent where a health check did.
    pub by: Option<String>,
    /// Why, escaped.
    pub reason: String,
}

/// A release that ended well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Landed {
    /// The place: a host, port and path, or a directory.
    pub place: String,
    /// The ref, escaped.
    #[serde(rename = "ref")]
    pub refname: String,
    /// The commit.
    pub commit: Oid,
    /// The number of the audit entry that accepted it.
    pub sequence: u64,
    /// When it ended.
    pub at: Timestamp,
}

/// What a target may hold, by its record, since a run began there that has not ended well: a run
/// that is killed may have written its record or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begun {
    /// The place: a host, port and path, or a directory.
    pub place: String,
    /// The ref, escaped.
    #[serde(rename = "ref")]
    pub refname: String,
    /// The commit.
    pub commit: Oid,
    /// The number of the audit entry that accepted it.
    pub sequence: u64,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// The ref, escaped.
    #[serde(rename = "ref")]
    pub refname: String,
    /// The commit.
    pub commit: Oid,
    /// The number of the audit entry that accepted it.
    pub sequence: u64,
    /// When it ended.
    pub at: Timestamp,
    /// The code of the error, if it failed.
    pub code: Option<String>,
    /// The sentence, without secrets.
    pub error: Option<String>,
    /// What it did.
    pub totals: Totals,
}

impl Default for State {
    fn default() -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            released: None,
            last: None,
            failures: 0,
            retry_at: None,
            for_good: false,
            pin: None,
        }
    }
}

impl Desk {
    /// The folder of `target` below relhook's `folder`, made where it is not there yet.
    pub(in crate::release) fn open(
        folder: &Path,
        target: &TargetName,
    ) -> Result<Self, ReleaseError> {
        let desk = Self::at(folder, target)?;
        private_dir(&desk.path).map_err(ReleaseError::io(&desk.path))?;
        Ok(desk)
    }

    /// The folder of `target`, which may not be there.
    pub(in crate::release) fn at(folder: &Path, target: &TargetName) -> Result<Self, ReleaseError> {
        let name = target.as_str();
        let plain = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        // `worker.log` lies beside the targets' folders.
        let taken = name.starts_with('.') || name.ends_with(".log");
        if !plain || name.is_empty() || taken || name.len() > 100 {
            return Err(ReleaseError::Order(format!(
                "`{target}` is no target's name"
            )));
        }
        Ok(Self {
            path: folder.join("release").join(name),
        })
    }

    /// A file of the folder.
    pub(in crate::release) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Takes the lock, or `None` if this run is not needed: then another one is waiting for the
    /// lock, and whatever this one would have seen is there for that one to see.
    pub(in crate::release) fn lock(
        &self,
        patience: Patience,
    ) -> Result<Option<Held>, ReleaseError> {
        let queue_path = self.file("queue");
        let queue = open(&queue_path)?;
        match patience {
            Patience::Wait => queue.lock().map_err(ReleaseError::io(&queue_path))?,
            Patience::OneWaits => match queue.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => {
                    return Err(ReleaseError::io(&queue_path)(error));
                }
            },
        }
        let lock_path = self.file("lock");
        let lock = open(&lock_path)?;
        lock.lock().map_err(ReleaseError::io(&lock_path))?;
        self.clean().map_err(ReleaseError::io(&self.path))?;
        Ok(Some(Held { _lock: lock }))
    }

    /// A folder beside the run's own, for one look at the target at a time: what a look writes down
    /// is in no run's way.
    pub(in crate::release) fn aside(&self) -> Result<(Self, Held), ReleaseError> {
        let aside = Self {
            path: self.file("look"),
        };
        private_dir(&aside.path).map_err(ReleaseError::io(&aside.path))?;
        let path = aside.file("lock");
        let lock = open(&path)?;
        lock.lock().map_err(ReleaseError::io(&path))?;
        Ok((aside, Held { _lock: lock }))
    }

    /// Whether somebody holds the lock.
    pub(in crate::release) fn is_locked(&self) -> bool {
        let held = File::open(self.file("lock")).map(|file| file.try_lock());
        matches!(held, Ok(Err(TryLockError::WouldBlock)))
    }

    /// Takes the place of the one that waits to try again; `None` if it is taken.
    pub(in crate::release) fn wait_to_retry(&self) -> Result<Option<Held>, ReleaseError> {
        let path = self.file("retry");
        let file = open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Held { _lock: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(ReleaseError::io(&path)(error)),
        }
    }

    /// Removes the temporary files that killed runs left.
    fn clean(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_name().as_encoded_bytes().starts_with(b".tmp-") {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// What is remembered of the target; nothing if nothing was released yet.
    ///
    /// A state that cannot be read is an error, unless the caller takes the target over anyway.
    pub(in crate::release) fn state(&self, adoption: Adoption) -> Result<State, ReleaseError> {
        let path = self.file("state.json");
        let broken = |why: String| match adoption {
            Adoption::Adopt => Ok(State::default()),
            Adoption::Refuse => Err(ReleaseError::Manifest {
                place: path.display().to_string(),
                why,
            }),
        };
        let Some(bytes) = read_capped(&path, STATE_LIMIT).map_err(ReleaseError::io(&path))? else {
            return Ok(State::default());
        };
        match serde_json::from_slice::<State>(&bytes) {
            Ok(state) if state.schema == SCHEMA => Ok(state),
            Ok(_) => broken("it has another schema".into()),
            Err(error) => broken(error.to_string()),
        }
    }

    /// What the last look at the target found; nothing if nobody has looked since the release
    /// that `landed` there, or that cannot be told: then nothing more is to be sent, no less.
    pub(in crate::release) fn drift(&self, landed: Option<&Landed>) -> Option<Finding> {
        let bytes = read_capped(&self.file(DRIFT), DRIFT_LIMIT).ok()??;
        let finding: Finding = serde_json::from_slice(&bytes).ok()?;
        let landed = landed?;
        let of_it = finding.commit == landed.commit && finding.sequence == landed.sequence;
        (finding.is_known() && of_it).then_some(finding)
    }

    /// Keeps what a look at the target found.
    pub(in crate::release) fn keep_drift(&self, finding: &Finding) -> Result<(), ReleaseError> {
        let path = self.file(DRIFT);
        serde_json::to_vec(finding)
            .map_err(io::Error::from)
            .and_then(|bytes| replace_file(&path, &bytes))
            .map_err(ReleaseError::io(&path))
    }

    /// Forgets what the last look found: a release has been there since.
    pub(in crate::release) fn forget_drift(&self) -> Result<(), ReleaseError> {
        self.forget(DRIFT)
    }

    /// What runs have begun to bring to the target since the last release that ended well, and what
    /// they found there.
    pub(in crate::release) fn begun(&self) -> Result<Vec<Begun>, ReleaseError> {
        let path = self.file(BEGUN);
        let bytes = read_capped(&path, STATE_LIMIT).map_err(ReleaseError::io(&path))?;
        let begun = bytes.map(|bytes| serde_json::from_slice(&bytes));
        begun
            .transpose()
            .map(Option::unwrap_or_default)
            .map_err(|error| ReleaseError::Manifest {
                place: path.display().to_string(),
                why: error.to_string(),
            })
    }

    /// Notes what a run found, if it found a record, and what it is about to bring. It is on the disk
    /// before anything is changed.
    pub(in crate::release) fn begin(
        &self,
        more: impl IntoIterator<Item = Begun>,
    ) -> Result<(), ReleaseError> {
        // One that cannot be read was passed over by somebody who takes the target over.
        let mut begun = self.begun().unwrap_or_default();
        for one in more {
            if !begun.contains(&one) {
                begun.push(one);
            }
        }
        let path = self.file(BEGUN);
        serde_json::to_vec(&begun)
            .map_err(io::Error::from)
            .and_then(|bytes| replace_file(&path, &bytes))
            .map_err(ReleaseError::io(&path))
    }

    /// Forgets what was begun: it has ended well.
    pub(in crate::release) fn settle(&self) -> Result<(), ReleaseError> {
        self.forget(BEGUN)
    }

    /// Removes a file that may be gone already.
    pub(in crate::release) fn forget(&self, name: &str) -> Result<(), ReleaseError> {
        let path = self.file(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(ReleaseError::io(&path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Remembers.
    pub(in crate::release) fn remember(&self, state: &State) -> Result<(), ReleaseError> {
        let path = self.file("state.json");
        serde_json::to_vec_pretty(state)
            .map_err(io::Error::from)
            .and_then(|bytes| replace_file(&path, &bytes))
            .map_err(ReleaseError::io(&path))
    }
}

fn open(path: &Path) -> Result<File, ReleaseError> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(ReleaseError::io(path))
}

/// A file's content; `None` if it is not there, an error if it is larger than `limit` bytes.
pub(in crate::release) fn read_capped(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let size = file.metadata().map_or(0, |file| file.len());
    // One byte more, so that the end is seen without making room.
    let room = usize::try_from(size.min(limit).saturating_add(1)).unwrap_or_default();
    let mut bytes = Vec::with_capacity(room);
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!("larger than {limit} bytes")));
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk() -> (tempfile::TempDir, Desk) {
        let dir = tempfile::tempdir().unwrap();
        let desk = Desk::open(dir.path(), &TargetName::new("site")).unwrap();
        (dir, desk)
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for bad in ["", "..", ".x", "a/b", "../x", "a\nb", "worker.log"] {
            assert!(
                Desk::at(Path::new("/x"), &TargetName::new(bad)).is_err(),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn d_14_of_many_runs_one_works_and_one_waits() {
        let (_dir, desk) = desk();
        let first = desk.lock(Patience::OneWaits).unwrap().unwrap();
        assert!(desk.is_locked());
        let second = std::thread::spawn({
            let desk = desk.clone();
            // The look at the queue below may take its place for a moment: then again.
            move || while desk.lock(Patience::OneWaits).unwrap().is_none() {}
        });
        let queued = || open(&desk.file("queue")).unwrap().try_lock().is_err();
        while !queued() {
            std::thread::yield_now();
        }
        assert!(desk.lock(Patience::OneWaits).unwrap().is_none());
        assert!(!second.is_finished());
        drop(first);
        second.join().unwrap();
        assert!(desk.lock(Patience::OneWaits).unwrap().is_some());
        assert!(!desk.is_locked());
    }

    #[test]
    fn a_state_that_cannot_be_read_is_not_an_empty_one() {
        let (_dir, desk) = desk();
        assert_eq!(desk.state(Adoption::Refuse).unwrap(), State::default());
        let state = State {
            failures: 3,
            ..State::default()
        };
        desk.remember(&state).unwrap();
        assert_eq!(desk.state(Adoption::Refuse).unwrap(), state);
        for bad in ["", "{}", "{\"schema\":\"relhook/release-state/v2\"}"] {
            std::fs::write(desk.file("state.json"), bad).unwrap();
            assert!(desk.state(Adoption::Refuse).is_err(), "{bad}");
            assert_eq!(desk.state(Adoption::Adopt).unwrap(), State::default());
        }
    }
}
