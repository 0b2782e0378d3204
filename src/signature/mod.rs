//! Signatures: one block over exact bytes in, the key that made it or a reason out.
//!
//! A signature answers one question: which key. Who owns that key is the policy's business.

mod model;

pub use model::{SignatureProblem, SignatureStatus, VerifiedKey};
