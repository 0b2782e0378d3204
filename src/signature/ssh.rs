//! SSH signatures (`PROTOCOL.sshsig`), verified in process.
//!
//! The signature carries its public key; that key counts only if the policy names its fingerprint.
//! Stricter than `ssh-keygen -Y verify`: no certificates, no reserved bytes, no second encoding of
//! the same signature, a touch for every use of a security key, and no `ssh-rsa` with SHA-1.

use super::armor::{self, Label};
use super::ssh_key::{self, SshKeyError};
use super::wire::Wire;
use super::{SignatureProblem, VerifiedKey};
use crate::object::SignatureBlock;
use crate::types::{KeyFingerprint, escape};
use ::ssh_key::{HashAlg, PublicKey, Signature, SshSig};
use std::collections::BTreeSet;

/// What a signature that git asked for is made for.
const NAMESPACE: &str = "git";
/// `SSH_SK_USER_PRESENCE_REQD`: the key's holder touched it.
const USER_PRESENT: u8 = 0x01;

/// The key of `known` that signed the block.
pub(super) fn verify(
    block: &SignatureBlock,
    known: &BTreeSet<KeyFingerprint>,
) -> Result<VerifiedKey, SignatureProblem> {
    let bytes = armor::dearmor(&block.armor, Label::Ssh).map_err(malformed)?;
    let parts = Parts::read(&bytes)?;
    let key = public_key(parts.key)?;
    let fingerprint = ssh_key::fingerprint(&key);
    if !known.contains(&fingerprint) {
        return Err(SignatureProblem::UnknownKey {
            key: fingerprint.to_string(),
        });
    }
    ssh_key::check_strength(&key).map_err(|error| key_problem(&error))?;
    if parts.namespace != NAMESPACE.as_bytes() {
        return Err(SignatureProblem::WrongNamespace {
            namespace: escape(parts.namespace),
        });
    }
    let hash = hash_algorithm(parts.hash)?;
    let signature = Inner::read(parts.signature, &key)?;
    signature.check_touch(&fingerprint)?;
    let parsed = Signature::try_from(parts.signature)
        .and_then(|inner| SshSig::new(key.key_data().clone(), NAMESPACE, hash, inner))
        .map_err(|_| malformed("the signature's numbers"))?;
    key.verify(NAMESPACE, &block.payload, &parsed)
        .map_err(|_| SignatureProblem::Bad)?;
    Ok(VerifiedKey::new(fingerprint, None))
}

/// The fields of the outer blob.
struct Parts<'a> {
    key: &'a [u8],
    namespace: &'a [u8],
    hash: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, SignatureProblem> {
        let short = || malformed("it ends too early");
        let mut wire = Wire::new(bytes);
        if wire.bytes(6).ok_or_else(short)? != b"SSHSIG" {
            return Err(malformed("not an SSH signature inside"));
        }
        if wire.number().ok_or_else(short)? != 1 {
            return Err(malformed("a version other than 1"));
        }
        let key = wire.string().ok_or_else(short)?;
        let namespace = wire.string().ok_or_else(short)?;
        if !wire.string().ok_or_else(short)?.is_empty() {
            return Err(malformed("its reserved field is not empty"));
        }
        let hash = wire.string().ok_or_else(short)?;
        let signature = wire.string().ok_or_else(short)?;
        wire.end()
            .ok_or_else(|| malformed("something follows the signature"))?;
        Ok(Self {
            key,
            namespace,
            hash,
            signature,
        })
    }
}

/// The embedded key, in its only encoding.
fn public_key(blob: &[u8]) -> Result<PublicKey, SignatureProblem> {
    let kind = Wire::new(blob).string().unwrap_or_default();
    let kind = std::str::from_utf8(kind).unwrap_or_default();
    ssh_key::check_type(kind).map_err(|error| key_problem(&error))?;
    let unreadable = || malformed("its public key");
    let key = PublicKey::from_bytes(blob).map_err(|_| unreadable())?;
    if key.to_bytes().is_ok_and(|again| again == blob) {
        Ok(key)
    } else {
        Err(unreadable())
    }
}

fn hash_algorithm(name: &[u8]) -> Result<HashAlg, SignatureProblem> {
    match name {
        b"sha256" => Ok(HashAlg::Sha256),
        b"sha512" => Ok(HashAlg::Sha512),
        b"sha1" | b"md5" => Err(SignatureProblem::Weak { what: escape(name) }),
        _ => Err(SignatureProblem::Unsupported {
            what: format!("the hash algorithm `{}`", escape(name)),
        }),
    }
}

/// The inner signature, as far as it is not the verifier's to read.
struct Inner {
    /// The flags that a security key signs; absent for an ordinary key.
    flags: Option<u8>,
}

impl Inner {
    /// Checks that the algorithm belongs to the key and that nothing follows.
    fn read(blob: &[u8], key: &PublicKey) -> Result<Self, SignatureProblem> {
        let short = || malformed("it ends too early");
        let mut wire = Wire::new(blob);
        let algorithm = wire.string().ok_or_else(short)?;
        wire.string().ok_or_else(short)?;
        let flags = if algorithm.starts_with(b"sk-") {
            let flags = wire.bytes(1).and_then(<[u8]>::first).copied();
            wire.number().ok_or_else(short)?;
            Some(flags.ok_or_else(short)?)
        } else {
            None
        };
        wire.end()
            .ok_or_else(|| malformed("something follows the signature"))?;
        check_algorithm(algorithm, key)?;
        Ok(Self { flags })
    }

    /// A security key that signs untouched signs for whatever runs on its owner's machine.
    fn check_touch(&self, key: &KeyFingerprint) -> Result<(), SignatureProblem> {
        match self.flags {
            Some(flags) if flags & USER_PRESENT == 0 => Err(SignatureProblem::NoTouch {
                key: key.to_string(),
            }),
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether a signature algorithm is one that this key makes and relhook accepts.
fn check_algorithm(algorithm: &[u8], key: &PublicKey) -> Result<(), SignatureProblem> {
    let own = key.algorithm();
    let own = own.as_str().as_bytes();
    if own == b"ssh-rsa" {
        return match algorithm {
            b"rsa-sha2-256" | b"rsa-sha2-512" => Ok(()),
            b"ssh-rsa" => Err(SignatureProblem::Weak {
                what: "ssh-rsa with SHA-1".to_owned(),
            }),
            _ => Err(malformed("its algorithm is not that of its key")),
        };
    }
    if algorithm == own {
        Ok(())
    } else {
        Err(malformed("its algorithm is not that of its key"))
    }
}

fn key_problem(error: &SshKeyError) -> SignatureProblem {
    match error {
        SshKeyError::Malformed => malformed("its public key"),
        SshKeyError::RsaTooShort { bits } => SignatureProblem::Weak {
            what: format!("RSA {bits} bits"),
        },
        SshKeyError::RsaTooLong { .. }
        | SshKeyError::Certificate
        | SshKeyError::Unsupported { .. } => SignatureProblem::Unsupported {
            what: error.to_string(),
        },
    }
}

fn malformed(why: impl Into<String>) -> SignatureProblem {
    SignatureProblem::Malformed { why: why.into() }
}
