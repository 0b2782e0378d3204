//! Push certificates: what `git push --signed` signs, read strictly and verified here.
//!
//! git hands a hook the certificate with its own opinion of it: a signer's name, a key id, a letter.
//! A name is a claim of the key and any keyring's key will do for the letter, so that none of it is
//! read. Here the certificate itself is read by one strict grammar, its signature has to be by a key
//! that the policy names for a person, its nonce has to be one of this server's own, fresh, and its
//! lines those that git handed over. Nothing here does I/O or reads a clock.

mod error;
mod nonce;
mod parse;
mod pushee;
mod verify;

#[cfg(test)]
mod tests;

pub use error::{CertificateError, GrammarError};
pub use nonce::{MAX_AGE, MIN_SEED_BYTES, Nonces, Seed};
pub use parse::{MAX_CERTIFICATE_BYTES, PushCertificate};
pub use pushee::Pushees;
pub use verify::{Expected, Verified, verify};
