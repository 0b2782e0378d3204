//! The short way: a release to a site whose record is the one that the last release left, by a tree that
//! differs from that release's in little. Only what differs is looked at; the rest of both is known to be
//! the same.
//!
//! Whatever is otherwise than it is known to be, or not known well enough, ends the short way before
//! anything is touched, and the whole way is taken. The plan and its carrying out are the same on both.

use super::compare::{Compared, Looked};
use super::journal::{self, Recovered};
use super::known::{self, Known, Parts};
use super::pool::Pool;
use super::session::Connector;
use super::{Site, bring, verify};
use crate::policy::{OnDrift, Target};
use crate::release::desk::Desk;
use crate::release::manifest::places;
use crate::release::names::Surface;
use crate::release::run::{Begin, Job, Reached, place};
use crate::release::source::Footing;
use crate::release::{
    Adoption, Content, FileKind, Head, Held, Holding, Listing, Record, ReleaseError, ReleaseFile,
    Source, ancestors, plan, record,
};
use crate::types::{Oid, RepoPath, hex};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::thread;

/// How many files a difference may have, of both sides together.
const MOST: usize = 4_000;

/// How many files a release may have: the limit of a tree's entries is never near.
const MOST_FILES: usize = 200_000;

/// What differs between the last release and this one.
pub(in crate::release) struct Short {
    known: Known,
    /// What is new or other now.
    pub(in crate::release) listing: Listing,
    /// What stood at those paths, and at those that are gone.
    before: BTreeMap<RepoPath, ReleaseFile>,
    surface: Surface,
}

impl Short {
    /// What differs, where the short way may be taken at all: nobody saw a change by hand, no run was
    /// killed, and the policy asks for no look at all of the site first.
    pub(in crate::release) fn of(job: &Job<'_>, source: &Source, surface: Surface) -> Option<Self> {
        let target = &job.order.target;
        let footing = job.footing?;
        let looks_first = target.care.drift != OnDrift::Overwrite;
        let doubts = job.adoption == Adoption::Adopt || looks_first || !job.suspects.is_empty();
        if doubts || journal::is_left(job.desk) {
            return None;
        }
        let known = Known::of(job.desk, &place(&target.kind), footing);
        let known = known.filter(|known| known.files <= MOST_FILES)?;
        let trees = (known.tree, footing.tree);
        let rules = (job.order.commit, target, surface);
        // What was released may be no longer in the repository.
        let difference = source.difference(trees, rules, MOST).ok()??;
        Some(Self {
            known,
            listing: difference.now,
            before: difference.before,
            surface,
        })
    }

    /// What is known of what differs: as it was released. `dirs` are those of ours.
    fn holding(
        &self,
        source: &Source,
        (commit, target): (Oid, &Target),
        footing: &Footing,
        dirs: &BTreeSet<RepoPath>,
    ) -> Result<Holding, ReleaseError> {
        let now = &self.listing.files;
        let wanted: BTreeSet<Oid> = now.values().map(|file| file.blob).collect();
        let mut holding = Holding::default();
        for (path, file) in &self.before {
            // Only what stays or moves goes into the record again.
            let sha256 = match wanted.contains(&file.blob) {
                true => hex(&Sha256::digest(source.content(file)?)),
                false => String::new(),
            };
            let turned = now.get(path).is_some_and(|now| now.kind != file.kind);
            let held = match turned && self.surface == Surface::Sftp {
                true => Held::Uncertain,
                false => Held::Known(Content {
                    blob: file.blob,
                    size: file.size,
                    sha256,
                }),
            };
            holding.files.insert(path.clone(), held);
        }
        let needed: BTreeSet<RepoPath> = now.keys().flat_map(ancestors).collect();
        let gone = self.before.keys().filter(|path| !now.contains_key(*path));
        let left: BTreeSet<RepoPath> = gone.flat_map(ancestors).collect();
        let rules = (commit, target, self.surface);
        // Those that may have to go: they hold nothing any more, or a file is to be in their place.
        for dir in dirs {
            let at_file =
                now.contains_key(dir) || ancestors(dir).iter().any(|at| now.contains_key(at));
            let empty = left.contains(dir)
                && !needed.contains(dir)
                && !source.holds(dir, footing.tree, rules)?;
            if at_file || empty {
                holding.dirs.insert(dir.clone());
            }
        }
        Ok(holding)
    }

    /// What each file was.
    fn kinds(&self) -> BTreeMap<RepoPath, FileKind> {
        let kind = |(path, file): (&RepoPath, &ReleaseFile)| (path.clone(), file.kind);
        match self.surface {
            Surface::Sftp => self.before.iter().map(kind).collect(),
            Surface::Directory | Surface::Ftp | Surface::Svn | Surface::Store | Surface::Webdav => {
                BTreeMap::new()
            }
        }
    }

    /// The contents that are new or other now.
    fn blobs(&self) -> BTreeSet<Oid> {
        self.listing.files.values().map(|file| file.blob).collect()
    }

    /// Where the base of the record says that the site has one of the new contents, if that is at hand.
    fn in_base(&self, desk: &Desk) -> Option<Vec<RepoPath>> {
        let base = known::base_to_search(desk, &self.known.base)?;
        places(&base, &self.blobs()).ok()
    }

    /// Whether the site may have one of the new contents at a path that is not looked at, and copy it.
    fn may_copy(&self, in_base: Option<Vec<RepoPath>>, head: &Head) -> bool {
        let places = in_base.and_then(|in_base| head.places(in_base, &self.blobs()).ok());
        places.is_none_or(|places| places.iter().any(|path| !self.before.contains_key(path)))
    }
}

/// The head of the site's record, if it is the one that is known.
fn head(
    job: &Job<'_>,
    site: &Site,
    pool: &mut Pool<'_>,
    known: &Known,
) -> Result<Option<Box<Head>>, ReleaseError> {
    let name = site.manifest().to_owned();
    let names = [name.clone(), site.beside(&known.base.base_name())];
    let sizes = [Some(known.head.size), Some(known.base.size)];
    let bytes = pool.first(|session| match session.sizes(&names)? == sizes {
        true => session.get(&name, known.head.size).map(Some),
        false => Ok(None),
    })?;
    let Some(bytes) = bytes.filter(|bytes| known.head.is(bytes)) else {
        return Ok(None);
    };
    // The whole way tells what is wrong with any other.
    let head = match record::record(job, &site.place, &bytes) {
        Ok(Some(Record::Parts(head))) if head.base == known.base => head,
        Ok(_) | Err(_) => return Ok(None),
    };
    let Some(base) = names.last() else {
        return Ok(None);
    };
    // Its size is told already; its content as far as the site and the policy let it be.
    let (depth, print) = (job.order.target.care.verify, &known.base);
    let other =
        pool.first(|session| verify::is_other(session, depth, base, print.sha256(), print.size))?;
    Ok((!other).then_some(head))
}

/// Brings a site to the order's tree on the short way; `None` if that cannot be taken. Nothing was
/// touched then.
pub(in crate::release) fn release(
    job: &Job<'_>,
    short: &Short,
    site: &Site,
    connector: &dyn Connector,
    begin: &mut Begin<'_>,
) -> Result<Option<Reached>, ReleaseError> {
    let mut pool = Pool::new(connector, job.setting.git_dir);
    let (head, in_base) = thread::scope(|scope| {
        // To search what is at hand takes about as long as to ask the site.
        let desk = job.desk;
        let searching = pool.copies().then(|| scope.spawn(|| short.in_base(desk)));
        let head = head(job, site, &mut pool, &short.known);
        let in_base = searching.map(|searching| searching.join().ok().flatten());
        (head, in_base)
    });
    let Some(head) = head? else {
        return Ok(None);
    };
    let manifest = head.header();
    record::may_follow(job, &site.place, Some(&manifest))?;
    record::as_left(job, &site.place, Some(&manifest))?;
    let (Ok(dirs), Some(footing)) = (head.dirs(), job.footing) else {
        return Ok(None);
    };
    let source = Source::open(job.setting.git_dir)?;
    let wanted = (job.order.commit, &job.order.target);
    let holding = short.holding(&source, wanted, footing, &dirs)?;
    let mut plan = plan(job.listing, &holding);
    let rest = short.known.files.saturating_sub(short.before.len());
    plan.unchanged += rest as u64;
    if plan.is_empty() && job.of_same_release(&manifest) {
        job.progress.unchanged(plan.unchanged);
        return Ok(Some(Reached::Before));
    }
    if let Some(in_base) = in_base
        && !plan.puts.is_empty()
        && short.may_copy(in_base, &head)
    {
        return Ok(None);
    }
    let recovered = Recovered {
        holding,
        ..Recovered::default()
    };
    let compared = Compared {
        manifest: Some(manifest),
        parts: Some(Parts { head, base: None }),
        recovered,
        dirs,
        kinds: short.kinds(),
        extent: Looked::Difference,
    };
    bring(job, site, &mut pool, compared, plan, begin)?;
    Ok(Some(Reached::Now))
}

#[cfg(test)]
mod tests;
