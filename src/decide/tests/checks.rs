//! Machine checks: whose word counts, about what, and which of several.

use super::build::*;
use crate::decide::{Code, UpdateVerdict};
use crate::facts::{SignatureFact, StatementFacts};
use crate::policy::{Machine, Policy};
use crate::statement::{CheckResult, Decision};
use crate::types::{CheckName, MachineName};
use proptest::prelude::*;

fn checked() -> Policy {
    let mut made = policy();
    for (name, checks) in [("ci", &["tests", "scan"][..]), ("scanner", &["scan"])] {
        let machine = Machine {
            name: MachineName::new(name),
            keys: vec![key(name)],
            checks: checks.iter().map(|check| CheckName::new(*check)).collect(),
        };
        made.machines.insert(machine.name.clone(), machine);
    }
    made.rules[0].checks = vec![CheckName::new("tests")];
    made
}

fn attests(number: u32, machine: &str, check: &str, passed: bool, about: u32) -> StatementFacts {
    let mut made = says(number, Decision::Check, "rita", about);
    made.statement.base = None;
    made.base = crate::facts::BaseRelation::None;
    made.statement.particulars.check = Some(CheckResult {
        name: CheckName::new(check),
        passed,
    });
    made.signer = SignatureFact::Machine {
        machine: MachineName::new(machine),
        key: key(machine),
    };
    made
}

/// A push of two commits that Rita has approved.
fn pushed(policy: &Policy, said: Vec<StatementFacts>) -> UpdateVerdict {
    let commits = vec![commit(2, &[1], "dana"), commit(1, &[BASE], "dana")];
    let mut all = vec![approves(1, "rita", 2)];
    all.extend(said);
    judge(policy, commits, all)
}

#[test]
fn a_machine_that_may_speak_for_it_says_that_exactly_this_passed() {
    let policy = checked();
    refused(&pushed(&policy, vec![]), &[Code::CHECK_MISSING]);
    let went = pushed(&policy, vec![attests(2, "ci", "tests", true, 2)]);
    passes(&went);
    assert_eq!(went.checks.len(), 1);
    assert_eq!(went.checks[0].machine.as_str(), "ci");
    let missing = |said: StatementFacts| {
        refused(&pushed(&policy, vec![said]), &[Code::CHECK_MISSING]);
    };
    missing(attests(2, "ci", "tests", true, 1));
    missing(attests(2, "ci", "scan", true, 2));
    missing(attests(2, "scanner", "tests", true, 2));
    missing(attests(2, "nobody", "tests", true, 2));
    let mut elsewhere = attests(2, "ci", "tests", true, 2);
    elsewhere.statement.refname = name("refs/heads/test");
    missing(elsewhere);
    let mut other = attests(2, "ci", "tests", true, 2);
    other.statement.repository = "acme/other".into();
    missing(other);
    let mut expired = attests(2, "ci", "tests", true, 2);
    expired.statement.expires = Some(at(0));
    missing(expired);
    let mut unknown = attests(2, "ci", "tests", true, 2);
    unknown.first_seen = None;
    missing(unknown);
    let mut another_key = attests(2, "ci", "tests", true, 2);
    another_key.signer = SignatureFact::Machine {
        machine: MachineName::new("ci"),
        key: key("scanner"),
    };
    missing(another_key);
    let mut person = attests(2, "ci", "tests", true, 2);
    person.signer = good("rita");
    missing(person);
    let failed = attests(2, "ci", "tests", false, 2);
    refused(&pushed(&policy, vec![failed]), &[Code::CHECK_FAILED]);
}

#[test]
fn a_machine_approves_nothing() {
    let policy = checked();
    let commits = vec![commit(1, &[BASE], "dana")];
    let mut yes = approves(2, "rita", 1);
    yes.signer = SignatureFact::Machine {
        machine: MachineName::new("ci"),
        key: key("ci"),
    };
    let went = judge(
        &policy,
        commits,
        vec![yes, attests(3, "ci", "tests", true, 1)],
    );
    refused(&went, &[Code::NOT_COVERED]);
}

#[test]
fn no_person_speaks_for_a_check_and_no_machine_for_anything_else() {
    let policy = checked();
    let arrives = |said: StatementFacts| {
        let facts = push(vec![arriving(said, "rita")]);
        codes(&one(&policy, &facts))
    };
    assert_eq!(arrives(attests(1, "ci", "tests", true, 1)), []);
    let other = attests(1, "scanner", "tests", true, 1);
    assert_eq!(arrives(other), [Code::CHECK_SPEAKER]);
    let mut person = attests(1, "ci", "tests", true, 1);
    person.signer = good("rita");
    assert_eq!(arrives(person), [Code::CHECK_SPEAKER]);
    let mut nobody = attests(1, "ci", "tests", true, 1);
    nobody.signer = SignatureFact::Unsigned;
    assert_eq!(arrives(nobody), [Code::STATEMENT_UNSIGNED]);
    for mut said in [
        approves(1, "rita", 1),
        rejects(1, "rita", 1),
        withdraws(1, "rita", 1, 2),
    ] {
        said.signer = SignatureFact::Machine {
            machine: MachineName::new("ci"),
            key: key("ci"),
        };
        assert_eq!(arrives(said), [Code::MACHINE_STATEMENT]);
    }
}

proptest! {
    /// Of any number of words the last that the server saw counts; of several at once, the one that
    /// its machine dates last, and then the one that says no. Their order here is nothing.
    #[test]
    fn the_last_word_counts(words in prop::collection::vec((0..4_i64, 0..3_i64, any::<bool>(), any::<bool>()), 0..8)) {
        let policy = {
            let mut policy = checked();
            policy.rules[0].checks = vec![CheckName::new("scan")];
            policy
        };
        let mut last: Option<(i64, i64, bool)> = None;
        let mut said = Vec::new();
        for (number, (seen, claimed, passed, other)) in (2..).zip(words) {
            let machine = if other { "scanner" } else { "ci" };
            let mut word = attests(number, machine, "scan", passed, 2);
            word.first_seen = Some(at(seen - 10));
            word.claimed = at(claimed - 10);
            said.push(word);
            let this = (seen, claimed, !passed);
            last = Some(last.map_or(this, |last| last.max(this)));
        }
        let wanted = match last {
            None => vec![Code::CHECK_MISSING],
            Some((_, _, true)) => vec![Code::CHECK_FAILED],
            Some((_, _, false)) => vec![],
        };
        prop_assert_eq!(codes(&pushed(&policy, said.clone())), wanted.clone());
        said.reverse();
        prop_assert_eq!(codes(&pushed(&policy, said)), wanted);
    }
}
