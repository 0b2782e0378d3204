//! Files of scenarios, read and judged.

use super::{Scenario, judge};
use crate::policy::Policy;

const POLICY: &str = "\
version: 1
repository: acme/site
identity:
  source: http
people:
  dana:
    emails: [dana@acme.example]
    logins: [dana]
    keys: ['openpgp:0123456789ABCDEF0123456789ABCDEF01234567']
  bob:
    emails: [bob@acme.example]
    logins: [bob]
    keys: ['openpgp:1123456789ABCDEF0123456789ABCDEF01234567']
  eve:
    emails: [eve@acme.example]
    logins: [eve]
teams:
  reviewers: [dana, bob]
branches:
  refs/heads/prod:
    required: 1
    from: [reviewers]
    attribution: signature-or-pusher
  refs/relhook/policy:
    required: 1
    from: [reviewers]
";

fn policy() -> Policy {
    Policy::parse(POLICY.as_bytes(), "policy.yaml").unwrap()
}

/// The complaints about a file.
fn complaints(body: &str) -> Vec<String> {
    let yaml = format!("version: 1\nscenarios:\n{body}");
    let errors = Scenario::parse(yaml.as_bytes(), "s", &policy()).unwrap_err();
    errors.lines()
}

/// What comes of the only scenario of a file: the codes of its refusal.
#[track_caller]
fn found(body: &str) -> String {
    let yaml =
        format!("version: 1\nscenarios:\n  - name: x\n    ref: prod\n{body}    expect: accepted\n");
    let all = Scenario::parse(yaml.as_bytes(), "s", &policy())
        .unwrap_or_else(|errors| panic!("{errors}"));
    let judged = judge(&policy(), &all[0]);
    assert_eq!(judged.passed(), judged.reasons.is_empty());
    let codes = judged.reasons.iter().map(|(code, _)| code.to_string());
    codes.collect::<Vec<_>>().join(" ")
}

const DANA: &str = "    commits:\n      - author: dana\n        paths: [a]\n";

#[test]
fn what_is_told_is_judged_by_the_decision() {
    let dana = |more: &str| found(&format!("{DANA}{more}"));
    assert_eq!(dana(""), "RH401");
    assert_eq!(dana("    approvals:\n      - by: bob\n"), "");
    assert_eq!(dana("    approvals:\n      - by: dana\n"), "RH401");
    assert_eq!(
        dana("    approvals:\n      - by: bob\n        withdrawn: true\n"),
        "RH401"
    );
    assert_eq!(
        dana("    approvals:\n      - by: bob\n        ref: stage\n"),
        "RH401"
    );
    let both =
        "    approvals:\n      - by: bob\n        age: 2h\n    objections:\n      - by: bob\n";
    assert_eq!(dana(&format!("{both}        age: 1h\n")), "RH404");
    assert_eq!(dana(&format!("{both}        age: 3h\n")), "");
    assert_eq!(
        dana("    pusher: stranger\n    approvals:\n      - by: bob\n"),
        "RH204"
    );
    assert_eq!(
        dana("    pusher: nobody\n    approvals:\n      - by: bob\n"),
        "RH203"
    );
    assert_eq!(
        dana("    move: forced\n    approvals:\n      - by: bob\n"),
        "RH102"
    );
    assert_eq!(dana("    move: new\n    approvals:\n      - by: bob\n"), "");
    assert_eq!(found("    pusher: dana\n    move: deletion\n"), "RH101");
}

#[test]
fn commits_are_what_they_are_told_to_be() {
    let approved = "    approvals:\n      - by: bob\n";
    let one = |commit: &str| {
        found(&format!(
            "    pusher: dana\n    commits:\n      - author: dana\n{commit}{approved}"
        ))
    };
    assert_eq!(one("        adds: nothing\n"), "");
    assert_eq!(
        one("        paths: [a]\n        co_authors: [bob]\n"),
        "RH401"
    );
    assert_eq!(one("        paths: [a]\n        committer: bob\n"), "RH401");
    assert_eq!(
        one("        paths: [a]\n        first_pushed_by: bob\n"),
        "RH401"
    );
    // Its author pushed it first.
    assert_eq!(one("        paths: [a]\n        signed: nobody\n"), "");
    assert_eq!(
        one("        paths: [a]\n        signed: stranger\n"),
        "RH302"
    );
    assert_eq!(one("        paths: [a]\n        signed: bob\n"), "RH401");
    let stranger = "        paths: [a]\n        co_authors: ['M <m@x.example>']\n";
    assert_eq!(one(stranger), "RH201");
    let known = "        paths: [a]\n        co_authors: ['M <EVE@acme.example>']\n";
    assert_eq!(one(known), "");
    let approving = "    pusher: bob\n    commits:\n      - author: dana\n        paths: [a]\n      \
                     - author: bob\n        adds: nothing\n        approves: true\n";
    assert_eq!(found(approving), "");
    let since = "    commits:\n      - author: dana\n        paths: [a]\n      - id: b\n        author: dana\n        \
                 paths: [b]\n    approvals:\n      - by: bob\n        of: b\n        since: 1\n";
    assert_eq!(found(since), "RH401");
}

#[test]
fn commits_are_called_what_the_file_calls_them() {
    let yaml = "version: 1\nscenarios:\n  - name: x\n    ref: refs/heads/prod\n    commits:\n      \
                - id: the-price\n        author: dana\n        paths: [a]\n    expect: [RH404]\n";
    let all = Scenario::parse(yaml.as_bytes(), "s", &policy()).unwrap();
    let judged = judge(&policy(), &all[0]);
    assert!(judged.reasons[0].1.ends_with("`the-price`"), "{judged:?}");
    let codes = |set: &std::collections::BTreeSet<crate::decide::Code>| {
        set.iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        (codes(&judged.missing), codes(&judged.unexpected)),
        ("RH404".into(), "RH401".into())
    );
    assert!(!judged.passed());
    assert_eq!((all[0].at.line, all[0].expected_at.line), (3, 9));
}

#[test]
fn a_mistake_in_a_file_is_told_with_its_place() {
    let start = "  - name: x\n    ref: prod\n";
    for (body, expected) in [
        (
            "    commit: []\n",
            "s:5:5: unknown key `commit` in a scenario; did you mean `commits`?",
        ),
        (
            "    commits:\n      - author: danna\n        paths: [a]\n    expect: accepted\n",
            "s:6:17: there is no person `danna`",
        ),
        (
            "    commits:\n      - author: dana\n    expect: accepted\n",
            "s:6:9: a commit needs `paths`; write `adds: nothing` for a commit that changes nothing",
        ),
        (
            "    commits:\n      - author: dana\n        paths: [a]\n    expect: refused\n",
            "s:8:13: `expect`: cannot be `refused`",
        ),
        (
            "    commits:\n      - author: dana\n        paths: [a]\n    expect: [RH000]\n",
            "s:8:14: `expect`: `RH000` is not a code of relhook's, such as `RH401`",
        ),
        (
            "    commits:\n      - author: dana\n        paths: [a]\n    approvals:\n      - by: eve\n    expect: accepted\n",
            "s:9:13: `by`: the policy has no key of `eve`",
        ),
        (
            "    commits:\n      - author: dana\n        paths: [a]\n    approvals:\n      - by: bob\n        of: 2\n    expect: accepted\n",
            "s:10:13: there is no commit `2`",
        ),
    ] {
        let all = complaints(&format!("{start}{body}"));
        assert!(
            all.iter().any(|line| line.starts_with(expected)),
            "{expected}: {all:?}"
        );
    }
    let twice = format!("{start}{DANA}    expect: accepted\n");
    let all = complaints(&format!("{twice}{twice}"));
    assert_eq!(all, ["s:9:5: `x` is in this list twice"]);
    let own = "  - name: x\n    ref: refs/relhook/checkpoint\n    pusher: dana\n    move: deletion\n    expect: accepted\n";
    assert_eq!(
        complaints(own),
        ["s:4:10: `ref`: relhook governs its own refs itself"]
    );
}

#[test]
fn the_example_is_as_expected_under_the_example_of_a_policy() {
    let policy = include_bytes!("../../policy.yaml.example");
    let policy = Policy::parse(policy, "policy.yaml.example").unwrap();
    let scenarios = include_bytes!("../../docs/policy-scenarios.yaml.example");
    let scenarios = Scenario::parse(scenarios, "scenarios", &policy)
        .unwrap_or_else(|errors| panic!("{errors}"));
    assert!(scenarios.len() > 10);
    for scenario in &scenarios {
        let judged = judge(&policy, scenario);
        assert!(judged.passed(), "{}: {judged:#?}", scenario.name);
    }
}
