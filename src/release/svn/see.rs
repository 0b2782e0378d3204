//! What the folder holds in one revision: read out of the repository where it matters, and else as the
//! revisions since the release tell it. Nothing is committed.

use super::client::{Client, encoded};
use super::look::{self, Change, Standing};
use crate::policy::Verify;
use crate::release::dir::walk;
use crate::release::drift::{Compared, Expected, Look, Seen};
use crate::release::look::Sight;
use crate::release::run::Job;
use crate::release::{Comparison, Content, FileKind, Holding, ReleaseError, ancestors, comparison};
use crate::types::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

/// Up to how many files are read out one by one; beyond, it is the whole folder at once.
const SINGLY: usize = 32;

/// What is to be in the folder, and what is.
pub(super) fn look(
    sight: &Sight<'_>,
    client: &Client<'_>,
    standing: &Standing,
    expected: Expected,
) -> Result<(Expected, Look), ReleaseError> {
    let look = match sight.depth {
        Verify::Deep => {
            let entries = whole(client, standing.revision)?;
            let compared = Compared {
                hash: expected.files.len() as u64,
                ..Compared::default()
            };
            Look {
                entries,
                owned: expected.dirs.clone(),
                compared,
            }
        }
        Verify::Quick => quick(client, standing, &expected)?,
    };
    Ok((expected, look))
}

/// What no revision since the release has touched is as it was; the rest is read.
fn quick(
    client: &Client<'_>,
    standing: &Standing,
    expected: &Expected,
) -> Result<Look, ReleaseError> {
    let changes = look::changed_since(client, standing)?;
    let there = look::entries(client, standing)?;
    let touched: BTreeSet<&RepoPath> = changes
        .iter()
        .map(|change| match change {
            Change::Gone(path) | Change::Other(path) => path,
        })
        .collect();
    let is_touched = |path: &RepoPath| {
        touched.contains(path) || ancestors(path).iter().any(|dir| touched.contains(dir))
    };
    let unread = |path: &RepoPath| match expected.files.get(path) {
        Some((FileKind::Symlink, _)) => Seen::Link(None),
        Some((FileKind::File | FileKind::Executable, _)) | None => Seen::File {
            size: None,
            sha256: None,
            runs: None,
        },
    };
    let dirs = there.dirs.iter().cloned().map(|dir| (dir, Seen::Directory));
    let files = there.files.iter().map(|path| (path.clone(), unread(path)));
    let mut entries: BTreeMap<RepoPath, Seen> = dirs.chain(files).collect();
    let closer: BTreeSet<&RepoPath> = expected
        .files
        .keys()
        .filter(|path| is_touched(path) && there.files.contains(*path))
        .collect();
    entries.extend(read(client, standing.revision, &closer)?);
    Ok(Look {
        entries,
        owned: expected.dirs.clone(),
        compared: Compared {
            hash: closer.len() as u64,
            time: (expected.files.len() - closer.len()) as u64,
            size: 0,
        },
    })
}

/// How the folder compares with the order's tree.
pub(super) fn compare(
    job: &Job<'_>,
    client: &Client<'_>,
    standing: &Standing,
    held: &Holding,
) -> Result<Comparison, ReleaseError> {
    comparison::against(job, &whole(client, standing.revision)?, held)
}

/// Those of these files that do not hold their content in a revision.
pub(super) fn misfits(
    client: &Client<'_>,
    revision: u64,
    files: &BTreeMap<&RepoPath, &Content>,
) -> Result<Vec<RepoPath>, ReleaseError> {
    let found = read(client, revision, &files.keys().copied().collect())?;
    let holds = |path: &RepoPath, content: &Content| match found.get(path) {
        Some(Seen::File { sha256, .. } | Seen::Link(sha256)) => {
            sha256.as_ref() == Some(&content.sha256)
        }
        Some(Seen::Directory | Seen::Other) | None => false,
    };
    let wrong = files.iter().filter(|(path, content)| !holds(path, content));
    Ok(wrong.map(|(path, _)| (*path).clone()).collect())
}

/// What these files are in a revision, by their hashes.
fn read(
    client: &Client<'_>,
    revision: u64,
    paths: &BTreeSet<&RepoPath>,
) -> Result<BTreeMap<RepoPath, Seen>, ReleaseError> {
    if paths.len() > SINGLY {
        let mut all = whole(client, revision)?;
        all.retain(|path, _| paths.contains(path));
        return Ok(all);
    }
    let mut found = BTreeMap::new();
    for path in paths {
        let place = client.export(&format!("/{}", encoded(path)), revision)?;
        if let Some(seen) = walk::seen(&place)? {
            found.insert((*path).clone(), seen);
        }
        client.forget_export()?;
    }
    Ok(found)
}

/// Everything in the folder in a revision, each file by its hash.
fn whole(client: &Client<'_>, revision: u64) -> Result<BTreeMap<RepoPath, Seen>, ReleaseError> {
    let place = client.export("", revision)?;
    let look = walk::walk(&place)?;
    client.forget_export()?;
    Ok(look.entries)
}
