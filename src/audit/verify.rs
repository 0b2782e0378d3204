//! Checking a whole log: the tree and its files, the signature on it, every entry, its time, what is
//! kept beside it, and its evidence.

use super::bundle::{Beside, Lying};
use super::check::{self, Checked, Sound, Want};
use super::checkpoint::Checkpoint;
use super::journal::{Lines, Signed};
use super::tiles::WIDTH;
use super::tree::{Node, Peaks};
use super::{AuditError, AuditLog, Entry, Hash, StampRecord, spread};
use crate::types::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// So many hashes are in a full tile.
const WIDTH_OF_ROW: usize = WIDTH as usize;

/// What a verified log holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How many entries.
    pub entries: u64,
    /// How many pieces of evidence, each there and unaltered.
    pub evidence: u64,
    /// The pieces of evidence that were deleted.
    pub evidence_redacted: BTreeSet<Hash>,
    /// The entries beside which something was kept that is deleted now.
    pub redacted: Vec<u64>,
    /// The timestamps that heartbeats name, each with the number of its entry.
    pub stamps: Vec<(u64, StampRecord)>,
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
    run(log, Want::Entries, Some(&mut each))
}

/// Checks the log as [`verify`] does, but for its evidence, and hands each entry to `each` without
/// its report: for whoever judges again, and lists what of the evidence is lost.
///
/// # Errors
/// As for [`verify`].
pub fn verify_entries(log: &AuditLog, mut each: impl FnMut(&Entry)) -> Result<Report, AuditError> {
    run(log, Want::EntriesAlone, Some(&mut each))
}

/// Checks the whole log as [`verify`] does, for those who want to know no more than that.
///
/// # Errors
/// As for [`verify`].
pub fn check(log: &AuditLog) -> Result<Report, AuditError> {
    run(log, Want::Nothing, None)
}

/// What is done with an entry, if anything.
type Each<'a> = Option<&'a mut dyn FnMut(&Entry)>;

fn run<'a>(log: &'a AuditLog, want: Want, each: Each<'a>) -> Result<Report, AuditError> {
    let key = log.key()?;
    let mut published = log.published(&key)?;
    let mut lines = Lines::open(log, &key)?;
    let Some(first) = lines.next(Signed::Verify)? else {
        return Err(AuditError::Truncated {
            path: log.file(),
            found: 0,
            recorded: published.map_or(1, |published| published.size),
        });
    };
    let mut state = State::new(log, published.take(), want, each);
    let closed = first.head.peaks.size();
    state.tiles(closed / WIDTH)?;
    if !closed.is_multiple_of(WIDTH) || state.peaks != first.head.peaks {
        return Err(state.broken(
            closed,
            "the tiles are not those that its head was signed with",
        ));
    }
    state.upper_tiles()?;
    let mut head = first.head;
    while let Some(line) = lines.next(Signed::ByLater)? {
        let Some(entry) = &line.entry else {
            continue;
        };
        let lying = Lying {
            entry,
            beside: line.hidden.as_ref().map(Beside::Read),
        };
        let seq = state.peaks.size() + 1;
        state.entry(check::entry(log, seq, lying, want)?)?;
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
    /// The root of each full tile.
    roots: Vec<Node>,
    time: Option<Timestamp>,
    evidence: u64,
    redacted: Vec<u64>,
    stamps: Vec<(u64, StampRecord)>,
    /// The entries of which a later one says that what was kept beside them is deleted.
    told: BTreeSet<u64>,
    /// Evidence that is not there, and the last entry that names it.
    gone: BTreeMap<Hash, u64>,
    /// Evidence of which an entry says that it was deleted, and the last one that does.
    deleted: BTreeMap<Hash, u64>,
    /// What was published and is not met yet.
    published: Option<Checkpoint>,
    want: Want,
    each: Each<'a>,
}

impl<'a> State<'a> {
    fn new(log: &'a AuditLog, published: Option<Checkpoint>, want: Want, each: Each<'a>) -> Self {
        Self {
            log,
            peaks: Peaks::default(),
            roots: Vec::new(),
            time: None,
            evidence: 0,
            redacted: Vec::new(),
            stamps: Vec::new(),
            told: BTreeSet::new(),
            gone: BTreeMap::new(),
            deleted: BTreeMap::new(),
            published,
            want,
            each,
        }
    }

    /// The full tiles, checked by as many threads as there are processors.
    fn tiles(&mut self, count: u64) -> Result<(), AuditError> {
        let (log, want) = (self.log, self.want);
        let mut fault = None;
        spread::in_order(
            0..count,
            |index| check::tile(log, index, want),
            |checked| match self.tile(checked) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    fault = Some(error);
                    ControlFlow::Break(())
                }
            },
        );
        fault.map_or(Ok(()), Err)
    }

    fn broken(&self, seq: u64, why: &str) -> AuditError {
        AuditError::Broken {
            path: self.log.file(),
            seq,
            why: why.to_owned(),
        }
    }

    /// A full tile that was checked by itself.
    fn tile(&mut self, checked: Checked) -> Result<(), AuditError> {
        let from = self.peaks.size();
        let within = |published: &Checkpoint| (from + 1..=from + WIDTH).contains(&published.size);
        let whole = checked.fault.is_none() && checked.sound.len() == WIDTH_OF_ROW;
        if whole && !self.published.as_ref().is_some_and(within) {
            // Its root was made from its leaves where it was checked.
            for (seq, sound) in (from + 1..).zip(checked.sound) {
                self.must_follow(seq, &sound)?;
                self.take(seq, sound);
            }
            if !self.peaks.push_complete(checked.root, WIDTH.ilog2()) {
                return Err(self.broken(from, "the tile does not begin where a tile does"));
            }
        } else {
            for sound in checked.sound {
                self.entry(sound)?;
            }
        }
        self.roots.push(checked.root);
        checked.fault.map_or(Ok(()), Err)
    }

    /// That the tiles above the lowest are what those below them make.
    fn upper_tiles(&mut self) -> Result<(), AuditError> {
        let tiles = self.log.tiles();
        let mut below = std::mem::take(&mut self.roots);
        let mut level = 1;
        while !below.is_empty() {
            let mut roots = Vec::new();
            for (index, made) in (0..).zip(below.chunks(WIDTH_OF_ROW)) {
                let found = tiles.hashes(level, index, made.len() as u64)?;
                if found != made {
                    return Err(
                        self.broken(0, "a tile of the tree is not what those below it make")
                    );
                }
                if made.len() == WIDTH_OF_ROW {
                    roots.push(found.into_iter().collect::<Peaks>().root());
                }
            }
            below = roots;
            level += 1;
        }
        Ok(())
    }

    fn entry(&mut self, sound: Sound) -> Result<(), AuditError> {
        let seq = self.peaks.size() + 1;
        self.must_follow(seq, &sound)?;
        self.peaks.push(sound.leaf);
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
        self.take(seq, sound);
        Ok(())
    }

    fn must_follow(&self, seq: u64, sound: &Sound) -> Result<(), AuditError> {
        match self.time.is_some_and(|time| sound.time < time) {
            true => Err(self.broken(seq, "its time is before the entry before it")),
            false => Ok(()),
        }
    }

    /// Notes what an entry says, and hands it on.
    fn take(&mut self, seq: u64, sound: Sound) {
        self.time = Some(sound.time);
        self.evidence += sound.evidence;
        if sound.redacted {
            self.redacted.push(seq);
        }
        for hash in sound.gone {
            self.gone.insert(hash, seq);
        }
        if let Some(redaction) = sound.redacts {
            self.told.insert(redaction.entry);
            let deleted = redaction.evidence.into_iter().map(|hash| (hash, seq));
            self.deleted.extend(deleted);
        }
        self.stamps.extend(sound.stamp.map(|stamp| (seq, stamp)));
        if let (Some(each), Some(entry)) = (&mut self.each, &sound.entry) {
            each(entry);
        }
    }

    fn end(self, checkpoint: Checkpoint) -> Result<Report, AuditError> {
        if let Some(gone) = self.redacted.iter().find(|seq| !self.told.contains(seq)) {
            let why = "what was kept beside it is gone, and no entry says that it was deleted";
            return Err(self.broken(*gone, why));
        }
        let unsaid = self.gone.iter();
        let unsaid = unsaid.filter(|(hash, named)| {
            // What was brought again since was kept again.
            self.deleted.get(*hash).is_none_or(|said| *said < **named)
        });
        if let Some((hash, seq)) = unsaid.min_by_key(|(_, seq)| **seq) {
            let why =
                format!("its evidence {hash} is missing, and no entry says that it was deleted");
            return Err(self.broken(*seq, &why));
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
            evidence_redacted: self.gone.into_keys().collect(),
            redacted: self.redacted,
            stamps: self.stamps,
            checkpoint,
            time,
        })
    }
}
