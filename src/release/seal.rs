//! The server's release key, and the signature on a manifest.
//!
//! A manifest lies where others can write. The signature tells whether it is as this server left it:
//! deletes, and what is not sent again, are decided by a manifest that fits and by no other.

use super::ReleaseError;
use crate::secret::{Keeper, make_private, private_text, seed};
use base64ct::{Base64, Encoding};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The key's file in relhook's folder.
pub const KEY_FILE: &str = "release-key";

/// What the first field of a signature says.
const SCHEMA: &str = "relhook/manifest-signature/v1";

/// What comes before the 32 bytes of a private key (RFC 8410, PKCS #8).
const PRIVATE_HEAD: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// What comes before the 32 bytes of a public key (RFC 8410).
const PUBLIC_HEAD: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// The server's release key. It is wiped from memory when it is dropped.
#[derive(Debug)]
pub struct Seal {
    key: SigningKey,
}

/// The last line of a manifest.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    schema: String,
    /// The public key, in hexadecimal digits.
    key: String,
    /// The signature of all that comes before this line, in base64.
    signature: String,
}

/// Why a signature is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealFault {
    /// There is none.
    #[error("it is not signed")]
    Absent,
    /// It is not one that relhook writes.
    #[error("its signature cannot be read")]
    Unreadable,
    /// Another server signed it.
    #[error("another server signed it, with the key {}…", .0.get(..16).unwrap_or_default())]
    OtherKey(String),
    /// It was changed.
    #[error("it was changed after this server signed it")]
    Changed,
}

impl Seal {
    /// The key in relhook's `folder`, made where there is none yet.
    ///
    /// # Errors
    /// When it cannot be read or made, is no such key, or others can read it.
    pub fn open(folder: &Path) -> Result<Self, ReleaseError> {
        let path = folder.join(KEY_FILE);
        if let Some(seal) = Self::read(&path)? {
            return Ok(seal);
        }
        make(&path).map_err(ReleaseError::io(&path))?;
        Self::read(&path)?.ok_or_else(|| unusable(&path, "it is not there".into()))
    }

    fn read(path: &Path) -> Result<Option<Self>, ReleaseError> {
        let text = private_text(path, Keeper::Own).map_err(|why| unusable(path, why))?;
        let Some(text) = text.map(Zeroizing::new) else {
            return Ok(None);
        };
        from_pem(&text)
            .map(|key| Some(Self { key }))
            .ok_or_else(|| unusable(path, "it is no Ed25519 key in PKCS #8".into()))
    }

    /// The public key as a PEM file, as `openssl` reads it.
    #[must_use]
    pub fn public_pem(&self) -> String {
        let der = [&PUBLIC_HEAD[..], self.key.verifying_key().as_bytes()].concat();
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            Base64::encode_string(&der)
        )
    }

    /// `body` with its signature behind it. The body ends with a line feed.
    ///
    /// # Errors
    /// When the signature does not fit JSON, which none of ours does.
    pub fn sealed(&self, body: &[u8]) -> Result<Vec<u8>, String> {
        let line = Line {
            schema: SCHEMA.to_owned(),
            key: crate::types::hex(self.key.verifying_key().as_bytes()),
            signature: Base64::encode_string(&self.key.sign(body).to_bytes()),
        };
        let mut bytes = body.to_vec();
        serde_json::to_writer(&mut bytes, &line).map_err(|error| error.to_string())?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// What was signed: all of `bytes` but the last line.
    ///
    /// # Errors
    /// When the signature is not this server's on exactly that.
    pub fn opened<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], SealFault> {
        let (body, line) = split(bytes).ok_or(SealFault::Absent)?;
        let line: Line = serde_json::from_slice(line).map_err(|_| SealFault::Unreadable)?;
        if line.schema != SCHEMA {
            return Err(SealFault::Unreadable);
        }
        let ours: VerifyingKey = self.key.verifying_key();
        if line.key != crate::types::hex(ours.as_bytes()) {
            let key = line.key.bytes().all(|byte| byte.is_ascii_hexdigit());
            return Err(match key {
                true => SealFault::OtherKey(line.key),
                false => SealFault::Unreadable,
            });
        }
        let signature = Base64::decode_vec(&line.signature)
            .ok()
            .and_then(|bytes| Signature::from_slice(&bytes).ok())
            .ok_or(SealFault::Unreadable)?;
        match ours.verify_strict(body, &signature) {
            Ok(()) => Ok(body),
            Err(_) => Err(SealFault::Changed),
        }
    }
}

/// The body, with its line feed, and the last line; nothing where there is only one line.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let whole = bytes.strip_suffix(b"\n")?;
    let at = whole.iter().rposition(|byte| *byte == b'\n')?;
    Some((bytes.get(..=at)?, whole.get(at + 1..)?))
}

fn unusable(path: &Path, why: String) -> ReleaseError {
    ReleaseError::Key {
        path: PathBuf::from(path),
        why,
    }
}

/// Makes a key, unless another run has made one meanwhile.
fn make(path: &Path) -> io::Result<()> {
    let der = Zeroizing::new([&PRIVATE_HEAD[..], &seed()?[..]].concat());
    let base64 = Zeroizing::new(Base64::encode_string(&der));
    let parts = [
        b"-----BEGIN PRIVATE KEY-----\n".as_slice(),
        base64.as_bytes(),
        b"\n-----END PRIVATE KEY-----\n",
    ];
    make_private(path, &parts)
}

fn from_pem(text: &str) -> Option<SigningKey> {
    let base64 = text
        .trim()
        .strip_prefix("-----BEGIN PRIVATE KEY-----")?
        .strip_suffix("-----END PRIVATE KEY-----")?
        .trim();
    let der = Zeroizing::new(Base64::decode_vec(base64).ok()?);
    let seed: [u8; 32] = der.strip_prefix(&PRIVATE_HEAD)?.try_into().ok()?;
    let seed = Zeroizing::new(seed);
    Some(SigningKey::from_bytes(&seed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    fn seal() -> (tempfile::TempDir, Seal) {
        let folder = tempfile::tempdir().unwrap();
        let seal = Seal::open(folder.path()).unwrap();
        (folder, seal)
    }

    #[test]
    fn a_key_is_made_once_and_nobody_else_can_read_it() {
        let (folder, seal) = seal();
        let path = folder.path().join(KEY_FILE);
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        let again = Seal::open(folder.path()).unwrap();
        assert_eq!(again.public_pem(), seal.public_pem());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(Seal::open(folder.path()).is_err());
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_replaced() {
        let (folder, _) = seal();
        let path = folder.path().join(KEY_FILE);
        for bad in [
            "",
            "key",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ] {
            std::fs::write(&path, bad).unwrap();
            assert!(Seal::open(folder.path()).is_err(), "{bad}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), bad);
        }
    }

    #[test]
    fn only_exactly_what_was_signed_is_opened() {
        let (_folder, seal) = seal();
        let (_other_folder, other) = self::seal();
        let sealed = seal.sealed(b"{\"a\":1}\n").unwrap();
        assert_eq!(seal.opened(&sealed).unwrap(), b"{\"a\":1}\n");
        assert!(matches!(other.opened(&sealed), Err(SealFault::OtherKey(_))));
        assert_eq!(seal.opened(b"{\"a\":1}\n"), Err(SealFault::Absent));
        assert_eq!(seal.opened(b"{}\n{}\n"), Err(SealFault::Unreadable));
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert!(seal.opened(&bad).is_err(), "byte {at}");
        }
        assert!(seal.opened(&sealed[..sealed.len() - 1]).is_err());
        assert!(seal.opened(&[&sealed[..], b"\n"].concat()).is_err());
    }
}
