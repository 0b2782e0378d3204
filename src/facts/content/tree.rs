//! One tree in memory, and several walked side by side.

use super::trees::Leaf;
use crate::object::{ObjectError, TreeEntryKind, tree_entries};
use crate::types::Oid;
use std::cmp::Ordering;
use std::rc::Rc;

/// The bytes of an object id in a tree.
const OID_LEN: usize = 20;

/// A tree that fits the grammar: its bytes, and where its entries are in them.
#[derive(Debug, Default)]
pub(super) struct Tree {
    bytes: Rc<Vec<u8>>,
    entries: Vec<Place>,
}

/// Where one entry is.
#[derive(Debug, Clone, Copy)]
struct Place {
    kind: TreeEntryKind,
    start: usize,
    name: usize,
    end: usize,
}

/// One entry, borrowed.
#[derive(Clone, Copy)]
struct Entry<'t> {
    kind: TreeEntryKind,
    name: &'t [u8],
    /// Mode, name and object.
    bytes: &'t [u8],
}

impl Tree {
    /// Reads a tree whole.
    pub(super) fn read(bytes: Rc<Vec<u8>>) -> Result<Self, ObjectError> {
        let mut entries = Vec::with_capacity(bytes.len() / 32);
        let mut start = 0;
        for entry in tree_entries(&bytes) {
            let entry = entry?;
            let name = start + mode_len(entry.kind) + 1;
            let end = name + entry.name.len() + 1 + OID_LEN;
            entries.push(Place {
                kind: entry.kind,
                start,
                name,
                end,
            });
            start = end;
        }
        Ok(Self { bytes, entries })
    }

    /// About how much memory it takes, in bytes.
    pub(super) fn weight(&self) -> usize {
        128 + self.bytes.capacity() + self.entries.capacity() * size_of::<Place>()
    }

    fn entry(&self, at: usize) -> Option<Entry<'_>> {
        let place = self.entries.get(at)?;
        Some(Entry {
            kind: place.kind,
            name: self.bytes.get(place.name..place.end - OID_LEN - 1)?,
            bytes: self.bytes.get(place.start..place.end)?,
        })
    }
}

fn mode_len(kind: TreeEntryKind) -> usize {
    match kind {
        TreeEntryKind::Tree => "40000".len(),
        TreeEntryKind::File
        | TreeEntryKind::Executable
        | TreeEntryKind::Symlink
        | TreeEntryKind::Submodule => "100644".len(),
    }
}

impl<'t> Entry<'t> {
    fn leaf(self) -> Option<Leaf> {
        let oid = self.bytes.get(self.bytes.len() - OID_LEN..)?;
        Some((self.kind, Oid::from_bytes(oid).ok()?))
    }

    /// Git's order: a folder sorts as if its name ended in a slash.
    fn order(self, other: Entry<'_>) -> Ordering {
        let shared = self.name.len().min(other.name.len());
        let (head, tail) = self.name.split_at(shared);
        let (other_head, other_tail) = other.name.split_at(shared);
        head.cmp(other_head)
            .then_with(|| next_byte(self.kind, tail).cmp(&next_byte(other.kind, other_tail)))
    }
}

fn next_byte(kind: TreeEntryKind, tail: &[u8]) -> u8 {
    let end = if kind == TreeEntryKind::Tree { b'/' } else { 0 };
    tail.first().copied().unwrap_or(end)
}

/// Entries of several trees with the same name and of the same sort: all folders, or all leaves.
pub(super) struct Group<'t, const N: usize> {
    pub name: &'t [u8],
    pub folder: bool,
    pub entries: [Option<Leaf>; N],
}

impl<const N: usize> Group<'_, N> {
    /// The folders' trees.
    pub(super) fn trees(&self) -> [Option<Oid>; N] {
        self.entries.map(|entry| entry.map(|(_, oid)| oid))
    }
}

/// The entries of several trees side by side, in git's order, without those that are the same
/// in all of them at the beginning and at the end.
pub(super) fn side_by_side<const N: usize>(trees: [&Tree; N]) -> SideBySide<'_, N> {
    let mut cursors = trees.map(|tree| (0, tree.entries.len()));
    while same(&trees, &cursors, |start, _| start) {
        cursors.iter_mut().for_each(|(start, _)| *start += 1);
    }
    while same(&trees, &cursors, |_, end| end - 1) {
        cursors.iter_mut().for_each(|(_, end)| *end -= 1);
    }
    SideBySide { trees, cursors }
}

/// Whether each tree has an entry left and those that `pick` chooses are all the same.
fn same(trees: &[&Tree], cursors: &[(usize, usize)], pick: fn(usize, usize) -> usize) -> bool {
    let mut entries = trees.iter().zip(cursors).map(|(tree, (start, end))| {
        let left = start < end;
        left.then(|| tree.entry(pick(*start, *end))).flatten()
    });
    let Some(Some(first)) = entries.next() else {
        return false;
    };
    entries.all(|entry| entry.is_some_and(|entry| entry.bytes == first.bytes))
}

/// See [`side_by_side`].
pub(super) struct SideBySide<'t, const N: usize> {
    trees: [&'t Tree; N],
    /// For each tree, the next entry and the first that is not looked at.
    cursors: [(usize, usize); N],
}

impl<'t, const N: usize> Iterator for SideBySide<'t, N> {
    type Item = Group<'t, N>;

    fn next(&mut self) -> Option<Self::Item> {
        let heads: [Option<Entry<'t>>; N] = std::array::from_fn(|at| {
            let (next, end) = *self.cursors.get(at)?;
            let tree = self.trees.get(at)?;
            (next < end).then(|| tree.entry(next)).flatten()
        });
        let first = heads
            .iter()
            .flatten()
            .copied()
            .min_by(|left, right| left.order(*right))?;
        let mut entries = [None; N];
        for ((slot, head), cursor) in entries.iter_mut().zip(heads).zip(&mut self.cursors) {
            if let Some(head) = head.filter(|head| head.order(first).is_eq()) {
                *slot = head.leaf();
                cursor.0 += 1;
            }
        }
        Some(Group {
            name: first.name,
            folder: first.kind == TreeEntryKind::Tree,
            entries,
        })
    }
}
