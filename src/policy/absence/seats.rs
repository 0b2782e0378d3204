//! How many of those who are there can approve together where some stand in for others: everybody
//! speaks once, and for everybody is spoken once.

use std::collections::{BTreeMap, BTreeSet};

/// Whose seats each deputy may take.
pub(super) type StandIns<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// People by whom a demand is met; nothing where there are too few. `own` are those who are there and
/// approve in their own name, too few by themselves; `deputies` those who are there and could in somebody's
/// stead. Nobody takes the seat of one of `barred`.
pub(super) fn enough<'a>(
    required: usize,
    own: &[&'a str],
    deputies: &[&'a str],
    stand_ins: &StandIns<'a>,
    barred: &[Option<&'a str>],
) -> Option<BTreeSet<&'a str>> {
    let mut table = Table {
        stand_ins,
        barred,
        own: own.iter().copied().collect(),
        taken: own.iter().map(|name| (*name, *name)).collect(),
    };
    let mut tried = BTreeSet::new();
    for deputy in deputies {
        if table.taken.len() >= required {
            break;
        }
        // What led nowhere leads nowhere until somebody has sat down.
        if !table.own.contains(deputy) && table.seat(deputy, &mut tried) {
            tried.clear();
        }
    }
    (table.taken.len() >= required).then(|| table.taken.into_values().collect())
}

struct Table<'a, 's> {
    stand_ins: &'s StandIns<'a>,
    barred: &'s [Option<&'a str>],
    own: BTreeSet<&'a str>,
    /// Who sits on whose seat.
    taken: BTreeMap<&'a str, &'a str>,
}

impl<'a> Table<'a, '_> {
    /// Finds a seat for one more, and others for those who have to make room.
    fn seat(&mut self, deputy: &'a str, tried: &mut BTreeSet<&'a str>) -> bool {
        let own = self.own.contains(deputy).then_some(deputy);
        let others = self.stand_ins.get(deputy).into_iter().flatten().copied();
        let seats: Vec<&str> = own.into_iter().chain(others).collect();
        for seat in seats {
            if self.barred.contains(&Some(seat)) || !tried.insert(seat) {
                continue;
            }
            let free = match self.taken.get(seat).copied() {
                None => true,
                Some(holder) => self.seat(holder, tried),
            };
            if free {
                self.taken.insert(seat, deputy);
                return true;
            }
        }
        false
    }
}
