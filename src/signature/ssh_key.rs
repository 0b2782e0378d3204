//! SSH public keys: which kinds are accepted, and the fingerprint that names one.

use crate::types::{KeyFingerprint, escape};
use ::ssh_key::{HashAlg, PublicKey};

/// The smallest RSA key, in bits (NIST SP 800-131A).
pub(super) const MIN_RSA_BITS: usize = 2048;
/// The largest RSA key that the verifier computes with, in bits.
const MAX_RSA_BITS: usize = 4096;
/// The longest line of a public key, in bytes.
const MAX_LINE_BYTES: usize = 4096;

/// Why text is not an SSH public key that relhook accepts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SshKeyError {
    /// Not one line `type base64 comment`.
    #[error("not an SSH public key: one line like `ssh-ed25519 AAAA… comment`")]
    Malformed,
    /// A certificate, which would let whoever holds its authority sign as anybody.
    #[error("an SSH certificate; relhook takes plain public keys only")]
    Certificate,
    /// A kind of key that is not accepted.
    #[error("keys of the type `{algorithm}` are not accepted")]
    Unsupported {
        /// The type, escaped.
        algorithm: String,
    },
    /// An RSA key that is too short.
    #[error("an RSA key of {bits} bits; at least {MIN_RSA_BITS} are needed")]
    RsaTooShort {
        /// Its length in bits.
        bits: usize,
    },
    /// An RSA key that is too long.
    #[error("an RSA key of {bits} bits; relhook verifies up to {MAX_RSA_BITS}")]
    RsaTooLong {
        /// Its length in bits.
        bits: usize,
    },
}

/// The fingerprint of the key in `line`, as a `.pub` file holds it (`ssh-ed25519 AAAA… comment`).
///
/// # Errors
/// Text that is not one public key, and keys whose signatures would never be accepted.
pub fn ssh_fingerprint(line: &str) -> Result<KeyFingerprint, SshKeyError> {
    let line = line.strip_suffix('\n').unwrap_or(line);
    if line.len() > MAX_LINE_BYTES || line.chars().any(char::is_control) {
        return Err(SshKeyError::Malformed);
    }
    let kind = line.split(' ').next().unwrap_or_default();
    check_type(kind)?;
    let key = PublicKey::from_openssh(line).map_err(|_| SshKeyError::Malformed)?;
    check_strength(&key)?;
    Ok(fingerprint(&key))
}

/// The fingerprint as OpenSSH writes it.
pub(super) fn fingerprint(key: &PublicKey) -> KeyFingerprint {
    KeyFingerprint::Ssh(key.fingerprint(HashAlg::Sha256).to_string())
}

/// Whether a type of key is on the list.
pub(super) fn check_type(kind: &str) -> Result<(), SshKeyError> {
    match kind {
        "ssh-ed25519"
        | "ssh-rsa"
        | "ecdsa-sha2-nistp256"
        | "ecdsa-sha2-nistp384"
        | "ecdsa-sha2-nistp521"
        | "sk-ssh-ed25519@openssh.com"
        | "sk-ecdsa-sha2-nistp256@openssh.com" => Ok(()),
        _ if kind.ends_with("-cert-v01@openssh.com") => Err(SshKeyError::Certificate),
        "ssh-dss" => Err(SshKeyError::Unsupported {
            algorithm: "ssh-dss".to_owned(),
        }),
        _ if kind.contains('-') && kind.len() < 64 => Err(SshKeyError::Unsupported {
            algorithm: escape(kind.as_bytes()),
        }),
        _ => Err(SshKeyError::Malformed),
    }
}

/// Whether an RSA key is of a length that is accepted; the other types have only one.
pub(super) fn check_strength(key: &PublicKey) -> Result<(), SshKeyError> {
    let Some(rsa) = key.key_data().rsa() else {
        return Ok(());
    };
    let modulus = rsa.n.as_positive_bytes().unwrap_or_default();
    let unused = modulus.first().map_or(0, |first| first.leading_zeros());
    let bits = (modulus.len() * 8).saturating_sub(unused as usize);
    if bits < MIN_RSA_BITS {
        Err(SshKeyError::RsaTooShort { bits })
    } else if bits > MAX_RSA_BITS {
        Err(SshKeyError::RsaTooLong { bits })
    } else {
        Ok(())
    }
}
