//! Releasing to a folder of a Subversion repository: one commit a release.
//!
//! The manifest is in the folder and part of the same commit, so a release is there as a whole or
//! not at all, and a run that follows a killed one sees which. There is no working copy: `svnmucc`
//! commits what differs, against the revision that was looked at; if somebody else changed the
//! same files meanwhile, the server refuses the commit.

mod actions;
mod client;
mod look;
mod message;
mod note;
mod see;

use super::command::other_kinds_uncertain;
use super::doubt;
use super::drift::{Expected, Look};
use super::look::Sight;
use super::names::{self, Surface};
use super::progress::Phase;
use super::record::{as_left, may_follow};
use super::run::{Begin, Job, Reached, place};
use super::stage::{self, Stage};
use super::{
    Adoption, Comparison, Content, Held, Holding, MANIFEST_NAME, Manifest, Plan, ReleaseError,
    ReleaseFile, plan,
};
use crate::policy::{SvnTarget, TargetKind, Verify};
use crate::types::RepoPath;
use actions::Actions;
use client::Client;
use look::Standing;
use std::collections::{BTreeMap, BTreeSet};

/// Brings a folder of a Subversion repository to the order's tree.
pub(in crate::release) fn release(
    job: &Job<'_>,
    target: &SvnTarget,
    begin: &mut Begin<'_>,
) -> Result<Reached, ReleaseError> {
    let place = place(&TargetKind::Svn(target.clone()));
    let client = Client::new(job, target)?;
    let mut standing = look::look(&client)?;
    let manifest = manifest(job, &client, &mut standing, &place)?;
    may_follow(job, &place, manifest.as_ref())?;
    as_left(job, &place, manifest.as_ref())?;
    let there = match &manifest {
        Some(manifest) => there(job, &client, &standing, manifest, &place)?,
        None => There::Not,
    };
    let wrong = match there {
        There::Whole => {
            job.progress.unchanged(job.listing.files.len() as u64);
            stage::sweep(job)?;
            return Ok(Reached::Before);
        }
        There::Altered(paths) => paths,
        There::Not => Vec::new(),
    };
    let recorded = manifest.as_ref();
    let (held, touched) = holding(job, &client, &standing, recorded, &place, wrong)?;
    let plan = plan(job.listing, &held);
    job.progress.unchanged(plan.unchanged);
    let ground = look::survey(job, &client, &standing, &held, &plan, &place)?;
    begin(&plan)?;
    let release = Release {
        job,
        held: &held,
        plan: &plan,
        kinds: kinds(manifest.as_ref(), &touched),
    };
    let moves = release.moves();
    let sent: Vec<ReleaseFile> = plan
        .puts
        .iter()
        .filter(|file| !moves.contains_key(&file.path))
        .cloned()
        .collect();
    let stage = Stage::of(job, &sent)?;
    let record = release.record(&stage, &ground, &moves)?;
    let actions = Actions::of(&release, &stage, &ground, &moves, standing.revision)?;
    job.progress.phase(Phase::Sending, plan.puts.len());
    let revision = actions.commit(&client, &record, standing.revision)?;
    release.count(&moves);
    settle(job, &client, &place, revision)?;
    let mut contents = stage.contents.clone();
    contents.extend(
        moves
            .iter()
            .map(|(path, (_, content))| (path.clone(), content.clone())),
    );
    let wrong = altered(job, &client, revision, plan.puts.iter(), &contents)?;
    if let Some(path) = wrong.into_iter().next() {
        return Err(ReleaseError::Altered {
            path,
            why: "the repository gives another content than what was committed".into(),
        });
    }
    stage.end()?;
    Ok(Reached::Now)
}

/// Compares the folder with the order's tree, and touches nothing.
pub(in crate::release) fn compare(
    job: &Job<'_>,
    target: &SvnTarget,
) -> Result<Comparison, ReleaseError> {
    let place = place(&TargetKind::Svn(target.clone()));
    let client = Client::new(job, target)?;
    let mut standing = look::look(&client)?;
    let manifest = manifest(job, &client, &mut standing, &place)?;
    let (held, _) = held(job, &client, &standing, manifest.as_ref(), &place)?;
    see::compare(job, &client, &standing, &held)
}

/// What is to be in the folder, and what is.
pub(in crate::release) fn look(
    sight: &Sight<'_>,
    target: &SvnTarget,
) -> Result<(Expected, Look), ReleaseError> {
    let place = place(&TargetKind::Svn(target.clone()));
    let (desk, _held) = sight.job.desk.aside()?;
    let job = sight.job.at(&desk);
    let client = Client::new(&job, target)?;
    let mut standing = look::look(&client)?;
    let manifest = manifest(sight.job, &client, &mut standing, &place)?
        .ok_or_else(|| broken(&place, "it is gone".into()))?;
    sight.of_last_release(&place, &manifest)?;
    let expected = Expected::of(&manifest).map_err(|why| broken(&place, why))?;
    see::look(sight, &client, &standing, expected)
}

/// Whether the folder holds the release, by its record and with nobody's doubt.
enum There {
    /// It does.
    Whole,
    /// It does, but the repository gives other contents for these files than what was committed.
    Altered(Vec<RepoPath>),
    /// It does not.
    Not,
}

/// Whether the folder holds the release. What a run that was killed right after its commit may not have
/// got to is done now.
fn there(
    job: &Job<'_>,
    client: &Client<'_>,
    standing: &Standing,
    manifest: &Manifest,
    place: &str,
) -> Result<There, ReleaseError> {
    let doubtless = job.adoption == Adoption::Refuse && job.suspects.is_empty();
    if !doubtless || !job.is_recorded_in(manifest) {
        return Ok(There::Not);
    }
    let known = job.landed.is_some_and(|landed| {
        landed.commit == job.order.commit && landed.sequence == job.order.sequence
    });
    let Some(revision) = standing.recorded.filter(|_| !known) else {
        return Ok(There::Whole);
    };
    settle(job, client, place, revision)?;
    let held = manifest.holding().map_err(|why| broken(place, why))?;
    let known = held
        .files
        .into_iter()
        .filter_map(|(path, held)| match held {
            Held::Known(content) => Some((path, content)),
            Held::Uncertain => None,
        });
    let files = job.listing.files.values();
    let wrong = altered(job, client, revision, files, &known.collect())?;
    Ok(match wrong.is_empty() {
        true => There::Whole,
        false => There::Altered(wrong),
    })
}

/// What follows a commit.
fn settle(
    job: &Job<'_>,
    client: &Client<'_>,
    place: &str,
    revision: u64,
) -> Result<(), ReleaseError> {
    note::keep(
        job.desk,
        place,
        job.order.commit,
        job.order.sequence,
        revision,
    )?;
    message::sign(job, client, revision)
}

/// Reads what was committed out of the repository, where the policy asks for that, and gives the files
/// that hold something else. Subversion itself has compared a checksum of each file.
fn altered<'a>(
    job: &Job<'_>,
    client: &Client<'_>,
    revision: u64,
    files: impl Iterator<Item = &'a ReleaseFile>,
    contents: &BTreeMap<RepoPath, Content>,
) -> Result<Vec<RepoPath>, ReleaseError> {
    if job.order.target.care.verify == Verify::Quick {
        return Ok(Vec::new());
    }
    let wanted: BTreeMap<&RepoPath, &Content> = files
        .filter_map(|file| Some((&file.path, contents.get(&file.path)?)))
        .collect();
    job.progress.phase(Phase::Checking, wanted.len());
    see::misfits(client, revision, &wanted)
}

/// What is there and what is to be done, for the parts that write it down.
struct Release<'a> {
    job: &'a Job<'a>,
    held: &'a Holding,
    plan: &'a Plan,
    /// What each file was by the manifest.
    kinds: BTreeMap<RepoPath, super::FileKind>,
}

/// Files that get their content from one that the release removes, and from which.
type Moves = BTreeMap<RepoPath, (RepoPath, Content)>;

impl Release<'_> {
    /// Which files are copies of a removed one: the repository then keeps their history.
    fn moves(&self) -> Moves {
        let known = |path: &RepoPath| match self.held.files.get(path) {
            Some(Held::Known(content)) => Some((path.clone(), content.clone())),
            Some(Held::Uncertain) | None => None,
        };
        let gone: BTreeMap<_, _> = self
            .plan
            .deletes
            .iter()
            .filter_map(known)
            .map(|(path, content)| (content.blob, (path, content)))
            .collect();
        self.plan
            .puts
            .iter()
            .filter(|file| !self.held.files.contains_key(&file.path))
            .filter_map(|file| {
                let (from, content) = gone.get(&file.blob)?;
                let same = self.kinds.get(from) == Some(&file.kind);
                same.then(|| (file.path.clone(), (from.clone(), content.clone())))
            })
            .collect()
    }

    /// The manifest that is part of the commit.
    fn record(
        &self,
        stage: &Stage,
        ground: &look::Ground,
        moves: &Moves,
    ) -> Result<Vec<u8>, ReleaseError> {
        let mut contents: BTreeMap<RepoPath, Content> = BTreeMap::new();
        for (path, held) in &self.held.files {
            if let Held::Known(content) = held {
                contents.insert(path.clone(), content.clone());
            }
        }
        contents.extend(stage.contents.clone());
        contents.extend(
            moves
                .iter()
                .map(|(path, (_, content))| (path.clone(), content.clone())),
        );
        let kept = self.held.dirs.difference(&ground.spare);
        let dirs: BTreeSet<RepoPath> = kept.chain(&ground.new_dirs).cloned().collect();
        self.job.record(&contents, &dirs)
    }

    fn count(&self, moves: &Moves) {
        for file in &self.plan.puts {
            if !moves.contains_key(&file.path) {
                let size = usize::try_from(file.size).unwrap_or(usize::MAX);
                self.job.progress.sent(size);
            }
            self.job.progress.uploaded();
        }
        for _ in self.plan.removed() {
            self.job.progress.deleted();
        }
    }
}

/// What the files are of which nobody else is known to have changed what they are.
fn kinds(
    manifest: Option<&Manifest>,
    touched: &BTreeSet<RepoPath>,
) -> BTreeMap<RepoPath, super::FileKind> {
    let kinds = manifest.map(Manifest::kinds).unwrap_or_default();
    kinds
        .into_iter()
        .filter(|(path, _, _)| !touched.contains(path))
        .map(|(path, kind, _)| (path, kind))
        .collect()
}

fn broken(place: &str, why: String) -> ReleaseError {
    ReleaseError::Manifest {
        place: place.to_owned(),
        why,
    }
}

/// The folder's manifest, as it was in the revision that is looked at.
fn manifest(
    job: &Job<'_>,
    client: &Client<'_>,
    standing: &mut Standing,
    place: &str,
) -> Result<Option<Manifest>, ReleaseError> {
    if standing.recorded.is_none() {
        return Ok(None);
    }
    let bytes = client.read(MANIFEST_NAME, standing.revision)?;
    let manifest = super::record::manifest(job, place, &bytes)?;
    note::apply(job.desk, place, job.adoption, manifest.as_ref(), standing)?;
    Ok(manifest)
}

/// What is ours there as far as it is relied upon, and what somebody else has touched. The `altered`
/// files are not what they should be.
fn holding(
    job: &Job<'_>,
    client: &Client<'_>,
    standing: &Standing,
    manifest: Option<&Manifest>,
    place: &str,
    altered: Vec<RepoPath>,
) -> Result<(Holding, BTreeSet<RepoPath>), ReleaseError> {
    let (mut held, mut touched) = held(job, client, standing, manifest, place)?;
    if job.adoption == Adoption::Adopt {
        let comparison = see::compare(job, client, standing, &held)?;
        touched.extend(comparison.different.iter().cloned());
        doubt::take_over(comparison, &mut held);
    }
    doubt::suspect(job, place, &mut held)?;
    touched.extend(job.suspects.iter().cloned());
    let doubted = !job.suspects.is_empty() || !altered.is_empty();
    for path in altered {
        held.files.insert(path.clone(), Held::Uncertain);
        touched.insert(path);
    }
    if job.adoption == Adoption::Adopt || doubted {
        let there = look::entries(client, standing)?;
        let stands = |path: &RepoPath| there.files.contains(path) || there.dirs.contains(path);
        held.files.retain(|path, _| stands(path));
    }
    Ok((held, touched))
}

/// What is ours there, and what of it somebody else has committed to since.
fn held(
    job: &Job<'_>,
    client: &Client<'_>,
    standing: &Standing,
    manifest: Option<&Manifest>,
    place: &str,
) -> Result<(Holding, BTreeSet<RepoPath>), ReleaseError> {
    let Some(manifest) = manifest else {
        return Ok(<_>::default());
    };
    let mut held = manifest.holding().map_err(|why| broken(place, why))?;
    for path in held.files.keys().chain(&held.dirs) {
        if let Some(why) = names::fault(path.as_bytes(), Surface::Svn) {
            return Err(broken(place, format!("the path `{path}` {why}")));
        }
    }
    let changes = look::changed_since(client, standing)?;
    let touched: BTreeSet<RepoPath> = changes
        .iter()
        .filter_map(|change| match change {
            look::Change::Other(path) => Some(path.clone()),
            look::Change::Gone(_) => None,
        })
        .collect();
    for change in changes {
        match change {
            // It was removed, and something of its name is there now.
            look::Change::Gone(gone) if touched.contains(&gone) => {}
            look::Change::Gone(gone) => {
                let below = [gone.as_bytes(), b"/"].concat();
                let stays = |path: &RepoPath| *path != gone && !path.as_bytes().starts_with(&below);
                held.files.retain(|path, _| stays(path));
                held.dirs.retain(stays);
            }
            look::Change::Other(path) => {
                if let Some(held) = held.files.get_mut(&path) {
                    *held = Held::Uncertain;
                }
            }
        }
    }
    Ok((other_kinds_uncertain(job, Some(manifest), held), touched))
}
