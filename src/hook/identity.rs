//! Who pushes: the one source that the policy names, and no other.

use crate::facts::Pusher;
use crate::policy::{IdentitySource, Policy};
use crate::types::escape;

/// The pusher, by what the server supplied through the source that the policy names.
#[must_use]
pub fn pusher(policy: &Policy, get: impl Fn(&str) -> Option<Vec<u8>>) -> Pusher {
    match &policy.identity {
        IdentitySource::None => Pusher::NotAsked,
        IdentitySource::Variable(name) => match get(name).filter(|login| !login.is_empty()) {
            None => Pusher::Missing {
                source: name.clone(),
            },
            Some(login) => match owner(policy, &login) {
                Some(person) => Pusher::Person(person),
                None => Pusher::Unknown {
                    login: shown(&login),
                },
            },
        },
    }
}

fn owner(policy: &Policy, login: &[u8]) -> Option<crate::types::PersonName> {
    let login = std::str::from_utf8(login).ok()?;
    policy
        .owner_of_login(login)
        .map(|person| person.name.clone())
}

/// The login that the server supplied, for the log; whoever it belongs to.
#[must_use]
pub fn login(policy: &Policy, get: impl Fn(&str) -> Option<Vec<u8>>) -> Option<String> {
    match &policy.identity {
        IdentitySource::None => None,
        IdentitySource::Variable(name) => get(name)
            .filter(|login| !login.is_empty())
            .map(|login| shown(&login)),
    }
}

fn shown(login: &[u8]) -> String {
    escape(login.get(..login.len().min(128)).unwrap_or(login))
}
