//! Where a symbolic link leads, inside the tree of the commit itself.

use super::super::error::ReleaseError;
use super::super::names::link_fault;
use super::objects::{META_LIMIT, read, tree};
use super::walk::Store;
use crate::object::{TreeEntry, TreeEntryKind};
use crate::types::{Oid, RepoPath};
use git2::ObjectType;

/// How many links may lead on to others.
const HOPS: usize = 16;

/// What a link leads to: a file, a folder or a submodule, never another link.
pub(super) struct Found {
    /// Where it is in the whole tree.
    pub(super) path: RepoPath,
    pub(super) entry: TreeEntry,
}

/// Why a link leads nowhere that could be released.
pub(super) struct Lost(pub(super) &'static str);

/// Follows the link at `real` with this target, through other links, without leaving the store.
pub(super) fn follow(
    store: &Store<'_>,
    real: &RepoPath,
    target: &[u8],
) -> Result<Result<Found, Lost>, ReleaseError> {
    let mut at = inside(store, real);
    let mut target = target.to_vec();
    for _ in 0..HOPS {
        if let Some(why) = link_fault(&at, &target) {
            return Ok(Err(Lost(why)));
        }
        let aim = resolved(&at, &target);
        match step(store, &aim)? {
            Step::Nothing => return Ok(Err(Lost("leads to nothing in the tree"))),
            Step::Entry(entry) => {
                return Ok(Ok(Found {
                    path: store.at.join(&aim.join(&b'/')),
                    entry,
                }));
            }
            Step::Link { depth, blob } => {
                // What lies behind the link in the path goes on behind what it leads to.
                let (to, behind) = aim.split_at_checked(depth).unwrap_or((&aim, &[]));
                at = to.join(&b'/');
                target = read(store.odb, blob, ObjectType::Blob, META_LIMIT)?;
                for name in behind {
                    target.push(b'/');
                    target.extend_from_slice(name);
                }
            }
        }
    }
    Ok(Err(Lost("leads through too many links")))
}

/// A path, as its own store has it.
fn inside(store: &Store<'_>, real: &RepoPath) -> Vec<u8> {
    let rest = real.as_bytes().strip_prefix(store.at.as_bytes());
    let rest = rest.unwrap_or(real.as_bytes());
    rest.strip_prefix(b"/").unwrap_or(rest).to_vec()
}

/// The components that a sound target names, from the store's top.
fn resolved(at: &[u8], target: &[u8]) -> Vec<Vec<u8>> {
    let mut parts: Vec<Vec<u8>> = at.split(|byte| *byte == b'/').map(<[u8]>::to_vec).collect();
    parts.pop();
    for name in target.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            name => parts.push(name.to_vec()),
        }
    }
    parts
}

enum Step {
    Nothing,
    Entry(TreeEntry),
    /// The first `depth` components name a link.
    Link {
        depth: usize,
        blob: Oid,
    },
}

fn step(store: &Store<'_>, aim: &[Vec<u8>]) -> Result<Step, ReleaseError> {
    let mut at = store.root;
    let mut found = TreeEntry {
        kind: TreeEntryKind::Tree,
        name: Vec::new(),
        oid: at,
    };
    for (depth, name) in aim.iter().enumerate() {
        if found.kind != TreeEntryKind::Tree {
            return Ok(Step::Nothing);
        }
        let entries = tree(store.odb, at)?;
        let Some(entry) = entries.into_iter().find(|entry| entry.name == *name) else {
            return Ok(Step::Nothing);
        };
        if entry.kind == TreeEntryKind::Symlink {
            let (depth, blob) = (depth + 1, entry.oid);
            return Ok(Step::Link { depth, blob });
        }
        at = entry.oid;
        found = entry;
    }
    Ok(Step::Entry(found))
}
