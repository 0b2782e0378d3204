//! Why nothing can be said from this clone.

use crate::decide::Code;
use crate::facts::{Fault, PolicyReadError, StoreError};
use crate::signature::{KeyringError, SignatureProblem};
use crate::statement::StatementError;
use crate::types::{Oid, PersonName};
use crate::witness::WitnessError;
use std::path::PathBuf;

/// Why nothing can be said from this clone.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// git cannot be started.
    #[error("git cannot be run: {source}")]
    NoGit {
        /// What the system said.
        source: std::io::Error,
    },
    /// git did not do what it was asked.
    #[error("`git {what}` failed: {said}")]
    GitSaid {
        /// The command, escaped.
        what: String,
        /// The first line of what it said, escaped.
        said: String,
    },
    /// git answered more than relhook reads.
    #[error("`git {what}` answered more than {limit} bytes")]
    TooMuch {
        /// The command, escaped.
        what: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// git answered something unexpected.
    #[error("`git {what}` answered something that relhook cannot read: `{said}`")]
    Odd {
        /// The command, escaped.
        what: String,
        /// The answer, escaped.
        said: String,
    },
    /// The server could not be asked.
    #[error("nothing could be fetched from `{remote}`")]
    Fetch {
        /// The remote, escaped.
        remote: String,
    },
    /// The server did not take the cosignature.
    #[error(
        "`{remote}` did not take the cosignature; git said why above, and the next run delivers it"
    )]
    Undelivered {
        /// The remote, escaped.
        remote: String,
    },
    /// No remote was named and there is none to choose.
    #[error("name the remote: this clone has {found}")]
    WhichRemote {
        /// What there is.
        found: String,
    },
    /// The remote has no policy.
    #[error("`{remote}` has no policy at refs/relhook/policy")]
    NoPolicy {
        /// The remote, escaped.
        remote: String,
    },
    /// What is there is no policy.
    #[error("the policy of `{remote}` cannot be used: {source}")]
    Policy {
        /// The remote, escaped.
        remote: String,
        /// Why.
        source: PolicyReadError,
    },
    /// The policy's keys cannot be used.
    #[error("the policy's keys cannot be used: {0}")]
    Keyring(#[from] KeyringError),
    /// Something that is not a refspec or names nothing.
    #[error("`{shown}`: {why}")]
    Refspec {
        /// It, escaped.
        shown: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A name for two commits.
    #[error(
        "`{shown}` is {} here and {} on {remote}: name the commit by its id", .here.short(), .there.short()
    )]
    Ambiguous {
        /// The name, escaped.
        shown: String,
        /// The commit in the clone.
        here: Oid,
        /// The server's.
        there: Oid,
        /// The remote, escaped.
        remote: String,
    },
    /// No ref was named and there is none to choose.
    #[error("name the ref with --ref: the policy protects {found}")]
    WhichRef {
        /// The patterns.
        found: String,
    },
    /// What was to be said cannot be.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// git signed nothing.
    #[error("git did not sign: look at user.signingKey, gpg.format and what it said above")]
    NotSigned,
    /// The signature would not count.
    #[error("your signature would not count: {0}")]
    Signature(SignatureProblem),
    /// The name on the tag is not the signer's.
    #[error(
        "user.email is `{email}`, which is not an address of {signer}, whose key signed; the server takes in no statement like that"
    )]
    Tagger {
        /// The address, escaped.
        email: String,
        /// Whose key it was.
        signer: PersonName,
    },
    /// An object that cannot be used as what it has to be.
    #[error("{why}")]
    Unusable {
        /// What is wrong with it.
        why: String,
    },
    /// Nobody of that name.
    #[error("the policy has nobody called `{shown}`; it has {known}")]
    Person {
        /// The name, escaped.
        shown: String,
        /// The names that there are.
        known: String,
    },
    /// The clone itself cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something in it cannot be read.
    #[error("{}", fault(.0))]
    Fault(Fault),
    /// The server's audit log is not what was seen of it before.
    #[error("{code}: {0}", code = Code::LOG_REWRITTEN)]
    Log(#[from] WitnessError),
    /// A folder of relhook's own cannot be made.
    #[error("{path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl ClientError {
    /// What to do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        if let Self::Store(error) = self {
            Some(error.hint())
        } else if let Self::NoPolicy { .. } = self {
            Some("relhook init puts a server under the rule; without --offline it is asked anew")
        } else if let Self::Fetch { .. } = self {
            Some("git said why above; --offline uses what was fetched last")
        } else if let Self::Log(_) = self {
            Some(
                "sign and push nothing until an administrator has explained it: relhook explain RH704",
            )
        } else {
            None
        }
    }

    /// Whether the server's record is not what it has to be.
    #[must_use]
    pub fn is_integrity(&self) -> bool {
        matches!(self, Self::Log(_))
    }

    /// Whether something was judged and found wanting.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::NotSigned | Self::Signature(_) | Self::Tagger { .. } | Self::Undelivered { .. }
        )
    }

    /// Whether the command was given something that it cannot work with, rather than that
    /// nothing can be told.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::WhichRemote { .. }
                | Self::WhichRef { .. }
                | Self::Refspec { .. }
                | Self::Ambiguous { .. }
                | Self::Statement(_)
                | Self::Person { .. }
        )
    }
}

impl From<Fault> for ClientError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What a fault says, as a sentence.
pub(super) fn fault(fault: &Fault) -> String {
    match fault {
        Fault::NotACommit { kind } => format!("a commit is needed, and it is a {kind}"),
        Fault::NotFromBaseline { baseline } => {
            format!("it does not descend from the baseline {}", baseline.short())
        }
        Fault::Malformed { oid, why } => format!("the object {oid} is malformed: {why}"),
        Fault::Missing { oid } => format!("the object {oid} is not here"),
        Fault::TooLarge { what } => what.clone(),
        Fault::Unreadable { why } => why.clone(),
    }
}
