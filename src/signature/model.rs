//! What verifying a signature says.

use crate::types::{KeyFingerprint, Timestamp};

/// The answer for one signature block.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum SignatureStatus {
    /// Exactly one signature, valid now, by this key.
    Good(VerifiedKey),
    /// Anything else.
    Refused(SignatureProblem),
}

/// A key that made a valid signature. Only this room makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedKey {
    key: KeyFingerprint,
    claimed_time: Option<Timestamp>,
}

impl VerifiedKey {
    /// The proof that `key` signed, for the verifiers of this room.
    pub(in crate::signature) fn new(key: KeyFingerprint, claimed_time: Option<Timestamp>) -> Self {
        Self { key, claimed_time }
    }

    /// The key: for OpenPGP the primary key's fingerprint, whichever subkey signed.
    #[must_use]
    pub fn key(&self) -> &KeyFingerprint {
        &self.key
    }

    /// When the signer says that it was made; shown, never trusted. SSH signatures carry no time.
    #[must_use]
    pub fn claimed_time(&self) -> Option<Timestamp> {
        self.claimed_time
    }
}

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureProblem {
    /// The bytes are not the ones that were signed.
    #[error("the signature does not match the content")]
    Bad,
    /// A key that the policy does not hold.
    #[error("signed by a key that the policy does not hold: {key}")]
    UnknownKey {
        /// The fingerprint or key id that the signature names, escaped.
        key: String,
    },
    /// The key has expired, by the server's clock.
    #[error("the key {key} has expired")]
    ExpiredKey {
        /// The key.
        key: String,
    },
    /// The signature itself has expired.
    #[error("the signature has expired")]
    ExpiredSignature,
    /// The key is revoked.
    #[error("the key {key} is revoked")]
    RevokedKey {
        /// The key.
        key: String,
    },
    /// The signature says that it was made later than now.
    #[error("the signature says that it was made at {made}, which is not yet")]
    NotYetValid {
        /// The claimed time.
        made: Timestamp,
    },
    /// A digest or key that is too weak.
    #[error("too weak: {what}")]
    Weak {
        /// What is weak: `SHA-1`, `RSA 1024 bits`.
        what: String,
    },
    /// An algorithm, key type or form that relhook does not accept.
    #[error("not supported: {what}")]
    Unsupported {
        /// What: `an SSH certificate`, `RSA above 4096 bits`.
        what: String,
    },
    /// A security key that signed without being touched.
    #[error("made by the security key {key} without a touch")]
    NoTouch {
        /// The key.
        key: String,
    },
    /// A subkey that may not sign.
    #[error("made by a subkey of {key} that is not allowed to sign")]
    WrongSubkey {
        /// The primary key.
        key: String,
    },
    /// No signature, or more than one, where exactly one belongs.
    #[error("{count} signatures where exactly one belongs")]
    NotOne {
        /// How many there are.
        count: usize,
    },
    /// An SSH signature for another purpose.
    #[error("made for the namespace `{namespace}`, not `git`")]
    WrongNamespace {
        /// The namespace, escaped.
        namespace: String,
    },
    /// Not readable as a signature.
    #[error("not readable as a signature: {why}")]
    Malformed {
        /// What is wrong with it.
        why: String,
    },
    /// The tool that verifies could not.
    #[error("the signature could not be checked: {why}")]
    EngineFailed {
        /// What failed.
        why: String,
    },
}
