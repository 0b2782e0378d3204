//! The journal of one release to a site, for the run that follows a killed one.
//!
//! It is on the server's own disk. The head says in what the site differed from its manifest when the
//! run began, and what the run is going to do; it is synced before the first change. Then a line follows for
//! every temporary name (before it is used), every file that arrived and every rename (after the
//! site confirmed it), and every phase (synced, before its first step). From that, and from which
//! temporary names are still on the site, [`remains::Remains::recover`] tells exactly what is where.

mod remains;

use crate::folder::replace_file;
use crate::release::desk::Desk;
use crate::release::manifest::PathText;
use crate::release::plan::{Content, Held, Holding, Move, Plan};
use crate::release::{Manifest, ReleaseError};
use crate::types::{Oid, RepoPath};
pub(super) use remains::{Recovered, Spot, remains};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Mutex;

/// The file's name.
const FILE: &str = "journal";

/// What the head's first field says.
const SCHEMA: &str = "relhook/release-journal/v2";

/// What it said while a head named every file of ours.
const WHOLE: &str = "relhook/release-journal/v1";

/// Which release a manifest records, or `None` where there is no manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    repository: String,
    commit: Oid,
    sequence: u64,
    released: crate::types::Timestamp,
}

impl From<&Manifest> for Mark {
    fn from(manifest: &Manifest) -> Self {
        Self {
            repository: manifest.repository.clone(),
            commit: manifest.commit,
            sequence: manifest.sequence,
            released: manifest.released,
        }
    }
}

/// A file's content, as the journal writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    blob: Oid,
    size: u64,
    sha256: String,
}

impl From<&Content> for Stored {
    fn from(content: &Content) -> Self {
        Self {
            blob: content.blob,
            size: content.size,
            sha256: content.sha256.clone(),
        }
    }
}

impl From<&Stored> for Content {
    fn from(stored: &Stored) -> Self {
        Self {
            blob: stored.blob,
            size: stored.size,
            sha256: stored.sha256.clone(),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    schema: String,
    place: String,
    /// The manifest on the site that the run began from.
    base: Option<Mark>,
    /// Files of ours on the site that the manifest does not have so; without content where that is
    /// uncertain.
    held: Vec<(PathText, Option<Stored>)>,
    /// Files that the manifest has and the site has not.
    #[serde(default)]
    lacks: Vec<PathText>,
    /// Every directory of ours on the site, and those that the run makes.
    dirs: Vec<PathText>,
    /// The files that the run sends, in its order.
    puts: Vec<(PathText, Oid, u64)>,
    /// The files that it renames on the site: from where, to where, and what they hold.
    #[serde(default)]
    moves: Vec<(PathText, PathText, Stored)>,
    /// The files that it removes before the renames, and after them.
    early: Vec<PathText>,
    late: Vec<PathText>,
}

/// What a run starts from and is going to do.
pub(super) struct Start<'a> {
    /// The manifest on the site.
    pub(super) base: Option<&'a Manifest>,
    /// In what that is not what is ours on the site.
    pub(super) beside: Beside,
    /// The directories of ours, and those that the run makes.
    pub(super) dirs: &'a BTreeSet<RepoPath>,
    /// The steps.
    pub(super) plan: &'a Plan,
}

/// In what a site differs from its manifest.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// Files that the manifest does not have so.
    held: Vec<(RepoPath, Held)>,
    /// Files that the manifest has and the site has not.
    lacks: Vec<RepoPath>,
}

impl Beside {
    /// In what `now` differs from what the manifest says.
    pub(super) fn between(manifest: &Holding, now: &Holding) -> Self {
        let other = |(path, held): &(&RepoPath, &Held)| manifest.files.get(*path) != Some(*held);
        let held = now.files.iter().filter(other);
        let lacks = manifest.files.keys();
        Self {
            held: held
                .map(|(path, held)| (path.clone(), held.clone()))
                .collect(),
            lacks: lacks
                .filter(|path| !now.files.contains_key(*path))
                .cloned()
                .collect(),
        }
    }

    /// The same where all that is certain is as the manifest says.
    pub(super) fn uncertain(now: &Holding) -> Self {
        let uncertain = now
            .files
            .iter()
            .filter(|(_, held)| **held == Held::Uncertain);
        Self {
            held: uncertain
                .map(|(path, held)| (path.clone(), held.clone()))
                .collect(),
            lacks: Vec::new(),
        }
    }
}

/// One line after the head. Numbers are places in `puts`, or in `moves` for `Renamed`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Line {
    /// This name is going to be used for a file that is not complete yet.
    Temp(String),
    /// The file arrived complete under this name, with this SHA-256.
    Sent(usize, String, String),
    /// The file is in its place.
    Moved(usize),
    /// The file was sent into its place, with this SHA-256.
    Placed(usize, String),
    /// The file that was on the site already is in its new place.
    Renamed(usize),
    /// What follows.
    Phase(Stage),
}

/// The parts of a run that change what a visitor of the site sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stage {
    /// Files of ours that stand in the way are removed.
    Clearing,
    /// Files are sent into their places.
    Placing,
    /// Files are renamed into their places.
    Moving,
    /// Files that are no longer wanted are removed.
    Deleting,
}

/// A file that lies complete under a temporary name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parked {
    /// The name, on the site.
    pub(super) temp: String,
    /// Where it is to go.
    pub(super) path: RepoPath,
    /// What it holds.
    pub(super) content: Content,
}

/// A journal that a run writes.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: Mutex<File>,
}

impl Journal {
    /// Begins a journal with these lines; one that is there is replaced as a whole.
    pub(super) fn begin(
        desk: &Desk,
        place: &str,
        start: &Start<'_>,
        lines: &[Line],
    ) -> Result<Self, ReleaseError> {
        let plan = start.plan;
        let head = Head {
            schema: SCHEMA.to_owned(),
            place: place.to_owned(),
            base: start.base.map(Mark::from),
            held: start.beside.held.iter().map(stored).collect(),
            lacks: start.beside.lacks.iter().map(PathText::from).collect(),
            dirs: start.dirs.iter().map(PathText::from).collect(),
            puts: plan
                .puts
                .iter()
                .map(|file| ((&file.path).into(), file.blob, file.size))
                .collect(),
            moves: plan.moves.iter().map(moved).collect(),
            early: plan
                .blocking_files
                .iter()
                .chain(&plan.blocking_contents)
                .map(PathText::from)
                .collect(),
            late: plan.deletes.iter().map(PathText::from).collect(),
        };
        let path = desk.file(FILE);
        let fail = ReleaseError::io(&path);
        let opened = head_and(&head, lines).and_then(|bytes| {
            replace_file(&path, &bytes)?;
            OpenOptions::new().append(true).open(&path)
        });
        let file = opened.map_err(fail)?;
        Ok(Self {
            path,
            file: Mutex::new(file),
        })
    }

    /// Adds a line: in the file, if not on the disk, when this returns.
    pub(super) fn note(&self, line: &Line) -> Result<(), ReleaseError> {
        self.write(line, |_| Ok(()))
    }

    /// Adds a line, on the disk with all before it when this returns.
    pub(super) fn enter(&self, stage: Stage) -> Result<(), ReleaseError> {
        self.write(&Line::Phase(stage), |file| file.sync_data())
    }

    fn write(
        &self,
        line: &Line,
        then: impl FnOnce(&File) -> io::Result<()>,
    ) -> Result<(), ReleaseError> {
        let written = serde_json::to_vec(line)
            .map_err(io::Error::from)
            .and_then(|mut bytes| {
                bytes.push(b'\n');
                let mut file = self
                    .file
                    .lock()
                    .map_err(|_| io::Error::other("a writer died"))?;
                file.write_all(&bytes)?;
                then(&file)
            });
        written.map_err(ReleaseError::io(&self.path))
    }

    /// The release is on the site's record: the journal is over.
    pub(super) fn end(self) -> Result<(), ReleaseError> {
        discard(&self.path)
    }
}

/// Removes the journal of a target, if there is one.
pub(super) fn forget(desk: &Desk) -> Result<(), ReleaseError> {
    discard(&desk.file(FILE))
}

/// Whether a run has left one.
pub(super) fn is_left(desk: &Desk) -> bool {
    // Whatever keeps it from being looked at: then it is read, and that tells.
    !matches!(desk.file(FILE).try_exists(), Ok(false))
}

fn discard(path: &std::path::Path) -> Result<(), ReleaseError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ReleaseError::io(path)(error)),
        _ => Ok(()),
    }
}

fn head_and(head: &Head, lines: &[Line]) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(head)?;
    bytes.push(b'\n');
    for line in lines {
        serde_json::to_writer(&mut bytes, line)?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

fn stored((path, held): &(RepoPath, Held)) -> (PathText, Option<Stored>) {
    let stored = match held {
        Held::Known(content) => Some(Stored::from(content)),
        Held::Uncertain => None,
    };
    (path.into(), stored)
}

fn moved(step: &Move) -> (PathText, PathText, Stored) {
    let stored = Stored::from(&step.content);
    ((&step.from).into(), (&step.file.path).into(), stored)
}
