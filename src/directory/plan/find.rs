//! Who of the policy a human is.

use super::{Conflict, Found, FoundBy, Human, Planning, Remark};
use crate::types::{PersonName, escape};
use std::collections::{BTreeMap, BTreeSet};

/// Everybody who is, or is to be, in the policy, under their name there.
pub(super) fn all(planning: &mut Planning<'_>, humans: Vec<Human>) -> Vec<Found> {
    let members: BTreeSet<usize> = planning
        .snapshot
        .teams
        .values()
        .flat_map(|membership| membership.accounts.iter().copied())
        .collect();
    let mut found: BTreeMap<PersonName, Human> = BTreeMap::new();
    for human in humans {
        let Some(name) = one(planning, &human, &members) else {
            continue;
        };
        if let Some(other) = found.get(&name) {
            let both = [&human, other].map(|human| shown(planning, human));
            planning.conflicts.push(Conflict::TwoHumans {
                person: name,
                accounts: both.concat(),
            });
            continue;
        }
        for at in &human.accounts {
            planning.whose.insert(*at, name.clone());
        }
        found.insert(name, human);
    }
    found.into_iter().collect()
}

/// The name of one human in the policy; nothing for who is not in it and is not to be.
fn one(
    planning: &mut Planning<'_>,
    human: &Human,
    members: &BTreeSet<usize>,
) -> Option<PersonName> {
    let owners = owners(planning, human);
    let mut people: BTreeSet<&PersonName> = owners.iter().map(|(name, ..)| name).collect();
    people.extend(&human.name);
    if people.len() > 1 {
        planning.conflicts.push(Conflict::TwoPeople {
            accounts: shown(planning, human),
            by: by(human, &owners),
            people: people.into_iter().cloned().collect(),
        });
        return None;
    }
    let known = people.into_iter().next().cloned();
    if let Some(name) = known.filter(|name| planning.old.people.contains_key(name)) {
        return existing(planning, human, name, &owners);
    }
    let wanted = human.accounts.iter().any(|at| {
        let enabled = planning
            .account(*at)
            .is_some_and(super::Account::is_enabled);
        enabled && members.contains(at)
    });
    if !wanted {
        return None;
    }
    let name = human.name.clone().or_else(|| new_name(planning, human));
    let Some(name) = name else {
        let account = shown(planning, human)
            .into_iter()
            .next()
            .unwrap_or_default();
        planning.conflicts.push(Conflict::NoName { account });
        return None;
    };
    remark_several(planning, human, &name);
    Some(name)
}

/// Somebody whom the policy has already.
fn existing(
    planning: &mut Planning<'_>,
    human: &Human,
    name: PersonName,
    owners: &[(PersonName, FoundBy, usize)],
) -> Option<PersonName> {
    if planning.settings.keep.contains(&name) {
        for account in shown(planning, human) {
            let person = name.clone();
            planning.remarks.push(Remark::Kept { person, account });
        }
        return None;
    }
    let strong = |by: &FoundBy| matches!(by, FoundBy::Login | FoundBy::Settings);
    let certain = human.name.is_some() || owners.iter().any(|(_, by, _)| strong(by));
    if let (false, Some((_, by, at))) = (certain, owners.first()) {
        let account = planning
            .account(*at)
            .map_or_else(String::new, super::Account::shown);
        planning.remarks.push(Remark::Weak {
            person: name.clone(),
            account,
            by: match by {
                FoundBy::Email => "an address",
                FoundBy::Name => "the name alone",
                FoundBy::Settings | FoundBy::Login | FoundBy::Human => "a login",
            },
        });
    }
    remark_several(planning, human, &name);
    Some(name)
}

/// The people of the policy to whom the accounts of a human belong, by what, and which account.
fn owners(planning: &Planning<'_>, human: &Human) -> Vec<(PersonName, FoundBy, usize)> {
    let mut found = Vec::new();
    for at in &human.accounts {
        let Some(account) = planning.account(*at) else {
            continue;
        };
        for (name, person) in &planning.old.people {
            let has = |own: &[String], all: &[String]| {
                own.iter()
                    .any(|one| all.iter().any(|other| one.eq_ignore_ascii_case(other)))
            };
            if has(&person.logins, &account.logins) {
                found.push((name.clone(), FoundBy::Login, *at));
            } else if has(&person.emails, &account.emails) {
                found.push((name.clone(), FoundBy::Email, *at));
            }
        }
    }
    if found.is_empty() && human.name.is_none() {
        let mut names = human.accounts.iter().filter_map(|at| {
            let login = planning.account(*at)?.logins.first()?;
            let mut people = planning.old.people.keys();
            let same = people.find(|name| name.as_str().eq_ignore_ascii_case(login))?;
            Some((same.clone(), FoundBy::Name, *at))
        });
        found.extend(names.next());
    }
    found
}

/// A name for somebody new: the first login that can be one.
fn new_name(planning: &Planning<'_>, human: &Human) -> Option<PersonName> {
    let mut logins = human.accounts.iter().filter_map(|at| {
        let account = planning.account(*at)?;
        account.is_enabled().then(|| account.logins.first())?
    });
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let fits = |login: &&String| {
        login.len() <= 64
            && login.starts_with(|ch: char| ch.is_ascii_alphanumeric())
            && login.bytes().all(plain)
    };
    logins.find(fits).map(PersonName::new)
}

fn remark_several(planning: &mut Planning<'_>, human: &Human, name: &PersonName) {
    if human.accounts.len() > 1 {
        planning.remarks.push(Remark::OneHuman {
            person: name.clone(),
            accounts: shown(planning, human),
            by: human.by.join(", "),
        });
    }
}

fn shown(planning: &Planning<'_>, human: &Human) -> Vec<String> {
    let accounts = human.accounts.iter().filter_map(|at| planning.account(*at));
    accounts
        .map(|account| format!("`{}`", account.shown()))
        .collect()
}

fn by(human: &Human, owners: &[(PersonName, FoundBy, usize)]) -> String {
    if !human.by.is_empty() {
        return human.by.join(", ");
    }
    let mut all: Vec<String> = owners
        .iter()
        .map(|(name, by, _)| match by {
            FoundBy::Login => format!("a login of `{name}`"),
            FoundBy::Email => format!("an address of `{name}`"),
            FoundBy::Name | FoundBy::Settings | FoundBy::Human => format!("the name `{name}`"),
        })
        .collect();
    all.sort();
    all.dedup();
    escape(all.join(", ").as_bytes())
}
