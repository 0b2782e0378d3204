//! Taking releases away: only those of which this server's own disk, or a record with its signature,
//! says that they are its own.

use super::open::Open;
use super::shelf::{Shelf, folder, objects, record};
use crate::release::run::Job;
use crate::release::s3::store::Store;
use crate::release::site::Pool;
use crate::release::{MANIFEST_LIMIT, Manifest, ReleaseError};
use crate::types::{Oid, Timestamp};
use std::collections::BTreeMap;

/// How many records are read beyond those that are kept. What more there is stays.
const RECORDS: usize = 200;

/// How many bytes of records are read. What does not fit stays.
const BYTES: u64 = 8 * MANIFEST_LIMIT;

/// Which release a record is of. Two records of the same one are a record and somebody's copy.
type Release = (u64, Oid, Timestamp);

/// The bucket, and who takes away.
pub(super) struct Removal<'a> {
    pub(super) store: &'a Store,
    pub(super) job: &'a Job<'a>,
}

impl Removal<'_> {
    /// Removes what killed runs left: releases that were being made or taken away.
    pub(super) fn tidy(
        &self,
        pool: &mut Pool<'_>,
        open: &mut Open,
        current: Option<u64>,
    ) -> Result<(), ReleaseError> {
        for number in open.numbers().clone() {
            if Some(number) != current {
                self.remove(pool, number)?;
            }
            open.done(number)?;
        }
        Ok(())
    }

    /// Removes our oldest releases, so that `keep` are left; never the current one.
    pub(super) fn prune(
        &self,
        pool: &mut Pool<'_>,
        open: &mut Open,
        shelf: &Shelf,
        current: u64,
        keep: u32,
    ) -> Result<(), ReleaseError> {
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        if shelf.recorded.len() <= keep {
            return Ok(());
        }
        let numbers = shelf.recorded.iter().rev().copied();
        let read = numbers.take(keep.saturating_add(RECORDS)).collect();
        let mut ours = self.ours(pool, read)?;
        ours.retain(|number| *number != current);
        for number in ours.into_iter().skip(keep.saturating_sub(1)) {
            open.note(number)?;
            self.remove(pool, number)?;
            open.done(number)?;
        }
        Ok(())
    }

    /// Those of the numbers, in their order, whose record this server signed, once for each release.
    fn ours(&self, pool: &mut Pool<'_>, numbers: Vec<u64>) -> Result<Vec<u64>, ReleaseError> {
        let mut left = BYTES;
        let mut found: BTreeMap<Release, Vec<u64>> = BTreeMap::new();
        for number in &numbers {
            let limit = left.min(MANIFEST_LIMIT);
            let key = self.store.key(&record(*number));
            // What cannot be read is not ours as far as can be told.
            let read = match pool.first(|_| self.store.get(&key, limit)) {
                Err(error) if error.is_transient() => return Err(error),
                Ok(Some(bytes)) => bytes,
                Ok(None) | Err(_) => continue,
            };
            left = left.saturating_sub(read.len() as u64);
            let manifest = Manifest::read(&read, self.job.seal);
            let own = |manifest: &Manifest| manifest.repository == self.job.order.repository.0;
            if let Some(manifest) = manifest.ok().filter(own) {
                let release = (manifest.sequence, manifest.commit, manifest.released);
                found.entry(release).or_default().push(*number);
            }
        }
        let single = |numbers: Vec<u64>| (numbers.len() == 1).then_some(numbers);
        let mut ours: Vec<u64> = found.into_values().filter_map(single).flatten().collect();
        ours.sort_unstable_by(|one, other| other.cmp(one));
        Ok(ours)
    }

    /// Removes a release that is noted: its manifest first.
    fn remove(&self, pool: &mut Pool<'_>, number: u64) -> Result<(), ReleaseError> {
        let store = self.store;
        pool.first(|_| store.delete(&store.key(&record(number))))?;
        let prefix = store.key(&folder(number));
        let found = pool.first(|_| objects(store, &prefix))?;
        let keys: Vec<String> = found.into_keys().collect();
        pool.each(&keys, &|_, _, key| store.delete(key))
    }
}
