//! The people of a policy as numbers, and sets of them.

use crate::policy::Policy;
use crate::types::{PersonName, TeamName};
use std::collections::BTreeSet;

/// A person's number in a [`Roster`].
pub(super) type Number = usize;

/// The people of one policy, numbered in the order of their names.
pub(super) struct Roster<'a> {
    policy: &'a Policy,
    names: Vec<&'a PersonName>,
}

impl<'a> Roster<'a> {
    pub(super) fn new(policy: &'a Policy) -> Self {
        Self {
            policy,
            names: policy.people.keys().collect(),
        }
    }

    /// The number of a person; nothing for a name that the policy does not have.
    pub(super) fn number(&self, name: &PersonName) -> Option<Number> {
        self.names.binary_search(&name).ok()
    }

    /// The person's name, for messages.
    pub(super) fn name(&self, number: Number) -> PersonName {
        let name = self.names.get(number);
        name.map_or_else(|| PersonName::new("nobody"), |name| (*name).clone())
    }

    /// Their names, for messages.
    pub(super) fn names(&self, crowd: &Crowd) -> BTreeSet<PersonName> {
        crowd.iter().map(|number| self.name(number)).collect()
    }

    /// Everybody in any of the teams who still counts.
    pub(super) fn members(&self, teams: &[TeamName]) -> Crowd {
        let members = self.policy.members(teams);
        members
            .iter()
            .filter_map(|name| self.number(name))
            .collect()
    }

    /// Everybody in any of the teams, disabled or not.
    pub(super) fn listed(&self, teams: &[TeamName]) -> Crowd {
        let listed = self.policy.listed(teams);
        listed.iter().filter_map(|name| self.number(name)).collect()
    }

    /// Whether a person is disabled.
    pub(super) fn is_disabled(&self, number: Number) -> bool {
        let name = self.names.get(number);
        let person = name.and_then(|name| self.policy.people.get(*name));
        person.is_none_or(|person| person.disabled)
    }

    /// Those of its members who have a key, so that they could sign an approval.
    pub(super) fn able(&self, teams: &[TeamName]) -> Crowd {
        let members = self.policy.members(teams);
        let has_key = |name: &&PersonName| {
            let person = self.policy.people.get(*name);
            person.is_some_and(|person| !person.keys.is_empty())
        };
        let able = members.iter().filter(has_key);
        able.filter_map(|name| self.number(name)).collect()
    }
}

/// A set of people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Crowd(Vec<u64>);

impl Crowd {
    pub(super) fn add(&mut self, number: Number) {
        let (at, bit) = place(number);
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        if let Some(word) = self.0.get_mut(at) {
            *word |= bit;
        }
    }

    pub(super) fn remove(&mut self, number: Number) {
        let (at, bit) = place(number);
        if let Some(word) = self.0.get_mut(at) {
            *word &= !bit;
        }
    }

    pub(super) fn has(&self, number: Number) -> bool {
        let (at, bit) = place(number);
        self.0.get(at).is_some_and(|word| word & bit != 0)
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Adds everybody of `other`.
    pub(super) fn join(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }

    /// Those who are in both.
    pub(super) fn both(&self, other: &Self) -> Self {
        let pairs = self.0.iter().zip(&other.0);
        Self(pairs.map(|(left, right)| left & right).collect())
    }

    /// Those who are not in `other`.
    pub(super) fn without(&self, other: &Self) -> Self {
        let others = other.0.iter().copied().chain(std::iter::repeat(0));
        let pairs = self.0.iter().zip(others);
        Self(pairs.map(|(word, out)| word & !out).collect())
    }

    /// Everybody, by number.
    pub(super) fn iter(&self) -> impl Iterator<Item = Number> {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            (0..64)
                .filter(move |bit| word >> bit & 1 == 1)
                .map(move |bit| at * 64 + bit)
        })
    }
}

impl FromIterator<Number> for Crowd {
    fn from_iter<I: IntoIterator<Item = Number>>(numbers: I) -> Self {
        let mut crowd = Self::default();
        for number in numbers {
            crowd.add(number);
        }
        crowd
    }
}

fn place(number: Number) -> (usize, u64) {
    (number / 64, 1 << (number % 64))
}

#[cfg(test)]
mod tests {
    use super::Crowd;

    fn crowd(numbers: &[usize]) -> Crowd {
        numbers.iter().copied().collect()
    }

    #[test]
    fn sets_of_different_lengths_go_together() {
        let (small, large) = (crowd(&[1, 3]), crowd(&[3, 70, 200]));
        assert_eq!(small.both(&large).iter().collect::<Vec<_>>(), [3]);
        assert_eq!(large.without(&small).iter().collect::<Vec<_>>(), [70, 200]);
        assert_eq!(small.without(&large).iter().collect::<Vec<_>>(), [1]);
        let mut all = small.clone();
        all.join(&large);
        assert_eq!(all.iter().collect::<Vec<_>>(), [1, 3, 70, 200]);
        assert_eq!(all.len(), 4);
        all.remove(70);
        assert!(all.has(200) && !all.has(70) && !all.has(5000));
    }
}
