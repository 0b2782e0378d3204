//! Installation: a bare repository becomes one where nobody ships alone.
//!
//! First everything is looked at, and whatever does not fit stops the installation before anything
//! is changed. Then what is missing is put in place, in an order in which a crash at any point
//! leaves either the old state or one that refuses pushes; running it again carries on.

mod client;
mod error;
mod hooks;
mod nonces;
mod pins;
mod readers;
mod report;
mod seed;
mod server;
mod settings;
mod survey;

pub use crate::setup::OLDEST_GIT;
pub use client::install_client;
pub use error::InstallError;
pub use readers::AuditGroup;
pub use report::{Report, Step, StepState};
pub(crate) use seed::prove;
pub use seed::read_policy;
pub use server::{Request, install_server};

/// Whether to change anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Put in place what is missing.
    Apply,
    /// Only say what would be done.
    DryRun,
}
