//! Releasing to a site that is reached file by file: what every such kind of target shares.
//!
//! A kind brings a [`Connector`], which opens [`Session`]s, and says where on the site the release
//! lives. Files go up under temporary names beside their places, over several sessions; when all of
//! them are there and have the right size, they are renamed into place, then what is no longer
//! wanted is removed, and last the manifest is replaced. See [`journal`] for what makes the whole
//! safe to kill at any point.

mod adopt;
mod compare;
mod journal;
mod known;
mod look;
mod place;
mod pool;
mod record;
mod send;
mod session;
mod short;
mod transfer;
mod verify;

use super::names::Surface;
use super::run::{Begin, Job, Reached};
use super::{
    Adoption, Comparison, FileKind, Held, Holding, MANIFEST_NAME, Manifest, Move, Plan,
    ReleaseError, doubt, plan,
};
use crate::types::RepoPath;
use compare::Compared;
pub(in crate::release) use look::look;
pub(in crate::release) use pool::{Objects, Pool};
pub(in crate::release) use session::{
    Answered, Connector, Copied, Entry, EntryKind, Placing, Session,
};
pub(in crate::release) use short::{Short, release as release_short};
use std::collections::BTreeMap;

/// What else may be in a release's directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Files of other people.
    Shared,
    /// Nothing: the directory was made for this one release.
    Own,
}

/// The site and where on it the release lives.
pub(in crate::release) struct Site {
    /// The place, as the state and the journal name it.
    place: String,
    /// The release's directory on the site, without a trailing `/`.
    base: String,
    /// Where the manifest is on the site.
    record: String,
    /// What else may be in the release's directory.
    extent: Extent,
    /// Which names it can bear.
    surface: Surface,
}

impl Site {
    /// The directory `path` of a site.
    pub(in crate::release) fn new(place: String, path: &str, surface: Surface) -> Self {
        let base = path.trim_end_matches('/').to_owned();
        Self {
            place,
            record: format!("{base}/{MANIFEST_NAME}"),
            base,
            extent: Extent::Shared,
            surface,
        }
    }

    /// The same for a release that has a directory of its own, with its manifest at `record`
    /// outside of it.
    pub(in crate::release) fn recorded_at(self, record: String) -> Self {
        Self {
            record,
            extent: Extent::Own,
            ..self
        }
    }

    /// The release's directory itself.
    pub(in crate::release) fn root(&self) -> &str {
        if self.base.is_empty() {
            "/"
        } else {
            &self.base
        }
    }

    /// A path's name on the site.
    pub(in crate::release) fn at(&self, path: &RepoPath) -> Result<String, ReleaseError> {
        match std::str::from_utf8(path.as_bytes()) {
            Ok(text) => Ok(format!("{}/{text}", self.base)),
            Err(_) => Err(ReleaseError::Manifest {
                place: self.place.clone(),
                why: format!("the path `{path}` is not UTF-8"),
            }),
        }
    }

    /// The manifest's name on the site.
    pub(in crate::release) fn manifest(&self) -> &str {
        &self.record
    }

    /// The name on the site of a file beside the manifest.
    fn beside(&self, name: &str) -> String {
        let folder = self.record.rsplit_once('/').unwrap_or_default().0;
        format!("{folder}/{name}")
    }
}

/// Brings a site to the order's tree.
pub(in crate::release) fn release(
    job: &Job<'_>,
    site: &Site,
    connector: &dyn Connector,
    begin: &mut Begin<'_>,
) -> Result<Reached, ReleaseError> {
    let mut pool = Pool::new(connector, job.setting.git_dir);
    let mut compared = compare::compare(job, site, &mut pool)?;
    if job.adoption == Adoption::Adopt {
        let holding = &mut compared.recovered.holding;
        let comparison = adopt::compare(job, site, &mut pool, holding)?;
        doubt::take_over(comparison, holding);
    }
    doubt::suspect(job, &site.place, &mut compared.recovered.holding)?;
    compared.kinds = kinds(site, compared.manifest.as_ref());
    for (path, kind) in &compared.kinds {
        let wanted = job.listing.files.get(path);
        if wanted.is_some_and(|file| file.kind != *kind) {
            let holding = &mut compared.recovered.holding;
            holding.files.insert(path.clone(), Held::Uncertain);
        }
    }
    let plan = plan(job.listing, &compared.recovered.holding);
    if is_there(job, compared.manifest.as_ref(), &plan) {
        job.progress.unchanged(plan.unchanged);
        compare::sweep(site, &mut pool, &compared)?;
        journal::forget(job.desk)?;
        return Ok(Reached::Before);
    }
    bring(job, site, &mut pool, compared, plan, begin)?;
    Ok(Reached::Now)
}

/// Carries a plan out.
fn bring(
    job: &Job<'_>,
    site: &Site,
    pool: &mut Pool<'_>,
    compared: Compared,
    mut plan: Plan,
    begin: &mut Begin<'_>,
) -> Result<(), ReleaseError> {
    compare::take_moves(job, site, pool, &compared, &mut plan)?;
    let other_kind = |step: &&Move| {
        let kind = compared.kinds.get(&step.from);
        kind.is_some_and(|kind| *kind != step.file.kind)
    };
    let turned = plan.moves.iter().filter(other_kind);
    let turned = turned.map(|step| step.from.clone()).collect();
    plan.send_instead(&turned);
    let ground = compare::survey(job, site, pool, &compared, &plan)?;
    begin(&plan)?;
    transfer::carry_out(job, site, pool, compared, &plan, ground)?;
    if let Some(notice) = pool.notice() {
        job.progress.notice(notice);
    }
    Ok(())
}

/// Whether the site holds what it is to hold, by its own record. Directories of ours that stand in it
/// and are not needed could not be removed when it was written.
fn is_there(job: &Job<'_>, manifest: Option<&Manifest>, plan: &Plan) -> bool {
    let recorded = manifest.filter(|manifest| job.is_recorded_in(manifest));
    let holding = recorded.and_then(|manifest| manifest.holding().ok());
    let stayed = |holding: Holding| plan.spare_dirs.iter().all(|dir| holding.dirs.contains(dir));
    plan.leaves_files_alone() && holding.is_some_and(stayed)
}

/// What each released file is, where the site keeps that: a file whose x bit changes, or that becomes a
/// link, has to be sent although its content stays.
fn kinds(site: &Site, manifest: Option<&Manifest>) -> BTreeMap<RepoPath, FileKind> {
    match site.surface {
        Surface::Sftp => {
            let kinds = manifest.map(Manifest::kinds).unwrap_or_default();
            kinds
                .into_iter()
                .map(|(path, kind, _)| (path, kind))
                .collect()
        }
        Surface::Directory | Surface::Ftp | Surface::Svn | Surface::Store | Surface::Webdav => {
            BTreeMap::new()
        }
    }
}

/// Compares a site with the order's tree and touches nothing.
pub(in crate::release) fn comparison(
    job: &Job<'_>,
    site: &Site,
    connector: &dyn Connector,
) -> Result<Comparison, ReleaseError> {
    let mut pool = Pool::new(connector, job.setting.git_dir);
    let compared = compare::compare(job, site, &mut pool)?;
    adopt::compare(job, site, &mut pool, &compared.recovered.holding)
}
