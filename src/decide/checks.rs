//! Checks: whether the machines that speak for them say that they passed, of exactly what would go
//! out.

use super::span::Span;
use super::{CheckPassed, Reason};
use crate::facts::{SignatureFact, StatementFacts};
use crate::policy::{BranchRule, Machine, Policy};
use crate::statement::CheckResult;
use crate::types::{CheckName, MachineName, Oid, Timestamp};
use std::collections::BTreeSet;

/// What the rules' checks come to.
#[derive(Default)]
pub(super) struct Found {
    pub reasons: Vec<Reason>,
    pub passed: Vec<CheckPassed>,
}

/// One word of a machine, in the order in which they count: by when the server first saw it, then by
/// the machine's own date, and of two at once the one that says no.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Word<'a> {
    seen: Timestamp,
    claimed: Timestamp,
    failed: bool,
    tag: Oid,
    machine: &'a MachineName,
}

/// Judges every check that a rule asks for, each once.
pub(super) fn judge(span: &Span<'_>, rules: &[&BranchRule]) -> Found {
    let asked: BTreeSet<&CheckName> = rules.iter().flat_map(|rule| &rule.checks).collect();
    let mut found = Found::default();
    for check in asked {
        match last(span, check) {
            Some(word) if word.failed => found.reasons.push(Reason::CheckFailed {
                check: check.clone(),
                machine: word.machine.clone(),
                tip: span.facts.tip,
            }),
            Some(word) => found.passed.push(CheckPassed {
                check: check.clone(),
                machine: word.machine.clone(),
                by: word.tag,
            }),
            None => found.reasons.push(Reason::CheckMissing {
                refname: span.refname.clone(),
                tip: span.facts.tip,
                check: check.clone(),
                machines: speakers(span.policy, check),
            }),
        }
    }
    found
}

/// The machines that may speak for a check.
fn speakers(policy: &Policy, check: &CheckName) -> Vec<MachineName> {
    let machines = policy.machines.values();
    let machines = machines.filter(|machine| machine.checks.contains(check));
    machines.map(|machine| machine.name.clone()).collect()
}

/// The last word about a check of the new value.
fn last<'a>(span: &Span<'a>, check: &CheckName) -> Option<Word<'a>> {
    let statements = span.facts.statements.iter();
    let words = statements.filter_map(|facts| word(span, check, facts));
    words.max()
}

fn word<'a>(span: &Span<'a>, check: &CheckName, facts: &'a StatementFacts) -> Option<Word<'a>> {
    let statement = &facts.statement;
    let result = statement.particulars.check.as_ref()?;
    let about = result.name == *check
        && statement.commit == span.facts.tip
        && statement.refname == *span.refname
        && statement.repository == span.policy.repository.0;
    let machine = speaker(span.policy, &facts.signer, result).filter(|_| about)?;
    let lasts = statement.expires.is_none_or(|expires| span.now < expires);
    let seen = match (facts.first_seen, result.passed) {
        (Some(seen), false) => seen,
        (Some(seen), true) if lasts => seen,
        // When it came is not recorded: then a no holds, and a yes is none.
        (None, false) => span.now,
        (None | Some(_), true) => return None,
    };
    Some(Word {
        seen,
        claimed: facts.claimed,
        failed: !result.passed,
        tag: facts.tag,
        machine: &machine.name,
    })
}

/// The machine that signed it, if it may speak for the check.
pub(super) fn speaker<'a>(
    policy: &'a Policy,
    signer: &SignatureFact,
    result: &CheckResult,
) -> Option<&'a Machine> {
    let (name, key) = match signer {
        SignatureFact::Machine { machine, key } => (machine, key),
        SignatureFact::Unsigned | SignatureFact::Refused(_) | SignatureFact::Good { .. } => {
            return None;
        }
    };
    let machine = policy.machines.get(name)?;
    (machine.keys.contains(key) && machine.checks.contains(&result.name)).then_some(machine)
}
