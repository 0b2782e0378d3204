//! Reading on from a place in the log: for those who were told what is before it.

use super::journal::{Lines, Signed};
use super::tiles::{Kept, WIDTH};
use super::{AuditError, AuditLog, Entry, draft};
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

/// What is done with an entry.
type Each<'a> = dyn FnMut(u64, Kept) -> Result<ControlFlow<()>, AuditError> + 'a;

/// Hands on what is kept of every entry behind `from`.
pub(in crate::audit) fn each_kept(
    log: &AuditLog,
    from: u64,
    each: &mut Each<'_>,
) -> Result<(), AuditError> {
    // What is opened now stays readable, whatever is begun anew meanwhile.
    let mut lines = Lines::open(&log.file(), &log.key()?)?;
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
