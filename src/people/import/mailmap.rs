//! git's mailmap, in all four forms. relhook judges no commit by one: it is read here only because
//! the person who runs the import names the file, and what it says is shown before it counts.

use super::Gathered;
use super::error::LineFault;
use super::record::{Origin, Record, text};
use std::collections::BTreeMap;

/// A line: the proper name and address, and what commits have.
struct Line {
    number: u64,
    name: Option<String>,
    proper: String,
    commit: Option<String>,
    /// Whether only commits by a certain name are meant.
    by_name: bool,
}

pub(super) fn read(bytes: &[u8], gathered: &mut Gathered) -> Result<(), LineFault> {
    let mut lines = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let number = index as u64 + 1;
        let line = text(line.trim_ascii());
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let why = "is none of the four forms of a mailmap";
        let line = parts(&line, number).ok_or_else(|| LineFault::new(number, why))?;
        lines.push(line);
    }
    let shared = shared(&lines);
    for line in lines {
        let mut record = Record::from(Origin::Mailmap(line.number));
        record.name = line.name;
        record.emails.push(line.proper);
        if let Some(commit) = line.commit {
            if shared.contains_key(&commit.to_lowercase()) {
                gathered.notes.push(format!(
                    "mailmap, line {}: `{}` is the address of more than one person, and a policy knows people by address: nobody is given it",
                    line.number,
                    crate::object::shown(commit.as_bytes())
                ));
            } else {
                record.emails.push(commit);
            }
        }
        gathered.add(record, line.number)?;
    }
    Ok(())
}

/// Addresses that lines map to different people by the name beside them.
fn shared(lines: &[Line]) -> BTreeMap<String, ()> {
    let mut proper: BTreeMap<String, String> = BTreeMap::new();
    let mut shared = BTreeMap::new();
    for line in lines.iter().filter(|line| line.by_name) {
        if let Some(commit) = &line.commit {
            let own = line.proper.to_lowercase();
            let first = proper.entry(commit.to_lowercase()).or_insert(own.clone());
            if *first != own {
                shared.insert(commit.to_lowercase(), ());
            }
        }
    }
    shared
}

fn parts(line: &str, number: u64) -> Option<Line> {
    let (name, first, rest) = identity(line)?;
    let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    let rest = rest.trim();
    let (commit, by_name) = if rest.is_empty() || rest.starts_with('#') {
        (None, false)
    } else {
        let (other, second, rest) = identity(rest)?;
        let rest = rest.trim();
        if !rest.is_empty() && !rest.starts_with('#') {
            return None;
        }
        (Some(second.to_owned()), !other.is_empty())
    };
    if commit.is_none() && name.is_empty() {
        return None;
    }
    Some(Line {
        number,
        name: named(name),
        proper: first.to_owned(),
        commit,
        by_name,
    })
}

/// `Name <address>` at the head of the text, and what follows.
fn identity(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = text.split_once('<')?;
    let (email, rest) = rest.split_once('>')?;
    let clean = !name.contains('>') && !email.trim().is_empty() && !email.contains('<');
    clean.then(|| (name.trim(), email.trim(), rest))
}
