//! The people and teams of a policy as its text has them, keys in their own spelling.

use super::super::yaml::{Entry, Node, Value};
use super::{RewriteError, entries, tree};
use crate::types::{PersonName, TeamName, escape, is_deceptive};
use std::collections::{BTreeMap, BTreeSet};

/// The people and teams of a policy, as they are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Register {
    /// The people, by name.
    pub people: BTreeMap<PersonName, RegisterPerson>,
    /// The teams and who is in them.
    pub teams: BTreeMap<TeamName, BTreeSet<PersonName>>,
}

/// One person, as they are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegisterPerson {
    /// What to call them in reports.
    pub full_name: Option<String>,
    /// Their addresses, in their order.
    pub emails: Vec<String>,
    /// Their accounts, in their order.
    pub logins: Vec<String>,
    /// Their keys as the policy spells them, in their order.
    pub keys: Vec<String>,
    /// Whether they no longer count.
    pub disabled: bool,
}

impl Register {
    /// What a policy's text has.
    ///
    /// # Errors
    /// When it cannot be read, or is no policy.
    pub fn of(policy: &[u8]) -> Result<Self, RewriteError> {
        Self::of_tree(&tree(policy)?)
    }

    /// A draft may lack a section; an entry that no policy could have is an error.
    pub(super) fn of_tree(root: &Node) -> Result<Self, RewriteError> {
        let person = |entry: &Entry| Some((PersonName::new(&*entry.key.text), person(entry)?));
        let team = |entry: &Entry| {
            let members = words(&entry.value)?.into_iter().map(PersonName::new);
            Some((TeamName::new(&*entry.key.text), members.collect()))
        };
        let unknown = |section| RewriteError::Unknown { section };
        let people = section(root, "people")?.iter().map(person);
        let teams = section(root, "teams")?.iter().map(team);
        Ok(Self {
            people: people
                .collect::<Option<_>>()
                .ok_or_else(|| unknown("people"))?,
            teams: teams
                .collect::<Option<_>>()
                .ok_or_else(|| unknown("teams"))?,
        })
    }

    /// Whether every value can stand in a policy at all.
    pub(super) fn check(&self) -> Result<(), RewriteError> {
        let odd = |text: &str| {
            let odd = |ch: char| ch.is_control() || is_deceptive(ch);
            text.chars().any(odd).then(|| RewriteError::Character {
                shown: escape(text.as_bytes()),
            })
        };
        let values = self.people.values().flat_map(|person| {
            let lists = [&person.emails, &person.logins, &person.keys];
            person.full_name.iter().chain(lists.into_iter().flatten())
        });
        let names = self.people.keys().map(PersonName::as_str);
        let names = names.chain(self.teams.keys().map(TeamName::as_str));
        let mut all = names.chain(values.map(String::as_str));
        all.find_map(odd).map_or(Ok(()), Err)
    }
}

fn section<'a>(root: &'a Node, section: &'static str) -> Result<&'a [Entry], RewriteError> {
    let found = entries(root).iter().find(|entry| entry.key.text == section);
    let Some(entry) = found.filter(|entry| !entry.value.is_nothing()) else {
        return Ok(&[]);
    };
    match &entry.value.value {
        Value::Map(entries) => Ok(entries),
        Value::Scalar(_) | Value::List(_) | Value::Faulty => Err(RewriteError::Unknown { section }),
    }
}

fn person(entry: &Entry) -> Option<RegisterPerson> {
    let mut person = RegisterPerson::default();
    if !matches!(entry.value.value, Value::Map(_)) {
        return None;
    }
    for field in entries(&entry.value) {
        match field.key.text.as_str() {
            "name" => person.full_name = Some(word(&field.value)?),
            "emails" => person.emails = words(&field.value)?,
            "logins" => person.logins = words(&field.value)?,
            "keys" => person.keys = words(&field.value)?,
            "disabled" => person.disabled = truth(&field.value)?,
            _unknown => return None,
        }
    }
    Some(person)
}

fn word(node: &Node) -> Option<String> {
    match &node.value {
        Value::Scalar(scalar) if !node.is_nothing() => Some(scalar.text.clone()),
        Value::Scalar(_) | Value::List(_) | Value::Map(_) | Value::Faulty => None,
    }
}

pub(super) fn words(node: &Node) -> Option<Vec<String>> {
    match &node.value {
        Value::List(items) => items.iter().map(word).collect(),
        Value::Scalar(_) | Value::Map(_) | Value::Faulty => None,
    }
}

fn truth(node: &Node) -> Option<bool> {
    match &node.value {
        Value::Scalar(scalar) if scalar.plain => match scalar.text.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _other => None,
        },
        Value::Scalar(_) | Value::List(_) | Value::Map(_) | Value::Faulty => None,
    }
}
