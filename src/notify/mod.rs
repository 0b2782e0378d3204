//! Telling people what happened: by mail, to a web hook, to a program.
//!
//! The audit log is the outbox. Each notifier has a place in it, on disk, behind which everything
//! was delivered; it moves when a notice was taken in, so each is delivered at least once, and
//! nothing but the place is kept. Nothing waits for a notifier: it is a worker that delivers, after
//! the release.

mod back;
mod glass;
mod mail;
mod notice;
mod outbox;
mod program;
mod webhook;

pub use notice::Notice;
pub use outbox::{NotifyError, Troubled, deliver, troubled};
pub(crate) use program::run as run_program;
pub(crate) use webhook::{post, reach};

#[cfg(test)]
mod tests;
