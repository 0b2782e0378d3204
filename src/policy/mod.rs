//! The policy: what the YAML says ([`schema`](self)) and what it means ([`Policy`]).

/// The branch that holds the policy.
pub const POLICY_REF: &str = "refs/relhook/policy";

mod model;

pub use model::{
    Attribution, BranchRule, DirTarget, FtpTarget, IdentitySource, Independence, PathGlobs,
    PathRule, Person, Policy, PolicyId, RepositoryName, Target, TargetKind, TlsMode,
};
