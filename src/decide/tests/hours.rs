//! Release windows and freezes: the moment of a push, and who may override it.

use super::build::*;
use crate::decide::{Code, UpdateVerdict};
use crate::facts::{StatementFacts, Undone};
use crate::policy::{Days, Edge, Emergencies, Freeze, Minute, Policy, Window, Zone};
use crate::types::{Seconds, Timestamp, WindowName};

fn limit(at: Timestamp) -> Edge {
    let wall = Zone::named("UTC").unwrap().wall(at);
    Edge { wall, at }
}

/// The usual policy with a window from nine to five that is shut now, at eight on a Friday, and a
/// freeze that begins tomorrow; Olga and Remy may override both.
fn timed() -> Policy {
    let mut made = policy();
    let zone = || Zone::named("UTC").unwrap();
    let (office, frost) = (WindowName::new("office"), WindowName::new("frost"));
    let window = Window {
        name: office.clone(),
        zone: zone(),
        days: Days::between(0, 4),
        from: Minute::new(9, 0).unwrap(),
        to: Minute::new(17, 0).unwrap(),
        overriders: teams(&["owners"]),
        emergencies: Emergencies::Wait,
    };
    let freeze = Freeze {
        name: frost.clone(),
        zone: zone(),
        from: limit(at(86_400)),
        until: Some(limit(at(10 * 86_400))),
        overriders: teams(&["owners"]),
        emergencies: Emergencies::Wait,
    };
    made.calendar.windows.insert(office.clone(), window);
    made.calendar.freezes.insert(frost.clone(), freeze);
    made.rules[0].windows = vec![office];
    made.rules[0].freezes = vec![frost];
    made
}

/// A push of Dana's commit that Rita approved, at a moment, with more statements.
fn pushed(policy: &Policy, now: i64, more: Vec<StatementFacts>) -> UpdateVerdict {
    let mut said = vec![approves(1, "rita", 1)];
    said.extend(more);
    let mut facts = push(vec![update(
        PROD,
        range(vec![commit(1, &[BASE], "dana")], said),
    )]);
    facts.now = at(now);
    one(policy, &facts)
}

fn overrides(number: u32, person: &str, names: &[&str]) -> StatementFacts {
    let mut said = approves(number, person, 1);
    said.statement.particulars.overrides =
        names.iter().map(|name| WindowName::new(*name)).collect();
    said.statement.reason = Some("the site is down".into());
    said
}

const HOUR: i64 = 3600;

#[test]
fn a_push_goes_in_while_a_window_is_open_and_no_freeze_holds() {
    let policy = timed();
    refused(&pushed(&policy, 0, vec![]), &[Code::OUTSIDE_WINDOWS]);
    refused(&pushed(&policy, HOUR - 1, vec![]), &[Code::OUTSIDE_WINDOWS]);
    passes(&pushed(&policy, HOUR, vec![]));
    passes(&pushed(&policy, 9 * HOUR - 1, vec![]));
    refused(&pushed(&policy, 9 * HOUR, vec![]), &[Code::OUTSIDE_WINDOWS]);
    // On Saturday morning both speak against it; on Monday at noon only the freeze.
    let both = [Code::OUTSIDE_WINDOWS, Code::FROZEN];
    refused(&pushed(&policy, 26 * HOUR, vec![]), &both);
    let monday = 3 * 24 * HOUR + 4 * HOUR;
    refused(&pushed(&policy, monday, vec![]), &[Code::FROZEN]);
}

#[test]
fn one_of_a_rules_windows_is_enough_and_every_rule_has_to_agree() {
    let mut policy = timed();
    let mut night = policy.calendar.windows[&WindowName::new("office")].clone();
    night.name = WindowName::new("night");
    (night.from, night.to) = (night.to, night.from);
    policy.calendar.windows.insert(night.name.clone(), night);
    policy.rules[0].windows.push(WindowName::new("night"));
    passes(&pushed(&policy, 0, vec![]));
    let mut more = rule("refs/heads/*");
    more.windows = vec![WindowName::new("office")];
    policy.rules.push(more);
    refused(&pushed(&policy, 0, vec![]), &[Code::OUTSIDE_WINDOWS]);
    passes(&pushed(&policy, HOUR, vec![]));
}

#[test]
fn an_override_is_an_approval_of_the_whole_by_one_of_those_who_may() {
    let policy = timed();
    let went = pushed(&policy, 0, vec![overrides(2, "olga", &["office"])]);
    passes(&went);
    let [one] = went.overridden.as_slice() else {
        panic!("{:?}", went.overridden);
    };
    assert_eq!((one.name.as_str(), &one.person), ("office", &who("olga")));
    assert_eq!(one.reason.as_deref(), Some("the site is down"));
    assert!(went.zone_rules.is_some());
    // Of no use while nothing keeps it.
    let open = pushed(&policy, HOUR, vec![overrides(2, "olga", &["office"])]);
    assert!(open.overridden.is_empty());
    // One of two is not both.
    let frozen = 26 * HOUR;
    let half = pushed(&policy, frozen, vec![overrides(2, "olga", &["office"])]);
    refused(&half, &[Code::FROZEN]);
    let both = vec![
        overrides(2, "olga", &["office"]),
        overrides(3, "remy", &["frost"]),
    ];
    passes(&pushed(&policy, frozen, both));
    passes(&pushed(
        &policy,
        frozen,
        vec![overrides(2, "remy", &["frost", "office"])],
    ));
}

#[track_caller]
fn does_not_count(policy: &Policy, said: StatementFacts, why: &str) {
    let went = pushed(policy, 0, vec![said]);
    refused(&went, &[Code::OUTSIDE_WINDOWS]);
    let noted = went.notes.iter().any(|note| note.text.contains(why));
    assert!(noted, "{why}: {:?}", went.notes);
}

#[test]
fn an_override_by_somebody_else_or_of_something_else_is_none() {
    let policy = timed();
    does_not_count(
        &policy,
        overrides(2, "rita", &["office"]),
        "not among those",
    );
    does_not_count(&policy, overrides(2, "eve", &["office"]), "disabled");
    let mut expired = overrides(2, "olga", &["office"]);
    expired.statement.expires = Some(at(0));
    does_not_count(&policy, expired, "only until");
    let mut elsewhere = overrides(2, "olga", &["office"]);
    elsewhere.statement.refname = name("refs/heads/test");
    does_not_count(&policy, elsewhere, "not for this ref");
    let mut old = timed();
    old.rules[0].expire = Some(Seconds(30));
    let mut fresh = approves(4, "rita", 1);
    fresh.first_seen = Some(at(0));
    let went = pushed(&old, 0, vec![fresh, overrides(2, "olga", &["office"])]);
    refused(&went, &[Code::OUTSIDE_WINDOWS]);
    // Not of the whole.
    let commits = vec![commit(2, &[1], "dana"), commit(1, &[BASE], "dana")];
    let said = vec![approves(1, "rita", 2), overrides(2, "olga", &["office"])];
    refused(&judge(&policy, commits, said), &[Code::OUTSIDE_WINDOWS]);
    // Of another window.
    refused(
        &pushed(&policy, 0, vec![overrides(2, "olga", &["frost"])]),
        &[Code::OUTSIDE_WINDOWS],
    );
}

#[test]
fn nobody_overrides_for_their_own_work() {
    let policy = timed();
    let commits = vec![commit(1, &[BASE], "remy")];
    let said = vec![approves(1, "rita", 1), overrides(2, "remy", &["office"])];
    let went = judge(&policy, commits, said);
    refused(&went, &[Code::OUTSIDE_WINDOWS]);
    assert!(note_codes(&went).contains(&Code::OVERRIDE));
}

#[test]
fn an_override_approves_nothing_that_it_could_not() {
    // Olga may override and is no reviewer.
    let policy = timed();
    let commits = vec![commit(1, &[BASE], "dana")];
    let went = judge(&policy, commits, vec![overrides(2, "olga", &["office"])]);
    refused(&went, &[Code::NOT_COVERED]);
}

#[test]
fn a_withdrawn_override_is_none() {
    let policy = timed();
    let said = vec![
        overrides(2, "olga", &["office"]),
        withdraws(3, "olga", 1, 2),
    ];
    refused(&pushed(&policy, 0, said), &[Code::OUTSIDE_WINDOWS]);
}

#[test]
fn the_refusal_says_when_it_opens_and_who_could_override_it() {
    let policy = timed();
    let said = |verdict: &UpdateVerdict| {
        let mut text = String::new();
        for reason in &verdict.reasons {
            text.push_str(&format!("{} {reason}\n", reason.code()));
            for hint in reason.hints() {
                text.push_str(&format!("  hint: {hint}\n"));
            }
        }
        text
    };
    insta::assert_snapshot!(said(&pushed(&policy, 26 * HOUR, vec![])), @r"
    RH541 the release window `office` is shut; it opens Mon 2027-01-18 09:00 UTC (2027-01-18T09:00:00Z)
      hint: push it again from Mon 2027-01-25 09:00 UTC (2027-01-25T09:00:00Z) on: approvals stay as they are
      hint: olga or remy can override it, by an approval: relhook approve 0001abababab --ref refs/heads/prod --override office --reason <why>
    RH542 the freeze `frost` holds until Mon 2027-01-25 08:00 UTC (2027-01-25T08:00:00Z)
      hint: push it again from Mon 2027-01-25 09:00 UTC (2027-01-25T09:00:00Z) on: approvals stay as they are
      hint: olga or remy can override it, by an approval: relhook approve 0001abababab --ref refs/heads/prod --override frost --reason <why>
    ");
}

#[test]
fn an_override_from_before_a_rollback_lets_nothing_out_again() {
    let rolled_back = oid(777);
    let again = |seen: i64, answers: bool| {
        let mut said = overrides(2, "olga", &["office"]);
        said.first_seen = Some(at(seen));
        let mut fresh = approves(3, "rita", 1);
        fresh.first_seen = Some(at(-10));
        fresh.statement.particulars.answers = vec![rolled_back];
        if answers {
            said.statement.particulars.answers = vec![rolled_back];
        }
        let mut range = range(vec![commit(1, &[BASE], "dana")], vec![said, fresh]);
        range.undone = vec![Undone {
            statements: vec![rolled_back],
            at: at(-30),
            commits: [oid(1)].into(),
        }];
        one(&timed(), &push(vec![update(PROD, range)]))
    };
    for (seen, answers) in [(-60, false), (-60, true), (-20, false)] {
        let went = again(seen, answers);
        refused(&went, &[Code::OUTSIDE_WINDOWS]);
        let notes: Vec<&str> = went.notes.iter().map(|note| note.text.as_str()).collect();
        assert!(
            notes.iter().any(|note| note.contains("rolled back")),
            "{notes:?}"
        );
    }
    passes(&again(-20, true));
}

#[test]
fn an_override_is_its_signers_own_word_in_whosever_stead_they_approve() {
    // Dora stands in for Olga, who may override: that she cannot hand on.
    let said = for_(overrides(2, "dora", &["office"]), "olga");
    refused(&pushed(&timed(), 0, vec![said]), &[Code::OUTSIDE_WINDOWS]);
    let said = for_(overrides(2, "olga", &["office"]), "dora");
    passes(&pushed(&timed(), 0, vec![said]));
}
