//! `switch: pointer`: each release under a prefix of its own, and one small object that says which
//! of them counts.
//!
//! ```text
//! current.json                     {"release": 8, "prefix": "releases/8/", …}
//! releases/8/index.html …          releases/8.json     its manifest
//! releases/.relhook-9.tmp          release 9 is being made, or taken away
//! ```
//!
//! What an earlier release already has is copied inside the store. The pointer is replaced when all
//! objects of the release are there and have been looked at, so a reader of the pointer sees the old
//! release or the new one, and nothing between.

mod shelf;

use super::session::{Range, Stores};
use super::store::{Clothes, Store};
use crate::release::manifest::Header;
use crate::release::progress::Phase;
use crate::release::record as records;
use crate::release::run::{Begin, Job, Reached};
use crate::release::site::Pool;
use crate::release::{
    Adoption, Content, Held, Holding, MANIFEST_LIMIT, Manifest, Plan, ReleaseError, ReleaseFile,
    Source, plan,
};
use crate::types::{Oid, RepoPath, hex};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shelf::{Shelf, folder, marker, record, shelf};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// The pointer's name below the prefix.
const POINTER: &str = "current.json";

/// What the pointer's first field says.
const SCHEMA: &str = "relhook/pointer/v1";

/// The largest pointer that is read, in bytes.
const POINTER_LIMIT: u64 = 4096;

/// Which release counts.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pointer {
    schema: String,
    /// The release's number.
    release: u64,
    /// What its keys begin with, below the target's own prefix.
    prefix: String,
    /// The commit that it holds.
    commit: Oid,
}

/// A release at work.
struct Run<'a> {
    job: &'a Job<'a>,
    place: &'a str,
    store: &'a Store,
    number: u64,
    /// Where content of the release before is, by its blob.
    before: BTreeMap<Oid, (String, Content)>,
    contents: Mutex<BTreeMap<RepoPath, Content>>,
}

/// Brings a bucket to the order's tree.
pub(super) fn release(
    job: &Job<'_>,
    place: &str,
    stores: &Stores,
    keep: u32,
    begin: &mut Begin<'_>,
) -> Result<Reached, ReleaseError> {
    let store = &*stores.store;
    let mut pool = Pool::new(stores, job.setting.git_dir)?;
    let current = pool.first(|_| pointer(job, place, store))?;
    let manifest = match current {
        Some(number) => pool.first(|_| manifest(job, place, store, number))?,
        None => None,
    };
    records::may_follow(job, place, manifest.as_ref())?;
    let held = match &manifest {
        Some(manifest) => manifest.holding().map_err(|why| broken(place, why))?,
        None => Holding::default(),
    };
    let plan = plan(job.listing, &held);
    job.progress.unchanged(plan.unchanged);
    let mut shelf = pool.first(|_| shelf(store))?;
    let recorded = |manifest: &Manifest| job.is_recorded_in(manifest);
    if manifest.as_ref().is_some_and(recorded) {
        tidy(store, &mut pool, &shelf, current)?;
        return Ok(Reached::Before);
    }
    begin(&plan)?;
    let number = match built_before(job, store, &mut pool, &shelf, current)? {
        Some(number) => number,
        None => {
            let number = shelf.number(current).ok_or_else(|| ReleaseError::Place {
                path: place.into(),
                why: "the numbers of its releases have run out".into(),
            })?;
            let run = Run {
                job,
                place,
                store,
                number,
                before: before(&held, current),
                contents: Mutex::default(),
            };
            run.build(&mut pool, &plan)?;
            shelf.complete.insert(number);
            number
        }
    };
    job.progress.phase(Phase::Moving, 1);
    pool.first(|_| switch(job, place, store, number))?;
    plan.puts.iter().for_each(|_| job.progress.uploaded());
    job.progress.phase(Phase::Deleting, plan.removed().count());
    plan.removed().for_each(|_| job.progress.deleted());
    shelf.open.remove(&number);
    pool.first(|_| store.delete(&store.key(&marker(number))))?;
    tidy(store, &mut pool, &shelf, Some(number))?;
    prune(store, &mut pool, &shelf, number, keep)?;
    Ok(Reached::Now)
}

fn broken(place: &str, why: String) -> ReleaseError {
    ReleaseError::Manifest {
        place: place.to_owned(),
        why,
    }
}

/// The release that counts, if there is one.
fn pointer(job: &Job<'_>, place: &str, store: &Store) -> Result<Option<u64>, ReleaseError> {
    store.greet()?;
    let Some(bytes) = store.get(&store.key(POINTER), POINTER_LIMIT)? else {
        return Ok(None);
    };
    let read = match serde_json::from_slice::<Pointer>(&bytes) {
        Ok(pointer) if pointer.schema == SCHEMA && pointer.prefix == folder(pointer.release) => {
            Ok(pointer.release)
        }
        Ok(_) => Err("its pointer is not one that relhook writes".to_owned()),
        Err(error) => Err(format!("its pointer cannot be read: {error}")),
    };
    match (read, job.adoption) {
        (Ok(number), _) => Ok(Some(number)),
        (Err(_), Adoption::Adopt) => Ok(None),
        (Err(why), Adoption::Refuse) => Err(broken(place, why)),
    }
}

/// The manifest of a release that counts: one that is gone is an error.
fn manifest(
    job: &Job<'_>,
    place: &str,
    store: &Store,
    number: u64,
) -> Result<Option<Manifest>, ReleaseError> {
    match store.get(&store.key(&record(number)), MANIFEST_LIMIT)? {
        Some(bytes) => records::manifest(job, place, &bytes),
        None if job.adoption == Adoption::Adopt => Ok(None),
        None => Err(broken(
            place,
            "it is gone, although its pointer is there".into(),
        )),
    }
}

/// The folder of the release that counts; of none, where there is none.
pub(super) fn current(job: &Job<'_>, place: &str, stores: &Stores) -> Result<String, ReleaseError> {
    let number = pointer(job, place, &stores.store)?.unwrap_or(0);
    Ok(format!("/{}", folder(number)))
}

/// A release that a killed run completed and did not switch to, if it is this one.
fn built_before(
    job: &Job<'_>,
    store: &Store,
    pool: &mut Pool<'_>,
    shelf: &Shelf,
    current: Option<u64>,
) -> Result<Option<u64>, ReleaseError> {
    let candidates = shelf.open.intersection(&shelf.complete);
    let Some(number) = candidates
        .last()
        .copied()
        .filter(|number| Some(*number) > current)
    else {
        return Ok(None);
    };
    let bytes = pool.first(|_| store.get(&store.key(&record(number)), MANIFEST_LIMIT))?;
    let manifest = bytes.and_then(|bytes| Manifest::read(&bytes, job.seal).ok());
    Ok(manifest
        .is_some_and(|manifest| job.is_recorded_in(&manifest))
        .then_some(number))
}

fn before(held: &Holding, current: Option<u64>) -> BTreeMap<Oid, (String, Content)> {
    let Some(current) = current else {
        return BTreeMap::new();
    };
    let files = held.files.iter();
    files
        .filter_map(|(path, held)| match held {
            Held::Known(content) => {
                let path = std::str::from_utf8(path.as_bytes()).ok()?;
                let at = format!("{}{path}", folder(current));
                Some((content.blob, (at, content.clone())))
            }
            Held::Uncertain => None,
        })
        .collect()
}

impl Run<'_> {
    /// Makes the release, up to its manifest.
    fn build(&self, pool: &mut Pool<'_>, plan: &Plan) -> Result<(), ReleaseError> {
        let store = self.store;
        let there = pool.first(|_| self.objects())?;
        let json = clothes_of_records();
        pool.first(|_| {
            let mark = store.key(&marker(self.number));
            store.put(&mark, b"", &json, &|_| {})
        })?;
        let files: Vec<&ReleaseFile> = self.job.listing.files.values().collect();
        self.job.progress.phase(Phase::Sending, files.len());
        pool.each(&files, &|_, source, file| {
            let content = self.bring(source, file, &there)?;
            let mut contents = self.contents.lock().map_err(died)?;
            contents.insert(file.path.clone(), content);
            self.job.progress.step();
            Ok(())
        })?;
        self.job.progress.phase(Phase::Checking, plan.puts.len());
        self.check(pool)?;
        let bytes = self.manifest()?;
        pool.first(|_| store.put(&store.key(&record(self.number)), &bytes, &json, &|_| {}))
    }

    /// A file's path below the target's prefix.
    fn at(&self, path: &RepoPath) -> Result<String, ReleaseError> {
        match std::str::from_utf8(path.as_bytes()) {
            Ok(text) => Ok(format!("{}{text}", folder(self.number))),
            Err(_) => Err(broken(
                self.place,
                format!("the path `{path}` is not UTF-8"),
            )),
        }
    }

    /// The objects of the release that are there, with their sizes.
    fn objects(&self) -> Result<BTreeMap<String, Option<u64>>, ReleaseError> {
        let prefix = self.store.key(&folder(self.number));
        objects(self.store, &prefix)
    }

    /// Brings one file: it is there already, or can be copied, or has to be sent.
    fn bring(
        &self,
        source: &Source,
        file: &ReleaseFile,
        there: &BTreeMap<String, Option<u64>>,
    ) -> Result<Content, ReleaseError> {
        let (store, path) = (self.store, self.at(&file.path)?);
        let key = store.key(&path);
        let known = self.before.get(&file.blob);
        let is_here = |sha256: &str| -> Result<bool, ReleaseError> {
            if there.get(&key) != Some(&Some(file.size)) {
                return Ok(false);
            }
            let stat = store.stat(&key)?;
            Ok(stat.is_some_and(|stat| stat.sha256.as_deref() == Some(sha256)))
        };
        if let Some((from, content)) = known
            && store.same_clothes(below_folder(from), below_folder(&path))
            && (is_here(&content.sha256)? || store.copy(&store.key(from), &key, None)?)
        {
            return Ok(content.clone());
        }
        let bytes = source.content(file)?;
        let sha256 = hex(&Sha256::digest(&bytes));
        if !is_here(&sha256)? {
            let clothes = store.clothes(below_folder(&path), &bytes);
            store.put(&key, &bytes, &clothes, &|sent| self.job.progress.sent(sent))?;
        }
        Ok(Content {
            blob: file.blob,
            size: file.size,
            sha256,
        })
    }

    /// Compares what is there with what has to be, and removes what a killed run left over.
    fn check(&self, pool: &mut Pool<'_>) -> Result<(), ReleaseError> {
        let mut there = pool.first(|_| self.objects())?;
        for file in self.job.listing.files.values() {
            let found = there
                .remove(&self.store.key(&self.at(&file.path)?))
                .flatten();
            if found != Some(file.size) {
                return Err(ReleaseError::Damaged {
                    path: file.path.clone(),
                    found: found.map_or("nothing".into(), |size| size.to_string()),
                    expected: file.size,
                });
            }
        }
        let left: Vec<String> = there.into_keys().collect();
        pool.each(&left, &|_, _, key| self.store.delete(key))
    }

    fn manifest(&self) -> Result<Vec<u8>, ReleaseError> {
        let order = self.job.order;
        let header = Header {
            repository: order.repository.0.clone(),
            refname: order.refname.to_string(),
            commit: order.commit,
            sequence: order.sequence,
            released: (self.job.setting.now)(),
        };
        let contents = self.contents.lock().map_err(died)?;
        Manifest::new(header, self.job.listing, &contents, &BTreeSet::new())
            .and_then(|manifest| manifest.to_bytes(self.job.seal))
            .map_err(ReleaseError::Objects)
    }
}

fn died<T>(_: T) -> ReleaseError {
    ReleaseError::Objects("a connection's thread died".into())
}

/// The path in the release of a path in the bucket: what `headers` in the policy is about.
fn below_folder(path: &str) -> &str {
    path.splitn(3, '/').nth(2).unwrap_or(path)
}

/// What the pointer and the manifests are stored with: no cache may keep them.
fn clothes_of_records() -> Clothes {
    Clothes {
        content_type: "application/json".into(),
        cache_control: Some("no-cache".into()),
    }
}

fn objects(store: &Store, prefix: &str) -> Result<BTreeMap<String, Option<u64>>, ReleaseError> {
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

/// Makes a release the one that counts, at once.
fn switch(job: &Job<'_>, place: &str, store: &Store, number: u64) -> Result<(), ReleaseError> {
    let pointer = Pointer {
        schema: SCHEMA.to_owned(),
        release: number,
        prefix: folder(number),
        commit: job.order.commit,
    };
    let mut bytes =
        serde_json::to_vec(&pointer).map_err(|error| broken(place, error.to_string()))?;
    bytes.push(b'\n');
    store.put(&store.key(POINTER), &bytes, &clothes_of_records(), &|_| {})
}

/// Removes what killed runs left: releases that were being made or taken away.
fn tidy(
    store: &Store,
    pool: &mut Pool<'_>,
    shelf: &Shelf,
    current: Option<u64>,
) -> Result<(), ReleaseError> {
    for number in &shelf.open {
        if Some(*number) == current {
            pool.first(|_| store.delete(&store.key(&marker(*number))))?;
        } else {
            remove(store, pool, *number)?;
        }
    }
    Ok(())
}

/// Removes our oldest releases, so that `keep` are left; never the current one.
fn prune(
    store: &Store,
    pool: &mut Pool<'_>,
    shelf: &Shelf,
    current: u64,
    keep: u32,
) -> Result<(), ReleaseError> {
    let gone = |number: &&u64| **number != current && !shelf.open.contains(*number);
    let ours: Vec<u64> = shelf.complete.iter().filter(gone).copied().collect();
    let others = usize::try_from(keep)
        .unwrap_or(usize::MAX)
        .saturating_sub(1);
    let surplus = ours.len().saturating_sub(others);
    for number in ours.into_iter().take(surplus) {
        pool.first(|_| {
            let mark = store.key(&marker(number));
            store.put(&mark, b"", &clothes_of_records(), &|_| {})
        })?;
        remove(store, pool, number)?;
    }
    Ok(())
}

/// Removes a release that is marked: its manifest first, the mark last.
fn remove(store: &Store, pool: &mut Pool<'_>, number: u64) -> Result<(), ReleaseError> {
    pool.first(|_| store.delete(&store.key(&record(number))))?;
    let prefix = store.key(&folder(number));
    let keys: Vec<String> = pool
        .first(|_| objects(store, &prefix))?
        .into_keys()
        .collect();
    pool.each(&keys, &|_, _, key| store.delete(key))?;
    pool.first(|_| store.delete(&store.key(&marker(number))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pointer_is_the_documented_one() {
        let text = format!(
            "{{\"schema\":\"relhook/pointer/v1\",\"release\":8,\"prefix\":\"releases/8/\",\"commit\":\"{}\"}}",
            "07".repeat(20)
        );
        let pointer: Pointer = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&pointer).unwrap(), text);
        assert!(serde_json::from_str::<Pointer>(&text.replace("release\"", "number\"")).is_err());
        assert_eq!(below_folder("releases/8/a/b"), "a/b");
    }
}
