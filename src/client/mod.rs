//! The developer's side: what the server has, seen from a clone, and what it would say to a push.
//!
//! Everything here is advice: the server judges for itself. Git runs as a child process here, with
//! the user's own settings and credentials, and never through a shell.

mod assess;
mod chances;
mod cosigner;
mod deputies;
mod diffstat;
mod error;
mod git;
mod identity;
mod memory;
mod planned;
mod policy_change;
mod pre_push;
mod remote;
mod rollbacks;
mod signing;
mod standing;
mod subject;
mod workspace;

pub use assess::{Assessment, Outlook};
pub use chances::{Chance, Could, InStead, WhyNot};
pub use cosigner::{Cosigner, Cosigning};
pub use deputies::Deputy;
pub use diffstat::{ChangeKind, FileStat};
pub use error::ClientError;
pub use git::Git;
pub use identity::Assumed;
pub use planned::{Planned, branch};
pub use pre_push::{Advice, pre_push};
pub use remote::Remote;
pub use rollbacks::KnownRollback;
pub use signing::Signed;
pub use standing::{Standing, Stored, View};
pub use workspace::{Freshness, PolicyNews, Workspace};
