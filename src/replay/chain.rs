//! The way of one ref: what it was seen to name, and whether permitted moves lead there. Pure.
//!
//! Each verdict of the log says what the ref really named then. From what was seen last a ref can only
//! have come to where a permitted move leads; whether such a move was made shows at the next look.

use crate::types::{Oid, Seconds, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// A push that is judged has read the refs a while before its entry stands in the log. So long a
/// value that others have seen to be past is taken for one that was read before.
const STALE: Seconds = Seconds(600);

/// What a ref names: a commit, or nothing where it is not there.
pub(super) type Value = Option<Oid>;

/// The way of one ref so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Chain {
    /// What it was last seen to name.
    known: Option<Sight>,
    /// What it may name since.
    possible: BTreeSet<Value>,
    /// What it may have named before, and when that was over.
    left: BTreeMap<Value, Timestamp>,
    /// The permitted moves.
    permits: Vec<(Value, Oid)>,
    /// Every commit that it was seen to name.
    visited: BTreeSet<Oid>,
}

/// What a ref was seen to name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sight {
    pub value: Value,
    /// The entry that says so.
    pub seq: u64,
}

/// A ref is where no permitted move leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Jump {
    /// Where it was last seen; nothing where it was never seen before.
    pub from: Option<Sight>,
    /// Where it was last let go from there.
    pub last: Value,
    /// Where it is.
    pub to: Oid,
}

impl Chain {
    /// It was seen to name `value`.
    pub(super) fn see(&mut self, value: Value, seq: u64, time: Timestamp) -> Option<Jump> {
        let jump = self.unexplained(value);
        if jump.is_some() && self.is_stale(value, time) {
            return None;
        }
        self.stand(value, seq, time);
        jump
    }

    /// A verdict permits this move.
    pub(super) fn permit(&mut self, old: Value, new: Oid) {
        self.permits.push((old, new));
        if self.known.is_some_and(|known| known.value == old) {
            self.possible.insert(Some(new));
            self.left.remove(&Some(new));
        }
    }

    /// A permitted move was not made, and its permit is spent.
    pub(super) fn void(&mut self, old: Value, new: Oid) {
        let spent = self.permits.iter().position(|one| *one == (old, new));
        if let Some(at) = spent {
            self.permits.remove(at);
        }
        let known = self.known.map(|known| known.value);
        if known == Some(old) && !self.permits.contains(&(old, new)) && old != Some(new) {
            self.possible.remove(&Some(new));
        }
    }

    /// It names `value` now.
    pub(super) fn end(&mut self, value: Value) -> Option<Jump> {
        self.visited.extend(value);
        self.unexplained(value)
    }

    /// Whether it was seen to name this commit.
    pub(super) fn was_at(&self, oid: Oid) -> bool {
        self.visited.contains(&oid)
    }

    /// Whether anything is known of it.
    pub(super) fn is_known(&self) -> bool {
        self.known.is_some()
    }

    /// That a ref is gone is no move to anything: whether it may be, the next verdict says.
    fn unexplained(&self, value: Value) -> Option<Jump> {
        let to = value?;
        if self.possible.contains(&value) {
            return None;
        }
        let known = self.known.and_then(|known| known.value);
        let let_go = self.permits.iter().rfind(|(old, _)| *old == known);
        Some(Jump {
            from: self.known,
            last: let_go.map_or(known, |(_, new)| Some(*new)),
            to,
        })
    }

    fn is_stale(&self, value: Value, time: Timestamp) -> bool {
        let over = self.left.get(&value);
        over.is_some_and(|over| time <= over.plus(STALE))
    }

    fn stand(&mut self, value: Value, seq: u64, time: Timestamp) {
        self.known = Some(Sight { value, seq });
        self.visited.extend(value);
        let onward = self.permits.iter().filter(|(old, _)| *old == value);
        let mut possible: BTreeSet<Value> = onward.map(|(_, new)| Some(*new)).collect();
        possible.insert(value);
        for past in self.possible.difference(&possible) {
            self.left.insert(*past, time);
        }
        self.possible = possible;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(number: u8) -> Oid {
        Oid::from_bytes(&[number; 20]).unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    /// Pinned at 1.
    fn chain() -> Chain {
        let mut chain = Chain::default();
        chain.stand(Some(oid(1)), 2, at(0));
        chain
    }

    #[test]
    fn permitted_moves_lead_on_and_those_not_made_do_not_matter() {
        let mut chain = chain();
        chain.permit(Some(oid(1)), oid(2));
        chain.permit(Some(oid(1)), oid(3));
        assert_eq!(chain.clone().end(Some(oid(2))), None);
        assert_eq!(chain.see(Some(oid(3)), 5, at(9)), None);
        // The other one is void now.
        assert!(chain.clone().end(Some(oid(2))).is_some());
        chain.permit(Some(oid(3)), oid(4));
        assert_eq!(chain.clone().end(Some(oid(3))), None);
        assert_eq!(chain.end(Some(oid(4))), None);
        assert!(chain.was_at(oid(3)) && chain.was_at(oid(4)) && !chain.was_at(oid(2)));
    }

    #[test]
    fn what_no_permit_leads_to_is_told_with_where_it_came_from() {
        let mut chain = chain();
        let jump = Jump {
            from: Some(Sight {
                value: Some(oid(1)),
                seq: 2,
            }),
            last: Some(oid(1)),
            to: oid(9),
        };
        assert_eq!(chain.see(Some(oid(9)), 3, at(5)), Some(jump));
        // It is told once.
        assert_eq!(chain.see(Some(oid(9)), 4, at(6)), None);
        let mut fresh = Chain::default();
        let first = fresh.see(Some(oid(1)), 1, at(0)).unwrap();
        assert_eq!((first.from, first.to), (None, oid(1)));
        assert_eq!(Chain::default().end(None), None);
    }

    #[test]
    fn a_way_back_is_a_move_too_and_a_late_entry_is_none() {
        let mut chain = chain();
        chain.permit(Some(oid(1)), oid(2));
        assert_eq!(chain.see(Some(oid(2)), 4, at(100)), None);
        // Another push had read the ref before it moved.
        assert_eq!(chain.see(Some(oid(1)), 5, at(700)), None);
        assert!(chain.clone().see(Some(oid(1)), 5, at(701)).is_some());
        chain.permit(Some(oid(2)), oid(3));
        assert_eq!(chain.end(Some(oid(1))).unwrap().last, Some(oid(3)));
    }

    #[test]
    fn a_permit_that_is_spent_leads_nowhere() {
        let mut chain = chain();
        chain.permit(Some(oid(1)), oid(2));
        chain.permit(Some(oid(1)), oid(2));
        chain.void(Some(oid(1)), oid(2));
        // There was another one for the same move.
        assert_eq!(chain.clone().end(Some(oid(2))), None);
        chain.void(Some(oid(1)), oid(2));
        assert!(chain.clone().end(Some(oid(2))).is_some());
        assert_eq!(chain.end(Some(oid(1))), None);
    }

    #[test]
    fn a_ref_that_is_gone_leads_nowhere() {
        let mut chain = chain();
        chain.permit(Some(oid(1)), oid(2));
        assert_eq!(chain.see(None, 4, at(0)), None);
        assert!(chain.clone().end(Some(oid(2))).is_some());
        chain.permit(None, oid(5));
        assert_eq!(chain.end(Some(oid(5))), None);
    }
}
