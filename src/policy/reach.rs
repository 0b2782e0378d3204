//! Can anybody ever meet a demand? Nobody approves what they wrote, so one author is always out.

use std::collections::BTreeSet;

/// How many of whom have to approve.
#[derive(Debug, Clone)]
pub(super) struct Demand<'a> {
    /// How many distinct people.
    pub(super) required: u32,
    /// Those who could: in the teams, not disabled, with a key.
    pub(super) able: BTreeSet<&'a str>,
}

impl Demand<'_> {
    /// Whether enough people are left where these are out.
    fn met_without(&self, out: &BTreeSet<&str>) -> bool {
        let missing = out.iter().filter(|name| self.able.contains(*name)).count();
        self.able.len().saturating_sub(missing) >= self.required as usize
    }
}

/// Whether one of `authors` could write a change that then meets all of `demands`.
pub(super) fn reachable(demands: &[Demand<'_>], authors: &BTreeSet<&str>) -> bool {
    authors.iter().any(|author| {
        let out = BTreeSet::from([*author]);
        demands.iter().all(|demand| demand.met_without(&out))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(required: u32, able: &[&'static str]) -> Demand<'static> {
        let able = able.iter().copied().collect();
        Demand { required, able }
    }

    fn authors(names: &[&'static str]) -> BTreeSet<&'static str> {
        names.iter().copied().collect()
    }

    #[test]
    fn an_author_does_not_count_for_their_own_change() {
        let one = [demand(1, &["dana", "bob"])];
        assert!(reachable(&one, &authors(&["dana", "bob"])));
        let two = [demand(2, &["dana", "bob"])];
        assert!(!reachable(&two, &authors(&["dana", "bob"])));
        assert!(reachable(&two, &authors(&["dana", "bob", "carl"])));
        assert!(!reachable(&[demand(1, &[])], &authors(&["dana"])));
        assert!(!reachable(&one, &authors(&[])));
    }

    #[test]
    fn all_demands_hold_for_the_same_author() {
        // dana is the only one of the first team, bob of the second, and only they write.
        let both = [demand(1, &["dana"]), demand(1, &["bob"])];
        assert!(!reachable(&both, &authors(&["dana", "bob"])));
        assert!(reachable(&both, &authors(&["dana", "bob", "carl"])));
    }
}
