//! `switch: pointer`: each release under a prefix of its own, and one small object that says which
//! of them counts.
//!
//! ```text
//! current.json                     {"release": 8, "prefix": "releases/8/", …}
//! releases/8/index.html …          releases/8.json     its manifest
//! ```
//!
//! What an earlier release already has is copied inside the store. The pointer is replaced when all
//! objects of the release are there and have been looked at, so a reader of the pointer sees the old
//! release or the new one, and nothing between. Which release is being made or taken away is noted on
//! the server's own disk: see [`open`].

mod build;
mod open;
mod removal;
mod shelf;

use super::session::Stores;
use super::store::{Clothes, Store};
use crate::release::error::shown_fault;
use crate::release::names::Surface;
use crate::release::progress::Phase;
use crate::release::record as records;
use crate::release::run::{Begin, Job, Reached};
use crate::release::site::{Pool, Site};
use crate::release::{Adoption, Holding, MANIFEST_LIMIT, Manifest, ReleaseError, plan};
use crate::types::Oid;
use build::Build;
use open::Open;
use removal::Removal;
use serde::{Deserialize, Serialize};
use shelf::{folder, record, shelf};

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

/// Brings a bucket to the order's tree.
pub(super) fn release(
    job: &Job<'_>,
    place: &str,
    stores: &Stores,
    keep: u32,
    begin: &mut Begin<'_>,
) -> Result<Reached, ReleaseError> {
    let store = &*stores.store;
    let mut pool = Pool::new(stores, job.setting.git_dir);
    let current = pool.first(|_| pointer(job, place, store))?;
    let manifest = match current {
        Some(number) => pool.first(|_| manifest(job, place, store, number))?,
        None => None,
    };
    records::may_follow(job, place, manifest.as_ref())?;
    records::as_left(job, place, manifest.as_ref())?;
    let held = match &manifest {
        Some(manifest) => manifest.holding().map_err(|why| broken(place, why))?,
        None => Holding::default(),
    };
    let plan = plan(job.listing, &held);
    job.progress.unchanged(plan.unchanged);
    let mut open = Open::read(job, place)?;
    let removal = Removal { store, job };
    let recorded = |manifest: &Manifest| job.is_recorded_in(manifest);
    if manifest.as_ref().is_some_and(recorded) && job.suspects.is_empty() {
        removal.tidy(&mut pool, &mut open, current)?;
        return Ok(Reached::Before);
    }
    begin(&plan)?;
    let mut shelf = pool.first(|_| shelf(store))?;
    let number = shelf
        .number(current, open.numbers())
        .ok_or_else(|| ReleaseError::Place {
            path: place.into(),
            why: "the numbers of its releases have run out".into(),
        })?;
    open.note(number)?;
    Build::new(job, place, store, number, &held, current).build(&mut pool, &plan)?;
    shelf.recorded.insert(number);
    job.progress.phase(Phase::Moving, 1);
    pool.first(|_| switch(job, place, store, number))?;
    plan.puts.iter().for_each(|_| job.progress.uploaded());
    job.progress.phase(Phase::Deleting, plan.removed().count());
    plan.removed().for_each(|_| job.progress.deleted());
    removal.tidy(&mut pool, &mut open, Some(number))?;
    removal.prune(&mut pool, &mut open, &shelf, number, keep)?;
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
        Err(error) => Err(format!(
            "its pointer cannot be read: {}",
            shown_fault(&error)
        )),
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

/// The release that counts, as a site of its own; one without anything, where there is none and the
/// caller can do without.
pub(super) fn site(job: &Job<'_>, place: &str, stores: &Stores) -> Result<Site, ReleaseError> {
    let number = match (pointer(job, place, &stores.store)?, job.adoption) {
        (Some(number), _) => number,
        (None, Adoption::Adopt) => 0,
        (None, Adoption::Refuse) => return Err(broken(place, "its pointer is gone".into())),
    };
    let site = Site::new(
        place.to_owned(),
        &format!("/{}", folder(number)),
        Surface::Store,
    );
    Ok(site.recorded_at(format!("/{}", record(number))))
}

/// What the pointer and the manifests are stored with: no cache may keep them.
fn clothes_of_records() -> Clothes {
    Clothes {
        content_type: "application/json".into(),
        cache_control: Some("no-cache".into()),
    }
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
    }
}
