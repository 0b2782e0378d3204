//! Asking GnuPG with a deadline: a program that hangs costs one refusal, never the push's end.
//!
//! The library cannot be interrupted, so each question is asked on a thread of its own. A thread
//! whose program hangs is left behind; it ends with the process, and so does its program's input.

use super::engine::{self, Scope};
use super::outcome::Outcome;
use gpgme::{Context, Protocol};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How long one verification may take.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);

/// Runs `work` on a thread of its own and waits for it no longer than `limit`.
pub(super) fn with_deadline<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let (answer, answers) = channel();
    thread::Builder::new()
        .name("gnupg".to_owned())
        .spawn(move || drop(answer.send(work())))
        .map_err(|error| format!("no thread for GnuPG: {error}"))?;
    match answers.recv_timeout(limit) {
        Ok(result) => result,
        Err(_) => Err(silent(limit)),
    }
}

fn silent(limit: Duration) -> String {
    format!("GnuPG did not answer within {} s", limit.as_secs())
}

/// One detached signature to verify: the bytes without armor, and the text.
pub(super) struct Job {
    /// The signature, binary.
    pub(super) signature: Vec<u8>,
    /// The signed text.
    pub(super) payload: Vec<u8>,
}

impl Job {
    /// Verifies it with a context that is there.
    pub(super) fn run(self, context: &mut Context) -> Result<Outcome, String> {
        context
            .verify_detached(self.signature, self.payload)
            .map(|result| Outcome::of(&result))
            .map_err(|error| engine::text(&error))
    }
}

/// A thread that holds one OpenPGP context, so that GnuPG is asked for its version once and not
/// for each signature. Nothing is started before the first question.
#[derive(Debug)]
pub(super) struct Worker {
    home: PathBuf,
    scope: Scope,
    limit: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Idle,
    Running(Link),
    /// It has hung once; asking again would only wait as long again.
    Dead(String),
}

#[derive(Debug)]
struct Link {
    jobs: Sender<Job>,
    answers: Receiver<Result<Outcome, String>>,
}

impl Worker {
    /// A worker over the OpenPGP home `home`, not started yet.
    pub(super) fn new(home: PathBuf, scope: Scope, limit: Duration) -> Self {
        Self {
            home,
            scope,
            limit,
            state: Mutex::new(State::Idle),
        }
    }

    /// GnuPG's answer for one block.
    pub(super) fn verify(&self, job: Job) -> Result<Outcome, String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Idle) {
            *state = self.start();
        }
        let link = match &*state {
            State::Running(link) => link,
            State::Dead(why) => return Err(why.clone()),
            State::Idle => return Err(silent(self.limit)),
        };
        let sent = link.jobs.send(job).ok();
        let answer = sent.and_then(|()| link.answers.recv_timeout(self.limit).ok());
        answer.unwrap_or_else(|| {
            *state = State::Dead(silent(self.limit));
            Err(silent(self.limit))
        })
    }

    fn start(&self) -> State {
        let (jobs, work) = channel::<Job>();
        let (answer, answers) = channel();
        let (home, scope) = (self.home.clone(), self.scope);
        let started = thread::Builder::new()
            .name("gpg".to_owned())
            .spawn(move || {
                let mut context = engine::context(Protocol::OpenPgp, &home, scope);
                for job in work {
                    let result = match &mut context {
                        Ok(context) => job.run(context),
                        Err(why) => Err(why.clone()),
                    };
                    if answer.send(result).is_err() {
                        break;
                    }
                }
            });
        match started {
            Ok(_) => State::Running(Link { jobs, answers }),
            Err(error) => State::Dead(format!("no thread for GnuPG: {error}")),
        }
    }
}
