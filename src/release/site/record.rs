//! The record of a release: from when it is on the site, the release is done.
//!
//! That of a large release has two parts, of which most releases replace the small one alone: see
//! [`Head`]. A new base gets a name of its own and is there before the head that names it; the base before
//! is removed when that head is in its place.

use super::compare::{Compared, Looked, kept};
use super::journal::Line;
use super::known::{self, Known, Parts};
use super::pool::Pool;
use super::session::{Placing, Session};
use super::transfer::{Run, died};
use super::{Extent, Site};
use crate::policy::Verify;
use crate::release::run::Job;
use crate::release::{
    Content, FileKind, Head, MANIFEST_LIMIT, Manifest, Print, ReleaseError, SPLIT, SealFault,
};
use crate::types::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

/// A record as it is to be written.
struct Written {
    /// The file that names the release.
    bytes: Vec<u8>,
    /// The base that it names, if that is not on the site yet.
    new_base: Option<Vec<u8>>,
    /// The base that it names.
    base: Option<Print>,
    /// How many files it records.
    files: usize,
}

impl Run<'_> {
    /// Replaces the record.
    pub(super) fn write_manifest(
        &self,
        pool: &mut Pool<'_>,
        compared: &Compared,
        dirs: &BTreeSet<RepoPath>,
    ) -> Result<(), ReleaseError> {
        let written = self.written(pool, compared, dirs)?;
        let base = written.base.as_ref().map(Print::base_name);
        if let (Some(bytes), Some(base)) = (&written.new_base, &base) {
            let name = self.site.beside(base);
            self.journal.note(&Line::Temp(name.clone()))?;
            self.put(pool, bytes, &name)?;
        }
        let before = compared.parts.as_ref();
        let before = before.map(|parts| parts.head.base.base_name());
        let before = before.filter(|name| Some(name) != base.as_ref());
        let before = before.map(|name| self.site.beside(&name));
        if let Some(before) = &before {
            // Removed when nothing names it any more, by this run or by the next.
            self.journal.note(&Line::Temp(before.clone()))?;
        }
        let name = self.site.manifest();
        match pool.placing() {
            Placing::Direct => self.put(pool, &written.bytes, name)?,
            Placing::Aside => self.replace_manifest(pool, &written.bytes, name)?,
        }
        self.keep(&written);
        match before {
            Some(before) => pool.first(|session| session.delete(&before)),
            None => Ok(()),
        }
    }

    /// Keeps at hand what the next release need not read again.
    fn keep(&self, written: &Written) {
        let desk = self.job.desk;
        if let Some(bytes) = &written.new_base {
            known::keep_base(desk, bytes);
        }
        match (&written.base, self.job.footing) {
            (Some(base), Some(footing)) => {
                let (place, base) = (&self.site.place, base.clone());
                Known::new(place, &written.bytes, base, footing, written.files).keep(desk);
            }
            (None, _) | (_, None) => known::forget(desk),
        }
    }

    /// What is to be written.
    fn written(
        &self,
        pool: &mut Pool<'_>,
        compared: &Compared,
        dirs: &BTreeSet<RepoPath>,
    ) -> Result<Written, ReleaseError> {
        let contents = self.contents(compared)?;
        let job = self.job;
        let manifest = job.manifest_of(job.listing, &contents, dirs)?;
        let seal = |head: &Head| head.to_bytes(job.seal).map_err(ReleaseError::Objects);
        let head = match (compared.extent, &compared.parts) {
            (Looked::Difference, Some(parts)) => Some(parts.head.followed(&manifest, &self.gone())),
            (
                Looked::All,
                Some(Parts {
                    head,
                    base: Some(base),
                }),
            ) if manifest.count() >= SPLIT => {
                Some(Head::between(base, head.base.clone(), &manifest))
            }
            (Looked::All | Looked::Difference, _) => None,
        };
        let files = match compared.extent {
            Looked::All => manifest.count(),
            Looked::Difference => files(self.plan.unchanged, self.plan.arriving().count()),
        };
        if let Some(head) = head.as_ref().filter(|head| head.is_small(files)) {
            return Ok(Written {
                bytes: seal(head)?,
                new_base: None,
                base: Some(head.base.clone()),
                files,
            });
        }
        let manifest = match (compared.extent, head) {
            (Looked::All, _) | (Looked::Difference, None) => manifest,
            (Looked::Difference, Some(head)) => {
                let site = self.site;
                let bytes = pool.first(|session| base_at_hand(job, site, session, &head))??;
                over(site, Box::new(head), &bytes)?.0
            }
        };
        let whole = manifest.to_bytes(job.seal).map_err(ReleaseError::Objects)?;
        if manifest.count() < SPLIT || self.site.extent == Extent::Own {
            return Ok(Written {
                bytes: whole,
                new_base: None,
                base: None,
                files: manifest.count(),
            });
        }
        let base = Print::of(&whole);
        Ok(Written {
            bytes: seal(&Head::beside(base.clone(), &manifest))?,
            new_base: Some(whole),
            base: Some(base),
            files: manifest.count(),
        })
    }

    /// What is no longer wanted, of what was looked at.
    fn gone(&self) -> BTreeSet<RepoPath> {
        let moved = self.plan.moves.iter().map(|step| &step.from);
        self.plan.removed().chain(moved).cloned().collect()
    }

    /// What each file holds.
    fn contents(&self, compared: &Compared) -> Result<BTreeMap<RepoPath, Content>, ReleaseError> {
        let mut contents: BTreeMap<RepoPath, Content> = kept(compared)
            .map(|(path, content)| (path.clone(), content.clone()))
            .collect();
        for parked in self.arrived.lock().map_err(died)?.values() {
            contents.insert(parked.path.clone(), parked.content.clone());
        }
        for (at, content) in self.placed.lock().map_err(died)?.iter() {
            if let Some(file) = self.plan.puts.get(*at) {
                contents.insert(file.path.clone(), content.clone());
            }
        }
        for step in &self.plan.moves {
            contents.insert(step.file.path.clone(), step.content.clone());
        }
        Ok(contents)
    }

    /// Sends a part of the record to a name that nothing else has.
    fn put(&self, pool: &mut Pool<'_>, bytes: &[u8], name: &str) -> Result<(), ReleaseError> {
        pool.first(|session| {
            session.put(name, bytes, FileKind::File, &|_| {})?;
            self.whole(session.size(name)?, bytes)
        })
    }

    fn replace_manifest(
        &self,
        pool: &mut Pool<'_>,
        bytes: &[u8],
        name: &str,
    ) -> Result<(), ReleaseError> {
        let beside = RepoPath::new(b"manifest".to_vec());
        let mut tried: Vec<String> = Vec::new();
        pool.first(|session| {
            for temp in &tried {
                session.delete(temp)?;
            }
            let temp = self.temp(&beside)?;
            self.journal.note(&Line::Temp(temp.clone()))?;
            tried.push(temp.clone());
            session.put(&temp, bytes, FileKind::File, &|_| {})?;
            self.whole(session.size(&temp)?, bytes)?;
            session.rename(&temp, name)
        })
    }

    fn whole(&self, found: Option<u64>, bytes: &[u8]) -> Result<(), ReleaseError> {
        if found == Some(bytes.len() as u64) {
            return Ok(());
        }
        Err(ReleaseError::Manifest {
            place: self.site.place.clone(),
            why: "it arrived damaged".into(),
        })
    }
}

fn files(unchanged: u64, arriving: usize) -> usize {
    usize::try_from(unchanged)
        .unwrap_or(usize::MAX)
        .saturating_add(arriving)
}

/// Why the base that a head names is not as it was left; nothing if it is, as far as can be told without
/// reading it. The inner error is one of the record, which somebody who takes the site over may pass over.
fn fault(
    site: &Site,
    session: &mut dyn Session,
    head: &Head,
) -> Result<Option<ReleaseError>, ReleaseError> {
    let name = head.base.base_name();
    let path = site.beside(&name);
    let place = site.place.clone();
    Ok(match session.size(&path)? {
        None => Some(ReleaseError::Manifest {
            place,
            why: format!("its other file, `{name}`, is gone"),
        }),
        Some(size) if size != head.base.size || size > MANIFEST_LIMIT => Some(changed(site)),
        Some(_) => match session.digest(&path)? {
            Some(digest) if digest != head.base.sha256() => Some(changed(site)),
            Some(_) | None => None,
        },
    })
}

fn changed(site: &Site) -> ReleaseError {
    ReleaseError::Seal {
        place: site.place.clone(),
        fault: SealFault::Changed,
    }
}

/// The base that a head names, as the site has it.
pub(super) fn base(
    site: &Site,
    session: &mut dyn Session,
    head: &Head,
) -> Result<Result<Vec<u8>, ReleaseError>, ReleaseError> {
    if let Some(fault) = fault(site, session, head)? {
        return Ok(Err(fault));
    }
    let path = site.beside(&head.base.base_name());
    let bytes = session.get(&path, head.base.size)?;
    Ok(match head.base.is(&bytes) {
        true => Ok(bytes),
        false => Err(changed(site)),
    })
}

/// The same, from the server's own disk where it is there, and read only where the policy has all read.
pub(super) fn base_at_hand(
    job: &Job<'_>,
    site: &Site,
    session: &mut dyn Session,
    head: &Head,
) -> Result<Result<Vec<u8>, ReleaseError>, ReleaseError> {
    let kept = known::base(job.desk, &head.base);
    match (kept, job.order.target.care.verify) {
        (Some(bytes), Verify::Quick) => Ok(fault(site, session, head)?.map_or(Ok(bytes), Err)),
        (_, _) => {
            let read = base(site, session, head)?;
            if let Ok(bytes) = &read {
                known::keep_base(job.desk, bytes);
            }
            Ok(read)
        }
    }
}

/// The whole record of a head and its base.
pub(super) fn over(
    site: &Site,
    head: Box<Head>,
    bytes: &[u8],
) -> Result<(Manifest, Parts), ReleaseError> {
    let broken = |why: String| ReleaseError::Manifest {
        place: site.place.clone(),
        why,
    };
    // It is the file that a head of this server names by its hash.
    let body = bytes.split_inclusive(|byte| *byte == b'\n').next();
    let base = Manifest::parse(body.unwrap_or_default()).map_err(broken)?;
    let manifest = head.over(&base).map_err(broken)?;
    let base = Some(base);
    Ok((manifest, Parts { head, base }))
}
