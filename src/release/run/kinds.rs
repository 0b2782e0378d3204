//! The kinds of target: what each can bear, where it is, and whose business it is to reach it.

use super::job::{Begin, Job, Reached};
use crate::policy::TargetKind;
use crate::release::desk::Desk;
use crate::release::names::Surface;
use crate::release::order::{Adoption, Order, Orders, Patience, Setting};
use crate::release::plan::Listing;
use crate::release::progress::Progress;
use crate::release::site::Short;
use crate::release::{
    Comparison, ReleaseError, Seal, Source, command, dir, ftp, rsync, s3, sftp, svn, webdav,
};
use crate::types::TargetName;
use std::sync::OnceLock;

/// What a kind of target can bear.
pub(super) fn surface(kind: &TargetKind) -> Surface {
    match kind {
        TargetKind::Dir(_) | TargetKind::Rsync(_) | TargetKind::Command(_) => Surface::Directory,
        TargetKind::Ftp(_) => Surface::Ftp,
        TargetKind::Sftp(_) => Surface::Sftp,
        TargetKind::Svn(_) => Surface::Svn,
        TargetKind::S3(_) => Surface::Store,
        TargetKind::Webdav(_) => Surface::Webdav,
    }
}

/// The files of an order, as its kind of target can bear them.
pub(super) fn listing(source: &Source, order: &Order) -> Result<Listing, ReleaseError> {
    let target = &order.target;
    source.listing(order.commit, target, surface(&target.kind))
}

/// Has the target's kind take the short way to the order's tree, if it has one and it can be taken.
pub(super) fn release_short(
    job: &Job<'_>,
    short: &Short,
    begin: &mut Begin<'_>,
) -> Result<Option<Reached>, ReleaseError> {
    match &job.order.target.kind {
        TargetKind::Ftp(target) => ftp::release_short(job, short, target, begin),
        TargetKind::Sftp(target) => sftp::release_short(job, short, target, begin),
        TargetKind::S3(target) => s3::release_short(job, short, target, begin),
        TargetKind::Webdav(target) => webdav::release_short(job, short, target, begin),
        TargetKind::Dir(_) | TargetKind::Rsync(_) | TargetKind::Svn(_) | TargetKind::Command(_) => {
            Ok(None)
        }
    }
}

/// Has the target's kind bring it to the order's tree.
pub(super) fn release(job: &Job<'_>, begin: &mut Begin<'_>) -> Result<Reached, ReleaseError> {
    match &job.order.target.kind {
        TargetKind::Dir(target) => dir::release(job, target, begin),
        TargetKind::Ftp(target) => ftp::release(job, target, begin),
        TargetKind::Sftp(target) => sftp::release(job, target, begin),
        TargetKind::Rsync(target) => rsync::release(job, target, begin),
        TargetKind::Svn(target) => svn::release(job, target, begin),
        TargetKind::Command(target) => command::release(job, target, begin),
        TargetKind::S3(target) => s3::release(job, target, begin),
        TargetKind::Webdav(target) => webdav::release(job, target, begin),
    }
}

/// Compares what `target` holds with what it is to hold, and touches nothing on it. `None`: nothing
/// was accepted for it yet.
///
/// # Errors
/// When it cannot be found out.
pub fn compare(
    setting: Setting<'_>,
    target: &TargetName,
    orders: &dyn Orders,
) -> Result<Option<(Order, Comparison)>, ReleaseError> {
    let desk = Desk::open(setting.folder, target)?;
    let _held = desk.lock(Patience::Wait)?;
    let Some(order) = orders.order(target).map_err(ReleaseError::Order)? else {
        return Ok(None);
    };
    let listing = listing(&Source::open(setting.git_dir)?, &order)?;
    let seal = Seal::open(setting.folder)?;
    let progress = Progress::unseen(&order);
    let job = Job {
        order: &order,
        listing: &listing,
        setting,
        desk: &desk,
        seal: &seal,
        landed: None,
        // A record that does not fit must not keep anybody from looking.
        adoption: Adoption::Adopt,
        progress: &progress,
        suspects: Vec::new(),
        found: OnceLock::new(),
        footing: None,
    };
    let comparison = compare_with(&job)?;
    Ok(Some((order, comparison)))
}

/// Has the target's kind compare it.
fn compare_with(job: &Job<'_>) -> Result<Comparison, ReleaseError> {
    match &job.order.target.kind {
        TargetKind::Dir(target) => dir::compare(job, target),
        TargetKind::Ftp(target) => ftp::compare(job, target),
        TargetKind::Sftp(target) => sftp::compare(job, target),
        TargetKind::S3(target) => s3::compare(job, target),
        TargetKind::Webdav(target) => webdav::compare(job, target),
        TargetKind::Rsync(target) => rsync::compare(job, target),
        TargetKind::Svn(target) => svn::compare(job, target),
        TargetKind::Command(_) => Err(ReleaseError::Unseen {
            place: place(&job.order.target.kind),
        }),
    }
}

/// Where a target is, in one line: what tells two places apart.
#[must_use]
pub fn place(kind: &TargetKind) -> String {
    match kind {
        TargetKind::Dir(target) => target.path.display().to_string(),
        TargetKind::Rsync(target) => {
            format!(
                "rsync://{}:{}{}",
                target.host, target.login.port, target.path
            )
        }
        TargetKind::Svn(target) => target.url(),
        TargetKind::Command(target) => {
            let args = target.args.iter().flat_map(|arg| [" ", arg.as_str()]);
            format!("command {}", target.program.display()) + &args.collect::<String>()
        }
        TargetKind::Ftp(target) => format!("ftp://{}:{}{}", target.host, target.port, target.path),
        TargetKind::Sftp(target) => {
            format!(
                "sftp://{}:{}{}",
                target.host, target.login.port, target.path
            )
        }
        TargetKind::S3(target) => {
            let endpoint = target.endpoint.as_str().trim_end_matches('/');
            let prefix = target.prefix.as_deref().unwrap_or_default();
            format!("s3+{endpoint}/{}/{prefix}", target.bucket)
        }
        TargetKind::Webdav(target) => format!("webdav+{}", target.url),
    }
}
