//! The journal of one release to a site, for the run that follows a killed one.
//!
//! It is on the server's own disk. The head says what relhook had on the site when the run began
//! and what the run is going to do; it is synced before the first change. Then a line follows for
//! every temporary name (before it is used), every file that arrived and every rename (after the
//! site confirmed it), and every phase (synced, before its first step). From that, and from which
//! temporary names are still on the site, [`Remains::recover`] tells exactly what is where.

use crate::folder::replace_file;
use crate::release::desk::{Desk, read_capped};
use crate::release::manifest::PathText;
use crate::release::plan::{Content, Held, Holding, Plan};
use crate::release::{MANIFEST_LIMIT, Manifest, ReleaseError};
use crate::types::{Oid, RepoPath};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Mutex;

/// The file's name.
const FILE: &str = "journal";

/// What the head's first field says.
const SCHEMA: &str = "relhook/release-journal/v1";

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

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    schema: String,
    place: String,
    /// The manifest on the site that the run began from.
    base: Option<Mark>,
    /// Every file of ours on the site; without content where that is uncertain.
    held: Vec<(PathText, Option<Stored>)>,
    /// Every directory of ours on the site, and those that the run makes.
    dirs: Vec<PathText>,
    /// The files that the run sends, in its order.
    puts: Vec<(PathText, Oid, u64)>,
    /// The files that it removes before the renames, and after them.
    early: Vec<PathText>,
    late: Vec<PathText>,
}

/// What a run starts from and is going to do.
pub(super) struct Start<'a> {
    /// The manifest on the site.
    pub(super) base: Option<&'a Manifest>,
    /// What is ours on the site.
    pub(super) holding: &'a Holding,
    /// The directories that the run makes.
    pub(super) new_dirs: &'a BTreeSet<RepoPath>,
    /// The steps.
    pub(super) plan: &'a Plan,
}

/// One line after the head. Numbers are places in `puts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Line {
    /// This name is going to be used for a file that is not complete yet.
    Temp(String),
    /// The file arrived complete under this name, with this SHA-256.
    Sent(usize, String, String),
    /// The file is in its place.
    Moved(usize),
    /// What follows.
    Phase(Stage),
}

/// The parts of a run that change what a visitor of the site sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stage {
    /// Files of ours that stand in the way are removed.
    Clearing,
    /// Files are put into place.
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

/// A journal that a killed run left.
#[derive(Debug)]
pub(super) struct Remains {
    base: Option<Mark>,
    holding: Holding,
    puts: Vec<(RepoPath, Content)>,
    early: Vec<RepoPath>,
    late: Vec<RepoPath>,
    temps: BTreeSet<String>,
    sent: BTreeMap<usize, Parked>,
    moved: BTreeSet<usize>,
    stage: Option<Stage>,
}

/// What a killed run left on the site.
#[derive(Debug, Default)]
pub(super) struct Recovered {
    /// What of it is ours.
    pub(super) holding: Holding,
    /// Complete files under temporary names.
    pub(super) parked: Vec<Parked>,
    /// Temporary names of incomplete files, which may be there.
    pub(super) strays: Vec<String>,
}

impl Journal {
    /// Begins a journal with these lines; one that is there is replaced as a whole.
    pub(super) fn begin(
        desk: &Desk,
        place: &str,
        start: &Start<'_>,
        lines: &[Line],
    ) -> Result<Self, ReleaseError> {
        let (holding, plan) = (start.holding, start.plan);
        let head = Head {
            schema: SCHEMA.to_owned(),
            place: place.to_owned(),
            base: start.base.map(Mark::from),
            held: holding.files.iter().map(stored).collect(),
            dirs: holding
                .dirs
                .union(start.new_dirs)
                .map(PathText::from)
                .collect(),
            puts: plan
                .puts
                .iter()
                .map(|file| ((&file.path).into(), file.blob, file.size))
                .collect(),
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

fn stored((path, held): (&RepoPath, &Held)) -> (PathText, Option<Stored>) {
    let stored = match held {
        Held::Known(content) => Some(Stored {
            blob: content.blob,
            size: content.size,
            sha256: content.sha256.clone(),
        }),
        Held::Uncertain => None,
    };
    (path.into(), stored)
}

/// The journal that a killed run left for this place, if there is one.
///
/// A journal whose head cannot be read is an error; a broken line ends it, since the lines before
/// it say less than what happened and never more.
pub(super) fn remains(desk: &Desk, place: &str) -> Result<Option<Remains>, ReleaseError> {
    let path = desk.file(FILE);
    let Some(bytes) = read_capped(&path, MANIFEST_LIMIT * 4).map_err(ReleaseError::io(&path))?
    else {
        return Ok(None);
    };
    let broken = |why: String| ReleaseError::Manifest {
        place: path.display().to_string(),
        why,
    };
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let head: Head = serde_json::from_slice(lines.next().unwrap_or_default())
        .map_err(|error| broken(error.to_string()))?;
    if head.schema != SCHEMA {
        return Err(broken("it has another schema".into()));
    }
    if head.place != place {
        return Ok(None);
    }
    let mut remains = head.read().map_err(broken)?;
    for line in lines {
        let whole = line.ends_with(b"\n");
        match serde_json::from_slice(line) {
            Ok(line) if whole => remains.take(line),
            Ok(_) | Err(_) => break,
        }
    }
    Ok(Some(remains))
}

impl Head {
    fn read(self) -> Result<Remains, String> {
        let paths = |list: &[PathText]| {
            list.iter()
                .map(PathText::path)
                .collect::<Result<Vec<_>, _>>()
        };
        let mut holding = Holding::default();
        for (path, stored) in &self.held {
            let held = match stored {
                Some(stored) => Held::Known(Content {
                    blob: stored.blob,
                    size: stored.size,
                    sha256: stored.sha256.clone(),
                }),
                None => Held::Uncertain,
            };
            holding.files.insert(path.path()?, held);
        }
        holding.dirs = paths(&self.dirs)?.into_iter().collect();
        let put = |(path, blob, size): &(PathText, Oid, u64)| {
            let content = Content {
                blob: *blob,
                size: *size,
                sha256: String::new(),
            };
            path.path().map(|path| (path, content))
        };
        Ok(Remains {
            base: self.base,
            holding,
            puts: self.puts.iter().map(put).collect::<Result<_, _>>()?,
            early: paths(&self.early)?,
            late: paths(&self.late)?,
            temps: BTreeSet::new(),
            sent: BTreeMap::new(),
            moved: BTreeSet::new(),
            stage: None,
        })
    }
}

impl Remains {
    /// Whether the run began from what the site's manifest says now. If not, it had ended, or
    /// something else was released since.
    pub(super) fn continues(&self, manifest: Option<&Manifest>) -> bool {
        self.base == manifest.map(Mark::from)
    }

    /// What is left of a run that does not continue: temporary names that may be in use.
    pub(super) fn only_temps(self, holding: Holding) -> Recovered {
        let sent = self.sent.into_values().map(|parked| parked.temp);
        Recovered {
            holding,
            parked: Vec::new(),
            strays: sent.chain(self.temps).collect(),
        }
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::Temp(name) => {
                self.temps.insert(name);
            }
            Line::Sent(at, temp, sha256) => {
                if let Some((path, content)) = self.puts.get(at) {
                    let content = Content {
                        sha256,
                        ..content.clone()
                    };
                    let parked = Parked {
                        temp,
                        path: path.clone(),
                        content,
                    };
                    self.sent.insert(at, parked);
                }
            }
            Line::Moved(at) => {
                self.moved.insert(at);
            }
            Line::Phase(stage) => self.stage = self.stage.max(Some(stage)),
        }
    }

    /// What is where. `present` tells whether a complete file is still under its temporary name;
    /// it is asked only where that decides.
    pub(super) fn recover(
        self,
        mut present: impl FnMut(&Parked) -> Result<bool, ReleaseError>,
    ) -> Result<Recovered, ReleaseError> {
        let mut found = Recovered {
            holding: self.holding,
            parked: Vec::new(),
            strays: Vec::new(),
        };
        let mut used = BTreeSet::new();
        let uncertain = |holding: &mut Holding, paths: &[RepoPath]| {
            for path in paths {
                holding.files.insert(path.clone(), Held::Uncertain);
            }
        };
        match self.stage {
            None => {}
            Some(Stage::Clearing) => uncertain(&mut found.holding, &self.early),
            // Every one of them was confirmed gone before the first rename.
            Some(Stage::Moving | Stage::Deleting) => {
                let early: BTreeSet<&RepoPath> = self.early.iter().collect();
                found.holding.files.retain(|path, _| !early.contains(path));
            }
        }
        if self.stage >= Some(Stage::Deleting) {
            uncertain(&mut found.holding, &self.late);
        }
        for (at, parked) in self.sent {
            used.insert(parked.temp.clone());
            if !self.moved.contains(&at) && present(&parked)? {
                found.parked.push(parked);
            } else if self.stage >= Some(Stage::Moving) {
                // Confirmed, it is in its place. Unconfirmed and gone from its temporary name, it
                // most likely is; sending these few again makes sure.
                let held = match self.moved.contains(&at) {
                    true => Held::Known(parked.content),
                    false => Held::Uncertain,
                };
                found.holding.files.insert(parked.path, held);
            }
        }
        found.strays = self.temps.difference(&used).cloned().collect();
        Ok(found)
    }
}
