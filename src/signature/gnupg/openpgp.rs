//! OpenPGP: key files into a home, a home into a list, and one signature verified.

use super::certificate::{Algorithm, Certificate, CertificateKey, Index};
use super::engine::{self, Scope};
use super::outcome::timestamp;
use super::packet::{self, SignaturePacket};
use super::worker::Job;
use crate::object::SignatureBlock;
use crate::signature::SignatureProblem;
use crate::signature::armor::{self, Label};
use crate::types::{KeyFingerprint, escape};
use gpgme::{KeyAlgorithm, Protocol};
use std::path::Path;

/// A block that is one signature packet, not verified yet.
pub(super) struct Claim {
    signature: Vec<u8>,
    packet: SignaturePacket,
}

/// Reads a block strictly.
pub(super) fn read(block: &SignatureBlock) -> Result<Claim, SignatureProblem> {
    let malformed = |why: &str| SignatureProblem::Malformed {
        why: why.to_owned(),
    };
    let signature = armor::dearmor(&block.armor, Label::Pgp).map_err(malformed)?;
    let packet = packet::read(&signature)?;
    Ok(Claim { signature, packet })
}

impl Claim {
    /// Whether it says that a key of this list made it.
    pub(super) fn is_of(&self, index: &Index) -> bool {
        let issuer = &self.packet.issuer;
        index
            .find_by(|key| issuer.names(&key.fingerprint))
            .is_some()
    }

    /// The refusal of a key that is not there.
    pub(super) fn unknown(&self) -> SignatureProblem {
        SignatureProblem::UnknownKey {
            key: self.packet.issuer.text().to_owned(),
        }
    }

    /// The question for GnuPG.
    pub(super) fn into_job(self, block: &SignatureBlock) -> Job {
        Job {
            signature: self.signature,
            payload: block.payload.clone(),
        }
    }
}

/// Imports one key file; the fingerprints of the keys in it.
pub(super) fn import(home: &Path, scope: Scope, content: &[u8]) -> Result<Vec<String>, String> {
    let mut context = engine::context(Protocol::OpenPgp, home, scope)?;
    let result = context
        .import(content)
        .map_err(|error| engine::text(&error))?;
    if result.secret_considered() > 0 {
        return Err("it holds a secret key".to_owned());
    }
    let mut prints = Vec::new();
    for import in result.imports() {
        let print = import.fingerprint().unwrap_or_default().to_owned();
        import
            .result()
            .map_err(|error| format!("{}: {}", escape(print.as_bytes()), engine::text(&error)))?;
        prints.push(print);
    }
    if result.not_imported() > 0 || prints.is_empty() {
        return Err(
            "gpg finds no usable key in it (a key whose own signatures use SHA-1 is not)"
                .to_owned(),
        );
    }
    Ok(prints)
}

/// Every key of a home.
pub(super) fn list(home: &Path, scope: Scope) -> Result<Vec<Certificate>, String> {
    let mut context = engine::context(Protocol::OpenPgp, home, scope)?;
    let keys = context.keys().map_err(|error| engine::text(&error))?;
    let mut certificates = Vec::new();
    for key in keys {
        certificates.push(certificate(&key.map_err(|error| engine::text(&error))?)?);
    }
    Ok(certificates)
}

fn certificate(key: &gpgme::Key) -> Result<Certificate, String> {
    let keys: Vec<_> = key.subkeys().map(|key| certificate_key(&key)).collect();
    let primary = keys.first().ok_or("gpg lists a key without parts")?;
    if !is_full(&primary.fingerprint) {
        return Err("gpg lists a key without its fingerprint".to_owned());
    }
    Ok(Certificate {
        fingerprint: KeyFingerprint::OpenPgp(primary.fingerprint.clone()),
        user_ids: key
            .user_ids()
            .map(|uid| escape(uid.id_raw().map_or(b"", |id| id.to_bytes())))
            .collect(),
        keys,
    })
}

fn certificate_key(key: &gpgme::Subkey<'_>) -> CertificateKey {
    CertificateKey {
        fingerprint: key.fingerprint().unwrap_or_default().to_owned(),
        created: key.creation_time().and_then(timestamp),
        expires: key.expiration_time().and_then(timestamp),
        revoked: key.is_revoked() || key.is_disabled() || key.is_invalid(),
        can_sign: key.can_sign(),
        algorithm: algorithm(key.algorithm()),
        bits: u32::try_from(key.length()).unwrap_or(0),
    }
}

fn algorithm(algorithm: KeyAlgorithm) -> Algorithm {
    match algorithm {
        KeyAlgorithm::Rsa | KeyAlgorithm::RsaSign => Algorithm::Rsa,
        KeyAlgorithm::Dsa => Algorithm::Dsa,
        KeyAlgorithm::Ecdsa | KeyAlgorithm::Eddsa | KeyAlgorithm::Ecc => Algorithm::Curve,
        _ => Algorithm::Other,
    }
}

/// Whether text is a whole fingerprint: never a short or long key id.
fn is_full(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte);
    matches!(text.len(), 40 | 64) && text.bytes().all(digit)
}
