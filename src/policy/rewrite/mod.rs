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

use super::complaint::Complaints;
use super::yaml::{self, Entry, Node, Value};
use super::{PolicyErrors, text};
use blocks::Lines;

/// Why a policy's text cannot be rewritten.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// It cannot be read at all.
    #[error("{0}")]
    Unreadable(#[from] PolicyErrors),
    /// It is written in a way that leaves no lines to replace.
    #[error(
        "`{section}` does not stand on a line of its own at the left edge, so it cannot be replaced"
    )]
    Layout {
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
/// stay the same keep their bytes, as does everything outside the two sections.
///
/// # Errors
/// When the text cannot be read or is laid out so that no lines can be replaced, when a value
/// cannot stand in a policy, or when the result would not read back as asked.
pub fn rewrite(policy: &[u8], wanted: &Register) -> Result<String, RewriteError> {
    let root = tree(policy)?;
    let old = Register::of_tree(&root).ok_or(RewriteError::Contradiction)?;
    wanted.check()?;
    // Text whose tree was read is UTF-8.
    let policy = std::str::from_utf8(policy).map_err(|_| RewriteError::Contradiction)?;
    let lines = Lines::of(policy);
    let mut sections = Vec::new();
    if old.people != wanted.people {
        sections.push(write::people(
            &lines,
            section(&root, &lines, "people")?,
            &old,
            wanted,
        ));
    }
    if old.teams != wanted.teams {
        sections.push(write::teams(
            &lines,
            section(&root, &lines, "teams")?,
            &old,
            wanted,
        ));
    }
    let text = lines.with(sections);
    let again = tree(text.as_bytes())?;
    let same = Register::of_tree(&again).as_ref() == Some(wanted) && others_agree(&root, &again);
    same.then_some(text).ok_or(RewriteError::Contradiction)
}

fn tree(policy: &[u8]) -> Result<Node, PolicyErrors> {
    let mut complaints = Complaints::about(super::POLICY_FILE);
    let root =
        text::read(policy, &mut complaints).and_then(|text| yaml::read(text, &mut complaints));
    complaints.judge(root)
}

fn entries(node: &Node) -> &[Entry] {
    match &node.value {
        Value::Map(entries) => entries,
        Value::Scalar(_) | Value::List(_) | Value::Faulty => &[],
    }
}

/// A section with the lines that it takes up.
struct Section<'a> {
    entry: &'a Entry,
    lines: std::ops::Range<usize>,
}

fn section<'a>(
    root: &'a Node,
    lines: &Lines<'_>,
    name: &'static str,
) -> Result<Section<'a>, RewriteError> {
    let layout = || RewriteError::Layout { section: name };
    let all = entries(root);
    if all.iter().any(|entry| entry.key_at.column != 1) {
        return Err(layout());
    }
    let at = all.iter().position(|entry| entry.key.text == name);
    let at = at.ok_or_else(layout)?;
    let blocks = lines.blocks(0..lines.len(), all);
    let (entry, block) = all.get(at).zip(blocks.get(at)).ok_or_else(layout)?;
    Ok(Section {
        entry,
        lines: block.key..block.end,
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
