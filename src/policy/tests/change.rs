//! Change requests and third persons: what is read, and what is complained about.

use super::{complaints, parse, with};
use crate::policy::{Releaser, TicketPlace, locks_out};

fn prod(more: &str) -> String {
    with(
        "    release: [www]\n",
        &format!("    release: [www]\n    {more}\n"),
    )
}

#[test]
fn they_are_read() {
    let plain = parse(super::SOUND).unwrap();
    assert!(plain.rules[0].ticket.is_none());
    assert_eq!(plain.rules[0].releaser, Releaser::Anyone);
    for (word, place) in [
        ("approval", TicketPlace::Approval),
        ("range", TicketPlace::Range),
        ("each", TicketPlace::Each),
        ("either", TicketPlace::Either),
    ] {
        let yaml = prod(&format!("ticket: {{pattern: 'CHG-#', in: {word}}}"));
        let policy = parse(&yaml).unwrap_or_else(|errors| panic!("{errors}"));
        let ticket = policy.rules[0].ticket.as_ref().unwrap();
        assert_eq!(ticket.place, place);
        assert!(ticket.pattern.fits("CHG-7"));
    }
    let policy = parse(&prod("releaser: distinct")).unwrap();
    assert_eq!(policy.rules[0].releaser, Releaser::Distinct);
}

#[test]
fn what_does_not_fit_is_said() {
    for (more, part) in [
        ("ticket: CHG", "has to be a mapping"),
        ("ticket: {pattern: CHG}", "`ticket` needs `in`"),
        ("ticket: {in: range}", "`ticket` needs `pattern`"),
        ("ticket: {pattern: '(', in: range}", "is not like `INC-#`"),
        ("ticket: {pattern: '*#', in: range}", "two wildcards"),
        ("ticket: {pattern: x, in: title}", "cannot be `title`"),
        ("releaser: third", "cannot be `third`"),
    ] {
        let lines = complaints(&prod(more));
        assert_eq!(lines.len(), 1, "{more}: {lines:?}");
        assert!(lines[0].contains(part), "{more}: {lines:?}");
    }
    let blind = prod("releaser: distinct").replace("identity:\n  source: REMOTE_USER\n", "");
    let lines = complaints(&blind.replace("    push: [everybody]\n", ""));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("nobody is known to have pushed"),
        "{lines:?}"
    );
}

#[test]
fn the_policy_is_left_with_somebody_who_can_push_it() {
    let rule = |required: u32, releaser: &str| {
        let rule = "  refs/relhook/policy:\n    required: 2\n";
        let new =
            format!("  refs/relhook/policy:\n    required: {required}\n    releaser: {releaser}\n");
        parse(&with(rule, &new)).unwrap()
    };
    // Three people: one writes, one approves, one pushes; with two approvals nobody is left.
    assert_eq!(locks_out(&rule(1, "distinct")), None);
    assert_eq!(locks_out(&rule(2, "anyone")), None);
    let why = locks_out(&rule(2, "distinct")).unwrap();
    assert!(why.contains("neither wrote nor approved"), "{why}");
}
