//! The policy: what the YAML says, and what it means ([`Policy`]).
//!
//! A file becomes text (`text`), a tree (`yaml`), what the format says (`schema`), and what that
//! means (`meaning`). Every complaint on the way is gathered, with its place.

/// The branch that holds the policy.
pub const POLICY_REF: &str = "refs/relhook/policy";
/// The policy's file on its branch.
pub const POLICY_FILE: &str = "policy.yaml";
/// The folder of the public key files, beside the policy.
pub const KEYS_FOLDER: &str = "keys";

mod absence;
mod audit;
mod calendar;
mod care;
pub(crate) mod complaint;
mod emergency;
mod fault;
pub(crate) mod fields;
mod globs;
mod identity;
mod key;
mod keyfiles;
mod lockout;
mod meaning;
mod model;
mod notify;
mod parse;
mod reach;
pub mod rewrite;
mod schema;
mod stages;
mod suggest;
mod targets;
pub(crate) mod text;
mod ticket;
mod tree;
mod values;
mod warnings;
pub(crate) mod yaml;

pub use absence::{Absence, Asked, Blocking, ByAuthor, Nameable, Now, Number, StandsIn, absences};
pub use audit::{
    AuditPolicy, Facility, Reading, Stream, StreamNames, StreamPlace, Syslog, SyslogForm,
    SyslogHost, SyslogVia,
};
pub use calendar::{
    Calendar, Closed, Days, Edge, Emergencies, Freeze, Hours, Minute, Moment, Window, Zone,
    zone_rules,
};
pub use care::{Care, Health, HealthCheck, OnDrift, Verify};
pub use complaint::{Complaint, PolicyErrors, Position};
pub use emergency::{Emergency, Leave, Limit, MAX_TICKET, TicketPattern};
pub use fault::Fault;
pub use globs::{GlobError, MAX_GLOB_BYTES, PathGlobs, PathRules};
pub use identity::{IdentitySource, Shows};
pub use keyfiles::{
    Bundle, KeyFiles, KeyFilesError, MAX_KEY_BYTES, MAX_KEY_FILE_BYTES, MAX_KEY_FILES, MissingFile,
};
pub use lockout::locks_out;
pub use model::{
    Attribution, BranchRule, DelegationRule, Enforce, Independence, Machine, PathRule, Person,
    Policy, PolicyId, Releaser, RepositoryName, Rollback,
};
pub use notify::{Channel, Mail, NoticeKind, Notifier, Webhook};
pub(crate) use schema::is_plain_https;
pub use stages::{Distinct, Hold, LiftRule, Stage};
pub use targets::{
    Account, Addressing, Authentication, CommandTarget, Contents, DirTarget, Dress, Export,
    FtpTarget, HostKey, Names, Replacing, RsyncTarget, S3Switch, S3Target, SftpTarget, SharedKind,
    SharedPath, SshLogin, SshProof, Submodule, SvnAccess, SvnTarget, Symlinks, Target, TargetKind,
    TlsMode, WebdavTarget,
};
pub use text::MAX_POLICY_BYTES;
pub use ticket::{TicketPlace, TicketRule};
use tree::tree;
pub(crate) use tree::{Part, fits};
pub(crate) use values::{name as check_name, span};
pub use warnings::{Warning, warnings};

#[cfg(test)]
mod tests;
