//! Records into people, where it is certain: one address, one key, one line of a list.

use super::ImportError;
use super::record::{Origin, Record};
use crate::types::escape;
use std::collections::{BTreeMap, BTreeSet};

/// Somebody says that two are one: `--merge one=other`.
#[derive(Debug, Clone)]
pub struct Merge(pub String);

/// What is one person, as far as is certain: places in the list of records.
pub(super) type Group = Vec<usize>;

/// Joins what is certain and what somebody says.
pub(super) fn join(records: &[Record], merges: &[Merge]) -> Result<Vec<Group>, ImportError> {
    let mut sets = Sets::new(records.len());
    let mut owner: BTreeMap<String, usize> = BTreeMap::new();
    for (index, record) in records.iter().enumerate() {
        for mark in marks(record) {
            let first = *owner.entry(mark).or_insert(index);
            sets.unite(first, index);
        }
    }
    svn_users(records, &mut sets);
    for Merge(said) in merges {
        let (one, other) = sides(said, records)?;
        sets.unite(one, other);
    }
    Ok(sets.groups())
}

/// What only one person has: the policy would not have it of two.
fn marks(record: &Record) -> BTreeSet<String> {
    let emails = record
        .emails
        .iter()
        .map(|email| format!("email {}", email.to_lowercase()));
    let keys = record
        .keys
        .iter()
        .map(|key| format!("key {}", key_body(key)));
    let policy = match &record.origin {
        Origin::Policy(name) => Some(format!("person {name}")),
        Origin::Table(_) | Origin::Mailmap(_) | Origin::Authors(_) | Origin::History(_) => None,
    };
    emails.chain(keys).chain(policy).collect()
}

/// A key without the comment behind it.
fn key_body(key: &str) -> String {
    let words: Vec<&str> = key.split_whitespace().take(2).collect();
    words.join(" ")
}

/// An authors file says whose `user@<the svn repository's id>` is.
fn svn_users(records: &[Record], sets: &mut Sets) {
    let mut users: BTreeMap<String, usize> = BTreeMap::new();
    for (index, record) in records.iter().enumerate() {
        for user in &record.former {
            let first = *users.entry(user.to_lowercase()).or_insert(index);
            sets.unite(first, index);
        }
    }
    for (index, record) in records.iter().enumerate() {
        // git-tfs writes the account itself where it knows no address.
        for user in record
            .emails
            .iter()
            .map(|email| svn_user(email).unwrap_or(email))
        {
            if let Some(line) = users.get(&user.to_lowercase()) {
                sets.unite(*line, index);
            }
        }
    }
}

/// The user in `user@<uuid>`, which is what git-svn writes without an authors file.
pub(super) fn svn_user(email: &str) -> Option<&str> {
    let (user, domain) = email.rsplit_once('@')?;
    let lengths: Vec<usize> = domain.split('-').map(str::len).collect();
    let digits = domain
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    (digits && lengths == [8, 4, 4, 4, 12]).then_some(user)
}

/// The two records that `one=other` names; an address may hold `=` itself.
fn sides(said: &str, records: &[Record]) -> Result<(usize, usize), ImportError> {
    for (at, _) in said.match_indices('=') {
        let (one, other) = (
            said.get(..at).unwrap_or_default(),
            said.get(at + 1..).unwrap_or_default(),
        );
        if let (Some(one), Some(other)) = (find(one, records), find(other, records)) {
            return Ok((one, other));
        }
    }
    let (one, other) = said.split_once('=').unwrap_or((said, ""));
    let missing = if find(one, records).is_none() {
        one
    } else {
        other
    };
    let name = escape(missing.as_bytes());
    Err(ImportError::NoSuch { name })
}

fn find(name: &str, records: &[Record]) -> Option<usize> {
    let same = |text: &String| text.eq_ignore_ascii_case(name);
    let is = |record: &Record| {
        let person = match &record.origin {
            Origin::Policy(person) => person.as_str() == name,
            Origin::Table(_) | Origin::Mailmap(_) | Origin::Authors(_) | Origin::History(_) => {
                false
            }
        };
        person
            || record.id.as_ref().is_some_and(same)
            || record.emails.iter().any(same)
            || record.former.iter().any(same)
    };
    records.iter().position(is)
}

/// Which records are one person.
struct Sets {
    parent: Vec<usize>,
}

impl Sets {
    fn new(count: usize) -> Self {
        Self {
            parent: (0..count).collect(),
        }
    }

    fn root(&mut self, mut index: usize) -> usize {
        loop {
            let up = self.parent.get(index).copied().unwrap_or(index);
            if up == index {
                return index;
            }
            let above = self.parent.get(up).copied().unwrap_or(up);
            if let Some(slot) = self.parent.get_mut(index) {
                *slot = above;
            }
            index = above;
        }
    }

    /// The earlier record stays in front.
    fn unite(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        if let Some(slot) = self.parent.get_mut(one.max(other)) {
            *slot = one.min(other);
        }
    }

    fn groups(mut self) -> Vec<Group> {
        let mut groups: BTreeMap<usize, Group> = BTreeMap::new();
        for index in 0..self.parent.len() {
            let root = self.root(index);
            groups.entry(root).or_default().push(index);
        }
        groups.into_values().collect()
    }
}
