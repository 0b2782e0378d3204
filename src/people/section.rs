//! One top-level section of a policy file, line by line: which lines an entry has, so that those
//! that stay the same stay as they are, with their comments.

use super::WriteError;
use super::read::{entries, under};
use crate::policy::{TreeEntry, TreeNode};

/// An entry that the section is to have.
#[derive(Debug)]
pub(super) struct Item {
    /// Its key.
    pub(super) name: String,
    /// Its lines, without indentation of their own, where it is written anew.
    pub(super) lines: Vec<String>,
    /// Comment lines above it where it is new.
    pub(super) notes: Vec<String>,
    /// Whether an entry that is there says the same.
    pub(super) unchanged: bool,
}

/// The lines of an entry that is there, from and to (without it), counted from 0.
struct Span {
    /// Comments and blank lines above it.
    lead: usize,
    /// Its key.
    key: usize,
    /// What comes after it.
    end: usize,
}

/// The blanks in front of an entry where nothing is there to go by.
const INDENT: usize = 2;

/// The text with the section `key` replaced, or added at its end.
pub(super) fn splice(
    text: &str,
    root: &TreeNode,
    key: &str,
    items: &[Item],
) -> Result<String, WriteError> {
    laid_out(root)?;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let Some(section) = under(root, key) else {
        let mut out = ended(text);
        out.push_str(&fresh(key, items));
        return Ok(out);
    };
    let start = index(section.key_at.line);
    let end = section_end(&lines, root, start);
    let mut out = lines.get(..start).unwrap_or_default().concat();
    match block(&lines, section, end) {
        Some((indent, spans)) if !items.is_empty() => {
            let header = lines.get(start).copied().unwrap_or_default();
            out.push_str(header);
            out.push_str(&kept(&lines, section, &spans, indent, items));
        }
        Some(_) | None => out.push_str(&fresh(key, items)),
    }
    out.push_str(&lines.get(end..).unwrap_or_default().concat());
    Ok(out)
}

/// Each of the file's own keys begins a line.
fn laid_out(root: &TreeNode) -> Result<(), WriteError> {
    let keys = entries(root);
    let first = keys.first().ok_or(WriteError::Layout)?;
    let begins = keys.iter().all(|entry| entry.key_at.column == 1);
    if begins && root.at == first.key_at && increasing(keys) {
        Ok(())
    } else {
        Err(WriteError::Layout)
    }
}

fn increasing(keys: &[TreeEntry]) -> bool {
    keys.iter()
        .zip(keys.iter().skip(1))
        .all(|(one, next)| one.key_at.line < next.key_at.line)
}

fn index(line: u32) -> usize {
    usize::try_from(line)
        .unwrap_or(usize::MAX)
        .saturating_sub(1)
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

fn depth(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Where the section ends: before the next one, and what stands above that.
fn section_end(lines: &[&str], root: &TreeNode, start: usize) -> usize {
    let keys = entries(root).iter().map(|entry| index(entry.key_at.line));
    let next = keys.filter(|line| *line > start).min();
    let mut end = next.unwrap_or(lines.len());
    let outside = |line: &&str| is_blank(line) || line.starts_with('#') || line.starts_with("...");
    while end > start + 1 && lines.get(end - 1).is_some_and(outside) {
        end -= 1;
    }
    end
}

/// The entries' indentation and lines, where the section is a mapping with one entry a line.
fn block(lines: &[&str], section: &TreeEntry, end: usize) -> Option<(usize, Vec<Span>)> {
    let there = entries(&section.value);
    let first = there.first()?;
    let indent = index(first.key_at.column);
    let on_own_line = |entry: &TreeEntry| {
        let line = lines.get(index(entry.key_at.line));
        line.is_some_and(|line| depth(line) == indent)
    };
    let is_block = section.value.at == first.key_at
        && first.key_at.line > section.key_at.line
        && increasing(there)
        && there.iter().all(on_own_line);
    if !is_block {
        return None;
    }
    let mut spans: Vec<Span> = Vec::with_capacity(there.len());
    let mut above = index(section.key_at.line);
    for entry in there {
        let key = index(entry.key_at.line);
        let mut lead = key;
        let belongs = |line: &&str| is_blank(line) || (is_comment(line) && depth(line) <= indent);
        while lead > above + 1 && lines.get(lead - 1).is_some_and(belongs) {
            lead -= 1;
        }
        if let Some(last) = spans.last_mut() {
            last.end = lead;
        }
        spans.push(Span { lead, key, end });
        above = key;
    }
    Some((indent, spans))
}

/// The entries that are there, in their order, then the new ones.
fn kept(
    lines: &[&str],
    section: &TreeEntry,
    spans: &[Span],
    indent: usize,
    items: &[Item],
) -> String {
    let there = entries(&section.value);
    let part = |from: usize, to: usize| lines.get(from..to).unwrap_or_default().concat();
    let mut out = String::new();
    for (entry, span) in there.iter().zip(spans) {
        let Some(item) = items.iter().find(|item| item.name == entry.key.text) else {
            continue;
        };
        out.push_str(&part(span.lead, span.key));
        if item.unchanged {
            out.push_str(&ended(&part(span.key, span.end)));
        } else {
            out.push_str(&indented(&item.lines, indent));
        }
    }
    let is_new = |item: &&Item| !there.iter().any(|entry| entry.key.text == item.name);
    for item in items.iter().filter(is_new) {
        out.push_str(&indented(&item.notes, indent));
        out.push_str(&indented(&item.lines, indent));
    }
    out
}

/// A whole section.
pub(super) fn fresh(key: &str, items: &[Item]) -> String {
    if items.is_empty() {
        return format!("{key}: {{}}\n");
    }
    let mut out = format!("{key}:\n");
    for item in items {
        out.push_str(&indented(&item.notes, INDENT));
        out.push_str(&indented(&item.lines, INDENT));
    }
    out
}

fn indented(lines: &[String], indent: usize) -> String {
    let blanks = " ".repeat(indent);
    lines
        .iter()
        .map(|line| format!("{blanks}{line}\n"))
        .collect()
}

/// The text with a line end behind it.
fn ended(text: &str) -> String {
    let end = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    format!("{text}{end}")
}
