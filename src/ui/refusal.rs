//! A refusal that came before any verdict: one reason, what helps, where to read more.

use crate::decide::{Reason, Verdict};
use crate::policy::Policy;

/// What a refused person sees of one reason.
#[must_use]
pub fn refusal(reason: &Reason) -> String {
    let code = reason.code();
    let hints: String = reason
        .hints()
        .iter()
        .map(|hint| format!("  hint: {hint}\n"))
        .collect();
    format!("relhook: refused\n  {code} {reason}\n{hints}  more: relhook explain {code}\n")
}

/// What a pusher sees of a verdict.
#[must_use]
pub fn report(verdict: &Verdict, _policy: &Policy) -> String {
    if verdict.accepted() {
        return "relhook: accepted\n".into();
    }
    let reasons = verdict
        .reasons
        .iter()
        .chain(verdict.updates.iter().flat_map(|update| &update.reasons));
    reasons.map(refusal).collect()
}
