//! What the log is at one moment, signed: a checkpoint (C2SP tlog-checkpoint) in a signed note
//! (C2SP signed-note), and the key that signs it.

use super::AuditError;
use super::tree::Node;
use crate::secret::{Keeper, make_private, private_text, seed};
use base64ct::{Base64, Encoding};
use ed25519_dalek::{Signer as _, SigningKey};
use signed_note::{Note, NoteError, Signer, StandardVerifier, Verifier, VerifierList};
use std::fmt;
use std::io;
use std::path::Path;
use tlog_tiles::tlog::Hash;
use zeroize::Zeroizing;

/// What begins a private key's encoding: the algorithm Ed25519.
const ED25519: u8 = 1;

/// A log's size and root, as its key signed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name: the repository's when the log was begun.
    pub origin: String,
    /// How many entries.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Node,
    /// The whole signed note.
    pub note: String,
}

/// Why a checkpoint is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointFault {
    /// It is no signed note, or none with a checkpoint.
    #[error("it is no checkpoint")]
    Unreadable,
    /// Nobody's signature on it is known.
    #[error("the log's key did not sign it")]
    Unsigned,
    /// A signature by the log's name and key identifier does not verify.
    #[error("its signature does not hold")]
    Forged,
    /// It is of another log.
    #[error("it is a checkpoint of the log `{0}`")]
    OtherLog(String),
}

impl Checkpoint {
    /// Reads a note and verifies it by the log's public key.
    ///
    /// # Errors
    /// When it is not well-formed, is of another log, or the key did not sign it.
    pub fn open(note: &[u8], key: &LogKey) -> Result<Self, CheckpointFault> {
        let (checkpoint, note) = Self::read(note, key)?;
        note.verify(&key.verifiers()?)
            .map_err(|error| match error {
                NoteError::UnverifiedNote => CheckpointFault::Unsigned,
                _ => CheckpointFault::Forged,
            })?;
        Ok(checkpoint)
    }

    /// Reads a note of the log with this key, and verifies nothing.
    pub(in crate::audit) fn read(
        note: &[u8],
        key: &LogKey,
    ) -> Result<(Self, Note), CheckpointFault> {
        let parsed = Note::from_bytes(note).map_err(|_| CheckpointFault::Unreadable)?;
        let text = tlog_tiles::Checkpoint::from_bytes(parsed.text());
        let text = text.map_err(|_| CheckpointFault::Unreadable)?;
        if text.origin() != key.name() {
            return Err(CheckpointFault::OtherLog(crate::types::escape(
                text.origin().as_bytes(),
            )));
        }
        let checkpoint = Self {
            origin: text.origin().to_owned(),
            size: text.size(),
            root: text.hash().0,
            note: String::from_utf8(note.to_vec()).map_err(|_| CheckpointFault::Unreadable)?,
        };
        Ok((checkpoint, parsed))
    }

    /// A checkpoint that somebody wrote down: `SIZE ROOT`, with the log's name before it or without.
    ///
    /// # Errors
    /// When the text is not in that form, or names another log than `origin`.
    pub fn unsigned(origin: &str, text: &str) -> Result<Self, CheckpointFault> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (named, size, root) = match *words {
            [size, root] => (origin, size, root),
            [named, size, root] => (named, size, root),
            _ => return Err(CheckpointFault::Unreadable),
        };
        if named != origin {
            return Err(CheckpointFault::OtherLog(crate::types::escape(
                named.as_bytes(),
            )));
        }
        let root = Base64::decode_vec(root).ok();
        let root = root.and_then(|root| root.try_into().ok());
        Ok(Self {
            origin: origin.to_owned(),
            size: size.parse().map_err(|_| CheckpointFault::Unreadable)?,
            root: root.ok_or(CheckpointFault::Unreadable)?,
            note: String::new(),
        })
    }

    /// What is signed of it: the log's name, its size and its root, a line each.
    #[must_use]
    pub fn body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root_base64())
    }

    /// The root in base64.
    #[must_use]
    pub fn root_base64(&self) -> String {
        Base64::encode_string(&self.root)
    }
}

impl fmt::Display for Checkpoint {
    /// In one line, as `Relhook-Checkpoint` has it, with the log's name before it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.origin, self.size, self.root_base64())
    }
}

/// A log's public key, in the form of C2SP's signed-note: `name+identifier+key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogKey {
    text: String,
    name: String,
}

impl LogKey {
    /// Reads a key.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, CheckpointFault> {
        let text = text.trim();
        let verifier = StandardVerifier::new(text).map_err(|_| CheckpointFault::Unreadable)?;
        Ok(Self {
            text: text.to_owned(),
            name: verifier.name().to_owned(),
        })
    }

    /// The name of its log.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The key itself: 32 bytes.
    pub(in crate::audit) fn bytes(&self) -> Option<[u8; 32]> {
        let key = self.text.splitn(3, '+').nth(2)?;
        let bytes = Base64::decode_vec(key).ok()?;
        bytes.strip_prefix(&[ED25519])?.try_into().ok()
    }

    /// What names the key in envelopes: the SHA-256, in hexadecimal digits, of the key as DER
    /// (SubjectPublicKeyInfo).
    #[must_use]
    pub fn id(&self) -> String {
        super::Hash::of(&self.der()).as_str().to_owned()
    }

    /// The key as PEM (SubjectPublicKeyInfo), for tools that know no signed notes.
    #[must_use]
    pub fn pem(&self) -> String {
        let der = Base64::encode_string(&self.der());
        format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n")
    }

    /// The key as DER. What was read has been seen to be an Ed25519 key behind its algorithm.
    fn der(&self) -> Vec<u8> {
        super::envelope::der(&self.bytes().unwrap_or_default())
    }

    fn verifiers(&self) -> Result<VerifierList, CheckpointFault> {
        let verifier =
            StandardVerifier::new(&self.text).map_err(|_| CheckpointFault::Unreadable)?;
        Ok(VerifierList::new(vec![Box::new(verifier)]))
    }
}

/// The log's private key. It is wiped from memory when it is dropped.
pub(in crate::audit) struct LogSigner {
    key: SigningKey,
    /// What names the key in a note, beside the log's name.
    id: u32,
    public: LogKey,
}

impl fmt::Debug for LogSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogSigner({})", self.public.text)
    }
}

impl Signer for LogSigner {
    fn name(&self) -> &str {
        self.public.name()
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, ed25519_dalek::SignatureError> {
        Ok(self.key.try_sign(bytes)?.to_vec())
    }
}

impl LogSigner {
    /// The key in this file; nothing where there is no file.
    pub(in crate::audit) fn read(path: &Path) -> Result<Option<Self>, AuditError> {
        let unusable = |why: String| AuditError::Key {
            path: path.to_owned(),
            why,
        };
        let text = private_text(path, Keeper::Own).map_err(unusable)?;
        let Some(text) = text else {
            return Ok(None);
        };
        let wrong = || unusable("it is no private key of a log".into());
        Self::of(text.trim()).ok_or_else(wrong).map(Some)
    }

    /// The key that C2SP's signed-note writes so: `PRIVATE+KEY+name+identifier+key`.
    fn of(text: &str) -> Option<Self> {
        let (name, rest) = text.strip_prefix("PRIVATE+KEY+")?.split_once('+')?;
        let (id, key) = rest.split_once('+')?;
        let bytes = Zeroizing::new(Base64::decode_vec(key).ok()?);
        let seed = Zeroizing::new(<[u8; 32]>::try_from(bytes.strip_prefix(&[ED25519])?).ok()?);
        let key = SigningKey::from_bytes(&seed);
        let verifies = key.verifying_key();
        let public = [&[ED25519][..], verifies.as_bytes()].concat();
        let named = signed_note::is_key_name_valid(name)
            && id.len() == 8
            && u32::from_str_radix(id, 16).ok()? == signed_note::key_id(name, &public);
        named.then(|| Self {
            id: signed_note::key_id(name, &public),
            public: LogKey {
                text: signed_note::new_ed25519_verifier_key(name, &verifies),
                name: name.to_owned(),
            },
            key,
        })
    }

    /// Makes a new key for the log of this name. What is there stays.
    pub(in crate::audit) fn make(path: &Path, name: &str) -> Result<(), AuditError> {
        if !signed_note::is_key_name_valid(name) {
            return Err(AuditError::Key {
                path: path.to_owned(),
                why: format!(
                    "a log cannot be named `{}`: no spaces, no `+`",
                    crate::types::escape(name.as_bytes())
                ),
            });
        }
        make(path, name).map_err(AuditError::io(path))
    }

    /// The public key.
    pub(in crate::audit) fn public(&self) -> &LogKey {
        &self.public
    }

    /// Signs what an envelope holds.
    pub(in crate::audit) fn sign_bytes(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        Signer::sign(self, bytes).map_err(|error| error.to_string())
    }

    /// Signs what the log is now.
    pub(in crate::audit) fn checkpoint(&self, size: u64, root: Node) -> Result<Checkpoint, String> {
        let origin = self.public.name();
        let text = tlog_tiles::Checkpoint::new(origin, size, Hash(root), "");
        let text = text.map_err(|error| error.to_string())?;
        let note = Note::new(&text.to_bytes(), &[]);
        let mut note = note.map_err(|error| error.to_string())?;
        let signers: [&dyn Signer; 1] = [self];
        note.add_sigs(&signers).map_err(|error| error.to_string())?;
        Ok(Checkpoint {
            origin: origin.to_owned(),
            size,
            root,
            note: String::from_utf8(note.to_bytes()).map_err(|error| error.to_string())?,
        })
    }
}

/// Makes a key, unless another run has made one meanwhile.
fn make(path: &Path, name: &str) -> io::Result<()> {
    let seed = seed()?;
    let key = SigningKey::from_bytes(&seed);
    let public = [&[ED25519][..], key.verifying_key().as_bytes()].concat();
    let private = Zeroizing::new([&[ED25519][..], &seed[..]].concat());
    let id = signed_note::key_id(name, &public);
    let base64 = Zeroizing::new(Base64::encode_string(&private));
    let head = format!("PRIVATE+KEY+{name}+{id:08x}+");
    make_private(path, &[head.as_bytes(), base64.as_bytes(), b"\n"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(name: &str) -> LogSigner {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log-key");
        LogSigner::make(&path, name).unwrap();
        LogSigner::read(&path).unwrap().unwrap()
    }

    #[test]
    fn what_the_key_signed_opens_and_nothing_else_does() {
        let (ours, other) = (signer("acme/site"), signer("acme/site"));
        let made = ours.checkpoint(7, [3; 32]).unwrap();
        let note = made.note.as_bytes();
        assert_eq!(Checkpoint::open(note, ours.public()), Ok(made.clone()));
        assert_eq!(
            Checkpoint::open(note, other.public()),
            Err(CheckpointFault::Unsigned)
        );
        assert!(matches!(
            Checkpoint::open(note, signer("acme/shop").public()),
            Err(CheckpointFault::OtherLog(_))
        ));
        for at in 0..note.len() {
            let mut bad = note.to_vec();
            bad[at] ^= 1;
            assert!(Checkpoint::open(&bad, ours.public()).is_err(), "byte {at}");
        }
        let more = made.note.replacen("7\n", "8\n", 1);
        assert_eq!(
            Checkpoint::open(more.as_bytes(), ours.public()),
            Err(CheckpointFault::Forged)
        );
    }

    #[test]
    fn a_private_key_is_read_as_other_code_for_notes_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log-key");
        LogSigner::make(&path, "acme/site").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.trim();
        let ours = LogSigner::of(text).unwrap();
        let theirs = signed_note::StandardSigner::new(text).unwrap();
        assert_eq!(ours.key_id(), theirs.key_id());
        assert_eq!(Signer::name(&ours), theirs.name());
        assert_eq!(
            Signer::sign(&ours, b"x").unwrap(),
            theirs.sign(b"x").unwrap()
        );
        assert_eq!(
            LogKey::parse(ours.public().as_str()).unwrap(),
            *ours.public()
        );
        for at in 0..text.len() {
            for byte in *b"+A0=/ x" {
                let mut bad = text.to_owned().into_bytes();
                bad[at] = byte;
                let bad = String::from_utf8(bad).unwrap();
                let theirs = signed_note::StandardSigner::new(&bad);
                assert_eq!(LogSigner::of(&bad).is_some(), theirs.is_ok(), "{bad}");
            }
            assert!(LogSigner::of(&text[..at]).is_none());
        }
    }

    #[test]
    fn a_name_that_a_note_cannot_hold_makes_no_key() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["", "a b", "a+b"] {
            assert!(LogSigner::make(&dir.path().join("k"), name).is_err());
        }
    }
}
