//! People and teams of LDAP or Active Directory, as a reviewable change of the policy.
//!
//! The directory is read once, whole or not at all ([`read`]); what it says is held against the
//! policy ([`plan`]), and what comes out is a policy to approve like any other. No hook ever asks a
//! directory. Keys are never taken from one: whoever may write an attribute would sign for others.

mod account;
mod dn;
mod effect;
mod entry;
mod error;
mod fetch;
mod group;
mod plan;
mod report;
mod secrets;
mod session;
mod settings;
mod snapshot;

pub use account::{Account, AccountState};
pub use effect::{Effect, EffectKind, effects};
pub use error::DirectoryError;
pub use plan::{Change, Conflict, FoundBy, Plan, Remark, Waivers, plan};
pub use report::{Outcome, Report};
pub use session::Kind;
pub use settings::{Attributes, Bind, MAX_SETTINGS_BYTES, Security, Server, Settings};
pub use snapshot::{Membership, Snapshot, read};
