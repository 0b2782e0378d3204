//! Checking what can be checked of an entry by itself: its form, its number, what is kept beside it,
//! its evidence; and of a full tile, that its hashes are those of its entries.

use super::bundle::{Beside, Lying};
use super::glance::{self, Glance};
use super::hidden::Reports;
use super::tiles::WIDTH;
use super::tree::{Node, Peaks, leaf};
use super::{
    AuditError, AuditLog, Entry, Event, Hash, RedactionRecord, StampRecord, draft, evidence,
};
use crate::types::Timestamp;
use std::path::Path;

/// An entry that is as it was written, and what was found on the way.
pub(in crate::audit) struct Sound {
    /// The entry itself, where it is wanted.
    pub entry: Option<Box<Entry>>,
    pub time: Timestamp,
    pub leaf: Node,
    /// What it says that was deleted.
    pub redacts: Option<RedactionRecord>,
    /// The timestamp that it names.
    pub stamp: Option<StampRecord>,
    /// How many pieces of evidence it names that are there.
    pub evidence: u64,
    /// Those that it names and that are not.
    pub gone: Vec<Hash>,
    /// Whether something was kept beside it that is there no more.
    pub redacted: bool,
}

/// Whether the entries are handed on when they were checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::audit) enum Want {
    Entries,
    /// And their evidence is not looked at.
    EntriesAlone,
    Nothing,
}

/// A full tile.
pub(in crate::audit) struct Checked {
    /// Its entries, up to the first that is not as it was written.
    pub sound: Vec<Sound>,
    /// What is wrong with the one behind them, or with the tile.
    pub fault: Option<AuditError>,
    /// The root of the tree over its hashes.
    pub root: Node,
}

/// Checks the full tile of this number.
pub(in crate::audit) fn tile(log: &AuditLog, index: u64, want: Want) -> Checked {
    let mut checked = Checked {
        sound: Vec::new(),
        fault: None,
        root: Node::default(),
    };
    checked.fault = fill(log, index, want, &mut checked).err();
    checked
}

fn fill(log: &AuditLog, index: u64, want: Want, checked: &mut Checked) -> Result<(), AuditError> {
    let bundle = log.tiles().bundle(index)?;
    let lying = bundle.lying()?;
    let hashes = log.tiles().hashes(0, index, WIDTH)?;
    let dir = log.evidence_dir();
    checked.sound.reserve_exact(lying.len());
    for ((seq, lying), hash) in (index * WIDTH + 1..).zip(lying).zip(&hashes) {
        let sound = inner(&dir, seq, lying, want).map_err(|why| broken(log, seq, why))?;
        if sound.leaf != *hash {
            let why = "it is not what its tile has the hash of";
            return Err(broken(log, seq, why.into()));
        }
        checked.sound.push(sound);
    }
    checked.root = hashes.into_iter().collect::<Peaks>().root();
    Ok(())
}

/// Checks one entry.
pub(in crate::audit) fn entry(
    log: &AuditLog,
    seq: u64,
    lying: Lying<'_>,
    want: Want,
) -> Result<Sound, AuditError> {
    let sound = inner(&log.evidence_dir(), seq, lying, want);
    sound.map_err(|why| broken(log, seq, why))
}

fn inner(evidence_dir: &Path, seq: u64, lying: Lying<'_>, want: Want) -> Result<Sound, String> {
    // Whoever wants no entry needs none made, where a look at its bytes tells the same.
    let seen = match want {
        Want::Nothing => glance::read(lying.entry).filter(|glance| belongs(glance, lying.beside)),
        Want::Entries | Want::EntriesAlone => None,
    };
    match seen {
        Some(glance) => seen_at_once(evidence_dir, seq, lying, glance),
        None => read_whole(evidence_dir, seq, lying, want),
    }
}

/// Whether what is kept beside an entry certainly is what it commits to, or nothing is.
fn belongs(glance: &Glance, beside: Option<Beside<'_>>) -> bool {
    match (beside, &glance.hidden) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(beside), Some(commitment)) => beside.text().is_some_and(|text| text.has(commitment)),
    }
}

/// An entry of which a glance has told everything that is to be known.
fn seen_at_once(dir: &Path, seq: u64, lying: Lying<'_>, glance: Glance) -> Result<Sound, String> {
    must_be(seq, glance.seq)?;
    let mut gone = Vec::new();
    let evidence = count(dir, &glance.evidence, &glance.needed, &mut gone)?;
    Ok(Sound {
        entry: None,
        time: glance.time,
        leaf: leaf(lying.entry),
        redacts: None,
        stamp: None,
        evidence,
        gone,
        redacted: glance.hidden.is_some() && lying.beside.is_none(),
    })
}

fn must_be(seq: u64, said: u64) -> Result<(), String> {
    match said == seq {
        true => Ok(()),
        false => Err(format!("it says that it is entry {said}")),
    }
}

fn read_whole(
    evidence_dir: &Path,
    seq: u64,
    lying: Lying<'_>,
    want: Want,
) -> Result<Sound, String> {
    let entry = draft::strictly(lying.entry)?;
    must_be(seq, entry.seq)?;
    let mut gone = Vec::new();
    let mut evidence_there = |event: &Event| match want {
        Want::EntriesAlone => Ok(0),
        Want::Entries | Want::Nothing => there(evidence_dir, event, &mut gone),
    };
    let mut evidence = evidence_there(&entry.event)?;
    let long = matches!(entry.event, Event::Long { .. });
    let redacted = entry.hidden.is_some() && lying.beside.is_none();
    let read = |hash: &Hash| evidence::read(evidence_dir, hash);
    let reports = match want {
        Want::Entries => Some(Reports::Read),
        Want::EntriesAlone => Some(Reports::Leave),
        Want::Nothing => None,
    };
    let hidden = lying.beside.map(Beside::read).transpose()?;
    let entry = draft::whole(entry, hidden, reports, read)?;
    if long {
        evidence += evidence_there(&entry.event)?;
    }
    let redacts = match &entry.event {
        Event::Redacted(redaction) => Some(redaction.clone()),
        Event::Verdict(_)
        | Event::Long { .. }
        | Event::Begun { .. }
        | Event::Pinned(_)
        | Event::Refused { .. }
        | Event::Release(_)
        | Event::Course(_)
        | Event::Drift(_)
        | Event::Debt(_)
        | Event::Moved(_)
        | Event::Heartbeat(_)
        | Event::Migrated { .. }
        | Event::Read(_)
        | Event::Stream(_)
        | Event::Recovered { .. } => None,
    };
    let stamp = entry.event.stamp().cloned();
    Ok(Sound {
        stamp,
        time: entry.time,
        entry: (want != Want::Nothing).then(|| Box::new(entry)),
        leaf: leaf(lying.entry),
        redacts,
        evidence,
        gone,
        redacted,
    })
}

fn broken(log: &AuditLog, seq: u64, why: String) -> AuditError {
    AuditError::Broken {
        path: log.file(),
        seq,
        why,
    }
}

/// How many pieces of evidence of an event are there and unaltered. Statements and the like that are
/// not there are put down in `gone`: a later entry may say that they were deleted. What the log itself
/// is read by has to be there.
fn there(dir: &Path, event: &Event, gone: &mut Vec<Hash>) -> Result<u64, String> {
    count(dir, evidence_of(event), needed_by(event), gone)
}

fn count<'a>(
    dir: &Path,
    named: impl IntoIterator<Item = &'a Hash>,
    needed: impl IntoIterator<Item = &'a Hash>,
    gone: &mut Vec<Hash>,
) -> Result<u64, String> {
    let mut count = 0;
    let named = named.into_iter().map(|hash| (hash, true));
    let needed = needed.into_iter().map(|hash| (hash, false));
    for (hash, may_be_gone) in named.chain(needed) {
        if evidence::holds(dir, hash) {
            count += 1;
        } else if may_be_gone && evidence::is_gone(dir, hash) {
            gone.push(hash.clone());
        } else {
            return Err(format!("its evidence {hash} is missing or altered"));
        }
    }
    Ok(count)
}

/// What a verdict rests on: statements, approving commits, certificates, reports. They can be deleted.
pub(in crate::audit) fn evidence_of(event: &Event) -> impl Iterator<Item = &Hash> {
    let verdict = match event {
        Event::Verdict(verdict) => Some(verdict),
        Event::Long { .. }
        | Event::Begun { .. }
        | Event::Pinned(_)
        | Event::Refused { .. }
        | Event::Release(_)
        | Event::Course(_)
        | Event::Drift(_)
        | Event::Debt(_)
        | Event::Moved(_)
        | Event::Heartbeat(_)
        | Event::Migrated { .. }
        | Event::Redacted(_)
        | Event::Read(_)
        | Event::Stream(_)
        | Event::Recovered { .. } => None,
    };
    verdict.into_iter().flat_map(|verdict| &verdict.evidence)
}

/// What the log cannot be read without, kept as evidence because it is long: it names nobody.
pub(in crate::audit) fn needed_by(event: &Event) -> impl Iterator<Item = &Hash> {
    let (verdict, body) = match event {
        Event::Verdict(verdict) => (Some(verdict), None),
        Event::Long { body, .. } => (None, Some(body)),
        Event::Heartbeat(beat) => (None, beat.token()),
        Event::Begun { .. }
        | Event::Pinned(_)
        | Event::Refused { .. }
        | Event::Release(_)
        | Event::Course(_)
        | Event::Drift(_)
        | Event::Debt(_)
        | Event::Moved(_)
        | Event::Migrated { .. }
        | Event::Redacted(_)
        | Event::Read(_)
        | Event::Stream(_)
        | Event::Recovered { .. } => (None, None),
    };
    let named = verdict.into_iter().flat_map(|verdict| {
        let arrivals = verdict.arrivals.iter();
        let rollbacks = verdict.updates.iter();
        let rollbacks = rollbacks.filter_map(|update| update.rollback.as_ref());
        let rollbacks = rollbacks.flat_map(|rollback| &rollback.lists);
        arrivals
            .flat_map(|arrivals| &arrivals.lists)
            .chain(rollbacks)
    });
    named.chain(body)
}
