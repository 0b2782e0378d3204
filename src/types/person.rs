//! Names of people, teams and targets, and what identifies a person from outside.

use std::fmt;
use std::sync::Arc;

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(from = "String", into = "String")]
        pub struct $type(Arc<str>);

        impl $type {
            /// The value with this text; the policy reader has checked it.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into().into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $type {
            fn from(text: String) -> Self {
                Self::new(text)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.as_str().to_owned()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&super::escape(self.0.as_bytes()))
            }
        }
    };
}

name! {
    /// The policy's name for one human: the unit in which approvals are counted.
    PersonName
}
name! {
    /// The policy's name for a list of people.
    TeamName
}
name! {
    /// The policy's name for a place in production.
    TargetName
}
name! {
    /// The policy's name for a stage: targets that are released to at once, before those of the
    /// next.
    StageName
}
name! {
    /// The policy's name for somebody who is told what happens.
    NotifierName
}
name! {
    /// The policy's name for an independent party that cosigns what the audit log is.
    WitnessName
}
name! {
    /// The policy's name for a place to which the audit log's entries go.
    StreamName
}
name! {
    /// The policy's name for something that a machine tries about each release.
    CheckName
}
name! {
    /// The policy's name for a machine that says how checks went.
    MachineName
}
name! {
    /// The policy's name for a release window or a freeze.
    WindowName
}
name! {
    /// An account name that a server authenticated.
    Login
}
name! {
    /// An e-mail address as the policy writes it.
    Email
}

/// Who pushed, as the server authenticated them. Kept as it was; whose a login or key is, the
/// policy in force says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Claimant {
    /// A person of the policy.
    Person(PersonName),
    /// A login that no person had.
    Login(String),
    /// An SSH key that no person had, by its fingerprint.
    Key(String),
    /// Nobody who could be told.
    Nobody,
}

/// What names a public key for good.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase", tag = "type", content = "fingerprint")]
pub enum KeyFingerprint {
    /// The primary key's fingerprint: 40 or 64 upper-case hexadecimal digits (RFC 9580).
    OpenPgp(String),
    /// The key blob's hash as OpenSSH writes it: `SHA256:` and base64 without padding.
    Ssh(String),
    /// The certificate's SHA-1 as GnuPG writes it: 40 upper-case hexadecimal digits.
    X509(String),
}

impl fmt::Display for KeyFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenPgp(text) | Self::Ssh(text) | Self::X509(text) => f.write_str(text),
        }
    }
}
