//! Releasing to a directory of another machine over SFTP, in process.
//!
//! One connection with one channel serves every session of a run: what counts on a slow line is how
//! many requests are under way at once, not how many connections there are.

mod connect;
mod error;
mod eye;
mod pulse;
mod session;
mod upload;
mod wire;

use super::drift::{Expected, Look};
use super::look::Sight;
use super::run::{Begin, Job, Reached, place};
use super::site::{self, Short, Site};
use super::{Comparison, ReleaseError, Shelves, Surface};
use crate::policy::{SftpTarget, TargetKind};
use connect::SftpConnector;
pub(in crate::release) use eye::Eye;
pub(in crate::release) use upload::{Parcel, Parcels, Ready, Told, is_small};

/// The site, and what opens sessions on it.
fn reach(job: &Job<'_>, target: &SftpTarget) -> Result<(Site, SftpConnector), ReleaseError> {
    let credentials = Shelves::from_env(job.setting.folder).credentials(&job.order.target.name)?;
    let connector = SftpConnector::new(target, &credentials)?;
    let place = place(&TargetKind::Sftp(target.clone()));
    let site = Site::new(place, &target.path, Surface::Sftp);
    Ok((site, connector))
}

/// Brings the directory to the order's tree.
pub(in crate::release) fn release(
    job: &Job<'_>,
    target: &SftpTarget,
    begin: &mut Begin<'_>,
) -> Result<Reached, ReleaseError> {
    let (site, connector) = reach(job, target)?;
    site::release(job, &site, &connector, begin)
}

/// The same on the short way, if that can be taken.
pub(in crate::release) fn release_short(
    job: &Job<'_>,
    short: &Short,
    target: &SftpTarget,
    begin: &mut Begin<'_>,
) -> Result<Option<Reached>, ReleaseError> {
    let (site, connector) = reach(job, target)?;
    site::release_short(job, short, &site, &connector, begin)
}

/// Compares the directory with the order's tree.
pub(in crate::release) fn compare(
    job: &Job<'_>,
    target: &SftpTarget,
) -> Result<Comparison, ReleaseError> {
    let (site, connector) = reach(job, target)?;
    site::comparison(job, &site, &connector)
}

/// What is to be on the site, and what is.
pub(in crate::release) fn look(
    sight: &Sight<'_>,
    target: &SftpTarget,
) -> Result<(Expected, Look), ReleaseError> {
    let (site, connector) = reach(sight.job, target)?;
    site::look(sight, &site, &connector)
}
