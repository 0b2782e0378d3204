//! One push: every update on its own, and all of them or none.

use super::{Reason, UpdateVerdict, Verdict};
use crate::facts::{PushFacts, UpdateFacts};
use crate::policy::Policy;

/// Judges a push by the policy in force. Every reason to refuse it is found, not only the first.
///
/// One refused update refuses the push; nothing that is decided for one update is used for
/// another.
pub fn decide(policy: &Policy, facts: &PushFacts) -> Verdict {
    let reasons = if facts.updates.is_empty() {
        vec![Reason::NoUpdates]
    } else {
        Vec::new()
    };
    Verdict {
        updates: facts
            .updates
            .iter()
            .map(|update| judge(policy, facts, update))
            .collect(),
        reasons,
    }
}

fn judge(_policy: &Policy, _facts: &PushFacts, update: &UpdateFacts) -> UpdateVerdict {
    UpdateVerdict {
        refname: update.refname.clone(),
        change: update.change,
        // Until every rule is in place, nothing passes.
        reasons: vec![Reason::Internal {
            why: "updates cannot be judged yet".into(),
        }],
        notes: Vec::new(),
        commits: Vec::new(),
        permit: None,
    }
}
