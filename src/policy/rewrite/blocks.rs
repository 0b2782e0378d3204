//! Which lines of a text belong to which entry of a mapping.

use super::super::yaml::{Entry, Node};
use std::ops::Range;

/// The lines of a text, with their line ends.
pub(super) struct Lines<'a>(Vec<&'a str>);

/// The lines of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// Its first line: the comments and blank lines right above its key.
    pub(super) start: usize,
    /// Its key's line.
    pub(super) key: usize,
    /// The line after its last.
    pub(super) end: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self(text.split_inclusive('\n').collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The line after the last of the document: what `...` closes is not written behind it.
    pub(super) fn document_end(&self) -> usize {
        let closes = |line: &&str| line.starts_with("...");
        self.0.iter().position(closes).unwrap_or(self.0.len())
    }

    /// Whether a section's line has its key and nothing more but a comment: only below such a line
    /// may entries stand.
    pub(super) fn is_header(&self, at: usize) -> bool {
        let line = self.0.get(at).and_then(|line| line.split_once(':'));
        line.is_some_and(|(_, rest)| {
            let rest = rest.trim();
            rest.is_empty() || rest.starts_with('#')
        })
    }

    /// Some of them.
    pub(super) fn text(&self, range: Range<usize>) -> String {
        self.0.get(range).unwrap_or_default().concat()
    }

    /// Whether a value is written in brackets or braces.
    pub(super) fn is_flow(&self, node: &Node) -> bool {
        let line = self.0.get(index(node.at.line));
        let column = index(node.at.column);
        let first = line.and_then(|line| line.chars().nth(column));
        matches!(first, Some('{' | '['))
    }

    /// The lines of each of `entries`, which follow each other within `range` in block style.
    pub(super) fn blocks(&self, range: Range<usize>, entries: &[Entry]) -> Vec<Block> {
        let starts: Vec<usize> = entries
            .iter()
            .map(|entry| self.above(range.start, entry))
            .collect();
        let block = |(at, entry): (usize, &Entry)| Block {
            start: starts.get(at).copied().unwrap_or(range.start),
            key: index(entry.key_at.line),
            end: starts
                .get(at + 1)
                .copied()
                .unwrap_or_else(|| self.trimmed(&range, entry)),
        };
        entries.iter().enumerate().map(block).collect()
    }

    /// The first of the comments at an entry's own indent, and blank lines, right above it.
    fn above(&self, from: usize, entry: &Entry) -> usize {
        let mut at = index(entry.key_at.line);
        while at > from && self.belongs_below(at - 1, index(entry.key_at.column)) {
            at -= 1;
        }
        at
    }

    /// The end of the last entry of a range: what follows it at its left belongs to nobody.
    fn trimmed(&self, range: &Range<usize>, entry: &Entry) -> usize {
        let mut at = range.end;
        while at > index(entry.key_at.line) + 1
            && self.belongs_below(at - 1, index(entry.key_at.column))
        {
            at -= 1;
        }
        at
    }

    fn belongs_below(&self, at: usize, indent: usize) -> bool {
        self.0.get(at).is_some_and(|line| {
            let text = line.trim_start_matches(' ');
            let blanks = line.len() - text.len();
            text.trim().is_empty() || (text.starts_with('#') && blanks <= indent)
        })
    }

    /// The whole text with some ranges of lines, in their order, replaced.
    pub(super) fn with(&self, mut replaced: Vec<(Range<usize>, String)>) -> String {
        replaced.sort_by_key(|(range, _)| range.start);
        let mut text = String::new();
        let mut at = 0;
        for (range, instead) in replaced {
            text.push_str(&self.text(at..range.start));
            if !instead.is_empty() && !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&instead);
            at = range.end;
        }
        text.push_str(&self.text(at..self.len()));
        text
    }
}

/// A place counted from 1 as an index.
fn index(number: u32) -> usize {
    usize::try_from(number)
        .unwrap_or(usize::MAX)
        .saturating_sub(1)
}
