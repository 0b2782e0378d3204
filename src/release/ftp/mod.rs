//! Releasing to an FTP site, plain or with TLS.
//!
//! Files go up under temporary names beside their places, over several connections; when all of
//! them are there and have the right size, they are renamed into place, then what is no longer
//! wanted is removed, and last the manifest is replaced. See [`journal`] for what makes the whole
//! safe to kill at any point.

mod compare;
mod connect;
mod journal;
mod pool;
mod session;
mod transfer;

use super::run::{Begin, Job, Reached, place};
use super::{Adoption, MANIFEST_NAME, Manifest, ReleaseError, Shelves, plan};
use crate::policy::{FtpTarget, TargetKind};
use crate::types::RepoPath;
use connect::Connector;
use pool::Pool;

/// The site and where on it the release lives.
pub(in crate::release) struct Site<'a> {
    /// The place, as the state and the journal name it.
    place: String,
    /// The release's directory on the site, without a trailing `/`.
    base: &'a str,
}

impl<'a> Site<'a> {
    fn new(target: &'a FtpTarget) -> Self {
        Self {
            place: place(&TargetKind::Ftp(target.clone())),
            base: target.path.trim_end_matches('/'),
        }
    }

    /// The release's directory itself.
    fn root(&self) -> &str {
        if self.base.is_empty() { "/" } else { self.base }
    }

    /// A path's name on the site.
    fn at(&self, path: &RepoPath) -> Result<String, ReleaseError> {
        match std::str::from_utf8(path.as_bytes()) {
            Ok(text) => Ok(format!("{}/{text}", self.base)),
            Err(_) => Err(ReleaseError::Manifest {
                place: self.place.clone(),
                why: format!("the path `{path}` is not UTF-8"),
            }),
        }
    }

    /// The manifest's name on the site.
    fn manifest(&self) -> String {
        format!("{}/{MANIFEST_NAME}", self.base)
    }
}

/// Brings an FTP site to the order's tree.
pub(in crate::release) fn release(
    job: &Job<'_>,
    target: &FtpTarget,
    begin: &mut Begin<'_>,
) -> Result<Reached, ReleaseError> {
    let credentials = Shelves::from_env(job.setting.folder).credentials(&job.order.target.name)?;
    let connector = Connector::new(target, credentials, job.order.ca.as_deref())?;
    let mut pool = Pool::new(&connector, job.setting.git_dir, target.connections)?;
    let site = Site::new(target);
    let compared = compare::compare(job, &site, &mut pool)?;
    let plan = plan(job.listing, &compared.recovered.holding);
    let recorded = compared.manifest.as_ref();
    if plan.is_empty() && recorded.is_some_and(|manifest| job.is_recorded_in(manifest)) {
        job.progress.unchanged(plan.unchanged);
        compare::sweep(&site, &mut pool, &compared)?;
        journal::forget(job.desk)?;
        return Ok(Reached::Before);
    }
    let ground = compare::survey(job, &site, &mut pool, &compared, &plan)?;
    begin(&plan)?;
    transfer::carry_out(job, &site, &mut pool, compared, &plan, ground)?;
    Ok(Reached::Now)
}

/// Whether a release may follow the one that a target's manifest records.
pub(in crate::release) fn may_follow(
    job: &Job<'_>,
    place: &str,
    manifest: Option<&Manifest>,
) -> Result<(), ReleaseError> {
    if job.adoption == Adoption::Adopt {
        return Ok(());
    }
    let Some(manifest) = manifest else {
        return match job.landed {
            Some(landed) if landed.place == place => Err(ReleaseError::Manifest {
                place: place.to_owned(),
                why: format!(
                    "it is gone, although commit {} was released there at {}",
                    landed.commit, landed.at
                ),
            }),
            _ => Ok(()),
        };
    };
    if manifest.repository != job.order.repository.0 {
        return Err(ReleaseError::OtherOwner {
            place: place.to_owned(),
            owner: crate::types::escape(manifest.repository.as_bytes()),
        });
    }
    if manifest.sequence > job.order.sequence {
        return Err(ReleaseError::Newer {
            place: place.to_owned(),
            held: manifest.sequence,
            wanted: job.order.sequence,
        });
    }
    Ok(())
}
