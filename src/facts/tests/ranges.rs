//! Where a range starts, what is in it, and what stops the gathering.

use super::*;
use crate::facts::testing::name;

#[test]
fn g_01_a_commit_that_sits_on_another_branch_is_still_in_the_range() {
    let repo = Repo::new();
    let base = root(&repo);
    let (evil, tip) = {
        let evil = next(&repo, base, "evil");
        (evil, next(&repo, evil, "tip"))
    };
    repo.set_ref("refs/heads/prod", base);
    repo.set_ref("refs/heads/dev", tip);
    let range = range(&repo, &approved(base), tip);
    assert_eq!(oids(&range), [tip, evil]);
    assert_eq!((range.base, range.tip), (Some(base), tip));
    assert!(range.fast_forward);
}

#[test]
fn g_02_e_01_the_range_starts_at_what_was_accepted_and_not_where_the_ref_is() {
    let repo = Repo::new();
    let accepted = root(&repo);
    let slipped = next(&repo, accepted, "slipped by");
    let tip = next(&repo, slipped, "tip");
    repo.set_ref("refs/heads/prod", slipped);
    let range = range(&repo, &approved(accepted), tip);
    assert_eq!(oids(&range), [tip, slipped]);
    assert!(range.fast_forward);
}

#[test]
fn r_16_a_rollback_is_no_fast_forward_and_its_range_is_empty() {
    let repo = Repo::new();
    let old = root(&repo);
    let current = next(&repo, old, "fix");
    repo.set_ref("refs/heads/prod", current);
    let back = range(&repo, &approved(current), old);
    assert!(back.commits.is_empty());
    assert!(!back.fast_forward);
    // Aside of what the ref is, though above what was accepted.
    let aside = next(&repo, old, "aside");
    let aside = range(&repo, &approved(old), aside);
    assert!(!aside.fast_forward);
    assert_eq!(aside.commits.len(), 1);
    let same = range(&repo, &approved(current), current);
    assert!(same.commits.is_empty() && same.fast_forward);
}

#[test]
fn g_03_a_first_push_is_judged_whole_or_from_the_baseline() {
    let repo = Repo::new();
    let first = root(&repo);
    let second = next(&repo, first, "second");
    assert_eq!(
        oids(&range(&repo, &Known::default(), second)),
        [second, first]
    );
    let with = |rule: &str, new: Oid| {
        let policy = policy(rule);
        let refname = name("refs/heads/prod");
        let updates = [(&refname, RefChange::Create { new })];
        let memory = Known::default();
        let facts = gathered(&repo.store(), &policy, &memory, Pusher::NotAsked, &updates);
        match &facts.updates[0].subject {
            Subject::Protected(outcome) => outcome.clone(),
            other => panic!("{other:?}"),
        }
    };
    let rule = format!("    baseline: {first}");
    match with(&rule, second) {
        RangeOutcome::Range(range) => {
            assert_eq!(oids(&range), [second]);
            assert_eq!(range.base, Some(first));
        }
        other => panic!("{other:?}"),
    }
    let elsewhere = Signer::new("bob").commit(&repo, repo.tree(&[]), &[], "other root");
    match with(&rule, elsewhere) {
        RangeOutcome::Fault(fault) => {
            assert_eq!(fault, Fault::NotFromBaseline { baseline: first });
        }
        other => panic!("{other:?}"),
    }
    // Two rules that do not agree on a baseline agree on none.
    let both = format!("{rule}\n  refs/heads/pr?d:\n    required: 1\n    from: [all]");
    match with(&both, second) {
        RangeOutcome::Range(range) => assert_eq!(oids(&range), [second, first]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn p_07_the_ref_itself_is_read_and_not_what_the_push_says() {
    let repo = Repo::new();
    let base = root(&repo);
    let evil = next(&repo, base, "evil");
    repo.set_ref("refs/heads/prod", base);
    let refname = name("refs/heads/prod");
    let change = RefChange::Update {
        old: evil,
        new: evil,
    };
    let policy = policy("");
    let memory = approved(base);
    let updates = [(&refname, change)];
    let facts = gathered(&repo.store(), &policy, &memory, Pusher::NotAsked, &updates);
    assert_eq!(facts.updates[0].current, Current::At(base));
    assert_eq!(facts.updates[0].change, change);
    match &facts.updates[0].subject {
        Subject::Protected(RangeOutcome::Range(range)) => assert_eq!(oids(range), [evil]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn p_03_each_of_two_updates_of_one_ref_stands_by_itself() {
    let repo = Repo::new();
    let base = root(&repo);
    let one = next(&repo, base, "one");
    let refname = name("refs/heads/prod");
    repo.set_ref("refs/heads/prod", base);
    let updates = [
        (
            &refname,
            RefChange::Update {
                old: base,
                new: one,
            },
        ),
        (&refname, RefChange::Delete { old: Some(one) }),
    ];
    let (policy, memory) = (policy(""), approved(base));
    let facts = gathered(&repo.store(), &policy, &memory, Pusher::NotAsked, &updates);
    assert_eq!(facts.updates.len(), 2);
    assert!(matches!(
        facts.updates[1].subject,
        Subject::Protected(RangeOutcome::Deletion)
    ));
}

#[test]
fn r_05_a_symbolic_ref_is_told_and_not_followed() {
    let repo = Repo::new();
    let base = root(&repo);
    repo.set_ref("refs/heads/prod", base);
    repo.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/prod"]);
    repo.git(&["symbolic-ref", "refs/heads/release/1", "refs/heads/x"]);
    let (alias, release) = (name("refs/heads/alias"), name("refs/heads/release/1"));
    let new = next(&repo, base, "new");
    let change = RefChange::Update { old: base, new };
    let updates = [(&alias, change), (&release, change)];
    let (policy, memory) = (policy(""), approved(base));
    let facts = gathered(&repo.store(), &policy, &memory, Pusher::NotAsked, &updates);
    for (update, target) in facts
        .updates
        .iter()
        .zip(["refs/heads/prod", "refs/heads/x"])
    {
        let target = target.to_owned();
        assert_eq!(update.current, Current::Symbolic { target });
    }
    assert!(matches!(facts.updates[0].subject, Subject::Unprotected));
    assert!(matches!(
        facts.updates[1].subject,
        Subject::Protected(RangeOutcome::Fault(_))
    ));
}

#[test]
fn p_15_what_is_not_a_commit_is_not_peeled() {
    let repo = Repo::new();
    let base = root(&repo);
    let tree = repo.tree(&[]);
    let tag = format!("object {base}\ntype commit\ntag t\ntagger A <a@b> 0 +0000\n\nt\n");
    let tag = repo.raw("tag", tag.as_bytes());
    let memory = Known::default();
    for (oid, kind) in [(tree, "tree"), (tag, "tag"), (repo.blob(b"x"), "blob")] {
        assert_eq!(fault(&repo, &memory, oid), Fault::NotACommit { kind });
    }
}

#[test]
fn o_01_o_07_odd_commits_in_the_range_are_malformed_and_below_it_history() {
    let repo = Repo::new();
    let tree = repo.tree(&[]);
    let who = "Ann <ann@example.org> 1 +0000";
    let two_authors = format!("tree {tree}\nauthor {who}\nauthor {who}\ncommitter {who}\n\nodd\n");
    let nul = format!("tree {tree}\nauthor {who}\ncommitter {who}\n\nodd\0more\n");
    for raw in [two_authors, nul] {
        let oid = repo.raw("commit", raw.as_bytes());
        assert!(matches!(
            fault(&repo, &Known::default(), oid),
            Fault::Malformed { oid: at, .. } if at == oid
        ));
        let tip = next(&repo, oid, "on top");
        assert!(matches!(
            fault(&repo, &Known::default(), tip),
            Fault::Malformed { oid: at, .. } if at == oid
        ));
        assert_eq!(oids(&range(&repo, &approved(oid), tip)), [tip]);
    }
}

#[test]
fn g_13_missing_history_and_a_broken_memory_are_faults() {
    let repo = Repo::new();
    let oid = super::super::testing::nowhere();
    let tip = repo.commit(repo.tree(&[]), &[oid], 1, "cut");
    assert_eq!(fault(&repo, &Known::default(), tip), Fault::Missing { oid });
    let good = root(&repo);
    assert_eq!(
        fault(&repo, &approved(oid), good),
        Fault::Missing { oid },
        "the base"
    );
    let memory = Known {
        broken: true,
        ..Known::default()
    };
    assert!(matches!(
        fault(&repo, &memory, good),
        Fault::Unreadable { .. }
    ));
}

#[test]
fn x_04_the_ranges_of_a_push_count_together() {
    let repo = Repo::new();
    let base = root(&repo);
    let tip = next(&repo, base, "tip");
    let limits = Limits {
        commits: 3,
        ..Limits::default()
    };
    let store = repo.store().with_limits(limits);
    let names = ["refs/heads/prod", "refs/heads/release/1"].map(name);
    let updates: Vec<(&RefName, RefChange)> = names
        .iter()
        .map(|name| (name, RefChange::Create { new: tip }))
        .collect();
    let (policy, memory) = (policy(""), Known::default());
    let facts = gathered(&store, &policy, &memory, Pusher::NotAsked, &updates);
    assert!(matches!(
        facts.updates[0].subject,
        Subject::Protected(RangeOutcome::Range(_))
    ));
    assert!(matches!(
        facts.updates[1].subject,
        Subject::Protected(RangeOutcome::Fault(Fault::TooLarge { .. }))
    ));
}

#[test]
fn thousands_of_other_refs_are_told_by_name_alone() {
    let repo = Repo::new();
    let oid = super::super::testing::nowhere();
    let names: Vec<RefName> = (0..5000)
        .map(|number| name(&format!("refs/heads/feature/{number}")))
        .collect();
    let updates: Vec<(&RefName, RefChange)> = names
        .iter()
        .map(|name| (name, RefChange::Create { new: oid }))
        .collect();
    let (policy, memory) = (policy(""), Known::default());
    let facts = gathered(&repo.store(), &policy, &memory, Pusher::NotAsked, &updates);
    assert_eq!(facts.updates.len(), 5000);
    assert!(facts.updates.iter().all(|update| {
        matches!(update.subject, Subject::Unprotected) && update.current == Current::Absent
    }));
}
