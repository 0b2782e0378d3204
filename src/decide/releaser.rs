//! The three-person rule: who releases something neither made nor approved it.

use super::{CommitVerdict, Reason};
use crate::facts::Pusher;
use crate::policy::{BranchRule, Policy, Releaser};
use crate::types::{Oid, PersonName, RefName};
use std::collections::BTreeSet;

/// Why this pusher may not release these commits, where a rule asks for a third person. Why a pusher
/// is not known is said where pushers are judged.
pub(super) fn fault(
    policy: &Policy,
    refname: &RefName,
    rules: &[&BranchRule],
    pusher: &Pusher,
    commits: &[CommitVerdict],
) -> Option<Reason> {
    let asks = |rule: &&BranchRule| match rule.releaser {
        Releaser::Distinct => true,
        Releaser::Anyone => false,
    };
    let tip = commits.first()?.oid;
    if !rules.iter().any(asks) {
        return None;
    }
    let person = match pusher {
        Pusher::Person(person) => person,
        Pusher::NotAsked => return Some(Reason::ReleaserNotAsked),
        Pusher::Unknown { .. }
        | Pusher::UnknownKey { .. }
        | Pusher::Refused { .. }
        | Pusher::CertificateRefused { .. }
        | Pusher::Missing { .. } => return None,
    };
    let adding = || commits.iter().filter(|commit| commit.adds);
    let had = |all: &dyn Fn(&CommitVerdict) -> bool| -> Vec<Oid> {
        adding()
            .filter(|commit| all(commit))
            .map(|commit| commit.oid)
            .collect()
    };
    let made = had(&|commit| commit.contributors.contains(person));
    let approved = had(&|commit| approvers(commit).any(|one| one == person));
    let instead = had(&|commit| steads(commit).any(|one| one == person));
    if made.is_empty() && approved.is_empty() && instead.is_empty() {
        return None;
    }
    let hands = adding().flat_map(|commit| {
        let hands = commit.contributors.iter().chain(approvers(commit));
        hands.chain(steads(commit))
    });
    let hands: BTreeSet<&PersonName> = hands.collect();
    Some(Reason::ReleaserNotDistinct {
        refname: refname.clone(),
        tip,
        person: person.clone(),
        made,
        approved,
        instead,
        could: third(policy, rules, &hands),
    })
}

/// Everybody who said yes to a commit, needed or not.
fn approvers(commit: &CommitVerdict) -> impl Iterator<Item = &PersonName> {
    commit.yes().map(|(person, _)| person)
}

/// Everybody in whose stead somebody did: who names a deputy, and then releases what that one approved, has
/// done both.
fn steads(commit: &CommitVerdict) -> impl Iterator<Item = &PersonName> {
    commit.yes().filter_map(|(_, stead)| stead)
}

/// Who could release it: enabled, known to the source, in the teams that may push, and without a hand
/// in it.
fn third(
    policy: &Policy,
    rules: &[&BranchRule],
    hands: &BTreeSet<&PersonName>,
) -> BTreeSet<PersonName> {
    let limits: Vec<BTreeSet<PersonName>> = rules
        .iter()
        .filter_map(|rule| rule.push.as_ref())
        .map(|teams| policy.members(teams))
        .collect();
    let people = policy.people.values();
    people
        .filter(|person| !person.disabled && policy.can_be_shown(person))
        .map(|person| &person.name)
        .filter(|name| !hands.contains(name) && limits.iter().all(|all| all.contains(*name)))
        .cloned()
        .collect()
}
