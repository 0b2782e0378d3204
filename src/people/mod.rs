//! People as a policy is to have them: proposed, compared, and written into a policy file.
//!
//! Nothing here decides who is who on its own: what comes out is text that people read, approve
//! and push like any other change of the policy.

mod error;
pub mod import;
mod model;
pub mod yaml;

pub use error::WriteError;
pub use model::{Human, Proposal};

#[cfg(test)]
mod tests;
