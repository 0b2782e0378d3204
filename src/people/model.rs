//! What is proposed: people and teams as a policy writes them.

use super::WriteError;
use crate::policy::rewrite::RegisterPerson;
use crate::policy::{Part, Person, Policy, fits};
use crate::types::{KeyFingerprint, PersonName, TeamName, escape};
use std::collections::{BTreeMap, BTreeSet};

/// One human as the policy is to have them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Human {
    /// The entry.
    pub entry: RegisterPerson,
    /// Comment lines above the entry where it is written anew; escaped when they are. They are not
    /// part of what the entry says.
    pub notes: Vec<String>,
}

/// The people, and the teams where they are proposed too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposal {
    /// Everybody, under the policy's name for them.
    pub people: BTreeMap<PersonName, Human>,
    /// The teams and who is in them; absent to leave them as they are.
    pub teams: Option<BTreeMap<TeamName, BTreeSet<PersonName>>>,
}

impl Human {
    /// Every piece of text in the entry, and what it is.
    pub(super) fn parts(&self) -> impl Iterator<Item = (Part, &str)> {
        let entry = &self.entry;
        let name = entry.full_name.iter().map(|text| (Part::FullName, text));
        let emails = entry.emails.iter().map(|text| (Part::Email, text));
        let logins = entry.logins.iter().map(|text| (Part::Login, text));
        let keys = entry.keys.iter().map(|text| (Part::Key, text));
        let all = name.chain(emails).chain(logins).chain(keys);
        all.map(|(part, text)| (part, text.as_str()))
    }
}

impl From<RegisterPerson> for Human {
    fn from(entry: RegisterPerson) -> Self {
        let notes = Vec::new();
        Self { entry, notes }
    }
}

impl From<&Person> for Human {
    fn from(person: &Person) -> Self {
        let mut ssh = person.ssh_keys.iter();
        let keys = person.keys.iter().filter_map(|key| match key {
            KeyFingerprint::OpenPgp(digits) => Some(format!("openpgp:{digits}")),
            KeyFingerprint::X509(digits) => Some(format!("x509:{digits}")),
            KeyFingerprint::Ssh(_) => ssh.next().and_then(|key| key.to_openssh().ok()),
        });
        Self::from(RegisterPerson {
            full_name: person.full_name.clone(),
            emails: person
                .emails
                .iter()
                .map(|one| one.as_str().to_owned())
                .collect(),
            logins: person
                .logins
                .iter()
                .map(|one| one.as_str().to_owned())
                .collect(),
            keys: keys.collect(),
            disabled: person.disabled,
        })
    }
}

impl Proposal {
    /// What a policy has today, teams included.
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        let people = policy.people.iter();
        let teams = policy.teams.iter();
        Self {
            people: people
                .map(|(name, person)| (name.clone(), person.into()))
                .collect(),
            teams: Some(
                teams
                    .map(|(name, members)| (name.clone(), members.clone()))
                    .collect(),
            ),
        }
    }

    /// Whether the policy would take every value.
    ///
    /// # Errors
    /// The first that it would not.
    pub fn check(&self) -> Result<(), WriteError> {
        for (name, human) in &self.people {
            let own = std::iter::once((Part::Name, name.as_str()));
            for (part, text) in own.chain(human.parts()) {
                check(name.as_str(), part, text)?;
            }
        }
        for (team, members) in self.teams.iter().flatten() {
            check(team.as_str(), Part::Name, team.as_str())?;
            if members.is_empty() {
                let team = escape(team.as_str().as_bytes());
                return Err(WriteError::EmptyTeam { team });
            }
            for member in members {
                check(team.as_str(), Part::Name, member.as_str())?;
            }
        }
        Ok(())
    }
}

fn check(person: &str, part: Part, text: &str) -> Result<(), WriteError> {
    fits(part, text).map_err(|why| WriteError::Value {
        person: escape(person.as_bytes()),
        part: part.word(),
        value: shown(part, text),
        why,
    })
}

/// The value, unless it might be a secret by mistake.
fn shown(part: Part, text: &str) -> String {
    match part {
        Part::Key => "…".to_owned(),
        Part::Name | Part::FullName | Part::Email | Part::Login => {
            crate::object::shown(text.as_bytes())
        }
    }
}
