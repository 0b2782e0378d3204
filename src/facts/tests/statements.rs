//! Statements that are stored and statements that arrive.

use super::*;
use crate::facts::testing::{name, nowhere};
use crate::statement::{Decision, StatementRef};
use crate::types::Seconds;

/// What a push of these statement refs is.
fn pushed(repo: &Repo, updates: &[(RefName, RefChange)]) -> Vec<StatementOutcome> {
    let updates: Vec<(&RefName, RefChange)> = updates
        .iter()
        .map(|(name, change)| (name, *change))
        .collect();
    let (policy, memory) = (policy(""), Known::default());
    let facts = gathered(&repo.store(), &policy, &memory, Pusher::NotAsked, &updates);
    let subjects = facts.updates.into_iter().map(|update| update.subject);
    subjects
        .map(|subject| match subject {
            Subject::Statement(outcome) => outcome,
            other => panic!("{other:?}"),
        })
        .collect()
}

fn one(repo: &Repo, name: &RefName, new: Oid) -> StatementOutcome {
    let mut outcomes = pushed(repo, &[(name.clone(), RefChange::Create { new })]);
    outcomes.pop().unwrap()
}

fn read(outcome: StatementOutcome) -> ArrivingStatement {
    match outcome {
        StatementOutcome::Read(read) => read,
        other => panic!("{other:?}"),
    }
}

fn good(signer: &SignatureFact) -> Option<&str> {
    match signer {
        SignatureFact::Good { person, .. } => Some(person.as_str()),
        SignatureFact::Unsigned | SignatureFact::Refused(_) | SignatureFact::Machine { .. } => None,
    }
}

#[test]
fn stored_and_arriving_statements_about_the_range_are_gathered() {
    for packed in [false, true] {
        let repo = Repo::new();
        let base = root(&repo);
        let first = next(&repo, base, "first");
        let tip = next(&repo, first, "tip");
        let bob = Signer::new("bob");
        let (stored, _) = bob.stores(&repo, &repo.approval(first, Some(base)));
        bob.stores(&repo, &repo.approval(base, None));
        if packed {
            repo.git(&["pack-refs", "--all"]);
        }
        let carol = Signer::new("carol");
        let (arriving, arriving_name) = carol.states(&repo, &repo.approval(tip, Some(first)));
        let refname = name("refs/heads/prod");
        let updates = [
            (&refname, RefChange::Create { new: tip }),
            (&arriving_name, RefChange::Create { new: arriving }),
        ];
        let mut memory = approved(base);
        let seen = Timestamp::from_unix(7);
        memory.seen.insert(stored, seen);
        let policy = policy("");
        let facts = gathered(&repo.store(), &policy, &memory, Pusher::NotAsked, &updates);
        let Subject::Protected(RangeOutcome::Range(range)) = &facts.updates[0].subject else {
            panic!("{facts:?}");
        };
        let mut told: Vec<_> = range
            .statements
            .iter()
            .map(|it| (it.tag, good(&it.signer), it.first_seen, it.base))
            .collect();
        told.sort_by_key(|it| it.1);
        let now = Timestamp::from_unix(NOW);
        assert_eq!(
            told,
            [
                (stored, Some("bob"), Some(seen), BaseRelation::Before),
                (arriving, Some("carol"), Some(now), BaseRelation::InRange),
            ]
        );
    }
}

#[test]
fn the_base_that_an_approver_compared_with_is_placed_exactly() {
    let repo = Repo::new();
    let older = root(&repo);
    let base = next(&repo, older, "base");
    let inside = next(&repo, base, "inside");
    let tip = next(&repo, inside, "tip");
    let aside = next(&repo, older, "aside");
    let bob = Signer::new("bob");
    let mut want = HashMap::new();
    for (compared, relation) in [
        (None, BaseRelation::None),
        (Some(base), BaseRelation::Before),
        (Some(older), BaseRelation::Before),
        (Some(inside), BaseRelation::InRange),
        (Some(tip), BaseRelation::InRange),
        (Some(aside), BaseRelation::Elsewhere),
        (Some(nowhere()), BaseRelation::Elsewhere),
        (Some(repo.tree(&[])), BaseRelation::Elsewhere),
    ] {
        let (tag, _) = bob.stores(&repo, &repo.approval(tip, compared));
        want.insert(tag, relation);
    }
    let range = range(&repo, &approved(base), tip);
    let told: HashMap<Oid, BaseRelation> = range
        .statements
        .iter()
        .map(|it| (it.tag, it.base))
        .collect();
    assert_eq!(told, want);
}

#[test]
fn a_long_range_finds_its_statements_too() {
    let repo = Repo::new();
    let tree = repo.tree(&[("a", "1")]);
    let mut commits = vec![root(&repo)];
    for number in 0..150 {
        commits.push(repo.commit(tree, &[commits[number]], 9, &format!("{number}")));
    }
    let bob = Signer::new("bob");
    bob.stores(&repo, &repo.approval(commits[3], None));
    repo.git(&["pack-refs", "--all"]);
    bob.stores(&repo, &repo.approval(commits[140], None));
    let range = range(&repo, &Known::default(), commits[150]);
    assert_eq!(range.commits.len(), 151);
    let mut about: Vec<Oid> = range
        .statements
        .iter()
        .map(|it| it.statement.commit)
        .collect();
    let mut want = vec![commits[3], commits[140]];
    about.sort_unstable();
    want.sort_unstable();
    assert_eq!(about, want);
}

#[test]
fn v_12_a_stored_statement_that_cannot_be_read_is_never_skipped() {
    let tip_of = |repo: &Repo| next(repo, root(repo), "tip");
    let store = |repo: &Repo, tip: Oid, id: &str, oid: Oid| {
        repo.set_ref(&format!("refs/relhook/statements/{tip}/{id}"), oid);
    };
    let broken = |repo: &Repo, tip: Oid| {
        let fault = fault(repo, &Known::default(), tip);
        assert!(matches!(fault, Fault::Unreadable { .. }), "{fault:?}");
    };
    let repo = Repo::new();
    let tip = tip_of(&repo);
    store(&repo, tip, "0123456789abcdef", tip);
    broken(&repo, tip);
    let repo = Repo::new();
    let tip = tip_of(&repo);
    let (tag, _) = Signer::new("bob").states(&repo, &repo.approval(tip, None));
    store(&repo, tip, "0123456789abcdef", tag);
    broken(&repo, tip);
    let repo = Repo::new();
    let tip = tip_of(&repo);
    let (tag, _) = Signer::new("bob").states(&repo, &repo.approval(tip, None));
    let other = next(&repo, tip, "other");
    store(&repo, other, "0123456789abcdef", tag);
    broken(&repo, other);
}

#[test]
fn an_arriving_statement_is_read_with_all_that_has_to_agree() {
    let repo = Repo::new();
    let base = root(&repo);
    let tip = next(&repo, base, "tip");
    let bob = Signer::new("bob");
    let (tag, refname) = bob.states(&repo, &repo.approval(tip, Some(base)));
    let told = read(one(&repo, &refname, tag));
    assert_eq!(told.tag, tag);
    assert_eq!(good(&told.signer), Some("bob"));
    assert_eq!(told.tagger, Some(person("bob")));
    assert_eq!(told.tagger_identity, "bob <bob@acme.example>");
    assert!(told.name_agrees && told.repository_agrees);
    assert_eq!(told.commit_tree, Some(told.statement.tree));
    assert_eq!(told.withdrawn_signer, None);
}

#[test]
fn v_01_v_02_what_does_not_agree_is_told() {
    let repo = Repo::new();
    let tip = root(&repo);
    let bob = Signer::new("bob");
    let (tag, refname) = bob.states(&repo, &repo.approval(tip, None));
    let other = name(&format!("{}/0123456789abcdef", {
        let text = refname.to_string();
        text.rsplit_once('/').unwrap().0.to_owned()
    }));
    assert!(!read(one(&repo, &other, tag)).name_agrees);
    let mut elsewhere = repo.approval(tip, None);
    elsewhere.repository = "acme/other".into();
    let (tag, refname) = bob.states(&repo, &elsewhere);
    assert!(!read(one(&repo, &refname, tag)).repository_agrees);
    let mut absent = repo.approval(tip, None);
    absent.commit = nowhere();
    let (tag, refname) = bob.states(&repo, &absent);
    assert_eq!(read(one(&repo, &refname, tag)).commit_tree, None);
    // A tag that says `commit` of a tree.
    let mut lie = repo.approval(tip, None);
    lie.commit = repo.tree(&[("a", "1")]);
    let (tag, refname) = bob.states(&repo, &lie);
    assert_eq!(read(one(&repo, &refname, tag)).commit_tree, None);
    let (tag, refname) = Signer::new("mallory").states(&repo, &repo.approval(tip, None));
    let told = read(one(&repo, &refname, tag));
    assert_eq!((good(&told.signer), told.tagger), (None, None));
}

#[test]
fn what_is_no_statement_is_told() {
    let repo = Repo::new();
    let tip = root(&repo);
    let (tag, refname) = Signer::new("bob").states(&repo, &repo.approval(tip, None));
    for bad in ["refs/relhook/statements/x", "refs/relhook/statements/x/y"] {
        let outcome = one(&repo, &name(bad), tag);
        assert!(matches!(outcome, StatementOutcome::MalformedName));
    }
    let outcome = one(&repo, &refname, tip);
    assert!(matches!(
        outcome,
        StatementOutcome::NotATag { kind: "commit" }
    ));
    let plain = format!("object {tip}\ntype commit\ntag t\ntagger A <a@b> 0 +0000\n\nt\n");
    let plain = repo.raw("tag", plain.as_bytes());
    let outcome = one(&repo, &refname, plain);
    assert!(matches!(outcome, StatementOutcome::Malformed { .. }));
    let outcome = one(&repo, &refname, nowhere());
    assert!(matches!(
        outcome,
        StatementOutcome::Fault(Fault::Missing { .. })
    ));
    // O-19: a tag of a tag.
    let nested = format!("object {tag}\ntype tag\ntag t\ntagger A <a@b> 0 +0000\n\nt\n");
    let nested = repo.raw("tag", nested.as_bytes());
    let outcome = one(&repo, &refname, nested);
    assert!(matches!(outcome, StatementOutcome::Malformed { .. }));
    let delete = RefChange::Delete { old: None };
    let outcome = pushed(&repo, &[(refname, delete)]).pop();
    assert!(matches!(outcome, Some(StatementOutcome::Deletion)));
}

#[test]
fn a_withdrawal_tells_whose_statement_it_withdraws() {
    let repo = Repo::new();
    let tip = root(&repo);
    let (bob, carol) = (Signer::new("bob"), Signer::new("carol"));
    let mut approval = repo.approval(tip, None);
    let (stored, _) = bob.stores(&repo, &approval);
    approval.expires = Some(Timestamp::from_unix(NOW).plus(Seconds(60)));
    let (arriving, arriving_name) = carol.states(&repo, &approval);
    let withdraw = |statement: Oid| {
        let mut withdrawal = repo.approval(tip, None);
        withdrawal.decision = Decision::Withdraw { statement };
        withdrawal.reason = Some("I was wrong".into());
        let (tag, name) = bob.states(&repo, &withdrawal);
        (name, RefChange::Create { new: tag })
    };
    let outcomes = pushed(
        &repo,
        &[
            withdraw(stored),
            withdraw(arriving),
            withdraw(nowhere()),
            withdraw(tip),
            (arriving_name, RefChange::Create { new: arriving }),
        ],
    );
    let signers: Vec<Option<PersonName>> = outcomes
        .into_iter()
        .map(|outcome| read(outcome).withdrawn_signer)
        .collect();
    assert_eq!(
        signers,
        [Some(person("bob")), Some(person("carol")), None, None, None]
    );
}

#[test]
fn x_06_more_statements_about_one_commit_than_are_read_is_a_fault() {
    let repo = Repo::new();
    let tip = root(&repo);
    let bob = Signer::new("bob");
    for hour in 1..=3 {
        let mut approval = repo.approval(tip, None);
        approval.expires = Some(Timestamp::from_unix(NOW).plus(Seconds(hour)));
        bob.stores(&repo, &approval);
    }
    let with = |statements| {
        let limits = Limits {
            statements,
            ..Limits::default()
        };
        let store = repo.store().with_limits(limits);
        let refname = name("refs/heads/prod");
        let updates = [(&refname, RefChange::Create { new: tip })];
        let (policy, memory) = (policy(""), Known::default());
        let facts = gathered(&store, &policy, &memory, Pusher::NotAsked, &updates);
        match facts.updates.into_iter().next().unwrap().subject {
            Subject::Protected(outcome) => outcome,
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(with(3), RangeOutcome::Range(range) if range.statements.len() == 3));
    assert!(matches!(
        with(2),
        RangeOutcome::Fault(Fault::TooLarge { .. })
    ));
}

#[test]
fn the_derived_name_is_the_one_that_is_stored() {
    let repo = Repo::new();
    let tip = root(&repo);
    let (tag, refname) = Signer::new("bob").states(&repo, &repo.approval(tip, None));
    let raw = repo.git(&["cat-file", "tag", &tag.to_string()]);
    assert_eq!(StatementRef::of(tip, &raw).to_refname(), refname);
}
