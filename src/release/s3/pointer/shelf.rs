//! The numbered releases of a bucket.

use super::super::session::{Page, Range};
use super::super::store::Store;
use crate::release::{OWN_PREFIX, ReleaseError};
use std::collections::{BTreeMap, BTreeSet};

/// The numbers in use below `releases/`. That a number is in use says nothing of whose it is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shelf {
    /// Those with something that is called as a manifest is.
    pub(super) recorded: BTreeSet<u64>,
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

/// The objects below a prefix, with their sizes.
pub(super) fn objects(
    store: &Store,
    prefix: &str,
) -> Result<BTreeMap<String, Option<u64>>, ReleaseError> {
    let range = Range {
        prefix,
        after: "",
        delimiter: "",
    };
    let mut found = BTreeMap::new();
    store.list(range, &mut |page| {
        let objects = page.objects.into_iter();
        found.extend(objects.map(|object| (object.key, object.size)));
        true
    })?;
    Ok(found)
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
            let recorded = name.strip_suffix(".json").and_then(parsed);
            let filled = name.strip_suffix('/').and_then(parsed);
            // What earlier versions marked an unfinished release with.
            let marked = name.strip_prefix(OWN_PREFIX);
            let marked = marked.and_then(|name| parsed(name.strip_suffix(".tmp")?));
            self.recorded.extend(recorded);
            let number = recorded.or(filled).or(marked).unwrap_or(0);
            self.last = self.last.max(number);
        }
    }

    /// The number for a new release: that of one which a killed run began, or the next. `open` are
    /// the releases that are noted as being made or taken away.
    pub(super) fn number(&self, current: Option<u64>, open: &BTreeSet<u64>) -> Option<u64> {
        let begun = open.last().copied();
        let begun = begun.filter(|number| *number >= self.last && Some(*number) > current);
        match begun {
            Some(number) => Some(number),
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

    fn number(names: &[&str], current: Option<u64>, open: &[u64]) -> Option<u64> {
        shelf(names).number(current, &open.iter().copied().collect())
    }

    #[test]
    fn a_new_release_gets_a_number_that_nothing_has() {
        assert_eq!(number(&[], None, &[]), Some(1));
        assert_eq!(number(&[], Some(7), &[]), Some(8));
        let plain = ["1/", "1.json", "2/", "2.json"];
        assert_eq!(number(&plain, Some(2), &[]), Some(3));
        // After a return to an earlier release, the later one stays what it is.
        assert_eq!(number(&plain, Some(1), &[]), Some(3));
        // Somebody else's folder is left alone.
        assert_eq!(number(&["1/", "1.json", "2024/"], Some(1), &[]), Some(2025));
        assert_eq!(number(&["18446744073709551615/"], None, &[]), None);
        assert_eq!(number(&["007/", "x.json", "0/"], None, &[]), Some(1));
        assert_eq!(number(&[".relhook-4.tmp"], Some(1), &[]), Some(5));
    }

    #[test]
    fn a_release_that_a_killed_run_began_is_carried_on() {
        let begun = ["1/", "1.json", "2/"];
        assert_eq!(number(&begun, Some(1), &[2]), Some(2));
        assert_eq!(number(&["1/", "1.json"], Some(1), &[2]), Some(2));
        let complete = ["1/", "1.json", "2/", "2.json"];
        assert_eq!(number(&complete, Some(1), &[2]), Some(2));
        // One that was being taken away when its run was killed is not built upon, nor is one behind
        // which there is something of somebody else.
        assert_eq!(number(&complete, Some(2), &[1]), Some(3));
        assert_eq!(number(&["2/", "9/"], Some(1), &[2]), Some(10));
        // Nothing in the bucket says that a release is begun.
        let marked = ["1/", "1.json", "2/", ".relhook-2.tmp"];
        assert_eq!(number(&marked, Some(1), &[]), Some(3));
    }
}
