//! Checking a whole log: the tree and its files, the signature on it, every entry, its time, what is
//! kept beside it, and its evidence.

use super::checkpoint::Checkpoint;
use super::journal::{Lines, Signed};
use super::tiles::{Kept, WIDTH};
use super::tree::{Node, Peaks, leaf};
use super::{AuditError, AuditLog, Entry, Event, Hash, draft, evidence};
use crate::types::Timestamp;
use std::collections::BTreeSet;
use std::path::Path;

/// What a verified log holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How many entries.
    pub entries: u64,
    /// How many pieces of evidence, each there and unaltered.
    pub evidence: u64,
    /// The entries beside which something was kept that is deleted now.
    pub redacted: Vec<u64>,
    /// What the log is: whoever keeps it elsewhere can show later that nothing before it has changed.
    pub checkpoint: Checkpoint,
    /// The last entry's time.
    pub time: Timestamp,
}

/// Checks the whole log and hands each entry to `each`.
///
/// # Errors
/// At the first thing that is not as it was written: a missing or empty log, an entry that is not in
/// its form, a tree that does not have the signed root, a time that goes backwards, evidence that is
/// missing or altered, an end before what was once published.
pub fn verify(log: &AuditLog, mut each: impl FnMut(&Entry)) -> Result<Report, AuditError> {
    let key = log.key()?;
    let mut published = log.published(&key)?;
    let mut lines = Lines::open(&log.file(), &key)?;
    let Some(first) = lines.next(Signed::Verify)? else {
        return Err(AuditError::Truncated {
            path: log.file(),
            found: 0,
            recorded: published.map_or(1, |published| published.size),
        });
    };
    let mut state = State::new(log, published.take());
    let closed = first.head.peaks.size();
    for index in 0..closed / WIDTH {
        state.tile(index, &mut each)?;
    }
    if !closed.is_multiple_of(WIDTH) || state.peaks != first.head.peaks {
        return Err(state.broken(
            closed,
            "the tiles are not those that its head was signed with",
        ));
    }
    state.upper_tiles()?;
    let mut head = first.head;
    while let Some(line) = lines.next(Signed::ByLater)? {
        let (Some(entry), hidden) = (line.entry, line.hidden) else {
            continue;
        };
        state.entry(&Kept { entry, hidden }, &mut each)?;
        head = line.head;
        if head.time != state.time.unwrap_or(head.time) {
            return Err(state.broken(state.peaks.size(), "its time is not that of its line"));
        }
    }
    let signed = Checkpoint::open(head.checkpoint.note.as_bytes(), &key);
    signed.map_err(|fault| state.broken(head.peaks.size(), &fault.to_string()))?;
    state.end(head.checkpoint)
}

struct State<'a> {
    log: &'a AuditLog,
    peaks: Peaks,
    time: Option<Timestamp>,
    evidence: u64,
    redacted: Vec<u64>,
    /// The entries of which a later one says that what was kept beside them is deleted.
    told: BTreeSet<u64>,
    /// What was published and is not met yet.
    published: Option<Checkpoint>,
}

impl<'a> State<'a> {
    fn new(log: &'a AuditLog, published: Option<Checkpoint>) -> Self {
        Self {
            log,
            peaks: Peaks::default(),
            time: None,
            evidence: 0,
            redacted: Vec::new(),
            told: BTreeSet::new(),
            published,
        }
    }

    fn broken(&self, seq: u64, why: &str) -> AuditError {
        AuditError::Broken {
            path: self.log.file(),
            seq,
            why: why.to_owned(),
        }
    }

    /// A full tile: its entries, and that its hashes are theirs.
    fn tile(&mut self, index: u64, each: &mut impl FnMut(&Entry)) -> Result<(), AuditError> {
        let kept = self.log.tiles().entries(index)?;
        let hashes = self.log.tiles().hashes(0, index, WIDTH)?;
        for (kept, hash) in kept.iter().zip(&hashes) {
            if leaf(&kept.entry) != *hash {
                return Err(self.broken(
                    self.peaks.size() + 1,
                    "it is not what its tile has the hash of",
                ));
            }
            self.entry(kept, each)?;
        }
        Ok(())
    }

    /// That the tiles above the lowest are what those below them make.
    fn upper_tiles(&self) -> Result<(), AuditError> {
        let tiles = self.log.tiles();
        let mut count = self.peaks.size() / WIDTH;
        let mut level = 1;
        while count > 0 {
            for index in 0..count.div_ceil(WIDTH) {
                let width = (count - index * WIDTH).min(WIDTH);
                let found = tiles.hashes(level, index, width)?;
                let made: Result<Vec<Node>, AuditError> = (index * WIDTH..index * WIDTH + width)
                    .map(|below| {
                        let below = tiles.hashes(level - 1, below, WIDTH)?;
                        Ok(below.into_iter().collect::<Peaks>().root())
                    })
                    .collect();
                if made? != found {
                    return Err(
                        self.broken(0, "a tile of the tree is not what those below it make")
                    );
                }
            }
            count /= WIDTH;
            level += 1;
        }
        Ok(())
    }

    fn entry(&mut self, kept: &Kept, each: &mut impl FnMut(&Entry)) -> Result<(), AuditError> {
        let seq = self.peaks.size() + 1;
        let entry = self
            .check(seq, kept)
            .map_err(|why| self.broken(seq, &why))?;
        self.peaks.push(leaf(&kept.entry));
        self.time = Some(entry.time);
        if entry.hidden.is_some() && kept.hidden.is_none() {
            self.redacted.push(seq);
        }
        if let Event::Redacted { entry, .. } = entry.event {
            self.told.insert(entry);
        }
        if let Some(published) = &self.published
            && published.size == seq
        {
            if published.root != self.peaks.root() {
                return Err(AuditError::Forked {
                    ours: Box::new(Checkpoint {
                        size: seq,
                        root: self.peaks.root(),
                        ..published.clone()
                    }),
                    theirs: Box::new(published.clone()),
                });
            }
            self.published = None;
        }
        each(&entry);
        Ok(())
    }

    fn check(&mut self, seq: u64, kept: &Kept) -> Result<Entry, String> {
        let entry = draft::strictly(&kept.entry)?;
        if entry.seq != seq {
            return Err(format!("it says that it is entry {}", entry.seq));
        }
        if self.time.is_some_and(|time| entry.time < time) {
            return Err("its time is before the entry before it".into());
        }
        let dir = self.log.evidence_dir();
        self.evidence += all_there(&dir, evidence_of(&entry.event))?;
        let long = matches!(entry.event, Event::Long { .. });
        let entry = draft::whole(entry, kept.hidden.as_ref(), |hash| {
            evidence::read(&dir, hash)
        })?;
        if long {
            self.evidence += all_there(&dir, evidence_of(&entry.event))?;
        }
        Ok(entry)
    }

    fn end(self, checkpoint: Checkpoint) -> Result<Report, AuditError> {
        if let Some(gone) = self.redacted.iter().find(|seq| !self.told.contains(seq)) {
            let why = "what was kept beside it is gone, and no entry says that it was deleted";
            return Err(self.broken(*gone, why));
        }
        if let Some(published) = self.published
            && published.size > 0
        {
            return Err(AuditError::Truncated {
                path: self.log.file(),
                found: checkpoint.size,
                recorded: published.size,
            });
        }
        let Some(time) = self.time else {
            return Err(AuditError::Truncated {
                path: self.log.file(),
                found: 0,
                recorded: 1,
            });
        };
        Ok(Report {
            entries: checkpoint.size,
            evidence: self.evidence,
            redacted: self.redacted,
            checkpoint,
            time,
        })
    }
}

/// How many pieces of evidence these are, if all are there and unaltered.
fn all_there<'a>(dir: &Path, hashes: impl Iterator<Item = &'a Hash>) -> Result<u64, String> {
    let mut count = 0;
    for hash in hashes {
        if !evidence::holds(dir, hash) {
            return Err(format!("its evidence {hash} is missing or altered"));
        }
        count += 1;
    }
    Ok(count)
}

/// The evidence that an event names.
pub(in crate::audit) fn evidence_of(event: &Event) -> impl Iterator<Item = &Hash> {
    let (verdict, body) = match event {
        Event::Verdict(verdict) => (Some(verdict), None),
        Event::Long { body, .. } => (None, Some(body)),
        Event::Begun { .. }
        | Event::Pinned(_)
        | Event::Refused { .. }
        | Event::Release(_)
        | Event::Course(_)
        | Event::Drift(_)
        | Event::Heartbeat
        | Event::Migrated { .. }
        | Event::Redacted { .. }
        | Event::Recovered { .. } => (None, None),
    };
    let named = verdict.into_iter().flat_map(|verdict| {
        let arrivals = verdict.arrivals.iter();
        let lists = arrivals.flat_map(|arrivals| &arrivals.lists);
        verdict.evidence.iter().chain(lists)
    });
    named.chain(body)
}
