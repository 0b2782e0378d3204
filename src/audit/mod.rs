//! The audit log: every verdict and every release, on disk before anything is answered.
//!
//! Entries are the leaves of a tree (RFC 6962), whose root is signed with each of them; tiles hold
//! both, as C2SP's tlog-tiles has them. The raw evidence that an entry rests on is kept by hash beside
//! the log. The format is in docs/audit.md.

mod access;
mod bundle;
mod check;
mod checkpoint;
mod cosigned;
mod custody;
mod draft;
mod emergency;
mod entry;
mod envelope;
mod error;
mod evidence;
mod form;
mod glance;
#[cfg(test)]
mod glance_tests;
mod hidden;
mod journal;
mod log;
mod many;
mod migrate;
mod proof;
mod reading;
mod redact;
mod spread;
mod stamped;
mod tail;
mod tiles;
mod tree;
mod verify;

pub use access::Exposure;
pub use checkpoint::{Checkpoint, CheckpointFault, LogKey};
pub use cosigned::{Cosigned, CosignedFault, MAX_COSIGNED};
pub use custody::{ReadRecord, RedactionRecord, StreamRecord, StreamState};
pub use emergency::{DebtRecord, EmergencyRecord, SettledHow, SettledRecord};
pub use entry::{
    ACCEPTED, ArrivalsRecord, CourseRecord, DriftItem, DriftRecord, EMERGENCY, Entry, Event, Hash,
    HeartbeatRecord, MAX_DRIFT, MAX_UPDATES, MoveOutcome, MovedRecord, PermitRecord, Pin, REJECTED,
    ReleaseRecord, ReleaseState, RollbackRecord, RollbackWord, StampRecord, StampSigner,
    UpdateRecord, VerdictRecord, WARNED,
};
pub use error::AuditError;
pub use log::{AuditLog, Recorded};
pub use proof::{ExtendFault, Receipt, ReceiptFault, Row, extends};
pub use reading::{Mark, Raw, read_on, read_raw};
pub use redact::Redacted;
pub use tiles::{TILE_WIDTH, tile_path};
pub use tree::{Node, Peaks};
pub use verify::{Report, check, verify, verify_entries};

#[cfg(test)]
mod tests;
