//! What a directory means for a policy: other people, other teams, or a conflict that a human has to
//! settle first. Pure: the same directory, settings and policy always give the same plan.

mod find;
mod humans;
mod person;
mod teams;
#[cfg(test)]
mod tests;

use super::{Account, Settings, Snapshot};
use crate::policy::rewrite::{Register, RegisterPerson};
use crate::types::{PersonName, TeamName};
use humans::Human;
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The people and teams as they are to be.
    pub register: Register,
    /// What changes, people first.
    pub changes: Vec<Change>,
    /// What is worth a look.
    pub remarks: Vec<Remark>,
    /// What has to be settled first. While there are any, nothing is to be written.
    pub conflicts: Vec<Conflict>,
}

/// What a caller allows that is otherwise a conflict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waivers {
    /// Teams that may lose everybody.
    pub empty: BTreeSet<TeamName>,
    /// People who are disabled in the policy and may count again.
    pub enable: BTreeSet<PersonName>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Somebody new.
    Added {
        /// Who.
        person: PersonName,
        /// The logins.
        logins: Vec<String>,
        /// The addresses.
        emails: Vec<String>,
        /// The accounts' lasting ids.
        ids: Vec<String>,
    },
    /// Somebody no longer counts.
    Disabled {
        /// Who.
        person: PersonName,
        /// Why.
        why: String,
    },
    /// Somebody counts again.
    Enabled {
        /// Who.
        person: PersonName,
    },
    /// Somebody has more, fewer or other logins, addresses or names.
    Changed {
        /// Who.
        person: PersonName,
        /// What: `login`, `address`, `name`.
        what: &'static str,
        /// What comes.
        come: Vec<String>,
        /// What goes.
        gone: Vec<String>,
    },
    /// A team has other members.
    Team {
        /// Which.
        team: TeamName,
        /// Who comes.
        come: Vec<PersonName>,
        /// Who goes.
        gone: Vec<PersonName>,
    },
    /// A team has nobody left, and goes.
    TeamGone {
        /// Which.
        team: TeamName,
    },
}

/// By what an account was found to be somebody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundBy {
    /// The settings say so.
    Settings,
    /// A login of theirs.
    Login,
    /// An address of theirs.
    Email,
    /// Their name in the policy.
    Name,
    /// Another account of theirs names the same human.
    Human,
}

/// What is worth a look. Values in it are escaped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Remark {
    /// Several accounts are one human.
    #[error("{} are one human, `{person}`: {by}", .accounts.join(" and "))]
    OneHuman {
        /// Who.
        person: PersonName,
        /// The accounts.
        accounts: Vec<String>,
        /// By what.
        by: String,
    },
    /// An account became somebody's by something weaker than a login.
    #[error("{account} is taken for `{person}` by {by}: look whether it is the same human")]
    Weak {
        /// Who.
        person: PersonName,
        /// The account.
        account: String,
        /// By what.
        by: &'static str,
    },
    /// A value that a policy cannot hold.
    #[error("{account}: the {what} `{value}` cannot stand in a policy and is left out")]
    Unfit {
        /// The account.
        account: String,
        /// What it is.
        what: &'static str,
        /// The value.
        value: String,
    },
    /// Members of a team's groups that are no accounts of people.
    #[error("{team}: {} no account of a person and left out: {}", count(.others.len()), first(.others))]
    Others {
        /// The team.
        team: TeamName,
        /// Their names.
        others: Vec<String>,
    },
    /// Somebody is disabled in the policy and not in the directory.
    #[error(
        "`{person}` stays disabled, though {account} is not: `--enable {person}` lets them count again"
    )]
    StaysDisabled {
        /// Who.
        person: PersonName,
        /// The account.
        account: String,
    },
    /// An account of somebody whom the settings keep as they are.
    #[error("{account} belongs to `{person}`, whom `keep` leaves as they are")]
    Kept {
        /// Who.
        person: PersonName,
        /// The account.
        account: String,
    },
    /// A login in the settings that no account has.
    #[error("`one-human` names the login `{login}` for `{person}`, and no account has it")]
    NoSuchLogin {
        /// Whose.
        person: PersonName,
        /// The login.
        login: String,
    },
}

/// What a human has to settle first. Values in it are escaped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Conflict {
    /// The accounts of one human belong to two people of the policy.
    #[error(
        "{} look like one human ({by}), and the policy has two: {}",
        .accounts.join(" and "),
        names(.people)
    )]
    TwoPeople {
        /// The accounts.
        accounts: Vec<String>,
        /// By what they are one.
        by: String,
        /// The people.
        people: Vec<PersonName>,
    },
    /// Two humans would be one person of the policy.
    #[error("{} would both be `{person}`", .accounts.join(" and "))]
    TwoHumans {
        /// Who.
        person: PersonName,
        /// An account of each.
        accounts: Vec<String>,
    },
    /// Two people would have the same login or address.
    #[error("the {what} `{value}` would belong to both {}", names(.people))]
    Shared {
        /// `login` or `address`.
        what: &'static str,
        /// The value.
        value: String,
        /// Who.
        people: Vec<PersonName>,
    },
    /// An account without a login that can be a name in the policy.
    #[error("{account} has no login that can be a name in the policy")]
    NoName {
        /// The account.
        account: String,
    },
    /// A team whose groups have nobody left.
    #[error("the groups of `{team}` have nobody left, and the policy has {}", names(.before))]
    EmptyTeam {
        /// Which.
        team: TeamName,
        /// Who was in it.
        before: Vec<PersonName>,
    },
    /// A name in the settings that the policy does not have.
    #[error("`keep` names `{person}`, whom the policy does not have")]
    KeepsNobody {
        /// Who.
        person: PersonName,
    },
}

impl Conflict {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::TwoPeople { .. } => {
                "merge the two in the policy by hand, or correct the directory; \
                                       `one-human` says which accounts are one human"
                    .into()
            }
            Self::TwoHumans { person, .. } => format!(
                "if they are one human: `one-human: {{{person}: [<login>, <login>]}}`; else correct \
                 the addresses, or put one under `leave-out`"
            ),
            Self::Shared { .. } => {
                "if they are one human, name their accounts under `one-human`; else \
                                    correct it in the directory or in the policy"
                    .into()
            }
            Self::NoName { .. } => {
                "give them a name under `one-human`, or put the account under `leave-out`".into()
            }
            Self::EmptyTeam { team, .. } => {
                format!("if that is right: --allow-empty {team}")
            }
            Self::KeepsNobody { .. } => "take it out of `keep`".into(),
        }
    }
}

fn names(people: &[PersonName]) -> String {
    let names: Vec<String> = people.iter().map(|name| format!("`{name}`")).collect();
    names.join(" and ")
}

fn count(number: usize) -> String {
    match number {
        1 => "1 member is".to_owned(),
        _ => format!("{number} members are"),
    }
}

fn first(all: &[String]) -> String {
    const MOST: usize = 3;
    let mut shown: Vec<&str> = all.iter().take(MOST).map(String::as_str).collect();
    if all.len() > MOST {
        shown.push("…");
    }
    shown.join("; ")
}

/// What `snapshot` means for the people and teams of `old`.
#[must_use]
pub fn plan(settings: &Settings, snapshot: &Snapshot, old: &Register, waivers: &Waivers) -> Plan {
    let mut planning = Planning {
        settings,
        snapshot,
        old,
        waivers,
        register: old.clone(),
        whose: BTreeMap::new(),
        why_disabled: BTreeMap::new(),
        new_ids: BTreeMap::new(),
        remarks: Vec::new(),
        conflicts: Vec::new(),
    };
    planning.people();
    planning.teams();
    planning.shared();
    planning.finish()
}

struct Planning<'a> {
    settings: &'a Settings,
    snapshot: &'a Snapshot,
    old: &'a Register,
    waivers: &'a Waivers,
    register: Register,
    /// Whose each account is.
    whose: BTreeMap<usize, PersonName>,
    why_disabled: BTreeMap<PersonName, String>,
    new_ids: BTreeMap<PersonName, Vec<String>>,
    remarks: Vec<Remark>,
    conflicts: Vec<Conflict>,
}

impl Planning<'_> {
    fn account(&self, at: usize) -> Option<&Account> {
        self.snapshot.accounts.get(at)
    }

    fn people(&mut self) {
        for person in &self.settings.keep {
            if !self.old.people.contains_key(person) {
                let person = person.clone();
                self.conflicts.push(Conflict::KeepsNobody { person });
            }
        }
        let humans = humans::all(self.settings, self.snapshot, &mut self.remarks);
        let found = find::all(self, humans);
        let present: BTreeSet<PersonName> = found.iter().map(|(name, _)| name.clone()).collect();
        for (name, human) in found {
            self.person(name, &human);
        }
        for (name, person) in &self.old.people {
            let stays = present.contains(name) || self.settings.keep.contains(name);
            if stays || person.disabled {
                continue;
            }
            if let Some(person) = self.register.people.get_mut(name) {
                person.disabled = true;
            }
            let why = "the directory has no account of theirs".to_owned();
            self.why_disabled.insert(name.clone(), why);
        }
    }

    /// Logins and addresses that two people would have.
    fn shared(&mut self) {
        let mut owners: BTreeMap<(&'static str, String), BTreeSet<PersonName>> = BTreeMap::new();
        for (name, person) in &self.register.people {
            let logins = person.logins.iter().map(|login| ("login", login));
            let emails = person.emails.iter().map(|email| ("address", email));
            for (what, value) in logins.chain(emails) {
                let all = owners.entry((what, value.to_lowercase())).or_default();
                all.insert(name.clone());
            }
        }
        for ((what, value), people) in owners {
            if people.len() > 1 {
                self.conflicts.push(Conflict::Shared {
                    what,
                    value: crate::types::escape(value.as_bytes()),
                    people: people.into_iter().collect(),
                });
            }
        }
    }

    fn finish(mut self) -> Plan {
        let mut changes = Vec::new();
        for (name, new) in &self.register.people {
            match self.old.people.get(name) {
                None => changes.push(Change::Added {
                    person: name.clone(),
                    logins: new.logins.clone(),
                    emails: new.emails.clone(),
                    ids: self.new_ids.remove(name).unwrap_or_default(),
                }),
                Some(old) => {
                    let why = self.why_disabled.get(name);
                    person::changes(name, old, new, why, &mut changes);
                }
            }
        }
        teams::changes(self.old, &self.register, &mut changes);
        self.remarks.sort();
        self.remarks.dedup();
        self.conflicts.sort();
        self.conflicts.dedup();
        Plan {
            register: self.register,
            changes,
            remarks: self.remarks,
            conflicts: self.conflicts,
        }
    }
}

/// The people of a register who are disabled or not there.
pub(super) fn counts(register: &Register, name: &PersonName) -> bool {
    let person: Option<&RegisterPerson> = register.people.get(name);
    person.is_some_and(|person| !person.disabled)
}

/// A human with the accounts that they have, and why these are one human's.
pub(super) type Found = (PersonName, Human);
