//! Several connections at once, and trying again: the same step, on a new connection, a bounded
//! number of times.

use super::session::{Connector, Session};
use crate::release::{ReleaseError, Source};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// How long to wait before each try after the first, in milliseconds.
const WAITS: [u64; 4] = [0, 250, 1000, 4000];

/// One connection and what its steps need.
pub(super) struct Worker {
    session: Option<Box<dyn Session>>,
    source: Source,
}

/// The connections of a run.
pub(super) struct Pool<'a> {
    connector: &'a dyn Connector,
    workers: Vec<Worker>,
}

/// A step: on a connection, with the repository's objects, at the given try (from 0).
type Step<'a, T> =
    dyn Fn(&mut dyn Session, &Source, &T, u32) -> Result<(), ReleaseError> + Sync + 'a;

impl<'a> Pool<'a> {
    /// A pool of as many sessions as the connector finds worth while, none of them open yet.
    pub(super) fn new(connector: &'a dyn Connector, git_dir: &Path) -> Result<Self, ReleaseError> {
        let worker = |_| {
            Source::open(git_dir).map(|source| Worker {
                session: None,
                source,
            })
        };
        Ok(Self {
            connector,
            workers: (0..connector.sessions().max(1))
                .map(worker)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Does something on the first connection.
    pub(super) fn first<T>(
        &mut self,
        mut step: impl FnMut(&mut dyn Session) -> Result<T, ReleaseError>,
    ) -> Result<T, ReleaseError> {
        let stop = AtomicBool::new(false);
        let Some(worker) = self.workers.first_mut() else {
            return Err(ReleaseError::Objects("there is no connection".into()));
        };
        worker.try_hard(self.connector, &stop, |session, _, _| step(session))
    }

    /// Does a step for every item, on as many connections as there are. The first error that
    /// trying again does not mend stops all of them.
    pub(super) fn each<T: Sync>(
        &mut self,
        items: &[T],
        step: &Step<'_, T>,
    ) -> Result<(), ReleaseError> {
        let shared = Shared {
            connector: self.connector,
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            failure: Mutex::new(None),
        };
        // Opening a connection takes about as long as sending a file, and on some sites seconds.
        let open = self
            .workers
            .iter()
            .filter(|worker| worker.session.is_some())
            .count();
        let worthwhile = open.max(items.len().div_ceil(2)).min(items.len());
        let busy = self.workers.len().min(worthwhile);
        std::thread::scope(|scope| {
            let mut workers = self.workers.iter_mut().take(busy);
            let first = workers.next();
            for worker in workers {
                let shared = &shared;
                scope.spawn(move || {
                    // A site may allow fewer connections than the policy: the others carry on.
                    if worker.connect(shared.connector).is_ok() {
                        shared.work(worker, items, step);
                    }
                });
            }
            if let Some(worker) = first {
                shared.work(worker, items, step);
            }
        });
        match shared.failure.into_inner() {
            Ok(None) => Ok(()),
            Ok(Some(error)) => Err(error),
            Err(_) => Err(ReleaseError::Objects("a connection's thread died".into())),
        }
    }
}

struct Shared<'a> {
    connector: &'a dyn Connector,
    next: AtomicUsize,
    stop: AtomicBool,
    failure: Mutex<Option<ReleaseError>>,
}

impl Shared<'_> {
    fn work<T>(&self, worker: &mut Worker, items: &[T], step: &Step<'_, T>) {
        while !self.stop.load(Ordering::Relaxed) {
            let Some(item) = items.get(self.next.fetch_add(1, Ordering::Relaxed)) else {
                return;
            };
            let done = worker.try_hard(self.connector, &self.stop, |session, source, attempt| {
                step(session, source, item, attempt)
            });
            if let Err(error) = done {
                self.stop.store(true, Ordering::Relaxed);
                if let Ok(mut failure) = self.failure.lock() {
                    failure.get_or_insert(error);
                }
            }
        }
    }
}

impl Worker {
    fn connect(&mut self, connector: &dyn Connector) -> Result<&mut dyn Session, ReleaseError> {
        match &mut self.session {
            Some(session) => Ok(session.as_mut()),
            none => Ok(none.insert(connector.connect()?).as_mut()),
        }
    }

    fn try_hard<T>(
        &mut self,
        connector: &dyn Connector,
        stop: &AtomicBool,
        mut step: impl FnMut(&mut dyn Session, &Source, u32) -> Result<T, ReleaseError>,
    ) -> Result<T, ReleaseError> {
        let mut attempt = 0;
        loop {
            let error = match self.once(connector, attempt, &mut step) {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            // Whatever went wrong, this connection is not to be relied upon any more.
            self.session = None;
            attempt += 1;
            let wait = WAITS.get(attempt as usize).filter(|_| error.is_transient());
            match wait {
                Some(wait) if !stop.load(Ordering::Relaxed) => {
                    std::thread::sleep(Duration::from_millis(*wait));
                }
                _ => return Err(error),
            }
        }
    }

    fn once<T>(
        &mut self,
        connector: &dyn Connector,
        attempt: u32,
        step: &mut impl FnMut(&mut dyn Session, &Source, u32) -> Result<T, ReleaseError>,
    ) -> Result<T, ReleaseError> {
        let session = match &mut self.session {
            Some(session) => session,
            none => none.insert(connector.connect()?),
        };
        step(session.as_mut(), &self.source, attempt)
    }
}
