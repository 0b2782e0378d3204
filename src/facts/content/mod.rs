//! What a commit adds: its tree beside its parents', compared by object id and raw name.
//!
//! A tree is seen as its leaves: files, links and submodules by path. Folders only say where
//! nothing differs. No rename is detected, so both sides of one count; no attribute, driver or
//! setting has a say.

mod diff;
mod merge;
mod renames;
mod threeway;
mod tree;
mod trees;

#[cfg(test)]
mod merge_tests;
#[cfg(test)]
mod tests;

use super::graph::Graph;
use super::{Content, Fault};
use crate::types::{Oid, RepoPath};
use std::collections::BTreeSet;
pub(super) use trees::Trees;

impl Trees<'_> {
    /// What the commit with `tree` adds to `parents`, each given as commit and tree.
    pub(super) fn content(
        &mut self,
        graph: &mut Graph<'_>,
        tree: Oid,
        parents: &[(Oid, Oid)],
    ) -> Result<Content, Fault> {
        match parents {
            [] => self.added(None, tree).map(Content::Adds),
            [(_, before)] if *before == tree => Ok(Content::Empty),
            [(_, before)] => self.added(Some(*before), tree).map(Content::Adds),
            [ours, theirs] => self.merge_of_two(graph, tree, *ours, *theirs),
            many => self.merge_of_many(tree, many),
        }
    }

    fn added(&mut self, before: Option<Oid>, after: Oid) -> Result<Vec<RepoPath>, Fault> {
        let mut paths = self.diff(before, Some(after))?;
        paths.sort_unstable();
        Ok(paths)
    }

    /// A merge of two is clean if every best common ancestor explains it; otherwise what any of
    /// them leaves unexplained is what it adds.
    fn merge_of_two(
        &mut self,
        graph: &mut Graph<'_>,
        tree: Oid,
        ours: (Oid, Oid),
        theirs: (Oid, Oid),
    ) -> Result<Content, Fault> {
        let bases = graph.merge_bases(ours.0, theirs.0)?;
        let mut unexplained = BTreeSet::new();
        if bases.is_empty() {
            unexplained.extend(self.unexplained(None, ours.1, theirs.1, tree)?);
        }
        for base in bases {
            let base = graph.tree(base)?;
            unexplained.extend(self.unexplained(Some(base), ours.1, theirs.1, tree)?);
        }
        Ok(merged(unexplained))
    }

    /// Of more than two parents, whatever differs from any of them counts.
    fn merge_of_many(&mut self, tree: Oid, parents: &[(Oid, Oid)]) -> Result<Content, Fault> {
        let mut differing = BTreeSet::new();
        for (_, before) in parents {
            differing.extend(self.diff(Some(*before), Some(tree))?);
        }
        Ok(merged(differing))
    }
}

fn merged(unexplained: BTreeSet<RepoPath>) -> Content {
    if unexplained.is_empty() {
        Content::CleanMerge
    } else {
        Content::Adds(unexplained.into_iter().collect())
    }
}
