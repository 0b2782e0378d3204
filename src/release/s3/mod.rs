//! Releasing to a bucket of an S3-compatible store.
//!
//! An object is replaced in one step, so nothing needs a temporary name. In the plain form
//! (`switch: index-last`) the store is a site like any other, with paths for keys. In the other
//! (`switch: pointer`) each release has a prefix of its own and a small object names the one that
//! counts: see [`pointer`].

mod multipart;
mod pointer;
mod session;
mod store;

use super::drift::{Expected, Look};
use super::look::Sight;
use super::names::Surface;
use super::run::{Begin, Job, Reached, place};
use super::site::{self, Short, Site};
use super::{Comparison, ReleaseError, Shelves};
use crate::policy::{S3Switch, S3Target, TargetKind};
use session::Stores;
use store::Store;

/// The bucket, as messages name it and as it is reached.
fn reach(job: &Job<'_>, target: &S3Target) -> Result<(String, Stores), ReleaseError> {
    let found = Shelves::from_env(job.setting.folder).credentials(&job.order.target.name)?;
    let store = Store::new(target, &found.keys()?, job.order.ca.as_deref())?;
    let place = place(&TargetKind::S3(target.clone()));
    Ok((place, Stores::new(store, target.connections)))
}

/// The release in the bucket that is looked at.
fn site(
    job: &Job<'_>,
    target: &S3Target,
    place: String,
    stores: &Stores,
) -> Result<Site, ReleaseError> {
    match target.switch {
        S3Switch::IndexLast => Ok(Site::new(place, "/", Surface::Store)),
        S3Switch::Pointer { .. } => pointer::site(job, &place, stores),
    }
}

/// Brings a bucket to the order's tree.
pub(in crate::release) fn release(
    job: &Job<'_>,
    target: &S3Target,
    begin: &mut Begin<'_>,
) -> Result<Reached, ReleaseError> {
    let (place, stores) = reach(job, target)?;
    match target.switch {
        S3Switch::IndexLast => {
            site::release(job, &site(job, target, place, &stores)?, &stores, begin)
        }
        S3Switch::Pointer { keep } => pointer::release(job, &place, &stores, keep, begin),
    }
}

/// The same on the short way, if that can be taken.
pub(in crate::release) fn release_short(
    job: &Job<'_>,
    short: &Short,
    target: &S3Target,
    begin: &mut Begin<'_>,
) -> Result<Option<Reached>, ReleaseError> {
    match target.switch {
        S3Switch::IndexLast => {
            let (place, stores) = reach(job, target)?;
            let site = site(job, target, place, &stores)?;
            site::release_short(job, short, &site, &stores, begin)
        }
        S3Switch::Pointer { .. } => Ok(None),
    }
}

/// Compares a bucket with the order's tree.
pub(in crate::release) fn compare(
    job: &Job<'_>,
    target: &S3Target,
) -> Result<Comparison, ReleaseError> {
    let (place, stores) = reach(job, target)?;
    site::comparison(job, &site(job, target, place, &stores)?, &stores)
}

/// What is to be in the bucket, and what is.
pub(in crate::release) fn look(
    sight: &Sight<'_>,
    target: &S3Target,
) -> Result<(Expected, Look), ReleaseError> {
    let (place, stores) = reach(sight.job, target)?;
    site::look(sight, &site(sight.job, target, place, &stores)?, &stores)
}
