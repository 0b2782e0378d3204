//! A merge commit beside what merging its parents gives.
//!
//! The real tree is at hand, so nothing is built: each path is asked whether its three versions
//! explain the fourth. Where at most one side changed a path, the result has to be that side's;
//! where both did, the files have to merge without conflict into exactly what is there. What is
//! left over is what the merge adds.

use super::Trees;
use super::renames::{Gap, Puzzle};
use super::threeway::{Expected, expected};
use super::tree::{Group, side_by_side};
use super::trees::Leaf;
use crate::facts::Fault;
use crate::types::{Oid, RepoPath};
use std::collections::BTreeSet;

/// The base, the two parents and the result.
type Four<T> = [Option<T>; 4];

impl Trees<'_> {
    /// The paths of `result` that merging `ours` and `theirs` does not explain.
    pub(super) fn unexplained(
        &mut self,
        base: Option<Oid>,
        ours: Oid,
        theirs: Oid,
        result: Oid,
    ) -> Result<BTreeSet<RepoPath>, Fault> {
        let mut puzzle = Puzzle::default();
        let root = RepoPath::new(Vec::new());
        let mut folders = vec![(root, [base, Some(ours), Some(theirs), Some(result)])];
        while let Some((folder, trees)) = folders.pop() {
            let [base, ours, theirs, result] = trees;
            // Where both sides did the same, the folder is entered all the same: both may have
            // moved a file out of it.
            let one_side = base == ours || base == theirs;
            if one_side && expected(base, ours, theirs) == Expected::Is(result) {
                continue;
            }
            self.spend_folder()?;
            let [base, ours, theirs, result] = [
                self.entries(base)?,
                self.entries(ours)?,
                self.entries(theirs)?,
                self.entries(result)?,
            ];
            for group in side_by_side([&base, &ours, &theirs, &result]) {
                self.compare(&folder, &group, &mut folders, &mut puzzle)?;
            }
        }
        self.explain_renames(&puzzle)
    }

    fn compare(
        &mut self,
        folder: &RepoPath,
        group: &Group<'_, 4>,
        folders: &mut Vec<(RepoPath, Four<Oid>)>,
        puzzle: &mut Puzzle,
    ) -> Result<(), Fault> {
        let [base, ours, theirs, result] = group.entries;
        if base == ours && ours == theirs && theirs == result {
            return Ok(());
        }
        let path = self.join(folder, group.name)?;
        if group.folder {
            folders.push((path, group.trees()));
            return Ok(());
        }
        self.compare_leaf(path, [base, ours, theirs, result], puzzle)
    }

    fn compare_leaf(
        &mut self,
        path: RepoPath,
        four: Four<Leaf>,
        puzzle: &mut Puzzle,
    ) -> Result<(), Fault> {
        let [base, ours, theirs, result] = four;
        let clean = match expected(base, ours, theirs) {
            Expected::Is(leaf) => leaf == result,
            Expected::BothChanged => match four {
                [Some(base), Some(ours), Some(theirs), Some(result)] => {
                    self.merges_to(base, ours, theirs, result)?
                }
                _ => false,
            },
        };
        if let (Some(base), None, None) = (base, ours, theirs) {
            puzzle.gone.push(base);
        }
        if !clean {
            self.spend_path(&path)?;
            puzzle.gaps.push(Gap { path, four });
        }
        Ok(())
    }
}
