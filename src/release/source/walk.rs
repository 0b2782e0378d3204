//! The walk over the tree that gathers what is released, and every complaint at once.

use super::super::error::{Complaint, Fault, ReleaseError};
use super::super::names::{self, Surface};
use super::super::plan::{FileKind, Listing, Origin, ReleaseFile};
use super::attributes::Attributes;
use super::elsewhere::{self, Held};
use super::links::{Found, Lost};
use super::objects::{META_LIMIT, blob_id, read, tree};
use super::subst::{self, Keywords};
use super::{FILE_LIMIT, twins};
use crate::object::{TreeEntry, TreeEntryKind};
use crate::policy::{Names, Symlinks, Target};
use crate::types::{Oid, RepoPath};
use git2::{ObjectType, Odb};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// How many entries a tree may have in all.
const ENTRY_LIMIT: usize = 500_000;

/// How deep a tree may go.
const DEPTH_LIMIT: usize = 128;

/// How many complaints are kept.
const COMPLAINT_LIMIT: usize = 20;

/// What is walked, and by which rules.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    /// The repository's objects.
    pub(super) odb: &'a Odb<'a>,
    /// The accepted commit, its tree, and when its committer says that it was made.
    pub(super) commit: Oid,
    pub(super) root: Oid,
    pub(super) committed: i64,
    /// The tree of the folder that is released.
    pub(super) from: Oid,
    pub(super) submodules: &'a BTreeMap<RepoPath, Held<'a>>,
    pub(super) target: &'a Target,
    pub(super) surface: Surface,
}

/// A store that a part of the tree is in: the repository's own, or a submodule's.
#[derive(Clone)]
pub(super) struct Store<'a> {
    pub(super) odb: &'a Odb<'a>,
    /// Its uppermost tree, and where that is in the whole.
    pub(super) root: Oid,
    pub(super) at: RepoPath,
    /// The submodule's repository.
    repository: Option<Arc<Path>>,
}

impl<'a> Store<'a> {
    /// The repository's own.
    pub(super) fn own(odb: &'a Odb<'a>, root: Oid) -> Self {
        Self {
            odb,
            root,
            at: RepoPath::new(Vec::new()),
            repository: None,
        }
    }

    /// Where the content of its blobs is.
    fn origin(&self) -> Origin {
        match &self.repository {
            Some(repository) => Origin::Submodule(repository.clone()),
            None => Origin::Blob,
        }
    }
}

/// A path that is looked at.
#[derive(Clone)]
pub(super) struct Spot {
    /// Where it is to be on the target.
    path: RepoPath,
    /// Where it is in the tree, where links are not followed.
    real: RepoPath,
    /// How many folders lie above it.
    depth: usize,
}

impl Spot {
    /// An entry of it.
    pub(super) fn below(&self, name: &[u8]) -> Self {
        Self {
            path: self.path.join(name),
            real: self.real.join(name),
            depth: self.depth + 1,
        }
    }
}

pub(super) struct Walk<'a> {
    setting: Setting<'a>,
    attributes: Attributes,
    /// The folders of the tree, real ones, in which links are being followed.
    following: Vec<RepoPath>,
    entries: usize,
    listing: Listing,
    complaints: Vec<Complaint>,
    more: usize,
}

/// Everything that is released.
pub(super) fn listing(setting: Setting<'_>) -> Result<Listing, ReleaseError> {
    let store = Store::own(setting.odb, setting.root);
    let mut walk = Walk::new(setting)?;
    walk.tree(&store, setting.from, &Walk::top(setting.target))?;
    if setting.target.contents.names == Names::Portable {
        for (path, other) in twins::twins(walk.listing.files.keys()) {
            walk.complain(path, Fault::Twin(other));
        }
    }
    walk.done()
}

impl<'a> Walk<'a> {
    /// A walk that has not begun.
    pub(super) fn new(setting: Setting<'a>) -> Result<Self, ReleaseError> {
        let from = setting.target.from.clone().unwrap_or_default();
        Ok(Self {
            setting,
            attributes: Attributes::above(setting.odb, setting.root, &from, setting.target)?,
            following: Vec::new(),
            entries: 0,
            listing: Listing::default(),
            complaints: Vec::new(),
            more: 0,
        })
    }

    /// Where a walk begins.
    pub(super) fn top(target: &Target) -> Spot {
        let from = target.from.clone().unwrap_or_default();
        Spot {
            path: RepoPath::new(Vec::new()),
            real: RepoPath::new(from.into_bytes()),
            depth: 0,
        }
    }

    /// How many files it has found so far.
    pub(super) fn found(&self) -> usize {
        self.listing.files.len()
    }

    /// What it found.
    pub(super) fn done(self) -> Result<Listing, ReleaseError> {
        match self.complaints.is_empty() {
            true => Ok(self.listing),
            false => Err(ReleaseError::Unreleasable(self.complaints, self.more)),
        }
    }

    fn tree(&mut self, store: &Store<'a>, oid: Oid, spot: &Spot) -> Result<(), ReleaseError> {
        if spot.depth > DEPTH_LIMIT {
            return Err(ReleaseError::Objects(format!(
                "the tree is deeper than {DEPTH_LIMIT} folders"
            )));
        }
        let entries = tree(store.odb, oid)?;
        let own = store.repository.is_none();
        let entered = own && self.attributes.enter(store.odb, &spot.real, &entries)?;
        for entry in &entries {
            self.entries += 1;
            if self.entries > ENTRY_LIMIT {
                return Err(ReleaseError::Objects(format!(
                    "the tree has more than {ENTRY_LIMIT} entries"
                )));
            }
            let below = spot.below(&entry.name);
            if !self.left_out(&below, entry.kind, own) {
                self.entry(store, entry, below)?;
            }
        }
        if entered {
            self.attributes.leave();
        }
        Ok(())
    }

    /// Whether a path is not released: by its own place, or by the one that it is shown at.
    pub(super) fn left_out(&self, spot: &Spot, kind: TreeEntryKind, own: bool) -> bool {
        let target = self.setting.target;
        let shown = self.shown(&spot.path);
        let excluded = |path: &RepoPath| target.exclude.is_match(path.as_bytes());
        let folder = kind == TreeEntryKind::Tree || kind == TreeEntryKind::Submodule;
        let followed = self.follows(kind);
        let included = |path: &RepoPath| match &target.contents.include {
            Some(include) => include.is_match(path.as_bytes()),
            None => true,
        };
        names::is_gits_own(spot.path.as_bytes())
            || excluded(&shown)
            || excluded(&spot.real)
            // What folders and followed links hold is looked at one by one.
            || !(folder || followed || included(&shown))
            || (own && self.attributes.ignores(&spot.real, folder))
    }

    /// A released path, as the globs name it.
    fn shown(&self, path: &RepoPath) -> RepoPath {
        let from = self.setting.target.from.clone().unwrap_or_default();
        RepoPath::new(from.into_bytes()).join(path.as_bytes())
    }

    fn follows(&self, kind: TreeEntryKind) -> bool {
        kind == TreeEntryKind::Symlink
            && self.setting.target.contents.symlinks == Some(Symlinks::Follow)
    }

    pub(super) fn entry(
        &mut self,
        store: &Store<'a>,
        entry: &TreeEntry,
        spot: Spot,
    ) -> Result<(), ReleaseError> {
        let portable = self.setting.target.contents.names == Names::Portable;
        let bad = names::fault(spot.path.as_bytes(), self.setting.surface);
        if let Some(why) = bad.or_else(|| names::unportable(&entry.name).filter(|_| portable)) {
            self.complain(spot.path, Fault::Name(why));
            return Ok(());
        }
        match entry.kind {
            TreeEntryKind::Tree => self.tree(store, entry.oid, &spot),
            TreeEntryKind::Submodule => self.submodule(entry.oid, spot),
            TreeEntryKind::File => self.file(store, entry.oid, spot, FileKind::File),
            TreeEntryKind::Executable => self.file(store, entry.oid, spot, FileKind::Executable),
            TreeEntryKind::Symlink => self.symlink(store, entry.oid, spot),
        }
    }

    fn submodule(&mut self, commit: Oid, spot: Spot) -> Result<(), ReleaseError> {
        let submodules = self.setting.submodules;
        let Some(held) = submodules.get(&spot.real) else {
            self.complain(spot.path, Fault::Submodule);
            return Ok(());
        };
        let root = held.tree(&spot.real, commit)?;
        let store = Store {
            odb: &held.odb,
            root,
            at: spot.real.clone(),
            repository: Some(held.repository.clone()),
        };
        self.tree(&store, root, &spot)
    }

    fn file(
        &mut self,
        store: &Store<'a>,
        blob: Oid,
        spot: Spot,
        kind: FileKind,
    ) -> Result<(), ReleaseError> {
        let (size, small) = elsewhere::may_be_pointer(store.odb, blob)?;
        if size > FILE_LIMIT {
            self.complain(spot.path, Fault::TooLarge);
            return Ok(());
        }
        if small {
            let content = content(store.odb, blob)?;
            if elsewhere::is_pointer(&content) {
                self.pointer(blob, &content, spot, kind);
                return Ok(());
            }
        }
        if store.repository.is_none() && self.attributes.substitutes(&spot.real) {
            return self.substituted(store.odb, (blob, size), spot, kind);
        }
        let origin = store.origin();
        self.add(spot.path, kind, (blob, size), origin);
        Ok(())
    }

    fn pointer(&mut self, blob: Oid, content: &[u8], spot: Spot, kind: FileKind) {
        let store = self.setting.target.contents.lfs.as_deref();
        match elsewhere::lfs(store, content) {
            Ok((size, stored)) => self.add(spot.path, kind, (blob, size), Origin::Lfs(stored)),
            Err(why) => self.complain(spot.path, why),
        }
    }

    fn substituted(
        &mut self,
        odb: &Odb<'_>,
        (blob, size): (Oid, u64),
        spot: Spot,
        kind: FileKind,
    ) -> Result<(), ReleaseError> {
        if size > subst::LIMIT {
            self.complain(spot.path, Fault::Subst("is larger than 1 MiB"));
            return Ok(());
        }
        let keywords = Keywords {
            commit: self.setting.commit,
            tree: self.setting.root,
            committed: self.setting.committed,
        };
        match subst::expand(&content(odb, blob)?, &keywords) {
            Ok(None) => self.add(spot.path, kind, (blob, size), Origin::Blob),
            Ok(Some(made)) => {
                let content = (blob_id(&made)?, made.len() as u64);
                self.add(spot.path, kind, content, Origin::Made(made.into()));
            }
            Err(why) => self.complain(spot.path, Fault::Subst(why)),
        }
        Ok(())
    }

    fn symlink(&mut self, store: &Store<'a>, blob: Oid, spot: Spot) -> Result<(), ReleaseError> {
        let size = super::objects::size(store.odb, blob)?;
        if size > elsewhere::LFS_LIMIT * 4 {
            self.complain(spot.path, Fault::LeavingSymlink("has an overlong target"));
            return Ok(());
        }
        let holds = self.setting.surface.holds_links();
        match self.setting.target.contents.symlinks {
            Some(Symlinks::Follow) => self.follow(store, &content(store.odb, blob)?, spot),
            Some(Symlinks::Refuse) => {
                self.complain(spot.path, Fault::UnwantedSymlink);
                Ok(())
            }
            Some(Symlinks::Keep) | None if !holds => {
                self.complain(spot.path, Fault::Symlink);
                Ok(())
            }
            Some(Symlinks::Keep) | None => {
                let target = content(store.odb, blob)?;
                match names::link_fault(spot.path.as_bytes(), &target) {
                    Some(why) => self.complain(spot.path, Fault::LeavingSymlink(why)),
                    None => self.keep_link(store, (blob, size), spot),
                }
                Ok(())
            }
        }
    }

    fn keep_link(&mut self, store: &Store<'a>, content: (Oid, u64), spot: Spot) {
        let origin = store.origin();
        self.add(spot.path, FileKind::Symlink, content, origin);
    }

    /// Releases what a link leads to in its place.
    fn follow(&mut self, store: &Store<'a>, target: &[u8], spot: Spot) -> Result<(), ReleaseError> {
        let found = match super::links::follow(store, &spot.real, target)? {
            Ok(found) => found,
            Err(Lost(why)) => {
                self.complain(spot.path, Fault::LeavingSymlink(why));
                return Ok(());
            }
        };
        let Found { path, entry } = found;
        let real = Spot { real: path, ..spot };
        if self.hides(&real.real) {
            self.complain(
                real.path,
                Fault::LeavingSymlink("leads to what is not released"),
            );
            return Ok(());
        }
        if entry.kind != TreeEntryKind::Tree {
            // The link itself was let through for what it may lead to.
            let wanted = !self.left_out(&real, entry.kind, store.repository.is_none());
            return match wanted {
                true => self.entry(store, &entry, real),
                false => Ok(()),
            };
        }
        if self.following.iter().any(|one| within(one, &real.real)) || self.encloses(&real) {
            self.complain(real.path, Fault::LeavingSymlink("leads round in a circle"));
            return Ok(());
        }
        self.following.push(real.real.clone());
        let done = self.entry(store, &entry, real);
        self.following.pop();
        done
    }

    /// Whether a folder that a link leads to holds the link.
    fn encloses(&self, spot: &Spot) -> bool {
        within(&self.shown(&spot.path), &spot.real)
    }

    /// Whether a path, or a folder that it lies in, is left out where it really is.
    fn hides(&self, real: &RepoPath) -> bool {
        let out = |path: &RepoPath| {
            names::is_gits_own(path.as_bytes())
                || self.setting.target.exclude.is_match(path.as_bytes())
        };
        out(real) || super::super::plan::ancestors(real).iter().any(out)
    }

    fn add(&mut self, path: RepoPath, kind: FileKind, (blob, size): (Oid, u64), origin: Origin) {
        let file = ReleaseFile {
            path: path.clone(),
            kind,
            blob,
            size,
            origin,
        };
        self.listing.files.insert(path, file);
    }

    fn complain(&mut self, path: RepoPath, why: Fault) {
        if self.complaints.len() < COMPLAINT_LIMIT {
            self.complaints.push(Complaint { path, why });
        } else {
            self.more += 1;
        }
    }
}

/// Whether `path` is `folder` or lies in it.
fn within(path: &RepoPath, folder: &RepoPath) -> bool {
    let rest = path.as_bytes().strip_prefix(folder.as_bytes());
    folder.as_bytes().is_empty()
        || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// A small blob's content.
fn content(odb: &Odb<'_>, blob: Oid) -> Result<Vec<u8>, ReleaseError> {
    read(odb, blob, ObjectType::Blob, META_LIMIT)
}
