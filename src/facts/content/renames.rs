//! What looks unexplained path by path, and is one side's rename with the other side's change.
//!
//! A rename is never guessed at from likeness. It is accepted only where merging the old file,
//! the renamed one and the changed one gives, without conflict, exactly what the result holds.
//! And a rename carries a change only to where its owners would have been asked anyway: what was
//! approved for `notes` does not become approved for `infra/deploy` by way of a merge.

use super::Trees;
use super::trees::Leaf;
use crate::facts::Fault;
use crate::types::RepoPath;
use std::collections::BTreeSet;

/// More pairs than this are not tried: what is left is looked at by a person.
const MAX_PAIRS: usize = 4096;

/// A path whose versions do not explain what the result holds.
#[derive(Debug)]
pub(super) struct Gap {
    pub path: RepoPath,
    /// The base, the two parents and the result.
    pub four: [Option<Leaf>; 4],
}

/// What comparing path by path leaves open.
#[derive(Debug, Default)]
pub(super) struct Puzzle {
    pub gaps: Vec<Gap>,
    /// Leaves of the base that both sides removed: both may have renamed them alike.
    pub gone: Vec<Leaf>,
}

/// A file that one side removed and the other changed, the result having neither.
struct Moved {
    path: RepoPath,
    base: Leaf,
    changed: Leaf,
    ours_changed: bool,
}

/// A file that is new on one side, or on both, and is something else in the result.
struct Arrival {
    path: RepoPath,
    ours: Option<Leaf>,
    theirs: Option<Leaf>,
    result: Leaf,
}

impl Trees<'_> {
    /// The paths of the gaps that no rename explains.
    pub(super) fn explain_renames(&mut self, puzzle: &Puzzle) -> Result<BTreeSet<RepoPath>, Fault> {
        let mut left: BTreeSet<RepoPath> = puzzle.gaps.iter().map(|gap| gap.path.clone()).collect();
        let moved: Vec<Moved> = puzzle.gaps.iter().filter_map(moved).collect();
        let arrivals: Vec<Arrival> = puzzle.gaps.iter().filter_map(arrival).collect();
        let pairs = moved.len().saturating_add(puzzle.gone.len());
        if pairs.saturating_mul(arrivals.len()) > MAX_PAIRS {
            return Ok(left);
        }
        for arrival in &arrivals {
            if let Some(source) = self.renamed_by_one(arrival, &moved, &left)? {
                left.remove(&arrival.path);
                left.remove(&source);
            } else if self.renamed_by_both(arrival, &puzzle.gone)? {
                left.remove(&arrival.path);
            }
        }
        Ok(left)
    }

    /// The old path, where one side renamed it to this one and the other side changed it.
    fn renamed_by_one(
        &mut self,
        arrival: &Arrival,
        moved: &[Moved],
        left: &BTreeSet<RepoPath>,
    ) -> Result<Option<RepoPath>, Fault> {
        for from in moved {
            let open = left.contains(&from.path) && !is_empty_file(from.base);
            if !open || !self.may_carry(&from.path, &arrival.path) {
                continue;
            }
            let renamed = if from.ours_changed {
                (arrival.theirs, arrival.ours)
            } else {
                (arrival.ours, arrival.theirs)
            };
            let (Some(renamed), None) = renamed else {
                continue;
            };
            if self.merges_to(from.base, renamed, from.changed, arrival.result)? {
                return Ok(Some(from.path.clone()));
            }
        }
        Ok(None)
    }

    /// Whether every path rule that watches `to` watches `from` as well.
    fn may_carry(&self, from: &RepoPath, to: &RepoPath) -> bool {
        self.watched.iter().all(|rules| {
            let watch_to = rules.positions(to.as_bytes());
            watch_to.is_subset(&rules.positions(from.as_bytes()))
        })
    }

    /// Whether both sides renamed the same file to this path.
    fn renamed_by_both(&mut self, arrival: &Arrival, gone: &[Leaf]) -> Result<bool, Fault> {
        let (Some(ours), Some(theirs)) = (arrival.ours, arrival.theirs) else {
            return Ok(false);
        };
        for base in gone.iter().filter(|base| !is_empty_file(**base)) {
            if self.merges_to(*base, ours, theirs, arrival.result)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Every empty file is like every other: none of them was renamed to another.
fn is_empty_file(leaf: Leaf) -> bool {
    const EMPTY: [u8; 20] = [
        0xe6, 0x9d, 0xe2, 0x9b, 0xb2, 0xd1, 0xd6, 0x43, 0x4b, 0x8b, 0x29, 0xae, 0x77, 0x5a, 0xd8,
        0xc2, 0xe4, 0x8c, 0x53, 0x91,
    ];
    *leaf.1.as_bytes() == EMPTY
}

fn moved(gap: &Gap) -> Option<Moved> {
    let (base, changed, ours_changed) = match gap.four {
        [Some(base), Some(changed), None, None] => (base, changed, true),
        [Some(base), None, Some(changed), None] => (base, changed, false),
        _ => return None,
    };
    Some(Moved {
        path: gap.path.clone(),
        base,
        changed,
        ours_changed,
    })
}

fn arrival(gap: &Gap) -> Option<Arrival> {
    let [None, ours, theirs, Some(result)] = gap.four else {
        return None;
    };
    Some(Arrival {
        path: gap.path.clone(),
        ours,
        theirs,
        result,
    })
}
