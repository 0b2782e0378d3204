//! What GnuPG lists of a key: read once, when the keyring is made, and kept beside it.

use crate::types::{KeyFingerprint, Timestamp};
use serde::{Deserialize, Serialize};

/// An OpenPGP key with its subkeys, or an X.509 certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The primary key's fingerprint, or the certificate's.
    pub fingerprint: KeyFingerprint,
    /// What it says of its owner, escaped: shown to people, never compared with anything.
    pub user_ids: Vec<String>,
    /// The keys that it holds, the primary one first; an X.509 certificate holds one.
    pub keys: Vec<CertificateKey>,
}

/// One key of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateKey {
    /// Its own fingerprint: 40 or 64 upper-case hexadecimal digits.
    pub fingerprint: String,
    /// From when it is valid.
    pub created: Option<Timestamp>,
    /// Until when it is valid; for ever if absent.
    pub expires: Option<Timestamp>,
    /// Whether its owner revoked it.
    pub revoked: bool,
    /// Whether it is for signing content.
    pub can_sign: bool,
    /// The kind of key.
    pub algorithm: Algorithm,
    /// Its length in bits.
    pub bits: u32,
}

/// The kinds of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// RSA.
    Rsa,
    /// DSA over a prime field.
    Dsa,
    /// ECDSA or EdDSA over a curve.
    Curve,
    /// Anything else: keys that do not sign, or not as relhook knows it.
    Other,
}

impl Certificate {
    /// Until when it can sign at all, if it ends: when its primary key expires.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        self.keys.first().and_then(|primary| primary.expires)
    }

    /// Whether its primary key is revoked.
    #[must_use]
    pub fn revoked(&self) -> bool {
        self.keys.first().is_some_and(|primary| primary.revoked)
    }

    /// Whether it holds a key that could sign at `now`.
    #[must_use]
    pub fn can_sign(&self, now: Timestamp) -> bool {
        let usable = |key: &CertificateKey| !key.revoked && !key.expired(now);
        self.keys.first().is_some_and(usable)
            && self.keys.iter().any(|key| usable(key) && key.can_sign)
    }
}

impl CertificateKey {
    /// Whether it has expired at `now`.
    #[must_use]
    pub fn expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }

    /// What is too weak about it: the floor is RSA and DSA with 2048 bits, curves with 255.
    #[must_use]
    pub fn weakness(&self) -> Option<String> {
        let (name, floor) = match self.algorithm {
            Algorithm::Rsa => ("RSA", 2048),
            Algorithm::Dsa => ("DSA", 2048),
            Algorithm::Curve => ("a curve of", 255),
            Algorithm::Other => return Some("a kind of key that relhook does not know".to_owned()),
        };
        (self.bits < floor).then(|| format!("{name} {} bits", self.bits))
    }
}

/// All the certificates of a keyring.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Index {
    /// The certificates.
    pub(super) certificates: Vec<Certificate>,
}

impl Index {
    /// The key with exactly this fingerprint, and the certificate that it belongs to.
    pub(super) fn find(&self, fingerprint: &str) -> Option<(&Certificate, &CertificateKey)> {
        self.find_by(|key| key.fingerprint == fingerprint)
    }

    /// The first key that answers a question.
    pub(super) fn find_by(
        &self,
        wanted: impl Fn(&CertificateKey) -> bool,
    ) -> Option<(&Certificate, &CertificateKey)> {
        self.certificates.iter().find_map(|certificate| {
            let key = certificate.keys.iter().find(|key| wanted(key))?;
            Some((certificate, key))
        })
    }
}
