//! Gathering, on real repositories made by git, with real signatures.

mod commits;
mod delegations;
mod policies;
mod ranges;
mod statements;

use super::testing::{Repo, Signer, policy};
use super::*;
use crate::policy::{KeyFiles, Policy};
use crate::signature::Keyring;
use crate::types::{Oid, PersonName, RefChange, RefName, Timestamp};
use std::collections::HashMap;

/// The moment at which everything here happens.
const NOW: i64 = 1_800_000_000;

/// What was learnt before, as a test says.
#[derive(Default)]
struct Known {
    approved: Option<Oid>,
    seen: HashMap<Oid, Timestamp>,
    broken: bool,
}

impl Memory for Known {
    fn approved(&self, _: &RefName, _: Option<Oid>) -> Result<Option<Oid>, String> {
        if self.broken {
            return Err("the ledger is on fire".into());
        }
        Ok(self.approved)
    }

    fn first_seen(&self, oid: Oid) -> Result<Option<Timestamp>, String> {
        Ok(self.seen.get(&oid).copied())
    }
}

/// Gathers one push.
fn gathered(
    store: &Store,
    policy: &Policy,
    memory: &dyn Memory,
    pusher: Pusher,
    updates: &[(&RefName, RefChange)],
) -> PushFacts {
    let home = tempfile::tempdir().unwrap();
    let keyring = Keyring::build(policy, &KeyFiles::new(), &home.path().join("keys")).unwrap();
    let sources = Sources {
        store,
        policy,
        keyring: &keyring,
        memory,
        now: Timestamp::from_unix(NOW),
        progress: None,
    };
    let updates = updates
        .iter()
        .map(|(name, change)| ((*name).clone(), *change));
    gather(&sources, pusher, updates.collect())
}

/// What a push of `new` to `refname` is about.
fn subject(repo: &Repo, memory: &Known, refname: &RefName, new: Oid) -> Subject {
    let updates = [(refname, RefChange::Create { new })];
    let policy = policy("");
    let facts = gathered(&repo.store(), &policy, memory, Pusher::NotAsked, &updates);
    facts.updates.into_iter().next().unwrap().subject
}

fn outcome(repo: &Repo, memory: &Known, new: Oid) -> RangeOutcome {
    match subject(repo, memory, &super::testing::name("refs/heads/prod"), new) {
        Subject::Protected(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

/// The range of a push of `new` to prod.
fn range(repo: &Repo, memory: &Known, new: Oid) -> RangeFacts {
    match outcome(repo, memory, new) {
        RangeOutcome::Range(range) => range,
        other => panic!("{other:?}"),
    }
}

fn fault(repo: &Repo, memory: &Known, new: Oid) -> Fault {
    match outcome(repo, memory, new) {
        RangeOutcome::Fault(fault) => fault,
        other => panic!("{other:?}"),
    }
}

fn approved(oid: Oid) -> Known {
    Known {
        approved: Some(oid),
        ..Known::default()
    }
}

fn person(name: &str) -> PersonName {
    PersonName::new(name)
}

fn oids(range: &RangeFacts) -> Vec<Oid> {
    range.commits.iter().map(|commit| commit.oid).collect()
}

/// A root commit by dana and what stands on it.
fn root(repo: &Repo) -> Oid {
    Signer::new("dana").commit(repo, repo.tree(&[("a", "1")]), &[], "root")
}

fn next(repo: &Repo, parent: Oid, content: &str) -> Oid {
    let tree = repo.tree(&[("a", content)]);
    Signer::new("dana").commit(repo, tree, &[parent], content)
}
