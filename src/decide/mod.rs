//! The decision: facts and policy in, a verdict with its reasons out.
//!
//! Pure: no I/O, no clock, no environment. The server and `relhook check` call the same function.

mod arrival;
mod attribution;
mod checks;
mod code;
mod count;
mod cover;
mod debt;
mod demands;
mod deputies;
mod emergency;
mod hours;
mod judge;
mod lack;
mod naming;
mod notes;
mod objections;
mod pusher;
mod range;
mod reach;
mod reason;
mod releaser;
mod roster;
mod seats;
mod shape;
mod signer;
mod span;
mod stead;
mod ticket;
mod tip;
mod verdict;
mod voices;
mod way_back;

pub(crate) use code::every_code;
pub use code::{Code, UnknownCode};
pub use judge::decide;
pub use naming::heeds;
pub use reason::{EmergencyFault, Lack, Reason, Shut, Signed};
pub use verdict::{
    CheckPassed, CommitVerdict, Cover, DebtState, DebtVerdict, EmergencyUse, Note, Outcome,
    Override, Permit, RolledBack, Shortfall, StandIn, StatedBack, UpdateVerdict, Verdict,
};
pub use way_back::ROLLBACK_LIFE;

#[cfg(test)]
pub(crate) mod tests;
