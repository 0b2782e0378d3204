//! Asking GnuPG with a deadline: a program that hangs costs one refusal, never the push's end.
//!
//! The library cannot be interrupted, so each question is asked on a thread of its own. A thread
//! whose program hangs is left behind; it ends with the process, and so does its program's input.

use super::engine::{self, Scope};
use super::outcome::Outcome;
use gpgme::{Context, Protocol};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
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
        Err(silence) => Err(silent(limit, silence)),
    }
}

fn silent(limit: Duration, silence: RecvTimeoutError) -> String {
    match silence {
        RecvTimeoutError::Timeout => {
            format!("GnuPG did not answer within {} s", limit.as_secs())
        }
        RecvTimeoutError::Disconnected => "GnuPG's library gave up".to_owned(),
    }
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

impl State {
    /// The answer to one question, or why there will never be one.
    fn ask(&self, job: Job, limit: Duration) -> Result<Result<Outcome, String>, String> {
        let gone = RecvTimeoutError::Disconnected;
        match self {
            Self::Dead(why) => Err(why.clone()),
            Self::Idle => Err(silent(limit, gone)),
            Self::Running(link) => {
                link.jobs.send(job).map_err(|_| silent(limit, gone))?;
                let answer = link.answers.recv_timeout(limit);
                answer.map_err(|silence| silent(limit, silence))
            }
        }
    }
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
        match state.ask(job, self.limit) {
            Ok(answer) => answer,
            Err(why) => {
                *state = State::Dead(why.clone());
                Err(why)
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::gnupg::home;
    use std::fs::OpenOptions;
    use std::process::Command;
    use std::time::Instant;

    #[test]
    fn s_26_a_gpg_that_hangs_is_a_refusal_and_is_not_asked_again() {
        let dir = tempfile::tempdir().unwrap();
        home::prepare(dir.path()).unwrap();
        let folder = dir.path().join(home::OPENPGP);
        // A pipe that nobody writes to: whoever reads it waits for ever.
        let ring = folder.join("pubring.kbx");
        assert!(
            Command::new("mkfifo")
                .arg(&ring)
                .status()
                .unwrap()
                .success()
        );
        let worker = Worker::new(folder, Scope::OpenPgp, Duration::from_secs(1));
        let ask = || {
            let begin = Instant::now();
            let job = Job {
                // A signature packet of version 4: enough for gpg to look for its key.
                signature: vec![0x88, 10, 4, 0, 22, 8, 0, 0, 0, 0, 0, 0],
                payload: b"text".to_vec(),
            };
            (worker.verify(job).unwrap_err(), begin.elapsed())
        };
        let (why, took) = ask();
        assert!(why.contains("did not answer"), "{why}");
        assert!(
            took >= Duration::from_secs(1) && took < Duration::from_secs(10),
            "{took:?}"
        );
        let (again, took) = ask();
        assert_eq!(again, why);
        assert!(took < Duration::from_millis(500), "{took:?}");
        // Let it go: it reads the end of the pipe.
        drop(OpenOptions::new().write(true).open(&ring).unwrap());
    }

    #[test]
    fn work_that_takes_too_long_is_given_up() {
        let slow = with_deadline(Duration::from_millis(20), || {
            thread::sleep(Duration::from_secs(2));
            Ok(())
        });
        assert!(slow.unwrap_err().contains("did not answer"));
        assert_eq!(with_deadline(Duration::from_secs(10), || Ok(7)), Ok(7));
        let panics: Result<(), String> = with_deadline(Duration::from_secs(10), || panic!("x"));
        assert_eq!(panics.unwrap_err(), "GnuPG's library gave up");
    }
}
