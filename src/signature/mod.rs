//! Signatures: one block over exact bytes in, the key that made it or a reason out.
//!
//! A signature answers one question: which key. Who owns that key is the policy's business.

mod armor;
mod error;
mod gnupg;
mod keyring;
mod model;
mod ssh;
mod ssh_key;
mod wire;

pub use error::KeyringError;
pub use gnupg::{Algorithm, Certificate, CertificateKey, inspect_key_file};
pub use keyring::Keyring;
pub use model::{SignatureProblem, SignatureStatus, VerifiedKey};
pub use ssh_key::{SshKeyError, ssh_fingerprint};

#[cfg(test)]
mod tests;
