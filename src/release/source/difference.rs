//! What two trees are released as differently, found without reading what they share: a folder with the
//! same id holds the same.
//!
//! That is so only where a file is released, and as what, by its own path and content alone. Attributes,
//! followed links and content from elsewhere take more than that, and names that some places take for one
//! are found among all of them.

use super::super::error::ReleaseError;
use super::super::names::Surface;
use super::super::plan::{Listing, ReleaseFile};
use super::objects::tree;
use super::walk::{Setting, Spot, Store, Walk};
use super::{Source, objects};
use crate::object::{self, TreeEntry, TreeEntryKind};
use crate::policy::{Contents, Export, Names, Symlinks, Target};
use crate::types::{Oid, RepoPath, hex};
use git2::{ObjectType, Odb};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// What a listing was made of: the same footing gives the same listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::release) struct Footing {
    /// The folder's tree.
    pub(in crate::release) tree: Oid,
    /// The rules by which it is released, as a hash.
    pub(in crate::release) rules: String,
}

/// What differs between two listings.
#[derive(Debug, Default)]
pub(in crate::release) struct Difference {
    /// What is new or other in the later one.
    pub(in crate::release) now: Listing,
    /// What the earlier one has at those paths, and at those that the later one does not have.
    pub(in crate::release) before: BTreeMap<RepoPath, ReleaseFile>,
}

/// Raised when listings are made in another way: what an older relhook noted is not relied upon then.
const RULES: &str = "relhook/listing/v1";

impl Source {
    /// What the listing of `commit` is made of; `None` where more than the tree decides.
    pub(in crate::release) fn footing(
        &self,
        commit: Oid,
        target: &Target,
        surface: Surface,
    ) -> Result<Option<Footing>, ReleaseError> {
        let Target {
            from,
            exclude,
            contents:
                Contents {
                    include,
                    symlinks,
                    submodules,
                    lfs,
                    export,
                    names,
                },
            name: _,
            last: _,
            care: _,
            kind: _,
        } = target;
        let alone = submodules.is_empty()
            && lfs.is_none()
            && *export == Export::default()
            && *symlinks != Some(Symlinks::Follow)
            && *names != Names::Portable;
        if !alone {
            return Ok(None);
        }
        let rules = format!("{RULES} {from:?} {exclude:?} {include:?} {symlinks:?} {surface:?}");
        let odb = self.odb()?;
        let raw = objects::read(&odb, commit, ObjectType::Commit, objects::META_LIMIT)?;
        let parsed = object::Commit::parse(&raw).map_err(|error| objects::malformed(&error))?;
        Ok(Some(Footing {
            tree: objects::folder(&odb, parsed.tree, target.from.as_deref())?,
            rules: hex(&Sha256::digest(rules.as_bytes())),
        }))
    }

    /// How the listing of the folder `now` differs from that of the folder `then`, if it does in at most
    /// `most` files; `None` too where something in it cannot be released.
    pub(in crate::release) fn difference(
        &self,
        (then, now): (Oid, Oid),
        (commit, target, surface): (Oid, &Target, Surface),
        most: usize,
    ) -> Result<Option<Difference>, ReleaseError> {
        let odb = self.odb()?;
        let none = BTreeMap::new();
        let setting = |from| Setting {
            odb: &odb,
            commit,
            root: from,
            committed: 0,
            from,
            submodules: &none,
            target,
            surface,
        };
        let mut pair = Pair {
            store: Store::own(&odb, now),
            odb: &odb,
            then: Walk::new(setting(then))?,
            now: Walk::new(setting(now))?,
            most,
        };
        let inside = pair.folders(then, now, &Walk::top(target))?;
        let (then, now) = (pair.then.done(), pair.now.done());
        Ok(match (inside, then, now) {
            (true, Ok(before), Ok(now)) => Some(Difference {
                now,
                before: before.files,
            }),
            (_, _, _) => None,
        })
    }

    /// Whether anything of `dir` is released, of the folder `tree`.
    pub(in crate::release) fn holds(
        &self,
        dir: &RepoPath,
        tree: Oid,
        (commit, target, surface): (Oid, &Target, Surface),
    ) -> Result<bool, ReleaseError> {
        let odb = self.odb()?;
        let none = BTreeMap::new();
        let walk = Walk::new(Setting {
            odb: &odb,
            commit,
            root: tree,
            committed: 0,
            from: tree,
            submodules: &none,
            target,
            surface,
        })?;
        let mut spot = Walk::top(target);
        let mut at = tree;
        for name in dir.as_bytes().split(|byte| *byte == b'/') {
            let entries = self::tree(&odb, at)?;
            let named = |entry: &&TreeEntry| entry.name == name;
            let folder = entries.iter().find(named);
            match folder.filter(|entry| entry.kind == TreeEntryKind::Tree) {
                Some(entry) => at = entry.oid,
                None => return Ok(false),
            }
            spot = spot.below(name);
            if walk.left_out(&spot, TreeEntryKind::Tree, true) {
                return Ok(false);
            }
        }
        any(&odb, &walk, at, &spot)
    }
}

/// Whether any file of a folder is released.
fn any(odb: &Odb<'_>, walk: &Walk<'_>, at: Oid, spot: &Spot) -> Result<bool, ReleaseError> {
    let (folders, files): (Vec<_>, Vec<_>) = tree(odb, at)?
        .into_iter()
        .partition(|entry| entry.kind == TreeEntryKind::Tree);
    let released = |entry: &TreeEntry| !walk.left_out(&spot.below(&entry.name), entry.kind, true);
    if files.iter().any(released) {
        return Ok(true);
    }
    for folder in folders.iter().filter(|entry| released(entry)) {
        if any(odb, walk, folder.oid, &spot.below(&folder.name))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Two walks at once.
struct Pair<'a> {
    odb: &'a Odb<'a>,
    store: Store<'a>,
    then: Walk<'a>,
    now: Walk<'a>,
    most: usize,
}

impl Pair<'_> {
    /// Walks through what differs in a folder; false if that is too much.
    fn folders(&mut self, then: Oid, now: Oid, spot: &Spot) -> Result<bool, ReleaseError> {
        if then == now {
            return Ok(true);
        }
        let named = |entries: Vec<TreeEntry>| -> BTreeMap<Vec<u8>, TreeEntry> {
            let named = entries.into_iter().map(|entry| (entry.name.clone(), entry));
            named.collect()
        };
        let (then, now) = (named(tree(self.odb, then)?), named(tree(self.odb, now)?));
        let names: BTreeSet<&Vec<u8>> = then.keys().chain(now.keys()).collect();
        for name in names {
            let below = spot.below(name);
            match (then.get(name), now.get(name)) {
                (Some(then), Some(now)) if (then.kind, then.oid) == (now.kind, now.oid) => {}
                (Some(one), Some(other))
                    if one.kind == TreeEntryKind::Tree && other.kind == TreeEntryKind::Tree =>
                {
                    let out = self.now.left_out(&below, TreeEntryKind::Tree, true);
                    if !out && !self.folders(one.oid, other.oid, &below)? {
                        return Ok(false);
                    }
                }
                (then, now) => {
                    visit(&mut self.then, &self.store, then, &below)?;
                    visit(&mut self.now, &self.store, now, &below)?;
                }
            }
            if self.then.found() + self.now.found() > self.most {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// What a walk finds at one entry.
fn visit<'a>(
    walk: &mut Walk<'a>,
    store: &Store<'a>,
    entry: Option<&TreeEntry>,
    spot: &Spot,
) -> Result<(), ReleaseError> {
    match entry {
        Some(entry) if !walk.left_out(spot, entry.kind, true) => {
            walk.entry(store, entry, spot.clone())
        }
        Some(_) | None => Ok(()),
    }
}
