//! Releasing to a folder of a WebDAV server (RFC 4918).
//!
//! A file is sent under a temporary name beside its place and moved there, unless the policy says
//! that the server shows nothing of a file before it has all of it.

mod answer;
mod dots;
mod login;
mod session;

use super::drift::{Expected, Look};
use super::look::Sight;
use super::names::Surface;
use super::run::{Begin, Job, Reached, place};
use super::site::{self, Short, Site};
use super::{Comparison, ReleaseError, Shelves};
use crate::policy::{TargetKind, WebdavTarget};
use session::Servers;

/// The site, and what opens sessions on it.
fn reach(job: &Job<'_>, target: &WebdavTarget) -> Result<(Site, Servers), ReleaseError> {
    let found = Shelves::from_env(job.setting.folder).credentials(&job.order.target.name)?;
    let servers = Servers::new(target, found.login()?, job.order.ca.as_deref())?;
    let place = place(&TargetKind::Webdav(target.clone()));
    Ok((Site::new(place, "/", Surface::Webdav), servers))
}

/// Brings a folder of a WebDAV server to the order's tree.
pub(in crate::release) fn release(
    job: &Job<'_>,
    target: &WebdavTarget,
    begin: &mut Begin<'_>,
) -> Result<Reached, ReleaseError> {
    let (site, servers) = reach(job, target)?;
    site::release(job, &site, &servers, begin)
}

/// The same on the short way, if that can be taken.
pub(in crate::release) fn release_short(
    job: &Job<'_>,
    short: &Short,
    target: &WebdavTarget,
    begin: &mut Begin<'_>,
) -> Result<Option<Reached>, ReleaseError> {
    let (site, servers) = reach(job, target)?;
    site::release_short(job, short, &site, &servers, begin)
}

/// Compares a folder of a WebDAV server with the order's tree.
pub(in crate::release) fn compare(
    job: &Job<'_>,
    target: &WebdavTarget,
) -> Result<Comparison, ReleaseError> {
    let (site, servers) = reach(job, target)?;
    site::comparison(job, &site, &servers)
}

/// What is to be on the server, and what is.
pub(in crate::release) fn look(
    sight: &Sight<'_>,
    target: &WebdavTarget,
) -> Result<(Expected, Look), ReleaseError> {
    let (site, servers) = reach(sight.job, target)?;
    site::look(sight, &site, &servers)
}
