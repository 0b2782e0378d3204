//! `export-ignore` and `export-subst` of the commit's own `.gitattributes`, where the policy says
//! that they count. No other file is asked: not `info/attributes`, not the machine's.

use super::super::error::ReleaseError;
use super::objects::{META_LIMIT, read, tree};
use crate::object::{TreeEntry, TreeEntryKind};
use crate::policy::{Export, Target};
use crate::types::{Oid, RepoPath};
use git2::{ObjectType, Odb};
use gix_attributes::search::{MetadataCollection, Outcome};
use gix_attributes::{Search, StateRef};
use gix_glob::pattern::Case;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The file's name.
const FILE: &[u8] = b".gitattributes";

/// The largest one, in bytes; git reads none that is larger than 100 MiB, and people write none
/// that is larger than this.
const LIMIT: u64 = 1024 * 1024;

/// The attributes that apply where the walk is.
pub(super) struct Attributes {
    export: Export,
    search: Search,
    names: MetadataCollection,
}

impl Attributes {
    /// Those of the folders above `from`, itself not included.
    pub(super) fn above(
        odb: &Odb<'_>,
        root: Oid,
        from: &str,
        target: &Target,
    ) -> Result<Self, ReleaseError> {
        let mut attributes = Self {
            export: target.contents.export,
            search: Search::default(),
            names: MetadataCollection::default(),
        };
        if !attributes.count() || from.is_empty() {
            return Ok(attributes);
        }
        let (mut at, mut oid) = (RepoPath::new(Vec::new()), root);
        for name in from.split('/') {
            let entries = tree(odb, oid)?;
            attributes.enter(odb, &at, &entries)?;
            let next = entries
                .iter()
                .find(|entry| entry.name == name.as_bytes() && entry.kind == TreeEntryKind::Tree);
            let Some(next) = next else { break };
            (at, oid) = (at.join(name.as_bytes()), next.oid);
        }
        Ok(attributes)
    }

    fn count(&self) -> bool {
        self.export.ignore || self.export.subst
    }

    /// Takes in the file of the folder `at`, if it has one; says whether it did.
    pub(super) fn enter(
        &mut self,
        odb: &Odb<'_>,
        at: &RepoPath,
        entries: &[TreeEntry],
    ) -> Result<bool, ReleaseError> {
        let file = entries.iter().find(|entry| {
            let file = matches!(entry.kind, TreeEntryKind::File | TreeEntryKind::Executable);
            file && entry.name == FILE
        });
        let Some(file) = file.filter(|_| self.count()) else {
            return Ok(false);
        };
        let path = at.join(FILE);
        if super::objects::size(odb, file.oid)? > LIMIT {
            return Err(ReleaseError::Objects(format!(
                "`{path}` is larger than {LIMIT} bytes"
            )));
        }
        let text = read(odb, file.oid, ObjectType::Blob, META_LIMIT)?;
        let source = Path::new(std::ffi::OsStr::from_bytes(path.as_bytes())).to_owned();
        let top = at.as_bytes().is_empty();
        self.search
            .add_patterns_buffer(&text, source, Some(Path::new("")), &mut self.names, top)
            .map_err(|error| ReleaseError::Objects(format!("`{path}`: {error}")))?;
        Ok(true)
    }

    /// Forgets the file that was taken in last.
    pub(super) fn leave(&mut self) {
        self.search.pop_pattern_list();
    }

    /// Whether the policy and the tree agree that a path stays out.
    pub(super) fn ignores(&self, path: &RepoPath, folder: bool) -> bool {
        self.export.ignore && self.has("export-ignore", path, folder)
    }

    /// Whether the policy and the tree agree that a file's keywords are replaced.
    pub(super) fn substitutes(&self, path: &RepoPath) -> bool {
        self.export.subst && self.has("export-subst", path, false)
    }

    fn has(&self, attribute: &str, path: &RepoPath, folder: bool) -> bool {
        let mut outcome = Outcome::default();
        outcome.initialize_with_selection(&self.names, [attribute]);
        let path = path.as_bytes().into();
        self.search.pattern_matching_relative_path(
            path,
            Case::Sensitive,
            Some(folder),
            &mut outcome,
        );
        outcome
            .iter_selected()
            .any(|found| found.assignment.state == StateRef::Set)
    }
}
