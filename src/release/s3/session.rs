//! A bucket as a site: paths are keys, directories are only spoken of, and everything is there as
//! soon as it is answered.

use super::store::{Call, Store, Verb};
use crate::release::site::{Connector, Copied, Entry, EntryKind, Placing, Session};
use crate::release::xml::{self, Namespace};
use crate::release::{FileKind, ReleaseError};
use crate::types::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many entries are read of one listing.
const ENTRY_LIMIT: usize = 1_000_000;

/// How many files are asked for together: as many as a page of a listing has.
const AHEAD: usize = 1000;

/// From how many files on it is worth while to list them instead of asking for each.
const MANY: usize = 8;

/// What opens sessions: all of them share the connections of one client.
pub(super) struct Stores {
    pub(super) store: Arc<Store>,
    connections: u32,
}

impl Stores {
    pub(super) fn new(store: Store, connections: u32) -> Self {
        Self {
            store: Arc::new(store),
            connections,
        }
    }
}

impl Connector for Stores {
    fn connect(&self) -> Result<Box<dyn Session>, ReleaseError> {
        Ok(Box::new(Desk {
            store: Arc::clone(&self.store),
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
}

struct Desk {
    store: Arc<Store>,
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
        let page = page(&answer.body).map_err(|why| self.peer.odd(&step, why))?;
        // A store that ignores what it was asked for would have us list for ever.
        if page.next.is_some() && page.next.as_deref() == from {
            return Err(self.peer.odd(&step, "the listing does not go on".into()));
        }
        Ok(page)
    }

    /// Everything in a range, page by page; `take` says whether to go on.
    pub(super) fn list(
        &self,
        range: Range<'_>,
        take: &mut dyn FnMut(Page) -> bool,
    ) -> Result<(), ReleaseError> {
        let mut from: Option<String> = None;
        let mut seen = 0;
        loop {
            let page = self.page(range, from.as_deref(), "1000")?;
            seen += page.objects.len() + page.prefixes.len();
            from = page.next.clone();
            if !take(page) || from.is_none() {
                return Ok(());
            }
            if seen > ENTRY_LIMIT {
                let step = format!("LIST {}", range.prefix);
                return Err(self.peer.odd(&step, "there are too many objects".into()));
            }
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
            .put(&self.store.key(path), content, &clothes, sent)
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
        let (from, to) = (self.store.key(from), self.store.key(to));
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
        self.store.delete(&self.store.key(path))
    }

    fn make_dir(&mut self, _: &str) -> Result<(), ReleaseError> {
        Ok(())
    }

    fn remove_dir(&mut self, _: &str) -> Result<bool, ReleaseError> {
        Ok(true)
    }

    fn digest(&mut self, path: &str) -> Result<Option<String>, ReleaseError> {
        let stat = self.store.stat(&self.store.key(path))?;
        Ok(stat.and_then(|stat| stat.sha256))
    }

    fn copies(&mut self) -> bool {
        true
    }

    /// Only where the copy would be stored with the right things: what a browser is told of a file
    /// goes with its name.
    fn copy(&mut self, from: &str, to: &str) -> Result<Copied, ReleaseError> {
        if !self.store.same_clothes(from, to) {
            return Ok(Copied::NotOffered);
        }
        let (from, to) = (self.store.key(from), self.store.key(to));
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
            return paths.iter().map(|path| self.size(path)).collect();
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
        let mut pages = keys.len() / MANY + 1;
        let (mut found, mut known_to) = (BTreeMap::new(), None);
        self.store.list(range, &mut |page| {
            let end = page.objects.last().map(|object| object.key.clone());
            let more = page.next.is_some();
            for object in page.objects {
                found.insert(object.key, object.size);
            }
            known_to = if more { end } else { Some(last.clone()) };
            pages -= 1;
            pages > 0 && known_to.as_ref() < Some(last)
        })?;
        keys.iter()
            .map(|key| match found.get(key) {
                Some(Some(size)) => Ok(Some(*size)),
                None if Some(key) <= known_to.as_ref() => Ok(None),
                // Beyond what was listed, or without a size.
                Some(None) | None => Ok(self.store.stat(key)?.map(|stat| stat.size)),
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
