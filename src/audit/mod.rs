//! The audit log: every verdict and every release, on disk before anything is answered.
//!
//! One JSON entry a line, each naming the hash of the line before; the raw evidence that an entry
//! rests on is kept by hash beside it. The format is in docs/audit.md.

mod entry;
mod error;
mod evidence;
mod log;
mod reading;
mod tail;
mod verify;

pub use entry::{
    ArrivalsRecord, CourseRecord, DriftItem, DriftRecord, Entry, Event, Hash, MAX_DRIFT,
    MAX_UPDATES, PermitRecord, Pin, ReleaseRecord, ReleaseState, UpdateRecord, VerdictRecord,
};
pub use error::AuditError;
pub use log::{AuditLog, Recorded};
pub use reading::{Mark, read_on};
pub use verify::{Report, verify};

#[cfg(test)]
mod tests;
