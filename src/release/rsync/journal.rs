//! What a run is going to touch, on relhook's own disk before it does.

use crate::folder::replace_file;
use crate::release::desk::read_capped;
use crate::release::manifest::PathText;
use crate::release::run::Job;
use crate::release::{MANIFEST_LIMIT, Manifest, ReleaseError};
use crate::types::{Oid, RepoPath, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

/// The file's name.
const FILE: &str = "rsync.journal";

/// What its first field says.
const SCHEMA: &str = "relhook/release-rsync-journal/v1";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Journal {
    schema: String,
    place: String,
    /// What the run was to bring.
    commit: Oid,
    /// Which release the manifest was of that the run began from.
    base: Option<(Oid, u64, Timestamp)>,
    /// Which release the manifest is of that travels with the files, if it does: it may be there before
    /// all of them are.
    #[serde(default)]
    along: Option<(Oid, u64, Timestamp)>,
    /// Every file that the run may change.
    files: Vec<PathText>,
    /// Files of which something may wait aside, and nothing is in its place.
    #[serde(default)]
    aside: Vec<PathText>,
    /// Every directory that is ours.
    dirs: Vec<PathText>,
}

/// What a killed run may have changed.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Files that are ours, with whatever content, or gone.
    pub(super) files: BTreeSet<RepoPath>,
    /// Files of which something may wait aside. What is in their places is not ours.
    pub(super) aside: BTreeSet<RepoPath>,
    /// Directories that are ours.
    pub(super) dirs: BTreeSet<RepoPath>,
    /// What the killed run was to bring.
    pub(super) commit: Option<Oid>,
}

/// What a run is going to touch.
pub(super) struct Touches<'a> {
    /// Files that it may change.
    pub(super) files: &'a BTreeSet<RepoPath>,
    /// Files that it brings aside and not yet into their places.
    pub(super) aside: &'a BTreeSet<RepoPath>,
    /// Directories that are ours meanwhile.
    pub(super) dirs: &'a BTreeSet<RepoPath>,
}

fn base(manifest: Option<&Manifest>) -> Option<(Oid, u64, Timestamp)> {
    manifest.map(|manifest| (manifest.commit, manifest.sequence, manifest.released))
}

fn path(job: &Job<'_>) -> PathBuf {
    job.desk.file(FILE)
}

/// Whether a run was killed, or has not ended well.
pub(super) fn is_left(job: &Job<'_>) -> bool {
    path(job).exists()
}

/// Writes down what is going to be touched, beside the manifest that is there and the one that travels
/// with the files.
pub(super) fn begin(
    job: &Job<'_>,
    place: &str,
    (manifest, along): (Option<&Manifest>, Option<&Manifest>),
    touches: &Touches<'_>,
) -> Result<(), ReleaseError> {
    let texts = |paths: &BTreeSet<RepoPath>| paths.iter().map(PathText::from).collect();
    let journal = Journal {
        schema: SCHEMA.to_owned(),
        place: place.to_owned(),
        commit: job.order.commit,
        base: base(manifest),
        along: base(along),
        files: texts(touches.files),
        aside: texts(touches.aside),
        dirs: texts(touches.dirs),
    };
    let path = path(job);
    serde_json::to_vec(&journal)
        .map_err(io::Error::from)
        .and_then(|bytes| replace_file(&path, &bytes))
        .map_err(ReleaseError::io(&path))
}

/// What a killed run left, if the directory still has the manifest that it began from, or the one that
/// travelled with its files: if not, it had ended, or something else was released since.
pub(super) fn left(
    job: &Job<'_>,
    place: &str,
    manifest: Option<&Manifest>,
) -> Result<Left, ReleaseError> {
    let path = path(job);
    let bytes = read_capped(&path, MANIFEST_LIMIT).map_err(ReleaseError::io(&path))?;
    let Some(bytes) = bytes else {
        return Ok(Left::default());
    };
    let broken = |why: String| ReleaseError::Manifest {
        place: path.display().to_string(),
        why,
    };
    let journal: Journal =
        serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))?;
    if journal.schema != SCHEMA {
        return Err(broken("it has another schema".into()));
    }
    let found = base(manifest);
    let went_along = found.is_some() && found == journal.along;
    if journal.place != place || (found != journal.base && !went_along) {
        return Ok(Left::default());
    }
    let read = |list: &[PathText]| list.iter().map(PathText::path).collect::<Result<_, _>>();
    Ok(Left {
        files: read(&journal.files).map_err(broken)?,
        aside: read(&journal.aside).map_err(broken)?,
        dirs: read(&journal.dirs).map_err(broken)?,
        commit: Some(journal.commit),
    })
}

/// The release is on the directory's record: the journal is over.
pub(super) fn forget(job: &Job<'_>) -> Result<(), ReleaseError> {
    job.desk.forget(FILE)
}
