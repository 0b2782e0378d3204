//! One run for one target: ask under the lock, compare, bring it there, write down how it ended.

use super::desk::{Attempt, Desk, Landed, State};
use super::names::Surface;
use super::order::{
    Adoption, Event, Order, Orders, Outcome, Patience, Setting, Totals, What, Witness,
};
use super::plan::{Listing, Plan};
use super::progress::Progress;
use super::{Manifest, ReleaseError, Source, dir, ftp};
use crate::policy::TargetKind;
use crate::types::{Seconds, TargetName};
use std::time::Duration;

/// How long after the first, second, … failure in a row the next run is due, in seconds.
const RETRY_AFTER: [u64; 6] = [10, 60, 300, 900, 3600, 6 * 3600];

/// How often a worker tries again by itself. After that it is up to a timer or the next push.
const WORKER_RETRIES: u32 = 4;

/// The longest time that a worker waits, in seconds.
const WORKER_WAIT: u64 = 900;

/// What a kind of target gets to work with.
pub(in crate::release) struct Job<'a> {
    pub(in crate::release) order: &'a Order,
    pub(in crate::release) listing: &'a Listing,
    pub(in crate::release) setting: Setting<'a>,
    pub(in crate::release) desk: &'a Desk,
    pub(in crate::release) landed: Option<&'a Landed>,
    pub(in crate::release) adoption: Adoption,
    pub(in crate::release) progress: &'a Progress,
}

impl Job<'_> {
    /// Whether a manifest says exactly what this release would.
    pub(in crate::release) fn is_recorded_in(&self, manifest: &Manifest) -> bool {
        let wanted = self.listing.files.values();
        let wanted: Vec<_> = wanted
            .map(|file| (file.path.clone(), file.kind, file.blob))
            .collect();
        manifest.repository == self.order.repository.0
            && manifest.refname == self.order.refname.to_string()
            && manifest.commit == self.order.commit
            && manifest.sequence == self.order.sequence
            && manifest.kinds() == wanted
    }
}

/// What a kind of target found.
pub(in crate::release) enum Reached {
    /// It held the commit's tree, and said so.
    Before,
    /// It does now.
    Now,
}

/// Called when the plan is known and before anything on the target is changed.
pub(in crate::release) type Begin<'a> = dyn FnMut(&Plan) -> Result<(), ReleaseError> + 'a;

/// Brings `target` to what it is to hold.
///
/// # Errors
/// When it stopped. What was done stays done, and the next run carries on.
pub fn run(
    setting: Setting<'_>,
    target: &TargetName,
    orders: &dyn Orders,
    witness: &mut dyn Witness,
    adoption: Adoption,
    patience: Patience,
) -> Result<Outcome, ReleaseError> {
    let desk = Desk::open(setting.folder, target)?;
    let Some(_held) = desk.lock(patience)? else {
        return Ok(Outcome::LeftToAnother);
    };
    let Some(order) = orders.order(target).map_err(ReleaseError::Order)? else {
        return Ok(Outcome::NothingAccepted);
    };
    let state = desk.state(adoption)?;
    let progress = Progress::begin(&desk, &order);
    let log = &mut Log {
        witness,
        order: &order,
    };
    let result = attempt(setting, &desk, &state, &progress, log, adoption)
        .and_then(|reached| conclude(&order, reached, &state, &progress, log));
    let ended = (setting.now)();
    let remembered = desk.remember(&after(state, &order, &result, progress.totals(), ended));
    let result = result.and_then(|outcome| remembered.map(|()| outcome));
    if let Err(error) = &result {
        // The error goes to the caller in any case; that it is not in the log as well must not
        // hide it.
        let _ = log.write(What::Failed {
            code: error.code(),
            error: error.to_string(),
            totals: progress.totals(),
        });
    }
    progress.end(result.as_ref().map(drop));
    result.map(|reached| match reached {
        Reached::Before => Outcome::UpToDate(order),
        Reached::Now => Outcome::Released(order, progress.totals()),
    })
}

/// Brings `target` to what it is to hold, and tries again a few times where that can help, at the
/// times that the state names. The lock is free while it waits, and only one waits at a time.
///
/// # Errors
/// The last run's.
pub fn run_and_retry(
    setting: Setting<'_>,
    target: &TargetName,
    orders: &dyn Orders,
    witness: &mut dyn Witness,
) -> Result<Outcome, ReleaseError> {
    let mut waiting = None;
    let mut tries = 1;
    loop {
        let refuse = Adoption::Refuse;
        let error = match run(setting, target, orders, witness, refuse, Patience::OneWaits) {
            Ok(outcome) => return Ok(outcome),
            Err(error) => error,
        };
        let desk = Desk::open(setting.folder, target)?;
        if waiting.is_none() {
            waiting = desk.wait_to_retry()?;
        }
        let due = desk.state(Adoption::Refuse)?.retry_at;
        let (Some(_), Some(due)) = (&waiting, due.filter(|_| error.is_transient())) else {
            return Err(error);
        };
        if tries > WORKER_RETRIES {
            return Err(error);
        }
        tries += 1;
        let seconds = due.as_unix().saturating_sub((setting.now)().as_unix());
        let seconds = u64::try_from(seconds).unwrap_or(0).min(WORKER_WAIT);
        std::thread::sleep(Duration::from_secs(seconds));
    }
}

/// The log, for this order.
struct Log<'a> {
    witness: &'a mut dyn Witness,
    order: &'a Order,
}

impl Log<'_> {
    fn write(&mut self, what: What) -> Result<(), ReleaseError> {
        self.witness
            .record(&Event {
                target: self.order.target.name.clone(),
                refname: self.order.refname.clone(),
                commit: self.order.commit,
                sequence: self.order.sequence,
                what,
            })
            .map_err(ReleaseError::Unrecorded)
    }
}

fn attempt(
    setting: Setting<'_>,
    desk: &Desk,
    state: &State,
    progress: &Progress,
    log: &mut Log<'_>,
    adoption: Adoption,
) -> Result<Reached, ReleaseError> {
    let order = log.order;
    let surface = match &order.target.kind {
        TargetKind::Dir(_) => Surface::Directory,
        TargetKind::Ftp(_) => Surface::Ftp,
    };
    let listing = Source::open(setting.git_dir)?.listing(order.commit, &order.target, surface)?;
    let job = Job {
        order,
        listing: &listing,
        setting,
        desk,
        landed: state.released.as_ref(),
        adoption,
        progress,
    };
    let mut begin = |plan: &Plan| {
        progress.unchanged(plan.unchanged);
        log.write(What::Started)
    };
    match &order.target.kind {
        TargetKind::Dir(target) => dir::release(&job, target, &mut begin),
        TargetKind::Ftp(target) => ftp::release(&job, target, &mut begin),
    }
}

/// Writes down that the release ended well: now, or when an earlier run was killed before it did.
fn conclude(
    order: &Order,
    reached: Reached,
    state: &State,
    progress: &Progress,
    log: &mut Log<'_>,
) -> Result<Reached, ReleaseError> {
    let known = state
        .released
        .as_ref()
        .is_some_and(|landed| landed.commit == order.commit && landed.sequence == order.sequence);
    match reached {
        Reached::Before if known => {}
        Reached::Before | Reached::Now => log.write(What::Finished(progress.totals()))?,
    }
    Ok(reached)
}

/// The state after a run.
fn after(
    before: State,
    order: &Order,
    result: &Result<Reached, ReleaseError>,
    totals: Totals,
    now: crate::types::Timestamp,
) -> State {
    let mut state = before;
    let error = result.as_ref().err();
    state.last = Some(Attempt {
        refname: order.refname.to_string(),
        commit: order.commit,
        sequence: order.sequence,
        at: now,
        code: error.map(|error| error.code().to_string()),
        error: error.map(ToString::to_string),
        totals,
    });
    match error {
        None => {
            state.failures = 0;
            state.retry_at = None;
            state.released = Some(Landed {
                place: place(&order.target.kind),
                refname: order.refname.to_string(),
                commit: order.commit,
                sequence: order.sequence,
                at: now,
            });
        }
        Some(error) => {
            let wait = RETRY_AFTER
                .get(state.failures as usize)
                .or(RETRY_AFTER.last())
                .map(|wait| now.plus(Seconds(*wait)));
            state.failures = state.failures.saturating_add(1);
            state.retry_at = wait.filter(|_| error.is_transient());
        }
    }
    state
}

/// Where a target is, in one line: what tells two places apart.
#[must_use]
pub fn place(kind: &TargetKind) -> String {
    match kind {
        TargetKind::Dir(target) => target.path.display().to_string(),
        TargetKind::Ftp(target) => format!("ftp://{}:{}{}", target.host, target.port, target.path),
    }
}

/// Whether a run is at work on `target` now.
#[must_use]
pub fn is_running(setting: Setting<'_>, target: &TargetName) -> bool {
    Desk::at(setting.folder, target).is_ok_and(|desk| desk.is_locked())
}

/// What is remembered of `target`.
///
/// # Errors
/// When it cannot be read.
pub fn state(setting: Setting<'_>, target: &TargetName) -> Result<State, ReleaseError> {
    Desk::at(setting.folder, target)?.state(Adoption::Refuse)
}
