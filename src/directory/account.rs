//! One account of the directory, as far as relhook looks at it.

use super::entry::Entry;
use super::session::Kind;
use super::settings::Attributes;
use crate::types::{Timestamp, escape, hex};

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The entry's name, as the server gives it.
    pub dn: String,
    /// What stays the same when the entry is renamed: objectGUID or entryUUID.
    pub id: Option<String>,
    /// Its logins, the main one first. Whatever they hold.
    pub logins: Vec<String>,
    /// Its addresses. Whatever they hold.
    pub emails: Vec<String>,
    /// What to call whoever has it.
    pub name: Option<String>,
    /// What accounts of one human have in common.
    pub human: Option<String>,
    /// Whether it can be used.
    pub state: AccountState,
}

/// Whether an account can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountState {
    /// It can.
    Enabled,
    /// It cannot, and why.
    Disabled(&'static str),
}

impl Account {
    /// The login that stands for the account, escaped; its entry's name where it has none.
    #[must_use]
    pub fn shown(&self) -> String {
        let name = self.logins.first().unwrap_or(&self.dn);
        escape(name.as_bytes())
    }

    /// Whether it can be used.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.state == AccountState::Enabled
    }

    /// Reads an entry.
    pub(super) fn read(entry: &Entry, kind: Kind, attributes: &Attributes, now: Timestamp) -> Self {
        let all = |names: &[String]| -> Vec<String> {
            let values = names.iter().flat_map(|name| entry.texts(name));
            let mut all: Vec<String> = Vec::new();
            for value in values {
                if !value.is_empty() && !all.iter().any(|known| known == value) {
                    all.push(value.to_owned());
                }
            }
            all
        };
        let first = |name: &str| {
            entry
                .first(name)
                .map(str::trim)
                .filter(|value| !value.is_empty())
        };
        let emails = all(&attributes.email);
        let mut addresses: Vec<String> = Vec::new();
        for email in emails.iter().filter_map(|value| address(value)) {
            if !addresses
                .iter()
                .any(|known| known.eq_ignore_ascii_case(email))
            {
                addresses.push(email.to_owned());
            }
        }
        Self {
            dn: entry.dn.clone(),
            id: id(entry, kind),
            logins: all(&attributes.login),
            emails: addresses,
            name: first(&attributes.name).map(str::to_owned),
            human: first(&attributes.human).map(str::to_lowercase),
            state: match kind {
                Kind::ActiveDirectory => active_directory(entry, now),
                Kind::Ldap => ldap(entry, now),
            },
        }
    }
}

/// What [`Account::read`] looks at besides the attributes that the settings name.
pub(super) fn state_attributes(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::ActiveDirectory => &["objectGUID", "userAccountControl", "accountExpires"],
        Kind::Ldap => &[
            "entryUUID",
            "pwdAccountLockedTime",
            "nsAccountLock",
            "loginDisabled",
            "shadowExpire",
        ],
    }
}

/// A value of `mail`, or of `proxyAddresses`, where only those that begin with `smtp:` are one.
fn address(value: &str) -> Option<&str> {
    match value.split_once(':') {
        None => Some(value),
        Some((scheme, address)) => scheme.eq_ignore_ascii_case("smtp").then_some(address),
    }
}

fn id(entry: &Entry, kind: Kind) -> Option<String> {
    match kind {
        Kind::Ldap => entry.first("entryUUID").map(|id| escape(id.as_bytes())),
        Kind::ActiveDirectory => {
            let bytes: [u8; 16] = entry
                .raw("objectGUID")
                .first()?
                .as_slice()
                .try_into()
                .ok()?;
            let [a, b, c, d, e, f, g, h, tail @ ..] = bytes;
            let first = u32::from_le_bytes([a, b, c, d]);
            let (second, third) = (u16::from_le_bytes([e, f]), u16::from_le_bytes([g, h]));
            let (fourth, fifth) = tail.split_at_checked(2)?;
            let (fourth, fifth) = (hex(fourth), hex(fifth));
            Some(format!(
                "{first:08x}-{second:04x}-{third:04x}-{fourth}-{fifth}"
            ))
        }
    }
}

fn active_directory(entry: &Entry, now: Timestamp) -> AccountState {
    const ACCOUNTDISABLE: i64 = 0x2;
    // Between 1601, where these times begin, and 1970; in seconds.
    const EPOCH: i64 = 11_644_473_600;
    let number = |name: &str| entry.first(name).and_then(|text| text.parse::<i64>().ok());
    match number("userAccountControl") {
        None => return AccountState::Disabled("its userAccountControl cannot be seen"),
        Some(flags) if flags & ACCOUNTDISABLE != 0 => {
            return AccountState::Disabled("it is disabled");
        }
        Some(_) => {}
    }
    match number("accountExpires") {
        None | Some(0 | i64::MAX) => AccountState::Enabled,
        Some(ticks) if ticks / 10_000_000 - EPOCH <= now.as_unix() => {
            AccountState::Disabled("it has expired")
        }
        Some(_) => AccountState::Enabled,
    }
}

fn ldap(entry: &Entry, now: Timestamp) -> AccountState {
    /// The value by which OpenLDAP's password policy locks an account for good.
    const FOR_GOOD: &str = "000001010000Z";
    let set = |name: &str| {
        let mut values = entry.texts(name);
        values.any(|value| value.eq_ignore_ascii_case("true"))
    };
    let locked = entry.first("pwdAccountLockedTime") == Some(FOR_GOOD);
    let days = entry
        .first("shadowExpire")
        .and_then(|text| text.parse::<i64>().ok());
    let expired =
        days.is_some_and(|days| days >= 0 && days.saturating_mul(86_400) <= now.as_unix());
    if locked || set("nsAccountLock") || set("loginDisabled") {
        AccountState::Disabled("it is locked")
    } else if expired {
        AccountState::Disabled("it has expired")
    } else {
        AccountState::Enabled
    }
}
