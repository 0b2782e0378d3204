//! Comparing a site that relhook did not fill with what it is to hold, without touching it.

use super::Site;
use super::pool::{Objects, Pool};
use super::session::{EntryKind, Session};
use super::transfer::died;
use crate::release::run::Job;
use crate::release::{
    Comparison, Content, Holding, OWN_PREFIX, ReleaseError, ReleaseFile, ancestors,
};
use crate::types::{RepoPath, hex};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// What is in the directories of the release.
#[derive(Debug, Default)]
struct Found {
    /// Files, with their sizes where the site told them.
    files: BTreeMap<RepoPath, Option<u64>>,
    /// Directories that the release has too.
    dirs: Vec<RepoPath>,
    /// Everything else.
    others: Vec<RepoPath>,
}

/// How the site compares with what it is to hold. `held` is what relhook put there.
pub(super) fn compare(
    job: &Job<'_>,
    site: &Site,
    pool: &mut Pool<'_>,
    held: &Holding,
) -> Result<Comparison, ReleaseError> {
    let found = look(job, site, pool)?;
    let wanted = &job.listing.files;
    let mut comparison = Comparison::default();
    let mut candidates: Vec<&ReleaseFile> = Vec::new();
    for file in wanted.values() {
        match found.files.get(&file.path) {
            None => comparison.missing.push(file.path.clone()),
            Some(Some(size)) if *size != file.size => {
                comparison.different.push(file.path.clone());
            }
            Some(_) => candidates.push(file),
        }
    }
    let ours = |path: &RepoPath| wanted.contains_key(path) || held.files.contains_key(path);
    comparison.foreign = found
        .files
        .into_keys()
        .chain(found.others)
        .filter(|path| !ours(path))
        .collect();
    comparison.foreign.sort();
    let gone = held.files.keys().filter(|path| !wanted.contains_key(*path));
    comparison.surplus = gone.cloned().collect();
    let equal = Mutex::new(BTreeMap::new());
    let different = Mutex::new(Vec::new());
    pool.each(&candidates, &|session, source, file| {
        match same(session, source, &site.at(&file.path)?, file)? {
            Some(content) => drop(
                equal
                    .lock()
                    .map_err(died)?
                    .insert(file.path.clone(), content),
            ),
            None => different.lock().map_err(died)?.push(file.path.clone()),
        }
        Ok(())
    })?;
    comparison.equal = equal.into_inner().map_err(died)?;
    comparison
        .different
        .extend(different.into_inner().map_err(died)?);
    comparison.different.sort();
    Ok(comparison)
}

/// Everything in the directories that the release has.
fn look(job: &Job<'_>, site: &Site, pool: &mut Pool<'_>) -> Result<Found, ReleaseError> {
    let dirs: BTreeSet<RepoPath> = job.listing.files.keys().flat_map(ancestors).collect();
    let mut found = Found::default();
    let mut level = vec![RepoPath::new(Vec::new())];
    while !level.is_empty() {
        let next = Mutex::new(Found::default());
        pool.each(&level, &|session, _, dir| {
            let entries = look_into(session, site, dir, &dirs)?;
            let mut next = next.lock().map_err(died)?;
            next.files.extend(entries.files);
            next.dirs.extend(entries.dirs);
            next.others.extend(entries.others);
            Ok(())
        })?;
        let next = next.into_inner().map_err(died)?;
        found.files.extend(next.files);
        found.others.extend(next.others);
        level = next.dirs;
    }
    Ok(found)
}

/// What is in one directory.
fn look_into(
    session: &mut dyn Session,
    site: &Site,
    dir: &RepoPath,
    wanted: &BTreeSet<RepoPath>,
) -> Result<Found, ReleaseError> {
    let name = match dir.as_bytes().is_empty() {
        true => site.root().to_owned(),
        false => site.at(dir)?,
    };
    let mut found = Found::default();
    for entry in session.list(&name)? {
        if entry.name.starts_with(OWN_PREFIX) {
            continue;
        }
        let path = dir.join(entry.name.as_bytes());
        let kind = match entry.kind {
            // A file has a size, a directory has none.
            EntryKind::Untold if session.size(&site.at(&path)?)?.is_some() => EntryKind::File,
            EntryKind::Untold => EntryKind::Directory,
            kind @ (EntryKind::File | EntryKind::Directory | EntryKind::Other) => kind,
        };
        match kind {
            EntryKind::File => drop(found.files.insert(path, entry.size)),
            EntryKind::Directory if wanted.contains(&path) => found.dirs.push(path),
            EntryKind::Directory => {
                let whole = [path.as_bytes(), b"/"].concat();
                found.others.push(RepoPath::new(whole));
            }
            EntryKind::Other | EntryKind::Untold => found.others.push(path),
        }
    }
    Ok(found)
}

/// The content, if the site has the file with exactly that.
fn same(
    session: &mut dyn Session,
    source: &Objects,
    name: &str,
    file: &ReleaseFile,
) -> Result<Option<Content>, ReleaseError> {
    // A site that told no size is asked, so that nothing large is read in vain.
    if session.size(name)? != Some(file.size) {
        return Ok(None);
    }
    let wanted = source.content(file)?;
    let sha256 = hex(&Sha256::digest(&wanted));
    let same = match session.digest(name)? {
        Some(digest) => digest == sha256,
        None => session.get(name, file.size)? == wanted,
    };
    Ok(same.then_some(Content {
        blob: file.blob,
        size: file.size,
        sha256,
    }))
}
