//! The smallest sets of people that are in every set with which a change goes in.
//!
//! Whoever blocks has to take somebody out of each set that is enough. So one such set is looked
//! for, each of its people is taken out in turn, and so on, one person deeper each time.

use super::Number;
use super::ways::Plan;
use std::collections::BTreeSet;

/// So many sets of people are tried for one question.
const TRIES: usize = 20_000;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found<'a> {
    /// How many have to be away.
    pub(super) number: Number,
    /// All sets of that size.
    pub(super) sets: Vec<BTreeSet<&'a str>>,
}

/// Those each of whom alone is enough to block.
pub(super) fn single<'a>(plan: &Plan<'a>) -> BTreeSet<&'a str> {
    let Some(enough) = plan.enough(&BTreeSet::new()) else {
        return BTreeSet::new();
    };
    let candidates = enough.into_iter().filter(|name| plan.present != Some(name));
    candidates
        .filter(|name| plan.enough(&BTreeSet::from([*name])).is_none())
        .collect()
}

/// The smallest sets that block.
pub(super) fn smallest<'a>(plan: &Plan<'a>) -> Found<'a> {
    let mut tries = TRIES;
    let mut open: BTreeSet<BTreeSet<&str>> = BTreeSet::from([BTreeSet::new()]);
    let mut size = 0;
    loop {
        tries = tries.saturating_sub(open.len());
        let (sets, deeper) = level(plan, open);
        if !sets.is_empty() {
            let number = Number::Exactly(size);
            return Found { number, sets };
        }
        if deeper.is_empty() {
            return only(Number::Never);
        }
        if deeper.len() > tries {
            return only(Number::MoreThan(size));
        }
        open = deeper;
        size += 1;
    }
}

/// Which of these sets block, and the larger ones that may where none does.
fn level<'a>(
    plan: &Plan<'a>,
    open: BTreeSet<BTreeSet<&'a str>>,
) -> (Vec<BTreeSet<&'a str>>, BTreeSet<BTreeSet<&'a str>>) {
    let mut sets = Vec::new();
    let mut deeper = BTreeSet::new();
    for absent in open {
        let Some(enough) = plan.enough(&absent) else {
            sets.push(absent);
            continue;
        };
        for name in enough.into_iter().filter(|name| plan.present != Some(name)) {
            let mut more = absent.clone();
            more.insert(name);
            deeper.insert(more);
        }
    }
    (sets, deeper)
}

fn only<'a>(number: Number) -> Found<'a> {
    let sets = Vec::new();
    Found { number, sets }
}
