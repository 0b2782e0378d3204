//! One tree in memory, and several walked side by side.

use super::trees::Leaf;
use crate::object::{MAX_TREE_ENTRIES, ObjectError, TreeEntries, TreeEntryKind, TreeEntryRef};
use crate::types::Oid;
use std::cmp::Ordering;
use std::rc::Rc;

/// The bytes of an object id in a tree.
const OID_LEN: usize = 20;
/// So many bytes are compared at once.
const CHUNK: usize = 64;

/// A tree that fits the grammar: its bytes, and where its entries are in them.
#[derive(Debug, Default)]
pub(super) struct Tree {
    bytes: Rc<Vec<u8>>,
    entries: Vec<Place>,
    /// Whether, wherever in it one stands, of the entries before only the last one has a say in what
    /// may follow.
    simple: bool,
}

/// Where one entry is. Kept small, for there are millions; no tree that is read is longer than this
/// can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    kind: TreeEntryKind,
    start: u32,
    end: u32,
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
    /// Reads a tree, which is likely to differ from another one in a few entries only.
    ///
    /// Whether an entry is sound depends on itself and on those before it; where the other tree is
    /// simple, on the last one of those alone. So what both begin with is as sound here as there, and
    /// so is what both end with, once the first of it was read here.
    pub(super) fn read_beside(bytes: Rc<Vec<u8>>, other: &Self) -> Result<Self, ObjectError> {
        let (head, tail) = other.shared_with(&bytes);
        let mut start = head.last().map_or(0, Place::end);
        // Where the end that both have begins: there, and here.
        let ending = tail.first().map(|first| {
            let behind = other.bytes.len() - first.start();
            (first.start(), bytes.len() - behind)
        });
        let mut entries = Vec::with_capacity(bytes.len() / 32);
        entries.extend_from_slice(head);
        let mut simple = true;
        let last = head.last().and_then(|last| last.reference(&other.bytes));
        let rest = bytes.get(start..).unwrap_or_default();
        let mut rest = TreeEntries::resumed(rest, last, head.len());
        while let Some(entry) = rest.next() {
            let entry = entry?;
            let end = start + mode_len(entry.kind) + 1 + entry.name.len() + 1 + OID_LEN;
            entries.push(Place::new(entry.kind, start, end)?);
            simple &= rest.is_simple();
            if let Some((there, here)) = ending.filter(|(_, here)| simple && *here == start) {
                for place in tail.iter().skip(1) {
                    let moved = |at: usize| at - there + here;
                    let (start, end) = (moved(place.start()), moved(place.end()));
                    entries.push(Place::new(place.kind, start, end)?);
                }
                break;
            }
            start = end;
        }
        if entries.len() > MAX_TREE_ENTRIES {
            return Err(too_many());
        }
        Ok(Self {
            bytes,
            entries,
            simple,
        })
    }

    /// The entries with which both this tree and another one begin, and of the others those with which
    /// both end. None where this tree is not simple.
    fn shared_with(&self, bytes: &[u8]) -> (&[Place], &[Place]) {
        if !self.simple {
            return (&[], &[]);
        }
        let alike = begin_alike(&self.bytes, bytes);
        let head = self.entries.partition_point(|place| place.end() <= alike);
        let (head, others) = self.entries.split_at_checked(head).unwrap_or_default();
        let start = head.last().map_or(0, Place::end);
        let rests = self.bytes.get(start..).zip(bytes.get(start..));
        let alike = rests.map_or(0, |(mine, other)| end_alike(mine, other));
        let end = self.bytes.len() - alike;
        let tail = others.partition_point(|place| place.start() < end);
        (head, others.get(tail..).unwrap_or_default())
    }

    /// About how much memory it takes, in bytes.
    pub(super) fn weight(&self) -> usize {
        128 + self.bytes.capacity() + self.entries.capacity() * size_of::<Place>()
    }

    fn entry(&self, at: usize) -> Option<Entry<'_>> {
        self.entries.get(at)?.entry(&self.bytes)
    }
}

impl Place {
    fn new(kind: TreeEntryKind, start: usize, end: usize) -> Result<Self, ObjectError> {
        let number = |at: usize| u32::try_from(at).map_err(|_| too_many());
        Ok(Self {
            kind,
            start: number(start)?,
            end: number(end)?,
        })
    }

    fn start(&self) -> usize {
        self.start as usize
    }

    fn end(&self) -> usize {
        self.end as usize
    }

    /// The entry in the tree with these bytes.
    fn entry<'t>(&self, tree: &'t [u8]) -> Option<Entry<'t>> {
        let bytes = tree.get(self.start()..self.end())?;
        let name = mode_len(self.kind) + 1;
        Some(Entry {
            kind: self.kind,
            name: bytes.get(name..bytes.len().checked_sub(OID_LEN + 1)?)?,
            bytes,
        })
    }

    fn reference<'t>(&self, tree: &'t [u8]) -> Option<TreeEntryRef<'t>> {
        let entry = self.entry(tree)?;
        let (kind, oid) = entry.leaf()?;
        Some(TreeEntryRef {
            kind,
            name: entry.name,
            oid,
        })
    }
}

fn too_many() -> ObjectError {
    ObjectError::TooManyEntries {
        limit: MAX_TREE_ENTRIES,
    }
}

/// How many bytes at the beginning are the same.
fn begin_alike(left: &[u8], right: &[u8]) -> usize {
    let chunks = left.chunks_exact(CHUNK).zip(right.chunks_exact(CHUNK));
    let same = CHUNK * chunks.take_while(|(left, right)| left == right).count();
    let rest = left.iter().skip(same).zip(right.iter().skip(same));
    same + rest.take_while(|(left, right)| left == right).count()
}

/// How many bytes at the end are the same.
fn end_alike(left: &[u8], right: &[u8]) -> usize {
    let chunks = left.rchunks_exact(CHUNK).zip(right.rchunks_exact(CHUNK));
    let same = CHUNK * chunks.take_while(|(left, right)| left == right).count();
    let rest = left
        .iter()
        .rev()
        .skip(same)
        .zip(right.iter().rev().skip(same));
    same + rest.take_while(|(left, right)| left == right).count()
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn alone(bytes: Rc<Vec<u8>>) -> Result<Tree, ObjectError> {
        Tree::read_beside(bytes, &Tree::default())
    }

    /// A tree of short names that begin like each other, sorted by their bytes: sound mostly.
    fn tree(names: &std::collections::BTreeMap<String, u8>) -> Rc<Vec<u8>> {
        let entries = names.iter().flat_map(|(name, oid)| {
            let mode = if oid % 3 == 0 { "40000" } else { "100644" };
            let head = format!("{mode} {name}\0");
            [head.as_bytes(), &[oid + 1; OID_LEN]].concat()
        });
        Rc::new(entries.collect())
    }

    fn names() -> impl Strategy<Value = std::collections::BTreeMap<String, u8>> {
        let name = "[ab]{1,2}[.a0-]{0,2}|[a-f]{3,8}";
        prop::collection::btree_map(name, 0..200u8, 0..12)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn a_tree_is_read_beside_another_as_it_is_read_alone(
            other in names(), change in names(), gone in names(), cut in 0..400usize, flip in any::<u8>(),
        ) {
            let mut all = other.clone();
            all.retain(|name, _| !gone.contains_key(name));
            all.extend(change.into_iter().take(2));
            let mut odd = tree(&all).to_vec();
            if let Some(byte) = odd.get_mut(cut) {
                *byte ^= flip;
            }
            let others = [tree(&other), tree(&all)].map(|bytes| alone(bytes).unwrap_or_default());
            for bytes in [tree(&all), tree(&other), Rc::new(odd)] {
                let alone = alone(Rc::clone(&bytes));
                for other in &others {
                    let beside = Tree::read_beside(Rc::clone(&bytes), other);
                    match (&alone, &beside) {
                        (Ok(alone), Ok(beside)) => {
                            prop_assert_eq!(&alone.entries, &beside.entries);
                            prop_assert_eq!(alone.simple, beside.simple);
                        }
                        (alone, beside) => prop_assert_eq!(
                            alone.as_ref().map_err(ToString::to_string).err(),
                            beside.as_ref().map_err(ToString::to_string).err()
                        ),
                    }
                }
            }
        }
    }
}
