//! What the tree of a policy file says of people and teams, without asking whether all of it is
//! sound: a draft may not have its teams yet.

use super::{Human, Proposal};
use crate::policy::{TreeEntry, TreeNode, TreeValue};
use crate::types::{PersonName, TeamName};
use std::collections::{BTreeMap, BTreeSet};

/// The keys of a mapping; none where it is not one.
pub(super) fn entries(node: &TreeNode) -> &[TreeEntry] {
    match &node.value {
        TreeValue::Map(entries) => entries,
        TreeValue::Scalar(_) | TreeValue::List(_) | TreeValue::Faulty => &[],
    }
}

/// What stands under `key`.
pub(super) fn under<'a>(node: &'a TreeNode, key: &str) -> Option<&'a TreeEntry> {
    entries(node).iter().find(|entry| entry.key.text == key)
}

/// People and teams; an entry that is not as the format has it is left out.
pub(super) fn proposal(root: &TreeNode) -> Proposal {
    Proposal {
        people: people(root),
        teams: under(root, "teams").map(|teams| self::teams(&teams.value)),
    }
}

fn people(root: &TreeNode) -> BTreeMap<PersonName, Human> {
    let people = under(root, "people").map_or(&[][..], |people| entries(&people.value));
    let read = people.iter().filter_map(|entry| {
        let human = human(&entry.value)?;
        Some((PersonName::new(entry.key.text.clone()), human))
    });
    read.collect()
}

fn teams(node: &TreeNode) -> BTreeMap<TeamName, BTreeSet<PersonName>> {
    let read = entries(node).iter().filter_map(|entry| {
        let members = texts(&entry.value)?;
        let members = members.into_iter().map(PersonName::new).collect();
        Some((TeamName::new(entry.key.text.clone()), members))
    });
    read.collect()
}

/// One person; nothing where there is a key that this does not know.
fn human(node: &TreeNode) -> Option<Human> {
    let mut human = Human::default();
    let TreeValue::Map(fields) = &node.value else {
        return None;
    };
    for field in fields {
        let value = &field.value;
        match field.key.text.as_str() {
            "name" => human.full_name = Some(text(value)?),
            "emails" => human.emails = texts(value)?,
            "logins" => human.logins = texts(value)?,
            "keys" => human.keys = texts(value)?,
            "disabled" => human.disabled = truth(value)?,
            _unknown => return None,
        }
    }
    Some(human)
}

fn text(node: &TreeNode) -> Option<String> {
    match &node.value {
        TreeValue::Scalar(scalar) if !node.is_nothing() => Some(scalar.text.clone()),
        TreeValue::Scalar(_) | TreeValue::List(_) | TreeValue::Map(_) | TreeValue::Faulty => None,
    }
}

fn texts(node: &TreeNode) -> Option<Vec<String>> {
    match &node.value {
        TreeValue::List(items) => items.iter().map(text).collect(),
        TreeValue::Scalar(_) | TreeValue::Map(_) | TreeValue::Faulty => None,
    }
}

fn truth(node: &TreeNode) -> Option<bool> {
    match &node.value {
        TreeValue::Scalar(scalar) if scalar.plain => match scalar.text.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _other => None,
        },
        TreeValue::Scalar(_) | TreeValue::List(_) | TreeValue::Map(_) | TreeValue::Faulty => None,
    }
}

/// Whether two trees say the same, wherever their values stand.
pub(super) fn same(one: &TreeNode, other: &TreeNode) -> bool {
    match (&one.value, &other.value) {
        (TreeValue::Scalar(one), TreeValue::Scalar(other)) => one == other,
        (TreeValue::List(one), TreeValue::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (TreeValue::Map(one), TreeValue::Map(other)) => {
            let pair = |(one, other): (&TreeEntry, &TreeEntry)| {
                one.key == other.key && same(&one.value, &other.value)
            };
            one.len() == other.len() && one.iter().zip(other).all(pair)
        }
        (_one, _other) => false,
    }
}
