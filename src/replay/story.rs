//! What of the log matters to a replay: what was taken as given and what was judged, in order; and what
//! later entries tell of earlier ones. Pure.

use crate::audit::{
    Entry, Event, Hash, MoveOutcome, MovedRecord, ReleaseRecord, ReleaseState, VerdictRecord,
};
use crate::ledger::name_from_hex;
use crate::types::{Oid, RefName, Timestamp};
use std::collections::{BTreeSet, HashSet};

/// One step.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub seq: u64,
    pub time: Timestamp,
    pub what: What,
}

/// What was done in it.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// A ref's value was taken as given.
    Pin { refname: RefName, oid: Oid },
    /// A push was judged.
    Verdict(VerdictRecord),
    /// What became of a move that a verdict allowed.
    Moved(MovedRecord),
    /// A release began that people let go on to its target's stage.
    Lifted(ReleaseRecord),
}

/// The log, as far as it matters.
#[derive(Debug, Clone, Default)]
pub(super) struct Story {
    pub repository: String,
    pub steps: Vec<Step>,
    /// The entries of pushes whose objects are known to have got in.
    pub told: HashSet<u64>,
    /// Those of them that were seen to move refs.
    pub landed: HashSet<u64>,
    /// The entries beside which names were deleted.
    pub redacted: BTreeSet<u64>,
    /// So many entries are those of a log of the earlier format, which tell less.
    pub migrated: u64,
    /// The evidence that was deleted, by the log's own word.
    pub deleted: BTreeSet<Hash>,
    /// Entries of which something cannot be read.
    pub unread: Vec<(u64, Timestamp, String)>,
}

impl Story {
    /// The refs that were taken as given, or permitted to move.
    pub(super) fn refs(&self) -> BTreeSet<RefName> {
        let mut names = BTreeSet::new();
        for step in &self.steps {
            match &step.what {
                What::Pin { refname, .. } => {
                    names.insert(refname.clone());
                }
                What::Lifted(_) => {}
                What::Moved(moved) => names.extend(name_from_hex(&moved.ref_hex).ok()),
                What::Verdict(verdict) => {
                    let permits = verdict.updates.iter();
                    let permits = permits.filter_map(|update| update.permit.as_ref());
                    names.extend(permits.filter_map(|permit| name_from_hex(&permit.ref_hex).ok()));
                }
            }
        }
        names
    }

    /// Takes in the next entry.
    pub(super) fn take(&mut self, entry: &Entry) {
        let what = match &entry.event {
            Event::Begun { repository, .. } => {
                self.repository.clone_from(repository);
                return;
            }
            Event::Pinned(pin) => match name_from_hex(&pin.ref_hex) {
                Ok(refname) => What::Pin {
                    refname,
                    oid: pin.oid,
                },
                Err(why) => return self.unread.push((entry.seq, entry.time, why)),
            },
            Event::Verdict(verdict) => {
                self.told.extend(&verdict.landed);
                self.landed.extend(&verdict.landed);
                self.told.extend(&verdict.found);
                What::Verdict(verdict.clone())
            }
            Event::Redacted(redaction) => {
                self.redacted.insert(redaction.entry);
                self.deleted.extend(redaction.evidence.iter().cloned());
                return;
            }
            Event::Migrated { entries, .. } => {
                self.migrated = *entries;
                return;
            }
            Event::Moved(moved) => {
                if moved.outcome == MoveOutcome::Moved {
                    self.told.insert(moved.sequence);
                    self.landed.insert(moved.sequence);
                }
                What::Moved(moved.clone())
            }
            Event::Release(release)
                if release.state == ReleaseState::Started && !release.lifted_by.is_empty() =>
            {
                What::Lifted(release.clone())
            }
            Event::Refused { .. }
            | Event::Release(_)
            | Event::Course(_)
            | Event::Drift(_)
            | Event::Debt(_)
            | Event::Heartbeat(_)
            | Event::Read(_)
            | Event::Stream(_)
            | Event::Long { .. }
            | Event::Recovered { .. } => return,
        };
        self.steps.push(Step {
            seq: entry.seq,
            time: entry.time,
            what,
        });
    }
}
