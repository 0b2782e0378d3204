//! People and teams as YAML, and into a policy's text: only what differs is written, and all of it
//! reads back through the strict reader to the same values, or there is no text.

use super::read::{entries, proposal, same, under};
use super::section::{Item, fresh, splice};
use super::{Human, Proposal, WriteError};
use crate::policy::{TreeNode, is_plain_word, tree};
use crate::types::{PersonName, TeamName, escape};
use std::collections::{BTreeMap, BTreeSet};

/// How wide a list in brackets may be before it is written one item a line.
const MAX_COLUMNS: usize = 96;
/// What the file is called in complaints.
const FILE: &str = "policy.yaml";

/// The sections alone, `people:` first, as text that can be pasted into a policy.
///
/// # Errors
/// A value that the policy would refuse.
pub fn write(wanted: &Proposal) -> Result<String, WriteError> {
    wanted.check()?;
    let nothing = Proposal::default();
    let mut text = fresh("people", &people_items(wanted, &nothing));
    if let Some(teams) = &wanted.teams {
        text.push_str(&fresh("teams", &team_items(teams, &nothing)));
    }
    reads_back(&text, wanted)?;
    Ok(text)
}

/// A policy's text with its people, and its teams where they are proposed, as they are to be.
///
/// Entries that say the same already stay as they are written, with their comments and in their
/// order; so does everything outside the two sections.
///
/// # Errors
/// A value that the policy would refuse, a text that the strict reader does not take, or one that
/// is not laid out with its keys at the beginning of lines.
pub fn replace(text: &str, wanted: &Proposal) -> Result<String, WriteError> {
    wanted.check()?;
    let before = tree(text.as_bytes(), FILE)?;
    let there = proposal(&before);
    let mut out = splice(text, &before, "people", &people_items(wanted, &there))?;
    if let Some(teams) = &wanted.teams {
        let root = tree(out.as_bytes(), FILE)?;
        out = splice(&out, &root, "teams", &team_items(teams, &there))?;
    }
    let after = reads_back(&out, wanted)?;
    if untouched(&before, wanted).eq(untouched(&after, wanted)) {
        Ok(out)
    } else {
        let section = "everything else";
        Err(WriteError::ReadsOtherwise { section })
    }
}

/// What the file says besides the sections that are replaced.
fn untouched<'a>(root: &'a TreeNode, wanted: &Proposal) -> impl Iterator<Item = Kept<'a>> {
    let teams = wanted.teams.is_some();
    let replaced = move |key: &str| key == "people" || (teams && key == "teams");
    let rest = entries(root)
        .iter()
        .filter(move |entry| !replaced(&entry.key.text));
    rest.map(|entry| Kept(&entry.key.text, &entry.value))
}

/// A key and its value, wherever they stand.
struct Kept<'a>(&'a str, &'a TreeNode);

impl PartialEq for Kept<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 && same(self.1, other.1)
    }
}

/// The tree of what was written, if it says what it is to say.
fn reads_back(text: &str, wanted: &Proposal) -> Result<TreeNode, WriteError> {
    let root = tree(text.as_bytes(), FILE)?;
    let read = proposal(&root);
    let says = |(name, human): (&PersonName, &Human)| {
        let there = read.people.get(name);
        there.is_some_and(|there| there.says_the_same(human))
    };
    if read.people.len() != wanted.people.len() || !wanted.people.iter().all(says) {
        let section = "people";
        return Err(WriteError::ReadsOtherwise { section });
    }
    if wanted.teams.is_some() && read.teams != wanted.teams {
        let section = "teams";
        return Err(WriteError::ReadsOtherwise { section });
    }
    Ok(root)
}

fn people_items(wanted: &Proposal, there: &Proposal) -> Vec<Item> {
    let item = |(name, human): (&PersonName, &Human)| {
        let old = there.people.get(name);
        Item {
            name: name.as_str().to_owned(),
            lines: person_lines(name, human),
            notes: human.notes.iter().map(|note| comment(note)).collect(),
            unchanged: old.is_some_and(|old| old.says_the_same(human)),
        }
    };
    wanted.people.iter().map(item).collect()
}

fn team_items(wanted: &BTreeMap<TeamName, BTreeSet<PersonName>>, there: &Proposal) -> Vec<Item> {
    let item = |(name, members): (&TeamName, &BTreeSet<PersonName>)| {
        let words = members.iter().map(|member| word(member.as_str()));
        let old = there.teams.as_ref().and_then(|teams| teams.get(name));
        Item {
            name: name.as_str().to_owned(),
            lines: list(&word(name.as_str()), words.collect()),
            notes: Vec::new(),
            unchanged: old == Some(members),
        }
    };
    wanted.iter().map(item).collect()
}

fn person_lines(name: &PersonName, human: &Human) -> Vec<String> {
    let mut fields = Vec::new();
    if let Some(name) = &human.full_name {
        fields.push(format!("name: {}", quoted(name)));
    }
    for (key, values) in [("emails", &human.emails), ("logins", &human.logins)] {
        let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
        if !values.is_empty() {
            fields.extend(list(key, values));
        }
    }
    if !human.keys.is_empty() {
        fields.extend(items("keys", human.keys.iter().map(|key| quoted(key))));
    }
    if human.disabled {
        fields.push("disabled: true".to_owned());
    }
    let name = word(name.as_str());
    if fields.is_empty() {
        return vec![format!("{name}: {{}}")];
    }
    let fields = fields.into_iter().map(|line| format!("  {line}"));
    std::iter::once(format!("{name}:")).chain(fields).collect()
}

/// A list on one line, if it fits.
fn list(key: &str, values: Vec<String>) -> Vec<String> {
    let line = format!("{key}: [{}]", values.join(", "));
    if line.chars().count() <= MAX_COLUMNS {
        vec![line]
    } else {
        items(key, values.into_iter())
    }
}

/// A list with one item a line.
fn items(key: &str, values: impl Iterator<Item = String>) -> Vec<String> {
    let values = values.map(|value| format!("  - {value}"));
    std::iter::once(format!("{key}:")).chain(values).collect()
}

/// A name, in quotes where some reader of YAML would take it for something else.
fn word(name: &str) -> String {
    if is_plain_word(name) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

/// Text in double quotes. Characters that are not shown never get here.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn comment(note: &str) -> String {
    format!("# {}", escape(note.as_bytes()))
}

/// Who is in a policy's text, which may be a draft whose teams and rules are not there yet.
///
/// # Errors
/// A text that the strict reader does not take, or an entry that is not one of a person.
pub fn people_of(text: &str) -> Result<Proposal, WriteError> {
    let root = tree(text.as_bytes(), FILE)?;
    let mut read = proposal(&root);
    let there = under(&root, "people").map_or(0, |people| entries(&people.value).len());
    if there != read.people.len() {
        let section = "people";
        return Err(WriteError::Unknown { section });
    }
    read.teams = None;
    read.check()?;
    Ok(read)
}
