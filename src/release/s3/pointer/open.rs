//! Which releases of a bucket are being made or taken away: noted on the server's own disk before
//! anything of it is changed. Whoever can write into the bucket cannot write there, so nothing in the
//! bucket says that a release may be removed.

use super::broken;
use crate::folder::replace_file;
use crate::release::desk::read_capped;
use crate::release::run::Job;
use crate::release::{Adoption, ReleaseError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

/// The file's name in the target's folder.
const FILE: &str = "open-releases.json";

/// What the first field says.
const SCHEMA: &str = "relhook/open-releases/v1";

/// The largest such file that is read, in bytes.
const LIMIT: u64 = 1024 * 1024;

/// As it is written down.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Noted {
    schema: String,
    place: String,
    numbers: BTreeSet<u64>,
}

/// The numbers of releases that are being made or taken away.
pub(super) struct Open {
    path: PathBuf,
    noted: Noted,
}

impl Open {
    /// What is noted for a place; nothing where the notes are about another one. Notes that cannot be
    /// read are an error, unless the caller takes the target over anyway.
    pub(super) fn read(job: &Job<'_>, place: &str) -> Result<Self, ReleaseError> {
        let path = job.desk.file(FILE);
        let none = Noted {
            schema: SCHEMA.to_owned(),
            place: place.to_owned(),
            numbers: BTreeSet::new(),
        };
        let bytes = read_capped(&path, LIMIT).map_err(ReleaseError::io(&path))?;
        let read = bytes.map(|bytes| serde_json::from_slice::<Noted>(&bytes));
        let noted = match (read, job.adoption) {
            (None, _) => none,
            (Some(Ok(noted)), _) if noted.schema == SCHEMA && noted.place == place => noted,
            (Some(Ok(noted)), _) if noted.schema == SCHEMA => none,
            (Some(_), Adoption::Adopt) => none,
            (Some(Ok(_)), Adoption::Refuse) => {
                return Err(broken(
                    &path.display().to_string(),
                    "it has another schema".into(),
                ));
            }
            (Some(Err(error)), Adoption::Refuse) => {
                return Err(broken(&path.display().to_string(), error.to_string()));
            }
        };
        Ok(Self { path, noted })
    }

    pub(super) fn numbers(&self) -> &BTreeSet<u64> {
        &self.noted.numbers
    }

    /// Notes that a release is going to be changed.
    pub(super) fn note(&mut self, number: u64) -> Result<(), ReleaseError> {
        match self.noted.numbers.insert(number) {
            true => self.write(),
            false => Ok(()),
        }
    }

    /// Notes that nothing more is going to be changed of it.
    pub(super) fn done(&mut self, number: u64) -> Result<(), ReleaseError> {
        match self.noted.numbers.remove(&number) {
            true => self.write(),
            false => Ok(()),
        }
    }

    fn write(&self) -> Result<(), ReleaseError> {
        serde_json::to_vec(&self.noted)
            .map_err(io::Error::from)
            .and_then(|bytes| replace_file(&self.path, &bytes))
            .map_err(ReleaseError::io(&self.path))
    }
}
