//! Replay: every move of a protected ref judged again, under the policy of its day and with what was
//! known then, and the moves themselves followed from where judging began to what the refs name now.
//!
//! [`of_log`] reads the audit log, its evidence and git's objects; [`of_clone`] has no log and says
//! how far that carries. [`under`] judges the pushes of a log by a policy that was not in force, and says
//! what would have ended otherwise. What is compared and followed is pure.

mod account;
mod chain;
mod clone;
mod compare;
mod ends;
mod evidence;
mod finding;
mod judge;
mod lifts;
mod log;
mod memory;
mod moves;
mod other;
mod policies;
mod pushers;
mod run;
mod story;

pub use account::{Outcome, RefAccount, Replay, Source};
pub use clone::{Asked, of_clone};
pub use finding::{Finding, Remark, Weight, Why};
pub use log::{Lost, ReplayError, of_log};
pub use moves::{Admission, Move};
pub use other::{Compared, Otherwise, Would, under};
