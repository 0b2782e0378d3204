//! What people do, and what becomes of it.

use super::build::*;
use crate::decide::{Code, Reason};
use crate::facts::{
    BaseRelation, Content, FirstPushers, Pusher, Role, SignatureFact, StatementFacts,
};
use crate::policy::{Attribution, Independence, Policy};
use crate::signature::SignatureProblem;
use crate::types::{Seconds, TargetName, TeamName};

fn policy_with(change: impl FnOnce(&mut crate::policy::BranchRule)) -> Policy {
    let mut policy = policy();
    change(&mut policy.rules[0]);
    policy
}

#[test]
fn nobody_ships_alone() {
    let commits = || vec![commit(1, &[BASE], "dana")];
    refused(&judge(&policy(), commits(), vec![]), &[Code::NOT_COVERED]);
    let approved = judge(&policy(), commits(), vec![approves(1, "rita", 1)]);
    passes(&approved);
    let permit = approved.permit.unwrap();
    assert_eq!((permit.old(), permit.new_oid()), (Some(oid(BASE)), oid(1)));
    assert_eq!(approved.commits[0].covers[0].person, who("rita"));
    assert_eq!(approved.commits[0].covers[0].by, oid(10_001));
}

#[test]
fn a_reviewer_needs_another_reviewer() {
    let commits = || vec![commit(1, &[BASE], "rita")];
    let own = judge(&policy(), commits(), vec![approves(1, "rita", 1)]);
    refused(&own, &[Code::NOT_COVERED]);
    assert_eq!(note_codes(&own), [Code::OWN_WORK]);
    let shortfall = &own.commits[0].shortfalls[0];
    assert_eq!((shortfall.required, shortfall.have), (1, 0));
    // eve has left, and olga is no reviewer.
    assert_eq!(shortfall.could.iter().collect::<Vec<_>>(), [&who("remy")]);
    passes(&judge(&policy(), commits(), vec![approves(1, "remy", 1)]));
}

#[test]
fn every_hand_in_a_commit_bars_from_approving_it() {
    let approval = || vec![approves(1, "rita", 1)];
    let mut by_role: Vec<_> = [Role::Author, Role::Committer, Role::CoAuthor]
        .map(|role| {
            let mut commit = commit(1, &[BASE], "dana");
            commit.claims.push(claim(role, "rita"));
            commit
        })
        .to_vec();
    let mut signed = commit(1, &[BASE], "dana");
    signed.signature = good("rita");
    let mut pushed = commit(1, &[BASE], "dana");
    pushed.first_pushers = FirstPushers::one(who("rita"));
    by_role.extend([signed, pushed]);
    for commit in by_role {
        let verdict = judge(&policy(), vec![commit], approval());
        refused(&verdict, &[Code::NOT_COVERED]);
    }
}

#[test]
fn two_people_approve_each_others_commits_in_one_push() {
    let commits = || vec![commit(2, &[1], "remy"), commit(1, &[BASE], "rita")];
    let tip_only = judge(&policy(), commits(), vec![approves(1, "rita", 2)]);
    refused(&tip_only, &[Code::NOT_COVERED]);
    assert!(tip_only.commits[0].shortfalls.is_empty());
    assert!(!tip_only.commits[1].shortfalls.is_empty());
    let both = vec![approves(1, "rita", 2), approves(2, "remy", 1)];
    passes(&judge(&policy(), commits(), both.clone()));
    let strict = policy_with(|rule| rule.independence = Independence::Range);
    refused(&judge(&strict, commits(), both), &[Code::NOT_COVERED]);
}

#[test]
fn several_approvals_are_counted_by_people() {
    let strict = policy_with(|rule| rule.required = 2);
    let commits = || vec![commit(1, &[BASE], "dana")];
    // I-22: two statements of one person are one.
    let twice = vec![approves(1, "rita", 1), approves(2, "rita", 1)];
    let verdict = judge(&strict, commits(), twice);
    refused(&verdict, &[Code::NOT_COVERED]);
    assert_eq!(verdict.commits[0].shortfalls[0].have, 1);
    let two = vec![approves(1, "rita", 1), approves(2, "remy", 1)];
    passes(&judge(&strict, commits(), two));
}

#[test]
fn an_approval_stops_where_its_signer_began_to_look() {
    let commits = || vec![commit(2, &[1], "dana"), commit(1, &[BASE], "dana")];
    let verdict = judge(&policy(), commits(), vec![since(approves(1, "rita", 2), 1)]);
    refused(&verdict, &[Code::NOT_COVERED]);
    assert!(verdict.commits[0].shortfalls.is_empty());
    assert_eq!(note_codes(&verdict), [Code::DOES_NOT_REACH]);
    let rest = vec![since(approves(1, "rita", 2), 1), approves(2, "remy", 1)];
    passes(&judge(&policy(), commits(), rest));
}

#[test]
fn what_was_compared_with_another_history_does_not_count() {
    let mut elsewhere = approves(1, "rita", 1);
    elsewhere.base = BaseRelation::Elsewhere;
    let verdict = judge(&policy(), vec![commit(1, &[BASE], "dana")], vec![elsewhere]);
    refused(&verdict, &[Code::NOT_COVERED]);
    assert_eq!(note_codes(&verdict), [Code::BASE_ELSEWHERE]);
    // Facts that contradict themselves are not believed either.
    let mut odd = approves(1, "rita", 1);
    odd.base = BaseRelation::None;
    let verdict = judge(&policy(), vec![commit(1, &[BASE], "dana")], vec![odd]);
    refused(&verdict, &[Code::NOT_COVERED]);
}

#[test]
fn paths_ask_for_their_own_people_on_top() {
    let strict = policy_with(|rule| rule.paths = paths(&[("infra/**", 1, "owners")]));
    let commits = |path: &str| {
        let mut touching = commit(1, &[BASE], "dana");
        touching.content = adds(&["README", path]);
        vec![touching]
    };
    let by_rita = || vec![approves(1, "rita", 1)];
    passes(&judge(&strict, commits("src/infra"), by_rita()));
    for path in ["infra/main.tf", "infra", "infra/a/b"] {
        let verdict = judge(&strict, commits(path), by_rita());
        refused(&verdict, &[Code::PATHS_NOT_COVERED]);
        assert_eq!(verdict.commits[0].shortfalls[0].could.len(), 2);
    }
    let with_olga = vec![approves(1, "rita", 1), approves(2, "olga", 1)];
    passes(&judge(&strict, commits("infra/x"), with_olga));
    // An owner who is a reviewer, too, approves once for both.
    let by_remy = vec![approves(1, "remy", 1)];
    passes(&judge(&strict, commits("infra/x"), by_remy));
    // An owner alone is no reviewer.
    let by_olga = vec![approves(1, "olga", 1)];
    refused(
        &judge(&strict, commits("infra/x"), by_olga),
        &[Code::NOT_COVERED],
    );
}

#[test]
fn a_path_that_was_touched_on_the_way_counts() {
    let strict = policy_with(|rule| rule.paths = paths(&[("infra/**", 1, "owners")]));
    let mut infra = commit(1, &[BASE], "dana");
    infra.content = adds(&["infra/x"]);
    let mut undone = commit(2, &[1], "dana");
    undone.content = adds(&["infra/x"]);
    let verdict = judge(&strict, vec![undone, infra], vec![approves(1, "rita", 2)]);
    refused(&verdict, &[Code::PATHS_NOT_COVERED]);
    let Reason::PathsNotCovered { lack, .. } = &verdict.reasons[0] else {
        panic!("{:?}", verdict.reasons);
    };
    assert_eq!(lack.commits, [oid(2), oid(1)]);
}

#[test]
fn a_clean_merge_needs_a_yes_to_the_whole() {
    let merge = || crate::facts::CommitFacts {
        content: Content::CleanMerge,
        ..commit(3, &[1, 2], "dana")
    };
    let commits = || {
        vec![
            merge(),
            commit(1, &[BASE], "dana"),
            commit(2, &[BASE], "dora"),
        ]
    };
    let parts = || vec![approves(1, "rita", 1), approves(2, "remy", 2)];
    let verdict = judge(&policy(), commits(), parts());
    refused(&verdict, &[Code::TIP_NOT_NAMED]);
    let mut whole = parts();
    whole.push(approves(3, "rita", 3));
    passes(&judge(&policy(), commits(), whole));
    passes(&judge(&policy(), commits(), vec![approves(3, "rita", 3)]));
}

#[test]
fn the_yes_to_the_whole_is_somebody_elses() {
    // Both parts are remy's and approved by rita; remy merges and approves the merge.
    let merge = crate::facts::CommitFacts {
        content: Content::CleanMerge,
        ..commit(3, &[1, 2], "remy")
    };
    let commits = vec![
        merge,
        commit(1, &[BASE], "remy"),
        commit(2, &[BASE], "remy"),
    ];
    let said = vec![
        approves(1, "rita", 1),
        approves(2, "rita", 2),
        approves(3, "remy", 3),
    ];
    let verdict = judge(&policy(), commits, said);
    refused(&verdict, &[Code::TIP_NOT_NAMED]);
    let Reason::TipNotNamed { could, .. } = &verdict.reasons[0] else {
        panic!("{:?}", verdict.reasons);
    };
    assert_eq!(could.iter().collect::<Vec<_>>(), [&who("rita")]);
}

#[test]
fn an_approving_commit_carries_its_approval() {
    let commits = || vec![approving(2, &[1], "rita"), commit(1, &[BASE], "dana")];
    let verdict = judge(&policy(), commits(), vec![]);
    passes(&verdict);
    assert_eq!(verdict.commits[1].covers[0].by, oid(2));
    let mut own = commits();
    own[1] = commit(1, &[BASE], "rita");
    let verdict = judge(&policy(), own, vec![]);
    assert_eq!(codes(&verdict), [Code::NOT_COVERED, Code::TIP_NOT_NAMED]);
    let strict = policy_with(|rule| rule.independence = Independence::Range);
    passes(&judge(&strict, commits(), vec![]));
}

#[test]
fn an_approving_merge_carries_its_approval() {
    let commits = vec![approving(3, &[BASE, 2], "rita"), commit(2, &[BASE], "dana")];
    passes(&judge(&policy(), commits, vec![]));
}

#[test]
fn an_approving_commit_that_adds_is_a_commit_like_any_other() {
    let mut adding = approving(2, &[1], "rita");
    adding.content = adds(&["backdoor"]);
    let verdict = judge(&policy(), vec![adding, commit(1, &[BASE], "dana")], vec![]);
    refused(&verdict, &[Code::NOT_COVERED]);
    assert_eq!(note_codes(&verdict), [Code::APPROVAL_ADDS]);
}

#[test]
fn an_approving_commit_for_something_else_approves_nothing() {
    let change = |change: fn(&mut crate::facts::Approving)| {
        let mut tip = approving(2, &[1], "rita");
        change(tip.approving.as_mut().unwrap());
        let verdict = judge(&policy(), vec![tip, commit(1, &[BASE], "dana")], vec![]);
        assert!(codes(&verdict).contains(&Code::NOT_COVERED));
        note_codes(&verdict)
    };
    let elsewhere = change(|approving| approving.refname = name("refs/heads/staging"));
    assert_eq!(elsewhere, [Code::APPROVAL_ELSEWHERE]);
    let other = change(|approving| approving.repository = "acme/fork".into());
    assert_eq!(other, [Code::OTHER_REPOSITORY]);
}

#[test]
fn nothing_but_ones_own_approving_commit_ships_alone() {
    for independence in [Independence::Commit, Independence::Range] {
        let strict = policy_with(|rule| rule.independence = independence);
        let verdict = judge(&strict, vec![approving(1, &[BASE], "rita")], vec![]);
        refused(&verdict, &[Code::TIP_NOT_NAMED]);
        let by_remy = vec![approves(1, "remy", 1)];
        passes(&judge(
            &strict,
            vec![approving(1, &[BASE], "rita")],
            by_remy,
        ));
    }
}

#[test]
fn approvals_age_from_when_the_server_saw_them() {
    let hour = policy_with(|rule| rule.expire = Some(Seconds(3600)));
    let verdict = |seen: Option<i64>| {
        let mut approval = approves(1, "rita", 1);
        approval.first_seen = seen.map(at);
        judge(&hour, vec![commit(1, &[BASE], "dana")], vec![approval])
    };
    passes(&verdict(Some(-3599)));
    let old = verdict(Some(-3600));
    refused(&old, &[Code::NOT_COVERED]);
    assert_eq!(note_codes(&old), [Code::APPROVAL_EXPIRED]);
    let unknown = verdict(None);
    refused(&unknown, &[Code::NOT_COVERED]);
    assert_eq!(note_codes(&unknown), [Code::AGE_UNKNOWN]);
}

#[test]
fn an_approval_ends_when_its_signer_said_so() {
    let verdict = |expires: i64| {
        let mut approval = approves(1, "rita", 1);
        approval.statement.expires = Some(at(expires));
        judge(&policy(), vec![commit(1, &[BASE], "dana")], vec![approval])
    };
    passes(&verdict(1));
    let over = verdict(0);
    refused(&over, &[Code::NOT_COVERED]);
    assert_eq!(note_codes(&over), [Code::APPROVAL_EXPIRED]);
}

#[test]
fn a_withdrawn_approval_no_longer_counts() {
    let commits = || vec![commit(1, &[BASE], "dana")];
    let said = vec![approves(1, "rita", 1), withdraws(2, "rita", 1, 1)];
    let verdict = judge(&policy(), commits(), said);
    refused(&verdict, &[Code::NOT_COVERED]);
    assert_eq!(note_codes(&verdict), [Code::APPROVAL_WITHDRAWN]);
    // Nobody takes back what another said.
    let said = vec![approves(1, "rita", 1), withdraws(2, "remy", 1, 1)];
    passes(&judge(&policy(), commits(), said));
    let mut elsewhere = withdraws(2, "rita", 1, 1);
    elsewhere.statement.repository = "acme/fork".into();
    passes(&judge(
        &policy(),
        commits(),
        vec![approves(1, "rita", 1), elsewhere],
    ));
}

#[test]
fn an_objection_blocks_until_it_is_taken_back() {
    let commits = || vec![commit(2, &[1], "dana"), commit(1, &[BASE], "dana")];
    let mut said = vec![approves(1, "rita", 2), rejects(2, "remy", 1)];
    refused(
        &judge(&policy(), commits(), said.clone()),
        &[Code::REJECTED],
    );
    said.push(withdraws(3, "remy", 1, 2));
    passes(&judge(&policy(), commits(), said));
}

#[test]
fn v_12_of_one_person_the_later_word_counts_and_no_wins_a_tie() {
    let verdict = |objected: Option<i64>, approved: Option<i64>, reach: u32| {
        let mut no = rejects(1, "remy", 2);
        no.first_seen = objected.map(at);
        let mut yes = approves(2, "remy", reach);
        yes.first_seen = approved.map(at);
        let said = vec![no, yes, approves(3, "rita", 3)];
        let commits = vec![
            commit(3, &[2], "dana"),
            commit(2, &[1], "dana"),
            commit(1, &[BASE], "dana"),
        ];
        judge(&policy(), commits, said)
    };
    passes(&verdict(Some(-20), Some(-10), 3));
    passes(&verdict(Some(-20), Some(-10), 2));
    for (objected, approved, reach) in [
        (Some(-10), Some(-20), 3),
        (Some(-10), Some(-10), 3),
        (None, Some(-10), 3),
        (Some(-20), None, 3),
        (Some(-20), Some(-10), 1),
    ] {
        refused(&verdict(objected, approved, reach), &[Code::REJECTED]);
    }
}

#[test]
fn v_12_a_yes_that_its_signer_dates_before_their_no_does_not_lift_it() {
    let verdict = |yes_dated: i64, no_dated: i64| {
        let mut no = rejects(1, "remy", 1);
        (no.first_seen, no.claimed) = (Some(at(-20)), at(no_dated));
        let mut yes = approves(2, "remy", 1);
        (yes.first_seen, yes.claimed) = (Some(at(-10)), at(yes_dated));
        judge(&policy(), vec![commit(1, &[BASE], "dana")], vec![no, yes])
    };
    refused(&verdict(-31, -30), &[Code::REJECTED]);
    passes(&verdict(-30, -30));
    passes(&verdict(-29, -30));
}

#[test]
fn v_12_what_was_said_against_a_commit_outlives_the_key_that_said_it() {
    let lapse = |mut said: StatementFacts, owner: &str| {
        let key = key(owner).to_string();
        said.signer = SignatureFact::Refused(SignatureProblem::ExpiredKey { key });
        said
    };
    let verdict = |said| judge(&policy(), vec![commit(1, &[BASE], "dana")], said);
    let yes = || approves(1, "rita", 1);
    let no = |owner| lapse(rejects(2, "remy", 1), owner);
    refused(&verdict(vec![yes(), no("remy")]), &[Code::REJECTED]);
    // Who is disabled said it when they counted.
    refused(&verdict(vec![yes(), no("eve")]), &[Code::REJECTED]);
    // Not of who could not approve, nor by a key that is nobody's any more.
    for other in ["dora", "mallory"] {
        passes(&verdict(vec![yes(), no(other)]));
    }
    // It is taken back by a withdrawal of the same age, or by a yes with a key that holds.
    let back = lapse(withdraws(3, "remy", 1, 2), "remy");
    passes(&verdict(vec![yes(), no("remy"), back]));
    let mut round = approves(3, "remy", 1);
    round.first_seen = Some(at(-10));
    passes(&verdict(vec![yes(), no("remy"), round]));
    // A withdrawn yes does not come back, and a yes by an expired key is none.
    let gone = lapse(withdraws(3, "rita", 1, 1), "rita");
    refused(&verdict(vec![yes(), gone]), &[Code::NOT_COVERED]);
    refused(&verdict(vec![lapse(yes(), "rita")]), &[Code::NOT_COVERED]);
}

#[test]
fn only_who_could_approve_can_object() {
    let commits = || vec![commit(1, &[BASE], "dana")];
    let said = |person: &str| vec![approves(1, "rita", 1), rejects(2, person, 1)];
    passes(&judge(&policy(), commits(), said("dora")));
    passes(&judge(&policy(), commits(), said("olga")));
    // Whoever answers for some paths could approve, whatever this push touches.
    let strict = policy_with(|rule| rule.paths = paths(&[("infra/**", 1, "owners")]));
    refused(&judge(&strict, commits(), said("olga")), &[Code::REJECTED]);
}

#[test]
fn an_objection_to_ones_own_commit_counts() {
    let commits = vec![commit(1, &[BASE], "remy")];
    let said = vec![approves(1, "rita", 1), rejects(2, "remy", 1)];
    refused(&judge(&policy(), commits, said), &[Code::REJECTED]);
}

#[test]
fn who_is_disabled_contributes_but_does_not_approve() {
    let by_eve = || vec![approves(1, "eve", 1)];
    let verdict = judge(&policy(), vec![commit(1, &[BASE], "dana")], by_eve());
    refused(&verdict, &[Code::NOT_COVERED]);
    assert_eq!(note_codes(&verdict), [Code::APPROVER_DISABLED]);
    let verdict = judge(
        &policy(),
        vec![commit(1, &[BASE], "eve")],
        vec![approves(1, "rita", 1)],
    );
    passes(&verdict);
    assert!(verdict.commits[0].contributors.contains(&who("eve")));
}

#[test]
fn v_12_a_no_outlives_the_account_of_who_said_it() {
    let verdict = |policy: &Policy, said| judge(policy, vec![commit(1, &[BASE], "dana")], said);
    let yes = || approves(1, "rita", 1);
    let no = || {
        let mut no = rejects(2, "eve", 1);
        no.first_seen = Some(at(-20));
        no
    };
    let stands = verdict(&policy(), vec![yes(), no()]);
    refused(&stands, &[Code::REJECTED]);
    // They can take nothing back, so the hint names who can.
    let hints = stands.reasons[0].hints();
    assert!(
        hints[0].contains("have eve taken out of the teams"),
        "{hints:?}"
    );
    // What they took back or settled before stays so; and that yes is worth nothing else.
    passes(&verdict(
        &policy(),
        vec![yes(), no(), withdraws(3, "eve", 1, 2)],
    ));
    let mut round = approves(3, "eve", 1);
    round.first_seen = Some(at(-10));
    passes(&verdict(&policy(), vec![yes(), no(), round.clone()]));
    let alone = verdict(&policy(), vec![no(), round]);
    refused(&alone, &[Code::NOT_COVERED]);
    assert_eq!(note_codes(&alone), [Code::APPROVER_DISABLED]);
    // An approved change of the policy lifts it: out of every team that could approve.
    let mut without = policy();
    let reviewers = without.teams.get_mut(&TeamName::new("reviewers"));
    reviewers.unwrap().remove(&who("eve"));
    let verdict = verdict(&without, vec![yes(), no()]);
    passes(&verdict);
}

#[test]
fn a_first_pusher_attributes_only_where_every_rule_says_so() {
    let mut unsigned = commit(1, &[BASE], "dana");
    unsigned.signature = crate::facts::SignatureFact::Unsigned;
    unsigned.first_pushers = FirstPushers::one(who("dora"));
    let approval = || vec![approves(1, "rita", 1)];
    let verdict = judge(&policy(), vec![unsigned.clone()], approval());
    refused(&verdict, &[Code::UNAUTHENTICATED]);
    let mut lenient = policy_with(|rule| rule.attribution = Attribution::SignatureOrPusher);
    passes(&judge(&lenient, vec![unsigned.clone()], approval()));
    let mut nobody = unsigned.clone();
    nobody.first_pushers = FirstPushers::default();
    refused(
        &judge(&lenient, vec![nobody], approval()),
        &[Code::UNAUTHENTICATED],
    );
    lenient.rules.push(rule("refs/heads/*"));
    refused(
        &judge(&lenient, vec![unsigned], approval()),
        &[Code::UNAUTHENTICATED],
    );
}

#[test]
fn all_rules_of_a_ref_apply() {
    let mut both = policy();
    let mut wide = rule("refs/heads/**");
    wide.from = teams(&["owners"]);
    both.rules.push(wide);
    let commits = || vec![commit(1, &[BASE], "dana")];
    let by_rita = judge(&both, commits(), vec![approves(1, "rita", 1)]);
    refused(&by_rita, &[Code::NOT_COVERED]);
    assert_eq!(by_rita.commits[0].shortfalls[0].rule, "refs/heads/**");
    passes(&judge(&both, commits(), vec![approves(1, "remy", 1)]));
    let two = vec![approves(1, "rita", 1), approves(2, "olga", 1)];
    passes(&judge(&both, commits(), two));
}

#[test]
fn who_may_push_is_asked_of_the_pusher() {
    let mut limited = policy_with(|rule| rule.push = Some(teams(&["developers"])));
    limited.people.get_mut(&who("dora")).unwrap().disabled = true;
    let verdict = |pusher: Pusher| {
        let range = range(
            vec![commit(1, &[BASE], "dana")],
            vec![approves(1, "rita", 1)],
        );
        let mut facts = push(vec![update(PROD, range)]);
        facts.pusher = pusher;
        one(&limited, &facts)
    };
    passes(&verdict(Pusher::Person(who("dana"))));
    refused(
        &verdict(Pusher::Person(who("rita"))),
        &[Code::PUSHER_NOT_ALLOWED],
    );
    refused(
        &verdict(Pusher::Person(who("dora"))),
        &[Code::PUSHER_DISABLED],
    );
    refused(
        &verdict(Pusher::Person(who("zoe"))),
        &[Code::PUSHER_UNKNOWN],
    );
    let login = "zoe".to_owned();
    refused(&verdict(Pusher::Unknown { login }), &[Code::PUSHER_UNKNOWN]);
    let source = "REMOTE_USER".to_owned();
    refused(
        &verdict(Pusher::Missing { source }),
        &[Code::PUSHER_MISSING],
    );
    refused(&verdict(Pusher::NotAsked), &[Code::PUSHER_NOT_ASKED]);
}

#[test]
fn what_an_accepted_push_releases_is_in_its_permit() {
    let mut both = policy_with(|rule| rule.release = vec![TargetName::new("www")]);
    let mut wide = rule("refs/heads/**");
    wide.release = vec![TargetName::new("mirror"), TargetName::new("www")];
    both.rules.push(wide);
    let verdict = judge(
        &both,
        vec![commit(1, &[BASE], "dana")],
        vec![approves(1, "rita", 1)],
    );
    let permit = verdict.permit.unwrap();
    let release: Vec<&str> = permit.release().iter().map(TargetName::as_str).collect();
    assert_eq!(release, ["www", "mirror"]);
}
