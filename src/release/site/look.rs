//! Looking at a site between releases: what the manifest names, and what else stands in the
//! directories that relhook made.
//!
//! Contents are compared by hash where the site computes one. Else by size, and by time: what is
//! not older than the manifest, which was written last and by the same clock, is read back and
//! compared, so that a time that means nothing raises no alarm. A deep look reads everything.

use super::journal;
use super::pool::Pool;
use super::session::{Connector, EntryKind, Session};
use super::transfer::died;
use super::verify;
use super::{Extent, Site};
use crate::policy::Verify;
use crate::release::drift::{Compared, Expected, Look, Seen};
use crate::release::look::Sight;
use crate::release::record;
use crate::release::{Content, MANIFEST_LIMIT, Manifest, Record, ReleaseError, ancestors};
use crate::types::{RepoPath, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// An entry of a directory, as far as the site tells.
struct Told {
    kind: EntryKind,
    size: Option<u64>,
    changed: Option<Timestamp>,
}

/// What is to be on the site, and what is.
pub(in crate::release) fn look(
    sight: &Sight<'_>,
    site: &Site,
    connector: &dyn Connector,
) -> Result<(Expected, Look), ReleaseError> {
    let mut pool = Pool::new(connector, sight.job.setting.git_dir);
    let manifest = pool.first(|session| manifest(sight, site, session))?;
    let mut expected = Expected::of(&manifest).map_err(|why| broken(site, why))?;
    forgive(sight, site, &manifest, &mut expected)?;
    let dirs: BTreeSet<RepoPath> = expected
        .files
        .keys()
        .flat_map(ancestors)
        .chain(expected.dirs.iter().cloned())
        .chain([RepoPath::new(Vec::new())])
        .collect();
    let owned = match site.extent {
        Extent::Shared => expected.dirs.clone(),
        Extent::Own => dirs.clone(),
    };
    let listed = list(site, &mut pool, dirs)?;
    let written = written(site, &mut pool, &listed)?;
    let mut look = Look {
        owned,
        ..Look::default()
    };
    let mut closer = Vec::new();
    for (path, told) in &listed {
        let wanted = expected
            .files
            .get(path)
            .and_then(|(_, content)| content.as_ref());
        let seen = match (told.kind, wanted) {
            (EntryKind::Directory, _) => Seen::Directory,
            (EntryKind::Other, _) => Seen::Other,
            (EntryKind::File | EntryKind::Untold, Some(content)) => {
                closer.push((path.clone(), content.clone(), told));
                continue;
            }
            (EntryKind::File | EntryKind::Untold, None) => file(told.size, None),
        };
        look.entries.insert(path.clone(), seen);
    }
    // Servers may leave names that begin with a dot out of their lists.
    let unlisted = Told {
        kind: EntryKind::Untold,
        size: None,
        changed: None,
    };
    for (path, (_, content)) in &expected.files {
        if let Some(content) = content.as_ref().filter(|_| !listed.contains_key(path))
            && is_hidden(path)
        {
            closer.push((path.clone(), content.clone(), &unlisted));
        }
    }
    read(sight.depth, site, &mut pool, &closer, written, &mut look)?;
    Ok((expected, look))
}

/// Whether a path, or a directory on its way, has a name that begins with a dot.
fn is_hidden(path: &RepoPath) -> bool {
    let mut names = path.as_bytes().split(|byte| *byte == b'/');
    names.any(|name| name.starts_with(b"."))
}

fn broken(site: &Site, why: String) -> ReleaseError {
    ReleaseError::Manifest {
        place: site.place.clone(),
        why,
    }
}

fn file(size: Option<u64>, sha256: Option<String>) -> Seen {
    Seen::File {
        size,
        sha256,
        runs: None,
    }
}

/// The site's manifest, which has to be that of the last release.
fn manifest(
    sight: &Sight<'_>,
    site: &Site,
    session: &mut dyn Session,
) -> Result<Manifest, ReleaseError> {
    let name = site.manifest();
    if session.size(name)?.is_none() {
        return Err(broken(site, "it is gone".into()));
    }
    let bytes = session.get(name, MANIFEST_LIMIT)?;
    let record = record::record(sight.job, &site.place, &bytes)?;
    let manifest = match record.ok_or_else(|| broken(site, "it is gone".into()))? {
        Record::Whole(manifest) => manifest,
        // What is at hand of it would not show what somebody did to it.
        Record::Parts(head) => {
            let bytes = super::record::base(site, session, &head)??;
            super::record::over(site, head, &bytes)?.0
        }
    };
    sight.of_last_release(&site.place, &manifest)?;
    Ok(manifest)
}

/// When the site says that the manifest was written.
fn written(
    site: &Site,
    pool: &mut Pool<'_>,
    listed: &BTreeMap<RepoPath, Told>,
) -> Result<Option<Timestamp>, ReleaseError> {
    let (folder, name) = site.manifest().rsplit_once('/').unwrap_or_default();
    if folder == site.base {
        let told = listed.get(&RepoPath::new(name.as_bytes().to_vec()));
        return Ok(told.and_then(|told| told.changed));
    }
    let beside = pool.first(|session| session.list(folder))?;
    let record = beside.into_iter().find(|entry| entry.name == name);
    Ok(record.and_then(|record| record.changed))
}

/// What a release that was interrupted had begun to change is nobody's drift.
fn forgive(
    sight: &Sight<'_>,
    site: &Site,
    manifest: &Manifest,
    expected: &mut Expected,
) -> Result<(), ReleaseError> {
    let Some(remains) = journal::remains(sight.job.desk, &site.place)? else {
        return Ok(());
    };
    if !remains.continues(Some(manifest)) {
        return Ok(());
    }
    for path in remains.touches() {
        match expected.files.get_mut(path) {
            Some((_, content)) => *content = None,
            None => drop(expected.passing.insert(path.clone())),
        }
    }
    let below = remains
        .temps()
        .filter_map(|name| name.strip_prefix(&site.base));
    let temps = below.filter_map(|name| name.strip_prefix('/'));
    expected
        .passing
        .extend(temps.map(|name| RepoPath::new(name.as_bytes().to_vec())));
    Ok(())
}

/// Everything in these directories, by path.
fn list(
    site: &Site,
    pool: &mut Pool<'_>,
    dirs: BTreeSet<RepoPath>,
) -> Result<BTreeMap<RepoPath, Told>, ReleaseError> {
    let found = Mutex::new(BTreeMap::new());
    let dirs: Vec<RepoPath> = dirs.into_iter().collect();
    pool.each(&dirs, &|session, _, dir| {
        let name = match dir.as_bytes().is_empty() {
            true => site.root().to_owned(),
            false => site.at(dir)?,
        };
        let entries = session.list(&name)?;
        let mut found = found.lock().map_err(died)?;
        for entry in entries {
            let told = Told {
                kind: entry.kind,
                size: entry.size,
                changed: entry.changed,
            };
            found.insert(dir.join(entry.name.as_bytes()), told);
        }
        Ok(())
    })?;
    found.into_inner().map_err(died)
}

/// Compares contents as closely as the site and the depth let it.
fn read(
    depth: Verify,
    site: &Site,
    pool: &mut Pool<'_>,
    files: &[(RepoPath, Content, &Told)],
    written: Option<Timestamp>,
    look: &mut Look,
) -> Result<(), ReleaseError> {
    let found = Mutex::new((BTreeMap::new(), Compared::default()));
    pool.each(files, &|session, _, (path, content, told)| {
        let name = site.at(path)?;
        let (seen, how) = content_of(session, depth, &name, content, told, written)?;
        let mut found = found.lock().map_err(died)?;
        if let Some(seen) = seen {
            found.0.insert(path.clone(), seen);
        }
        match how {
            How::Hash => found.1.hash += 1,
            How::Time => found.1.time += 1,
            How::Size => found.1.size += 1,
        }
        Ok(())
    })?;
    let (seen, compared) = found.into_inner().map_err(died)?;
    look.entries.extend(seen);
    look.compared = compared;
    Ok(())
}

/// How a content was compared.
enum How {
    Hash,
    Time,
    Size,
}

/// One file's content; nothing if it is gone.
fn content_of(
    session: &mut dyn Session,
    depth: Verify,
    name: &str,
    wanted: &Content,
    told: &Told,
    written: Option<Timestamp>,
) -> Result<(Option<Seen>, How), ReleaseError> {
    let size = match told.size {
        Some(size) => Some(size),
        None => session.size(name)?,
    };
    let Some(size) = size else {
        let directory = matches!(told.kind, EntryKind::Untold) && session.is_dir(name)?;
        return Ok((directory.then_some(Seen::Directory), How::Size));
    };
    if size != wanted.size {
        return Ok((Some(file(Some(size), None)), How::Size));
    }
    if depth == Verify::Quick
        && let Some(sha256) = session.digest(name)?
    {
        return Ok((Some(file(Some(size), Some(sha256))), How::Hash));
    }
    let older = match (told.changed, written) {
        (Some(changed), Some(written)) => Some(changed < written),
        (_, _) => None,
    };
    match (depth, older) {
        (Verify::Quick, Some(true)) => Ok((Some(file(Some(size), None)), How::Time)),
        (Verify::Quick, None) => Ok((Some(file(Some(size), None)), How::Size)),
        (Verify::Quick, Some(false)) | (Verify::Deep, _) => {
            let sha256 = verify::read_back(session, name, wanted.size)?;
            Ok((Some(file(Some(size), Some(sha256))), How::Hash))
        }
    }
}
