//! Releasing to an FTP site, plain or with TLS.

mod ahead;
mod connect;
mod listing;
mod session;
mod stream;

use super::drift::{Expected, Look};
use super::look::Sight;
use super::names::Surface;
use super::run::{Begin, Job, Reached, place};
use super::site::{self, Short, Site};
use super::{Comparison, ReleaseError, Shelves};
use crate::policy::{FtpTarget, TargetKind};
use connect::FtpConnector;

/// The site, and what opens connections to it.
fn reach(job: &Job<'_>, target: &FtpTarget) -> Result<(Site, FtpConnector), ReleaseError> {
    let credentials = Shelves::from_env(job.setting.folder)
        .credentials(&job.order.target.name)?
        .login()?;
    let connector = FtpConnector::new(target, credentials, job.order.ca.as_deref())?;
    let place = place(&TargetKind::Ftp(target.clone()));
    let site = Site::new(place, &target.path, Surface::Ftp);
    Ok((site, connector))
}

/// Brings an FTP site to the order's tree.
pub(in crate::release) fn release(
    job: &Job<'_>,
    target: &FtpTarget,
    begin: &mut Begin<'_>,
) -> Result<Reached, ReleaseError> {
    let (site, connector) = reach(job, target)?;
    site::release(job, &site, &connector, begin)
}

/// The same on the short way, if that can be taken.
pub(in crate::release) fn release_short(
    job: &Job<'_>,
    short: &Short,
    target: &FtpTarget,
    begin: &mut Begin<'_>,
) -> Result<Option<Reached>, ReleaseError> {
    let (site, connector) = reach(job, target)?;
    site::release_short(job, short, &site, &connector, begin)
}

/// Compares an FTP site with the order's tree.
pub(in crate::release) fn compare(
    job: &Job<'_>,
    target: &FtpTarget,
) -> Result<Comparison, ReleaseError> {
    let (site, connector) = reach(job, target)?;
    site::comparison(job, &site, &connector)
}

/// What is to be on the site, and what is.
pub(in crate::release) fn look(
    sight: &Sight<'_>,
    target: &FtpTarget,
) -> Result<(Expected, Look), ReleaseError> {
    let (site, connector) = reach(sight.job, target)?;
    site::look(sight, &site, &connector)
}
