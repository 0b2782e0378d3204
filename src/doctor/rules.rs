//! The policy's rules: whether all of them refuse what they would.

use super::Finding;
use super::patient::Patient;
use crate::policy::BranchRule;
use crate::types::escape;

/// Looks at them; nothing where no policy is in force, which others say.
pub(in crate::doctor) fn examine(patient: &Patient) -> Vec<Finding> {
    let Some(bundle) = patient.bundle() else {
        return Vec::new();
    };
    let rules = bundle.policy.rules.iter();
    let warning: Vec<Finding> = rules.filter(|rule| rule.only_warns()).map(warns).collect();
    match warning.is_empty() {
        true => vec![Finding::ok(
            "enforce",
            "every rule refuses what lacks approvals",
        )],
        false => warning,
    }
}

fn warns(rule: &BranchRule) -> Finding {
    let rule = escape(rule.pattern.as_bytes());
    let what = format!("the rule `{rule}` only warns: what lacks approvals goes in");
    Finding::warning("enforce", what)
        .advice("take `enforce: warn` out of the policy once it refuses what it is meant to")
}
