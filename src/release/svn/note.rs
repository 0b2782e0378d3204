//! In which revision the last release was committed, on relhook's own disk: whoever may commit to the
//! folder can touch the manifest there too, and with it what the repository says of its revision.

use super::look::Standing;
use crate::folder::replace_file;
use crate::release::desk::{Desk, read_capped};
use crate::release::{Adoption, Manifest, ReleaseError};
use crate::types::Oid;
use serde::{Deserialize, Serialize};
use std::io;

/// The file's name.
const FILE: &str = "svn.json";

/// The largest that is read, in bytes.
const LIMIT: u64 = 64 * 1024;

/// What its first field says.
const SCHEMA: &str = "relhook/release-svn/v1";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    schema: String,
    place: String,
    commit: Oid,
    sequence: u64,
    revision: u64,
}

/// Writes down that a release is in `revision`.
pub(super) fn keep(
    desk: &Desk,
    place: &str,
    commit: Oid,
    sequence: u64,
    revision: u64,
) -> Result<(), ReleaseError> {
    let note = Note {
        schema: SCHEMA.to_owned(),
        place: place.to_owned(),
        commit,
        sequence,
        revision,
    };
    let path = desk.file(FILE);
    serde_json::to_vec(&note)
        .map_err(io::Error::from)
        .and_then(|bytes| replace_file(&path, &bytes))
        .map_err(ReleaseError::io(&path))
}

/// Corrects what the repository says of the manifest's revision by what is noted of its release.
pub(super) fn apply(
    desk: &Desk,
    place: &str,
    adoption: Adoption,
    manifest: Option<&Manifest>,
    standing: &mut Standing,
) -> Result<(), ReleaseError> {
    let path = desk.file(FILE);
    let bytes = read_capped(&path, LIMIT).map_err(ReleaseError::io(&path))?;
    let (Some(bytes), Some(manifest)) = (bytes, manifest) else {
        return Ok(());
    };
    let note = match serde_json::from_slice::<Note>(&bytes) {
        Ok(note) if note.schema == SCHEMA => note,
        Ok(_) | Err(_) if adoption == Adoption::Adopt => return Ok(()),
        Ok(_) => return Err(broken(&path, "it has another schema".into())),
        Err(error) => return Err(broken(&path, error.to_string())),
    };
    let of_it =
        note.place == place && (note.commit, note.sequence) == (manifest.commit, manifest.sequence);
    if of_it {
        standing.recorded = standing.recorded.map(|found| found.min(note.revision));
    }
    Ok(())
}

fn broken(path: &std::path::Path, why: String) -> ReleaseError {
    ReleaseError::Manifest {
        place: path.display().to_string(),
        why,
    }
}
