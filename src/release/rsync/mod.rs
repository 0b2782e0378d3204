//! Releasing to a directory of another machine, by rsync over ssh.
//!
//! A directory that nothing is in gets its files another way ([`first`]). To any other:
//!
//! Only what differs from the directory's manifest goes into a private folder and from there to the
//! other side, as a list of paths; rsync renames it into place when all of it has arrived
//! (`--delay-updates`). Then what is no longer wanted is removed, and last the manifest is replaced; where
//! files are sent and nothing else is to be done, it travels with them.
//! What a run is going to touch is on relhook's own disk before it is touched, so that the next run
//! knows what a killed one may have changed, and sends that again.

mod first;
mod frame;
mod journal;
mod line;
mod look;
mod remote;
mod short;
mod supply;
mod survey;

use super::command::other_kinds_uncertain;
use super::desk::read_capped;
use super::doubt;
use super::drift::{Expected, Look};
use super::look::Sight;
use super::progress::Phase;
use super::record::{as_left, may_follow};
use super::run::{Begin, Job, Reached, place};
use super::stage::{self, Stage};
use super::{
    Adoption, Comparison, Content, Held, Holding, MANIFEST_LIMIT, MANIFEST_NAME, Manifest, Plan,
    ReleaseError, ancestors, plan,
};
use crate::policy::{RsyncTarget, TargetKind, Verify};
use crate::types::RepoPath;
pub use frame::{REACH, reach};
use journal::Touches;
use remote::{PART, Remote};
use short::Short;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

/// What visitors may do with the manifest.
const READABLE: u32 = 0o644;

/// Brings a directory of another machine to the order's tree.
pub(in crate::release) fn release(
    job: &Job<'_>,
    target: &RsyncTarget,
    begin: &mut Begin<'_>,
) -> Result<Reached, ReleaseError> {
    let place = place(&TargetKind::Rsync(target.clone()));
    let remote = Remote::new(job, target, &place)?;
    let mut begun = false;
    // The whole way may follow another one that began.
    let begin: &mut Begin<'_> = &mut |plan| match std::mem::replace(&mut begun, true) {
        true => Ok(()),
        false => begin(plan),
    };
    let is_done = match Short::of(job, &place) {
        Some(short) => short.release(job, &remote, &place, begin)?,
        None => false,
    };
    let reached = match is_done {
        true => Reached::Now,
        false => release_whole(job, &remote, &place, begin)?,
    };
    if let (Reached::Now, Some(notice)) = (&reached, remote.notice()) {
        job.progress.notice(notice);
    }
    Ok(reached)
}

/// The same after a look at all that is there.
fn release_whole(
    job: &Job<'_>,
    remote: &Remote<'_>,
    place: &str,
    begin: &mut Begin<'_>,
) -> Result<Reached, ReleaseError> {
    let there = remote.fetch()?;
    let manifest = manifest(job, remote, place)?;
    may_follow(job, place, manifest.as_ref())?;
    as_left(job, place, manifest.as_ref())?;
    let left = journal::left(job, place, manifest.as_ref())?;
    let mut held = held(job, manifest.as_ref(), &left, place)?;
    if job.adoption == Adoption::Adopt {
        let comparison = look::compare(job, remote, &held)?;
        doubt::take_over(comparison, &mut held);
    }
    doubt::suspect(job, place, &mut held)?;
    let plan = plan(job.listing, &held);
    job.progress.unchanged(plan.unchanged);
    let recorded = manifest
        .as_ref()
        .is_some_and(|manifest| job.is_recorded_in(manifest));
    if recorded && plan.is_empty() && job.adoption == Adoption::Refuse {
        stage::sweep(job)?;
        journal::forget(job)?;
        return Ok(Reached::Before);
    }
    let stage = Stage::of(job, &plan.puts)?;
    let new_dirs = survey::survey(job, remote, &stage, &held, &plan, manifest.is_none())?;
    begin(&plan)?;
    let work = Work {
        job,
        remote,
        held: &held,
        plan: &plan,
        new_dirs: &new_dirs,
    };
    let along = !there.is_too_large && left.commit.is_none() && is_one_step(job, &plan);
    if along {
        let record = work.begin_along(&stage, place, manifest.as_ref())?;
        if !there.has_temp {
            remote.make_temp()?;
        }
        let paths = work.with_record(&stage, &record)?;
        remote.send(&stage, &paths.iter().collect::<Vec<_>>())?;
        return end(job, stage, &record).map(|()| Reached::Now);
    }
    work.note(place, (manifest.as_ref(), None))?;
    if !there.has_temp {
        remote.make_temp()?;
    }
    work.carry_out(&stage, &left)?;
    let record = sealed(job, &work.record(&stage.contents)?)?;
    if there.is_too_large {
        // rsync would read all of it to send less.
        remote.remove(&[&RepoPath::new(MANIFEST_NAME.as_bytes().to_vec())])?;
    }
    remote.switch(&record)?;
    end(job, stage, &record).map(|()| Reached::Now)
}

fn sealed(job: &Job<'_>, manifest: &Manifest) -> Result<Vec<u8>, ReleaseError> {
    manifest.to_bytes(job.seal).map_err(ReleaseError::Objects)
}

/// The manifest is there, and all that it tells of.
fn end(job: &Job<'_>, stage: Stage, record: &[u8]) -> Result<(), ReleaseError> {
    short::keep(job.desk, record);
    journal::forget(job)?;
    stage.end()
}

/// Whether all there is to be done is to send files, none of which has to be read back. By rsync the
/// manifest travels with them then: to ask the other side once more costs more than a few files.
fn is_one_step(job: &Job<'_>, plan: &Plan) -> bool {
    job.order.target.care.verify == Verify::Quick
        && !plan.puts.is_empty()
        && plan.removed().next().is_none()
        && plan.blocking_dirs.is_empty()
        && plan.spare_dirs.is_empty()
}

/// Compares the directory with the order's tree, and touches nothing.
pub(in crate::release) fn compare(
    job: &Job<'_>,
    target: &RsyncTarget,
) -> Result<Comparison, ReleaseError> {
    let place = place(&TargetKind::Rsync(target.clone()));
    let remote = Remote::new(job, target, &place)?;
    remote.fetch()?;
    let manifest = manifest(job, &remote, &place)?;
    let left = journal::left(job, &place, manifest.as_ref())?;
    let held = held(job, manifest.as_ref(), &left, &place)?;
    look::compare(job, &remote, &held)
}

/// What is to be in the directory, and what is.
pub(in crate::release) fn look(
    sight: &Sight<'_>,
    target: &RsyncTarget,
) -> Result<(Expected, Look), ReleaseError> {
    let place = place(&TargetKind::Rsync(target.clone()));
    let (desk, _held) = sight.job.desk.aside()?;
    let job = sight.job.at(&desk);
    let remote = Remote::new(&job, target, &place)?;
    remote.fetch()?;
    let broken = |why: String| ReleaseError::Manifest {
        place: place.clone(),
        why,
    };
    let manifest = manifest(&job, &remote, &place)?.ok_or_else(|| broken("it is gone".into()))?;
    sight.of_last_release(&place, &manifest)?;
    let expected = Expected::of(&manifest).map_err(broken)?;
    // What an interrupted run had begun to change is nobody's drift, nor is what it left aside.
    let left = journal::left(sight.job, &place, Some(&manifest))?;
    let aside = left.files.iter().chain(&left.aside).map(part_of);
    let aside: BTreeSet<RepoPath> = aside.collect();
    let passing = left.files.into_iter().chain(left.dirs).chain(aside);
    look::look(sight, &remote, expected, passing)
}

/// The folder beside a file in which it waits.
fn part_of(path: &RepoPath) -> RepoPath {
    ancestors(path).pop().map_or_else(
        || RepoPath::new(PART.as_bytes().to_vec()),
        |dir| dir.join(PART.as_bytes()),
    )
}

/// Where a file waits, complete or not, until all have arrived.
fn waits_at(path: &RepoPath) -> RepoPath {
    let name = path.as_bytes().rsplit(|byte| *byte == b'/').next();
    part_of(path).join(name.unwrap_or_default())
}

/// What is there and what is to be done.
struct Work<'a> {
    job: &'a Job<'a>,
    remote: &'a Remote<'a>,
    held: &'a Holding,
    plan: &'a Plan,
    new_dirs: &'a BTreeSet<RepoPath>,
}

impl Work<'_> {
    /// Every file that the run may change.
    fn touched(&self) -> BTreeSet<RepoPath> {
        let uncertain = self.held.files.iter();
        let uncertain = uncertain.filter(|(_, held)| **held == Held::Uncertain);
        uncertain
            .map(|(path, _)| path)
            .chain(self.plan.puts.iter().map(|file| &file.path))
            .chain(self.plan.removed())
            .cloned()
            .collect()
    }

    /// Every directory that is ours while the run is under way.
    fn dirs(&self) -> BTreeSet<RepoPath> {
        self.held.dirs.union(self.new_dirs).cloned().collect()
    }

    /// Writes down that files and a new manifest are going to travel together, and gives that manifest. A
    /// run that is killed may leave it in its place and some of the files not: the journal tells the
    /// next run of both.
    fn begin_along(
        &self,
        stage: &Stage,
        place: &str,
        manifest: Option<&Manifest>,
    ) -> Result<Vec<u8>, ReleaseError> {
        let record = self.record(&stage.contents)?;
        self.note(place, (manifest, Some(&record)))?;
        sealed(self.job, &record)
    }

    /// Writes down what is going to be touched, before the first of it is, beside the manifest that is there and the one
    /// that travels with the files.
    fn note(
        &self,
        place: &str,
        manifests: (Option<&Manifest>, Option<&Manifest>),
    ) -> Result<(), ReleaseError> {
        let touches = Touches {
            files: &self.touched(),
            aside: &BTreeSet::new(),
            dirs: &self.dirs(),
        };
        journal::begin(self.job, place, manifests, &touches)
    }

    /// The directory is as it was left, so the plan holds: tells of it, if this release may follow that one.
    fn set_out(
        &self,
        place: &str,
        manifest: Option<&Manifest>,
        begin: &mut Begin<'_>,
    ) -> Result<(), ReleaseError> {
        may_follow(self.job, place, manifest)?;
        as_left(self.job, place, manifest)?;
        self.job.progress.unchanged(self.plan.unchanged);
        begin(self.plan)
    }

    /// Puts the manifest beside the files, and gives the paths of all that is to be sent.
    fn with_record(&self, stage: &Stage, record: &[u8]) -> Result<Vec<RepoPath>, ReleaseError> {
        let path = stage.root().join(MANIFEST_NAME);
        let written = fs::write(&path, record)
            .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(READABLE)));
        written.map_err(ReleaseError::io(&path))?;
        let manifest = RepoPath::new(MANIFEST_NAME.as_bytes().to_vec());
        self.job
            .progress
            .phase(Phase::Sending, self.plan.puts.len());
        let files = self.plan.puts.iter().map(|file| file.path.clone());
        Ok(files.chain([manifest]).collect())
    }

    fn carry_out(&self, stage: &Stage, left: &journal::Left) -> Result<(), ReleaseError> {
        let (plan, remote) = (self.plan, self.remote);
        let clearing: Vec<&RepoPath> = plan
            .blocking_files
            .iter()
            .chain(&plan.blocking_contents)
            .collect();
        self.job.progress.phase(Phase::Sending, plan.puts.len());
        if left.commit.is_some() {
            // What is going to be sent again is begun from what has arrived of it; the rest only
            // takes room.
            let again = left.commit == Some(self.job.order.commit);
            let sent: BTreeSet<&RepoPath> = plan.puts.iter().map(|file| &file.path).collect();
            self.sweep(left, |path| !again || !sent.contains(path))?;
        }
        self.remove(&clearing)?;
        remote.remove_dirs(&plan.blocking_dirs)?;
        let paths: Vec<&RepoPath> = plan.puts.iter().map(|file| &file.path).collect();
        remote.send(stage, &paths)?;
        self.verify(stage)?;
        let deletes: Vec<&RepoPath> = plan.deletes.iter().collect();
        self.job.progress.phase(Phase::Deleting, deletes.len());
        self.remove(&deletes)?;
        if left.commit.is_some() {
            self.sweep(left, |_| true)?;
        }
        remote.remove_dirs(&plan.spare_dirs)
    }

    /// Reads back what was sent, where the policy asks for that, and sends once more what is not as it
    /// was. rsync itself has compared a checksum of each file.
    fn verify(&self, stage: &Stage) -> Result<(), ReleaseError> {
        if self.job.order.target.care.verify == Verify::Quick {
            return Ok(());
        }
        let all = self.plan.puts.iter();
        let mut sent: BTreeMap<&RepoPath, &Content> = all
            .filter_map(|file| Some((&file.path, stage.contents.get(&file.path)?)))
            .collect();
        self.job.progress.phase(Phase::Checking, sent.len());
        let wrong = look::misfits(self.remote, &sent)?;
        if wrong.is_empty() {
            return Ok(());
        }
        self.remote.send(stage, &wrong)?;
        sent.retain(|path, _| wrong.contains(path));
        match look::misfits(self.remote, &sent)?.first() {
            None => Ok(()),
            Some(path) => Err(ReleaseError::Altered {
                path: (*path).clone(),
                why: "the host gives another content than what was sent".into(),
            }),
        }
    }

    fn remove(&self, paths: &[&RepoPath]) -> Result<(), ReleaseError> {
        self.remote.remove(paths)?;
        for _ in paths {
            self.job.progress.deleted();
        }
        Ok(())
    }

    /// Removes what a killed run may have left aside of these files: in rsync's own folders beside
    /// their places, and in the one for temporary files.
    fn sweep(
        &self,
        left: &journal::Left,
        of: impl Fn(&RepoPath) -> bool,
    ) -> Result<(), ReleaseError> {
        let uncertain = self.held.files.iter();
        let uncertain = uncertain.filter(|(_, held)| **held == Held::Uncertain);
        let waiting = uncertain.map(|(path, _)| path).chain(&left.aside);
        let (mut files, mut dirs) = (BTreeSet::new(), BTreeSet::new());
        for path in waiting.filter(|path| of(path)) {
            files.insert(waits_at(path));
            dirs.insert(part_of(path));
        }
        let manifest = RepoPath::new(MANIFEST_NAME.as_bytes().to_vec());
        files.insert(waits_at(&manifest));
        dirs.insert(part_of(&manifest));
        files.extend(self.remote.strays()?);
        self.remote.remove(&files.iter().collect::<Vec<_>>())?;
        self.remote
            .remove_dirs(&dirs.into_iter().rev().collect::<Vec<_>>())
    }

    fn record(&self, sent: &BTreeMap<RepoPath, Content>) -> Result<Manifest, ReleaseError> {
        let kept = self.held.files.iter();
        let kept = kept.filter_map(|(path, held)| match held {
            Held::Known(content) => Some((path.clone(), content.clone())),
            Held::Uncertain => None,
        });
        let mut contents: BTreeMap<RepoPath, Content> = kept.collect();
        contents.extend(sent.clone());
        let gone: BTreeSet<&RepoPath> = self
            .plan
            .spare_dirs
            .iter()
            .chain(&self.plan.blocking_dirs)
            .collect();
        let mut dirs = self.dirs();
        dirs.retain(|dir| !gone.contains(dir));
        self.job.manifest_of(self.job.listing, &contents, &dirs)
    }
}

/// The directory's manifest, as it was fetched.
fn manifest(
    job: &Job<'_>,
    remote: &Remote<'_>,
    place: &str,
) -> Result<Option<Manifest>, ReleaseError> {
    let path = remote.fetched(MANIFEST_NAME);
    let bytes = read_capped(&path, MANIFEST_LIMIT).map_err(ReleaseError::io(&path))?;
    let Some(bytes) = bytes else { return Ok(None) };
    super::record::manifest(job, place, &bytes)
}

/// What is ours there, and what of it a killed run may have changed.
fn held(
    job: &Job<'_>,
    manifest: Option<&Manifest>,
    left: &journal::Left,
    place: &str,
) -> Result<Holding, ReleaseError> {
    let mut held = match manifest {
        Some(manifest) => manifest.holding().map_err(|why| ReleaseError::Manifest {
            place: place.to_owned(),
            why,
        })?,
        None => Holding::default(),
    };
    for path in &left.files {
        held.files.insert(path.clone(), Held::Uncertain);
    }
    held.dirs.extend(left.dirs.iter().cloned());
    Ok(other_kinds_uncertain(job, manifest, held))
}
