//! Taking over a log of the format before this one: a chain of lines, each with the hash of the one
//! before it. Every entry keeps its number, its time and what it says; the old file stays beside.

use super::checkpoint::LogSigner;
use super::draft::Draft;
use super::journal::{self, Head};
use super::tail;
use super::tiles::{Kept, WIDTH};
use super::tree::{Peaks, leaf};
use super::{AuditError, AuditLog, Entry, Event, Hash, Recorded};
use crate::folder::{shared_dir, sync_dir};
use crate::types::Timestamp;
use serde::Deserialize;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The old format's name.
const SCHEMA: &str = "relhook/audit/v1";

/// An entry of the old format.
#[derive(Deserialize)]
struct OldEntry {
    schema: String,
    seq: u64,
    time: Timestamp,
    prev: Hash,
    #[serde(flatten)]
    event: Event,
}

/// What the old head file says of the last entry.
#[derive(Deserialize)]
struct OldHead {
    seq: u64,
    hash: Hash,
}

/// The new log while it is made: nothing of it counts before its head is written.
struct Taking<'a> {
    log: &'a AuditLog,
    signer: Arc<LogSigner>,
    peaks: Peaks,
    time: Timestamp,
    /// The entries of the tile that is not full yet, and their lines.
    kept: Vec<Kept>,
    lines: Vec<u8>,
}

impl AuditLog {
    /// Whether the log here is of the format before this one.
    ///
    /// # Errors
    /// When the system says anything but yes or no.
    pub fn is_old(&self) -> Result<bool, AuditError> {
        Ok(is_there(&self.old_file())? && !is_there(&self.file())?)
    }

    /// Takes over a log of the format before this one. It can be stopped at any moment and begun
    /// anew.
    ///
    /// # Errors
    /// When the old log does not verify, or the new one cannot be written.
    pub fn migrate(&self, repository: &str, now: Timestamp) -> Result<Recorded, AuditError> {
        let _lock = self.lock()?;
        if !self.is_old()? {
            return Err(AuditError::Begun { path: self.file() });
        }
        LogSigner::make(&self.key_file(), repository)?;
        let mut taking = Taking {
            log: self,
            signer: self.signer()?,
            peaks: Peaks::default(),
            time: now,
            kept: Vec::new(),
            lines: Vec::new(),
        };
        let mut old = OldLog::open(self)?;
        while let Some(entry) = old.next()? {
            if entry.seq == 1 {
                taking.time = entry.time;
                taking.begin()?;
            }
            taking.add(entry.time, entry.event)?;
        }
        let entries = taking.peaks.size();
        old.end(entries)?;
        let head = old.last;
        let time = taking.time.max(now);
        let head = taking.add(time, Event::Migrated { entries, head })?;
        self.make_room_for_the_head()?;
        self.begin_journal(&taking.lines)?;
        let (from, to) = (self.old_file(), self.dir().join("log.v1.jsonl"));
        std::fs::rename(&from, &to).map_err(AuditError::io(&from))?;
        sync_dir(self.dir()).map_err(AuditError::io(self.dir()))?;
        Ok(head.into())
    }

    pub(in crate::audit) fn old_file(&self) -> PathBuf {
        self.dir().join("log.jsonl")
    }

    /// The old head was a file where the new one is a folder.
    fn make_room_for_the_head(&self) -> Result<(), AuditError> {
        let old = self.dir().join("head");
        if old.is_file() {
            let aside = self.dir().join("head.v1");
            std::fs::rename(&old, &aside).map_err(AuditError::io(&old))?;
        }
        shared_dir(&old).map_err(AuditError::io(&old))
    }
}

impl Taking<'_> {
    fn head(&self) -> Result<Head, AuditError> {
        Ok(Head {
            checkpoint: self.log.sign(&self.signer, &self.peaks)?,
            peaks: self.peaks.clone(),
            time: self.time,
        })
    }

    fn begin(&mut self) -> Result<(), AuditError> {
        let line = journal::first_line(&self.head()?);
        self.lines = line.map_err(AuditError::io(&self.log.file()))?;
        self.kept.clear();
        Ok(())
    }

    fn add(&mut self, time: Timestamp, event: Event) -> Result<Head, AuditError> {
        let entry = Entry::new(self.peaks.size() + 1, time, event);
        let draft = Draft::new(entry, |body| self.log.keep(body))?;
        self.log.settle_evidence()?;
        self.peaks.push(leaf(draft.entry.as_bytes()));
        self.time = time;
        let head = self.head()?;
        let hidden = draft.hidden.clone();
        let line = journal::line(Some(&draft.entry), draft.hidden, &head);
        self.lines
            .extend(line.map_err(AuditError::io(&self.log.file()))?);
        self.kept.push(Kept {
            entry: draft.entry.into_bytes(),
            hidden,
        });
        if self.peaks.size().is_multiple_of(WIDTH) {
            self.log.tiles().complete(&self.kept, &self.peaks)?;
            self.begin()?;
        }
        Ok(head)
    }
}

/// The old log, read and verified line by line.
struct OldLog {
    path: PathBuf,
    reader: BufReader<File>,
    seq: u64,
    last: Hash,
    time: Option<Timestamp>,
    /// What the head file names, until it is met.
    head: Option<OldHead>,
}

impl OldLog {
    fn open(log: &AuditLog) -> Result<Self, AuditError> {
        let path = log.old_file();
        let file = File::open(&path).map_err(AuditError::opening(&path))?;
        Ok(Self {
            reader: BufReader::new(file),
            seq: 0,
            last: zeros(),
            time: None,
            head: old_head(log.dir())?,
            path,
        })
    }

    fn next(&mut self) -> Result<Option<OldEntry>, AuditError> {
        let line = tail::next_line(&mut self.reader).map_err(AuditError::io(&self.path))?;
        let Some(line) = line else {
            return Ok(None);
        };
        let entry = self.check(&line).map_err(|why| self.broken(why))?;
        self.seq = entry.seq;
        self.last = Hash::of(&line);
        self.time = Some(entry.time);
        let met = |head: &OldHead| head.seq == entry.seq && head.hash == self.last;
        if self.head.as_ref().is_some_and(met) {
            self.head = None;
        }
        Ok(Some(entry))
    }

    fn check(&self, line: &[u8]) -> Result<OldEntry, String> {
        let entry: OldEntry = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        if entry.schema != SCHEMA || entry.seq != self.seq + 1 {
            return Err("it is not the entry that has to be here".into());
        }
        if entry.prev != self.last {
            return Err("it does not name the hash of the entry before it".into());
        }
        if self.time.is_some_and(|time| entry.time < time) {
            return Err("its time is before the entry before it".into());
        }
        Ok(entry)
    }

    fn end(&self, entries: u64) -> Result<(), AuditError> {
        match &self.head {
            None if entries > 0 => Ok(()),
            head => Err(AuditError::Truncated {
                path: self.path.clone(),
                found: entries,
                recorded: head.as_ref().map_or(1, |head| head.seq),
            }),
        }
    }

    fn broken(&self, why: String) -> AuditError {
        AuditError::Broken {
            path: self.path.clone(),
            seq: self.seq + 1,
            why,
        }
    }
}

/// Whether there is such a file; where a folder above it is a file, there is none.
pub(in crate::audit) fn is_there(path: &Path) -> Result<bool, AuditError> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(false),
            _ => Err(AuditError::io(path)(error)),
        },
    }
}

fn zeros() -> Hash {
    Hash::parse(&"0".repeat(64)).unwrap_or_else(|| Hash::of(b""))
}

/// The old head, which an interrupted take-over has perhaps laid aside already. It was not synced: a
/// power cut may have emptied it.
fn old_head(dir: &Path) -> Result<Option<OldHead>, AuditError> {
    for name in ["head", "head.v1"] {
        let path = dir.join(name);
        if !path.is_file() {
            continue;
        }
        let bytes = std::fs::read(&path).map_err(AuditError::io(&path))?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let head = serde_json::from_slice(&bytes).map_err(io::Error::other);
        return head.map(Some).map_err(AuditError::io(&path));
    }
    Ok(None)
}
