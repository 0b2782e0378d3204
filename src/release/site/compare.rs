//! What is on the site, before anything is changed.

use super::Site;
use super::journal::{self, Beside, Recovered, Spot};
use super::known::Parts;
use super::pool::Pool;
use super::session::Session;
use super::transfer::died;
use super::verify;
use crate::release::error::shown_path;
use crate::release::names;
use crate::release::record;
use crate::release::run::Job;
use crate::release::{
    Adoption, Content, FileKind, Held, Holding, MANIFEST_LIMIT, Manifest, OWN_PREFIX, Plan, Record,
    ReleaseError, ancestors, by_depth, is_base,
};
use crate::types::{Oid, RepoPath};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// What the site says and what a killed run left.
pub(super) struct Compared {
    /// The manifest, if there is one; without its files, where only a part of them is looked at.
    pub(super) manifest: Option<Manifest>,
    /// The two parts that it has on the site, if it has.
    pub(super) parts: Option<Parts>,
    /// What is ours, or as much of it as is looked at.
    pub(super) recovered: Recovered,
    /// All directories that are ours.
    pub(super) dirs: BTreeSet<RepoPath>,
    /// What each file of ours is, where the site keeps that.
    pub(super) kinds: BTreeMap<RepoPath, FileKind>,
    /// How much of the site is looked at.
    pub(super) extent: Looked,
}

/// How much of a site is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Looked {
    /// All that the release has, or had.
    All,
    /// What differs between the last release and this one.
    Difference,
}

impl Compared {
    /// In what the site differs from what its manifest says.
    pub(super) fn beside(&self) -> Result<Beside, String> {
        let now = &self.recovered.holding;
        match (self.extent, &self.manifest) {
            (Looked::Difference, _) => Ok(Beside::uncertain(now)),
            (Looked::All, None) => Ok(Beside::between(&Holding::default(), now)),
            (Looked::All, Some(manifest)) => Ok(Beside::between(&manifest.holding()?, now)),
        }
    }
}

/// What the plan will find.
pub(super) struct Ground {
    /// Directories that are not there yet, parents first.
    pub(super) new_dirs: Vec<RepoPath>,
    /// Where on the site which content is that stays until the last file is sent, if the site
    /// copies files.
    pub(super) sources: BTreeMap<Oid, (RepoPath, Content)>,
}

/// Reads the manifest, and what a killed run left.
pub(super) fn compare(
    job: &Job<'_>,
    site: &Site,
    pool: &mut Pool<'_>,
) -> Result<Compared, ReleaseError> {
    let (manifest, parts) = pool.first(|session| manifest(job, site, session))?;
    record::may_follow(job, &site.place, manifest.as_ref())?;
    record::as_left(job, &site.place, manifest.as_ref())?;
    let held = match &manifest {
        Some(manifest) => manifest.holding().map_err(|why| broken(site, why))?,
        None => Holding::default(),
    };
    let mut recovered = match journal::remains(job.desk, &site.place)? {
        Some(remains) if remains.continues(manifest.as_ref()) => {
            let remains = remains.over(held);
            let there = there(site, pool, remains.doubts())?;
            remains.recover(&there)
        }
        Some(remains) => remains.only_temps(held),
        None => Recovered {
            holding: held,
            ..Recovered::default()
        },
    };
    if let Some(parts) = &parts {
        // A run that was killed notes the name before it knows whether its record names it.
        let live = site.beside(&parts.head.base.base_name());
        recovered.strays.retain(|stray| *stray != live);
    }
    for path in &recovered.leaving {
        if job.listing.files.contains_key(path) {
            let held = recovered.holding.files.get_mut(path);
            held.into_iter().for_each(|held| *held = Held::Uncertain);
        }
    }
    let held = recovered
        .holding
        .files
        .keys()
        .chain(&recovered.holding.dirs);
    for path in held {
        if let Some(why) = names::fault(path.as_bytes(), site.surface) {
            return Err(broken(
                site,
                format!("the path `{}` {why}", shown_path(path)),
            ));
        }
    }
    Ok(Compared {
        manifest,
        parts,
        dirs: recovered.holding.dirs.clone(),
        recovered,
        kinds: BTreeMap::new(),
        extent: Looked::All,
    })
}

fn broken(site: &Site, why: String) -> ReleaseError {
    ReleaseError::Manifest {
        place: site.place.clone(),
        why,
    }
}

/// The site's manifest, and the parts that it has. That there is none is believed only where the
/// release's directory is there and the site has no file of that name.
fn manifest(
    job: &Job<'_>,
    site: &Site,
    session: &mut dyn Session,
) -> Result<(Option<Manifest>, Option<Parts>), ReleaseError> {
    if !session.is_dir(site.root())? {
        return Err(ReleaseError::Place {
            path: site.place.clone().into(),
            why: "the site has no such directory, or does not let this user in".into(),
        });
    }
    let name = site.manifest();
    if session.size(name)?.is_none() {
        return Ok((None, None));
    }
    let bytes = session.get(name, MANIFEST_LIMIT)?;
    let head = match record::record(job, &site.place, &bytes)? {
        None => return Ok((None, None)),
        Some(Record::Whole(manifest)) => return Ok((Some(manifest), None)),
        Some(Record::Parts(head)) => head,
    };
    let read = super::record::base_at_hand(job, site, session, &head)?;
    let whole = read.and_then(|bytes| super::record::over(site, head, &bytes));
    match whole {
        Ok((manifest, parts)) => Ok((Some(manifest), Some(parts))),
        Err(_) if job.adoption == Adoption::Adopt => Ok((None, None)),
        Err(error) => Err(error),
    }
}

/// Those of the spots at which there is a file of that size.
fn there(
    site: &Site,
    pool: &mut Pool<'_>,
    doubts: Vec<(Spot, u64)>,
) -> Result<BTreeSet<Spot>, ReleaseError> {
    let name = |(spot, _): &(Spot, u64)| match spot {
        Spot::Temp(name) => Ok(name.clone()),
        Spot::Place(path) => site.at(path),
    };
    let names: Vec<String> = doubts.iter().map(name).collect::<Result<_, _>>()?;
    let sizes = pool.sizes(&names)?;
    let found = doubts.into_iter().zip(sizes);
    let found = found.filter(|((_, size), found)| *found == Some(*size));
    Ok(found.map(|((spot, _), _)| spot).collect())
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
        let own = name.starts_with(OWN_PREFIX) && name.ends_with(".tmp");
        temp.starts_with(&site.base) && (own || is_base(name))
    };
    let temps: Vec<&String> = temps.iter().copied().filter(|temp| ours(temp)).collect();
    let temps: Vec<String> = temps.into_iter().cloned().collect();
    pool.batches(&temps, &|session, temps| {
        session.deletes(temps, &mut |_, result| result)
    })
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
    let new_dirs = missing(site, pool, plan)?;
    let missing: BTreeSet<&RepoPath> = new_dirs.iter().collect();
    let held = &compared.recovered.holding.files;
    let mut foreign = pool.first(|session| foreign_contents(site, session, plan, held.keys()))?;
    foreign.extend(swapped(site, pool, plan)?);
    if job.adoption == Adoption::Refuse {
        let unknown: Vec<&RepoPath> = plan
            .arriving()
            .map(|file| &file.path)
            .filter(|path| !held.contains_key(*path))
            .filter(|path| !ancestors(path).iter().any(|dir| missing.contains(dir)))
            .collect();
        foreign.extend(standing(site, pool, &unknown)?);
    }
    if foreign.is_empty() {
        let sources = sources(pool, compared, plan)?;
        Ok(Ground { new_dirs, sources })
    } else {
        foreign.sort();
        Err(ReleaseError::Foreign {
            place: site.place.clone(),
            files: foreign,
        })
    }
}

/// What stands where the plan steps down to remove or to move something, and is no directory: a
/// link, which would lead the steps elsewhere. Where the protocol shows no links, none are found.
fn swapped(site: &Site, pool: &mut Pool<'_>, plan: &Plan) -> Result<Vec<RepoPath>, ReleaseError> {
    let moved = plan.moves.iter().map(|one| &one.from);
    let dirs: BTreeSet<RepoPath> = plan.removed().chain(moved).flat_map(ancestors).collect();
    let names = |dirs: &[RepoPath]| -> Result<Vec<String>, ReleaseError> {
        dirs.iter().map(|dir| site.at(dir)).collect()
    };
    let dirs: Vec<RepoPath> = dirs.into_iter().collect();
    let there = pool.are_dirs(&names(&dirs)?)?;
    let other = dirs.into_iter().zip(there);
    let other: Vec<RepoPath> = other.filter(|(_, is)| !is).map(|(dir, _)| dir).collect();
    let sizes = pool.sizes(&names(&other)?)?;
    let stands = other.into_iter().zip(sizes);
    Ok(stands
        .filter(|(_, size)| size.is_some())
        .map(|(dir, _)| dir)
        .collect())
}

/// The directories that the plan needs and that are not there, parents first.
fn missing(site: &Site, pool: &mut Pool<'_>, plan: &Plan) -> Result<Vec<RepoPath>, ReleaseError> {
    let mut missing: BTreeSet<RepoPath> = BTreeSet::new();
    for group in by_depth(&plan.dirs) {
        let (below, open): (Vec<&RepoPath>, Vec<&RepoPath>) = group.into_iter().partition(|dir| {
            ancestors(dir)
                .last()
                .is_some_and(|parent| missing.contains(parent))
        });
        let names: Vec<String> = open
            .iter()
            .map(|dir| site.at(dir))
            .collect::<Result<_, _>>()?;
        let there = pool.are_dirs(&names)?;
        let open = open.into_iter().zip(there);
        let open = open.filter(|(_, there)| !there).map(|(dir, _)| dir);
        missing.extend(below.into_iter().chain(open).cloned());
    }
    Ok(missing.into_iter().collect())
}

/// Those of `paths` that are there.
fn standing(
    site: &Site,
    pool: &mut Pool<'_>,
    paths: &[&RepoPath],
) -> Result<Vec<RepoPath>, ReleaseError> {
    let names: Vec<String> = paths
        .iter()
        .map(|path| site.at(path))
        .collect::<Result<_, _>>()?;
    let found = paths.iter().zip(pool.sizes(&names)?);
    Ok(found
        .filter(|(_, size)| size.is_some())
        .map(|(path, _)| (*path).clone())
        .collect())
}

/// What the site may copy instead of being sent it.
fn sources(
    pool: &Pool<'_>,
    compared: &Compared,
    plan: &Plan,
) -> Result<BTreeMap<Oid, (RepoPath, Content)>, ReleaseError> {
    if plan.puts.is_empty() || !pool.copies() {
        return Ok(BTreeMap::new());
    }
    let wanted: BTreeSet<Oid> = plan.puts.iter().map(|file| file.blob).collect();
    let changes: BTreeSet<&RepoPath> = plan.arriving().map(|file| &file.path).collect();
    let early: BTreeSet<&RepoPath> = plan
        .blocking_files
        .iter()
        .chain(&plan.blocking_contents)
        .collect();
    Ok(kept(compared)
        .filter(|(path, content)| {
            wanted.contains(&content.blob) && !changes.contains(path) && !early.contains(path)
        })
        .map(|(path, content)| (content.blob, (path.clone(), content.clone())))
        .collect())
}

/// Makes moves of what only changes its place, where the site has it as the record says: by size, and
/// by content as far as the site and the policy's `verify` let it be told. Where the site copies files
/// that is better: what still refers to the old place finds it there to the end.
pub(super) fn take_moves(
    job: &Job<'_>,
    site: &Site,
    pool: &mut Pool<'_>,
    compared: &Compared,
    plan: &mut Plan,
) -> Result<(), ReleaseError> {
    if pool.copies() {
        return Ok(());
    }
    plan.take_moves(&compared.recovered.holding);
    if plan.moves.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = plan
        .moves
        .iter()
        .map(|step| site.at(&step.from))
        .collect::<Result<_, _>>()?;
    let sizes = pool.sizes(&names)?;
    let steps = plan.moves.iter().zip(names).zip(sizes);
    // A link is read where it leads, so what it says cannot be told.
    let (whole, short): (Vec<_>, Vec<_>) = steps.partition(|((step, _), size)| {
        *size == Some(step.content.size) && step.file.kind != FileKind::Symlink
    });
    let short = short.into_iter().map(|((step, _), _)| step.from.clone());
    let unfit = Mutex::new(short.collect::<BTreeSet<RepoPath>>());
    let depth = job.order.target.care.verify;
    pool.each(&whole, &|session, _, ((step, name), _)| {
        if verify::other_content(session, depth, name, &step.content)? {
            unfit.lock().map_err(died)?.insert(step.from.clone());
        }
        Ok(())
    })?;
    let unfit = unfit.into_inner().map_err(died)?;
    plan.send_instead(&unfit);
    Ok(())
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
        let name = site.at(dir)?;
        // A killed run may have put the file there already.
        if !session.is_dir(&name)? {
            continue;
        }
        for entry in session.list(&name)? {
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
pub(super) fn kept(compared: &Compared) -> impl Iterator<Item = (&RepoPath, &Content)> {
    let files = compared.recovered.holding.files.iter();
    files.filter_map(|(path, held)| match held {
        Held::Known(content) => Some((path, content)),
        Held::Uncertain => None,
    })
}
