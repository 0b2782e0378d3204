//! Releasing to an FTP site, plain or with TLS.

mod connect;
mod session;

use super::names::Surface;
use super::run::{Begin, Job, Reached, place};
use super::site::{self, Site};
use super::{ReleaseError, Shelves};
use crate::policy::{FtpTarget, TargetKind};
use connect::FtpConnector;

/// Brings an FTP site to the order's tree.
pub(in crate::release) fn release(
    job: &Job<'_>,
    target: &FtpTarget,
    begin: &mut Begin<'_>,
) -> Result<Reached, ReleaseError> {
    let credentials = Shelves::from_env(job.setting.folder)
        .credentials(&job.order.target.name)?
        .login()?;
    let connector = FtpConnector::new(target, credentials, job.order.ca.as_deref())?;
    let place = place(&TargetKind::Ftp(target.clone()));
    let site = Site::new(place, &target.path, Surface::Ftp);
    site::release(job, &site, &connector, begin)
}
