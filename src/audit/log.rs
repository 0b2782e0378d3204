//! Appending: one writer at a time, each entry on disk before the call returns.

use super::entry::SCHEMA;
use super::tail::{self, MAX_LINE, Tail};
use super::{AuditError, Entry, Event, Hash, evidence};
use crate::folder::{Lasting, private_dir, replace_file_lasting, sync_dir};
use crate::types::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// How far from the log's end a recent entry is looked for, in bytes.
const RECENT: u64 = 4 * 1024 * 1024;

/// The log of one repository.
#[derive(Debug)]
pub struct AuditLog {
    dir: PathBuf,
    /// Whether evidence was kept here whose name is perhaps not on disk yet.
    unsettled: AtomicBool,
}

/// Where an entry stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Its sequence number.
    pub seq: u64,
    /// Its line's hash.
    pub hash: Hash,
    /// Its time.
    pub time: Timestamp,
}

impl Recorded {
    /// Where a log stands before its first entry.
    fn nothing() -> Self {
        Self {
            seq: 0,
            hash: Hash::none(),
            time: Timestamp::from_unix(0),
        }
    }
}

impl AuditLog {
    /// The log below relhook's folder; nothing is read yet.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self {
            dir: folder.join("audit"),
            unsettled: AtomicBool::new(false),
        }
    }

    /// Begins the log of a new repository.
    ///
    /// # Errors
    /// When there is one already, or the system says no.
    pub fn begin(&self, repository: &str, now: Timestamp) -> Result<Recorded, AuditError> {
        private_dir(&self.dir).map_err(AuditError::io(&self.dir))?;
        let _lock = self.lock()?;
        if self.head()?.is_some() {
            return Err(AuditError::Begun { path: self.file() });
        }
        let path = self.file();
        let file = OpenOptions::new()
            .append(true)
            .read(true)
            .create_new(true)
            .open(&path);
        let file = match file {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(AuditError::Begun { path });
            }
            Err(source) => return Err(AuditError::Io { path, source }),
        };
        sync_dir(&self.dir).map_err(AuditError::io(&self.dir))?;
        let event = Event::Begun {
            repository: crate::types::escape(repository.as_bytes()),
            tool: tool(),
        };
        self.write(file, 0, &entry(None, now, event))
    }

    /// Whether a log was ever begun here.
    ///
    /// # Errors
    /// When the system says anything but yes or no.
    pub fn is_begun(&self) -> Result<bool, AuditError> {
        let path = self.file();
        Ok(self.head()?.is_some() || path.try_exists().map_err(AuditError::io(&path))?)
    }

    /// Keeps raw evidence. It is safe once an entry that names its hash has been appended.
    ///
    /// # Errors
    /// When it cannot be written, or is larger than 4 MiB.
    pub fn keep(&self, bytes: &[u8]) -> Result<Hash, AuditError> {
        // Who put there what is there already may have died before its name was on disk.
        self.unsettled.store(true, Ordering::Relaxed);
        evidence::keep(&self.evidence_dir(), bytes)
    }

    /// Keeps evidence that an entry names already: then its name is on disk, and no sync of the disk
    /// is spent on it. What is gone all the same is kept anew.
    ///
    /// # Errors
    /// As for [`Self::keep`].
    pub fn keep_again(&self, bytes: &[u8]) -> Result<Hash, AuditError> {
        let hash = Hash::of(bytes);
        if self.evidence_dir().join(hash.as_str()).exists() {
            return Ok(hash);
        }
        self.keep(bytes)
    }

    /// Reads a piece of evidence that was kept.
    ///
    /// # Errors
    /// When it is not there, or is not what its hash says.
    pub fn evidence(&self, hash: &Hash) -> Result<Vec<u8>, AuditError> {
        evidence::read(&self.evidence_dir(), hash)
    }

    /// Whether exactly these bytes are kept already.
    #[must_use]
    pub fn keeps(&self, bytes: &[u8]) -> bool {
        evidence::holds(&self.evidence_dir(), &Hash::of(bytes))
    }

    /// Appends one entry. When this returns, it is on disk. Its time is `now`, or the last entry's
    /// where that is later: the log never goes backwards.
    ///
    /// # Errors
    /// When it cannot be written, or when what is there is not what was last written.
    pub fn append(&self, now: Timestamp, event: Event) -> Result<Recorded, AuditError> {
        let _lock = self.lock()?;
        self.settle_evidence()?;
        let (file, tail, mut last) = self.open_end()?;
        if tail.cut > 0 {
            let path = self.file();
            file.set_len(tail.whole).map_err(AuditError::io(&path))?;
            let note = entry(
                Some(&last),
                now,
                Event::Recovered {
                    dropped_bytes: tail.cut,
                },
            );
            let again = file.try_clone().map_err(AuditError::io(&path))?;
            last = self.write(again, tail.whole, &note)?;
        }
        let length = file.metadata().map_err(AuditError::io(&self.dir))?.len();
        self.write(file, length, &entry(Some(&last), now, event))
    }

    /// Before an entry names evidence, the evidence's names are on disk as its content is.
    fn settle_evidence(&self) -> Result<(), AuditError> {
        if !self.unsettled.load(Ordering::Relaxed) {
            return Ok(());
        }
        let dir = self.evidence_dir();
        sync_dir(&dir).map_err(AuditError::io(&dir))?;
        self.unsettled.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// The entry with this number, if it is among the last ones: what is asked for shortly after
    /// it was written. Nothing is verified, and nothing is decided by what this returns.
    #[must_use]
    pub fn recent(&self, seq: u64) -> Option<Entry> {
        let mut file = File::open(self.file()).ok()?;
        let length = file.metadata().ok()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(RECENT)))
            .ok()?;
        let mut bytes = Vec::new();
        file.take(RECENT).read_to_end(&mut bytes).ok()?;
        let mut lines = bytes.split(|byte| *byte == b'\n').rev();
        lines.find_map(|line| {
            let entry: Entry = serde_json::from_slice(line).ok()?;
            (entry.seq == seq).then_some(entry)
        })
    }

    /// The last entry's place and time.
    ///
    /// # Errors
    /// When the log is not there, or is not what was last written.
    pub fn last(&self) -> Result<Recorded, AuditError> {
        let _lock = self.lock()?;
        Ok(self.open_end()?.2)
    }

    /// The log file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.dir.join("log.jsonl")
    }

    /// The folder of the evidence.
    #[must_use]
    pub fn evidence_dir(&self) -> PathBuf {
        self.dir.join("evidence")
    }

    /// What was last written, by the head file that is kept beside the log. The file is not
    /// synced; what a power cut made of it is behind or empty, and then the whole log has to
    /// verify.
    pub(in crate::audit) fn head(&self) -> Result<Option<Recorded>, AuditError> {
        let path = self.dir.join("head");
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(AuditError::Io { path, source }),
        };
        if bytes.is_empty() {
            return Ok(Some(Recorded::nothing()));
        }
        let head = serde_json::from_slice(&bytes);
        head.map(Some).map_err(|error| AuditError::Io {
            path,
            source: io::Error::other(error),
        })
    }

    fn lock(&self) -> Result<File, AuditError> {
        let path = self.dir.join("lock");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let file = file.map_err(AuditError::opening(&path))?;
        file.lock().map_err(AuditError::io(&path))?;
        Ok(file)
    }

    /// The file, its end, and its last entry, checked against the head.
    fn open_end(&self) -> Result<(File, Tail, Recorded), AuditError> {
        let path = self.file();
        let file = OpenOptions::new().read(true).append(true).open(&path);
        let file = file.map_err(AuditError::opening(&path))?;
        let tail = tail::read(&file).map_err(AuditError::io(&path))?;
        let head = self.head()?;
        let recorded = head.as_ref().map_or(0, |head| head.seq);
        if tail.line.is_empty() {
            return Err(AuditError::Truncated {
                path,
                found: 0,
                recorded,
            });
        }
        let last = parse(&tail.line).map_err(|why| AuditError::Broken {
            path: path.clone(),
            seq: recorded,
            why,
        })?;
        self.check_head(head.as_ref(), &last)?;
        let hash = Hash::of(&tail.line);
        Ok((
            file,
            tail,
            Recorded {
                seq: last.seq,
                hash,
                time: last.time,
            },
        ))
    }

    /// The head is never ahead and never elsewhere. It may be behind: by one entry after a kill
    /// between the two writes, by more after a power cut; then the whole log has to verify.
    fn check_head(&self, head: Option<&Recorded>, last: &LastLine) -> Result<(), AuditError> {
        let broken = |why: String| AuditError::Broken {
            path: self.file(),
            seq: last.seq,
            why,
        };
        let Some(head) = head else {
            // Only the very first entry is written before there is a head.
            let why = "the head file beside the log is missing".to_owned();
            return if last.seq == 1 {
                Ok(())
            } else {
                Err(broken(why))
            };
        };
        if last.seq < head.seq {
            return Err(AuditError::Truncated {
                path: self.file(),
                found: last.seq,
                recorded: head.seq,
            });
        }
        let same = last.seq == head.seq && last.hash == head.hash;
        let next = last.seq == head.seq + 1 && last.prev == head.hash;
        if same || next {
            return Ok(());
        }
        if last.seq > head.seq + 1 {
            return super::verify(self, |_| ()).map(drop);
        }
        Err(broken(format!(
            "it does not follow entry {}, which was last written",
            head.seq
        )))
    }

    /// Writes one line at the end of `file`, which is `length` bytes long, then the head.
    fn write(&self, mut file: File, length: u64, entry: &Entry) -> Result<Recorded, AuditError> {
        let path = self.file();
        let line = serde_json::to_vec(entry).map_err(io::Error::other);
        let mut line = line.map_err(AuditError::io(&path))?;
        let recorded = Recorded {
            seq: entry.seq,
            hash: Hash::of(&line),
            time: entry.time,
        };
        line.push(b'\n');
        if line.len() > MAX_LINE {
            return Err(AuditError::TooLong {
                size: line.len(),
                limit: MAX_LINE,
            });
        }
        if let Err(source) = file.write_all(&line).and_then(|()| file.sync_data()) {
            // A cut line is dropped by the next append too; dropping it now keeps the file tidy.
            let _ = file.set_len(length);
            return Err(AuditError::Io { path, source });
        }
        let head = serde_json::to_vec(&recorded).map_err(io::Error::other);
        let head_path = self.dir.join("head");
        let head = head.and_then(|head| replace_file_lasting(&head_path, &head, Lasting::Kill));
        head.map_err(AuditError::io(&head_path))?;
        Ok(recorded)
    }
}

/// What the last line says of itself.
struct LastLine {
    seq: u64,
    time: Timestamp,
    prev: Hash,
    hash: Hash,
}

fn parse(line: &[u8]) -> Result<LastLine, String> {
    let entry: Entry = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    Ok(LastLine {
        seq: entry.seq,
        time: entry.time,
        prev: entry.prev,
        hash: Hash::of(line),
    })
}

fn entry(last: Option<&Recorded>, now: Timestamp, event: Event) -> Entry {
    Entry {
        schema: SCHEMA.to_owned(),
        seq: last.map_or(1, |last| last.seq + 1),
        time: last.map_or(now, |last| last.time.max(now)),
        prev: last.map_or_else(Hash::none, |last| last.hash.clone()),
        event,
    }
}

fn tool() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
