//! Two trees: which paths hold something else.

use super::Trees;
use super::tree::side_by_side;
use crate::facts::Fault;
use crate::types::{Oid, RepoPath};

impl Trees<'_> {
    /// The paths at which the leaves of two trees differ, in no particular order.
    pub(in crate::facts) fn diff(
        &mut self,
        before: Option<Oid>,
        after: Option<Oid>,
    ) -> Result<Vec<RepoPath>, Fault> {
        let mut paths = Vec::new();
        self.diff_below(RepoPath::new(Vec::new()), before, after, &mut paths)?;
        Ok(paths)
    }

    /// The same below a folder, added to `paths`. Equal trees are not read.
    pub(super) fn diff_below(
        &mut self,
        folder: RepoPath,
        before: Option<Oid>,
        after: Option<Oid>,
        paths: &mut Vec<RepoPath>,
    ) -> Result<(), Fault> {
        let mut folders = vec![(folder, before, after)];
        while let Some((folder, before, after)) = folders.pop() {
            if before == after {
                continue;
            }
            self.spend_folder()?;
            // Children come before their parents, so that the later tree was most likely read before.
            let after = self.entries(after)?;
            let before = self.entries_beside(before, &after)?;
            for group in side_by_side([&before, &after]) {
                let [old, new] = group.entries;
                if old == new {
                    continue;
                }
                let path = self.join(&folder, group.name)?;
                if group.folder {
                    let [before, after] = group.trees();
                    folders.push((path, before, after));
                } else {
                    self.spend_path(&path)?;
                    paths.push(path);
                }
            }
        }
        Ok(())
    }
}
