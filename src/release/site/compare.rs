//! What is on the site, before anything is changed.

use super::journal::{self, Parked, Recovered};
use super::pool::Pool;
use super::session::Session;
use super::{Site, may_follow};
use crate::release::names;
use crate::release::run::Job;
use crate::release::{
    Adoption, Held, Holding, MANIFEST_LIMIT, Manifest, OWN_PREFIX, Plan, ReleaseError, ancestors,
};
use crate::types::RepoPath;
use std::collections::BTreeSet;
use std::sync::Mutex;

/// What the site says and what a killed run left.
pub(super) struct Compared {
    /// The manifest, if there is one.
    pub(super) manifest: Option<Manifest>,
    /// What is ours.
    pub(super) recovered: Recovered,
}

/// What the plan will find.
pub(super) struct Ground {
    /// Directories that are not there yet, parents first.
    pub(super) new_dirs: Vec<RepoPath>,
}

/// Reads the manifest, and what a killed run left.
pub(super) fn compare(
    job: &Job<'_>,
    site: &Site,
    pool: &mut Pool<'_>,
) -> Result<Compared, ReleaseError> {
    let manifest = pool.first(|session| manifest(job, site, session))?;
    may_follow(job, &site.place, manifest.as_ref())?;
    let held = match &manifest {
        Some(manifest) => manifest.holding().map_err(|why| broken(site, why))?,
        None => Holding::default(),
    };
    let recovered = match journal::remains(job.desk, &site.place)? {
        Some(remains) if remains.continues(manifest.as_ref()) => {
            remains.recover(|parked| pool.first(|session| is_parked(session, parked)))?
        }
        Some(remains) => remains.only_temps(held),
        None => Recovered {
            holding: held,
            ..Recovered::default()
        },
    };
    let held = recovered
        .holding
        .files
        .keys()
        .chain(&recovered.holding.dirs);
    for path in held {
        if let Some(why) = names::fault(path.as_bytes(), site.surface) {
            return Err(broken(site, format!("the path `{path}` {why}")));
        }
    }
    Ok(Compared {
        manifest,
        recovered,
    })
}

fn broken(site: &Site, why: String) -> ReleaseError {
    ReleaseError::Manifest {
        place: site.place.clone(),
        why,
    }
}

/// The site's manifest. That there is none is believed only where the release's directory is
/// there and the site has no file of that name.
fn manifest(
    job: &Job<'_>,
    site: &Site,
    session: &mut dyn Session,
) -> Result<Option<Manifest>, ReleaseError> {
    if !session.is_dir(site.root())? {
        return Err(ReleaseError::Place {
            path: site.place.clone().into(),
            why: "the site has no such directory, or does not let this user in".into(),
        });
    }
    let name = site.manifest();
    if session.size(&name)?.is_none() {
        return Ok(None);
    }
    let bytes = session.get(&name, MANIFEST_LIMIT)?;
    match (Manifest::parse(&bytes), job.adoption) {
        (Ok(manifest), _) => Ok(Some(manifest)),
        (Err(_), Adoption::Adopt) => Ok(None),
        (Err(why), Adoption::Refuse) => Err(broken(site, why)),
    }
}

fn is_parked(session: &mut dyn Session, parked: &Parked) -> Result<bool, ReleaseError> {
    Ok(session.size(&parked.temp)? == Some(parked.content.size))
}

/// Removes the temporary files of killed runs that this run has no use for.
pub(super) fn sweep(
    site: &Site,
    pool: &mut Pool<'_>,
    compared: &Compared,
) -> Result<(), ReleaseError> {
    let parked = compared.recovered.parked.iter().map(|parked| &parked.temp);
    let names: Vec<&String> = compared.recovered.strays.iter().chain(parked).collect();
    remove_temps(site, pool, &names)
}

/// Removes temporary files, and only such: the names come from a file on disk.
pub(super) fn remove_temps(
    site: &Site,
    pool: &mut Pool<'_>,
    temps: &[&String],
) -> Result<(), ReleaseError> {
    let ours = |temp: &str| {
        let name = temp.rsplit('/').next().unwrap_or_default();
        temp.starts_with(&site.base) && name.starts_with(OWN_PREFIX) && name.ends_with(".tmp")
    };
    let temps: Vec<&String> = temps.iter().copied().filter(|temp| ours(temp)).collect();
    pool.each(&temps, &|session, _, temp, _| session.delete(temp))
}

/// Looks where the plan will step: which directories are missing, and whether files that are not
/// ours stand in the way.
pub(super) fn survey(
    job: &Job<'_>,
    site: &Site,
    pool: &mut Pool<'_>,
    compared: &Compared,
    plan: &Plan,
) -> Result<Ground, ReleaseError> {
    let new_dirs = pool.first(|session| missing(site, session, plan))?;
    let missing: BTreeSet<&RepoPath> = new_dirs.iter().collect();
    let held = &compared.recovered.holding.files;
    let mut foreign = pool.first(|session| foreign_contents(site, session, plan, held.keys()))?;
    if job.adoption == Adoption::Refuse {
        let unknown: Vec<&RepoPath> = plan
            .puts
            .iter()
            .map(|file| &file.path)
            .filter(|path| !held.contains_key(*path))
            .filter(|path| !ancestors(path).iter().any(|dir| missing.contains(dir)))
            .collect();
        foreign.extend(standing(site, pool, &unknown)?);
    }
    if foreign.is_empty() {
        Ok(Ground { new_dirs })
    } else {
        foreign.sort();
        Err(ReleaseError::Foreign {
            place: site.place.clone(),
            files: foreign,
        })
    }
}

/// The directories that the plan needs and that are not there, parents first.
fn missing(
    site: &Site,
    session: &mut dyn Session,
    plan: &Plan,
) -> Result<Vec<RepoPath>, ReleaseError> {
    let mut missing: Vec<RepoPath> = Vec::new();
    for dir in &plan.dirs {
        let below_missing = ancestors(dir)
            .last()
            .is_some_and(|parent| missing.contains(parent));
        if below_missing || !session.is_dir(&site.at(dir)?)? {
            missing.push(dir.clone());
        }
    }
    Ok(missing)
}

/// Those of `paths` that are there.
fn standing(
    site: &Site,
    pool: &mut Pool<'_>,
    paths: &[&RepoPath],
) -> Result<Vec<RepoPath>, ReleaseError> {
    let found = Mutex::new(BTreeSet::new());
    pool.each(paths, &|session, _, path, _| {
        if session.size(&site.at(path)?)?.is_some()
            && let Ok(mut found) = found.lock()
        {
            found.insert((*path).clone());
        }
        Ok(())
    })?;
    let found = found
        .into_inner()
        .map_err(|_| ReleaseError::Objects("a connection's thread died".into()))?;
    Ok(found.into_iter().collect())
}

/// What is not ours in directories that have to give way to a file.
fn foreign_contents<'a>(
    site: &Site,
    session: &mut dyn Session,
    plan: &Plan,
    held: impl Iterator<Item = &'a RepoPath> + Clone,
) -> Result<Vec<RepoPath>, ReleaseError> {
    let mut foreign = Vec::new();
    for dir in &plan.blocking_dirs {
        for entry in session.list(&site.at(dir)?)? {
            let path = dir.join(entry.name.as_bytes());
            let ours = held.clone().any(|own| *own == path)
                || plan.blocking_dirs.contains(&path)
                || entry.name.starts_with(OWN_PREFIX);
            if !ours {
                foreign.push(path);
            }
        }
    }
    Ok(foreign)
}

/// Contents of the files that stay as they are.
pub(super) fn kept(
    compared: &Compared,
) -> impl Iterator<Item = (&RepoPath, &crate::release::Content)> {
    let files = compared.recovered.holding.files.iter();
    files.filter_map(|(path, held)| match held {
        Held::Known(content) => Some((path, content)),
        Held::Uncertain => None,
    })
}
