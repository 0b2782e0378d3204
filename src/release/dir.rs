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
pub(in crate::release) mod walk;

use super::back::Kept;
use super::drift::{Difference, Expected, Look};
use super::look::Sight;
use super::progress::Phase;
use super::record::may_follow;
use super::run::{Begin, Job, Reached, place};
use super::{
    Adoption, Comparison, Content, FileKind, Holding, ReleaseError, Seal, Source, plan, tree,
};
use crate::policy::{DirTarget, SharedPath, TargetKind};
use crate::types::{RepoPath, hex};
use sha2::{Digest, Sha256};
use shelf::Shelf;
use std::collections::{BTreeMap, BTreeSet};
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
    let shares = current.is_some_and(|number| shelf.shares(number, &target.shared));
    if recorded && shares && job.suspects.is_empty() {
        return Ok(Reached::Before);
    }
    begin(&plan)?;
    let number = match kept(job, &shelf, &target.shared)? {
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
    shelf.prune(number, target.keep, job.seal)?;
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

/// A release that is here already and is this one to the byte: an earlier one that is gone back to,
/// or one that a killed run completed and did not switch to.
fn kept(job: &Job<'_>, shelf: &Shelf, shared: &[SharedPath]) -> Result<Option<u64>, ReleaseError> {
    for number in shelf.ours()?.into_iter().rev() {
        let Some(manifest) = shelf.own_manifest(number, job.seal)? else {
            continue;
        };
        let whole = || -> Result<bool, ReleaseError> {
            let Ok(mut expected) = Expected::of(&manifest) else {
                return Ok(false);
            };
            shared::expect(&mut expected, shared, &manifest.commit);
            Ok(walk::differs(&shelf.release(number), &expected)?.is_none())
        };
        if job.is_recorded_in(&manifest) && whole()? {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// Builds the release and its manifest, complete and synced, and gives its number. What was written
/// is read again; what is not as it has to be is written once more.
fn build(job: &Job<'_>, shelf: &Shelf, shared: &[SharedPath]) -> Result<u64, ReleaseError> {
    let number = shelf.next()?;
    let (mut temp, mut contents, mut wrong) = write(job, shelf, shared, number)?;
    if wrong.is_some() {
        shelf.clean()?;
        (temp, contents, wrong) = write(job, shelf, shared, number)?;
    }
    if let Some(difference) = wrong {
        return Err(ReleaseError::Altered {
            path: difference.path,
            why: difference.how,
        });
    }
    let bytes = job.record(&contents, &BTreeSet::new())?;
    shelf.complete(number, &temp, &bytes)?;
    Ok(number)
}

/// A release under a temporary name, with what is in it and what of that is not as it has to be.
type Written = (PathBuf, BTreeMap<RepoPath, Content>, Option<Difference>);

fn write(
    job: &Job<'_>,
    shelf: &Shelf,
    shared: &[SharedPath],
    number: u64,
) -> Result<Written, ReleaseError> {
    let temp = shelf.temp(number)?;
    job.progress.phase(Phase::Sending, job.listing.files.len());
    let files = job.listing.files.values();
    let contents = tree::write(&temp, files, job.setting.git_dir, &|bytes| {
        job.progress.sent(bytes);
        job.progress.step();
    })?;
    shelf.share(&temp, shared)?;
    tree::sync(&temp)?;
    let mut expected = walk::expected(job.listing, &contents);
    shared::expect(&mut expected, shared, &job.order.commit);
    let wrong = walk::differs(&temp, &expected)?;
    Ok((temp, contents, wrong))
}

/// What is to be in the directory, and what is.
pub(in crate::release) fn look(
    sight: &Sight<'_>,
    target: &DirTarget,
) -> Result<(Expected, Look), ReleaseError> {
    let root = target.path.canonicalize().map_err(|error| {
        let why = error.to_string();
        sight.unclear(why)
    })?;
    let shelf = Shelf::glance(&root);
    let number = match shelf.current(Adoption::Refuse) {
        Ok(Some(number)) => number,
        // No link, or somebody else's: nothing behind it is ours.
        Ok(None) | Err(ReleaseError::Place { .. }) => return Ok(moved(sight, &shelf)),
        Err(error) => return Err(error),
    };
    let broken = |why: String| ReleaseError::Manifest {
        place: root.display().to_string(),
        why,
    };
    let Some(manifest) = shelf.manifest(number, sight.job)? else {
        return Err(broken("it is gone".into()));
    };
    if manifest.commit != sight.landed.commit || manifest.sequence != sight.landed.sequence {
        // With the release that was switched to still here, it is the link that was moved.
        return match landed(sight, &shelf) {
            Some(_) => Ok(moved(sight, &shelf)),
            None => Err(broken(format!(
                "it names entry {}, and the last release was of entry {}",
                manifest.sequence, sight.landed.sequence
            ))),
        };
    }
    let mut expected = Expected::of(&manifest).map_err(broken)?;
    shared::expect(&mut expected, &target.shared, &manifest.commit);
    Ok((expected, walk::walk(&shelf.release(number))?))
}

/// The number of the release that was switched to last, if it is still here.
fn landed(sight: &Sight<'_>, shelf: &Shelf) -> Option<u64> {
    let ours = shelf.ours().ok()?;
    ours.into_iter().rev().find(|number| {
        let manifest = shelf.own_manifest(*number, sight.job.seal).ok().flatten();
        manifest.is_some_and(|one| {
            one.sequence == sight.landed.sequence && one.commit == sight.landed.commit
        })
    })
}

/// Not the link to the release, but something else or nothing.
fn moved(sight: &Sight<'_>, shelf: &Shelf) -> (Expected, Look) {
    let path = RepoPath::new(b"current".to_vec());
    let to = landed(sight, shelf).map(|number| format!("releases/{number}"));
    let to = to.unwrap_or_default();
    let content = Content {
        blob: sight.landed.commit,
        size: to.len() as u64,
        sha256: hex(&Sha256::digest(to)),
    };
    let (mut expected, mut found) = (Expected::default(), Look::default());
    let wanted = (FileKind::Symlink, Some(content));
    expected.files.insert(path.clone(), wanted);
    if let Some(seen) = walk::at(&shelf.link()) {
        found.entries.insert(path, seen);
    }
    (expected, found)
}

/// The releases that the directory keeps.
pub(in crate::release) fn kept_releases(target: &DirTarget, seal: &Seal) -> Vec<Kept> {
    let shelf = Shelf::glance(&target.path);
    let numbers = shelf.ours().unwrap_or_default().into_iter().rev();
    numbers
        .filter_map(|number| {
            let manifest = shelf.own_manifest(number, seal).ok()??;
            Some(Kept {
                commit: manifest.commit,
                name: format!("releases/{number}"),
            })
        })
        .collect()
}
