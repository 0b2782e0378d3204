//! Scenarios: pushes that are told in a file, judged by the decision itself under a policy that
//! need not be in force. docs/policy-tools.md describes the format.
//!
//! What a scenario tells becomes facts as they would be gathered; nothing here says what is right.

mod facts;
mod judge;
mod read;
mod said;
mod spoken;

pub use judge::{Judged, judge};

use crate::decide::Code;
use crate::facts::PushFacts;
use crate::policy::{Policy, PolicyErrors, Position};
use crate::types::Oid;
use std::collections::{BTreeMap, BTreeSet};

/// One push, and what is to become of it.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What it is called, escaped.
    pub name: String,
    /// Where it begins.
    pub at: Position,
    /// Where its `expect` stands.
    pub expected_at: Position,
    /// What is to become of it: the codes of the refusal; none if it is accepted.
    pub expected: BTreeSet<Code>,
    /// Whether it is to go in as an emergency.
    pub emergency: bool,
    /// For what rules that only warn are to let it pass.
    pub warned: BTreeSet<Code>,
    /// The push.
    pub facts: PushFacts,
    /// What the file calls the commits.
    pub commits: BTreeMap<Oid, String>,
}

impl Scenario {
    /// Reads a file of scenarios about the people and refs of a policy. `file_name` is what the
    /// complaints call it.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub fn parse(yaml: &[u8], file_name: &str, policy: &Policy) -> Result<Vec<Self>, PolicyErrors> {
        read::scenarios(yaml, file_name, policy)
    }
}

#[cfg(test)]
mod tests;
