//! Trees: entries of five modes, in git's order, no name twice.

use super::error::{ObjectError, shown};
use super::{TreeEntry, TreeEntryKind, name};
use crate::types::Oid;
use std::cmp::Ordering;

/// The most entries of one tree that are read.
pub const MAX_TREE_ENTRIES: usize = 500_000;

/// The bytes of an object id in a tree.
const OID_LEN: usize = 20;

/// One entry of a tree, borrowed from the tree's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeEntryRef<'a> {
    /// The kind, from the mode.
    pub kind: TreeEntryKind,
    /// The name: not empty, `.`, `..`, no `/`, no NUL, no spelling of `.git`.
    pub name: &'a [u8],
    /// The object.
    pub oid: Oid,
}

impl TreeEntryRef<'_> {
    /// The entry by itself.
    #[must_use]
    pub fn to_owned(&self) -> TreeEntry {
        TreeEntry {
            kind: self.kind,
            name: self.name.to_vec(),
            oid: self.oid,
        }
    }

    /// Where this entry stands beside `other` in git's order: folders as if their name ended in
    /// `/`.
    #[must_use]
    pub fn git_order(&self, other: &TreeEntryRef<'_>) -> Ordering {
        let common = self.name.len().min(other.name.len());
        self.name
            .get(..common)
            .cmp(&other.name.get(..common))
            .then_with(|| self.byte_at(common).cmp(&other.byte_at(common)))
    }

    /// The name's byte at `index`; behind a folder's name stands a `/`, behind others nothing.
    fn byte_at(&self, index: usize) -> u8 {
        let behind = if self.kind == TreeEntryKind::Tree {
            b'/'
        } else {
            0
        };
        self.name.get(index).copied().unwrap_or(behind)
    }
}

/// Reads a tree whole.
///
/// # Errors
/// The first thing that does not fit the grammar: see [`ObjectError`].
pub fn parse_tree(raw: &[u8]) -> Result<Vec<TreeEntry>, ObjectError> {
    tree_entries(raw)
        .map(|entry| entry.map(|entry| entry.to_owned()))
        .collect()
}

/// Reads a tree entry by entry, borrowing the names; an entry costs no allocation.
///
/// Each entry is checked against those before it, so that a tree is sound only once the iterator
/// has come to its end without an error. Nothing follows an error.
#[must_use]
pub fn tree_entries(raw: &[u8]) -> TreeEntries<'_> {
    TreeEntries {
        rest: raw,
        previous: None,
        shadows: Vec::new(),
        count: 0,
    }
}

/// The entries of a tree: made by [`tree_entries`].
#[derive(Debug, Clone)]
pub struct TreeEntries<'a> {
    rest: &'a [u8],
    previous: Option<TreeEntryRef<'a>>,
    /// Names of earlier non-folders, each the beginning of the next, that a folder of the same
    /// name could still follow: between `a` and `a/` other names such as `a.b` may stand.
    shadows: Vec<&'a [u8]>,
    count: usize,
}

impl<'a> Iterator for TreeEntries<'a> {
    type Item = Result<TreeEntryRef<'a>, ObjectError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        if let Some(entry) = self.plain() {
            return Some(Ok(entry));
        }
        let entry = self.read();
        if entry.is_err() {
            self.rest = &[];
        }
        Some(entry)
    }
}

impl std::iter::FusedIterator for TreeEntries<'_> {}

impl<'a> TreeEntries<'a> {
    /// The entries of `rest`, which stands behind `count` others, the last of them `previous`, that
    /// were found sound; and behind those, [`Self::is_simple`] was so.
    pub(crate) fn resumed(
        rest: &'a [u8],
        previous: Option<TreeEntryRef<'a>>,
        count: usize,
    ) -> Self {
        Self {
            rest,
            previous,
            shadows: Vec::new(),
            count,
        }
    }

    /// Whether of the entries so far only the last one has a say in what may follow.
    pub(crate) fn is_simple(&self) -> bool {
        self.shadows.is_empty()
    }

    /// The next entry, where nothing about it or its place takes a second look: nearly always.
    /// What this gives, [`Self::read`] gives as well.
    fn plain(&mut self) -> Option<TreeEntryRef<'a>> {
        let (kind, rest) = plain_mode(self.rest)?;
        let (name, rest) = rest.split_at_checked(memchr::memchr(0, rest)?)?;
        let (oid, rest) = rest.get(1..)?.split_at_checked(OID_LEN)?;
        let oid = Oid::from_bytes(oid).ok()?;
        let follows = self.previous.is_none_or(|previous| {
            let mut pairs = previous.name.iter().zip(name);
            // Neither begins with the other.
            pairs
                .find(|(left, right)| left != right)
                .is_some_and(|(left, right)| left < right)
        });
        let sound = name::is_plain(name) && self.shadows.is_empty();
        if !follows || !sound || self.count == MAX_TREE_ENTRIES {
            return None;
        }
        let entry = TreeEntryRef { kind, name, oid };
        self.rest = rest;
        self.count += 1;
        self.previous = Some(entry);
        Some(entry)
    }

    fn read(&mut self) -> Result<TreeEntryRef<'a>, ObjectError> {
        if self.count == MAX_TREE_ENTRIES {
            return Err(ObjectError::TooManyEntries {
                limit: MAX_TREE_ENTRIES,
            });
        }
        self.count += 1;
        let entry = self.take_entry()?;
        self.check_order(&entry)?;
        self.previous = Some(entry);
        Ok(entry)
    }

    fn take_entry(&mut self) -> Result<TreeEntryRef<'a>, ObjectError> {
        let (mode, rest) = split_at_byte(self.rest, b' ')?;
        let (name, rest) = split_at_byte(rest, 0)?;
        let (oid, rest) = rest
            .split_at_checked(OID_LEN)
            .ok_or(ObjectError::TreeTruncated)?;
        self.rest = rest;
        let kind = read_mode(mode).ok_or_else(|| ObjectError::Mode {
            name: shown(name),
            mode: shown(mode),
        })?;
        if let Some(why) = name::fault(name) {
            let name = shown(name);
            return Err(ObjectError::EntryName { name, why });
        }
        let oid = Oid::from_bytes(oid).map_err(|_| ObjectError::EntryOid { name: shown(name) })?;
        Ok(TreeEntryRef { kind, name, oid })
    }

    fn check_order(&mut self, entry: &TreeEntryRef<'a>) -> Result<(), ObjectError> {
        let Some(previous) = self.previous else {
            return Ok(());
        };
        let common = previous.name.len().min(entry.name.len());
        let (head, other) = (previous.name.get(..common), entry.name.get(..common));
        match head.cmp(&other) {
            // Neither begins with the other, and no earlier name is waited for: the usual case.
            Ordering::Less if self.shadows.is_empty() => return Ok(()),
            Ordering::Less => {}
            Ordering::Greater => return Err(unsorted(entry)),
            Ordering::Equal => self.check_prefix(&previous, entry)?,
        }
        while self
            .shadows
            .pop_if(|shadow| !entry.name.starts_with(shadow))
            .is_some()
        {}
        if self.shadows.last() == Some(&entry.name) {
            return Err(duplicate(entry));
        }
        Ok(())
    }

    /// For two names of which one is the beginning of the other.
    fn check_prefix(
        &mut self,
        previous: &TreeEntryRef<'a>,
        entry: &TreeEntryRef<'a>,
    ) -> Result<(), ObjectError> {
        if previous.name == entry.name {
            return Err(duplicate(entry));
        }
        if previous.git_order(entry) != Ordering::Less {
            return Err(unsorted(entry));
        }
        if previous.kind != TreeEntryKind::Tree && entry.name.starts_with(previous.name) {
            self.shadows.push(previous.name);
        }
        Ok(())
    }
}

fn unsorted(entry: &TreeEntryRef<'_>) -> ObjectError {
    ObjectError::Unsorted {
        name: shown(entry.name),
    }
}

fn duplicate(entry: &TreeEntryRef<'_>) -> ObjectError {
    ObjectError::DuplicateEntry {
        name: shown(entry.name),
    }
}

/// What stands before and after the first `byte`.
fn split_at_byte(bytes: &[u8], byte: u8) -> Result<(&[u8], &[u8]), ObjectError> {
    memchr::memchr(byte, bytes)
        .and_then(|at| bytes.split_at_checked(at))
        .and_then(|(before, rest)| Some((before, rest.get(1..)?)))
        .ok_or(ObjectError::TreeTruncated)
}

/// The mode at the head of a tree's bytes and the blank behind it, and what follows.
fn plain_mode(bytes: &[u8]) -> Option<(TreeEntryKind, &[u8])> {
    let kind = |mode: &[u8], kind| Some((kind, bytes.strip_prefix(mode)?));
    kind(b"100644 ", TreeEntryKind::File)
        .or_else(|| kind(b"40000 ", TreeEntryKind::Tree))
        .or_else(|| kind(b"100755 ", TreeEntryKind::Executable))
}

fn read_mode(mode: &[u8]) -> Option<TreeEntryKind> {
    match mode {
        b"40000" => Some(TreeEntryKind::Tree),
        b"100644" => Some(TreeEntryKind::File),
        b"100755" => Some(TreeEntryKind::Executable),
        b"120000" => Some(TreeEntryKind::Symlink),
        b"160000" => Some(TreeEntryKind::Submodule),
        _ => None,
    }
}
