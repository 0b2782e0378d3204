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

/// The same with everything that the other keys are about.
const MORE: &str = "    push: [everybody]
    ticket: {pattern: 'CHG-#', in: either}
    checks: [tests]
    windows: [office]
    delegation: {by: [reviewers], to: [others], longest: 21d}
    rollback: {by: [others]}
    emergency:
      by: [others]
      cosign: [reviewers]
      ticket: 'INC-#'
      limit: {count: 1, within: 30d}
      review-within: 3d
";

/// A policy with windows, checks, deputies, emergencies and rollbacks.
fn full() -> Policy {
    let rule = "    attribution: signature-or-pusher\n";
    let text = POLICY
        .replacen(rule, &format!("{rule}{MORE}"), 1)
        .replace(
            "  reviewers: [dana, bob]\n",
            "  reviewers: [dana, bob]\n  others: [carol]\n  everybody: [dana, bob, eve, carol]\n",
        )
        .replace(
            "  eve:\n",
            "  carol:\n    emails: [carol@acme.example]\n    logins: [carol]\n    keys: \
             ['openpgp:2123456789ABCDEF0123456789ABCDEF01234567']\n  eve:\n",
        );
    let more = "machines:\n  ci:\n    keys: ['openpgp:3123456789ABCDEF0123456789ABCDEF01234567']\n    \
                checks: [tests]\nwindows:\n  office:\n    zone: UTC\n    days: [mon-fri]\n    \
                from: \"08:00\"\n    to: \"16:00\"\n    override: [others]\n";
    Policy::parse(format!("{text}{more}").as_bytes(), "policy.yaml")
        .unwrap_or_else(|errors| panic!("{errors}"))
}

/// What comes of a push under the full policy, and whether it went in as an emergency.
#[track_caller]
fn under_all(body: &str, expect: &str) -> String {
    let yaml =
        format!("version: 1\nscenarios:\n  - name: x\n    ref: prod\n{body}    expect: {expect}\n");
    let policy = full();
    let all =
        Scenario::parse(yaml.as_bytes(), "s", &policy).unwrap_or_else(|errors| panic!("{errors}"));
    let judged = judge(&policy, &all[0]);
    let codes = judged.reasons.iter().map(|(code, _)| code.to_string());
    let codes = codes.collect::<Vec<_>>().join(" ");
    match judged.otherwise {
        true => format!("{codes}otherwise"),
        false => codes,
    }
}

const BY_DANA: &str =
    "    commits:\n      - author: dana\n        paths: [a]\n        tickets: [CHG-7]\n";
const PASSED: &str = "    checks:\n      - by: ci\n        name: tests\n        result: pass\n";
const BY_BOB: &str = "    approvals:\n      - by: bob\n";

#[test]
fn change_requests_checks_and_windows_are_told_and_judged() {
    let all = |parts: &[&str]| under_all(&parts.concat(), "accepted");
    assert_eq!(all(&[BY_DANA, PASSED, BY_BOB]), "");
    assert_eq!(all(&[BY_DANA, BY_BOB]), "RH545");
    let failed = PASSED.replace("pass", "fail");
    assert_eq!(all(&[BY_DANA, &failed, BY_BOB]), "RH546");
    let older = format!(
        "{PASSED}        age: 1h\n{}",
        failed.trim_start_matches("    checks:\n")
    );
    assert_eq!(all(&[BY_DANA, &older, BY_BOB]), "RH546");
    let silent = BY_DANA.replace("        tickets: [CHG-7]\n", "");
    assert_eq!(all(&[&silent, PASSED, BY_BOB]), "RH544");
    let named = format!("{BY_BOB}        ticket: CHG-8\n");
    assert_eq!(all(&[&silent, PASSED, &named]), "");
    // A Saturday.
    let at = "    at: \"2026-01-17T12:00:00Z\"\n";
    assert_eq!(all(&[at, BY_DANA, PASSED, BY_BOB]), "RH541");
    let overridden = format!("{BY_BOB}      - by: carol\n        overrides: [office]\n");
    assert_eq!(all(&[at, BY_DANA, PASSED, &overridden]), "");
}

#[test]
fn deputies_are_told_and_judged() {
    let stead = "    approvals:\n      - by: carol\n        in_stead_of: bob\n";
    let all =
        |parts: &[&str]| under_all(&[&[BY_DANA, PASSED], parts].concat().concat(), "accepted");
    let named = "    delegations:\n      - by: bob\n        to: carol\n";
    assert_eq!(all(&[stead]), "RH401");
    assert_eq!(all(&[stead, named]), "");
    for more in [
        "        withdrawn: true\n",
        "        until: \"2026-01-15T11:00:00Z\"\n",
        "        from: \"2026-01-15T13:00:00Z\"\n",
        "        until: \"2026-03-15T11:00:00Z\"\n",
        "        paths: [b]\n",
    ] {
        assert_eq!(all(&[stead, &format!("{named}{more}")]), "RH401", "{more}");
    }
    let paths = format!("{named}        paths: [a]\n");
    assert_eq!(all(&[stead, &paths]), "");
    let no = "    objections:\n      - by: carol\n        in_stead_of: bob\n        age: 1h\n";
    assert_eq!(all(&[no, named, BY_BOB]), "");
    assert_eq!(
        all(&[no, named, &BY_BOB.replace("bob", "dana")]),
        "RH404 RH401"
    );
}

#[test]
fn emergencies_and_what_was_owed_before_are_told_and_judged() {
    let declared = "    emergencies:\n      - by: carol\n        ticket: INC-1\n        \
                    reason: nobody can pay any more\n";
    let second =
        "      - by: bob\n        ticket: INC-1\n        reason: nobody can pay any more\n";
    let all = |parts: &[&str], expect: &str| {
        under_all(&[&[BY_DANA, PASSED], parts].concat().concat(), expect)
    };
    assert_eq!(all(&[declared, second], "emergency"), "");
    assert_eq!(all(&[declared, second], "accepted"), "otherwise");
    assert_eq!(all(&[BY_BOB], "emergency"), "otherwise");
    assert_eq!(all(&[declared], "emergency"), "RH401 RH508");
    let unnamed = declared.replace("        ticket: INC-1\n", "");
    assert!(all(&[&unnamed, second], "emergency").contains("RH504"));
    let back = format!("{declared}        withdrawn: true\n{second}");
    assert!(all(&[&back], "emergency").starts_with("RH401"), "withdrawn");
    // As many as are allowed, and one whose review is overdue.
    let earlier = |more: &str| format!("    earlier_emergencies:\n      - by: carol\n{more}");
    let reviewed = earlier("        age: 20d\n        reviewed: true\n");
    assert!(all(&[declared, second, &reviewed], "emergency").contains("RH509"));
    assert_eq!(all(&[BY_BOB, &reviewed], "accepted"), "");
    let long_ago = earlier("        age: 40d\n        reviewed: true\n");
    assert_eq!(all(&[declared, second, &long_ago], "emergency"), "");
    assert_eq!(
        all(&[BY_BOB, &earlier("        age: 2d\n")], "accepted"),
        ""
    );
    assert_eq!(
        all(&[BY_BOB, &earlier("        age: 4d\n")], "accepted"),
        "RH512"
    );
}

#[test]
fn a_rollback_is_told_and_judged() {
    let all = |parts: &[&str]| {
        let start = "    move: back\n    pusher: dana\n";
        under_all(&format!("{start}{}", parts.concat()), "accepted")
    };
    assert_eq!(all(&["    rollbacks:\n      - by: carol\n"]), "");
    assert_eq!(all(&[]), "RH561");
    assert_eq!(all(&["    rollbacks:\n      - by: bob\n"]), "RH561");
    assert_eq!(
        all(&["    rollbacks:\n      - by: carol\n        age: 2d\n"]),
        "RH561"
    );
    let objected = "    rollbacks:\n      - by: carol\n    objections:\n      - by: bob\n";
    assert_eq!(all(&[objected]), "RH404");
    // An overdue review stops what is new, and not the way back.
    let owed = "    earlier_emergencies:\n      - by: carol\n        age: 9d\n";
    assert_eq!(all(&["    rollbacks:\n      - by: carol\n", owed]), "");
    // Where the policy does not speak of it, it is a forced push.
    assert_eq!(found("    move: back\n    pusher: dana\n"), "RH102");
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
