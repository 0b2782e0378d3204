//! The audit log's entries as they are made, sent to other places: the machine's journal, a syslog
//! server, a file, a program, a web hook.
//!
//! The log is the outbox. Each stream has a place in it, on disk, behind which everything was taken in;
//! it moves when the receiver has it, so each entry arrives at least once and in its order. No push
//! waits for a stream: what a push left is sent by the program that runs after it, by a timer, or by
//! `relhook audit stream`.

mod file;
mod journald;
mod message;
mod pump;
mod reach;
mod state;
mod syslog;
mod wire;

pub use message::SCHEMA;
pub use pump::{Eager, Progress, pump, pump_at};
pub use reach::reach;
pub use state::{Standing, StreamError, Troubled, standing, troubled};
