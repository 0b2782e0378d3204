//! Exact answers to "does this commit reach that one", without reading all of history.

use super::walk::{Marks, Rule};
use super::{Fault, Graph, Map, Node, Set};
use crate::types::Oid;

/// Questions that one walk answers together.
const BATCH: usize = 64;
/// Past so many walks, one through all of history is cheaper.
const MAX_WALKS: usize = 64;
/// The mark of what is reachable from the start.
const REACHED: Marks = 1 << 127;

impl Graph<'_> {
    /// For each target, whether `from` reaches it (a commit reaches itself).
    pub(in crate::facts) fn reaches(
        &mut self,
        from: Oid,
        targets: &[Oid],
    ) -> Result<Set<Oid>, Fault> {
        let start = self.node(from)?;
        let nodes = targets.iter().map(|oid| self.node(*oid));
        let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
        let reached = self.reached(start, &nodes)?;
        let mut found = Set::default();
        for (oid, node) in targets.iter().zip(&nodes) {
            if reached.contains(node) {
                found.insert(*oid);
            }
        }
        Ok(found)
    }

    /// What of `targets`, and of anything that reaches one of them, `start` reaches.
    pub(super) fn reached(&mut self, start: Node, targets: &[Node]) -> Result<Set<Node>, Fault> {
        let mut found = Set::default();
        if targets.len() > BATCH * MAX_WALKS {
            self.reached_by(start, &[], &mut found)?;
        } else {
            for batch in targets.chunks(BATCH) {
                self.reached_by(start, batch, &mut found)?;
            }
        }
        Ok(found)
    }

    /// Walks from `start` and turns back only where nothing of `batch` can follow: at commits
    /// that each of the batch reaches through its parents. A commit below a target never reaches
    /// that target, so nothing is missed, whatever the dates say. An empty batch walks all.
    fn reached_by(
        &mut self,
        start: Node,
        batch: &[Node],
        found: &mut Set<Node>,
    ) -> Result<(), Fault> {
        let mut starts = vec![(start, REACHED)];
        let mut below: Marks = 0;
        for (place, target) in batch.iter().enumerate() {
            let bit: Marks = 1 << place;
            below |= bit;
            for parent in self.parents(*target)?.iter().copied() {
                starts.push((parent, bit));
            }
        }
        let rule = Rule {
            live: |marks: Marks| marks & REACHED != 0 && (below == 0 || marks & below != below),
            hand: |marks: Marks| marks,
            limit: self.store.limits().history,
        };
        let marks = self.walk(&starts, rule)?;
        let reached = marks.into_iter().filter(|(_, marks)| marks & REACHED != 0);
        found.extend(reached.map(|(node, _)| node));
        Ok(())
    }

    /// The best common ancestors of two commits: those that no other common ancestor reaches.
    pub(in crate::facts) fn merge_bases(
        &mut self,
        left: Oid,
        right: Oid,
    ) -> Result<Vec<Oid>, Fault> {
        const LEFT: Marks = 1;
        const RIGHT: Marks = 2;
        const BOTH: Marks = LEFT | RIGHT;
        const BELOW: Marks = 4;
        let starts = [(self.node(left)?, LEFT), (self.node(right)?, RIGHT)];
        let rule = Rule {
            live: |marks: Marks| marks & BELOW == 0,
            hand: |marks: Marks| {
                if marks & BOTH == BOTH {
                    marks | BELOW
                } else {
                    marks
                }
            },
            limit: self.store.limits().history,
        };
        let marks: Map<Node, Marks> = self.walk(&starts, rule)?;
        let mut bases = Vec::new();
        for (node, marks) in marks {
            if marks & BOTH == BOTH && marks & BELOW == 0 {
                bases.push(self.oid(node)?);
            }
        }
        bases.sort_unstable();
        self.independent(bases)
    }

    /// Without those that another one reaches: dates can make a walk meet them too early.
    fn independent(&mut self, bases: Vec<Oid>) -> Result<Vec<Oid>, Fault> {
        if bases.len() < 2 {
            return Ok(bases);
        }
        let mut redundant = Set::default();
        for base in &bases {
            let others: Vec<Oid> = bases.iter().filter(|oid| *oid != base).copied().collect();
            redundant.extend(self.reaches(*base, &others)?);
        }
        Ok(bases
            .into_iter()
            .filter(|oid| !redundant.contains(oid))
            .collect())
    }
}
