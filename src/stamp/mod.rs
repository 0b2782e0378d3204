//! Timestamps by a third party (RFC 3161): what to ask of an authority, and what it answered. Bytes in,
//! bytes out; nothing here goes to the network or reads a clock.

mod authority;
mod form;

pub use authority::trusted;

use crate::types::{Timestamp, escape};
use sha2::{Digest, Sha256};

/// The largest answer that is read, in bytes: a token holds a few certificates.
pub const MAX_ANSWER: u64 = 64 << 10;

/// What a timestamp is asked for: a hash, and a number that nobody could know before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    imprint: [u8; 32],
    nonce: [u8; 8],
}

impl Question {
    /// Asks for a timestamp of these bytes.
    #[must_use]
    pub fn about(bytes: &[u8], nonce: [u8; 8]) -> Self {
        Self {
            imprint: Sha256::digest(bytes).into(),
            nonce,
        }
    }

    /// The request, as it is sent.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn request(&self) -> Result<Vec<u8>, StampFault> {
        form::request(&self.imprint, &self.nonce).map_err(|_| StampFault::Unreadable)
    }

    /// Takes an answer to this very question.
    ///
    /// # Errors
    /// When it is none, was not granted, or is of something else.
    pub fn answered(&self, answer: &[u8]) -> Result<Stamp, StampFault> {
        let answer = form::answer(answer).map_err(|_| StampFault::Unreadable)?;
        let token = match (answer.status, answer.token) {
            // Granted, with or without changes to what was asked.
            (0 | 1, Some(token)) => token,
            (0 | 1, None) => return Err(StampFault::Unreadable),
            (status, _) => {
                return Err(StampFault::NotGranted {
                    status,
                    said: escape(answer.said.as_bytes()),
                });
            }
        };
        let stamp = Stamp::read(token)?;
        if !stamp.is_of_hash(&self.imprint) {
            return Err(StampFault::OfAnother);
        }
        match stamp.nonce.as_deref() == Some(form::plain(&self.nonce)) {
            true => Ok(stamp),
            false => Err(StampFault::Nonce),
        }
    }
}

/// A token: that an authority saw a hash at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The token itself, in DER.
    pub token: Vec<u8>,
    /// When, by the authority's clock.
    pub time: Timestamp,
    imprint: Vec<u8>,
    nonce: Option<Vec<u8>>,
}

impl Stamp {
    /// Reads a token; whose it is, [`trusted`] tells.
    ///
    /// # Errors
    /// When it is none, or of a hash other than SHA-256.
    pub fn read(token: Vec<u8>) -> Result<Self, StampFault> {
        let info = form::info(&token).map_err(|_| StampFault::Unreadable)?;
        Ok(Self {
            time: info.time,
            imprint: info.imprint,
            nonce: info.nonce,
            token,
        })
    }

    /// Whether it is of these bytes.
    #[must_use]
    pub fn is_of(&self, bytes: &[u8]) -> bool {
        self.is_of_hash(&Sha256::digest(bytes))
    }

    fn is_of_hash(&self, hash: &[u8]) -> bool {
        self.imprint == hash
    }
}

/// Why there is no timestamp.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StampFault {
    /// The answer cannot be read as one.
    #[error("the answer is no timestamp of RFC 3161 over SHA-256")]
    Unreadable,
    /// The authority did not grant it.
    #[error("the authority did not grant it (status {status}): `{said}`")]
    NotGranted {
        /// Its number for why not.
        status: u32,
        /// What it said, escaped.
        said: String,
    },
    /// It is a timestamp of something else.
    #[error("the answer is the timestamp of something else")]
    OfAnother,
    /// It answers another question, asked before.
    #[error("the answer is not to the question that was asked: its nonce is another")]
    Nonce,
    /// Nobody that is trusted signed it.
    #[error("the timestamp is not signed by an authority that is trusted: {0}")]
    Untrusted(String),
}

#[cfg(test)]
mod tests;
