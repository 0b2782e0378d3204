//! Emergencies in a policy.

use super::{complaints, parse, with};
use crate::policy::{Emergency, Leave};
use crate::types::{Seconds, TeamName};

const DAY: u64 = 24 * 3600;

/// The sound policy with this under `emergency` of its first rule.
fn allowing(lines: &[&str]) -> String {
    let lines: String = lines.iter().map(|line| format!("      {line}\n")).collect();
    with(
        "    expire: 30d\n",
        &format!("    expire: 30d\n    emergency:\n{lines}"),
    )
}

fn read(lines: &[&str]) -> Emergency {
    let policy = parse(&allowing(lines)).unwrap();
    policy.rules[0].emergency.clone().unwrap()
}

#[test]
fn what_is_left_out_is_safe() {
    let rule = read(&["by: [everybody]"]);
    assert_eq!(rule.by, [TeamName::new("everybody")]);
    assert_eq!(rule.cosign, None);
    assert_eq!(rule.expire, Seconds(4 * 3600));
    assert_eq!(
        (rule.limit.count, rule.limit.within),
        (3, Seconds(30 * DAY))
    );
    assert_eq!(rule.review_within, Seconds(3 * DAY));
    assert_eq!(rule.while_overdue, Leave::Refuse);
    assert_eq!(rule.cross_review, Leave::Refuse);
    assert!(rule.ticket.is_none());
    assert!(parse(super::SOUND).unwrap().rules[0].emergency.is_none());
}

#[test]
fn each_key_is_read() {
    let rule = read(&[
        "by: [everybody]",
        "cosign: [reviewers]",
        "expire: 1h",
        "limit: {count: 2, within: 7d}",
        "except: [\"db/**\"]",
        "ticket: \"INC-#\"",
        "review-within: 12h",
        "while-overdue: allow",
        "cross-review: allow",
    ]);
    assert_eq!(rule.cosign, Some(vec![TeamName::new("reviewers")]));
    assert_eq!(rule.expire, Seconds(3600));
    assert_eq!((rule.limit.count, rule.limit.within), (2, Seconds(7 * DAY)));
    assert_eq!(rule.except.matching(b"db/x").len(), 1);
    assert_eq!(rule.except.matching(b"web/x").len(), 0);
    assert!(rule.ticket.unwrap().fits("INC-7"));
    assert_eq!(rule.review_within, Seconds(12 * 3600));
    assert_eq!(rule.while_overdue, Leave::Allow);
    assert_eq!(rule.cross_review, Leave::Allow);
}

#[test]
fn what_does_not_fit_is_said() {
    for (lines, said) in [
        (&["expire: 1h"][..], "`by`"),
        (&["by: [nobody]"], "there is no team `nobody`"),
        (
            &["by: [everybody]", "cosign: [nobody]"],
            "there is no team `nobody`",
        ),
        (&["by: [everybody]", "expire: 8d"], "at most 7 days"),
        (
            &["by: [everybody]", "review-within: 400d"],
            "at most 366 days",
        ),
        (
            &["by: [everybody]", "limit: {count: 0, within: 7d}"],
            "from 1 to 100",
        ),
        (&["by: [everybody]", "limit: {count: 2}"], "`within`"),
        (&["by: [everybody]", "ticket: \"INC #\""], "is not like"),
        (
            &["by: [everybody]", "while-overdue: sometimes"],
            "cannot be `sometimes`",
        ),
        (&["by: [everybody]", "except: [/db]"], "begins with `/`"),
        (&["by: [everybody]", "loud: true"], "`loud`"),
    ] {
        let told = complaints(&allowing(lines)).join("\n");
        assert!(told.contains(said), "{lines:?}: {told}");
    }
}

#[test]
fn e_09_somebody_can_declare_one_and_never_for_the_policy() {
    let nobody = allowing(&["by: [reviewers]"])
        .replace(
            "    keys: ['openpgp:1123456789ABCDEF0123456789ABCDEF01234567']\n",
            "",
        )
        .replace(
            "    keys: ['openpgp:2123456789ABCDEF0123456789ABCDEF01234567']\n",
            "",
        );
    let told = complaints(&nobody).join("\n");
    assert!(told.contains("nobody could declare one"), "{told}");
    let alone =
        allowing(&["by: [one]", "cosign: [one]"]).replace("teams:\n", "teams:\n  one: [bob]\n");
    let told = complaints(&alone).join("\n");
    assert!(told.contains("no two people"), "{told}");
    let own = with(
        "  refs/relhook/policy:\n    required: 2\n",
        "  refs/relhook/policy:\n    required: 2\n    emergency: {by: [everybody]}\n",
    );
    let told = complaints(&own).join("\n");
    assert!(
        told.contains("nobody breaks the glass on the policy itself"),
        "{told}"
    );
}
