//! What a refused person reads: sentences and hints, as they stand.

use super::build::*;
use crate::decide::{Reason, UpdateVerdict};
use crate::facts::{Claim, Role};
use crate::policy::IdentitySource;

fn said(verdict: &UpdateVerdict) -> String {
    let mut text = String::new();
    for reason in &verdict.reasons {
        text.push_str(&format!("{} {reason}\n", reason.code()));
        for hint in reason.hints() {
            text.push_str(&format!("  hint: {hint}\n"));
        }
    }
    for note in &verdict.notes {
        text.push_str(&format!("  note: {} ({})\n", note.text, note.code));
    }
    text
}

#[test]
fn lacking_approval_says_who_can_give_it_and_how() {
    let commits = vec![commit(2, &[1], "dana"), commit(1, &[BASE], "rita")];
    let verdict = judge(&policy(), commits, vec![approves(1, "rita", 1)]);
    insta::assert_snapshot!(said(&verdict), @r"
    RH401 2 commits lack approval by 1 person of reviewers: `0002aba` and `0001aba`
      hint: ask remy to approve: relhook approve 0002abababab --ref refs/heads/prod
      note: rita's approval does not cover `0001aba`: rita had a hand in it (RH405)
      note: rita approved `0001aba`, which does not take in `0002aba` (RH416)
    ");
}

#[test]
fn two_of_three_are_asked_together() {
    let mut strict = policy();
    strict.rules[0].required = 2;
    strict.rules[0].from = teams(&["reviewers", "owners"]);
    strict.rules[0].paths = paths(&[("infra/**", 1, "owners")]);
    let mut touching = commit(1, &[BASE], "dana");
    touching.content = adds(&["infra/main.tf"]);
    insta::assert_snapshot!(said(&judge(&strict, vec![touching], vec![])), @r"
    RH401 1 commit lacks approval by 2 people of reviewers or owners: `0001aba`
      hint: ask 2 of olga, remy and rita to approve: relhook approve 0001abababab --ref refs/heads/prod
    RH402 1 commit lacks approval by 1 person of owners for `infra/**` (`infra/main.tf`): `0001aba`
      hint: ask olga or remy to approve: relhook approve 0001abababab --ref refs/heads/prod
    ");
}

#[test]
fn where_nobody_is_left_that_is_said() {
    let mut pair = commit(1, &[BASE], "rita");
    pair.claims.push(claim(Role::CoAuthor, "remy"));
    insta::assert_snapshot!(said(&judge(&policy(), vec![pair], vec![])), @r"
    RH401 1 commit lacks approval by 1 person of reviewers: `0001aba`
      hint: nobody is left in reviewers who could approve: the policy has to name more people
    ");
}

#[test]
fn an_objection_is_quoted() {
    let mut no = rejects(2, "remy", 1);
    no.statement.reason = Some("breaks the menu\u{1b}[2J".into());
    let verdict = judge(
        &policy(),
        vec![commit(1, &[BASE], "dana")],
        vec![approves(1, "rita", 1), no],
    );
    insta::assert_snapshot!(said(&verdict), @r"
    RH404 remy objects to `0001aba`: `breaks the menu\x1b[2J`
      hint: once it is settled, remy can take it back: relhook withdraw 2712abababab --reason <why>
    ");
}

#[test]
fn strangers_are_named_once() {
    let stranger = |number, parent| {
        let mut commit = commit(number, &[parent], "dana");
        for role in [Role::Author, Role::Committer] {
            commit.claims.push(Claim {
                role,
                identity: "Zoe <zoe@elsewhere.example>".into(),
                owner: None,
            });
        }
        commit
    };
    let verdict = judge(
        &policy(),
        vec![stranger(2, 1), stranger(1, BASE)],
        vec![approves(1, "rita", 2)],
    );
    insta::assert_snapshot!(said(&verdict), @r"
    RH201 no person of the policy is `Zoe <zoe@elsewhere.example>`, author and committer of `0002aba` and `0001aba`
      hint: correct the commit, or have the address added to the policy
    ");
}

#[test]
fn no_sentence_is_upper_case_ends_in_a_period_or_breaks_the_line() {
    let verdict = judge(&policy(), vec![commit(1, &[BASE], "dana")], vec![]);
    let mut reasons = verdict.reasons;
    let why = || "odd".to_owned();
    reasons.extend([
        Reason::NoUpdates,
        Reason::Deletion,
        Reason::Reserved,
        Reason::NothingNew { tip: oid(1) },
        Reason::NotFastForward {
            current: None,
            new: oid(1),
        },
        Reason::OldDisagrees {
            claimed: None,
            real: Some(oid(1)),
        },
        Reason::StatementName,
        Reason::PolicyMissing,
        Reason::Cosignature { why: why() },
        Reason::Internal { why: why() },
        Reason::PusherMissing {
            source_name: "REMOTE_USER".into(),
            configured: IdentitySource::Http,
        },
    ]);
    for reason in reasons {
        for text in std::iter::once(reason.to_string()).chain(reason.hints()) {
            let first = text.chars().next().unwrap();
            assert!(
                !first.is_uppercase() && !text.ends_with('.') && !text.contains('\n'),
                "{text}"
            );
        }
    }
}
