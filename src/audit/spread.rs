//! Spreading work over the processors, with the results handed on in their order.

use std::num::NonZero;
use std::ops::{ControlFlow, Range};
use std::thread;

/// At most so many threads.
const MOST: u64 = 8;

/// So many pieces a thread does before what was made is handed on.
const EACH: u64 = 4;

/// Makes each of `range` and hands it to `take`, first to last, as long as that says so. At most 32
/// results are kept at a time.
pub(in crate::audit) fn in_order<T: Send>(
    range: Range<u64>,
    make: impl Fn(u64) -> T + Sync,
    mut take: impl FnMut(T) -> ControlFlow<()>,
) {
    let threads = thread::available_parallelism().map_or(1, NonZero::get) as u64;
    let threads = threads.min(MOST);
    let mut from = range.start;
    while from < range.end {
        let to = range.end.min(from + threads * EACH);
        for made in round(from..to, threads, &make).into_iter().flatten() {
            if take(made).is_break() {
                return;
            }
        }
        from = to;
    }
}

/// Makes each of `range`, a share in every thread, one share after the other.
fn round<T: Send>(
    range: Range<u64>,
    threads: u64,
    make: &(impl Fn(u64) -> T + Sync),
) -> Vec<Vec<T>> {
    let share = (range.end - range.start).div_ceil(threads);
    let shares: Vec<Range<u64>> = (0..threads)
        .map(|number| {
            let from = range.end.min(range.start + number * share);
            from..range.end.min(from + share)
        })
        .filter(|share| !share.is_empty())
        .collect();
    let all = |share: Range<u64>| share.map(make).collect::<Vec<T>>();
    let Some((last, others)) = shares.split_last() else {
        return Vec::new();
    };
    thread::scope(|scope| {
        let started: Vec<_> = others
            .iter()
            .map(|share| (share, scope.spawn(|| all(share.clone()))))
            .collect();
        let mine = all(last.clone());
        let ended = started.into_iter().map(|(share, thread)| {
            // What made a thread end early is met here again, where it is told.
            thread.join().unwrap_or_else(|_| all(share.clone()))
        });
        let mut made: Vec<Vec<T>> = ended.collect();
        made.push(mine);
        made
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_handed_on_in_order_and_not_after_the_end() {
        for (range, stop) in [(0..0, 0), (0..1, 9), (5..300, 900), (0..300, 41)] {
            let mut taken = Vec::new();
            in_order(
                range.clone(),
                |number| number,
                |number| {
                    taken.push(number);
                    match number == stop {
                        true => ControlFlow::Break(()),
                        false => ControlFlow::Continue(()),
                    }
                },
            );
            let end = range.end.min(stop + 1).max(range.start);
            assert_eq!(taken, (range.start..end).collect::<Vec<_>>());
        }
    }
}
