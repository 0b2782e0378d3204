//! Who first pushed a commit: what pushes claim, and what that comes to.

use super::Pusher;
use crate::policy::Policy;
use crate::types::{Claimant, KeyFingerprint, PersonName};
use std::collections::BTreeSet;

/// What a push says of an object that it brought: who sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Who pushed.
    pub by: Claimant,
    /// Whether the push is known to have got its objects into the store. Others may have, or may
    /// still.
    pub landed: bool,
}

impl Claimant {
    /// Who a pusher is to the ledger.
    #[must_use]
    pub fn of(pusher: &Pusher) -> Self {
        match pusher {
            Pusher::Person(name) => Self::Person(name.clone()),
            Pusher::Unknown { login } => Self::Login(login.clone()),
            Pusher::UnknownKey { key } => {
                Self::Key(key.rsplit(' ').next().unwrap_or_default().to_owned())
            }
            Pusher::Refused { .. }
            | Pusher::CertificateRefused { .. }
            | Pusher::Missing { .. }
            | Pusher::NotAsked => Self::Nobody,
        }
    }

    /// The person, by the policy in force.
    fn person(self, policy: &Policy) -> Option<PersonName> {
        match self {
            Self::Person(name) => Some(name),
            Self::Login(login) => Some(policy.owner_of_login(&login)?.name.clone()),
            Self::Key(fingerprint) => {
                let key = KeyFingerprint::Ssh(fingerprint);
                let mut people = policy.people.values();
                Some(
                    people
                        .find(|person| person.keys.contains(&key))?
                        .name
                        .clone(),
                )
            }
            Self::Nobody => None,
        }
    }
}

/// Who first pushed a commit.
///
/// Usually one person, or nobody who is known. Where several pushes brought it at once, whoever of
/// them may have been the first counts as a contributor; and nobody is taken to vouch for it while
/// it may have been somebody unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirstPushers {
    /// The people who did, or may have.
    pub people: BTreeSet<PersonName>,
    /// Whether it was certainly one of them.
    pub certain: bool,
}

impl FirstPushers {
    /// One person, for certain.
    #[must_use]
    pub fn one(person: PersonName) -> Self {
        Self {
            people: BTreeSet::from([person]),
            certain: true,
        }
    }

    /// What the pushes that brought a commit come to, by the policy in force.
    #[must_use]
    pub fn of(policy: &Policy, arrivals: impl IntoIterator<Item = Arrival>) -> Self {
        let mut found = Self::default();
        let (mut vouched, mut nobody) = (false, false);
        for arrival in arrivals {
            let person = arrival.by.person(policy);
            vouched |= arrival.landed && person.is_some();
            nobody |= person.is_none();
            found.people.extend(person);
        }
        found.certain = vouched || !(nobody || found.people.is_empty());
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::testing::policy;

    fn person(name: &str) -> PersonName {
        PersonName::new(name)
    }

    fn by(who: &str, landed: bool) -> Arrival {
        let by = match who {
            "nobody" => Claimant::Nobody,
            login if login.starts_with('@') => Claimant::Login(login[1..].into()),
            name => Claimant::Person(person(name)),
        };
        Arrival { by, landed }
    }

    fn of(arrivals: &[(&str, bool)]) -> (Vec<String>, bool) {
        let policy = policy("");
        let arrivals = arrivals.iter().map(|(who, landed)| by(who, *landed));
        let found = FirstPushers::of(&policy, arrivals);
        let people = found.people.iter().map(ToString::to_string).collect();
        (people, found.certain)
    }

    fn told(people: &[&str], certain: bool) -> (Vec<String>, bool) {
        (people.iter().map(ToString::to_string).collect(), certain)
    }

    #[test]
    fn i_12_who_may_have_been_the_first_counts_and_nobody_vouches_for_a_stranger() {
        assert_eq!(of(&[]), told(&[], false));
        assert_eq!(of(&[("dana", false)]), told(&["dana"], true));
        assert_eq!(of(&[("nobody", true)]), told(&[], false));
        let two = [("dana", false), ("bob", false)];
        assert_eq!(of(&two), told(&["bob", "dana"], true));
        // It may have been the stranger's push that got in.
        let doubtful = [("dana", false), ("nobody", false)];
        assert_eq!(of(&doubtful), told(&["dana"], false));
        let doubtful = [("dana", false), ("nobody", true)];
        assert_eq!(of(&doubtful), told(&["dana"], false));
        let vouched = [("dana", true), ("nobody", true)];
        assert_eq!(of(&vouched), told(&["dana"], true));
    }

    #[test]
    fn a_login_is_whose_it_is_now() {
        assert_eq!(of(&[("@nobody-has-this", true)]), told(&[], false));
        let mut policy = policy("");
        let dana = policy.people.get_mut(&person("dana")).unwrap();
        dana.logins.push(crate::types::Login::new("dn"));
        let found = FirstPushers::of(&policy, [by("@dn", true)]);
        assert_eq!(found, FirstPushers::one(person("dana")));
    }
}
