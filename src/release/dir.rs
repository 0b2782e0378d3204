//! Releasing to a directory of the server's own machine.
//!
//! ```text
//! /srv/www/current -> releases/8
//! /srv/www/releases/7/  7.json  8/  8.json
//! ```
//!
//! A release is written whole, from the repository, under a temporary name; nothing is linked to
//! an earlier release, so that a change in one never shows in another. It is synced and renamed
//! before the link is switched, and the switch is one rename: a visitor sees the old release or
//! the new one. `<n>.json` beside a release is its manifest.

mod look;
mod shared;
mod shelf;

use super::manifest::Header;
use super::progress::Phase;
use super::record::may_follow;
use super::run::{Begin, Job, Reached, place};
use super::{Comparison, Holding, Manifest, ReleaseError, Source, plan, tree};
use crate::policy::{DirTarget, SharedPath, TargetKind};
use shelf::Shelf;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Brings a directory to the order's tree.
pub(in crate::release) fn release(
    job: &Job<'_>,
    target: &DirTarget,
    begin: &mut Begin<'_>,
) -> Result<Reached, ReleaseError> {
    shared::check(job.listing, &target.shared)?;
    let root = checked_root(&target.path, job.setting.git_dir)?;
    let shelf = Shelf::open(&root)?;
    let current = shelf.current(job.adoption)?;
    let manifest = match current {
        Some(number) => shelf.manifest(number, job)?,
        None => None,
    };
    may_follow(
        job,
        &place(&TargetKind::Dir(target.clone())),
        manifest.as_ref(),
    )?;
    let held = match &manifest {
        Some(manifest) => manifest.holding().map_err(|why| ReleaseError::Manifest {
            place: root.display().to_string(),
            why,
        })?,
        None => Holding::default(),
    };
    let plan = plan(job.listing, &held);
    job.progress.unchanged(plan.unchanged);
    shelf.clean()?;
    let recorded = manifest
        .as_ref()
        .is_some_and(|manifest| job.is_recorded_in(manifest));
    if recorded && current.is_some_and(|number| shelf.shares(number, &target.shared)) {
        return Ok(Reached::Before);
    }
    begin(&plan)?;
    let number = match built_before(job, &shelf, current, &target.shared)? {
        Some(number) => number,
        None => build(job, &shelf, &target.shared)?,
    };
    job.progress.phase(Phase::Moving, 1);
    shelf.switch(number)?;
    for _ in &plan.puts {
        job.progress.uploaded();
    }
    job.progress.phase(Phase::Deleting, plan.removed().count());
    for _ in plan.removed() {
        job.progress.deleted();
    }
    shelf.prune(number, target.keep)?;
    Ok(Reached::Now)
}

/// Compares what visitors of a directory find with the order's tree.
pub(in crate::release) fn compare(
    job: &Job<'_>,
    target: &DirTarget,
) -> Result<Comparison, ReleaseError> {
    look::compare(job, &target.path.join("current"))
}

/// The directory, if it may be released to. It is made where only it, and not its parent, is
/// missing: a missing parent is a slip of the pen or a disk that is not mounted.
fn checked_root(path: &Path, git_dir: &Path) -> Result<PathBuf, ReleaseError> {
    let refuse = |why: String| ReleaseError::Place {
        path: path.to_owned(),
        why,
    };
    if !path.is_absolute() {
        return Err(refuse("it is not an absolute path".into()));
    }
    let absent =
        matches!(path.symlink_metadata(), Err(error) if error.kind() == ErrorKind::NotFound);
    let root = match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if absent => parent.canonicalize().map(|at| at.join(name)),
        _ => path.canonicalize(),
    }
    .map_err(|error| refuse(error.to_string()))?;
    let repository = git_dir.canonicalize().map_err(ReleaseError::io(git_dir))?;
    let hooks = Source::open(git_dir)?.hooks_elsewhere()?;
    // A relative path is relative to the repository; one that is not there has no hooks in it.
    let hooks = hooks.and_then(|hooks| repository.join(hooks).canonicalize().ok());
    for ours in [Some(repository), hooks].iter().flatten() {
        if root.starts_with(ours) || ours.starts_with(&root) {
            return Err(refuse(
                "it overlaps the repository itself, or its hooks".into(),
            ));
        }
    }
    if absent {
        std::fs::create_dir(&root).map_err(|error| refuse(error.to_string()))?;
        tree::open_up(&root)?;
    } else if !root.is_dir() {
        return Err(refuse("it is not a directory".into()));
    }
    Ok(root)
}

/// A release that a killed run completed and did not switch to, if it is this one. Others of that
/// kind are removed: nobody has ever seen them.
fn built_before(
    job: &Job<'_>,
    shelf: &Shelf,
    current: Option<u64>,
    shared: &[SharedPath],
) -> Result<Option<u64>, ReleaseError> {
    let mut found = None;
    for number in shelf.ours()? {
        if current.is_some_and(|current| number <= current) {
            continue;
        }
        let manifest = shelf.own_manifest(number, job.seal)?;
        let recorded = manifest.is_some_and(|manifest| job.is_recorded_in(&manifest));
        if recorded && shelf.shares(number, shared) {
            found = Some(number);
        } else {
            shelf.remove(number)?;
        }
    }
    Ok(found)
}

/// Builds the release and its manifest, complete and synced, and gives its number.
fn build(job: &Job<'_>, shelf: &Shelf, shared: &[SharedPath]) -> Result<u64, ReleaseError> {
    let number = shelf.next()?;
    let source = Source::open(job.setting.git_dir)?;
    let temp = shelf.temp(number)?;
    job.progress.phase(Phase::Sending, job.listing.files.len());
    let contents = tree::write(&temp, job.listing.files.values(), &source, &mut |bytes| {
        job.progress.sent(bytes);
        job.progress.step();
    })?;
    shelf.share(&temp, shared)?;
    tree::sync(&temp)?;
    let header = Header {
        repository: job.order.repository.0.clone(),
        refname: job.order.refname.to_string(),
        commit: job.order.commit,
        sequence: job.order.sequence,
        released: (job.setting.now)(),
    };
    let bytes = Manifest::new(header, job.listing, &contents, &BTreeSet::new())
        .and_then(|manifest| manifest.to_bytes(job.seal))
        .map_err(ReleaseError::Objects)?;
    shelf.complete(number, &temp, &bytes)?;
    Ok(number)
}
