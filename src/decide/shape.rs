//! The shape of one update: what holds for every ref, whoever pushes and whatever is approved.

use super::Reason;
use crate::facts::{Current, UpdateFacts};
use crate::policy::{POLICY_REF, Policy};
use crate::statement::STATEMENT_PREFIX;
use crate::types::RefName;

/// What a ref name is by its bytes and the policy, whatever the facts call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Unprotected,
    Protected,
    Policy,
    Statement,
    Reserved,
}

/// What the name is. Facts that call it something milder are contradicted.
pub(super) fn kind(policy: &Policy, name: &RefName) -> Kind {
    if name.as_bytes() == POLICY_REF.as_bytes() {
        return Kind::Policy;
    }
    if name.is_under(STATEMENT_PREFIX) {
        return Kind::Statement;
    }
    let reserved = ["refs/relhook/", "refs/replace/", "refs/namespaces/"];
    if reserved.iter().any(|prefix| name.is_under(prefix)) {
        Kind::Reserved
    } else if policy.protects(name) {
        Kind::Protected
    } else {
        Kind::Unprotected
    }
}

/// What is wrong with the update as such: the ref named twice, reached through another, or not
/// what the push takes it to be.
pub(super) fn faults(update: &UpdateFacts, times: usize) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if times > 1 {
        reasons.push(Reason::NamedTwice { times });
    }
    let claimed = update.change.old();
    match &update.current {
        Current::Symbolic { target } => reasons.push(Reason::Symbolic {
            target: target.clone(),
        }),
        Current::Unreadable { why } => reasons.push(Reason::Unreadable { why: why.clone() }),
        Current::Absent | Current::At(_) => {
            let real = update.current.oid();
            if claimed != real {
                reasons.push(Reason::OldDisagrees { claimed, real });
            }
        }
    }
    reasons
}
