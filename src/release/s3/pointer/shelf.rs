//! The numbered releases of a bucket.

use super::super::session::{Page, Range};
use super::super::store::Store;
use crate::release::{OWN_PREFIX, ReleaseError};
use std::collections::BTreeSet;

/// The numbers in use below `releases/`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shelf {
    /// Releases with a manifest.
    pub(super) complete: BTreeSet<u64>,
    /// Those that are being made or taken away.
    pub(super) open: BTreeSet<u64>,
    /// The greatest number of any kind, ours or not.
    pub(super) last: u64,
}

/// Where its files are.
pub(super) fn folder(number: u64) -> String {
    format!("releases/{number}/")
}

/// Where its manifest is.
pub(super) fn record(number: u64) -> String {
    format!("releases/{number}.json")
}

/// What marks it while it is being made or taken away.
pub(super) fn marker(number: u64) -> String {
    format!("releases/{OWN_PREFIX}{number}.tmp")
}

/// What is below `releases/`.
pub(super) fn shelf(store: &Store) -> Result<Shelf, ReleaseError> {
    let prefix = store.key("releases/");
    let range = Range {
        prefix: &prefix,
        after: "",
        delimiter: "/",
    };
    let mut shelf = Shelf::default();
    store.list(range, &mut |page| {
        shelf.take(&page, &prefix);
        true
    })?;
    Ok(shelf)
}

impl Shelf {
    fn take(&mut self, page: &Page, prefix: &str) {
        let keys = page.objects.iter().map(|object| &object.key);
        for name in keys.chain(&page.prefixes) {
            let name = name.strip_prefix(prefix).unwrap_or(name);
            let open = name
                .strip_prefix(OWN_PREFIX)
                .and_then(|name| parsed(name.strip_suffix(".tmp")?));
            let complete = name.strip_suffix(".json").and_then(parsed);
            let any = name.strip_suffix('/').and_then(parsed);
            self.open.extend(open);
            self.complete.extend(complete);
            self.last = self.last.max(open.or(complete).or(any).unwrap_or(0));
        }
    }

    /// The number for a new release: that of one which a killed run began, or the next.
    pub(super) fn number(&self, current: Option<u64>) -> Option<u64> {
        let begun = self.open.last().filter(|number| {
            **number == self.last && Some(**number) > current && !self.complete.contains(*number)
        });
        match begun {
            Some(number) => Some(*number),
            None => self.last.max(current.unwrap_or(0)).checked_add(1),
        }
    }
}

/// A release's number: decimal digits as relhook writes them, from 1.
fn parsed(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number > 0 && number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::super::super::session::Object;
    use super::*;

    fn shelf(names: &[&str]) -> Shelf {
        let (prefixes, objects): (Vec<&&str>, Vec<&&str>) =
            names.iter().partition(|name| name.ends_with('/'));
        let object = |name: &&str| Object {
            key: format!("www/releases/{name}"),
            ..Object::default()
        };
        let page = Page {
            objects: objects.into_iter().map(object).collect(),
            prefixes: prefixes
                .iter()
                .map(|name| format!("www/releases/{name}"))
                .collect(),
            ..Page::default()
        };
        let mut shelf = Shelf::default();
        shelf.take(&page, "www/releases/");
        shelf
    }

    #[test]
    fn a_new_release_gets_a_number_that_nothing_has() {
        assert_eq!(shelf(&[]).number(None), Some(1));
        assert_eq!(shelf(&[]).number(Some(7)), Some(8));
        let plain = shelf(&["1/", "1.json", "2/", "2.json"]);
        assert_eq!(plain.number(Some(2)), Some(3));
        // After a return to an earlier release, the later one stays what it is.
        assert_eq!(plain.number(Some(1)), Some(3));
        // Somebody else's folder is left alone.
        assert_eq!(
            shelf(&["1/", "1.json", "2024/"]).number(Some(1)),
            Some(2025)
        );
        assert_eq!(shelf(&["18446744073709551615/"]).number(None), None);
        assert_eq!(shelf(&["007/", "x.json", "0/"]).number(None), Some(1));
    }

    #[test]
    fn a_release_that_a_killed_run_began_is_carried_on() {
        let begun = shelf(&["1/", "1.json", "2/", ".relhook-2.tmp"]);
        assert_eq!(begun.number(Some(1)), Some(2));
        // One that was being taken away when its run was killed is not built upon.
        let doomed = shelf(&["1/", ".relhook-1.tmp", "2/", "2.json"]);
        assert_eq!(doomed.number(Some(2)), Some(3));
        let complete = shelf(&["2/", "2.json", ".relhook-2.tmp"]);
        assert_eq!(complete.number(Some(1)), Some(3));
    }
}
