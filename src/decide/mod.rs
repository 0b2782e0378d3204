//! The decision: facts and policy in, a verdict with its reasons out.
//!
//! Pure: no I/O, no clock, no environment. The server and `relhook check` call the same function.

mod code;
mod reason;
mod verdict;

pub use code::Code;
pub use reason::Reason;
pub use verdict::{CommitVerdict, Cover, Note, Permit, Shortfall, UpdateVerdict, Verdict};
