//! Sending what each stream does not have yet.

use super::message::Message;
use super::state::{Desk, State, StreamError};
use super::{file, journald, syslog};
use crate::audit::{AuditLog, Event, Mark, StreamRecord, StreamState, read_raw};
use crate::facts::Store;
use crate::folder::Folder;
use crate::notify::{post, run_program};
use crate::policy::{Bundle, Stream, StreamPlace};
use crate::types::{StreamName, Timestamp};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

/// So many entries go in one batch.
const MOST: usize = 100;
/// And so many bytes of them, unless one alone is longer.
const MOST_BYTES: usize = 1 << 20;

/// The journal drops what comes faster than its limit (10,000 in 30 seconds by default), and does not
/// say so to the sender: between two batches is a rest.
const REST: Duration = Duration::from_millis(350);

/// Whether a stream that failed is tried before it is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eager {
    /// No.
    WhenDue,
    /// Yes: a person asked.
    Now,
}

/// How far a stream is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Its name.
    pub stream: StreamName,
    /// The last entry that arrived.
    pub sent: u64,
    /// Why it does not get through, and when it is tried again.
    pub trouble: Option<(String, Option<Timestamp>)>,
}

/// Sends what the streams of the policy in force do not have yet, for the repository at `git_dir`; how
/// far each is. Without streams it costs a look at the policy.
///
/// # Errors
/// As for [`pump`]; and when the policy cannot be read.
pub fn pump_at(git_dir: &Path) -> Result<Vec<Progress>, StreamError> {
    let unreadable = |error: &dyn std::fmt::Display| StreamError::Policy(error.to_string());
    let store = Store::open(git_dir).map_err(|error| unreadable(&error))?;
    let policy = store.policy().map_err(|error| unreadable(&error))?;
    let Some((_, bundle)) = policy.filter(|(_, bundle)| !bundle.policy.audit.streams.is_empty())
    else {
        return Ok(Vec::new());
    };
    let folder = Folder::open(store.git_dir()).map_err(|error| unreadable(&error))?;
    pump(folder.path(), &bundle, Eager::WhenDue)
}

/// Sends what each stream of the policy does not have yet, all streams at once; how far each is. One
/// that another process is at work for is left to it.
///
/// # Errors
/// When the log or a state cannot be read or written. What is wrong with a receiver is written down
/// with its stream, and is no error here.
pub fn pump(folder: &Path, bundle: &Bundle, eager: Eager) -> Result<Vec<Progress>, StreamError> {
    let one = |(name, stream)| {
        let work = Work {
            log: AuditLog::at(folder),
            folder,
            bundle,
            name,
            stream,
        };
        work.until_done(eager)
    };
    std::thread::scope(|scope| {
        let streams = bundle.policy.audit.streams.iter();
        let started: Vec<_> = streams
            .map(|stream| scope.spawn(move || one(stream)))
            .collect();
        let mut all = Vec::new();
        let mut failed = None;
        for thread in started {
            match thread.join() {
                Ok(Ok(progress)) => all.extend(progress),
                Ok(Err(error)) => failed = Some(error),
                // A panic of ours is shown where it happened; the cursor is where it was.
                Err(_) => {}
            }
        }
        failed.map_or(Ok(all), Err)
    })
}

/// The machine's clock, in whole seconds.
fn now() -> Timestamp {
    Timestamp::from_unix(jiff::Timestamp::now().as_second())
}

struct Work<'a> {
    log: AuditLog,
    folder: &'a Path,
    bundle: &'a Bundle,
    name: &'a StreamName,
    stream: &'a Stream,
}

impl Work<'_> {
    /// Sends until nothing is left or it fails. An entry that was appended while this had the stream's
    /// lock found it taken, so it is looked for once more after the lock is free.
    fn until_done(&self, eager: Eager) -> Result<Option<Progress>, StreamError> {
        loop {
            let Some(desk) = Desk::lock(self.folder, self.name)? else {
                return Ok(None);
            };
            let mut state = desk.state()?.unwrap_or_else(State::new);
            let due = state.retry_at.is_none_or(|at| at <= now());
            if due || eager == Eager::Now {
                self.send_all(&desk, &mut state)?;
            }
            drop(desk);
            if state.error.is_some() || self.log.last()?.seq <= state.mark.seq {
                return Ok(Some(Progress {
                    stream: self.name.clone(),
                    sent: state.mark.seq,
                    trouble: state.error.map(|error| (error, state.retry_at)),
                }));
            }
        }
    }

    fn send_all(&self, desk: &Desk, state: &mut State) -> Result<(), StreamError> {
        let size = self.log.last()?.seq;
        if state.mark.seq > size {
            let why = format!(
                "the log ends at entry {size}, and entry {} was sent: it is an old copy",
                state.mark.seq
            );
            return self.failed(desk, state, &why);
        }
        let key = self.log.key()?;
        let mut batch = Batch::default();
        let mut stopped = None;
        read_raw(&self.log, state.mark, |raw| {
            let message = Message::of(key.name(), raw, self.stream.names);
            let step = match message {
                Ok(message) => batch.add(message),
                Err(error) => {
                    stopped = Some(self.failed(desk, state, &error.to_string()));
                    return ControlFlow::Break(());
                }
            };
            if step == Room::Left {
                return ControlFlow::Continue(());
            }
            match self.batch(desk, state, &mut batch) {
                Ok(true) => {
                    self.rest();
                    ControlFlow::Continue(())
                }
                other => {
                    stopped = Some(other.map(drop));
                    ControlFlow::Break(())
                }
            }
        })?;
        match stopped {
            Some(stopped) => stopped,
            None => self.batch(desk, state, &mut batch).map(drop),
        }
    }

    fn rest(&self) {
        if let StreamPlace::Journald(_) = self.stream.place {
            std::thread::sleep(REST);
        }
    }

    /// Sends a batch, and moves the stream's place behind it; whether the receiver has it.
    fn batch(
        &self,
        desk: &Desk,
        state: &mut State,
        batch: &mut Batch,
    ) -> Result<bool, StreamError> {
        let messages = std::mem::take(batch).messages;
        let Some(last) = messages.last() else {
            return Ok(true);
        };
        if let Err(why) = self.send(&messages) {
            self.failed(desk, state, &why)?;
            return Ok(false);
        }
        let recovered = state.taken(Mark::behind(last.seq));
        // Its place is kept in any case: what arrived is not sent again because the log is full.
        let told = match recovered {
            true => self.tell(StreamState::Recovered, state.mark.seq, None),
            false => Ok(()),
        };
        desk.remember(state)?;
        told.map(|()| true)
    }

    fn failed(&self, desk: &Desk, state: &mut State, why: &str) -> Result<(), StreamError> {
        let tell = state.failed(why, now());
        let told = match tell {
            true => self.tell(StreamState::Failed, state.mark.seq, state.error.clone()),
            false => Ok(()),
        };
        desk.remember(state)?;
        told
    }

    fn tell(
        &self,
        state: StreamState,
        sent: u64,
        error: Option<String>,
    ) -> Result<(), StreamError> {
        let record = StreamRecord {
            stream: self.name.as_str().to_owned(),
            state,
            sent,
            error,
        };
        self.log.append(now(), Event::Stream(record))?;
        Ok(())
    }

    fn send(&self, messages: &[Message]) -> Result<(), String> {
        match &self.stream.place {
            StreamPlace::Journald(socket) => journald::send(socket, messages),
            StreamPlace::Syslog(to) => syslog::send(to, self.bundle, messages),
            StreamPlace::File(path) => file::send(path, messages),
            StreamPlace::Command(words) => {
                let (program, args) = words.split_first().ok_or("it has no words to run")?;
                run_program(Path::new(program), args, lines(messages))
            }
            StreamPlace::Webhook(webhook) => {
                let file = format!("stream-{}", self.name.as_str());
                let body = lines(messages);
                let kind = "application/x-ndjson";
                post(&file, webhook, self.bundle, self.folder, kind, &body)
            }
        }
    }
}

fn lines(messages: &[Message]) -> Vec<u8> {
    let mut lines = Vec::new();
    for message in messages {
        lines.extend(message.json(usize::MAX).into_bytes());
        lines.push(b'\n');
    }
    lines
}

/// Entries that are sent together.
#[derive(Default)]
struct Batch {
    messages: Vec<Message>,
    bytes: usize,
}

/// Whether a batch takes more.
#[derive(PartialEq, Eq)]
enum Room {
    Left,
    None,
}

impl Batch {
    fn add(&mut self, message: Message) -> Room {
        self.bytes += message.size();
        self.messages.push(message);
        match self.messages.len() < MOST && self.bytes < MOST_BYTES {
            true => Room::Left,
            false => Room::None,
        }
    }
}
