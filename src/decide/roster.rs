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

/// A set of people. Most policies have no more than one word holds, and a crowd is made for each
/// commit several times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Crowd {
    first: u64,
    more: Vec<u64>,
}

impl Crowd {
    pub(super) fn add(&mut self, number: Number) {
        let (at, bit) = place(number);
        if self.more.len() < at {
            self.more.resize(at, 0);
        }
        if let Some(word) = self.word(at) {
            *word |= bit;
        }
    }

    pub(super) fn remove(&mut self, number: Number) {
        let (at, bit) = place(number);
        if let Some(word) = self.word(at) {
            *word &= !bit;
        }
    }

    pub(super) fn has(&self, number: Number) -> bool {
        let (at, bit) = place(number);
        self.words().nth(at).is_some_and(|word| word & bit != 0)
    }

    pub(super) fn len(&self) -> usize {
        self.words().map(|word| word.count_ones() as usize).sum()
    }

    /// Adds everybody of `other`.
    pub(super) fn join(&mut self, other: &Self) {
        if self.more.len() < other.more.len() {
            self.more.resize(other.more.len(), 0);
        }
        self.first |= other.first;
        for (word, more) in self.more.iter_mut().zip(&other.more) {
            *word |= more;
        }
    }

    /// Those who are in both.
    pub(super) fn both(&self, other: &Self) -> Self {
        self.combined(other, |word, other| word & other)
    }

    /// Those who are not in `other`.
    pub(super) fn without(&self, other: &Self) -> Self {
        self.combined(other, |word, other| word & !other)
    }

    /// Everybody, by number.
    pub(super) fn iter(&self) -> impl Iterator<Item = Number> {
        self.words().enumerate().flat_map(|(at, word)| {
            // Each step takes the lowest one out.
            let left = std::iter::successors(Some(word), |left| Some(left & left.wrapping_sub(1)));
            left.take_while(|left| *left != 0)
                .map(move |left| at * 64 + left.trailing_zeros() as usize)
        })
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        std::iter::once(self.first).chain(self.more.iter().copied())
    }

    fn word(&mut self, at: usize) -> Option<&mut u64> {
        match at.checked_sub(1) {
            None => Some(&mut self.first),
            Some(at) => self.more.get_mut(at),
        }
    }

    fn combined(&self, other: &Self, of: fn(u64, u64) -> u64) -> Self {
        let others = other.more.iter().copied().chain(std::iter::repeat(0));
        let pairs = self.more.iter().zip(others);
        Self {
            first: of(self.first, other.first),
            more: pairs.map(|(word, other)| of(*word, other)).collect(),
        }
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
