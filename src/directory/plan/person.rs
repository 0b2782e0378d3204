//! What becomes of one person.

use super::{Change, Human, Planning, Remark};
use crate::directory::{Account, AccountState};
use crate::policy::rewrite::RegisterPerson;
use crate::types::{PersonName, escape, is_deceptive};

/// The most addresses or logins of one person.
const MOST: usize = 100;

impl Planning<'_> {
    /// Brings a person to what their accounts say.
    pub(super) fn person(&mut self, name: PersonName, human: &Human) {
        let accounts = human.accounts.iter().filter_map(|at| self.account(*at));
        let accounts: Vec<Account> = accounts.cloned().collect();
        let mut person = self.old.people.get(&name).cloned().unwrap_or_default();
        let is_new = !self.old.people.contains_key(&name);
        let enabled: Vec<&Account> = accounts.iter().filter(|one| one.is_enabled()).collect();
        self.state(&name, &mut person, &accounts, &enabled);
        for account in &accounts {
            self.emails(account, &mut person);
        }
        if let Some(main) = main_account(&name, &enabled) {
            self.full_name(main, &mut person);
            self.logins(&enabled, &mut person);
        }
        if is_new {
            let ids = accounts.iter().filter_map(|account| account.id.clone());
            self.new_ids.insert(name.clone(), ids.collect());
        }
        self.register.people.insert(name, person);
    }

    /// Disabled with the last of their accounts, and not back by itself.
    fn state(
        &mut self,
        name: &PersonName,
        person: &mut RegisterPerson,
        accounts: &[Account],
        enabled: &[&Account],
    ) {
        match enabled.first() {
            Some(_) if person.disabled && self.waivers.enable.contains(name) => {
                person.disabled = false;
            }
            Some(account) if person.disabled => self.remarks.push(Remark::StaysDisabled {
                person: name.clone(),
                account: format!("`{}`", account.shown()),
            }),
            Some(_) => {}
            None => {
                person.disabled = true;
                let why = accounts.iter().map(|account| match account.state {
                    AccountState::Disabled(why) => format!("`{}`: {why}", account.shown()),
                    AccountState::Enabled => String::new(),
                });
                let why: Vec<String> = why.collect();
                self.why_disabled.insert(name.clone(), why.join(", "));
            }
        }
    }

    /// Addresses only come: commits from before go on naming those that went.
    fn emails(&mut self, account: &Account, person: &mut RegisterPerson) {
        for email in &account.emails {
            let known = person
                .emails
                .iter()
                .any(|own| own.eq_ignore_ascii_case(email));
            if known {
                continue;
            }
            if is_email(email) && person.emails.len() < MOST {
                person.emails.push(email.clone());
            } else {
                self.unfit(account, "address", email);
            }
        }
    }

    /// The logins of the accounts that work, and no other.
    fn logins(&mut self, enabled: &[&Account], person: &mut RegisterPerson) {
        let mut now: Vec<&String> = Vec::new();
        for account in enabled {
            for login in &account.logins {
                if !is_login(login) || now.len() >= MOST {
                    self.unfit(account, "login", login);
                } else if !now.iter().any(|known| known.eq_ignore_ascii_case(login)) {
                    now.push(login);
                }
            }
        }
        let same =
            |one: &String, all: &[String]| all.iter().any(|own| own.eq_ignore_ascii_case(one));
        let new = now.iter().filter(|login| !same(login, &person.logins));
        let new: Vec<String> = new.map(|login| (*login).clone()).collect();
        person
            .logins
            .retain(|own| now.iter().any(|login| login.eq_ignore_ascii_case(own)));
        person.logins.extend(new);
    }

    fn full_name(&mut self, account: &Account, person: &mut RegisterPerson) {
        let Some(name) = &account.name else {
            return;
        };
        if is_plain(name) && name.chars().count() <= 100 {
            person.full_name = Some(name.clone());
        } else {
            self.unfit(account, "name", name);
        }
    }

    fn unfit(&mut self, account: &Account, what: &'static str, value: &str) {
        const LONGEST: usize = 60;
        let shown: String = escape(value.as_bytes()).chars().take(LONGEST).collect();
        self.remarks.push(Remark::Unfit {
            account: format!("`{}`", account.shown()),
            what,
            value: shown,
        });
    }
}

/// The account that a person is called after: the one with their name, or the first.
fn main_account<'a>(name: &PersonName, enabled: &[&'a Account]) -> Option<&'a Account> {
    let named = |account: &&&Account| {
        let mut logins = account.logins.iter();
        logins.any(|login| login.eq_ignore_ascii_case(name.as_str()))
    };
    enabled.iter().find(named).or(enabled.first()).copied()
}

fn is_plain(text: &str) -> bool {
    let odd = |ch: char| ch.is_control() || is_deceptive(ch);
    !text.is_empty() && text.trim() == text && !text.chars().any(odd)
}

fn is_email(text: &str) -> bool {
    let odd = |ch: char| ch.is_whitespace() || "<>\"(),;".contains(ch);
    let parts = text.rsplit_once('@');
    let shaped = parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    shaped && is_plain(text) && text.len() <= 254 && !text.contains(odd)
}

fn is_login(text: &str) -> bool {
    is_plain(text) && text.len() <= 128 && !text.contains(char::is_whitespace)
}

/// What is different about a person.
pub(super) fn changes(
    name: &PersonName,
    old: &RegisterPerson,
    new: &RegisterPerson,
    why_disabled: Option<&String>,
    changes: &mut Vec<Change>,
) {
    let person = || name.clone();
    match (old.disabled, new.disabled) {
        (false, true) => changes.push(Change::Disabled {
            person: person(),
            why: why_disabled.cloned().unwrap_or_default(),
        }),
        (true, false) => changes.push(Change::Enabled { person: person() }),
        (false, false) | (true, true) => {}
    }
    let one = |name: &Option<String>| name.iter().cloned().collect::<Vec<_>>();
    for (what, old, new) in [
        ("name", one(&old.full_name), one(&new.full_name)),
        ("address", old.emails.clone(), new.emails.clone()),
        ("login", old.logins.clone(), new.logins.clone()),
    ] {
        let without = |all: &[String], others: &[String]| -> Vec<String> {
            all.iter()
                .filter(|one| !others.contains(one))
                .cloned()
                .collect()
        };
        let (come, gone) = (without(&new, &old), without(&old, &new));
        if !(come.is_empty() && gone.is_empty()) {
            changes.push(Change::Changed {
                person: person(),
                what,
                come,
                gone,
            });
        }
    }
}
