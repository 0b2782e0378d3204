//! Trees, read once, and walked side by side.

use crate::facts::{Fault, Limits, Store};
use crate::object::{TreeEntry, TreeEntryKind, parse_tree};
use crate::policy::PathGlobs;
use crate::types::{Oid, RepoPath};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::rc::Rc;

/// Entries of trees that are kept, about: neighbouring commits share most of theirs. When so many
/// were read anew, those not used since are let go.
const KEEP_ENTRIES: usize = 100_000;

/// A file, link or submodule: what a path holds.
pub(in crate::facts) type Leaf = (TreeEntryKind, Oid);

/// The trees of a store, with what was read of them lately and what may still be read.
pub(in crate::facts) struct Trees<'a> {
    pub(super) store: &'a Store,
    recent: HashMap<Oid, Rc<[TreeEntry]>>,
    older: HashMap<Oid, Rc<[TreeEntry]>>,
    recent_entries: usize,
    spent: Spent,
    /// The paths that have owners of their own, by the rules of the ref that is gathered.
    pub(super) watched: Vec<&'a PathGlobs>,
}

/// How much of the limits is used up.
#[derive(Debug, Default)]
struct Spent {
    changes: usize,
    path_bytes: usize,
    folders: usize,
    pub(super) merged_bytes: usize,
}

impl<'a> Trees<'a> {
    pub(in crate::facts) fn new(store: &'a Store) -> Self {
        Self {
            store,
            recent: HashMap::new(),
            older: HashMap::new(),
            recent_entries: 0,
            spent: Spent::default(),
            watched: Vec::new(),
        }
    }

    /// Says which paths have owners of their own.
    pub(in crate::facts) fn watch(&mut self, globs: Vec<&'a PathGlobs>) {
        self.watched = globs;
    }

    /// A tree's entries, in git's order. No tree at all is an empty one.
    pub(super) fn entries(&mut self, tree: Option<Oid>) -> Result<Rc<[TreeEntry]>, Fault> {
        let Some(tree) = tree else {
            return Ok(Rc::from([]));
        };
        if let Some(entries) = self.recent.get(&tree) {
            return Ok(Rc::clone(entries));
        }
        let entries = match self.older.remove(&tree) {
            Some(entries) => entries,
            None => self.read(tree)?,
        };
        if self.recent_entries > KEEP_ENTRIES {
            self.older = std::mem::take(&mut self.recent);
            self.recent_entries = 0;
        }
        self.recent_entries += entries.len() + 1;
        self.recent.insert(tree, Rc::clone(&entries));
        Ok(entries)
    }

    fn read(&self, tree: Oid) -> Result<Rc<[TreeEntry]>, Fault> {
        let bytes = self.store.tree_bytes(tree)?;
        let entries = parse_tree(&bytes).map_err(|error| Fault::Malformed {
            oid: tree,
            why: error.to_string(),
        })?;
        Ok(entries.into())
    }

    pub(super) fn limits(&self) -> &'a Limits {
        self.store.limits()
    }

    /// Counts one changed path.
    pub(super) fn spend_path(&mut self, path: &RepoPath) -> Result<(), Fault> {
        self.spent.changes += 1;
        self.spent.path_bytes += path.as_bytes().len();
        let limits = self.limits();
        if self.spent.changes > limits.changes {
            return Err(too_large(limits.changes, "changed paths"));
        }
        if self.spent.path_bytes > limits.path_bytes {
            return Err(too_large(limits.path_bytes, "bytes of changed paths"));
        }
        Ok(())
    }

    /// Counts one pair of folders that is compared.
    pub(super) fn spend_folder(&mut self) -> Result<(), Fault> {
        self.spent.folders += 1;
        let limit = self.limits().folders;
        if self.spent.folders > limit {
            return Err(too_large(limit, "folders to compare"));
        }
        Ok(())
    }

    /// Counts bytes of files that are merged; false once there were too many.
    pub(super) fn spend_merged(&mut self, bytes: usize) -> bool {
        self.spent.merged_bytes = self.spent.merged_bytes.saturating_add(bytes);
        self.spent.merged_bytes <= self.limits().merged_bytes
    }

    /// A path below a folder, bounded.
    pub(super) fn join(&self, folder: &RepoPath, name: &[u8]) -> Result<RepoPath, Fault> {
        let path = folder.join(name);
        if path.as_bytes().len() > self.limits().path {
            return Err(Fault::TooLarge {
                what: format!("a path longer than {} bytes", self.limits().path),
            });
        }
        Ok(path)
    }
}

fn too_large(limit: usize, of: &str) -> Fault {
    Fault::TooLarge {
        what: format!("more than {limit} {of}"),
    }
}

/// Entries of several trees with the same name and the same sort: all folders, or all leaves.
pub(super) struct Group<'t, const N: usize> {
    pub name: &'t [u8],
    pub folder: bool,
    pub entries: [Option<&'t TreeEntry>; N],
}

impl<const N: usize> Group<'_, N> {
    /// The folders' trees.
    pub(super) fn trees(&self) -> [Option<Oid>; N] {
        self.entries.map(|entry| entry.map(|entry| entry.oid))
    }

    /// The leaves.
    pub(super) fn leaves(&self) -> [Option<Leaf>; N] {
        self.entries
            .map(|entry| entry.map(|entry| (entry.kind, entry.oid)))
    }
}

/// Walks the entries of several trees side by side, in git's order.
pub(super) fn side_by_side<'t, const N: usize>(
    mut lists: [&'t [TreeEntry]; N],
) -> impl Iterator<Item = Group<'t, N>> {
    std::iter::from_fn(move || {
        let first = lists
            .iter()
            .filter_map(|list| list.first())
            .min_by(|left, right| order(left, right))?;
        let entries = std::array::from_fn(|at| {
            let list = lists.get_mut(at)?;
            let (head, rest) = list.split_first()?;
            if order(head, first) == Ordering::Equal {
                *list = rest;
                Some(head)
            } else {
                None
            }
        });
        Some(Group {
            name: &first.name,
            folder: first.kind == TreeEntryKind::Tree,
            entries,
        })
    })
}

/// Git's order of entries: a folder sorts as if its name ended in a slash.
fn order(left: &TreeEntry, right: &TreeEntry) -> Ordering {
    let shared = left.name.len().min(right.name.len());
    let (left_head, left_tail) = left.name.split_at(shared);
    let (right_head, right_tail) = right.name.split_at(shared);
    left_head
        .cmp(right_head)
        .then_with(|| next_byte(left, left_tail).cmp(&next_byte(right, right_tail)))
}

fn next_byte(entry: &TreeEntry, tail: &[u8]) -> u8 {
    let end = if entry.kind == TreeEntryKind::Tree {
        b'/'
    } else {
        0
    };
    tail.first().copied().unwrap_or(end)
}
