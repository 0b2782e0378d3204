//! Who counts for one demand where some speak in others' stead: everybody speaks once, and for
//! everybody is spoken once.

use super::roster::Number;
use std::collections::{BTreeMap, BTreeSet};

/// A yes that could count for a demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Vote {
    /// Who gave it.
    pub voter: Number,
    /// The member of the demand's teams whose seat it takes: their own, or that of whom they stand
    /// in for.
    pub seat: Number,
}

impl Vote {
    /// Somebody's own.
    pub(super) fn own(person: Number) -> Self {
        Self {
            voter: person,
            seat: person,
        }
    }

    /// Whether it is somebody's own.
    pub(super) fn is_own(self) -> bool {
        self.voter == self.seat
    }
}

/// As many of the votes as can count together: nobody counts twice, and nobody's seat is taken
/// twice. Own votes go first, so that a deputy is only named where one was needed.
pub(super) fn together(votes: &BTreeSet<Vote>) -> BTreeSet<Vote> {
    let mut seats: BTreeMap<Number, Vec<Number>> = BTreeMap::new();
    for vote in votes {
        let own = seats.entry(vote.voter).or_default();
        match vote.is_own() {
            true => own.insert(0, vote.seat),
            false => own.push(vote.seat),
        }
    }
    let voters = seats.keys().copied();
    let (with_own, others): (Vec<Number>, Vec<Number>) =
        voters.partition(|voter| votes.contains(&Vote::own(*voter)));
    let mut taken: BTreeMap<Number, Number> = BTreeMap::new();
    for voter in with_own.into_iter().chain(others) {
        seat(voter, &seats, &mut taken, &mut BTreeSet::new());
    }
    let pairs = taken.into_iter();
    pairs.map(|(seat, voter)| Vote { voter, seat }).collect()
}

/// Finds a seat for one more voter, and others for those who have to make room.
fn seat(
    voter: Number,
    seats: &BTreeMap<Number, Vec<Number>>,
    taken: &mut BTreeMap<Number, Number>,
    tried: &mut BTreeSet<Number>,
) -> bool {
    for wanted in seats.get(&voter).into_iter().flatten() {
        if !tried.insert(*wanted) {
            continue;
        }
        let free = match taken.get(wanted).copied() {
            None => true,
            Some(holder) => seat(holder, seats, taken, tried),
        };
        if free {
            taken.insert(*wanted, voter);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{Vote, together};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn votes(pairs: &[(usize, usize)]) -> BTreeSet<Vote> {
        let vote = |(voter, seat): &(usize, usize)| Vote {
            voter: *voter,
            seat: *seat,
        };
        pairs.iter().map(vote).collect()
    }

    #[test]
    fn nobody_makes_a_quorum_alone() {
        // 3 stands in for 1 and for 2.
        assert_eq!(together(&votes(&[(3, 1), (3, 2)])).len(), 1);
        // 1 has spoken, and 3 speaks for 1.
        assert_eq!(together(&votes(&[(1, 1), (3, 1)])), votes(&[(1, 1)]));
        // Two deputies of one person.
        assert_eq!(together(&votes(&[(3, 1), (4, 1)])).len(), 1);
        assert_eq!(together(&votes(&[(3, 1), (4, 2)])).len(), 2);
        // 3 could speak for either, 4 for one only.
        assert_eq!(together(&votes(&[(3, 1), (3, 2), (4, 1)])).len(), 2);
        assert_eq!(together(&votes(&[])), votes(&[]));
    }

    /// The most votes of which no two have a voter or a seat in common, by trying all.
    fn most(votes: &[Vote], used: &mut Vec<Vote>) -> usize {
        let Some((first, rest)) = votes.split_first() else {
            return used.len();
        };
        let without = most(rest, used);
        let clash = |one: &Vote| one.voter == first.voter || one.seat == first.seat;
        if used.iter().any(clash) {
            return without;
        }
        used.push(*first);
        let with = most(rest, used);
        used.pop();
        with.max(without)
    }

    proptest! {
        #[test]
        fn as_many_count_as_can(pairs in prop::collection::vec((0usize..5, 0usize..5), 0..9)) {
            let all = votes(&pairs);
            let counted = together(&all);
            prop_assert!(counted.is_subset(&all));
            let voters: BTreeSet<usize> = counted.iter().map(|vote| vote.voter).collect();
            let seats: BTreeSet<usize> = counted.iter().map(|vote| vote.seat).collect();
            prop_assert_eq!(voters.len(), counted.len());
            prop_assert_eq!(seats.len(), counted.len());
            let listed: Vec<Vote> = all.into_iter().collect();
            prop_assert_eq!(counted.len(), most(&listed, &mut Vec::new()));
        }
    }
}
