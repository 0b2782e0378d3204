//! Which accounts are one human's.

use super::Remark;
use crate::directory::{Account, Settings, Snapshot};
use crate::types::{PersonName, escape};
use std::collections::{BTreeMap, BTreeSet};

/// One human.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Human {
    /// Their accounts, by their places; never empty.
    pub accounts: BTreeSet<usize>,
    /// Their name in the policy, where the settings give it.
    pub name: Option<PersonName>,
    /// Why they are one, where there are several.
    pub by: Vec<String>,
}

/// Everybody, without what is left out. Accounts are one human's where the settings say so or where
/// they name the same human; both reach as far as they go.
pub(super) fn all(
    settings: &Settings,
    snapshot: &Snapshot,
    remarks: &mut Vec<Remark>,
) -> Vec<Human> {
    let mut joined = Joined::new(settings, snapshot);
    for (person, logins) in &settings.one_human {
        let mut first = None;
        for login in logins {
            let Some(at) = joined.by_login(login) else {
                remarks.push(Remark::NoSuchLogin {
                    person: person.clone(),
                    login: escape(login.as_bytes()),
                });
                continue;
            };
            joined.name(at, person);
            match first {
                None => first = Some(at),
                Some(first) => joined.join(first, at, "the settings say so".to_owned()),
            }
        }
    }
    let mut same: BTreeMap<&str, usize> = BTreeMap::new();
    for at in joined.places() {
        let account = snapshot.accounts.get(at);
        if let Some(human) = account.and_then(|account| account.human.as_deref()) {
            let first = *same.entry(human).or_insert(at);
            let name = settings.attributes(snapshot.kind).human;
            let by = format!("{name} {}", escape(human.as_bytes()));
            joined.join(first, at, by);
        }
    }
    joined.humans()
}

/// Whether the settings leave an account out.
fn is_left_out(settings: &Settings, account: &Account) -> bool {
    let mut all = settings.leave_out.iter();
    all.any(|out| {
        *out == account.dn
            || account
                .logins
                .iter()
                .any(|login| login.eq_ignore_ascii_case(out))
    })
}

/// Accounts on their way to being humans: each points at the first of its human.
struct Joined<'a> {
    snapshot: &'a Snapshot,
    first: BTreeMap<usize, usize>,
    names: BTreeMap<usize, PersonName>,
    by: BTreeMap<usize, BTreeSet<String>>,
}

impl<'a> Joined<'a> {
    fn new(settings: &Settings, snapshot: &'a Snapshot) -> Self {
        let numbered = snapshot.accounts.iter().enumerate();
        let counted = numbered.filter(|(_, account)| !is_left_out(settings, account));
        Self {
            snapshot,
            first: counted.map(|(at, _)| (at, at)).collect(),
            names: BTreeMap::new(),
            by: BTreeMap::new(),
        }
    }

    fn places(&self) -> Vec<usize> {
        self.first.keys().copied().collect()
    }

    fn by_login(&self, login: &str) -> Option<usize> {
        self.first.keys().copied().find(|at| {
            let account = self.snapshot.accounts.get(*at);
            account.is_some_and(|one| one.logins.iter().any(|own| own.eq_ignore_ascii_case(login)))
        })
    }

    fn name(&mut self, at: usize, person: &PersonName) {
        self.names.insert(at, person.clone());
    }

    fn first(&self, at: usize) -> usize {
        self.first.get(&at).copied().unwrap_or(at)
    }

    fn join(&mut self, one: usize, other: usize, by: String) {
        let (one, other) = (self.first(one), self.first(other));
        if one == other {
            return;
        }
        let (keep, drop) = (one.min(other), one.max(other));
        for first in self.first.values_mut().filter(|first| **first == drop) {
            *first = keep;
        }
        let moved = self.by.remove(&drop).unwrap_or_default();
        let reasons = self.by.entry(keep).or_default();
        reasons.extend(moved);
        reasons.insert(by);
    }

    fn humans(mut self) -> Vec<Human> {
        let mut humans: BTreeMap<usize, Human> = BTreeMap::new();
        for (at, first) in &self.first {
            let by = || self.by.get(first).into_iter().flatten().cloned().collect();
            let human = humans.entry(*first).or_insert_with(|| Human {
                accounts: BTreeSet::new(),
                name: None,
                by: by(),
            });
            human.accounts.insert(*at);
            if let Some(name) = self.names.remove(at) {
                // Two names for one human show as two people that they belong to.
                human.name.get_or_insert(name);
            }
        }
        humans.into_values().collect()
    }
}
