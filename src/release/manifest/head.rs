//! The record of a large release in two files: a whole manifest, and a small head that says what has
//! changed since.
//!
//! ```text
//! .relhook-manifest.json                  the head: names the base by its hash
//! .relhook-base-<16 digits>.json          the base: a manifest as a small release has it
//! ```
//!
//! The base is never changed: its name is made of its content. A release writes a new head, and now and
//! then a new base.

use super::{Entry, Header, Manifest, PathText, Seal, shown_fault, shown_reply};
use crate::release::names::OWN_PREFIX;
use crate::types::{Oid, RepoPath, Timestamp, hex};
use memchr::memmem;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// From how many files on a record has two parts.
pub const SPLIT: usize = 256;

/// What the first field says.
const SCHEMA: &str = "relhook/manifest/v3";

/// How the body of a head begins.
const BEGINS: &[u8] = br#"{"schema":"relhook/manifest/v3","#;

/// How the name of a base begins.
const BASE: &str = "base-";

/// How many digits of its hash the name of a base has.
const DIGITS: usize = 16;

/// How many changes a head holds at least before the base is written anew.
const CHANGES: usize = 256;

/// A head holds at most one change for so many files.
const SHARE: usize = 32;

/// What tells a file's content from any other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Print {
    /// The SHA-256 of all of the file, in lower-case hexadecimal digits.
    sha256: String,
    /// Its size in bytes.
    pub size: u64,
}

impl Print {
    /// That of a file with these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            sha256: hex(&Sha256::digest(bytes)),
            size: bytes.len() as u64,
        }
    }

    /// The SHA-256, in lower-case hexadecimal digits.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The name of the base with this content.
    #[must_use]
    pub fn base_name(&self) -> String {
        let digits = self.sha256.get(..DIGITS).unwrap_or_default();
        format!("{OWN_PREFIX}{BASE}{digits}.json")
    }

    /// Whether `bytes` are that content.
    #[must_use]
    pub fn is(&self, bytes: &[u8]) -> bool {
        *self == Self::of(bytes)
    }

    fn is_sound(&self) -> bool {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        self.sha256.len() == 64 && self.sha256.bytes().all(digit)
    }
}

/// Whether a name is one that a base may have.
#[must_use]
pub fn is_base(name: &str) -> bool {
    let digits = name
        .strip_prefix(OWN_PREFIX)
        .and_then(|name| name.strip_prefix(BASE))
        .and_then(|name| name.strip_suffix(".json"));
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    digits.is_some_and(|digits| digits.len() == DIGITS && digits.bytes().all(digit))
}

/// What a target holds, as what has changed since its base was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    schema: String,
    repository: String,
    #[serde(rename = "ref")]
    refname: String,
    commit: Oid,
    sequence: u64,
    released: Timestamp,
    tool: String,
    /// The other file.
    pub base: Print,
    /// Files that the base has otherwise or not at all.
    files: Vec<Entry>,
    /// Files of the base that are not there any more. It may not have had one of them.
    gone: Vec<PathText>,
    /// All directories that relhook made.
    dirs: Vec<PathText>,
}

/// A record, in whichever form it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A manifest.
    Whole(Manifest),
    /// The head of one in two files.
    Parts(Box<Head>),
}

impl Record {
    /// Reads the body of a record, whoever wrote it.
    ///
    /// # Errors
    /// A sentence, when it is not one that relhook writes.
    pub(super) fn parse(body: &[u8]) -> Result<Self, String> {
        match body.starts_with(BEGINS) {
            true => Head::parse(body).map(Box::new).map(Self::Parts),
            false => Manifest::parse(body).map(Self::Whole),
        }
    }

    /// The repository that it claims to belong to.
    pub(super) fn repository(self) -> String {
        match self {
            Self::Whole(manifest) => manifest.repository,
            Self::Parts(head) => head.repository,
        }
    }
}

impl Head {
    /// What `whole` says, beside its base.
    #[must_use]
    pub fn between(base: &Manifest, named: Print, whole: &Manifest) -> Self {
        let key = |entry: &Entry| entry.path.path().ok();
        let before: BTreeMap<_, &Entry> = base.files.iter().map(|one| (key(one), one)).collect();
        let now: BTreeSet<_> = whole.files.iter().map(key).collect();
        let other = |entry: &&Entry| before.get(&key(entry)) != Some(entry);
        let gone = base.files.iter().filter(|one| !now.contains(&key(one)));
        Self {
            files: whole.files.iter().filter(other).cloned().collect(),
            gone: gone.map(|one| one.path.clone()).collect(),
            ..Self::beside(named, whole)
        }
    }

    /// The head of a record whose base says all but the directories.
    #[must_use]
    pub fn beside(base: Print, whole: &Manifest) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            repository: whole.repository.clone(),
            refname: whole.refname.clone(),
            commit: whole.commit,
            sequence: whole.sequence,
            released: whole.released,
            tool: whole.tool.clone(),
            base,
            files: Vec::new(),
            gone: Vec::new(),
            dirs: whole.dirs.clone(),
        }
    }

    /// The head after a release of `changed` files, which says of those what they are now, and of all
    /// directories of ours.
    #[must_use]
    pub fn followed(&self, changed: &Manifest, gone: &BTreeSet<RepoPath>) -> Self {
        let keyed = |entry: &Entry| Some((entry.path.path().ok()?, entry.clone()));
        let mut files: BTreeMap<RepoPath, Entry> = self.files.iter().filter_map(keyed).collect();
        let mut left: BTreeSet<RepoPath> = paths(&self.gone).filter_map(Result::ok).collect();
        for (path, entry) in changed.files.iter().filter_map(keyed) {
            left.remove(&path);
            files.insert(path, entry);
        }
        for path in gone {
            files.remove(path);
            left.insert(path.clone());
        }
        Self {
            files: files.into_values().collect(),
            gone: left.iter().map(PathText::from).collect(),
            ..Self::beside(self.base.clone(), changed)
        }
    }

    /// Whether it is still small beside a release of so many files: if not, a new base is due.
    #[must_use]
    pub fn is_small(&self, files: usize) -> bool {
        self.files.len() + self.gone.len() <= CHANGES.max(files / SHARE)
    }

    /// The whole record.
    ///
    /// # Errors
    /// A sentence, when both together are none that relhook writes.
    pub fn over(&self, base: &Manifest) -> Result<Manifest, String> {
        let mut files = BTreeMap::new();
        for entry in &base.files {
            files.insert(entry.path.path()?, entry.clone());
        }
        for path in paths(&self.gone) {
            files.remove(&path?);
        }
        for entry in &self.files {
            files.insert(entry.path.path()?, entry.clone());
        }
        let whole = Manifest {
            files: files.into_values().collect(),
            ..self.header()
        };
        whole.holding().map(|_| whole)
    }

    /// What it says of the release, with its directories and without any file.
    #[must_use]
    pub fn header(&self) -> Manifest {
        let header = Header {
            repository: self.repository.clone(),
            refname: self.refname.clone(),
            commit: self.commit,
            sequence: self.sequence,
            released: self.released,
        };
        Manifest {
            dirs: self.dirs.clone(),
            tool: self.tool.clone(),
            ..Manifest::empty(header)
        }
    }

    /// The directories that relhook made.
    ///
    /// # Errors
    /// When a path is none that relhook writes.
    pub fn dirs(&self) -> Result<BTreeSet<RepoPath>, String> {
        paths(&self.dirs).collect()
    }

    /// Where the target has one of these blobs, in the order of no matter what; `of_base` is where the base says that
    /// they are.
    ///
    /// # Errors
    /// A sentence, when a part that was read is none that relhook writes.
    pub fn places(
        &self,
        of_base: Vec<RepoPath>,
        blobs: &BTreeSet<Oid>,
    ) -> Result<Vec<RepoPath>, String> {
        let own = self.files.iter().map(|entry| entry.path.path());
        let mut told: BTreeSet<RepoPath> = own.collect::<Result<_, _>>()?;
        for path in paths(&self.gone) {
            told.insert(path?);
        }
        let own = self
            .files
            .iter()
            .filter(|entry| blobs.contains(&entry.blob));
        let mut places: Vec<RepoPath> = own
            .map(|entry| entry.path.path())
            .collect::<Result<_, _>>()?;
        let others = of_base.into_iter();
        places.extend(others.filter(|path| !told.contains(path)));
        Ok(places)
    }

    /// As it is written: a line of JSON, and a line with its signature.
    ///
    /// # Errors
    /// When it does not fit JSON, which none of ours does.
    pub fn to_bytes(&self, seal: &Seal) -> Result<Vec<u8>, String> {
        let mut bytes = serde_json::to_vec(self).map_err(|error| error.to_string())?;
        bytes.push(b'\n');
        seal.sealed(&bytes)
    }

    fn parse(body: &[u8]) -> Result<Self, String> {
        let head: Self = serde_json::from_slice(body).map_err(|error| shown_fault(&error))?;
        if head.schema != SCHEMA {
            let shown = shown_reply(head.schema.as_bytes());
            return Err(format!("its schema is `{shown}`, not `{SCHEMA}`"));
        }
        if !head.base.is_sound() {
            return Err("the `sha256` of its base is not 64 hexadecimal digits".into());
        }
        // What it says by itself is checked as a manifest is; both together are when they are read.
        let alone = Manifest {
            files: head.files.clone(),
            ..head.header()
        };
        alone.holding()?;
        paths(&head.gone).try_for_each(|path| path.map(drop))?;
        Ok(head)
    }
}

/// Where a base, of which these are the bytes, says that one of these blobs is. It is searched and not read.
///
/// # Errors
/// A sentence, when a part that was read is none that relhook writes.
pub fn places(base: &[u8], blobs: &BTreeSet<Oid>) -> Result<Vec<RepoPath>, String> {
    naming(base, blobs)
        .map(|entry| entry?.path.path())
        .collect()
}

/// The entries of a record that have one of these blobs. Within a path quotes are escaped, so what is searched for
/// stands for what it says.
fn naming(record: &[u8], blobs: &BTreeSet<Oid>) -> impl Iterator<Item = Result<Entry, String>> {
    const BLOB: &[u8] = b"\"blob\":\"";
    const BEGIN: &[u8] = b"{\"path\":";
    // In the order of their texts as well.
    let texts: Vec<String> = blobs.iter().map(Oid::to_string).collect();
    let begin = memmem::FinderRev::new(BEGIN);
    let is_wanted = move |at: &usize| {
        let value = record.get(at + BLOB.len()..).unwrap_or_default();
        let value = value.split(|byte| *byte == b'"').next().unwrap_or_default();
        texts
            .binary_search_by(|text| text.as_bytes().cmp(value))
            .is_ok()
    };
    memmem::find_iter(record, BLOB)
        .filter(is_wanted)
        .map(move |at| {
            let entry = record.get(..at).and_then(|before| begin.rfind(before));
            let entry = entry.and_then(|entry| record.get(entry..));
            let entry = entry.ok_or("a blob stands in no entry")?;
            let mut read = serde_json::Deserializer::from_slice(entry);
            Entry::deserialize(&mut read).map_err(|error| error.to_string())
        })
}

fn paths(list: &[PathText]) -> impl Iterator<Item = Result<RepoPath, String>> {
    list.iter().map(PathText::path)
}

#[cfg(test)]
mod tests;
