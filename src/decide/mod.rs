//! The decision: facts and policy in, a verdict with its reasons out.
//!
//! Pure: no I/O, no clock, no environment. The server and `relhook check` call the same function.

mod code;
mod judge;
mod reason;
mod verdict;

pub use code::{Code, UnknownCode};
pub use judge::decide;
pub use reason::{Lack, Reason, Signed};
pub use verdict::{CommitVerdict, Cover, Note, Permit, Shortfall, UpdateVerdict, Verdict};
