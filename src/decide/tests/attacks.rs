//! Tricks with identities and approvals, each by its number in the catalogue.

use super::build::*;
use crate::decide::{Code, Reason};
use crate::facts::{Claim, FirstPushers, Role, SignatureFact};
use crate::policy::Independence;
use crate::signature::SignatureProblem;

fn by_dana() -> Vec<crate::facts::CommitFacts> {
    vec![commit(1, &[BASE], "dana")]
}

#[test]
fn i_01_a_borrowed_name_adds_a_contributor_and_clears_nobody() {
    // rita's work in dana's name, signed by rita: both had a hand in it.
    let mut forged = commit(1, &[BASE], "dana");
    forged.signature = good("rita");
    let verdict = judge(
        &policy(),
        vec![forged.clone()],
        vec![approves(1, "rita", 1)],
    );
    refused(&verdict, &[Code::NOT_COVERED]);
    forged.signature = SignatureFact::Unsigned;
    let verdict = judge(&policy(), vec![forged], vec![approves(1, "rita", 1)]);
    refused(&verdict, &[Code::UNAUTHENTICATED]);
}

#[test]
fn i_02_a_name_that_nobody_owns_is_refused() {
    for role in [Role::Author, Role::Committer, Role::CoAuthor] {
        let mut strange = commit(1, &[BASE], "dana");
        strange.claims.push(Claim {
            role,
            identity: "Zoe <zoe@elsewhere.example>".into(),
            owner: None,
        });
        let verdict = judge(&policy(), vec![strange], vec![approves(1, "rita", 1)]);
        refused(&verdict, &[Code::STRANGER]);
        assert_eq!(
            verdict.commits[0].strangers,
            ["Zoe <zoe@elsewhere.example>"]
        );
    }
    // Nor does one count whom the policy no longer has.
    let mut former = commit(1, &[BASE], "dana");
    former.first_pushers = FirstPushers::one(who("zoe"));
    let verdict = judge(&policy(), vec![former], vec![approves(1, "rita", 1)]);
    refused(&verdict, &[Code::STRANGER]);
    let mut renamed = commit(1, &[BASE], "dana");
    renamed.claims[0].owner = Some(who("zoe"));
    let verdict = judge(&policy(), vec![renamed], vec![approves(1, "rita", 1)]);
    refused(&verdict, &[Code::STRANGER]);
}

#[test]
fn i_10_who_is_disqualified_by_a_forged_trailer_can_be_replaced() {
    let mut forged = commit(1, &[BASE], "dana");
    forged.claims.push(claim(Role::CoAuthor, "rita"));
    let verdict = judge(
        &policy(),
        vec![forged.clone()],
        vec![approves(1, "rita", 1)],
    );
    refused(&verdict, &[Code::NOT_COVERED]);
    assert_eq!(note_codes(&verdict), [Code::OWN_WORK]);
    passes(&judge(
        &policy(),
        vec![forged],
        vec![approves(1, "remy", 1)],
    ));
}

#[test]
fn i_19_no_role_exempts_from_self_approval() {
    let mut all = policy();
    for people in all.teams.values_mut() {
        people.insert(who("rita"));
    }
    let verdict = judge(
        &all,
        vec![commit(1, &[BASE], "rita")],
        vec![approves(1, "rita", 1)],
    );
    refused(&verdict, &[Code::NOT_COVERED]);
}

#[test]
fn i_23_being_asked_for_paths_is_not_being_asked_for_the_branch() {
    let mut strict = policy();
    strict.rules[0].paths = paths(&[("**", 1, "owners")]);
    let verdict = judge(&strict, by_dana(), vec![approves(1, "olga", 1)]);
    refused(&verdict, &[Code::NOT_COVERED]);
}

#[test]
fn v_01_v_02_an_approval_for_another_ref_or_repository_does_not_count() {
    let mut staging = approves(1, "rita", 1);
    staging.statement.refname = name("refs/heads/staging");
    let verdict = judge(&policy(), by_dana(), vec![staging]);
    refused(&verdict, &[Code::NOT_COVERED]);
    assert_eq!(note_codes(&verdict), [Code::APPROVAL_ELSEWHERE]);
    let mut fork = approves(1, "rita", 1);
    fork.statement.repository = "acme/fork".into();
    let verdict = judge(&policy(), by_dana(), vec![fork]);
    refused(&verdict, &[Code::NOT_COVERED]);
    assert_eq!(note_codes(&verdict), [Code::OTHER_REPOSITORY]);
}

#[test]
fn v_04_what_comes_after_an_approval_is_not_covered_by_it() {
    let commits = vec![commit(2, &[1], "dana"), commit(1, &[BASE], "dana")];
    let verdict = judge(&policy(), commits, vec![approves(1, "rita", 1)]);
    refused(&verdict, &[Code::NOT_COVERED]);
    let Reason::NotCovered(lack) = &verdict.reasons[0] else {
        panic!("{:?}", verdict.reasons);
    };
    assert_eq!(lack.commits, [oid(2)]);
    assert_eq!(note_codes(&verdict), [Code::DOES_NOT_REACH]);
}

#[test]
fn v_06_a_reviewers_merge_that_adds_something_approves_nothing() {
    let mut evil = approving(3, &[BASE, 2], "rita");
    evil.content = adds(&["backdoor"]);
    let verdict = judge(&policy(), vec![evil, commit(2, &[BASE], "dana")], vec![]);
    refused(&verdict, &[Code::NOT_COVERED]);
}

#[test]
fn v_13_the_policy_in_force_says_who_approves() {
    let mut left = policy();
    left.people.get_mut(&who("rita")).unwrap().disabled = true;
    let verdict = judge(&left, by_dana(), vec![approves(1, "rita", 1)]);
    refused(&verdict, &[Code::NOT_COVERED]);
}

#[test]
fn v_22_a_signed_commit_is_no_approval() {
    let commits = vec![
        crate::facts::CommitFacts {
            content: crate::facts::Content::Empty,
            ..commit(2, &[1], "rita")
        },
        commit(1, &[BASE], "dana"),
    ];
    let verdict = judge(&policy(), commits, vec![]);
    assert_eq!(codes(&verdict), [Code::NOT_COVERED, Code::TIP_NOT_NAMED]);
}

#[test]
fn s_10_a_signature_by_a_key_of_somebody_else_is_nobodys() {
    let mut borrowed = approves(1, "rita", 1);
    borrowed.signer = SignatureFact::Good {
        person: who("rita"),
        key: key("dana"),
    };
    let verdict = judge(&policy(), by_dana(), vec![borrowed]);
    refused(&verdict, &[Code::NOT_COVERED]);
    assert_eq!(note_codes(&verdict), [Code::APPROVAL_SIGNATURE]);
}

#[test]
fn e_08_an_objection_that_cannot_be_checked_is_not_overlooked() {
    let broken = || {
        SignatureFact::Refused(SignatureProblem::EngineFailed {
            why: "gpg is gone".into(),
        })
    };
    let mut no = rejects(2, "remy", 1);
    no.signer = broken();
    let verdict = judge(&policy(), by_dana(), vec![approves(1, "rita", 1), no]);
    refused(&verdict, &[Code::SIGNATURE_UNCHECKED]);
    assert!(verdict.reasons[0].cannot_tell());
    let mut back = withdraws(2, "rita", 1, 1);
    back.signer = broken();
    let verdict = judge(&policy(), by_dana(), vec![approves(1, "rita", 1), back]);
    refused(&verdict, &[Code::SIGNATURE_UNCHECKED]);
    let mut yes = approves(1, "rita", 1);
    yes.signer = broken();
    let verdict = judge(&policy(), by_dana(), vec![yes, approves(2, "remy", 1)]);
    passes(&verdict);
}

#[test]
fn g_18_an_amended_commit_is_its_amenders_too() {
    let mut amended = commit(1, &[BASE], "dana");
    amended.claims[1] = claim(Role::Committer, "rita");
    amended.signature = good("rita");
    let verdict = judge(&policy(), vec![amended], vec![approves(1, "rita", 1)]);
    refused(&verdict, &[Code::NOT_COVERED]);
    assert_eq!(verdict.commits[0].shortfalls[0].could.len(), 1);
}

#[test]
fn in_a_strict_range_a_contributor_approves_none_of_it() {
    let mut strict = policy();
    strict.rules[0].independence = Independence::Range;
    let commits = || vec![commit(2, &[1], "dana"), commit(1, &[BASE], "rita")];
    let verdict = judge(&strict, commits(), vec![approves(1, "rita", 2)]);
    refused(&verdict, &[Code::NOT_COVERED]);
    assert_eq!(note_codes(&verdict), [Code::OWN_WORK]);
    passes(&judge(&strict, commits(), vec![approves(1, "remy", 2)]));
}

#[test]
fn y_13_a_demand_of_nobody_is_a_demand_of_one() {
    let mut odd = policy();
    odd.rules[0].required = 0;
    refused(&judge(&odd, by_dana(), vec![]), &[Code::NOT_COVERED]);
}
