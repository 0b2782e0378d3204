//! A person's public key as the policy writes it.

use crate::types::KeyFingerprint;
use ssh_key::{Algorithm, HashAlg, PublicKey};

/// The longest key line, in bytes; an RSA key of 16384 bits fits.
const MAX_LINE_BYTES: usize = 4096;
/// The RSA sizes that are taken, in bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=16384;

/// A key of the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// What names it.
    pub(super) fingerprint: KeyFingerprint,
    /// The key itself, for SSH.
    pub(super) ssh: Option<PublicKey>,
}

/// Why text is not a key that relhook takes. It never repeats the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeyError {
    /// Too long to be a public key.
    #[error("is longer than {MAX_LINE_BYTES} bytes")]
    TooLong,
    /// A private key.
    #[error("is a private key: take it for lost, and make a new one")]
    Private,
    /// None of the forms.
    #[error("is none of `openpgp:<40 or 64 digits>`, `ssh-ed25519 AAAA…` or `x509:<40 digits>`")]
    UnknownForm,
    /// A fingerprint of another length, or with other characters.
    #[error("has to be {expected} hexadecimal digits without blanks, not {found} characters")]
    Digits {
        /// The lengths that fit.
        expected: &'static str,
        /// How many characters there are.
        found: usize,
    },
    /// An SSH key line that cannot be read.
    #[error("is not a readable SSH public key: {why}")]
    Ssh {
        /// What the reader says.
        why: String,
    },
    /// An SSH key of a kind that is not taken.
    #[error("is an SSH key of a kind that is not taken: {kind}")]
    SshKind {
        /// The algorithm's name, escaped.
        kind: String,
    },
    /// An RSA key that is too small or absurdly large.
    #[error("is an RSA key of {bits} bits: {} to {} are taken", RSA_BITS.start(), RSA_BITS.end())]
    RsaSize {
        /// Its size.
        bits: usize,
    },
}

impl KeyError {
    /// What to do about it.
    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Digits { .. } => Some(
                "short ids can be forged: `gpg --list-keys --with-colons` shows the whole \
                 fingerprint in its first `fpr` line",
            ),
            Self::SshKind { .. } | Self::RsaSize { .. } => {
                Some("`ssh-keygen -t ed25519` makes one that is")
            }
            Self::Ssh { .. } | Self::UnknownForm => {
                Some("an SSH key is the one line of the `.pub` file")
            }
            Self::TooLong | Self::Private => None,
        }
    }
}

/// Reads one key.
pub(super) fn read(text: &str) -> Result<Key, KeyError> {
    if text.contains("PRIVATE KEY") {
        Err(KeyError::Private)
    } else if text.len() > MAX_LINE_BYTES {
        Err(KeyError::TooLong)
    } else if let Some(digits) = text.strip_prefix("openpgp:") {
        let digits = fingerprint(digits, &[40, 64], "40 or 64")?;
        Ok(by_name(KeyFingerprint::OpenPgp(digits)))
    } else if let Some(digits) = text.strip_prefix("x509:") {
        let digits = fingerprint(digits, &[40], "40")?;
        Ok(by_name(KeyFingerprint::X509(digits)))
    } else if text.contains(' ') {
        ssh(text)
    } else {
        Err(KeyError::UnknownForm)
    }
}

fn by_name(fingerprint: KeyFingerprint) -> Key {
    let ssh = None;
    Key { fingerprint, ssh }
}

/// The digits in upper case, if there are as many as there should be.
fn fingerprint(
    digits: &str,
    lengths: &[usize],
    expected: &'static str,
) -> Result<String, KeyError> {
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if hex && lengths.contains(&digits.len()) {
        Ok(digits.to_ascii_uppercase())
    } else {
        let found = digits.chars().count();
        Err(KeyError::Digits { expected, found })
    }
}

fn ssh(line: &str) -> Result<Key, KeyError> {
    let key = PublicKey::from_openssh(line).map_err(|error| {
        let why = crate::types::escape(error.to_string().as_bytes());
        KeyError::Ssh { why }
    })?;
    match key.algorithm() {
        Algorithm::Ed25519
        | Algorithm::Ecdsa { .. }
        | Algorithm::SkEd25519
        | Algorithm::SkEcdsaSha2NistP256 => {}
        Algorithm::Rsa { .. } => rsa_size(&key)?,
        _ => {
            let kind = crate::types::escape(key.algorithm().as_str().as_bytes());
            return Err(KeyError::SshKind { kind });
        }
    }
    let fingerprint = KeyFingerprint::Ssh(key.fingerprint(HashAlg::Sha256).to_string());
    Ok(Key {
        fingerprint,
        ssh: Some(key),
    })
}

fn rsa_size(key: &PublicKey) -> Result<(), KeyError> {
    let modulus = key
        .key_data()
        .rsa()
        .and_then(|rsa| rsa.n.as_positive_bytes());
    let bits = modulus.map_or(0, |bytes| {
        let first = bytes
            .first()
            .map_or(8, |byte| byte.leading_zeros() as usize);
        (bytes.len() * 8).saturating_sub(first)
    });
    if RSA_BITS.contains(&bits) {
        Ok(())
    } else {
        Err(KeyError::RsaSize { bits })
    }
}
