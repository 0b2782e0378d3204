//! Appending: one writer at a time, each entry on disk before the call returns.

use super::checkpoint::{Checkpoint, LogKey, LogSigner};
use super::draft::Draft;
use super::journal::{self, Appended, Head, Journal, Lines, Signed};
use super::tiles::{Kept, Tiles, WIDTH};
use super::tree::{Peaks, leaf};
use super::{AuditError, Entry, Event, Hash, access, evidence};
use crate::folder::{Lasting, replace_shared, shared_dir, sync_dir};
use crate::types::Timestamp;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// How many times who reads without the lock looks again.
const TRIES: u32 = 5;

/// The log of one repository.
#[derive(Debug)]
pub struct AuditLog {
    dir: PathBuf,
    /// The public key that a copy is read by: its own key is not in it.
    given: Option<LogKey>,
    /// Whether evidence was kept here whose name is perhaps not on disk yet.
    unsettled: AtomicBool,
    /// What a program that is soon over need not find out twice.
    brief: Option<Brief>,
}

/// What was read and verified, for as long as one push is judged.
#[derive(Debug, Default)]
struct Brief {
    signer: OnceLock<Arc<LogSigner>>,
    /// The last checkpoint's note: the key signed it.
    signed: Mutex<String>,
}

/// Where an entry stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its sequence number.
    pub seq: u64,
    /// Its time.
    pub time: Timestamp,
    /// What the log is with it.
    pub checkpoint: Checkpoint,
}

impl From<Head> for Recorded {
    fn from(head: Head) -> Self {
        Self {
            seq: head.peaks.size(),
            time: head.time,
            checkpoint: head.checkpoint,
        }
    }
}

impl AuditLog {
    /// The log below relhook's folder; nothing is read yet.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self {
            dir: folder.join("audit"),
            given: None,
            unsettled: AtomicBool::new(false),
            brief: None,
        }
    }

    /// The same, for a program that is over in a moment: the key is read once, and stays in its memory
    /// until then, and no signature is verified twice.
    #[must_use]
    pub fn briefly(self) -> Self {
        Self {
            brief: Some(Brief::default()),
            ..self
        }
    }

    /// A copy of a log's folder, to be read with the public key that its reader has of it.
    #[must_use]
    pub fn copy(dir: &Path, key: LogKey) -> Self {
        Self {
            dir: dir.to_owned(),
            given: Some(key),
            unsettled: AtomicBool::new(false),
            brief: None,
        }
    }

    /// Whether it is a copy, which nobody appends to.
    #[must_use]
    pub fn is_copy(&self) -> bool {
        self.given.is_some()
    }

    /// Begins the log of a new repository: makes its key, and writes its first entry.
    ///
    /// # Errors
    /// When there is one already, or anything that only one can have left; or the system says no.
    pub fn begin(&self, repository: &str, now: Timestamp) -> Result<Recorded, AuditError> {
        shared_dir(&self.dir).map_err(AuditError::io(&self.dir))?;
        let _lock = self.lock()?;
        self.must_be_new()?;
        LogSigner::make(&self.key_file(), repository)?;
        let event = Event::Begun {
            repository: crate::types::escape(repository.as_bytes()),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
        };
        self.found(now, event).map(Recorded::from)
    }

    /// Writes the head of a log with one entry.
    pub(in crate::audit) fn found(&self, now: Timestamp, event: Event) -> Result<Head, AuditError> {
        let signer = self.signer()?;
        let peaks = Peaks::default();
        let start = Head {
            checkpoint: self.sign(&signer, &peaks)?,
            peaks,
            time: now,
        };
        let (draft, head) = self.draft(&signer, &start, now, event)?;
        let path = self.file();
        let lines = journal::first_line(&start).and_then(|mut lines| {
            lines.extend(journal::line(Some(&draft.entry), draft.hidden, &head)?);
            Ok(lines)
        });
        let lines = lines.map_err(AuditError::io(&path))?;
        self.begin_journal(&lines)?;
        Ok(head)
    }

    pub(in crate::audit) fn begin_journal(&self, lines: &[u8]) -> Result<(), AuditError> {
        let path = self.file();
        let folder = self.dir.join("head");
        shared_dir(&folder).map_err(AuditError::io(&folder))?;
        sync_dir(&self.dir).map_err(AuditError::io(&self.dir))?;
        replace_shared(&path, lines, Lasting::PowerCut).map_err(AuditError::io(&path))
    }

    /// Only where nothing is of a log, or was made from one, may one begin. A key alone is left by a
    /// beginning that was killed.
    fn must_be_new(&self) -> Result<(), AuditError> {
        for name in [
            "head/journal",
            "log.jsonl",
            "checkpoint",
            "tile",
            "hidden",
            "evidence",
            "witness",
            "../ledger",
        ] {
            let path = self.dir.join(name);
            if super::migrate::is_there(&path)? {
                return Err(AuditError::Begun { path });
            }
        }
        Ok(())
    }

    /// Whether a log was ever begun here.
    ///
    /// # Errors
    /// When the system says anything but yes or no.
    pub fn is_begun(&self) -> Result<bool, AuditError> {
        match self.must_be_new() {
            Ok(()) => Ok(false),
            Err(AuditError::Begun { .. }) => Ok(true),
            Err(error) => Err(error),
        }
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
        let signer = self.signer()?;
        let (mut journal, head) = self.ready(&signer, now)?;
        let head = self.write(&signer, &mut journal, &head, now, event)?;
        if head.peaks.size().is_multiple_of(WIDTH) {
            // The entry is committed. What this does not bring to an end, the next append does.
            let _ = self.turn(&signer);
        }
        Ok(head.into())
    }

    /// The journal, ready for a line; what an append that was cut left there is dropped, and an entry
    /// says so.
    pub(in crate::audit) fn ready(
        &self,
        signer: &LogSigner,
        now: Timestamp,
    ) -> Result<(Journal, Head), AuditError> {
        let (mut journal, mut head) = self.open(signer)?;
        if journal.cut() > 0 {
            let dropped_bytes = journal.cut();
            journal.drop_cut()?;
            let note = Event::Recovered { dropped_bytes };
            head = self.write(signer, &mut journal, &head, now, note)?;
            if head.peaks.size().is_multiple_of(WIDTH) {
                journal = self.turn(signer)?;
            }
        }
        Ok((journal, head))
    }

    fn write(
        &self,
        signer: &LogSigner,
        journal: &mut Journal,
        before: &Head,
        now: Timestamp,
        event: Event,
    ) -> Result<Head, AuditError> {
        let (draft, head) = self.draft(signer, before, now, event)?;
        self.settle_evidence()?;
        journal.append(&draft.entry, draft.hidden, &head)?;
        Ok(head)
    }

    /// The next entry and what the log is with it.
    pub(in crate::audit) fn draft(
        &self,
        signer: &LogSigner,
        before: &Head,
        now: Timestamp,
        event: Event,
    ) -> Result<(Draft, Head), AuditError> {
        let time = before.time.max(now);
        let entry = Entry::new(before.peaks.size() + 1, time, event);
        let draft = Draft::new(entry, |body| self.keep(body))?;
        let mut peaks = before.peaks.clone();
        peaks.push(leaf(draft.entry.as_bytes()));
        let head = Head {
            checkpoint: self.sign(signer, &peaks)?,
            peaks,
            time,
        };
        Ok((draft, head))
    }

    pub(in crate::audit) fn sign(
        &self,
        signer: &LogSigner,
        peaks: &Peaks,
    ) -> Result<Checkpoint, AuditError> {
        signer
            .checkpoint(peaks.size(), peaks.root())
            .map_err(|why| AuditError::Key {
                path: self.key_file(),
                why,
            })
    }

    /// The last line of the journal, verified.
    fn last_of(&self, journal: &Journal, key: &LogKey) -> Result<Appended, AuditError> {
        let Some(brief) = &self.brief else {
            return journal.last(key, "");
        };
        let mut signed = brief.signed.lock().unwrap_or_else(PoisonError::into_inner);
        let last = journal.last(key, &signed)?;
        signed.clone_from(&last.head.checkpoint.note);
        Ok(last)
    }

    /// The journal and the last entry's place in it. A tile that is full is closed first, for what
    /// was killed while it did.
    pub(in crate::audit) fn open(&self, signer: &LogSigner) -> Result<(Journal, Head), AuditError> {
        let journal = Journal::open(self)?;
        let last = self.last_of(&journal, signer.public())?;
        self.must_not_be_behind(signer.public(), &last)?;
        match is_full(&last) {
            false => Ok((journal, last.head)),
            true => Ok((self.turn(signer)?, last.head)),
        }
    }

    /// The head is what counts. Where it is behind what was once published, or behind a full tile,
    /// it is an old copy, and going on from it would fork the log.
    fn must_not_be_behind(&self, key: &LogKey, last: &Appended) -> Result<(), AuditError> {
        let size = last.head.peaks.size();
        let behind = |recorded| AuditError::Truncated {
            path: self.file(),
            found: size,
            recorded,
        };
        if !is_full(last) && self.tiles().is_full(size / WIDTH)? {
            return Err(behind((size / WIDTH + 1) * WIDTH));
        }
        // What an entry before this one was shown as needs no look at its signature.
        let Some(shown) = self.shown(key)? else {
            return Ok(());
        };
        let is_this = shown.size == size && shown.root == last.head.checkpoint.root;
        if shown.size < size || is_this || !is_signed(&shown, key) {
            return Ok(());
        }
        if shown.size > size {
            return Err(behind(shown.size));
        }
        Err(AuditError::Forked {
            ours: Box::new(last.head.checkpoint.clone()),
            theirs: Box::new(shown),
        })
    }

    /// The checkpoint that was last published; none where there is none, or a power cut spoilt it.
    pub(in crate::audit) fn published(
        &self,
        key: &LogKey,
    ) -> Result<Option<Checkpoint>, AuditError> {
        Ok(self.shown(key)?.filter(|shown| is_signed(shown, key)))
    }

    /// The same, with its signature not looked at.
    fn shown(&self, key: &LogKey) -> Result<Option<Checkpoint>, AuditError> {
        let path = self.checkpoint_file();
        match std::fs::read(&path) {
            Ok(note) => Ok(Checkpoint::read(&note, key).ok().map(|(shown, _)| shown)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(AuditError::Io { path, source }),
        }
    }

    /// Closes the full tile that the journal holds.
    pub(in crate::audit) fn turn(&self, signer: &LogSigner) -> Result<Journal, AuditError> {
        let (kept, head) = self.open_tile(signer.public())?;
        self.close(&kept, &head)
    }

    /// Closes a full tile: its files first, then the journal begins anew behind it.
    pub(in crate::audit) fn close(
        &self,
        kept: &[Kept],
        head: &Head,
    ) -> Result<Journal, AuditError> {
        self.tiles().complete(kept, &head.peaks)?;
        let path = self.file();
        let line = journal::first_line(head).map_err(AuditError::io(&path))?;
        self.begin_journal(&line)?;
        Journal::open(self)
    }

    /// The entries of the journal, each line checked, and where it ends.
    pub(in crate::audit) fn open_tile(
        &self,
        key: &LogKey,
    ) -> Result<(Vec<Kept>, Head), AuditError> {
        let mut lines = Lines::open(self, key)?;
        let mut kept = Vec::new();
        let mut head = None;
        while let Some(line) = lines.next(Signed::ByLater)? {
            if let Some(entry) = line.entry {
                let hidden = line.hidden;
                kept.push(Kept { entry, hidden });
            }
            head = Some(line.head);
        }
        let head = head.ok_or_else(|| AuditError::Truncated {
            path: self.file(),
            found: 0,
            recorded: 1,
        })?;
        // The last line takes in all others.
        let signed = Checkpoint::open(head.checkpoint.note.as_bytes(), key);
        signed.map_err(|fault| AuditError::Broken {
            path: self.file(),
            seq: head.peaks.size(),
            why: fault.to_string(),
        })?;
        Ok((kept, head))
    }

    /// Brings the files that others read to where the log is: the tile that is not full yet, and the
    /// checkpoint.
    ///
    /// # Errors
    /// When the log is not what was last written, or the files cannot be.
    pub fn publish(&self) -> Result<Recorded, AuditError> {
        let _lock = self.lock()?;
        let signer = self.signer()?;
        drop(self.open(&signer)?);
        let (kept, mut head) = self.open_tile(signer.public())?;
        let size = head.peaks.size();
        self.tiles().publish(size / WIDTH, &kept)?;
        let path = self.checkpoint_file();
        let note = self.with_cosignatures(&head.checkpoint.note, size);
        head.checkpoint.note = note.map_err(AuditError::io(&path))?;
        let note = head.checkpoint.note.as_bytes();
        replace_shared(&path, note, Lasting::Kill).map_err(AuditError::io(&path))?;
        Ok(head.into())
    }

    /// Before an entry names evidence, the evidence's names are on disk as its content is.
    pub(in crate::audit) fn settle_evidence(&self) -> Result<(), AuditError> {
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
        let mut found = None;
        let from = super::Mark::behind(seq.checked_sub(1)?);
        let read = super::read_on(self, from, |entry, _| {
            found = (entry.seq == seq).then(|| entry.clone());
            std::ops::ControlFlow::Break(())
        });
        read.ok().and(found)
    }

    /// The last entry's place and time, and the checkpoint with it.
    ///
    /// # Errors
    /// When the log is not there, or is not what was last written.
    pub fn last(&self) -> Result<Recorded, AuditError> {
        let lock = self.lock()?;
        let key = self.key()?;
        let mut tries = 0;
        loop {
            let last = self.last_of(&Journal::open(self)?, &key)?;
            match self.must_not_be_behind(&key, &last) {
                // Without the lock, a tile may be closed between the two looks.
                Err(AuditError::Truncated { .. }) if lock.is_none() && tries < TRIES => tries += 1,
                Err(error) => return Err(error),
                Ok(()) => return Ok(last.head.into()),
            }
        }
    }

    /// The public key that checkpoints of this log are verified by.
    ///
    /// # Errors
    /// When the key cannot be read, is none, or others can read it.
    pub fn key(&self) -> Result<LogKey, AuditError> {
        if let Some(given) = &self.given {
            return Ok(given.clone());
        }
        match self.signer() {
            Err(AuditError::ReadOnly { .. }) => self.public_key(),
            signer => Ok(signer?.public().clone()),
        }
    }

    pub(in crate::audit) fn signer(&self) -> Result<Arc<LogSigner>, AuditError> {
        let held = self.brief.as_ref().map(|brief| &brief.signer);
        if let Some(signer) = held.and_then(OnceLock::get) {
            return Ok(Arc::clone(signer));
        }
        let signer = self.read_signer()?;
        if let Some(held) = held {
            let _ = held.set(Arc::clone(&signer));
        }
        Ok(signer)
    }

    fn read_signer(&self) -> Result<Arc<LogSigner>, AuditError> {
        let read = match LogSigner::read(&self.key_file()) {
            Err(_) if self.is_reader() => {
                let path = self.dir.clone();
                return Err(AuditError::ReadOnly { path });
            }
            read => read?,
        };
        match read {
            Some(signer) => Ok(Arc::new(signer)),
            None if self.is_old()? => Err(AuditError::Old {
                path: self.old_file(),
            }),
            None if self.is_begun()? => Err(AuditError::Key {
                path: self.key_file(),
                why: "it is not there".into(),
            }),
            None => Err(AuditError::Absent { path: self.file() }),
        }
    }

    /// The head of the log, in which entries are committed.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.dir.join("head/journal")
    }

    /// The checkpoint that was last published.
    #[must_use]
    pub fn checkpoint_file(&self) -> PathBuf {
        self.dir.join("checkpoint")
    }

    pub(in crate::audit) fn key_file(&self) -> PathBuf {
        self.dir.join("log-key")
    }

    /// The folder of the evidence.
    #[must_use]
    pub fn evidence_dir(&self) -> PathBuf {
        self.dir.join("evidence")
    }

    /// The log's folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub(in crate::audit) fn tiles(&self) -> Tiles {
        Tiles::at(&self.dir)
    }

    /// Holds the log against other writers. Who may only read it holds nothing.
    pub(in crate::audit) fn lock(&self) -> Result<Option<File>, AuditError> {
        let path = self.dir.join("lock");
        let file = match access::lock_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && self.is_reader() => {
                return Ok(None);
            }
            opened => opened.map_err(AuditError::opening(&path))?,
        };
        file.lock().map_err(AuditError::io(&path))?;
        Ok(Some(file))
    }
}

/// Whether the journal holds a whole tile that is not closed yet.
fn is_full(last: &Appended) -> bool {
    last.entry.is_some() && last.head.peaks.size().is_multiple_of(WIDTH)
}

fn is_signed(checkpoint: &Checkpoint, key: &LogKey) -> bool {
    Checkpoint::open(checkpoint.note.as_bytes(), key).is_ok()
}
