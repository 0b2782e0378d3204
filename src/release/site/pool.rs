//! Several connections at once, and trying again: the same step, on a new connection, a bounded
//! number of times. A site that allows fewer connections than the policy gets fewer.

use super::session::{Connector, Placing, Session};
use crate::release::{ReleaseError, Source};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long to wait before each try after the first, in milliseconds.
const WAITS: [u64; 4] = [0, 250, 1000, 4000];

/// One connection and what its steps need.
struct Worker {
    session: Option<Box<dyn Session>>,
    source: Source,
    /// Whether the site let it in so far.
    welcome: bool,
}

/// The connections of a run.
pub(in crate::release) struct Pool<'a> {
    connector: &'a dyn Connector,
    workers: Vec<Worker>,
}

/// A step: on a connection, with the repository's objects.
pub(in crate::release) type Step<'a, T> =
    dyn Fn(&mut dyn Session, &Source, &T) -> Result<(), ReleaseError> + Sync + 'a;

/// The same for several items, in their order.
type Batch<'a, T> = dyn Fn(&mut dyn Session, &[T]) -> Result<(), ReleaseError> + Sync + 'a;

/// Something that is asked of several paths.
type Question<'a, A> =
    dyn Fn(&mut dyn Session, &[String]) -> Result<Vec<A>, ReleaseError> + Sync + 'a;

impl<'a> Pool<'a> {
    /// A pool of as many sessions as the connector finds worth while, none of them open yet.
    pub(in crate::release) fn new(
        connector: &'a dyn Connector,
        git_dir: &Path,
    ) -> Result<Self, ReleaseError> {
        let worker = |_| {
            Source::open(git_dir).map(|source| Worker {
                session: None,
                source,
                welcome: true,
            })
        };
        Ok(Self {
            connector,
            workers: (0..connector.sessions().max(1))
                .map(worker)
                .collect::<Result<_, _>>()?,
        })
    }

    /// How files get to their places on this site.
    pub(super) fn placing(&self) -> Placing {
        self.connector.placing()
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
        // Opening a connection takes about as long as sending a file, and on some sites seconds.
        let worthwhile = self.open().max(items.len().div_ceil(2)).min(items.len());
        let shared = Shared {
            connector: self.connector,
            next: AtomicUsize::new(0),
            returned: Mutex::new(Vec::new()),
            stop: AtomicBool::new(false),
            failure: Mutex::new(None),
        };
        std::thread::scope(|scope| {
            let mut workers = self.workers.iter_mut();
            let first = workers.next();
            let others = workers.filter(|worker| worker.welcome);
            for worker in others.take(worthwhile.saturating_sub(1)) {
                let shared = &shared;
                scope.spawn(move || shared.help(worker, items, step));
            }
            if let Some(worker) = first {
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
            let done = worker.try_hard(self.connector, &self.stop, |session, source| {
                step(session, source, item)
            });
            if let Err(error) = done {
                self.fail(error);
            }
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
            match worker.once(self.connector, &mut |session, source| {
                step(session, source, item)
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
        mut step: impl FnMut(&mut dyn Session, &Source) -> Result<T, ReleaseError>,
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
        step: &mut impl FnMut(&mut dyn Session, &Source) -> Result<T, ReleaseError>,
    ) -> Result<T, ReleaseError> {
        let session = match &mut self.session {
            Some(session) => session,
            none => none.insert(connector.connect()?),
        };
        step(session.as_mut(), &self.source)
    }
}

/// Waits so many milliseconds, or less if all is to stop.
fn pause(wait: u64, stop: &AtomicBool) {
    let until = Instant::now() + Duration::from_millis(wait);
    while Instant::now() < until && !stop.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(10));
    }
}
