//! The accounts of a directory.

use super::account::{Account, state_attributes};
use super::dn::DnKey;
use super::session::Session;
use super::{DirectoryError, Settings};
use crate::types::{Timestamp, escape};
use ldap3::Scope;
use std::collections::BTreeMap;

/// All accounts below the base, each once, in the order of their names.
///
/// # Errors
/// When they cannot all be read, or there is none.
pub(super) fn accounts(
    session: &mut Session,
    settings: &Settings,
    now: Timestamp,
) -> Result<Vec<Account>, DirectoryError> {
    let kind = session.kind;
    let names = settings.attributes(kind);
    let lists = names.login.iter().chain(&names.email);
    let mut wanted: Vec<&str> = lists.map(String::as_str).collect();
    wanted.extend([names.name.as_str(), names.human.as_str()]);
    wanted.extend(state_attributes(kind));
    let found = session.search(
        &settings.base,
        Scope::Subtree,
        settings.filter(kind),
        &wanted,
    )?;
    let mut all: BTreeMap<DnKey, Account> = BTreeMap::new();
    for entry in &found {
        // A page may repeat an entry that was written to meanwhile.
        all.insert(
            DnKey::of(&entry.dn),
            Account::read(entry, kind, &names, now),
        );
    }
    if all.is_empty() {
        return Err(DirectoryError::Nobody {
            base: escape(settings.base.as_bytes()),
        });
    }
    Ok(all.into_values().collect())
}

/// The accounts, looked up by name and by login.
pub(super) struct Known {
    by_dn: BTreeMap<DnKey, usize>,
    by_login: BTreeMap<String, usize>,
}

impl Known {
    pub(super) fn of(accounts: &[Account]) -> Self {
        let numbered = || accounts.iter().enumerate();
        Self {
            by_dn: numbered()
                .map(|(at, account)| (DnKey::of(&account.dn), at))
                .collect(),
            by_login: numbered()
                .flat_map(|(at, account)| {
                    account.logins.iter().map(move |login| (login.clone(), at))
                })
                .collect(),
        }
    }

    /// The account with this name.
    pub(super) fn by_dn(&self, key: &DnKey) -> Option<usize> {
        self.by_dn.get(key).copied()
    }

    /// The account with exactly this login.
    pub(super) fn by_login(&self, login: &str) -> Option<usize> {
        self.by_login.get(login).copied()
    }

    /// All names and the accounts that have them.
    pub(super) fn names(&self) -> impl Iterator<Item = (&DnKey, usize)> {
        self.by_dn.iter().map(|(key, at)| (key, *at))
    }
}
