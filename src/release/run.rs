//! One run for one target: ask under the lock, compare, bring it there, write down how it ended.

mod after;
mod job;
mod kinds;

use super::desk::{Begun, Desk, State};
use super::order::{Adoption, Event, Order, Orders, Outcome, Patience, Setting, What, Witness};
use super::plan::{Listing, Plan};
use super::progress::{Phase, Progress};
use super::retry::Next;
use super::site::Short;
use super::stages::Admission;
use super::{ReleaseError, Seal, Source, back, health, look};
use crate::types::{PersonName, TargetName};
use after::{after, holds, is_known, rest};
pub(in crate::release) use job::{Begin, Job, Reached};
pub use kinds::{compare, place};
use std::sync::OnceLock;
use std::time::Duration;

/// How long a worker sleeps before it looks whether anything has changed.
const NAP: Duration = Duration::from_secs(10);

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
    let lifted_by = match orders.admission(&order).map_err(ReleaseError::Order)? {
        Admission::Go(by) => by,
        held => {
            Progress::held(&desk, &order, &held);
            return Ok(Outcome::Held(order, held));
        }
    };
    let mut state = desk.state(adoption)?;
    if patience == Patience::OneWaits {
        if holds(&state, &order) {
            Progress::again(&desk);
            return Ok(Outcome::UpToDate(order));
        }
        if let Some(next) = rest(&state, &order, (setting.now)()) {
            Progress::again(&desk);
            return Ok(Outcome::Resting(order, next));
        }
    }
    let progress = Progress::begin(&desk, &order);
    let run = Run {
        setting,
        desk: &desk,
        progress: &progress,
        adoption,
        lifted_by: &lifted_by,
    };
    let mut result = run.bring(&order, &state, witness);
    if let Err(ReleaseError::Unhealthy { why, .. }) = &result
        && let Some(previous) = back::previous(&order, &state)
    {
        result = Err(run.go_back(&order, previous, why.clone(), &mut state, witness));
    }
    let log = &mut Log {
        witness,
        order: &order,
        lifted_by,
    };
    let ended = (setting.now)();
    let state = after(state, &order, &result, progress.totals(), ended, patience);
    let remembered = desk.remember(&state);
    let result = result.and_then(|outcome| remembered.map(|()| outcome));
    let result = result.and_then(|outcome| desk.settle().map(|()| outcome));
    if let Err(error) = &result {
        // The error goes to the caller in any case; that it is not in the log as well must not
        // hide it.
        let _ = log.write(What::Failed {
            code: error.code(),
            error: error.to_string(),
            totals: progress.totals(),
            next: state.retry_at.map_or(Next::ForGood, Next::Again),
        });
    }
    progress.end(result.as_ref().map(drop));
    result.map(|reached| match reached {
        Reached::Before => Outcome::UpToDate(order),
        Reached::Now => Outcome::Released(order, progress.totals(), progress.noticed()),
    })
}

/// Brings `target` to what it is to hold. Where that fails and trying again can help, or it may not
/// go on before some time has passed, it waits for that and tries again. The lock is free while it
/// waits, and only one waits at a time.
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
    loop {
        let refuse = Adoption::Refuse;
        let result = run(setting, target, orders, witness, refuse, Patience::OneWaits);
        let desk = Desk::open(setting.folder, target)?;
        let due = match &result {
            Ok(Outcome::Held(_, Admission::Until { at, .. })) => Some(*at),
            Ok(Outcome::Resting(_, Next::Again(at))) => Some(*at),
            Err(error) if error.is_transient() => desk.state(refuse)?.retry_at,
            Ok(_) | Err(_) => None,
        };
        let Some(due) = due else { return result };
        if waiting.is_none() {
            waiting = desk.wait_to_retry()?;
        }
        if waiting.is_none() {
            return result;
        }
        // What it waits for may change meanwhile, so it looks again and again.
        let left = due.as_unix().saturating_sub((setting.now)().as_unix());
        let left = Duration::from_secs(u64::try_from(left).unwrap_or(0));
        std::thread::sleep(left.min(NAP));
    }
}

/// The log, for this order.
struct Log<'a> {
    witness: &'a mut dyn Witness,
    order: &'a Order,
    lifted_by: Vec<PersonName>,
}

impl Log<'_> {
    fn write(&mut self, what: What) -> Result<(), ReleaseError> {
        self.witness
            .record(&Event {
                target: self.order.target.name.clone(),
                refname: self.order.refname.clone(),
                commit: self.order.commit,
                sequence: self.order.sequence,
                lifted_by: self.lifted_by.clone(),
                what,
            })
            .map_err(ReleaseError::Unrecorded)
    }
}

/// A run, and what it works with.
struct Run<'a> {
    setting: Setting<'a>,
    desk: &'a Desk,
    progress: &'a Progress,
    adoption: Adoption,
    lifted_by: &'a [PersonName],
}

impl Run<'_> {
    /// Brings the target to `order`, and sees to it that it works.
    fn bring(
        &self,
        order: &Order,
        state: &State,
        witness: &mut dyn Witness,
    ) -> Result<Reached, ReleaseError> {
        let log = &mut Log {
            witness,
            order,
            lifted_by: self.lifted_by.to_vec(),
        };
        let reached = attempt(self, state, log)?;
        match reached {
            Reached::Before => {}
            Reached::Now => self.desk.forget_drift()?,
        }
        if !is_known(&reached, order, state)
            && let Some(health) = &order.target.care.health
        {
            self.progress.phase(Phase::Checking, 1);
            health::check(order, health)?;
        }
        conclude(order, reached, state, self.progress, log)
    }

    /// Brings back `previous` after `order`, which does not work. Before anything else it is
    /// written down that the target holds `previous`, so that whatever happens now, the next run
    /// goes there too, and not to `order` again.
    fn go_back(
        &self,
        order: &Order,
        previous: Order,
        why: String,
        state: &mut State,
        witness: &mut dyn Witness,
    ) -> ReleaseError {
        let now = (self.setting.now)();
        let pin = back::pin_after(order, &previous, &why, now);
        state.pin = Some(pin.clone());
        let log = &mut Log {
            witness,
            order: &previous,
            lifted_by: Vec::new(),
        };
        let pinned = log.write(What::Pinned {
            above: pin.above,
            by: None,
            reason: pin.reason,
        });
        let back = previous.commit;
        let (commit, target) = (order.commit, order.target.name.clone());
        let result = pinned
            .and_then(|()| self.desk.remember(state))
            .and_then(|()| attempt(self, state, log))
            .and_then(|_| log.write(What::Finished(self.progress.totals())));
        match result {
            Ok(()) => ReleaseError::Returned {
                target,
                commit,
                why,
                back,
            },
            Err(stopped) => ReleaseError::NotReturned {
                commit,
                why,
                back,
                stopped: Box::new(stopped),
            },
        }
    }
}

fn attempt(run: &Run<'_>, state: &State, log: &mut Log<'_>) -> Result<Reached, ReleaseError> {
    let (order, desk) = (log.order, run.desk);
    let source = Source::open(run.setting.git_dir)?;
    let (target, surface) = (&order.target, kinds::surface(&order.target.kind));
    let footing = source.footing(order.commit, target, surface)?;
    let seal = Seal::open(run.setting.folder)?;
    let suspects = desk
        .drift(state.released.as_ref())
        .map(|finding| finding.suspects())
        .unwrap_or_default();
    let mut job = Job {
        order,
        listing: &Listing::default(),
        setting: run.setting,
        desk,
        seal: &seal,
        landed: state.released.as_ref(),
        adoption: run.adoption,
        progress: run.progress,
        suspects,
        found: OnceLock::new(),
        footing: footing.as_ref(),
    };
    let short = Short::of(&job, &source, surface);
    if let Some(short) = &short {
        job.listing = &short.listing;
        let mut begin = |plan: &Plan| begin(run, &job, log, plan);
        if let Some(reached) = kinds::release_short(&job, short, &mut begin)? {
            return Ok(reached);
        }
        job.found = OnceLock::new();
    }
    let listing = kinds::listing(&source, order)?;
    job.listing = &listing;
    look::before(&job)?;
    let mut begin = |plan: &Plan| begin(run, &job, log, plan);
    kinds::release(&job, &mut begin)
}

/// Notes what is about to be done, before anything on the target is changed.
fn begin(run: &Run<'_>, job: &Job<'_>, log: &mut Log<'_>, plan: &Plan) -> Result<(), ReleaseError> {
    run.progress.planned(plan);
    let order = job.order;
    let this = Begun {
        place: place(&order.target.kind),
        refname: order.refname.to_string(),
        commit: order.commit,
        sequence: order.sequence,
    };
    run.desk
        .begin(job.found.get().cloned().into_iter().chain([this]))?;
    log.write(What::Started)
}

/// Writes down that the release ended well: now, or when an earlier run was killed before it did.
fn conclude(
    order: &Order,
    reached: Reached,
    state: &State,
    progress: &Progress,
    log: &mut Log<'_>,
) -> Result<Reached, ReleaseError> {
    if !is_known(&reached, order, state) {
        log.write(What::Finished(progress.totals()))?;
    }
    Ok(reached)
}

/// Whether a run is at work on `target` now.
#[must_use]
pub fn is_running(setting: Setting<'_>, target: &TargetName) -> bool {
    Desk::at(setting.folder, target).is_ok_and(|desk| desk.is_locked())
}

/// What is remembered of `target` below relhook's `folder`.
///
/// # Errors
/// When it cannot be read.
pub fn remembered(folder: &std::path::Path, target: &TargetName) -> Result<State, ReleaseError> {
    Desk::at(folder, target)?.state(Adoption::Refuse)
}

/// What runs have begun to bring to `target`, below relhook's `folder`, since the last release that
/// ended well.
///
/// # Errors
/// When it cannot be read.
pub fn unsettled(
    folder: &std::path::Path,
    target: &TargetName,
) -> Result<Vec<Begun>, ReleaseError> {
    Desk::at(folder, target)?.begun()
}

/// What is remembered of `target`.
///
/// # Errors
/// When it cannot be read.
pub fn state(setting: Setting<'_>, target: &TargetName) -> Result<State, ReleaseError> {
    remembered(setting.folder, target)
}
