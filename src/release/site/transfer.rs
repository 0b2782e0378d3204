//! Carrying out the plan on the site, step by step, each confirmed by the site.

use super::Site;
use super::compare::{Compared, Ground, remove_temps};
use super::journal::{Journal, Line, Parked, Stage, Start};
use super::pool::Pool;
use super::session::{Placing, Session};
use crate::release::error::shown_path;
use crate::release::progress::Phase;
use crate::release::run::Job;
use crate::release::{
    Content, OWN_PREFIX, Plan, Rank, ReleaseError, ReleaseFile, ancestors, by_depth,
};
use crate::types::RepoPath;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many folders that were set aside are told of by name.
const TOLD: usize = 3;

/// A run at work.
pub(super) struct Run<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) site: &'a Site,
    pub(super) plan: &'a Plan,
    pub(super) journal: &'a Journal,
    /// Where on the site which content is that may be copied.
    pub(super) sources: BTreeMap<crate::types::Oid, (RepoPath, Content)>,
    /// What makes this run's temporary names its own.
    id: String,
    names: AtomicUsize,
    /// Complete files under temporary names, by their place in the plan's `puts`.
    pub(super) arrived: Mutex<BTreeMap<usize, Parked>>,
    /// Files that are in their places, by that number.
    pub(super) placed: Mutex<BTreeMap<usize, Content>>,
    /// Renames that the site confirmed.
    pub(super) renamed: Mutex<BTreeSet<Line>>,
    /// Temporary names of tries that failed, and of killed runs.
    pub(super) strays: Mutex<Vec<String>>,
    pub(super) big: Mutex<()>,
}

/// The steps that become visible together: places in `puts`, and in `moves`.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) puts: Vec<usize>,
    pub(super) moves: Vec<usize>,
}

/// Carries out the plan and replaces the manifest.
pub(super) fn carry_out(
    job: &Job<'_>,
    site: &Site,
    pool: &mut Pool<'_>,
    compared: Compared,
    plan: &Plan,
    ground: Ground,
) -> Result<(), ReleaseError> {
    let (reused, useless) = reuse(plan, &compared);
    let strays = [useless, compared.recovered.strays.clone()].concat();
    let new_dirs: BTreeSet<RepoPath> = ground.new_dirs.iter().cloned().collect();
    let mut dirs = &compared.dirs | &new_dirs;
    let beside = compared.beside().map_err(|why| ReleaseError::Manifest {
        place: site.place.clone(),
        why,
    })?;
    let start = Start {
        base: compared.manifest.as_ref(),
        beside,
        dirs: &dirs,
        plan,
    };
    let journal = Journal::begin(job.desk, &site.place, &start, &inherited(&reused, &strays))?;
    let run = Run {
        job,
        site,
        plan,
        journal: &journal,
        sources: ground.sources,
        id: format!("{:016x}", RandomState::new().hash_one(std::process::id())),
        names: AtomicUsize::new(0),
        arrived: Mutex::new(reused),
        placed: Mutex::new(BTreeMap::new()),
        renamed: Mutex::new(BTreeSet::new()),
        strays: Mutex::new(strays),
        big: Mutex::new(()),
    };
    run.clear_files(pool)?;
    match pool.placing() {
        Placing::Aside => {
            run.make_dirs(pool, &ground.new_dirs)?;
            run.send_aside(pool)?;
            run.sweep(pool)?;
            run.clear_dirs(pool)?;
            run.put_into_place(pool)?;
        }
        Placing::Direct => {
            run.sweep(pool)?;
            run.clear_dirs(pool)?;
            run.make_dirs(pool, &ground.new_dirs)?;
            run.send_into_place(pool)?;
        }
    }
    let left = run.remove(pool)?;
    run.check(pool)?;
    // Once more: the site may have carried out a killed run's last command only after we looked.
    run.sweep(pool)?;
    dirs.retain(|dir| !plan.blocking_dirs.contains(dir));
    dirs.retain(|dir| !plan.spare_dirs.contains(dir) || left.contains(dir));
    run.write_manifest(pool, &compared, &dirs)?;
    journal.end()
}

/// What a journal begins with, so that it knows all that the one before it knew.
fn inherited(reused: &BTreeMap<usize, Parked>, strays: &[String]) -> Vec<Line> {
    let sent = |(at, parked): (&usize, &Parked)| {
        Line::Sent(*at, parked.temp.clone(), parked.content.sha256.clone())
    };
    let temps = strays.iter().cloned().map(Line::Temp);
    reused.iter().map(sent).chain(temps).collect()
}

/// What an earlier run sent and this one wants, and the temporary names of what it does not want.
fn reuse(plan: &Plan, compared: &Compared) -> (BTreeMap<usize, Parked>, Vec<String>) {
    let places: BTreeMap<&RepoPath, (usize, &ReleaseFile)> = plan
        .puts
        .iter()
        .enumerate()
        .map(|(at, file)| (&file.path, (at, file)))
        .collect();
    let mut reused = BTreeMap::new();
    let mut useless = Vec::new();
    for parked in &compared.recovered.parked {
        match places.get(&parked.path) {
            Some((at, file)) if file.blob == parked.content.blob && !reused.contains_key(at) => {
                reused.insert(*at, parked.clone());
            }
            _ => useless.push(parked.temp.clone()),
        }
    }
    (reused, useless)
}

pub(super) fn died<T>(_: T) -> ReleaseError {
    ReleaseError::Objects("a connection's thread died".into())
}

/// What arrived with another size than it should have.
pub(super) fn damaged(file: &ReleaseFile, found: Option<u64>) -> ReleaseError {
    ReleaseError::Damaged {
        path: file.path.clone(),
        found: found.map_or("nothing".into(), |size| size.to_string()),
        expected: file.size,
    }
}

impl Run<'_> {
    /// A path's name on the site.
    pub(super) fn at(&self, path: &RepoPath) -> Result<String, ReleaseError> {
        self.site.at(path)
    }

    /// A temporary name beside `path` that no other step and no other run uses.
    pub(super) fn temp(&self, path: &RepoPath) -> Result<String, ReleaseError> {
        let number = self.names.fetch_add(1, Ordering::Relaxed);
        let name = format!("{OWN_PREFIX}{}-{number}.tmp", self.id);
        let parent = ancestors(path).pop();
        let temp = match parent {
            Some(parent) => parent.join(name.as_bytes()),
            None => RepoPath::new(name.into_bytes()),
        };
        self.at(&temp)
    }

    /// What becomes visible together, in order.
    pub(super) fn groups(&self) -> Vec<Group> {
        let mut groups: BTreeMap<Rank, Group> = BTreeMap::new();
        for (at, file) in self.plan.puts.iter().enumerate() {
            groups
                .entry(self.job.rank(&file.path))
                .or_default()
                .puts
                .push(at);
        }
        for (at, step) in self.plan.moves.iter().enumerate() {
            groups
                .entry(self.job.rank(&step.file.path))
                .or_default()
                .moves
                .push(at);
        }
        groups.into_values().collect()
    }

    /// Removes the files of ours that stand where a directory has to be.
    fn clear_files(&self, pool: &mut Pool<'_>) -> Result<(), ReleaseError> {
        if !self.plan.blocking_files.is_empty() {
            self.journal.enter(Stage::Clearing)?;
            self.delete(pool, &self.plan.blocking_files)?;
        }
        Ok(())
    }

    /// Removes the directories of ours that stand where a file has to be.
    fn clear_dirs(&self, pool: &mut Pool<'_>) -> Result<(), ReleaseError> {
        if !self.plan.blocking_contents.is_empty() {
            self.journal.enter(Stage::Clearing)?;
            self.delete(pool, &self.plan.blocking_contents)?;
        }
        let mut left: Vec<&RepoPath> = Vec::new();
        for dir in &self.plan.blocking_dirs {
            let name = self.at(dir)?;
            // A killed run may have put the file there already.
            let gone = |session: &mut dyn Session| {
                Ok(!session.is_dir(&name)? || session.remove_dir(&name)?)
            };
            if !pool.first(gone)? {
                left.push(dir);
            }
        }
        let outer = |dir: &&RepoPath| !ancestors(dir).iter().any(|above| left.contains(&above));
        let outer = left.iter().copied().filter(outer);
        let moved = outer.map(|dir| Ok((dir, self.set_aside(pool, dir)?)));
        let moved: Vec<(&RepoPath, RepoPath)> = moved.collect::<Result<_, ReleaseError>>()?;
        self.tell_of(&moved);
        Ok(())
    }

    /// Tells whoever watches what was set aside.
    fn tell_of(&self, moved: &[(&RepoPath, RepoPath)]) {
        if moved.is_empty() {
            return;
        }
        let named = moved.iter().take(TOLD);
        let mut names: Vec<String> = named
            .map(|(dir, aside)| format!("`{}` is `{aside}` now", shown_path(dir)))
            .collect();
        if let Some(more) = moved.len().checked_sub(TOLD).filter(|more| *more > 0) {
            names.push(format!("and {more} more"));
        }
        self.job.progress.notice(format!(
            "folders that had to make room for files may hold names that the site does not tell, so \
             they were renamed: {}",
            names.join(", ")
        ));
    }

    /// Makes room where a directory of ours may hold what the site does not tell of: it goes to a name
    /// of our own, which is given, and stays there.
    fn set_aside(&self, pool: &mut Pool<'_>, dir: &RepoPath) -> Result<RepoPath, ReleaseError> {
        let number = self.names.fetch_add(1, Ordering::Relaxed);
        let name = format!(
            "{OWN_PREFIX}aside-{:020}-{number}",
            RandomState::new().hash_one(number)
        );
        let aside = RepoPath::new(name.into_bytes());
        let (from, to) = (self.at(dir)?, self.at(&aside)?);
        match pool.first(|session| session.set_aside(&from, &to))? {
            true => Ok(aside),
            false => Err(ReleaseError::Foreign {
                place: self.site.place.clone(),
                files: vec![dir.clone()],
            }),
        }
    }

    fn make_dirs(&self, pool: &mut Pool<'_>, dirs: &[RepoPath]) -> Result<(), ReleaseError> {
        for group in by_depth(dirs) {
            let names: Vec<String> = group
                .into_iter()
                .map(|dir| self.at(dir))
                .collect::<Result<_, _>>()?;
            pool.batches(&names, &|session, names| session.make_dirs(names))?;
        }
        Ok(())
    }

    /// Removes what is no longer wanted. Gives the directories that could not go.
    fn remove(&self, pool: &mut Pool<'_>) -> Result<Vec<RepoPath>, ReleaseError> {
        if !self.plan.deletes.is_empty() {
            self.journal.enter(Stage::Deleting)?;
            self.job
                .progress
                .phase(Phase::Deleting, self.plan.deletes.len());
            self.delete(pool, &self.plan.deletes)?;
        }
        let left = Mutex::new(Vec::new());
        for group in by_depth(&self.plan.spare_dirs).into_iter().rev() {
            pool.each(&group, &|session, _, dir| {
                if !session.remove_dir(&self.at(dir)?)? {
                    left.lock().map_err(died)?.push((*dir).clone());
                }
                Ok(())
            })?;
        }
        left.into_inner().map_err(died)
    }

    fn delete(&self, pool: &mut Pool<'_>, paths: &[RepoPath]) -> Result<(), ReleaseError> {
        let names: Vec<String> = paths
            .iter()
            .map(|path| self.at(path))
            .collect::<Result<_, _>>()?;
        let done = Mutex::new(BTreeSet::new());
        pool.batches(&names, &|session, names| {
            session.deletes(names, &mut |at, result| {
                result?;
                // A batch may come again after a broken connection.
                if let Some(name) = names.get(at)
                    && done.lock().map_err(died)?.insert(name.clone())
                {
                    self.job.progress.deleted();
                }
                Ok(())
            })
        })
    }

    /// Looks once more at every file that got its name by a rename. One that was sent into its place was looked
    /// at there when it had arrived.
    fn check(&self, pool: &mut Pool<'_>) -> Result<(), ReleaseError> {
        let files: Vec<&ReleaseFile> = {
            let placed = self.placed.lock().map_err(died)?;
            let puts = self.plan.puts.iter().enumerate();
            let renamed = puts.filter(|(at, _)| !placed.contains_key(at));
            let moved = self.plan.moves.iter().map(|step| &step.file);
            renamed.map(|(_, file)| file).chain(moved).collect()
        };
        self.job.progress.phase(Phase::Checking, files.len());
        let names: Vec<String> = files
            .iter()
            .map(|file| self.at(&file.path))
            .collect::<Result<_, _>>()?;
        for (file, found) in files.iter().zip(pool.sizes(&names)?) {
            self.job.progress.step();
            if found != Some(file.size) {
                return Err(damaged(file, found));
            }
        }
        Ok(())
    }

    /// Removes the temporary files of tries that failed, and of killed runs.
    fn sweep(&self, pool: &mut Pool<'_>) -> Result<(), ReleaseError> {
        let strays = self.strays.lock().map_err(died)?.clone();
        remove_temps(self.site, pool, &strays.iter().collect::<Vec<_>>())
    }
}
