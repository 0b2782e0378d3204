//! What approvals reach: linear in the range for each approver, whatever the number of approvals.

use super::span::{At, Span};
use std::collections::{BinaryHeap, HashMap};

/// One approval as a start: where it stands, what it looked back to, and what it carries along.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start<T> {
    /// The commit that is approved.
    pub at: At,
    /// The commit of the range that the approver compared with: what it reaches is left out.
    pub since: Option<At>,
    /// What every commit reached is marked with; where several come together, the greatest.
    pub mark: T,
}

/// A step of the exact comparison costs so much more than one of the plain walk.
const EXACT: usize = 32;

/// Marks what the starts reach. Nothing where that would take too many steps.
pub(super) fn spread<T: Copy + Ord>(span: &Span<'_>, starts: &[Start<T>]) -> Vec<Option<T>> {
    let mut marks: Vec<Option<T>> = vec![None; span.facts.commits.len()];
    if !span.step(marks.len()) {
        return marks;
    }
    for start in starts.iter().filter(|start| start.since.is_none()) {
        raise(&mut marks, start.at, start.mark);
    }
    for (at, parents) in span.parents.iter().enumerate() {
        if let Some(mark) = marks.get(at).copied().flatten() {
            for parent in parents {
                raise(&mut marks, *parent, mark);
            }
        }
    }
    for start in starts {
        if let Some(since) = start.since {
            for at in between(span, start.at, since) {
                raise(&mut marks, at, start.mark);
            }
        }
    }
    marks
}

fn raise<T: Copy + Ord>(marks: &mut [Option<T>], at: At, mark: T) {
    if let Some(slot) = marks.get_mut(at) {
        *slot = (*slot).max(Some(mark));
    }
}

/// What `tip` reaches and `base` does not, both in the range.
///
/// Commits are taken in the order of the range, so that each has all of its marks when its turn
/// comes; it ends when nothing but the base's is left to look at.
pub(super) fn between(span: &Span<'_>, tip: At, base: At) -> Vec<At> {
    let mut of_base: HashMap<At, bool> = HashMap::from([(tip, false), (base, true)]);
    let mut found = Vec::new();
    let mut open = usize::from(tip != base);
    let mut waiting = BinaryHeap::from([std::cmp::Reverse(tip), std::cmp::Reverse(base)]);
    let mut last = None;
    while let Some(std::cmp::Reverse(at)) = waiting.pop() {
        if last.replace(at) == Some(at) {
            continue;
        }
        let by_base = of_base.get(&at).copied().unwrap_or(true);
        if !by_base {
            found.push(at);
            open = open.saturating_sub(1);
        }
        for parent in span.parents.get(at).into_iter().flatten() {
            match of_base.get_mut(parent) {
                None => {
                    of_base.insert(*parent, by_base);
                    waiting.push(std::cmp::Reverse(*parent));
                    open += usize::from(!by_base);
                }
                Some(marked) if by_base && !*marked => {
                    *marked = true;
                    open = open.saturating_sub(1);
                }
                Some(_) => {}
            }
        }
        if open == 0 {
            break;
        }
        if !span.step(EXACT) {
            return Vec::new();
        }
    }
    found
}
