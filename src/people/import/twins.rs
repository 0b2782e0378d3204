//! Who looks like the same person twice.

use super::fold;
use super::outcome::Suggested;
use std::collections::{BTreeMap, BTreeSet};

/// Groups that share more than this are told in a chain instead of each with each.
const CROWD: usize = 32;

/// Two who may be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twin {
    /// The one: a place in the list of people.
    pub one: usize,
    /// The other.
    pub other: usize,
    /// What they share.
    pub why: BTreeSet<&'static str>,
}

/// Every pair that shares a name, an account, or an account that the other's name makes.
pub(super) fn twins(people: &[Suggested]) -> Vec<Twin> {
    let mut pairs: BTreeMap<(usize, usize), BTreeSet<&'static str>> = BTreeMap::new();
    let mut add = |one: usize, other: usize, why| {
        if one != other {
            pairs
                .entry((one.min(other), one.max(other)))
                .or_default()
                .insert(why);
        }
    };
    let accounts = index(people, |person| {
        person.accounts().flat_map(fold::handles).collect()
    });
    let names = index(people, |person| {
        person
            .names
            .iter()
            .flat_map(|name| fold::names(name))
            .collect()
    });
    let logins = index(people, |person| {
        person
            .human
            .entry
            .logins
            .iter()
            .map(|login| login.to_lowercase())
            .collect()
    });
    for (shared, why) in [
        (&names, "name"),
        (&accounts, "account or mailbox"),
        (&logins, "login"),
    ] {
        for group in shared.values() {
            each_pair(group, |one, other| add(one, other, why));
        }
    }
    for (place, person) in people.iter().enumerate() {
        for handle in person
            .names
            .iter()
            .flat_map(|name| fold::usual_handles(name))
        {
            for other in accounts.get(&handle).into_iter().flatten().take(CROWD) {
                add(place, *other, "a name that makes the other's account");
            }
        }
    }
    let twin = |((one, other), why)| Twin { one, other, why };
    pairs.into_iter().map(twin).collect()
}

fn index(
    people: &[Suggested],
    keys: impl Fn(&Suggested) -> BTreeSet<String>,
) -> BTreeMap<String, Vec<usize>> {
    let mut index: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, person) in people.iter().enumerate() {
        for key in keys(person) {
            index.entry(key).or_default().push(place);
        }
    }
    index
}

fn each_pair(group: &[usize], mut add: impl FnMut(usize, usize)) {
    if group.len() > CROWD {
        group
            .iter()
            .zip(group.iter().skip(1))
            .for_each(|(one, other)| add(*one, *other));
        return;
    }
    for (at, one) in group.iter().enumerate() {
        for other in group.iter().skip(at + 1) {
            add(*one, *other);
        }
    }
}
