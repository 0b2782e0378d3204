//! Words of others in a message: escaped, and bounded in length and number.

use super::Complaint;
use crate::release::drift::Difference;
use crate::types::{RepoPath, escape};

/// How many paths a message lists.
const SHOWN: usize = 20;

/// How many characters of a path in a list are shown.
const PATH_SHOWN: usize = 160;

/// How many bytes of a site's answer a message repeats.
const REPLY_LIMIT: usize = 200;

/// How many bytes of the end of a program's messages a message repeats.
const END_LIMIT: usize = 600;

/// A site's answer, made safe to show: escaped, on one line, at most 200 bytes of it.
#[must_use]
pub(in crate::release) fn shown_reply(reply: &[u8]) -> String {
    let text = reply.trim_ascii();
    let head = text.get(..REPLY_LIMIT).unwrap_or(text);
    let mut shown = escape(head);
    if head.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// Why JSON of others cannot be read: the reason may quote any part of it.
#[must_use]
pub(in crate::release) fn shown_fault(error: &serde_json::Error) -> String {
    shown_reply(error.to_string().as_bytes())
}

/// The end of what a program said, made safe to show: its last lines, escaped, on one line.
#[must_use]
pub(in crate::release) fn shown_end(said: &[u8]) -> String {
    let text = said.trim_ascii();
    let start = text.len().saturating_sub(END_LIMIT);
    let end = text.get(start..).unwrap_or_default();
    let lines: Vec<String> = end
        .split(|byte| *byte == b'\n')
        .map(|line| escape(line.trim_ascii()))
        .filter(|line| !line.is_empty())
        .collect();
    let mark = if start > 0 { "…" } else { "" };
    format!("{mark}{}", lines.join(" / "))
}

pub(super) fn complaints(all: &[Complaint], more: usize) -> String {
    let mut text: String = all
        .iter()
        .map(|one| format!("\n  {}: {}", shown_path(&one.path), one.why))
        .collect();
    if more > 0 {
        text.push_str(&format!("\n  and {more} more"));
    }
    text
}

pub(super) fn paths(all: &[RepoPath]) -> String {
    let mut text: String = all
        .iter()
        .take(SHOWN)
        .map(|path| format!("\n  {}", shown_path(path)))
        .collect();
    if let Some(more) = all.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        text.push_str(&format!("\n  and {more} more"));
    }
    text
}

pub(super) fn differences(all: &[Difference]) -> String {
    let shown = all.iter().take(SHOWN);
    let mut text: String = shown
        .map(|one| {
            let path = shown_path(&one.path);
            format!("\n  {:<7} {path}: {}", one.what.word(), one.how)
        })
        .collect();
    if let Some(more) = all.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        text.push_str(&format!("\n  and {more} more"));
    }
    text
}

/// A path in a list: long ones are cut, so that no message grows without bound.
pub(in crate::release) fn shown_path(path: &RepoPath) -> String {
    let shown = path.to_string();
    match shown.char_indices().nth(PATH_SHOWN) {
        Some((at, _)) => format!("{}…", shown.get(..at).unwrap_or_default()),
        None => shown,
    }
}
