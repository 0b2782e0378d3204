//! A policy's text with other people and teams in it, and every other byte as it was.
//!
//! What does not change keeps its lines, comments included: a reviewer sees the change and nothing
//! else. The new text is read back before it is given out, so that it says what was asked for.

mod blocks;
mod register;
mod write;

#[cfg(test)]
mod tests;

pub use register::{Register, RegisterPerson};

use super::PolicyErrors;
use super::yaml::{Entry, Node, Value};
use crate::types::PersonName;
use blocks::Lines;
use std::collections::BTreeMap;

/// Comment lines above the entries of new people; escaped when they are written.
pub type Notes = BTreeMap<PersonName, Vec<String>>;

/// Why a policy's text cannot be rewritten.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// It cannot be read at all.
    #[error("{0}")]
    Unreadable(#[from] PolicyErrors),
    /// It is written in a way that leaves no lines to replace.
    #[error("the file is not written with each of its keys at the beginning of a line")]
    Layout,
    /// An entry that would be lost, because no policy can have it.
    #[error(
        "an entry of `{section}` is not as the format has it; `relhook policy lint` says where"
    )]
    Unknown {
        /// `people` or `teams`.
        section: &'static str,
    },
    /// A value that a policy cannot hold in any spelling.
    #[error("`{shown}` holds a character that no policy may hold")]
    Character {
        /// The value, escaped.
        shown: String,
    },
    /// What was written does not read back as what was asked for.
    #[error("the policy cannot be rewritten without changing its meaning: edit it by hand")]
    Contradiction,
}

/// `policy`, a policy's text, with the people and teams of `wanted` instead of its own. Entries that
/// stay the same keep their bytes, as does everything outside the two sections. The text may be a draft:
/// a section that is not there is added behind everything else.
///
/// # Errors
/// When the text cannot be read or is laid out so that no lines can be replaced, when a value
/// cannot stand in a policy, or when the result would not read back as asked.
pub fn rewrite(policy: &[u8], wanted: &Register, notes: &Notes) -> Result<String, RewriteError> {
    let root = tree(policy)?;
    let old = Register::of_tree(&root)?;
    wanted.check()?;
    // Text whose tree was read is UTF-8.
    let policy = std::str::from_utf8(policy).map_err(|_| RewriteError::Contradiction)?;
    let lines = Lines::of(policy);
    let mut sections = Vec::new();
    if old.people != wanted.people {
        let section = section(&root, &lines, "people")?;
        sections.push(write::people(&lines, section, &old, wanted, notes));
    }
    if old.teams != wanted.teams {
        let section = section(&root, &lines, "teams")?;
        sections.push(write::teams(&lines, section, &old, wanted));
    }
    let text = lines.with(sections);
    let again = tree(text.as_bytes())?;
    let same = Register::of_tree(&again)? == *wanted && others_agree(&root, &again);
    same.then_some(text).ok_or(RewriteError::Contradiction)
}

/// The sections alone, as text to paste into a policy; one with nobody in it is left out.
///
/// # Errors
/// When a value cannot stand in a policy, or the result would not read back as asked.
pub fn sections(wanted: &Register, notes: &Notes) -> Result<String, RewriteError> {
    wanted.check()?;
    let text = write::alone(wanted, notes);
    let same = text.is_empty() || Register::of(text.as_bytes())? == *wanted;
    same.then_some(text).ok_or(RewriteError::Contradiction)
}

fn tree(policy: &[u8]) -> Result<Node, PolicyErrors> {
    super::tree(policy, super::POLICY_FILE)
}

fn entries(node: &Node) -> &[Entry] {
    match &node.value {
        Value::Map(entries) => entries,
        Value::Scalar(_) | Value::List(_) | Value::Faulty => &[],
    }
}

/// A section with the lines that it takes up: none, and no entry, where it is not there yet.
struct Section<'a> {
    name: &'static str,
    entry: Option<&'a Entry>,
    lines: std::ops::Range<usize>,
}

fn section<'a>(
    root: &'a Node,
    lines: &Lines<'_>,
    name: &'static str,
) -> Result<Section<'a>, RewriteError> {
    let all = entries(root);
    let first = all.first().ok_or(RewriteError::Layout)?;
    if root.at != first.key_at || all.iter().any(|entry| entry.key_at.column != 1) {
        return Err(RewriteError::Layout);
    }
    let end = lines.document_end();
    let blocks = lines.blocks(0..end, all);
    let mut found = all.iter().zip(&blocks);
    Ok(match found.find(|(entry, _)| entry.key.text == name) {
        Some((entry, block)) => Section {
            name,
            entry: Some(entry),
            lines: block.key..block.end,
        },
        None => Section {
            name,
            entry: None,
            lines: end..end,
        },
    })
}

/// Whether everything but people and teams is the same, wherever it stands.
fn others_agree(old: &Node, new: &Node) -> bool {
    let others = |node: &Node| -> Vec<(String, Meaning)> {
        let all = entries(node).iter();
        let others = all.filter(|entry| !matches!(entry.key.text.as_str(), "people" | "teams"));
        others
            .map(|entry| (entry.key.text.clone(), meaning(&entry.value)))
            .collect()
    };
    others(old) == others(new)
}

/// A value without its place.
#[derive(PartialEq, Eq)]
enum Meaning {
    Scalar(String, bool),
    List(Vec<Meaning>),
    Map(Vec<(String, Meaning)>),
    Faulty,
}

fn meaning(node: &Node) -> Meaning {
    match &node.value {
        Value::Scalar(scalar) => Meaning::Scalar(scalar.text.clone(), scalar.plain),
        Value::List(items) => Meaning::List(items.iter().map(meaning).collect()),
        Value::Map(entries) => {
            let entry = |entry: &Entry| (entry.key.text.clone(), meaning(&entry.value));
            Meaning::Map(entries.iter().map(entry).collect())
        }
        Value::Faulty => Meaning::Faulty,
    }
}
