//! Reading on from a place in the log: for those who were told what is before it.

use super::journal::{Lines, Signed};
use super::tiles::{Kept, WIDTH};
use super::{AuditError, AuditLog, Entry, draft};
use crate::types::Timestamp;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// A place behind an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The entry's number; 0 for the beginning.
    pub seq: u64,
}

impl Mark {
    /// The place behind the entry with this number.
    #[must_use]
    pub fn behind(seq: u64) -> Self {
        Self { seq }
    }
}

/// Hands on every entry behind `from`, each with the place behind it. Whether the log holds is not
/// looked at: that is [`super::verify`]'s part.
///
/// # Errors
/// When the log cannot be read, or an entry of it is none.
pub fn read_on(
    log: &AuditLog,
    from: Mark,
    mut each: impl FnMut(&Entry, Mark) -> ControlFlow<()>,
) -> Result<(), AuditError> {
    each_kept(log, from.seq, &mut |seq, kept| {
        let entry = draft::read(kept, |hash| log.evidence(hash));
        let entry = entry.map_err(|why| AuditError::Broken {
            path: log.file(),
            seq,
            why,
        })?;
        Ok(each(&entry, Mark { seq }))
    })
}

/// An entry as it stands in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw {
    /// Its number.
    pub seq: u64,
    /// Its time.
    pub time: Timestamp,
    /// What kind of entry it is.
    pub kind: String,
    /// A verdict's outcome, or the state of what it tells of.
    pub outcome: Option<String>,
    /// Its bytes, which are a leaf of the tree.
    pub entry: Vec<u8>,
    /// What is kept beside it, as JSON: the salt and the fields that it commits to.
    pub hidden: Option<String>,
}

/// What every entry has, and some have.
#[derive(Deserialize)]
struct Told {
    time: Timestamp,
    kind: String,
    outcome: Option<String>,
    state: Option<String>,
}

/// Hands on every entry behind `from` as it stands, one at a time.
///
/// # Errors
/// As for [`read_on`].
pub fn read_raw(
    log: &AuditLog,
    from: Mark,
    mut each: impl FnMut(Raw) -> ControlFlow<()>,
) -> Result<(), AuditError> {
    each_kept(log, from.seq, &mut |seq, kept| {
        let broken = |error: serde_json::Error| AuditError::Broken {
            path: log.file(),
            seq,
            why: error.to_string(),
        };
        let told: Told = serde_json::from_slice(&kept.entry).map_err(broken)?;
        let hidden = kept.hidden.as_ref().map(serde_json::to_string).transpose();
        Ok(each(Raw {
            seq,
            time: told.time,
            kind: told.kind,
            outcome: told.outcome.or(told.state),
            entry: kept.entry,
            hidden: hidden.map_err(broken)?,
        }))
    })
}

/// What is done with an entry.
type Each<'a> = dyn FnMut(u64, Kept) -> Result<ControlFlow<()>, AuditError> + 'a;

/// Hands on what is kept of every entry behind `from`.
pub(in crate::audit) fn each_kept(
    log: &AuditLog,
    from: u64,
    each: &mut Each<'_>,
) -> Result<(), AuditError> {
    // What is opened now stays readable, whatever is begun anew meanwhile.
    let mut lines = Lines::open(log, &log.key()?)?;
    let Some(first) = lines.next(Signed::ByLater)? else {
        return Ok(());
    };
    let closed = first.head.peaks.size();
    for index in from / WIDTH..closed / WIDTH {
        for (seq, kept) in (index * WIDTH + 1..).zip(log.tiles().entries(index)?) {
            if seq > from && each(seq, kept)?.is_break() {
                return Ok(());
            }
        }
    }
    while let Some(line) = lines.next(Signed::ByLater)? {
        let (seq, Some(entry)) = (line.head.peaks.size(), line.entry) else {
            continue;
        };
        let hidden = line.hidden;
        if seq > from && each(seq, Kept { entry, hidden })?.is_break() {
            return Ok(());
        }
    }
    Ok(())
}
