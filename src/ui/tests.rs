//! Whole outputs, as a pusher sees them: read them at 80 columns.

use super::*;
use crate::decide::{Code, CommitVerdict, Cover, Lack, Note, Reason, UpdateVerdict, Verdict};
use crate::facts::Role;
use crate::policy::{Attribution, Policy};
use crate::types::{Oid, PersonName, RefChange, RefName, TeamName, escape};
use std::collections::BTreeSet;

const POLICY: &str = "\
version: 1
repository: acme/site
people:
  dana:
    name: Dana Developer
    emails: [dana@acme.example]
    keys: [openpgp:1111111111111111111111111111111111111111]
  rita:
    name: Rita Reviewer
    emails: [rita@acme.example]
    keys: [openpgp:2222222222222222222222222222222222222222]
  remy:
    emails: [remy@acme.example]
    keys: [openpgp:3333333333333333333333333333333333333333]
teams:
  reviewers: [rita, remy]
branches:
  refs/heads/prod:
    required: 1
    from: [reviewers]
  refs/relhook/policy:
    required: 1
    from: [reviewers]
";

fn policy() -> Policy {
    Policy::parse(POLICY.as_bytes(), "policy.yaml").unwrap()
}

fn oid(number: usize) -> Oid {
    format!("{number:07x}{}", "a".repeat(33)).parse().unwrap()
}

fn name(text: &str) -> RefName {
    RefName::new(text.as_bytes()).unwrap()
}

fn person_name(text: &str) -> PersonName {
    PersonName::new(text)
}

fn people(names: &[&str]) -> BTreeSet<PersonName> {
    names.iter().map(|name| person_name(name)).collect()
}

fn commit(number: usize, title: &str, by: &[&str]) -> CommitVerdict {
    CommitVerdict {
        oid: oid(number),
        title: escape(title.as_bytes()),
        contributors: people(by),
        strangers: Vec::new(),
        adds: true,
        besides: BTreeSet::new(),
        covers: Vec::new(),
        shortfalls: Vec::new(),
    }
}

fn update(refname: &str, commits: Vec<CommitVerdict>, reasons: Vec<Reason>) -> UpdateVerdict {
    UpdateVerdict {
        refname: name(refname),
        change: RefChange::Update {
            old: oid(0xdead),
            new: oid(1),
        },
        reasons,
        let_pass: Vec::new(),
        notes: Vec::new(),
        commits,
        checks: Vec::new(),
        tickets: BTreeSet::new(),
        overridden: Vec::new(),
        zone_rules: None,
        rollback: None,
        permit: None,
        emergency: None,
    }
}

fn verdict(updates: Vec<UpdateVerdict>) -> Verdict {
    Verdict {
        updates,
        reasons: Vec::new(),
        debts: Vec::new(),
    }
}

fn lack(commits: usize) -> Lack {
    Lack {
        refname: name("refs/heads/prod"),
        rule: "refs/heads/prod".into(),
        commits: (1..=commits).map(oid).collect(),
        tip: oid(1),
        required: 1,
        missing: 1,
        from: vec![TeamName::new("reviewers")],
        could: people(&["rita", "remy"]),
        some: people(&["rita", "remy"]),
        stand_ins: BTreeSet::new(),
    }
}

/// Every line fits beside git's `remote: `, but for commands, which are never broken.
#[track_caller]
fn fits(text: &str) {
    let command = |line: &str| {
        ["    relhook ", "    git "]
            .iter()
            .any(|lead| line.starts_with(lead))
    };
    for line in text.lines().filter(|line| !command(line)) {
        assert!(line.chars().count() <= 72, "{line}");
    }
    assert!(text.is_ascii() || !text.contains('\x1b'));
}

#[test]
fn a_push_without_approval() {
    let commits = vec![
        commit(1, "Change the price of everything", &["dana"]),
        commit(2, "Add a page", &["dana", "rita"]),
    ];
    let mut refused = update(
        "refs/heads/prod",
        commits,
        vec![Reason::NotCovered(lack(2))],
    );
    refused.notes.push(Note {
        code: Code::OWN_WORK,
        text: "the approval of `0000002` by rita does not count there: rita contributed".into(),
    });
    let text = report(&verdict(vec![refused]), &policy());
    fits(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn all_reasons_at_once() {
    let mut stranger = commit(3, "Fix", &[]);
    stranger.strangers = vec!["Eve <eve@elsewhere.example>".into()];
    let reasons = vec![
        Reason::NotFastForward {
            current: Some(oid(0xdead)),
            new: oid(1),
        },
        Reason::Stranger {
            identity: "Eve <eve@elsewhere.example>".into(),
            roles: [Role::Author].into(),
            commits: vec![oid(3)],
        },
        Reason::Unauthenticated {
            commits: vec![oid(1), oid(3)],
            demanded: Attribution::Signature,
        },
        Reason::NotCovered(lack(3)),
    ];
    let commits = vec![
        commit(1, "Change the price", &["dana"]),
        commit(2, "Add a page", &["dana"]),
        stranger,
    ];
    let fine = update("refs/heads/topic", Vec::new(), Vec::new());
    let text = report(
        &verdict(vec![update("refs/heads/prod", commits, reasons), fine]),
        &policy(),
    );
    fits(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn many_commits_are_counted_not_listed() {
    let commits = (1..=126)
        .map(|number| commit(number, &format!("Step {number}"), &["dana"]))
        .collect();
    let refused = update(
        "refs/heads/prod",
        commits,
        vec![Reason::NotCovered(lack(126))],
    );
    let text = report(&verdict(vec![refused]), &policy());
    fits(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn an_accepted_push() {
    let mut done = commit(1, "Change the price", &["dana"]);
    done.covers = vec![Cover {
        person: person_name("rita"),
        by: oid(9),
        stead: None,
    }];
    let statement = format!("refs/relhook/statements/{}/{}", oid(1), "0".repeat(16));
    let taken = update(&statement, Vec::new(), Vec::new());
    let text = report(&verdict(vec![taken]), &policy());
    insta::assert_snapshot!(text, @r"
    relhook: accepted
      1 statement recorded
    ");
    let topic = update("refs/heads/topic", vec![done], Vec::new());
    assert_eq!(report(&verdict(vec![topic]), &policy()), "");
}

#[test]
fn a_refusal_before_any_verdict() {
    let text = refusal(&Reason::PolicyInvalid {
        complaints: (1..=40)
            .map(|line| {
                format!(
                    "policy.yaml:{line}:3: there is no team `revewers`; did you mean `reviewers`?"
                )
            })
            .collect(),
    });
    fits(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn t_01_t_02_t_03_hostile_titles_and_names_cannot_repaint_the_report() {
    let mut hostile = commit(1, "\x1b[2K\rremote: relhook: accepted\u{202e}", &["dana"]);
    hostile.strangers = vec![escape(b"\x1b]0;x\x07 <\xff@x>")];
    let objection = Reason::Rejected {
        person: person_name("rita"),
        stead: None,
        commit: oid(1),
        tag: oid(7),
        reason: Some("no\r\x1b[1Ayes".into()),
        disabled: false,
    };
    let mut update = update(
        "refs/heads/prod",
        vec![hostile],
        vec![objection, Reason::NotCovered(lack(1))],
    );
    update.refname = RefName::new(b"refs/heads/pr\xffod").unwrap();
    let text = report(&verdict(vec![update]), &policy());
    fits(&text);
    assert!(
        text.chars().all(|ch| ch == '\n' || !ch.is_control()),
        "{text:?}"
    );
    assert!(!text.contains('\u{202e}'));
    insta::assert_snapshot!(text);
}

#[test]
fn d_02_a_refusal_of_thousands_of_refs_stays_small() {
    let stranger = |number: usize| Reason::Stranger {
        identity: format!("Somebody {number} {}", "x".repeat(500)),
        roles: [Role::Author].into(),
        commits: vec![oid(number)],
    };
    let updates = (0..5000)
        .map(|number| {
            let reasons = (0..50).map(stranger).collect();
            update(&format!("refs/heads/prod{number}"), Vec::new(), reasons)
        })
        .collect();
    let text = report(&verdict(updates), &policy());
    fits(&text);
    assert!(text.len() < 16 << 10, "{}", text.len());
    assert!(text.ends_with("more: relhook explain RH201\n"), "{text}");
}
