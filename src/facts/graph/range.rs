//! The range: what a tip reaches and a base does not, exactly.

use super::walk::{Marks, Rule};
use super::{Fault, Graph, Map, Node, Set};
use crate::types::Oid;
use std::collections::BinaryHeap;

const TIP: Marks = 1;
const BASE: Marks = 2;

/// A range of commits.
#[derive(Debug)]
pub(in crate::facts) struct Range {
    /// The commits, children before parents.
    pub commits: Vec<Node>,
    /// Whether the tip reaches the base; true where there is none.
    pub from_base: bool,
}

impl Graph<'_> {
    /// The commits that `tip` reaches and `base` does not.
    pub(in crate::facts) fn range(&mut self, tip: Oid, base: Option<Oid>) -> Result<Range, Fault> {
        let tip = self.node(tip)?;
        let base = base.map(|base| self.node(base)).transpose()?;
        let limit = self.store.limits().commits;
        let mut starts = vec![(tip, TIP)];
        starts.extend(base.map(|base| (base, BASE)));
        let rule = Rule {
            live: |marks: Marks| marks == TIP,
            hand: |marks: Marks| marks,
            // Some may turn out to be the base's.
            limit: limit.saturating_mul(2),
        };
        let marks = self.walk(&starts, rule)?;
        let mut members: Set<Node> = marks
            .iter()
            .filter(|(_, marks)| **marks == TIP)
            .map(|(node, _)| *node)
            .collect();
        // A way from the tip to the base leads over commits that the base does not reach, and
        // all of those were followed.
        let from_base =
            base.is_none_or(|base| marks.get(&base).is_some_and(|marks| marks & TIP != 0));
        if let Some(base) = base {
            self.settle(base, &mut members)?;
        }
        if members.len() > limit {
            return Err(Fault::TooLarge {
                what: format!("more than {limit} commits"),
            });
        }
        let commits = self.children_first(&members)?;
        Ok(Range { commits, from_base })
    }

    /// Takes out of `members` what the base reaches after all: dates that lie can end the walk
    /// before its mark arrives.
    ///
    /// What descends from the base cannot be reached from it. The rest is settled by asking for
    /// its lowest commits, those without a parent in the range.
    fn settle(&mut self, base: Node, members: &mut Set<Node>) -> Result<(), Fault> {
        let mut above = Set::default();
        let mut lowest = Vec::new();
        for node in self.children_first(members)?.into_iter().rev() {
            let parents = self.parents(node)?;
            if parents
                .iter()
                .any(|parent| *parent == base || above.contains(parent))
            {
                above.insert(node);
            } else if !parents.iter().any(|parent| members.contains(parent)) {
                lowest.push(node);
            }
        }
        if lowest.is_empty() {
            return Ok(());
        }
        let reached = self.reached(base, &lowest)?;
        members.retain(|node| !reached.contains(node));
        Ok(())
    }

    /// The members in an order in which no parent stands before its child; newer ones first where
    /// that leaves a choice.
    fn children_first(&mut self, members: &Set<Node>) -> Result<Vec<Node>, Fault> {
        let mut children: Map<Node, usize> = Map::default();
        children.reserve(members.len());
        for node in members {
            for parent in self.parents(*node)?.iter().copied() {
                *children.entry(parent).or_default() += 1;
            }
        }
        let mut ready = BinaryHeap::new();
        for node in members {
            if !children.contains_key(node) {
                ready.push((self.links(*node)?.date, *node));
            }
        }
        let mut ordered = Vec::with_capacity(members.len());
        while let Some((_, node)) = ready.pop() {
            ordered.push(node);
            for parent in self.parents(node)?.iter().copied() {
                let Some(left) = children.get_mut(&parent) else {
                    continue;
                };
                *left -= 1;
                if *left == 0 && members.contains(&parent) {
                    ready.push((self.links(parent)?.date, parent));
                }
            }
        }
        if ordered.len() == members.len() {
            Ok(ordered)
        } else {
            Err(Fault::Unreadable {
                why: "the history has a circle".into(),
            })
        }
    }
}
