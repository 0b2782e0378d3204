//! What a target holds beside what it is to hold, found out without touching it.

use super::drift::{Seen, differs};
use super::run::Job;
use super::{Content, Holding, OWN_PREFIX, ReleaseError, Source, ancestors};
use crate::types::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

/// How a target compares with the accepted commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Files that are there with the right content, by hash or by reading them back.
    pub equal: BTreeMap<RepoPath, Content>,
    /// Files that are there with another content.
    pub different: Vec<RepoPath>,
    /// Files that are not there.
    pub missing: Vec<RepoPath>,
    /// Files of earlier releases that a release would remove.
    pub surplus: Vec<RepoPath>,
    /// What else is there: files and whole directories (with a `/` behind) that relhook did not put
    /// there and that a release leaves alone.
    pub foreign: Vec<RepoPath>,
}

impl Comparison {
    /// Whether the target holds exactly the commit's files, whatever else it has.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.different.is_empty() && self.missing.is_empty() && self.surplus.is_empty()
    }
}

/// How what was seen in the directories of the release compares with the order's tree. `held` is
/// what relhook put there.
///
/// # Errors
/// When a file of the commit cannot be read.
pub(in crate::release) fn against(
    job: &Job<'_>,
    seen: &BTreeMap<RepoPath, Seen>,
    held: &Holding,
) -> Result<Comparison, ReleaseError> {
    let wanted = &job.listing.files;
    let source = Source::open(job.setting.git_dir)?;
    let mut comparison = Comparison::default();
    for file in wanted.values() {
        let Some(seen) = seen.get(&file.path) else {
            comparison.missing.push(file.path.clone());
            continue;
        };
        let content = match seen {
            Seen::File { size, .. } if size.is_some_and(|size| size != file.size) => None,
            Seen::File { .. } | Seen::Link(_) | Seen::Directory | Seen::Other => {
                Some(Content::of(file, &source.content(file)?))
            }
        };
        match content.filter(|content| !differs(file.kind, content, seen)) {
            Some(content) => drop(comparison.equal.insert(file.path.clone(), content)),
            None => comparison.different.push(file.path.clone()),
        }
    }
    comparison.foreign = foreign(wanted.keys(), seen, held);
    let gone = held.files.keys().filter(|path| !wanted.contains_key(*path));
    comparison.surplus = gone.cloned().collect();
    Ok(comparison)
}

/// What is neither wanted nor relhook's: files, and of whole directories the outermost.
fn foreign<'a>(
    wanted: impl Iterator<Item = &'a RepoPath> + Clone,
    seen: &BTreeMap<RepoPath, Seen>,
    held: &'a Holding,
) -> Vec<RepoPath> {
    let known: BTreeSet<&RepoPath> = wanted.clone().chain(held.files.keys()).collect();
    let dirs: BTreeSet<RepoPath> = wanted
        .chain(held.files.keys())
        .flat_map(ancestors)
        .collect();
    let mut whole: BTreeSet<RepoPath> = BTreeSet::new();
    let mut found = Vec::new();
    for (path, seen) in seen {
        let name = path.as_bytes().rsplit(|byte| *byte == b'/').next();
        let own = name.is_some_and(|name| name.starts_with(OWN_PREFIX.as_bytes()));
        let below = ancestors(path).iter().any(|dir| whole.contains(dir));
        if own || below || known.contains(path) {
            continue;
        }
        match seen {
            Seen::Directory if dirs.contains(path) || held.dirs.contains(path) => {}
            Seen::Directory => {
                whole.insert(path.clone());
                found.push(RepoPath::new([path.as_bytes(), b"/"].concat()));
            }
            Seen::File { .. } | Seen::Link(_) | Seen::Other => found.push(path.clone()),
        }
    }
    found
}
