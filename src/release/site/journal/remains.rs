//! What a killed run's journal and the site tell together.

use super::{FILE, Head, Line, Mark, Parked, SCHEMA, Stage, Stored, WHOLE};
use crate::release::desk::{Desk, read_capped};
use crate::release::manifest::PathText;
use crate::release::plan::{Content, Held, Holding};
use crate::release::{MANIFEST_LIMIT, Manifest, ReleaseError};
use crate::types::{Oid, RepoPath};
use std::collections::{BTreeMap, BTreeSet};

/// A journal that a killed run left.
#[derive(Debug)]
pub(in crate::release::site) struct Remains {
    base: Option<Mark>,
    /// Whether the head names every file of ours.
    is_whole: bool,
    holding: Holding,
    lacks: Vec<RepoPath>,
    puts: Vec<(RepoPath, Content)>,
    moves: Vec<(RepoPath, RepoPath, Content)>,
    early: Vec<RepoPath>,
    late: Vec<RepoPath>,
    temps: BTreeSet<String>,
    sent: BTreeMap<usize, Parked>,
    moved: BTreeSet<usize>,
    placed: BTreeMap<usize, (RepoPath, Content)>,
    renamed: BTreeSet<usize>,
    stage: Option<Stage>,
}

/// What a killed run left on the site.
#[derive(Debug, Default)]
pub(in crate::release::site) struct Recovered {
    /// What of it is ours.
    pub(in crate::release::site) holding: Holding,
    /// Complete files under temporary names.
    pub(in crate::release::site) parked: Vec<Parked>,
    /// Temporary names of incomplete files, which may be there.
    pub(in crate::release::site) strays: Vec<String>,
    /// Files from which the killed run was going to rename: the site may carry that out yet.
    pub(in crate::release::site) leaving: Vec<RepoPath>,
}

/// Where to look for a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::release::site) enum Spot {
    /// Under a temporary name, as the site has it.
    Temp(String),
    /// In its place.
    Place(RepoPath),
}

/// The journal that a killed run left for this place, if there is one.
///
/// A journal whose head cannot be read is an error; a broken line ends it, since the lines before
/// it say less than what happened and never more.
pub(in crate::release::site) fn remains(
    desk: &Desk,
    place: &str,
) -> Result<Option<Remains>, ReleaseError> {
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
    if head.schema != SCHEMA && head.schema != WHOLE {
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
                Some(stored) => Held::Known(stored.into()),
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
        let step = |(from, to, stored): &(PathText, PathText, Stored)| {
            Ok::<_, String>((from.path()?, to.path()?, Content::from(stored)))
        };
        Ok(Remains {
            base: self.base,
            is_whole: self.schema == WHOLE,
            holding,
            lacks: paths(&self.lacks)?,
            puts: self.puts.iter().map(put).collect::<Result<_, _>>()?,
            moves: self.moves.iter().map(step).collect::<Result<_, _>>()?,
            early: paths(&self.early)?,
            late: paths(&self.late)?,
            temps: BTreeSet::new(),
            sent: BTreeMap::new(),
            moved: BTreeSet::new(),
            placed: BTreeMap::new(),
            renamed: BTreeSet::new(),
            stage: None,
        })
    }
}

impl Remains {
    /// Whether the run began from what the site's manifest says now. If not, it had ended, or
    /// something else was released since.
    pub(in crate::release::site) fn continues(&self, manifest: Option<&Manifest>) -> bool {
        self.base == manifest.map(Mark::from)
    }

    /// The same, with what the manifest says that it began from.
    pub(in crate::release::site) fn over(mut self, manifest: Holding) -> Self {
        if self.is_whole {
            return self;
        }
        let beside = std::mem::take(&mut self.holding);
        let mut files = manifest.files;
        files.extend(beside.files);
        for path in &self.lacks {
            files.remove(path);
        }
        self.holding = Holding {
            files,
            dirs: beside.dirs,
        };
        self
    }

    /// What is left of a run that does not continue: temporary names that may be in use.
    pub(in crate::release::site) fn only_temps(self, holding: Holding) -> Recovered {
        let sent = self.sent.into_values().map(|parked| parked.temp);
        Recovered {
            holding,
            parked: Vec::new(),
            strays: sent.chain(self.temps).collect(),
            leaving: Vec::new(),
        }
    }

    /// Everything that the run may have changed: files, and directories that it may have made.
    pub(in crate::release::site) fn touches(&self) -> impl Iterator<Item = &RepoPath> {
        let puts = self.puts.iter().map(|(path, _)| path);
        let moves = self.moves.iter().flat_map(|step| [&step.0, &step.1]);
        let removed = self.early.iter().chain(&self.late);
        puts.chain(moves).chain(removed).chain(&self.holding.dirs)
    }

    /// The names under which the run sent files, on the site.
    pub(in crate::release::site) fn temps(&self) -> impl Iterator<Item = &str> {
        let sent = self.sent.values().map(|parked| parked.temp.as_str());
        self.temps.iter().map(String::as_str).chain(sent)
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
            Line::Placed(at, sha256) => {
                if let Some((path, content)) = self.puts.get(at) {
                    let content = Content {
                        sha256,
                        ..content.clone()
                    };
                    self.placed.insert(at, (path.clone(), content));
                }
            }
            Line::Renamed(at) => {
                self.renamed.insert(at);
            }
            Line::Phase(stage) => self.stage = self.stage.max(Some(stage)),
        }
    }

    /// The spots on the site that tell what is where, and the size of the file that has to be at
    /// each for it to be so.
    pub(in crate::release::site) fn doubts(&self) -> Vec<(Spot, u64)> {
        let mut doubts = Vec::new();
        for (at, parked) in &self.sent {
            let spot = match self.moved.contains(at) {
                true => Spot::Place(parked.path.clone()),
                false => Spot::Temp(parked.temp.clone()),
            };
            doubts.push((spot, parked.content.size));
        }
        for (path, content) in self.placed.values() {
            doubts.push((Spot::Place(path.clone()), content.size));
        }
        if self.stage >= Some(Stage::Moving) {
            for (at, (from, to, content)) in self.moves.iter().enumerate() {
                let path = if self.renamed.contains(&at) { to } else { from };
                doubts.push((Spot::Place(path.clone()), content.size));
            }
        }
        doubts
    }

    /// What is where, as the journal and the site tell together: `there` holds those of the
    /// [`Self::doubts`] that have their size.
    pub(in crate::release::site) fn recover(mut self, there: &BTreeSet<Spot>) -> Recovered {
        self.recover_removals();
        let (parked, used) = self.recover_sent(there);
        if self.stage == Some(Stage::Placing) {
            // One of them may be half under way: the site has its old or its new content.
            let paths: Vec<RepoPath> = self.puts.iter().map(|(path, _)| path.clone()).collect();
            self.uncertain(&paths);
        }
        for (path, content) in std::mem::take(&mut self.placed).into_values() {
            let held = known_if(there.contains(&Spot::Place(path.clone())), content);
            self.holding.files.insert(path, held);
        }
        let leaving = self.recover_moves(there);
        Recovered {
            holding: self.holding,
            parked,
            strays: self.temps.difference(&used).cloned().collect(),
            leaving,
        }
    }

    fn recover_removals(&mut self) {
        match self.stage {
            None => {}
            Some(Stage::Clearing) => self.uncertain(&self.early.clone()),
            // Every one of them was confirmed gone before the first file was put into place.
            Some(Stage::Placing | Stage::Moving | Stage::Deleting) => {
                let early: BTreeSet<&RepoPath> = self.early.iter().collect();
                self.holding.files.retain(|path, _| !early.contains(path));
            }
        }
        if self.stage >= Some(Stage::Deleting) {
            self.uncertain(&self.late.clone());
        }
    }

    /// What is still under temporary names, and all such names that are known to be complete.
    fn recover_sent(&mut self, there: &BTreeSet<Spot>) -> (Vec<Parked>, BTreeSet<String>) {
        let mut found = Vec::new();
        let mut used = BTreeSet::new();
        for (at, parked) in std::mem::take(&mut self.sent) {
            let moved = self.moved.contains(&at);
            let waits = !moved && there.contains(&Spot::Temp(parked.temp.clone()));
            if moved || waits {
                used.insert(parked.temp.clone());
            }
            if waits {
                // The site may carry the rename out yet.
                if self.stage >= Some(Stage::Moving) {
                    self.uncertain(std::slice::from_ref(&parked.path));
                }
                found.push(parked);
            } else if self.stage >= Some(Stage::Moving) {
                // Confirmed, it is in its place. Unconfirmed and gone from its temporary name, it
                // most likely is; sending these few again makes sure.
                let place = Spot::Place(parked.path.clone());
                let held = known_if(moved && there.contains(&place), parked.content);
                self.holding.files.insert(parked.path, held);
            }
        }
        (found, used)
    }

    /// A rename on the site was done, or was not, or was the last command of the killed run. Gives
    /// the files whose rename may yet be carried out.
    fn recover_moves(&mut self, there: &BTreeSet<Spot>) -> Vec<RepoPath> {
        let mut leaving = Vec::new();
        if self.stage < Some(Stage::Moving) {
            return leaving;
        }
        for (at, (from, to, content)) in std::mem::take(&mut self.moves).into_iter().enumerate() {
            let done = self.renamed.contains(&at);
            if !done && there.contains(&Spot::Place(from.clone())) {
                self.uncertain(&[to]);
                leaving.push(from);
                continue;
            }
            self.holding.files.remove(&from);
            let held = known_if(done && there.contains(&Spot::Place(to.clone())), content);
            self.holding.files.insert(to, held);
        }
        leaving
    }

    fn uncertain(&mut self, paths: &[RepoPath]) {
        for path in paths {
            self.holding.files.insert(path.clone(), Held::Uncertain);
        }
    }
}

fn known_if(sure: bool, content: Content) -> Held {
    match sure {
        true => Held::Known(content),
        false => Held::Uncertain,
    }
}
