//! Trees, read once, and kept for the neighbours that share them.

use super::tree::Tree;
use crate::facts::maps::Map;
use crate::facts::{Fault, Limits, Store};
use crate::object::TreeEntryKind;
use crate::policy::PathRules;
use crate::types::{Oid, RepoPath};
use std::rc::Rc;

/// Bytes of trees that are kept, about: neighbouring commits share most of theirs. When so many
/// were read anew, those not used since are let go.
const KEEP_BYTES: usize = 2 << 20;

/// A file, link or submodule: what a path holds.
pub(in crate::facts) type Leaf = (TreeEntryKind, Oid);

/// The trees of a store, with what was read of them lately and what may still be read.
pub(in crate::facts) struct Trees<'a> {
    pub(super) store: &'a Store,
    recent: Map<Oid, Rc<Tree>>,
    older: Map<Oid, Rc<Tree>>,
    nothing: Rc<Tree>,
    recent_bytes: usize,
    spent: Spent,
    /// The paths that have owners of their own, by the rules of the ref that is gathered.
    pub(super) watched: Vec<&'a PathRules>,
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
            recent: Map::default(),
            older: Map::default(),
            nothing: Rc::new(Tree::default()),
            recent_bytes: 0,
            spent: Spent::default(),
            watched: Vec::new(),
        }
    }

    /// Says which paths have owners of their own.
    pub(in crate::facts) fn watch(&mut self, rules: Vec<&'a PathRules>) {
        self.watched = rules;
    }

    /// A tree's entries, in git's order. No tree at all is an empty one.
    pub(super) fn entries(&mut self, tree: Option<Oid>) -> Result<Rc<Tree>, Fault> {
        let nothing = Rc::clone(&self.nothing);
        self.entries_beside(tree, &nothing)
    }

    /// The same of a tree that is likely to be much like another one.
    pub(super) fn entries_beside(
        &mut self,
        tree: Option<Oid>,
        other: &Tree,
    ) -> Result<Rc<Tree>, Fault> {
        let Some(tree) = tree else {
            return Ok(Rc::clone(&self.nothing));
        };
        if let Some(entries) = self.recent.get(&tree) {
            return Ok(Rc::clone(entries));
        }
        let entries = match self.older.remove(&tree) {
            Some(entries) => entries,
            None => self.read(tree, other)?,
        };
        if self.recent_bytes > KEEP_BYTES {
            self.older = std::mem::take(&mut self.recent);
            self.recent_bytes = 0;
        }
        self.recent_bytes += entries.weight();
        self.recent.insert(tree, Rc::clone(&entries));
        Ok(entries)
    }

    fn read(&self, tree: Oid, other: &Tree) -> Result<Rc<Tree>, Fault> {
        let bytes = self.store.tree_bytes(tree)?;
        let read = Tree::read_beside(bytes, other).map_err(|error| Fault::Malformed {
            oid: tree,
            why: error.to_string(),
        })?;
        Ok(Rc::new(read))
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
