//! A bucket as a site: paths are keys, directories are only spoken of, and everything is there as
//! soon as it is answered.

use super::store::{Call, Store, Verb};
use crate::release::site::{Connector, Copied, Entry, EntryKind, Placing, Session};
use crate::release::xml::{self, Namespace};
use crate::release::{FileKind, ReleaseError};
use crate::types::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// How many entries are read of one listing.
const ENTRY_LIMIT: usize = 1_000_000;

/// How many bytes of names are read of one listing.
const NAMES_LIMIT: usize = 256 * 1024 * 1024;

/// The longest mark of where a listing goes on, in bytes: it has to fit into a URL.
const TOKEN_LIMIT: usize = 8 * 1024;

/// How many pages may have less than [`PAGE_WORTH`] entries on the average.
const THIN_PAGES: usize = 100;

/// How many entries a page brings on the average, at least. Stores may give less than they are asked
/// for, and pages without any.
const PAGE_WORTH: usize = 10;

/// How many files are asked for together: as many as a page of a listing has.
const AHEAD: usize = 1000;

/// From how many files on it is worth while to list them instead of asking for each.
const MANY: usize = 32;

/// How many of them a page of the listing has to bring for another one to be asked for.
const PAGE_YIELD: usize = 8;

/// What opens sessions: all of them share the connections of one client.
pub(super) struct Stores {
    pub(super) store: Arc<Store>,
    connections: u32,
    told: Told,
}

/// The hashes that the store told with sizes that were asked for, by key: who asks for one right
/// afterwards need not ask again. Each is used once, and forgotten when its object changes.
#[derive(Debug, Clone, Default)]
struct Told(Arc<Mutex<BTreeMap<String, Option<String>>>>);

impl Told {
    fn keep(&self, key: &str, sha256: Option<String>) {
        if let Ok(mut told) = self.0.lock() {
            told.insert(key.to_owned(), sha256);
        }
    }

    /// What was told of an object; nothing if nobody asked.
    fn take(&self, key: &str) -> Option<Option<String>> {
        self.0.lock().ok()?.remove(key)
    }
}

impl Stores {
    pub(super) fn new(store: Store, connections: u32) -> Self {
        Self {
            store: Arc::new(store),
            connections,
            told: Told::default(),
        }
    }
}

impl Connector for Stores {
    fn connect(&self) -> Result<Box<dyn Session>, ReleaseError> {
        Ok(Box::new(Desk {
            store: Arc::clone(&self.store),
            told: self.told.clone(),
        }))
    }

    fn sessions(&self) -> usize {
        self.connections as usize
    }

    fn ahead(&self) -> usize {
        AHEAD
    }

    fn placing(&self) -> Placing {
        Placing::Direct
    }

    fn copies(&self) -> bool {
        true
    }
}

struct Desk {
    store: Arc<Store>,
    told: Told,
}

impl Desk {
    /// An object's size, with its hash for whoever asks next.
    fn size_of(&self, key: &str) -> Result<Option<u64>, ReleaseError> {
        let Some(stat) = self.store.stat(key)? else {
            return Ok(None);
        };
        self.told.keep(key, stat.sha256);
        Ok(Some(stat.size))
    }

    /// The key of a path whose object is about to change.
    fn changing(&self, path: &str) -> String {
        let key = self.store.key(path);
        self.told.take(&key);
        key
    }
}

/// A page of a listing.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) objects: Vec<Object>,
    pub(super) prefixes: Vec<String>,
    pub(super) next: Option<String>,
}

/// An object in a listing.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) key: String,
    pub(super) size: Option<u64>,
    pub(super) changed: Option<Timestamp>,
}

/// What to list: keys that begin with `prefix`, behind `after`, up to the next `/` if so told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range<'a> {
    pub(super) prefix: &'a str,
    pub(super) after: &'a str,
    pub(super) delimiter: &'a str,
}

impl Store {
    /// One page of a listing, from where the last one ended.
    fn page(&self, range: Range<'_>, from: Option<&str>, most: &str) -> Result<Page, ReleaseError> {
        let step = format!("LIST {}", range.prefix);
        let mut query = vec![
            ("list-type", "2"),
            ("max-keys", most),
            ("prefix", range.prefix),
        ];
        let told = [
            (
                "delimiter",
                Some(range.delimiter).filter(|text| !text.is_empty()),
            ),
            (
                "start-after",
                Some(range.after).filter(|text| !text.is_empty()),
            ),
            ("continuation-token", from),
        ];
        query.extend(
            told.iter()
                .filter_map(|(name, value)| Some((*name, (*value)?))),
        );
        let call = Call {
            query: &query,
            ..Call::new(Verb::Get, "")
        };
        let answer = self.done(&step, &call)?;
        page(&answer.body)
            .and_then(|page| page.within(range).map(|()| page))
            .map_err(|why| self.peer.odd(&step, why))
    }

    /// Everything in a range, page by page; `take` says whether to go on.
    pub(super) fn list(
        &self,
        range: Range<'_>,
        take: &mut dyn FnMut(Page) -> bool,
    ) -> Result<(), ReleaseError> {
        let mut from: Option<String> = None;
        let mut walk = Walk::default();
        loop {
            let page = self.page(range, from.as_deref(), "1000")?;
            from = page.next.clone();
            let known = walk.goes_on(&page);
            if !take(page) || from.is_none() {
                return Ok(());
            }
            known.map_err(|why| self.peer.odd(&format!("LIST {}", range.prefix), why))?;
        }
    }

    /// Whether the bucket lets us in.
    pub(super) fn greet(&self) -> Result<(), ReleaseError> {
        let prefix = self.key("");
        let range = Range {
            prefix: &prefix,
            after: "",
            delimiter: "",
        };
        self.page(range, None, "1").map(drop)
    }
}

impl Page {
    /// That it tells of nothing but what was asked for: names decide what is removed.
    fn within(&self, range: Range<'_>) -> Result<(), String> {
        let one_level = |rest: &str| range.delimiter.is_empty() || !rest.contains(range.delimiter);
        let object = |key: &str| key.strip_prefix(range.prefix).is_some_and(one_level);
        let folder = |name: &str| {
            let rest = name.strip_prefix(range.prefix);
            let rest = rest.and_then(|rest| rest.strip_suffix(range.delimiter));
            !range.delimiter.is_empty() && rest.is_some_and(one_level)
        };
        let known = self.objects.iter().all(|one| object(&one.key))
            && self.prefixes.iter().all(|name| folder(name));
        match known {
            true => Ok(()),
            false => Err("it tells of what was not asked for".into()),
        }
    }
}

/// How far a listing has come: one that has no end, or does not move, is left.
#[derive(Debug, Default)]
struct Walk {
    pages: usize,
    entries: usize,
    names: usize,
    /// The sums of the marks that there were.
    marks: BTreeSet<[u8; 32]>,
}

impl Walk {
    fn goes_on(&mut self, page: &Page) -> Result<(), String> {
        let names = page.objects.iter().map(|object| &object.key);
        let names = names.chain(&page.prefixes).map(String::len);
        self.pages += 1;
        self.entries += page.objects.len() + page.prefixes.len();
        self.names += names.sum::<usize>();
        let Some(next) = &page.next else {
            return Ok(());
        };
        let new = next.len() <= TOKEN_LIMIT && self.marks.insert(Sha256::digest(next).into());
        if !new || self.pages > THIN_PAGES + self.entries / PAGE_WORTH {
            return Err("the listing does not go on".into());
        }
        match self.entries > ENTRY_LIMIT || self.names > NAMES_LIMIT {
            true => Err("there are too many objects".into()),
            false => Ok(()),
        }
    }
}

/// Reads a page of a listing.
fn page(body: &[u8]) -> Result<Page, String> {
    const ROOT: &str = "ListBucketResult";
    let (mut page, mut object) = (Page::default(), Object::default());
    let (mut truncated, mut whole) = (false, false);
    xml::read(body, Namespace::Any, &mut |names, text| match names {
        [ROOT, "Contents", "Key"] => text.clone_into(&mut object.key),
        [ROOT, "Contents", "Size"] => object.size = text.parse().ok(),
        [ROOT, "Contents", "LastModified"] => object.changed = moment(text),
        [ROOT, "Contents"] => page.objects.push(std::mem::take(&mut object)),
        [ROOT, "CommonPrefixes", "Prefix"] => page.prefixes.push(text.to_owned()),
        [ROOT, "IsTruncated"] => truncated = text == "true",
        [ROOT, "NextContinuationToken"] => page.next = Some(text.to_owned()),
        [ROOT] => whole = true,
        _ => {}
    })?;
    if !whole {
        return Err("it is not a listing".into());
    }
    match (truncated, &page.next) {
        (false, _) => page.next = None,
        (true, Some(_)) => {}
        (true, None) => return Err("the listing does not say how it goes on".into()),
    }
    Ok(page)
}

/// A moment as stores write it, with fractions of a second.
fn moment(text: &str) -> Option<Timestamp> {
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_unix(time.as_second()))
}

impl Session for Desk {
    /// A bucket has no directories: one may be used wherever it is wanted.
    fn is_dir(&mut self, path: &str) -> Result<bool, ReleaseError> {
        if path == "/" {
            self.store.greet()?;
        }
        Ok(true)
    }

    fn size(&mut self, path: &str) -> Result<Option<u64>, ReleaseError> {
        let stat = self.store.stat(&self.store.key(path))?;
        Ok(stat.map(|stat| stat.size))
    }

    fn list(&mut self, path: &str) -> Result<Vec<Entry>, ReleaseError> {
        let mut prefix = self.store.key(path);
        if !prefix.is_empty() && !prefix.ends_with('/') {
            prefix.push('/');
        }
        let range = Range {
            prefix: &prefix,
            after: "",
            delimiter: "/",
        };
        let mut entries = Vec::new();
        self.store.list(range, &mut |page| {
            let file = |object: Object| Entry {
                name: below(&object.key, &prefix),
                kind: EntryKind::File,
                size: object.size,
                changed: object.changed,
            };
            let folder = |name: String| Entry {
                name: below(name.trim_end_matches('/'), &prefix),
                kind: EntryKind::Directory,
                size: None,
                changed: None,
            };
            entries.extend(page.objects.into_iter().map(file));
            entries.extend(page.prefixes.into_iter().map(folder));
            true
        })?;
        // What people's tools make to have an empty folder.
        entries.retain(|entry| !entry.name.is_empty());
        Ok(entries)
    }

    fn put(
        &mut self,
        path: &str,
        content: &[u8],
        _: FileKind,
        sent: &dyn Fn(usize),
    ) -> Result<(), ReleaseError> {
        let clothes = self.store.clothes(path, content);
        self.store
            .put(&self.changing(path), content, &clothes, sent)
    }

    fn get(&mut self, path: &str, limit: u64) -> Result<Vec<u8>, ReleaseError> {
        let key = self.store.key(path);
        match self.store.get(&key, limit)? {
            Some(bytes) => Ok(bytes),
            None => Err(ReleaseError::Refused {
                site: self.store.peer.site(),
                step: format!("GET {}", crate::types::escape(key.as_bytes())),
                code: 404,
                reply: "there is no such object".into(),
            }),
        }
    }

    /// A copy and a removal: the new name is there before the old one goes.
    fn rename(&mut self, from: &str, to: &str) -> Result<(), ReleaseError> {
        let clothes = self.store.clothes(to, b"");
        let clothes = (!self.store.same_clothes(from, to)).then_some(&clothes);
        let (from, to) = (self.changing(from), self.changing(to));
        if self.store.copy(&from, &to, clothes)? {
            return self.store.delete(&from);
        }
        Err(ReleaseError::Refused {
            site: self.store.peer.site(),
            step: format!("COPY {}", crate::types::escape(to.as_bytes())),
            code: 404,
            reply: "there is no such object to copy".into(),
        })
    }

    fn delete(&mut self, path: &str) -> Result<(), ReleaseError> {
        self.store.delete(&self.changing(path))
    }

    fn make_dir(&mut self, _: &str) -> Result<(), ReleaseError> {
        Ok(())
    }

    fn remove_dir(&mut self, _: &str) -> Result<bool, ReleaseError> {
        Ok(true)
    }

    fn digest(&mut self, path: &str) -> Result<Option<String>, ReleaseError> {
        let key = self.store.key(path);
        if let Some(told) = self.told.take(&key) {
            return Ok(told);
        }
        let stat = self.store.stat(&key)?;
        Ok(stat.and_then(|stat| stat.sha256))
    }

    /// Only where the copy would be stored with the right things: what a browser is told of a file
    /// goes with its name.
    fn copy(&mut self, from: &str, to: &str) -> Result<Copied, ReleaseError> {
        if !self.store.same_clothes(from, to) {
            return Ok(Copied::NotOffered);
        }
        let (from, to) = (self.store.key(from), self.changing(to));
        match self.store.copy(&from, &to, None)? {
            true => Ok(Copied::Done),
            false => Ok(Copied::NotOffered),
        }
    }

    /// From one listing where that is shorter than to ask for each.
    fn sizes(&mut self, paths: &[String]) -> Result<Vec<Option<u64>>, ReleaseError> {
        let keys: Vec<String> = paths.iter().map(|path| self.store.key(path)).collect();
        let (first, last) = (keys.iter().min(), keys.iter().max());
        let (Some(first), Some(last), true) = (first, last, keys.len() >= MANY) else {
            return keys.iter().map(|key| self.size_of(key)).collect();
        };
        let prefix: String = first
            .chars()
            .zip(last.chars())
            .take_while(|(one, other)| one == other)
            .map(|(one, _)| one)
            .collect();
        let range = Range {
            prefix: &prefix,
            after: "",
            delimiter: "",
        };
        let wanted: BTreeSet<&String> = keys.iter().collect();
        let (mut pages, mut met) = (0, 0);
        let (mut found, mut known_to) = (BTreeMap::new(), None);
        self.store.list(range, &mut |page| {
            let end = page.objects.last().map(|object| object.key.clone());
            let more = page.next.is_some();
            for object in page.objects {
                met += usize::from(wanted.contains(&object.key));
                found.insert(object.key, object.size);
            }
            known_to = if more { end } else { Some(last.clone()) };
            pages += 1;
            met >= pages * PAGE_YIELD && known_to.as_ref() < Some(last)
        })?;
        keys.iter()
            .map(|key| match found.get(key) {
                Some(Some(size)) => Ok(Some(*size)),
                None if Some(key) <= known_to.as_ref() => Ok(None),
                // Beyond what was listed, or without a size.
                Some(None) | None => self.size_of(key),
            })
            .collect()
    }
}

/// The rest of a key behind its prefix.
fn below(key: &str, prefix: &str) -> String {
    key.strip_prefix(prefix).unwrap_or(key).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_read_page_by_page() {
        let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
            <ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>\
            <Contents><Key>a&amp;b</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>\
            <ETag>\"x\"</ETag><Size>3</Size><Owner><ID>Key</ID></Owner></Contents>\
            <Contents><Key>c d</Key></Contents>\
            <CommonPrefixes><Prefix>e/</Prefix></CommonPrefixes>\
            <IsTruncated>true</IsTruncated><NextContinuationToken>n</NextContinuationToken>\
            </ListBucketResult>";
        let found = page(text.as_bytes()).unwrap();
        let objects: Vec<_> = found
            .objects
            .iter()
            .map(|object| (object.key.as_str(), object.size))
            .collect();
        assert_eq!(objects, [("a&b", Some(3)), ("c d", None)]);
        assert_eq!(found.prefixes, ["e/"]);
        assert_eq!(found.next.as_deref(), Some("n"));
        let last = text.replace("true", "false");
        assert_eq!(page(last.as_bytes()).unwrap().next, None);
    }

    /// A page with these keys and, ending in `/`, folders.
    fn listed(names: &[&str], next: Option<&str>) -> Page {
        let (prefixes, keys): (Vec<String>, Vec<String>) = names
            .iter()
            .map(|name| (*name).to_owned())
            .partition(|name| name.ends_with('/'));
        let object = |key| Object {
            key,
            ..Object::default()
        };
        Page {
            objects: keys.into_iter().map(object).collect(),
            prefixes,
            next: next.map(str::to_owned),
        }
    }

    #[test]
    fn u_08_a_listing_tells_of_nothing_but_what_was_asked_for() {
        let range = |delimiter| Range {
            prefix: "www/releases/3/",
            after: "",
            delimiter,
        };
        let (all, level) = (range(""), range("/"));
        let within = |range, names: &[&str]| listed(names, None).within(range).is_ok();
        assert!(within(all, &["www/releases/3/a", "www/releases/3/b/c"]));
        assert!(within(level, &["www/releases/3/a", "www/releases/3/b/"]));
        // What people's tools make to have an empty folder, and a folder without a name.
        let mut placeholder = listed(&["www/releases/3//"], None);
        placeholder.objects.push(Object {
            key: "www/releases/3/".into(),
            ..Object::default()
        });
        assert!(placeholder.within(level).is_ok());
        for bad in [
            "www/releases/3",
            "www/releases/4/a",
            "www/index.html",
            "",
            "/",
            "www/releases/",
        ] {
            assert!(!within(all, &["www/releases/3/a", bad]), "{bad}");
            assert!(!within(level, &["www/releases/3/a", bad]), "{bad}");
        }
        assert!(!within(level, &["www/releases/3/b/c"]));
        assert!(!within(level, &["www/releases/3/b/c/"]));
        assert!(!within(all, &["www/releases/3/b/"]));
    }

    #[test]
    fn u_17_a_listing_that_does_not_move_or_has_no_end_is_left() {
        fn left(mut pages: impl Iterator<Item = Page>) -> Option<usize> {
            let mut walk = Walk::default();
            pages.position(|page| walk.goes_on(&page).is_err())
        }
        let mark = |at: usize| Some(at.to_string());
        // Marks that come again, however many there are of them.
        let around = (0..).map(|at: usize| listed(&["a"; 20], mark(at % 3).as_deref()));
        assert_eq!(left(around), Some(3));
        let empty = (0..).map(|at: usize| listed(&[], mark(at).as_deref()));
        assert_eq!(left(empty), Some(100));
        let thin = (0..).map(|at: usize| listed(&["a"], mark(at).as_deref()));
        assert_eq!(left(thin), Some(111));
        let full = ["a"; 1000];
        let endless = (0..).map(|at: usize| listed(&full, mark(at).as_deref()));
        assert_eq!(left(endless), Some(1000));
        let name = "x".repeat(1024 * 1024);
        let long = [name.as_str(); 64];
        let long = (0..).map(|at: usize| listed(&long, mark(at).as_deref()));
        assert_eq!(left(long), Some(4));
        let wide = std::iter::once(listed(&["a"], Some(&"x".repeat(8193))));
        assert_eq!(left(wide), Some(0));
        // An ordinary one, with a page that has nothing in it.
        let ordinary = (0..900).map(|at: usize| match at {
            7 => listed(&[], mark(at).as_deref()),
            899 => listed(&full, None),
            _ => listed(&full, mark(at).as_deref()),
        });
        assert_eq!(left(ordinary), None);
    }

    #[test]
    fn u_17_what_is_no_listing_is_refused() {
        for bad in [
            "",
            "<html><body>Welcome</body></html>",
            "<Error><Code>NoSuchBucket</Code></Error>",
            "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
            "<!DOCTYPE a><ListBucketResult/>",
        ] {
            assert!(page(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
