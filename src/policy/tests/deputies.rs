//! `delegation`: what is read, and what is complained about.

use super::{complaints, parse, says, with};
use crate::policy::DelegationRule;
use crate::types::{Seconds, TeamName};

const RULE: &str = "    release: [www]\n";

/// The usual rule with a `delegation`.
fn delegating(text: &str) -> String {
    with(RULE, &format!("{RULE}    delegation: {text}\n"))
}

fn teams(names: &[&str]) -> Vec<TeamName> {
    names.iter().map(|name| TeamName::new(*name)).collect()
}

#[test]
fn who_may_name_whom_for_how_long() {
    let text = delegating("{by: [reviewers], to: [everybody], longest: 21d}");
    let policy = parse(&text).unwrap_or_else(|errors| panic!("{errors}"));
    let rule = DelegationRule {
        by: teams(&["reviewers"]),
        to: teams(&["everybody"]),
        longest: Seconds(21 * 24 * 3600),
    };
    assert_eq!(policy.rules[0].delegation, Some(rule));
    assert_eq!(policy.rules[1].delegation, None);
    // Without `by`: all whose approvals the rule asks for, for paths too.
    let text = delegating("{to: [everybody], longest: 12h}");
    let policy = parse(&text).unwrap_or_else(|errors| panic!("{errors}"));
    let rule = policy.rules[0].delegation.clone().unwrap();
    assert_eq!(rule.by, teams(&["reviewers", "everybody"]));
    assert_eq!(rule.longest, Seconds(12 * 3600));
}

#[test]
fn what_does_not_fit_is_said() {
    for (text, wanted) in [
        ("{to: [everybody]}", "needs `longest`"),
        ("{longest: 21d}", "needs `to`"),
        ("{to: [everybody], longest: 93d}", "is longer than 92 days"),
        ("{to: [everybody], longest: 21}", "not text to every reader"),
        ("{to: everybody, longest: 21d}", "a list"),
        ("{to: [], longest: 21d}", "`to` is empty"),
        (
            "{to: [everbody], longest: 21d}",
            "there is no team `everbody`; did you mean `everybody`?",
        ),
        (
            "{by: [reviewer], to: [everybody], longest: 21d}",
            "there is no team `reviewer`",
        ),
        (
            "{to: [everybody], longest: 21d, chain: true}",
            "unknown key `chain` in `delegation`",
        ),
        ("always", "a mapping"),
    ] {
        let found = complaints(&delegating(text));
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].contains(wanted), "{text}: {found:?}");
    }
}

#[test]
fn a_delegation_that_nobody_could_use_is_pointed_out() {
    let alone = |delegation: &str| {
        let text = delegating(delegation);
        text.replace(
            "  reviewers: [bob, carol]",
            "  alone: [bob]\n  quiet: [erin]\n  reviewers: [bob, carol]",
        )
        .replace(
            "teams:\n",
            "  erin:\n    emails: [erin@acme.example]\nteams:\n",
        )
    };
    let found = complaints(&alone("{by: [alone], to: [alone], longest: 1d}"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("`to`: nobody in these teams can sign and stand in"),
        "{found:?}"
    );
    let found = complaints(&alone("{to: [quiet], longest: 1d}"));
    assert!(found[0].contains("`to`: nobody"), "{found:?}");
    let found = complaints(&alone("{by: [quiet], to: [reviewers], longest: 1d}"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("nobody has anything to hand on"),
        "{found:?}"
    );
}

#[test]
fn a_span_without_a_unit_is_shown_the_way() {
    says(
        RULE,
        &format!("{RULE}    delegation: {{to: [everybody], longest: 3weeks}}\n"),
        "33:44: `longest`: `3weeks` has to be like `30d` or `12h`, at most 3650 days",
    );
}
