//! The walk that all questions share: marks run from commits to their parents until nothing that
//! matters is left.

use super::{Fault, Graph, Map, Node};
use std::collections::BinaryHeap;

/// A set of marks on a commit.
pub(super) type Marks = u128;

/// After so many commits that do not matter, one that does is looked at, whatever the dates say:
/// so a commit that claims to be from 1970 does not make all the rest be read first.
const PATIENCE: usize = 8;

/// How marks run.
pub(super) struct Rule<L, H> {
    /// Whether a commit with these marks matters: the walk goes on while one such is queued.
    pub live: L,
    /// What a commit with these marks hands to its parents.
    pub hand: H,
    /// How many commits that matter may be looked at.
    pub limit: usize,
}

/// A walk in progress.
struct Walk<'g, 'a, L, H> {
    graph: &'g mut Graph<'a>,
    rule: Rule<L, H>,
    marks: Map<Node, Marks>,
    /// Commits whose parents do not know their marks yet, and whether they are live. A commit
    /// changes sides by standing in both heaps; what stands there and is not true is skipped.
    queued: Map<Node, bool>,
    live: BinaryHeap<(i64, Node)>,
    rest: BinaryHeap<(i64, Node)>,
    live_count: usize,
}

impl<'a> Graph<'a> {
    /// Lets marks run from `starts`, newest commits first, until none that is queued is live.
    /// Every commit that was met and its marks are given back; each mark is true, and every
    /// commit that is live at the end has handed its marks on.
    pub(super) fn walk<L, H>(
        &mut self,
        starts: &[(Node, Marks)],
        rule: Rule<L, H>,
    ) -> Result<Map<Node, Marks>, Fault>
    where
        L: Fn(Marks) -> bool,
        H: Fn(Marks) -> Marks,
    {
        let mut walk = Walk {
            graph: self,
            rule,
            marks: Map::default(),
            queued: Map::default(),
            live: BinaryHeap::new(),
            rest: BinaryHeap::new(),
            live_count: 0,
        };
        for (node, marks) in starts {
            walk.mark(*node, *marks)?;
        }
        walk.run()?;
        Ok(walk.marks)
    }
}

impl<L, H> Walk<'_, '_, L, H>
where
    L: Fn(Marks) -> bool,
    H: Fn(Marks) -> Marks,
{
    fn run(&mut self) -> Result<(), Fault> {
        let mut since_live = 0;
        let mut met = 0;
        while self.live_count > 0 {
            let Some((node, live)) = self.next(since_live >= PATIENCE) else {
                break;
            };
            since_live = if live { 0 } else { since_live + 1 };
            met += usize::from(live);
            if met > self.rule.limit {
                return Err(Fault::TooLarge {
                    what: format!("more than {} commits", self.rule.limit),
                });
            }
            let marks = self.marks.get(&node).copied().unwrap_or(0);
            let handed = (self.rule.hand)(marks);
            for parent in self.graph.parents(node)?.iter().copied() {
                self.mark(parent, handed)?;
            }
        }
        Ok(())
    }

    fn mark(&mut self, node: Node, marks: Marks) -> Result<(), Fault> {
        let old = self.marks.get(&node).copied().unwrap_or(0);
        let new = old | marks;
        if new == old {
            return Ok(());
        }
        let date = self.graph.links(node)?.date;
        self.marks.insert(node, new);
        let live = (self.rule.live)(new);
        let was = self.queued.insert(node, live);
        if was == Some(live) {
            return Ok(());
        }
        if was == Some(true) {
            self.live_count -= 1;
        }
        if live {
            self.live_count += 1;
            self.live.push((date, node));
        } else {
            self.rest.push((date, node));
        }
        Ok(())
    }

    /// The newest queued commit, or the newest live one.
    fn next(&mut self, live_only: bool) -> Option<(Node, bool)> {
        skip_stale(&mut self.live, &self.queued, true);
        skip_stale(&mut self.rest, &self.queued, false);
        let live = match (self.live.peek(), self.rest.peek()) {
            // Of the same second, the one that matters.
            (Some((live, _)), Some((rest, _))) => live_only || live >= rest,
            (live, _) => live.is_some(),
        };
        let heap = if live { &mut self.live } else { &mut self.rest };
        let (_, node) = heap.pop()?;
        self.queued.remove(&node);
        self.live_count -= usize::from(live);
        Some((node, live))
    }
}

fn skip_stale(heap: &mut BinaryHeap<(i64, Node)>, queued: &Map<Node, bool>, live: bool) {
    while let Some((_, node)) = heap.peek() {
        if queued.get(node) == Some(&live) {
            return;
        }
        heap.pop();
    }
}
