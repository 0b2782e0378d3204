//! One run for one target: ask under the lock, compare, bring it there, write down how it ended.

use super::desk::{Attempt, Begun, Desk, Landed, State};
use super::names::Surface;
use super::order::{
    Adoption, Course, Event, Order, Orders, Outcome, Patience, Setting, Totals, What, Witness,
};
use super::plan::{Listing, Plan};
use super::progress::{Phase, Progress};
use super::retry::{self, Next};
use super::stages::Admission;
use super::{
    Comparison, Manifest, ReleaseError, Seal, Source, back, command, dir, ftp, health, look, rsync,
    s3, sftp, svn, webdav,
};
use crate::policy::TargetKind;
use crate::types::{PersonName, RepoPath, TargetName, Timestamp};
use std::sync::OnceLock;
use std::time::Duration;

/// How long a worker sleeps before it looks whether anything has changed.
const NAP: Duration = Duration::from_secs(10);

/// What a kind of target gets to work with.
pub(in crate::release) struct Job<'a> {
    pub(in crate::release) order: &'a Order,
    pub(in crate::release) listing: &'a Listing,
    pub(in crate::release) setting: Setting<'a>,
    pub(in crate::release) desk: &'a Desk,
    pub(in crate::release) seal: &'a Seal,
    pub(in crate::release) landed: Option<&'a Landed>,
    pub(in crate::release) adoption: Adoption,
    pub(in crate::release) progress: &'a Progress,
    /// Released files that somebody was seen to have changed by hand since: they are sent again.
    pub(in crate::release) suspects: Vec<RepoPath>,
    /// What the target's record said, once it was read.
    pub(in crate::release) found: OnceLock<Begun>,
}

impl Job<'_> {
    /// Whether the policy's `last` names a path of the release.
    pub(in crate::release) fn is_last(&self, path: &crate::types::RepoPath) -> bool {
        let target = &self.order.target;
        let folder = target.from.clone().unwrap_or_default();
        let in_tree = crate::types::RepoPath::new(folder.into_bytes()).join(path.as_bytes());
        target.last.is_match(in_tree.as_bytes())
    }

    /// Whether a manifest says exactly what this release would.
    pub(in crate::release) fn is_recorded_in(&self, manifest: &Manifest) -> bool {
        let wanted = self.listing.files.values();
        let wanted: Vec<_> = wanted
            .map(|file| (file.path.clone(), file.kind, file.blob))
            .collect();
        self.of_same_release(manifest) && manifest.kinds() == wanted
    }

    /// Whether a manifest is of this release, whatever files it lists.
    pub(in crate::release) fn of_same_release(&self, manifest: &Manifest) -> bool {
        manifest.repository == self.order.repository.0
            && manifest.refname == self.order.refname.to_string()
            && manifest.commit == self.order.commit
            && manifest.sequence == self.order.sequence
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
        Reached::Now => Outcome::Released(order, progress.totals()),
    })
}

/// Whether the target got this very order, by what is remembered: then nobody has to ask it.
fn holds(state: &State, order: &Order) -> bool {
    let landed = |landed: &Landed| {
        landed.place == place(&order.target.kind)
            && (landed.commit, landed.sequence) == (order.commit, order.sequence)
    };
    let ended_well = |last: &Attempt| last.error.is_none() && last.sequence == order.sequence;
    state.released.as_ref().is_some_and(landed) && state.last.as_ref().is_some_and(ended_well)
}

/// What a target waits for that failed to get this very order: nothing once it is due again.
fn rest(state: &State, order: &Order, now: Timestamp) -> Option<Next> {
    let last = state.last.as_ref()?;
    if last.error.is_none() || last.sequence != order.sequence || last.commit != order.commit {
        return None;
    }
    match state.retry_at {
        Some(at) if now < at => Some(Next::Again(at)),
        None if state.for_good => Some(Next::ForGood),
        Some(_) | None => None,
    }
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

/// The files of an order, as its kind of target can bear them.
fn listing(setting: Setting<'_>, order: &Order) -> Result<Listing, ReleaseError> {
    let surface = match &order.target.kind {
        TargetKind::Dir(_) | TargetKind::Rsync(_) | TargetKind::Command(_) => Surface::Directory,
        TargetKind::Ftp(_) => Surface::Ftp,
        TargetKind::Sftp(_) => Surface::Sftp,
        TargetKind::Svn(_) => Surface::Svn,
        TargetKind::S3(_) => Surface::Store,
        TargetKind::Webdav(_) => Surface::Webdav,
    };
    Source::open(setting.git_dir)?.listing(order.commit, &order.target, surface)
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
    let Run {
        setting,
        desk,
        progress,
        adoption,
        lifted_by: _,
    } = *run;
    let order = log.order;
    let listing = listing(setting, order)?;
    let seal = Seal::open(setting.folder)?;
    let job = Job {
        order,
        listing: &listing,
        setting,
        desk,
        seal: &seal,
        landed: state.released.as_ref(),
        adoption,
        progress,
        suspects: desk
            .drift(state.released.as_ref())
            .map(|finding| finding.suspects())
            .unwrap_or_default(),
        found: OnceLock::new(),
    };
    look::before(&job)?;
    let mut begin = |plan: &Plan| {
        progress.planned(plan);
        let this = Begun {
            place: place(&order.target.kind),
            refname: order.refname.to_string(),
            commit: order.commit,
            sequence: order.sequence,
        };
        desk.begin(job.found.get().cloned().into_iter().chain([this]))?;
        log.write(What::Started)
    };
    match &order.target.kind {
        TargetKind::Dir(target) => dir::release(&job, target, &mut begin),
        TargetKind::Ftp(target) => ftp::release(&job, target, &mut begin),
        TargetKind::Sftp(target) => sftp::release(&job, target, &mut begin),
        TargetKind::Rsync(target) => rsync::release(&job, target, &mut begin),
        TargetKind::Svn(target) => svn::release(&job, target, &mut begin),
        TargetKind::Command(target) => command::release(&job, target, &mut begin),
        TargetKind::S3(target) => s3::release(&job, target, &mut begin),
        TargetKind::Webdav(target) => webdav::release(&job, target, &mut begin),
    }
}

/// Compares what `target` holds with what it is to hold, and touches nothing on it. `None`: nothing
/// was accepted for it yet.
///
/// # Errors
/// When it cannot be found out.
pub fn compare(
    setting: Setting<'_>,
    target: &TargetName,
    orders: &dyn Orders,
) -> Result<Option<(Order, Comparison)>, ReleaseError> {
    let desk = Desk::open(setting.folder, target)?;
    let _held = desk.lock(Patience::Wait)?;
    let Some(order) = orders.order(target).map_err(ReleaseError::Order)? else {
        return Ok(None);
    };
    let listing = listing(setting, &order)?;
    let seal = Seal::open(setting.folder)?;
    let progress = Progress::unseen(&order);
    let job = Job {
        order: &order,
        listing: &listing,
        setting,
        desk: &desk,
        seal: &seal,
        landed: None,
        // A record that does not fit must not keep anybody from looking.
        adoption: Adoption::Adopt,
        progress: &progress,
        suspects: Vec::new(),
        found: OnceLock::new(),
    };
    let comparison = match &order.target.kind {
        TargetKind::Dir(target) => dir::compare(&job, target),
        TargetKind::Ftp(target) => ftp::compare(&job, target),
        TargetKind::Sftp(target) => sftp::compare(&job, target),
        TargetKind::S3(target) => s3::compare(&job, target),
        TargetKind::Webdav(target) => webdav::compare(&job, target),
        TargetKind::Rsync(_) | TargetKind::Svn(_) | TargetKind::Command(_) => Err(
            ReleaseError::Order("a target of this kind is not compared beforehand".into()),
        ),
    };
    let comparison = comparison?;
    Ok(Some((order, comparison)))
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

/// Whether the target held the release before, and that is written down.
fn is_known(reached: &Reached, order: &Order, state: &State) -> bool {
    let known = state
        .released
        .as_ref()
        .is_some_and(|landed| landed.commit == order.commit && landed.sequence == order.sequence);
    match reached {
        Reached::Before => known,
        Reached::Now => false,
    }
}

/// The state after a run.
fn after(
    before: State,
    order: &Order,
    result: &Result<Reached, ReleaseError>,
    totals: Totals,
    now: Timestamp,
    patience: Patience,
) -> State {
    let mut state = before;
    let same = |last: &Attempt| last.sequence == order.sequence && last.commit == order.commit;
    // Another commit begins anew, and so does a person who tries what had been given up.
    let by_person = state.for_good && patience == Patience::Wait;
    if by_person || !state.last.as_ref().is_some_and(same) {
        state.failures = 0;
    }
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
    state.retry_at = None;
    state.for_good = false;
    match error {
        None => {
            state.failures = 0;
            match order.course {
                Course::Forward => state.pin = None,
                Course::Back => {}
            }
            state.released = Some(landed(state.released.take(), order, now));
        }
        Some(error) => {
            state.failures = state.failures.saturating_add(1);
            let kind = match error.is_transient() {
                true => retry::Kind::Passing,
                false => retry::Kind::Lasting,
            };
            match retry::next(state.failures, kind, now, retry::chance()) {
                Next::Again(at) => state.retry_at = Some(at),
                Next::ForGood => state.for_good = true,
            }
        }
    }
    state
}

/// What the target holds now: since then, where it held the very same before.
fn landed(before: Option<Landed>, order: &Order, now: Timestamp) -> Landed {
    let mut landed = Landed {
        place: place(&order.target.kind),
        refname: order.refname.to_string(),
        commit: order.commit,
        sequence: order.sequence,
        at: now,
    };
    if let Some(before) = before {
        let at = std::mem::replace(&mut landed.at, before.at);
        if landed != before {
            landed.at = at;
        }
    }
    landed
}

/// Where a target is, in one line: what tells two places apart.
#[must_use]
pub fn place(kind: &TargetKind) -> String {
    match kind {
        TargetKind::Dir(target) => target.path.display().to_string(),
        TargetKind::Rsync(target) => {
            format!(
                "rsync://{}:{}{}",
                target.host, target.login.port, target.path
            )
        }
        TargetKind::Svn(target) => target.url(),
        TargetKind::Command(target) => {
            let args = target.args.iter().flat_map(|arg| [" ", arg.as_str()]);
            format!("command {}", target.program.display()) + &args.collect::<String>()
        }
        TargetKind::Ftp(target) => format!("ftp://{}:{}{}", target.host, target.port, target.path),
        TargetKind::Sftp(target) => {
            format!(
                "sftp://{}:{}{}",
                target.host, target.login.port, target.path
            )
        }
        TargetKind::S3(target) => {
            let endpoint = target.endpoint.as_str().trim_end_matches('/');
            let prefix = target.prefix.as_deref().unwrap_or_default();
            format!("s3+{endpoint}/{}/{prefix}", target.bucket)
        }
        TargetKind::Webdav(target) => format!("webdav+{}", target.url),
    }
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
