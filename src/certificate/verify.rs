//! Whose certificate this is, if it is one for this very push.

use super::{CertificateError, Nonces, PushCertificate, Pushees};
use crate::policy::Policy;
use crate::signature::{Keyring, SignatureStatus};
use crate::types::{KeyFingerprint, PersonName, RefChange, RefName, Timestamp};

/// What a certificate has to be about.
#[derive(Debug)]
pub struct Expected<'a> {
    /// The policy in force.
    pub policy: &'a Policy,
    /// Its keys.
    pub keyring: &'a Keyring,
    /// The time by which keys and signatures are judged.
    pub now: Timestamp,
    /// The lines that git hands to the hook, in its order.
    pub updates: &'a [(RefName, RefChange)],
    /// The push options that git hands to the hook, in its order.
    pub options: &'a [Vec<u8>],
    /// The addresses of this repository.
    pub pushees: &'a Pushees,
    /// The nonces of this server.
    pub nonces: &'a Nonces,
}

/// Who signed the push.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Verified {
    /// The person of the policy.
    pub person: PersonName,
    /// The key: for OpenPGP the primary key's fingerprint.
    pub key: KeyFingerprint,
}

/// Whose certificate `raw` is: read strictly, for exactly this push, fresh, and signed by a key
/// that the policy names for a person. The signature is looked at last, so that no process is spent
/// on what does not concern this push.
///
/// # Errors
/// Everything that speaks against it: see [`CertificateError`]. Whether it was used before is for
/// the caller to know.
pub fn verify(raw: &[u8], expected: &Expected<'_>) -> Result<Verified, CertificateError> {
    let certificate = PushCertificate::parse(raw)?;
    if certificate.updates != expected.updates {
        return Err(CertificateError::OtherUpdates);
    }
    if certificate.options != expected.options {
        return Err(CertificateError::OtherOptions);
    }
    let pushee = certificate.pushee.as_deref();
    expected.pushees.check(pushee)?;
    expected
        .nonces
        .check(certificate.nonce.as_deref(), pushee)?;
    match expected
        .keyring
        .verify(&certificate.signature, expected.now)
    {
        SignatureStatus::Refused(problem) => Err(CertificateError::Signature(problem)),
        SignatureStatus::Good(signed) => {
            let key = signed.key().clone();
            let owner = expected.policy.owner_of_key(&key);
            let person = owner.ok_or_else(|| CertificateError::Nobody {
                key: key.to_string(),
            })?;
            Ok(Verified {
                person: person.name.clone(),
                key,
            })
        }
    }
}
