//! A scenario and what the decision says to it.

use super::Scenario;
use crate::decide::{Code, Outcome, Reason, decide};
use crate::policy::Policy;
use std::collections::BTreeSet;

/// What came of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Every reason to refuse the push: its code and its sentence, in which commits are called what
    /// the file calls them.
    pub reasons: Vec<(Code, String)>,
    /// Codes that were expected and are not among them.
    pub missing: BTreeSet<Code>,
    /// Codes among them that were not expected.
    pub unexpected: BTreeSet<Code>,
    /// Whether it went in as an emergency and was not to, or the other way round.
    pub otherwise: bool,
    /// Every reason for which rules that only warn would have refused it, in the same way.
    pub let_pass: Vec<(Code, String)>,
    /// Codes that are among those and were not expected to be, or the other way round.
    pub warned_otherwise: BTreeSet<Code>,
}

impl Judged {
    /// Whether it is as expected.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.missing.is_empty()
            && self.unexpected.is_empty()
            && !self.otherwise
            && self.warned_otherwise.is_empty()
    }
}

/// Judges the push of a scenario.
#[must_use]
pub fn judge(policy: &Policy, scenario: &Scenario) -> Judged {
    let verdict = decide(policy, &scenario.facts);
    let of_updates = verdict.updates.iter().flat_map(|update| &update.reasons);
    let reasons: Vec<&Reason> = verdict.reasons.iter().chain(of_updates).collect();
    let found: BTreeSet<Code> = reasons.iter().map(|reason| reason.code()).collect();
    let of_updates = verdict.updates.iter().flat_map(|update| &update.let_pass);
    let let_pass: Vec<&Reason> = of_updates.collect();
    let warned: BTreeSet<Code> = let_pass.iter().map(|reason| reason.code()).collect();
    let otherwise = match verdict.outcome() {
        Outcome::Emergency => !scenario.emergency,
        Outcome::Accepted => scenario.emergency,
        // What is refused was to be, or its reasons are unexpected.
        Outcome::Rejected => false,
    };
    let told = |reason: &&Reason| (reason.code(), named(scenario, reason.to_string()));
    Judged {
        reasons: reasons.iter().map(told).collect(),
        missing: scenario.expected.difference(&found).copied().collect(),
        unexpected: found.difference(&scenario.expected).copied().collect(),
        otherwise,
        let_pass: let_pass.iter().map(told).collect(),
        warned_otherwise: warned
            .symmetric_difference(&scenario.warned)
            .copied()
            .collect(),
    }
}

/// Puts the file's names in the place of the ids that commits were given.
fn named(scenario: &Scenario, text: String) -> String {
    let commits = scenario.commits.iter();
    commits.fold(text, |text, (oid, name)| text.replace(&oid.short(), name))
}
