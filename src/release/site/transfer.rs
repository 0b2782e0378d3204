//! Carrying out the plan on the site, step by step, each confirmed by the site.

use super::Site;
use super::compare::{Compared, Ground, kept, remove_temps};
use super::journal::{Journal, Line, Parked, Stage, Start};
use super::pool::Pool;
use super::session::Session;
use crate::release::manifest::Header;
use crate::release::progress::Phase;
use crate::release::run::Job;
use crate::release::{
    Content, FileKind, Manifest, OWN_PREFIX, Plan, ReleaseError, ReleaseFile, Source, ancestors,
};
use crate::types::{RepoPath, hex};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;

/// Files larger than this many bytes are in memory one at a time.
const BIG: u64 = 16 * 1024 * 1024;

/// A run at work.
struct Run<'a> {
    job: &'a Job<'a>,
    site: &'a Site,
    plan: &'a Plan,
    journal: &'a Journal,
    /// What makes this run's temporary names its own.
    id: String,
    /// Complete files under temporary names, by their place in the plan's `puts`.
    arrived: Mutex<BTreeMap<usize, Parked>>,
    /// Temporary names of tries that failed, and of killed runs.
    strays: Mutex<Vec<String>>,
    big: Mutex<()>,
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
    let start = Start {
        base: compared.manifest.as_ref(),
        holding: &compared.recovered.holding,
        new_dirs: &new_dirs,
        plan,
    };
    let journal = Journal::begin(job.desk, &site.place, &start, &inherited(&reused, &strays))?;
    let run = Run {
        job,
        site,
        plan,
        journal: &journal,
        id: format!("{:016x}", RandomState::new().hash_one(std::process::id())),
        arrived: Mutex::new(reused),
        strays: Mutex::new(strays),
        big: Mutex::new(()),
    };
    run.send(pool, &ground)?;
    run.sweep(pool)?;
    run.put_into_place(pool)?;
    let left = run.remove(pool)?;
    run.check(pool)?;
    // Once more: the site may have carried out a killed run's last command only after we looked.
    run.sweep(pool)?;
    let mut dirs = &compared.recovered.holding.dirs | &new_dirs;
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

fn died<T>(_: T) -> ReleaseError {
    ReleaseError::Objects("a connection's thread died".into())
}

impl Run<'_> {
    /// Makes room and directories, and sends every file under a temporary name.
    fn send(&self, pool: &mut Pool<'_>, ground: &Ground) -> Result<(), ReleaseError> {
        let progress = self.job.progress;
        if !self.plan.blocking_files.is_empty() {
            self.journal.enter(Stage::Clearing)?;
            self.delete(pool, &self.plan.blocking_files)?;
        }
        for dir in &ground.new_dirs {
            let name = self.site.at(dir)?;
            pool.first(|session| session.make_dir(&name))?;
        }
        let waiting: Vec<(usize, &ReleaseFile)> = {
            let arrived = self.arrived.lock().map_err(died)?;
            let puts = self.plan.puts.iter().enumerate();
            puts.filter(|(at, _)| !arrived.contains_key(at)).collect()
        };
        progress.phase(Phase::Sending, waiting.len());
        pool.each(&waiting, &|session, source, (at, file), attempt| {
            self.send_one(session, source, *at, file, attempt)?;
            progress.step();
            Ok(())
        })
    }

    fn send_one(
        &self,
        session: &mut dyn Session,
        source: &Source,
        at: usize,
        file: &ReleaseFile,
        attempt: u32,
    ) -> Result<(), ReleaseError> {
        let temp = self.temp(&file.path, &format!("{at}-{attempt}"))?;
        self.journal.note(&Line::Temp(temp.clone()))?;
        let result = self.send_as(session, source, file, &temp);
        let content = match result {
            Ok(content) => content,
            Err(error) => {
                self.strays.lock().map_err(died)?.push(temp);
                return Err(error);
            }
        };
        self.journal
            .note(&Line::Sent(at, temp.clone(), content.sha256.clone()))?;
        let parked = Parked {
            temp,
            path: file.path.clone(),
            content,
        };
        self.arrived.lock().map_err(died)?.insert(at, parked);
        Ok(())
    }

    fn send_as(
        &self,
        session: &mut dyn Session,
        source: &Source,
        file: &ReleaseFile,
        temp: &str,
    ) -> Result<Content, ReleaseError> {
        let _one_at_a_time = match file.size > BIG {
            true => Some(self.big.lock().map_err(died)?),
            false => None,
        };
        let bytes = source.content(file)?;
        session.put(temp, &bytes, file.kind, &|sent| {
            self.job.progress.sent(sent)
        })?;
        let found = session.size(temp)?;
        if found != Some(file.size) {
            return Err(damaged(file, found));
        }
        Ok(Content {
            blob: file.blob,
            size: file.size,
            sha256: hex(&Sha256::digest(&bytes)),
        })
    }

    /// A temporary name beside `path`.
    fn temp(&self, path: &RepoPath, which: &str) -> Result<String, ReleaseError> {
        let name = format!("{OWN_PREFIX}{}-{which}.tmp", self.id);
        let parent = ancestors(path).pop();
        let temp = match parent {
            Some(parent) => parent.join(name.as_bytes()),
            None => RepoPath::new(name.into_bytes()),
        };
        self.site.at(&temp)
    }

    /// Removes directories of ours where files have to be, and renames the files into place.
    fn put_into_place(&self, pool: &mut Pool<'_>) -> Result<(), ReleaseError> {
        if !self.plan.blocking_contents.is_empty() {
            self.journal.enter(Stage::Clearing)?;
            self.delete(pool, &self.plan.blocking_contents)?;
        }
        for dir in &self.plan.blocking_dirs {
            let name = self.site.at(dir)?;
            if !pool.first(|session| session.remove_dir(&name))? {
                return Err(ReleaseError::Foreign {
                    place: self.site.place.clone(),
                    files: vec![dir.clone()],
                });
            }
        }
        let arrived: Vec<(usize, Parked)> = {
            let arrived = self.arrived.lock().map_err(died)?;
            arrived
                .iter()
                .map(|(at, parked)| (*at, parked.clone()))
                .collect()
        };
        if arrived.is_empty() {
            return Ok(());
        }
        self.journal.enter(Stage::Moving)?;
        self.job.progress.phase(Phase::Moving, arrived.len());
        pool.each(&arrived, &|session, _, (at, parked), _| {
            self.rename(session, parked)?;
            self.journal.note(&Line::Moved(*at))?;
            self.job.progress.uploaded();
            Ok(())
        })
    }

    /// Renames a file. It may be in its place already: by a try whose answer was lost, or by a
    /// killed run's last command.
    fn rename(&self, session: &mut dyn Session, parked: &Parked) -> Result<(), ReleaseError> {
        let name = self.site.at(&parked.path)?;
        match session.rename(&parked.temp, &name) {
            Err(error @ ReleaseError::Refused { .. }) if !error.is_transient() => {
                let moved = session.size(&parked.temp)?.is_none()
                    && session.size(&name)? == Some(parked.content.size);
                if moved { Ok(()) } else { Err(error) }
            }
            result => result,
        }
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
        let mut left = Vec::new();
        for dir in &self.plan.spare_dirs {
            let name = self.site.at(dir)?;
            if !pool.first(|session| session.remove_dir(&name))? {
                left.push(dir.clone());
            }
        }
        Ok(left)
    }

    fn delete(&self, pool: &mut Pool<'_>, paths: &[RepoPath]) -> Result<(), ReleaseError> {
        pool.each(paths, &|session, _, path, _| {
            session.delete(&self.site.at(path)?)?;
            self.job.progress.deleted();
            Ok(())
        })
    }

    /// Looks once more at every file that was sent.
    fn check(&self, pool: &mut Pool<'_>) -> Result<(), ReleaseError> {
        self.job
            .progress
            .phase(Phase::Checking, self.plan.puts.len());
        pool.each(&self.plan.puts, &|session, _, file, _| {
            let found = session.size(&self.site.at(&file.path)?)?;
            self.job.progress.step();
            match found == Some(file.size) {
                true => Ok(()),
                false => Err(damaged(file, found)),
            }
        })
    }

    /// Replaces the manifest: from here on the release is done.
    fn write_manifest(
        &self,
        pool: &mut Pool<'_>,
        compared: &Compared,
        dirs: &BTreeSet<RepoPath>,
    ) -> Result<(), ReleaseError> {
        let mut contents: BTreeMap<RepoPath, Content> = kept(compared)
            .map(|(path, content)| (path.clone(), content.clone()))
            .collect();
        for parked in self.arrived.lock().map_err(died)?.values() {
            contents.insert(parked.path.clone(), parked.content.clone());
        }
        let order = self.job.order;
        let header = Header {
            repository: order.repository.0.clone(),
            refname: order.refname.to_string(),
            commit: order.commit,
            sequence: order.sequence,
            released: (self.job.setting.now)(),
        };
        let bytes = Manifest::new(header, self.job.listing, &contents, dirs)
            .and_then(|manifest| manifest.to_bytes())
            .map_err(ReleaseError::Objects)?;
        let name = self.site.manifest();
        let beside = RepoPath::new(b"manifest".to_vec());
        let mut tried: Vec<String> = Vec::new();
        pool.first(|session| {
            for temp in &tried {
                session.delete(temp)?;
            }
            let temp = self.temp(&beside, &format!("manifest-{}", tried.len()))?;
            self.journal.note(&Line::Temp(temp.clone()))?;
            tried.push(temp.clone());
            session.put(&temp, &bytes, FileKind::File, &|_| {})?;
            if session.size(&temp)? != Some(bytes.len() as u64) {
                return Err(ReleaseError::Manifest {
                    place: self.site.place.clone(),
                    why: "it arrived damaged".into(),
                });
            }
            session.rename(&temp, &name)
        })
    }

    /// Removes the temporary files of tries that failed, and of killed runs.
    fn sweep(&self, pool: &mut Pool<'_>) -> Result<(), ReleaseError> {
        let strays = self.strays.lock().map_err(died)?.clone();
        remove_temps(self.site, pool, &strays.iter().collect::<Vec<_>>())
    }
}

fn damaged(file: &ReleaseFile, found: Option<u64>) -> ReleaseError {
    ReleaseError::Damaged {
        path: file.path.clone(),
        found: found.map_or("nothing".into(), |size| size.to_string()),
        expected: file.size,
    }
}
