//! Where each notifier is in the audit log, and bringing it further.

use super::{Notice, mail, program, webhook};
use crate::audit::{AuditError, DriftRecord, Entry, Event, Mark, ReleaseState, read_on};
use crate::folder::{private_dir, replace_file};
use crate::ledger::LedgerError;
use crate::policy::{Bundle, Channel, Notifier, POLICY_REF};
use crate::server::Server;
use crate::types::{NotifierName, Oid, RefName, Seconds, Timestamp, hex};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What the first field of a state says.
const SCHEMA: &str = "relhook/notify-state/v1";

/// How long after the first, second, … failure in a row it is tried again, in seconds; the last
/// holds for all that follow.
const WAITS: [u64; 5] = [30, 120, 600, 3600, 6 * 3600];

/// What is older than this is not told any more, in seconds: a week.
const STALE: Seconds = Seconds(7 * 24 * 3600);

/// So many notices are delivered in one go.
const MOST: u32 = 50;

/// Why nothing could even be tried.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The log cannot be read.
    #[error("the log cannot be used: {0}")]
    Audit(#[from] AuditError),
    /// The ledger cannot be read.
    #[error("the ledger cannot be used: {0}")]
    Ledger(#[from] LedgerError),
    /// A file of the notifier's cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A notifier that does not get through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Troubled {
    /// Its name.
    pub notifier: NotifierName,
    /// How many times in a row it failed.
    pub failures: u32,
    /// Why, the last time.
    pub error: String,
    /// When it is tried again.
    pub retry_at: Option<Timestamp>,
    /// How many notices were too old in the end.
    pub lost: u64,
}

/// Where a notifier is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    schema: String,
    /// Everything up to here was delivered.
    mark: Mark,
    failures: u32,
    retry_at: Option<Timestamp>,
    error: Option<String>,
    /// Notices that were too old when they could have been delivered.
    lost: u64,
    /// What was told last of changes by hand, by target: the hash of it. It is told again when it is
    /// something else, or when a release has been there since.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    drift: BTreeMap<String, String>,
}

/// Delivers what is to be told by every notifier of the policy; when the next try is due, if one
/// failed. A notifier that another process is at work for is left to it.
///
/// # Errors
/// When the log or a state cannot be read or written. What is wrong with a notifier itself is
/// written down with it, and is no error here.
pub fn deliver(
    server: &Server,
    policy: Oid,
    bundle: &Bundle,
    now: Timestamp,
) -> Result<Option<Timestamp>, NotifyError> {
    let mut due = None;
    for (name, notifier) in &bundle.policy.notify {
        let folder = server.folder.path();
        let Some(desk) = Desk::lock(folder, name)? else {
            continue;
        };
        let mut state = match desk.state()? {
            Some(state) => state,
            None => State::from(first(server, policy)?),
        };
        if state.retry_at.is_none_or(|at| at <= now) {
            let work = Work {
                server,
                bundle,
                name,
                notifier,
                now,
            };
            work.deliver(&desk, &mut state)?;
        }
        due = [due, state.retry_at].into_iter().flatten().min();
    }
    Ok(due)
}

/// The notifiers of the policy that do not get through.
///
/// # Errors
/// When a state cannot be read.
pub fn troubled(folder: &Path, bundle: &Bundle) -> Result<Vec<Troubled>, NotifyError> {
    let mut all = Vec::new();
    for name in bundle.policy.notify.keys() {
        let Some(state) = Desk::at(folder, name).state()? else {
            continue;
        };
        if let Some(error) = state.error {
            all.push(Troubled {
                notifier: name.clone(),
                failures: state.failures,
                error,
                retry_at: state.retry_at,
                lost: state.lost,
            });
        }
    }
    Ok(all)
}

/// Where a notifier begins: behind what brought in the policy, so that a new one is not told
/// what was before it.
fn first(server: &Server, policy: Oid) -> Result<u64, NotifyError> {
    let Ok(name) = RefName::new(POLICY_REF.as_bytes()) else {
        return Ok(0);
    };
    let record = server.ledger()?.record(&name)?;
    Ok(record.accepted_by(policy).unwrap_or(0))
}

struct Work<'a> {
    server: &'a Server,
    bundle: &'a Bundle,
    name: &'a NotifierName,
    notifier: &'a Notifier,
    now: Timestamp,
}

impl Work<'_> {
    fn deliver(&self, desk: &Desk, state: &mut State) -> Result<(), NotifyError> {
        let mut told = 0;
        let mut unkept = None;
        let repository = &self.bundle.policy.repository.0;
        let from = state.mark;
        read_on(&self.server.log, from, |entry, mark| {
            let notices = Notice::of(repository, entry).into_iter();
            let notices = notices.filter(|(kind, _)| self.notifier.is_told(*kind));
            let knows = state.knows(entry);
            for (_, notice) in notices.filter(|_| !knows) {
                if entry.time.plus(STALE) < self.now {
                    state.lost += 1;
                } else if told >= MOST {
                    // The rest is for the next time, which is soon.
                    state.retry_at = Some(self.now.plus(Seconds(1)));
                    return ControlFlow::Break(());
                } else if let Err(why) = self.tell(&notice) {
                    self.failed(state, why);
                    return ControlFlow::Break(());
                } else {
                    told += 1;
                    state.failures = 0;
                    state.retry_at = None;
                    state.error = None;
                }
            }
            state.learn(entry);
            state.mark = mark;
            // What was delivered is not delivered again because of a kill just now.
            if told > 0
                && let Err(error) = desk.remember(state)
            {
                unkept = Some(error);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        match unkept {
            Some(error) => Err(error),
            None => desk.remember(state),
        }
    }

    fn failed(&self, state: &mut State, why: String) {
        let place = state.failures as usize;
        let wait = WAITS.get(place).or(WAITS.last()).copied().unwrap_or(0);
        state.failures = state.failures.saturating_add(1);
        state.retry_at = Some(self.now.plus(Seconds(wait)));
        state.error = Some(crate::types::escape(why.as_bytes()));
    }

    fn tell(&self, notice: &Notice) -> Result<(), String> {
        match &self.notifier.channel {
            Channel::Mail(mail) => mail::send(mail, notice),
            Channel::Webhook(webhook) => {
                let folder = self.server.folder.path();
                webhook::send(self.name, webhook, self.bundle, folder, notice)
            }
            Channel::Command(words) => {
                let (program, args) = words.split_first().ok_or("it has no words to run")?;
                let input = serde_json::to_vec(notice).map_err(|error| error.to_string())?;
                program::run(Path::new(program), args, input)
            }
        }
    }
}

impl State {
    /// Whether an entry tells of changes by hand that were told already.
    fn knows(&self, entry: &Entry) -> bool {
        match &entry.event {
            Event::Drift(record) => self.drift.get(&record.target) == Some(&print(record)),
            Event::Begun { .. }
            | Event::Pinned(_)
            | Event::Verdict(_)
            | Event::Refused { .. }
            | Event::Release(_)
            | Event::Course(_)
            | Event::Debt(_)
            | Event::Moved(_)
            | Event::Heartbeat(_)
            | Event::Migrated { .. }
            | Event::Redacted(_)
            | Event::Read(_)
            | Event::Stream(_)
            | Event::Long { .. }
            | Event::Recovered { .. } => false,
        }
    }

    /// Keeps what an entry that was dealt with says of changes by hand.
    fn learn(&mut self, entry: &Entry) {
        match &entry.event {
            Event::Drift(record) => {
                self.drift.insert(record.target.clone(), print(record));
            }
            Event::Release(record) if record.state == ReleaseState::Finished => {
                self.drift.remove(&record.target);
            }
            Event::Begun { .. }
            | Event::Pinned(_)
            | Event::Verdict(_)
            | Event::Refused { .. }
            | Event::Release(_)
            | Event::Course(_)
            | Event::Debt(_)
            | Event::Moved(_)
            | Event::Heartbeat(_)
            | Event::Migrated { .. }
            | Event::Redacted(_)
            | Event::Read(_)
            | Event::Stream(_)
            | Event::Long { .. }
            | Event::Recovered { .. } => {}
        }
    }

    fn from(seq: u64) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            mark: Mark::behind(seq),
            failures: 0,
            retry_at: None,
            error: None,
            lost: 0,
            drift: BTreeMap::new(),
        }
    }
}

/// What tells one finding from another: how deep it looked does not.
fn print(record: &DriftRecord) -> String {
    let mut hasher = Sha256::new();
    let head = format!("{} {} {}", record.commit, record.sequence, record.more);
    hasher.update(head.as_bytes());
    for one in &record.found {
        for part in [&one.what, &one.path, &one.how] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
    }
    hex(&hasher.finalize())
}

/// The files of one notifier.
struct Desk {
    path: PathBuf,
    _lock: Option<File>,
}

impl Desk {
    fn at(folder: &Path, name: &NotifierName) -> Self {
        Self {
            path: folder
                .join("notify")
                .join(format!("{}.json", name.as_str())),
            _lock: None,
        }
    }

    /// Takes the notifier's lock; nothing if somebody else has it.
    fn lock(folder: &Path, name: &NotifierName) -> Result<Option<Self>, NotifyError> {
        let mut desk = Self::at(folder, name);
        let path = desk.path.with_extension("lock");
        let fail = |source| NotifyError::Io {
            path: path.clone(),
            source,
        };
        private_dir(&folder.join("notify")).map_err(fail)?;
        let lock = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(fail)?;
        match lock.try_lock() {
            Ok(()) => {
                desk._lock = Some(lock);
                Ok(Some(desk))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(fail(error)),
        }
    }

    fn fail(&self, source: io::Error) -> NotifyError {
        NotifyError::Io {
            path: self.path.clone(),
            source,
        }
    }

    fn state(&self) -> Result<Option<State>, NotifyError> {
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.fail(error)),
        };
        let state: State =
            serde_json::from_slice(&bytes).map_err(|error| self.fail(error.into()))?;
        if state.schema == SCHEMA {
            Ok(Some(state))
        } else {
            Err(self.fail(io::Error::other("it has another schema")))
        }
    }

    fn remember(&self, state: &State) -> Result<(), NotifyError> {
        serde_json::to_vec_pretty(state)
            .map_err(io::Error::from)
            .and_then(|bytes| replace_file(&self.path, &bytes))
            .map_err(|error| self.fail(error))
    }
}
