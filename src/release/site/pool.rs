//! Several connections at once, and trying again: the same step, on a new connection, a bounded
//! number of times. A site that allows fewer connections than the policy gets fewer.

use super::session::{Connector, Placing, Session};
use crate::release::{ReleaseError, ReleaseFile, Source};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// How long to wait before each try after the first, in milliseconds.
const WAITS: [u64; 4] = [0, 250, 1000, 4000];

/// How many times longer than opening a connection the steps have to take for one more to be opened.
const WORTH: u32 = 2;

/// How long one is taken to take to open where none was opened yet.
const UNKNOWN: Duration = Duration::from_millis(500);

/// The repository's objects, opened when the first of them is read.
pub(in crate::release) struct Objects {
    git_dir: PathBuf,
    source: OnceCell<Source>,
}

impl Objects {
    fn new(git_dir: &Path) -> Self {
        Self {
            git_dir: git_dir.to_owned(),
            source: OnceCell::new(),
        }
    }

    /// A released file's whole content.
    ///
    /// # Errors
    /// When it cannot be read, or is not what the listing says.
    pub(in crate::release) fn content(&self, file: &ReleaseFile) -> Result<Vec<u8>, ReleaseError> {
        if let Some(source) = self.source.get() {
            return source.content(file);
        }
        let source = Source::open(&self.git_dir)?;
        self.source.get_or_init(|| source).content(file)
    }
}

/// One connection and what its steps need.
struct Worker {
    session: Option<Box<dyn Session>>,
    objects: Objects,
    /// Whether the site let it in so far.
    welcome: bool,
    /// How long its last connection took to open.
    opening: Option<Duration>,
}

/// The connections of a run.
pub(in crate::release) struct Pool<'a> {
    connector: &'a dyn Connector,
    workers: Vec<Worker>,
}

/// A step: on a connection, with the repository's objects.
pub(in crate::release) type Step<'a, T> =
    dyn Fn(&mut dyn Session, &Objects, &T) -> Result<(), ReleaseError> + Sync + 'a;

/// The same for several items, in their order.
type Batch<'a, T> = dyn Fn(&mut dyn Session, &[T]) -> Result<(), ReleaseError> + Sync + 'a;

/// Something that is asked of several paths.
type Question<'a, A> =
    dyn Fn(&mut dyn Session, &[String]) -> Result<Vec<A>, ReleaseError> + Sync + 'a;

impl<'a> Pool<'a> {
    /// A pool of as many sessions as the connector finds worth while, none of them open yet.
    pub(in crate::release) fn new(connector: &'a dyn Connector, git_dir: &Path) -> Self {
        let worker = |_| Worker {
            session: None,
            objects: Objects::new(git_dir),
            welcome: true,
            opening: None,
        };
        Self {
            connector,
            workers: (0..connector.sessions().max(1)).map(worker).collect(),
        }
    }

    /// How files get to their places on this site.
    pub(super) fn placing(&self) -> Placing {
        self.connector.placing()
    }

    /// Whether the site may copy its own files.
    pub(super) fn copies(&self) -> bool {
        self.connector.copies()
    }

    /// What whoever looks after the site has to know of it.
    pub(super) fn notice(&self) -> Option<String> {
        self.connector.notice()
    }

    /// Does something on the first connection.
    pub(in crate::release) fn first<T>(
        &mut self,
        mut step: impl FnMut(&mut dyn Session) -> Result<T, ReleaseError>,
    ) -> Result<T, ReleaseError> {
        let stop = AtomicBool::new(false);
        let Some(worker) = self.workers.first_mut() else {
            return Err(ReleaseError::Objects("there is no connection".into()));
        };
        worker.try_hard(self.connector, &stop, |session, _| step(session))
    }

    /// Does a step for every item, on as many connections as there are. The first error that
    /// trying again does not mend stops all of them.
    pub(in crate::release) fn each<T: Sync>(
        &mut self,
        items: &[T],
        step: &Step<'_, T>,
    ) -> Result<(), ReleaseError> {
        let shared = Shared {
            connector: self.connector,
            next: AtomicUsize::new(0),
            returned: Mutex::new(Vec::new()),
            stop: AtomicBool::new(false),
            failure: Mutex::new(None),
        };
        let room = self.room(items.len());
        let gate = Gate::new(room);
        std::thread::scope(|scope| {
            let mut workers = self.workers.iter_mut();
            let first = workers.next();
            let others = workers.filter(|worker| worker.welcome);
            for (at, worker) in others
                .take(room.most.min(items.len()).saturating_sub(1))
                .enumerate()
            {
                let (shared, gate) = (&shared, &gate);
                scope.spawn(move || {
                    if worker.session.is_some() || gate.lets(at + 2) {
                        shared.help(worker, items, step);
                    }
                });
            }
            if let Some(worker) = first {
                let began = Instant::now();
                shared.work_once(worker, items, step);
                gate.decide(began.elapsed(), items.len().saturating_sub(1));
                shared.work(worker, items, step);
            }
        });
        // What others gave back when the site sent them away.
        if let Some(first) = self.workers.first_mut() {
            shared.work(first, items, step);
        }
        match shared.failure.into_inner() {
            Ok(None) => Ok(()),
            Ok(Some(error)) => Err(error),
            Err(_) => Err(died()),
        }
    }

    /// How many connections these items may be worth at most, how many of those are open, and how long one
    /// takes to open, where that is known.
    fn room(&self, items: usize) -> Room {
        let open = self.open().max(1);
        let opening = match self.connector.shares() {
            true => Some(Duration::ZERO),
            false => self.workers.iter().find_map(|worker| worker.opening),
        };
        Room {
            open,
            most: items.div_ceil(2).min(self.workers.len()).max(open),
            opening,
        }
    }

    /// Does a step for items in batches that one session can have under way at once, in their order
    /// within a batch.
    pub(super) fn batches<T: Sync>(
        &mut self,
        items: &[T],
        step: &Batch<'_, T>,
    ) -> Result<(), ReleaseError> {
        let share = items.len().div_ceil(self.open().max(1));
        let size = share.clamp(1, self.connector.ahead().max(1));
        let batches: Vec<&[T]> = items.chunks(size).collect();
        self.each(&batches, &|session, _, batch| step(session, batch))
    }

    /// The sizes of files, in their order.
    pub(super) fn sizes(&mut self, paths: &[String]) -> Result<Vec<Option<u64>>, ReleaseError> {
        self.ask(paths, &|session, paths| session.sizes(paths))
    }

    /// Whether directories are there, in their order.
    pub(super) fn are_dirs(&mut self, paths: &[String]) -> Result<Vec<bool>, ReleaseError> {
        self.ask(paths, &|session, paths| session.are_dirs(paths))
    }

    fn ask<A: Send>(
        &mut self,
        paths: &[String],
        question: &Question<'_, A>,
    ) -> Result<Vec<A>, ReleaseError> {
        let found = Mutex::new(BTreeMap::new());
        let places: Vec<(usize, String)> = paths.iter().cloned().enumerate().collect();
        self.batches(&places, &|session, batch| {
            let paths: Vec<String> = batch.iter().map(|(_, path)| path.clone()).collect();
            let answers = question(session, &paths)?;
            if answers.len() != batch.len() {
                return Err(ReleaseError::Objects("an answer is missing".into()));
            }
            let places = batch.iter().map(|(at, _)| *at);
            found
                .lock()
                .map_err(|_| died())?
                .extend(places.zip(answers));
            Ok(())
        })?;
        found
            .into_inner()
            .map(|found| found.into_values().collect())
            .map_err(|_| died())
    }

    fn open(&self) -> usize {
        let open = |worker: &&Worker| worker.session.is_some();
        self.workers.iter().filter(open).count()
    }
}

/// How many connections there may be.
#[derive(Debug, Clone, Copy)]
struct Room {
    open: usize,
    most: usize,
    opening: Option<Duration>,
}

impl Room {
    /// How many connections are worth while for so many steps that take as long as this one: so many
    /// that each works for longer than it took to open it.
    fn worthwhile(&self, step: Duration, left: usize) -> usize {
        let opening = self.opening.unwrap_or(UNKNOWN) * WORTH;
        let all = step.saturating_mul(u32::try_from(left).unwrap_or(u32::MAX));
        let fit = match opening.is_zero() {
            true => self.most,
            false => usize::try_from(all.as_nanos() / opening.as_nanos()).unwrap_or(self.most),
        };
        fit.clamp(self.open, self.most)
    }
}

/// Where further connections wait until it is known whether they are worth while: opening one takes about
/// as long as sending a file, and on some sites seconds.
struct Gate {
    room: Room,
    worthwhile: Mutex<Option<usize>>,
    decided: Condvar,
}

impl Gate {
    fn new(room: Room) -> Self {
        let free = room.opening.is_some_and(|opening| opening.is_zero());
        Self {
            room,
            worthwhile: Mutex::new(free.then_some(room.most)),
            decided: Condvar::new(),
        }
    }

    /// The first step took so long, and so many are left.
    fn decide(&self, step: Duration, left: usize) {
        if let Ok(mut worthwhile) = self.worthwhile.lock() {
            worthwhile.get_or_insert(self.room.worthwhile(step, left));
        }
        self.decided.notify_all();
    }

    /// Whether the connection of this number is worth while. A first step that takes long says so too.
    fn lets(&self, number: usize) -> bool {
        let patience = self.room.opening.unwrap_or(UNKNOWN) * WORTH;
        let Ok(worthwhile) = self.worthwhile.lock() else {
            return false;
        };
        let waited = self
            .decided
            .wait_timeout_while(worthwhile, patience, |worthwhile| worthwhile.is_none());
        match waited {
            Ok((worthwhile, _)) => worthwhile.is_none_or(|count| number <= count),
            Err(_) => false,
        }
    }
}

fn died() -> ReleaseError {
    ReleaseError::Objects("a connection's thread died".into())
}

struct Shared<'a> {
    connector: &'a dyn Connector,
    next: AtomicUsize,
    /// Items that a connection took and did not do, since the site sent it away.
    returned: Mutex<Vec<usize>>,
    stop: AtomicBool,
    failure: Mutex<Option<ReleaseError>>,
}

impl Shared<'_> {
    fn take(&self) -> Option<usize> {
        match self.returned.lock().ok()?.pop() {
            Some(at) => Some(at),
            None => Some(self.next.fetch_add(1, Ordering::Relaxed)),
        }
    }

    fn work<T>(&self, worker: &mut Worker, items: &[T], step: &Step<'_, T>) {
        while !self.stop.load(Ordering::Relaxed) {
            let Some(item) = self.take().and_then(|at| items.get(at)) else {
                return;
            };
            self.do_one(worker, item, step);
        }
    }

    /// The same for one item.
    fn work_once<T>(&self, worker: &mut Worker, items: &[T], step: &Step<'_, T>) {
        if let Some(item) = self.take().and_then(|at| items.get(at)) {
            self.do_one(worker, item, step);
        }
    }

    fn do_one<T>(&self, worker: &mut Worker, item: &T, step: &Step<'_, T>) {
        let done = worker.try_hard(self.connector, &self.stop, |session, objects| {
            step(session, objects, item)
        });
        if let Err(error) = done {
            self.fail(error);
        }
    }

    /// The same beside the first connection. A site may allow fewer connections than the policy, at
    /// once or after a while; then the others carry on.
    fn help<T>(&self, worker: &mut Worker, items: &[T], step: &Step<'_, T>) {
        let mut tries = 0;
        while !self.stop.load(Ordering::Relaxed) && tries < WAITS.len() {
            if !worker.joins(self.connector, &self.stop) {
                return;
            }
            let Some(at) = self.take() else { return };
            let Some(item) = items.get(at) else { return };
            match worker.once(self.connector, &mut |session, objects| {
                step(session, objects, item)
            }) {
                Ok(()) => tries = 0,
                Err(error) => {
                    worker.session = None;
                    tries += 1;
                    self.give_back(at, error);
                }
            }
        }
    }

    /// Another connection may do it, or the first one, which tries harder.
    fn give_back(&self, at: usize, error: ReleaseError) {
        if !error.is_transient() {
            return self.fail(error);
        }
        match self.returned.lock() {
            Ok(mut returned) => returned.push(at),
            Err(_) => self.fail(died()),
        }
    }

    fn fail(&self, error: ReleaseError) {
        self.stop.store(true, Ordering::Relaxed);
        if let Ok(mut failure) = self.failure.lock() {
            failure.get_or_insert(error);
        }
    }
}

impl Worker {
    /// Whether this connection can take part.
    fn joins(&mut self, connector: &dyn Connector, stop: &AtomicBool) -> bool {
        for wait in WAITS {
            if self.session.is_some() {
                return true;
            }
            pause(wait, stop);
            match connector.connect() {
                Ok(session) => self.session = Some(session),
                Err(error @ ReleaseError::Unreachable { .. }) if error.is_transient() => {}
                // The site's own word: it will say no more often if it is asked more often.
                Err(_) => {
                    self.welcome = false;
                    return false;
                }
            }
        }
        self.session.is_some()
    }

    fn try_hard<T>(
        &mut self,
        connector: &dyn Connector,
        stop: &AtomicBool,
        mut step: impl FnMut(&mut dyn Session, &Objects) -> Result<T, ReleaseError>,
    ) -> Result<T, ReleaseError> {
        let mut attempt = 0;
        loop {
            let error = match self.once(connector, &mut step) {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            // Whatever went wrong, this connection is not to be relied upon any more.
            self.session = None;
            attempt += 1;
            let wait = WAITS.get(attempt).filter(|_| error.is_transient());
            match wait {
                Some(wait) if !stop.load(Ordering::Relaxed) => pause(*wait, stop),
                _ => return Err(error),
            }
        }
    }

    fn once<T>(
        &mut self,
        connector: &dyn Connector,
        step: &mut impl FnMut(&mut dyn Session, &Objects) -> Result<T, ReleaseError>,
    ) -> Result<T, ReleaseError> {
        let session = match &mut self.session {
            Some(session) => session,
            none => {
                let began = Instant::now();
                let session = connector.connect()?;
                self.opening = Some(began.elapsed());
                none.insert(session)
            }
        };
        step(session.as_mut(), &self.objects)
    }
}

/// Waits so many milliseconds, or less if all is to stop.
fn pause(wait: u64, stop: &AtomicBool) {
    let until = Instant::now() + Duration::from_millis(wait);
    while Instant::now() < until && !stop.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(opening: u64) -> Room {
        Room {
            open: 1,
            most: 8,
            opening: Some(Duration::from_millis(opening)),
        }
    }

    #[test]
    fn connections_are_opened_where_they_work_for_longer_than_they_take_to_open() {
        let step = Duration::from_millis(80);
        assert_eq!(room(120).worthwhile(step, 19), 6);
        assert_eq!(room(120).worthwhile(step, 2_000), 8);
        assert_eq!(room(3_000).worthwhile(step, 19), 1);
        assert_eq!(room(4).worthwhile(Duration::from_millis(1), 19), 2);
        assert_eq!(room(0).worthwhile(Duration::ZERO, 1), 8);
        let open = Room {
            open: 3,
            ..room(3_000)
        };
        assert_eq!(open.worthwhile(step, 19), 3);
    }

    #[test]
    fn a_long_first_step_lets_the_others_begin() {
        let gate = Gate::new(room(10));
        assert!(gate.lets(8));
        gate.decide(Duration::from_millis(1), 19);
        assert!(gate.lets(1) && !gate.lets(2));
    }
}
