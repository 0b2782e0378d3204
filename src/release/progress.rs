//! What a running release is doing: a small file that is replaced as a whole, for whoever watches.

use super::desk::{Desk, read_capped};
use super::order::Totals;
use super::plan::Plan;
use super::retry;
use super::stages::Admission;
use super::{Order, ReleaseError};
use crate::folder::take_place;
use crate::types::{Oid, TargetName};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The file's name.
const FILE: &str = "progress";

/// The largest file that is read, in bytes.
const LIMIT: u64 = 64 * 1024;

/// The shortest time between two writes within a phase.
const PACE: Duration = Duration::from_millis(100);

/// What a release is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Looking at what the target holds.
    Comparing,
    /// Sending files under temporary names.
    Sending,
    /// Putting them into place.
    Moving,
    /// Removing what is no longer wanted.
    Deleting,
    /// Looking at what arrived.
    Checking,
    /// Not begun: targets of an earlier stage come first.
    Waiting,
    /// Not begun: something holds it.
    Held,
    /// Done.
    Finished,
    /// Stopped.
    Failed,
}

impl Phase {
    /// Whether nothing follows.
    #[must_use]
    pub fn is_last(self) -> bool {
        match self {
            Self::Finished | Self::Failed | Self::Held => true,
            Self::Waiting
            | Self::Comparing
            | Self::Sending
            | Self::Moving
            | Self::Deleting
            | Self::Checking => false,
        }
    }
}

/// One state of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// Which run it is of: a number of its own, so that a run is told from those before it.
    pub run: u64,
    /// The commit.
    pub commit: Oid,
    /// The number of the audit entry that accepted it.
    pub sequence: u64,
    /// What it is at.
    pub phase: Phase,
    /// How many steps of the phase are done.
    pub done: u64,
    /// How many there are.
    pub of: u64,
    /// What has been done in all.
    pub totals: Totals,
    /// What is to be done in all, once it is known.
    pub planned: Option<Planned>,
    /// The code of the error, if it failed.
    pub code: Option<String>,
    /// The sentence, if it failed.
    pub error: Option<String>,
    /// What to do about it, if it failed.
    pub hints: Vec<String>,
    /// What it waits for, if it has not begun; else the last word of a program that carries it out,
    /// escaped.
    pub note: Option<String>,
    /// What somebody has to know of the target since, escaped.
    #[serde(default)]
    pub notice: Option<String>,
}

/// What a release is to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// So many files.
    pub files: u64,
    /// With so many bytes of content.
    pub bytes: u64,
}

/// Counts, and lets others see.
///
/// Nobody's release fails because its progress cannot be shown, so errors in here are left out.
#[derive(Debug)]
pub(in crate::release) struct Progress {
    /// Where it is shown, if it is.
    path: Option<PathBuf>,
    target: TargetName,
    uploaded: AtomicU64,
    deleted: AtomicU64,
    unchanged: AtomicU64,
    bytes: AtomicU64,
    shown: Mutex<Shown>,
}

#[derive(Debug)]
struct Shown {
    snapshot: Snapshot,
    written: Instant,
}

impl Progress {
    /// Progress that others can see.
    pub(in crate::release) fn begin(desk: &Desk, order: &Order) -> Self {
        let progress = Self::unseen(order);
        let progress = Self {
            path: Some(desk.file(FILE)),
            ..progress
        };
        progress.update(Show::Now, |_| {});
        progress
    }

    /// Progress of something that is no release.
    pub(in crate::release) fn unseen(order: &Order) -> Self {
        let snapshot = Snapshot {
            run: retry::chance(),
            commit: order.commit,
            sequence: order.sequence,
            phase: Phase::Comparing,
            done: 0,
            of: 0,
            totals: Totals::default(),
            planned: None,
            code: None,
            error: None,
            hints: Vec::new(),
            note: None,
            notice: None,
        };
        Self {
            path: None,
            target: order.target.name.clone(),
            uploaded: AtomicU64::new(0),
            deleted: AtomicU64::new(0),
            unchanged: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            shown: Mutex::new(Shown {
                snapshot,
                written: Instant::now(),
            }),
        }
    }

    /// Shows that the order may not be carried out yet, and why.
    pub(in crate::release) fn held(desk: &Desk, order: &Order, why: &Admission) {
        let progress = Self::begin(desk, order);
        let waits = matches!(why, Admission::Waiting { .. });
        progress.update(Show::Now, |snapshot| {
            snapshot.phase = if waits { Phase::Waiting } else { Phase::Held };
            snapshot.note = Some(why.to_string());
        });
    }

    /// A run has nothing to do: what was last shown holds, for those who wait for this run.
    pub(in crate::release) fn again(desk: &Desk) {
        let path = desk.file(FILE);
        if let Some(mut last) = read(&path) {
            last.run = retry::chance();
            write(&path, &last);
        }
    }

    /// What has been done so far.
    pub(in crate::release) fn totals(&self) -> Totals {
        Totals {
            uploaded: self.uploaded.load(Ordering::Relaxed),
            deleted: self.deleted.load(Ordering::Relaxed),
            unchanged: self.unchanged.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }

    /// A phase of `of` steps begins.
    pub(in crate::release) fn phase(&self, phase: Phase, of: usize) {
        self.update(Show::Now, |snapshot| {
            snapshot.phase = phase;
            snapshot.done = 0;
            snapshot.of = of as u64;
        });
    }

    /// A step of the phase is done.
    pub(in crate::release) fn step(&self) {
        self.update(Show::Paced, |snapshot| snapshot.done += 1);
    }

    /// So many steps of so many are done.
    pub(in crate::release) fn at(&self, done: u64, of: u64) {
        self.update(Show::Paced, |snapshot| {
            snapshot.done = done;
            snapshot.of = of;
        });
    }

    /// The program that carries the release out says something, made safe to show.
    pub(in crate::release) fn say(&self, text: String) {
        self.update(Show::Paced, |snapshot| snapshot.note = Some(text));
    }

    /// Something on the target is not as one would think, in a sentence that is safe to show. It is added
    /// to earlier ones.
    pub(in crate::release) fn notice(&self, text: String) {
        self.update(Show::Now, |snapshot| {
            snapshot.notice = Some(match snapshot.notice.take() {
                // A run that goes back to an earlier release finds the same target.
                Some(before) if before.contains(&text) => before,
                Some(before) => format!("{before}; {text}"),
                None => text,
            });
        });
    }

    /// What was said so.
    pub(in crate::release) fn noticed(&self) -> Option<String> {
        self.shown.lock().ok()?.snapshot.notice.clone()
    }

    /// So many bytes of content were sent.
    pub(in crate::release) fn sent(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        // One file may take long.
        self.update(Show::Paced, |_| {});
    }

    /// A file is in place.
    pub(in crate::release) fn uploaded(&self) {
        self.uploaded.fetch_add(1, Ordering::Relaxed);
        self.step();
    }

    /// A file is gone.
    pub(in crate::release) fn deleted(&self) {
        self.deleted.fetch_add(1, Ordering::Relaxed);
        self.step();
    }

    /// So many files were there already.
    pub(in crate::release) fn unchanged(&self, files: u64) {
        self.unchanged.store(files, Ordering::Relaxed);
    }

    /// What is to be done is known.
    pub(in crate::release) fn planned(&self, plan: &Plan) {
        self.unchanged(plan.unchanged);
        let planned = Planned {
            files: plan.arriving().count() as u64,
            bytes: plan.puts.iter().map(|file| file.size).sum(),
        };
        self.update(Show::Now, |snapshot| snapshot.planned = Some(planned));
    }

    /// The release has ended.
    pub(in crate::release) fn end(&self, result: Result<(), &ReleaseError>) {
        self.update(Show::Now, |snapshot| match result {
            Ok(()) => snapshot.phase = Phase::Finished,
            Err(error) => {
                snapshot.phase = Phase::Failed;
                snapshot.code = Some(error.code().to_string());
                snapshot.error = Some(error.to_string());
                let named = |hint: String| hint.replace("<name>", self.target.as_str());
                snapshot.hints = error.hints().into_iter().map(named).collect();
            }
        });
    }

    fn update(&self, show: Show, change: impl FnOnce(&mut Snapshot)) {
        let Ok(mut shown) = self.shown.lock() else {
            return;
        };
        change(&mut shown.snapshot);
        shown.snapshot.totals = self.totals();
        if matches!(show, Show::Now) || shown.written.elapsed() >= PACE {
            shown.written = Instant::now();
            if let Some(path) = &self.path {
                write(path, &shown.snapshot);
            }
        }
    }
}

/// Not synced: after a power cut there is nobody to watch.
fn write(path: &Path, snapshot: &Snapshot) {
    let temp = path.with_extension("new");
    if let Ok(bytes) = serde_json::to_vec(snapshot)
        && fs::write(&temp, bytes).is_ok()
    {
        let _ = take_place(&temp, path);
    }
}

fn read(path: &Path) -> Option<Snapshot> {
    let bytes = read_capped(path, LIMIT).ok()??;
    serde_json::from_slice(&bytes).ok()
}

#[derive(Debug, Clone, Copy)]
enum Show {
    Now,
    Paced,
}

/// What the last run of `target` was at, if it can be told.
#[must_use]
pub fn snapshot(folder: &Path, target: &TargetName) -> Option<Snapshot> {
    read(&Desk::at(folder, target).ok()?.file(FILE))
}
