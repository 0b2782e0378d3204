//! Change requests, and the third person who releases.

use super::build::*;
use crate::decide::{Code, UpdateVerdict};
use crate::facts::{CommitFacts, Pusher, StatementFacts};
use crate::policy::{
    DelegationRule, IdentitySource, Policy, Releaser, TicketPattern, TicketPlace, TicketRule,
};
use crate::types::Seconds;

fn asking(place: TicketPlace) -> Policy {
    let mut made = policy();
    made.rules[0].ticket = Some(TicketRule {
        pattern: TicketPattern::new("CHG-#").unwrap(),
        place,
    });
    made
}

fn naming(mut statement: StatementFacts, ticket: &str) -> StatementFacts {
    statement.statement.particulars.ticket = Some(ticket.to_owned());
    statement
}

fn of(mut commit: CommitFacts, tickets: &[&str]) -> CommitFacts {
    commit.tickets = tickets.iter().map(|ticket| (*ticket).to_owned()).collect();
    commit
}

const PLACES: [TicketPlace; 4] = [
    TicketPlace::Approval,
    TicketPlace::Range,
    TicketPlace::Each,
    TicketPlace::Either,
];

/// Two commits, the second on top, with these change requests in their messages, and one in the
/// approval of the whole: which of the places are content with that.
fn content(first: &[&str], second: &[&str], approval: Option<&str>) -> Vec<bool> {
    let place = |place: &TicketPlace| {
        let commits = vec![
            of(commit(2, &[1], "dana"), second),
            of(commit(1, &[BASE], "dana"), first),
        ];
        let mut said = approves(1, "rita", 2);
        said.statement.particulars.ticket = approval.map(str::to_owned);
        let went = judge(&asking(*place), commits, vec![said]);
        if !went.reasons.is_empty() {
            refused(&went, &[Code::NO_TICKET]);
        }
        went.reasons.is_empty()
    };
    PLACES.iter().map(place).collect()
}

#[test]
fn it_is_named_where_the_rule_says() {
    assert_eq!(content(&[], &[], None), [false, false, false, false]);
    assert_eq!(content(&[], &[], Some("CHG-7")), [true, false, false, true]);
    assert_eq!(content(&["CHG-7"], &[], None), [false, true, false, true]);
    let both = content(&["CHG-7"], &["CHG-8"], None);
    assert_eq!(both, [false, true, true, true]);
    // What only looks like one.
    for odd in ["CHG-", "CHG-7 and more", "chg-7", ""] {
        assert_eq!(content(&[odd], &[odd], Some(odd)), [false; 4], "{odd}");
    }
}

#[track_caller]
fn not_named(commits: Vec<CommitFacts>, said: Vec<StatementFacts>) -> UpdateVerdict {
    let went = judge(&asking(TicketPlace::Approval), commits, said);
    assert!(
        codes(&went).contains(&Code::NO_TICKET),
        "{:?}",
        went.reasons
    );
    assert!(went.tickets.is_empty());
    went
}

#[test]
fn only_an_approval_that_counts_for_the_whole_names_one() {
    let one = || vec![commit(1, &[BASE], "dana")];
    let two = || vec![commit(2, &[1], "dana"), commit(1, &[BASE], "dana")];
    let yes = || approves(1, "rita", 1);
    // Olga is no reviewer, Eve has left, Remy made it, and this is about a part.
    not_named(one(), vec![yes(), naming(approves(2, "olga", 1), "CHG-7")]);
    not_named(one(), vec![yes(), naming(approves(2, "eve", 1), "CHG-7")]);
    let own = vec![commit(1, &[BASE], "remy")];
    not_named(own, vec![yes(), naming(approves(2, "remy", 1), "CHG-7")]);
    let part = naming(approves(2, "remy", 1), "CHG-7");
    not_named(two(), vec![approves(1, "rita", 2), part]);
    // Withdrawn, and a no.
    let back = withdraws(3, "remy", 1, 2);
    not_named(
        one(),
        vec![yes(), naming(approves(2, "remy", 1), "CHG-7"), back],
    );
    not_named(one(), vec![yes(), naming(rejects(2, "remy", 1), "CHG-7")]);
    let went = judge(
        &asking(TicketPlace::Approval),
        one(),
        vec![yes(), naming(approves(2, "remy", 1), "CHG-7")],
    );
    passes(&went);
    assert_eq!(went.tickets.iter().collect::<Vec<_>>(), ["CHG-7"]);
}

#[test]
fn what_adds_nothing_needs_none() {
    for place in PLACES {
        let policy = asking(place);
        let commits = vec![approving(2, &[1], "rita"), approving(1, &[BASE], "dana")];
        let went = judge(&policy, commits, vec![approves(1, "remy", 2)]);
        passes(&went);
    }
}

#[test]
fn every_rule_asks_for_its_own() {
    let mut policy = asking(TicketPlace::Range);
    let mut more = rule("refs/heads/*");
    more.ticket = Some(TicketRule {
        pattern: TicketPattern::new("INC-#").unwrap(),
        place: TicketPlace::Range,
    });
    policy.rules.push(more);
    let went = |tickets: &[&str]| {
        let commits = vec![of(commit(1, &[BASE], "dana"), tickets)];
        judge(&policy, commits, vec![approves(1, "rita", 1)])
    };
    refused(&went(&["CHG-7"]), &[Code::NO_TICKET]);
    let both = went(&["CHG-7", "INC-3"]);
    passes(&both);
    assert_eq!(both.tickets.len(), 2);
}

#[test]
fn the_refusal_says_how_one_is_named() {
    let said = |place| {
        let commits = vec![commit(1, &[BASE], "dana")];
        let went = judge(&asking(place), commits, vec![approves(1, "rita", 1)]);
        let mut text = String::new();
        for reason in &went.reasons {
            text.push_str(&format!("{} {reason}\n", reason.code()));
            for hint in reason.hints() {
                text.push_str(&format!("  hint: {hint}\n"));
            }
        }
        text
    };
    insta::assert_snapshot!(said(TicketPlace::Either), @r"
    RH544 neither an approval that counts for the whole nor a commit's message names a change request like `CHG-#`
      hint: who approves it names one: relhook approve 0001abababab --ref refs/heads/prod --ticket <name>
      hint: name it in the message, and have the new commit approved: git commit --amend
    ");
    insta::assert_snapshot!(said(TicketPlace::Each), @r"
    RH544 1 commit does not name a change request like `CHG-#`: `0001aba`
      hint: name it in the message, and have the new commit approved: git commit --amend
    ");
}

fn third() -> Policy {
    let mut made = policy();
    made.identity = IdentitySource::Http;
    for (name, person) in &mut made.people {
        person.logins = vec![crate::types::Login::new(name.as_str())];
    }
    made.rules[0].releaser = Releaser::Distinct;
    made
}

fn released(
    policy: &Policy,
    by: Pusher,
    commits: Vec<CommitFacts>,
    said: Vec<StatementFacts>,
) -> UpdateVerdict {
    let mut facts = push(vec![update(PROD, range(commits, said))]);
    facts.pusher = by;
    one(policy, &facts)
}

#[test]
fn who_releases_neither_made_nor_approved_it() {
    let policy = third();
    let try_by = |person: &str| {
        let commits = vec![commit(2, &[1], "dora"), commit(1, &[BASE], "dana")];
        let said = vec![approves(1, "rita", 2)];
        released(&policy, Pusher::Person(who(person)), commits, said)
    };
    for maker in ["dana", "dora", "rita"] {
        refused(&try_by(maker), &[Code::RELEASER_NOT_DISTINCT]);
    }
    passes(&try_by("olga"));
    passes(&try_by("remy"));
}

#[test]
fn a_second_approval_makes_no_releaser() {
    let commits = vec![commit(1, &[BASE], "dana")];
    let said = vec![approves(1, "rita", 1), approves(2, "remy", 1)];
    let went = released(&third(), Pusher::Person(who("remy")), commits, said);
    refused(&went, &[Code::RELEASER_NOT_DISTINCT]);
}

#[test]
fn a_clean_merge_makes_no_contributor() {
    let mut merge = approving(2, &[1, BASE], "olga");
    merge.approving = None;
    let commits = vec![merge, commit(1, &[BASE], "dana")];
    let said = vec![approves(1, "rita", 2)];
    passes(&released(
        &third(),
        Pusher::Person(who("olga")),
        commits,
        said,
    ));
}

#[test]
fn who_is_not_known_is_no_third_person() {
    let mut policy = third();
    let try_by = |policy: &Policy, pusher| {
        let commits = vec![commit(1, &[BASE], "dana")];
        released(policy, pusher, commits, vec![approves(1, "rita", 1)])
    };
    let missing = Pusher::Missing {
        source: "REMOTE_USER".into(),
    };
    refused(&try_by(&policy, missing), &[Code::PUSHER_MISSING]);
    policy.identity = IdentitySource::None;
    let nobody = try_by(&policy, Pusher::NotAsked);
    refused(&nobody, &[Code::RELEASER_NOT_ASKED]);
}

#[test]
fn the_refusal_says_who_could_release_it() {
    let mut policy = third();
    policy.rules[0].push = Some(teams(&["owners", "developers"]));
    let commits = vec![commit(1, &[BASE], "dana")];
    let said = vec![approves(1, "rita", 1)];
    let went = released(&policy, Pusher::Person(who("dana")), commits, said);
    let hints = went.reasons[0].hints();
    let tip = oid(1);
    let expected =
        format!("ask dora, olga or remy to push it: git push origin {tip}:refs/heads/prod");
    assert_eq!(hints, [expected]);
}

/// The same, with Rita's deputies.
fn third_with_deputies() -> Policy {
    let mut made = third();
    made.rules[0].delegation = Some(DelegationRule {
        by: teams(&["reviewers"]),
        to: teams(&["developers", "owners"]),
        longest: Seconds(3600),
    });
    made
}

#[test]
fn who_is_stood_in_for_is_no_third_person_and_neither_is_who_was_not_needed() {
    let try_by = |person: &str, own: &[&str]| {
        let mut said = vec![for_(approves(1, "olga", 1), "rita")];
        let own = (2..).zip(own);
        said.extend(own.map(|(number, by)| approves(number, by, 1)));
        let mut range = range(vec![commit(1, &[BASE], "dana")], said);
        let mut named = delegates(1, "rita", "olga", (-1000, 1000));
        named.first_seen = Some(at(-500));
        range.delegations = vec![named];
        let mut facts = push(vec![update(PROD, range)]);
        facts.pusher = Pusher::Person(who(person));
        one(&third_with_deputies(), &facts)
    };
    // Dana wrote it, Olga approved it in Rita's stead: neither of the two releases it, nor does Rita.
    for barred in ["dana", "olga", "rita"] {
        refused(&try_by(barred, &[]), &[Code::RELEASER_NOT_DISTINCT]);
    }
    passes(&try_by("remy", &[]));
    passes(&try_by("dora", &[]));
    // Rita approves it herself, too: Olga's yes is not needed any more, and was given all the same.
    for barred in ["dana", "olga", "rita"] {
        refused(&try_by(barred, &["rita"]), &[Code::RELEASER_NOT_DISTINCT]);
    }
    let could = try_by("olga", &["rita"]).reasons[0].hints();
    let tip = oid(1);
    let expected = format!("ask dora or remy to push it: git push origin {tip}:refs/heads/prod");
    assert_eq!(could, [expected]);
}
