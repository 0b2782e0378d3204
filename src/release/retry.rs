//! When a run that failed is tried again, and when it is not. Pure.

use crate::types::{Seconds, Timestamp};
use std::hash::{BuildHasher, RandomState};

/// How long after the first, second, … failure in a row the next run is due, in seconds.
const WAITS: [u64; 6] = [10, 60, 300, 900, 3600, 6 * 3600];

/// What follows a failed run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is tried again then.
    Again(Timestamp),
    /// It is not: a person says so first, or another commit is accepted.
    ForGood,
}

/// Whether a failure may pass by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::release) enum Kind {
    /// It may.
    Passing,
    /// Somebody has to do something.
    Lasting,
}

/// What follows the failure that is number `failures` in a row, the first being 1. The wait is
/// made up to a quarter longer by `chance`, so that targets which failed together do not all come
/// back together.
pub(in crate::release) fn next(failures: u32, kind: Kind, now: Timestamp, chance: u64) -> Next {
    let place = failures.saturating_sub(1) as usize;
    match (kind, WAITS.get(place)) {
        (Kind::Passing, Some(wait)) => {
            Next::Again(now.plus(Seconds(wait + chance % (wait / 4 + 1))))
        }
        (Kind::Passing, None) | (Kind::Lasting, _) => Next::ForGood,
    }
}

/// A number that nobody foresees, as good as spreading runs needs it.
pub(in crate::release) fn chance() -> u64 {
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_by_chance_at_most_a_quarter_and_end() {
        let now = Timestamp::from_unix(1000);
        let mut before = 0;
        for (at, wait) in WAITS.iter().enumerate() {
            let failures = u32::try_from(at).unwrap() + 1;
            for chance in [0, 1, 7, u64::MAX, 12_345] {
                let Next::Again(due) = next(failures, Kind::Passing, now, chance) else {
                    panic!("failure {failures} is not the last");
                };
                let waited = u64::try_from(due.as_unix() - 1000).unwrap();
                assert!((*wait..=wait + wait / 4).contains(&waited), "{waited}");
            }
            assert!(*wait > before);
            before = *wait;
        }
        assert_eq!(next(7, Kind::Passing, now, 0), Next::ForGood);
        assert_eq!(next(1, Kind::Lasting, now, 0), Next::ForGood);
    }

    #[test]
    fn two_chances_differ() {
        let drawn: std::collections::BTreeSet<u64> = (0..8).map(|_| chance()).collect();
        assert!(drawn.len() > 1);
    }
}
