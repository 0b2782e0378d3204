//! Files that only change their place: renamed on the target instead of sent.

use super::{Content, Held, Holding, Plan, ReleaseFile};
use crate::types::{Oid, RepoPath};
use std::collections::{BTreeMap, BTreeSet};

/// A file whose content is on the target already, under a path that is no longer wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Where it is.
    pub from: RepoPath,
    /// What it is to be.
    pub file: ReleaseFile,
    /// What it holds.
    pub content: Content,
}

impl Plan {
    /// Makes one move of each sending and removal of the same content. What moves was to be removed,
    /// and where it goes nothing moves from, so the moves can be done in any order.
    pub fn take_moves(&mut self, held: &Holding) {
        let mut sources: BTreeMap<Oid, Vec<(&RepoPath, &Content)>> = BTreeMap::new();
        for path in self.deletes.iter().rev() {
            if let Some((path, Held::Known(content))) = held.files.get_key_value(path) {
                sources
                    .entry(content.blob)
                    .or_default()
                    .push((path, content));
            }
        }
        let mut gone = BTreeSet::new();
        let mut puts = Vec::new();
        for file in std::mem::take(&mut self.puts) {
            match sources.get_mut(&file.blob).and_then(Vec::pop) {
                Some((from, content)) if content.size == file.size => {
                    gone.insert(from.clone());
                    self.moves.push(Move {
                        from: from.clone(),
                        file,
                        content: content.clone(),
                    });
                }
                Some(_) | None => puts.push(file),
            }
        }
        self.puts = puts;
        self.deletes.retain(|path| !gone.contains(path));
    }

    /// Sends those files after all whose source is not what it should be.
    pub fn send_instead(&mut self, unfit: &BTreeSet<RepoPath>) {
        let (unfit, fit): (Vec<Move>, Vec<Move>) = std::mem::take(&mut self.moves)
            .into_iter()
            .partition(|step| unfit.contains(&step.from));
        self.moves = fit;
        for step in unfit {
            self.deletes.push(step.from);
            self.puts.push(step.file);
        }
        self.deletes.sort();
        self.puts.sort_by(|one, other| one.path.cmp(&other.path));
    }
}
