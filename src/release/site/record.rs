//! The record of a release: from when it is on the site, the release is done.

use super::compare::{Compared, kept};
use super::journal::Line;
use super::pool::Pool;
use super::session::Placing;
use super::transfer::{Run, died};
use crate::release::{Content, FileKind, ReleaseError};
use crate::types::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

impl Run<'_> {
    /// Replaces the manifest.
    pub(super) fn write_manifest(
        &self,
        pool: &mut Pool<'_>,
        compared: &Compared,
        dirs: &BTreeSet<RepoPath>,
    ) -> Result<(), ReleaseError> {
        let bytes = self.manifest(compared, dirs)?;
        let name = self.site.manifest();
        match pool.placing() {
            Placing::Direct => pool.first(|session| {
                session.put(name, &bytes, FileKind::File, &|_| {})?;
                self.whole(session.size(name)?, &bytes)
            }),
            Placing::Aside => self.replace_manifest(pool, &bytes, name),
        }
    }

    fn manifest(
        &self,
        compared: &Compared,
        dirs: &BTreeSet<RepoPath>,
    ) -> Result<Vec<u8>, ReleaseError> {
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
        self.job.record(&contents, dirs)
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
