//! Releasing: by hand, and as the detached process that a push starts.

use super::show::Showing;
use super::{ReleaseArgs, chosen, course, targets};
use crate::cli::{Answer, Exit};
use crate::dispatch::LedgerOrders;
use crate::notify;
use crate::policy::{OnDrift, Policy, Verify};
use crate::release::{
    Admission, Adoption, Next, Order, Orders, Outcome, Patience, ReleaseError, detach,
    forbid_core_files, run, run_and_retry, trigger,
};
use crate::server::Server;
use crate::streams::{Eager, pump};
use crate::types::{TargetName, Timestamp};
use crate::ui;
use crate::witness::publish;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

/// How many times a worker that a timer started looks again, for pushes that came meanwhile.
const MOST_ROUNDS: u32 = 20;

/// How long a worker stays to tell people what could not be told at once.
const TELLING: Duration = Duration::from_secs(20 * 60);

/// How long a worker goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stay {
    /// Until nothing is left that time alone brings: it waits, and tries again.
    UntilDone,
    /// One run for each target; a timer brings the next.
    Once,
}

/// Releases and waits for the end: stage by stage, the targets of one stage at once.
pub(super) fn by_hand(dir: &Path, args: &ReleaseArgs) -> anyhow::Result<Answer> {
    forbid_core_files()?;
    let server = Server::around(dir)?;
    let bundle = server.bundle()?;
    let names = chosen(&bundle, args.target.as_deref())?;
    if let Some(to) = &args.to {
        let reason = args.reason.as_deref().unwrap_or_default();
        for name in &names {
            if let Err(error) = course::set(&server, name, to, reason) {
                return Ok(Answer::refused(told(name, &Err(error))));
            }
        }
    }
    let mut answer = Answer::pass("");
    for stage in by_stage(&bundle.policy, &names) {
        for (name, outcome) in at_once(dir, server.folder.path(), &stage, args) {
            if outcome.is_err() {
                answer.exit = Exit::Refused;
            }
            answer.text += &told(&name, &outcome);
        }
    }
    if names.is_empty() {
        answer.text = "no rule of the policy releases anything\n".into();
    }
    show_clones(dir);
    Ok(answer)
}

/// The targets in the order in which they are to be released to; those in no stage come first.
fn by_stage(policy: &Policy, names: &BTreeSet<TargetName>) -> Vec<Vec<TargetName>> {
    let place = |name: &TargetName| policy.stage_of(name).map(|(place, _)| place);
    let places: BTreeSet<Option<usize>> = names.iter().map(place).collect();
    let at = |stage| {
        let own = names.iter().filter(move |name| place(name) == stage);
        own.cloned().collect()
    };
    places.into_iter().map(at).collect()
}

type Ended = (TargetName, Result<Outcome, ReleaseError>);

/// Releases to these targets at once, and shows how they get on.
fn at_once(dir: &Path, folder: &Path, names: &[TargetName], args: &ReleaseArgs) -> Vec<Ended> {
    let showing = Showing::of(folder, names);
    // Nothing is ever sent: it is over when the last of them has let go of its end.
    let (running, ended) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let start = |name| {
            let running = running.clone();
            scope.spawn(move || {
                let outcome = by_hand_to(dir, name, args);
                drop(running);
                outcome
            })
        };
        let threads: Vec<_> = names.iter().map(|name| (name, start(name))).collect();
        drop(running);
        showing.until(&|pace| ended.recv_timeout(pace) == Err(RecvTimeoutError::Disconnected));
        let ended = threads.into_iter().map(|(name, thread)| {
            let broke = || Err(ReleaseError::Order("the run broke off".to_owned()));
            (name.clone(), thread.join().unwrap_or_else(|_| broke()))
        });
        ended.collect()
    })
}

fn by_hand_to(dir: &Path, name: &TargetName, args: &ReleaseArgs) -> Result<Outcome, ReleaseError> {
    let server = Server::around(dir).map_err(|error| ReleaseError::Order(error.to_string()))?;
    let adoption = match args.adopt {
        true => Adoption::Adopt,
        false => Adoption::Refuse,
    };
    let orders = Asked {
        orders: server.orders(),
        args,
    };
    let (setting, mut witness) = (server.setting(), server.witness());
    run(
        setting,
        name,
        &orders,
        &mut witness,
        adoption,
        Patience::Wait,
    )
}

/// Orders, with what the command line asks for beside them.
struct Asked<'a> {
    orders: LedgerOrders<'a>,
    args: &'a ReleaseArgs,
}

impl Orders for Asked<'_> {
    fn order(&self, target: &TargetName) -> Result<Option<Order>, String> {
        let mut order = match self.orders.order(target) {
            // Who takes a target over does so although what is remembered of it cannot be read.
            Err(_) if self.args.adopt => self.orders.newest(target)?,
            order => order?,
        };
        if let Some(order) = &mut order {
            if self.args.overwrite {
                order.target.care.drift = OnDrift::Overwrite;
            }
            if self.args.deep {
                order.target.care.verify = Verify::Deep;
            }
        }
        Ok(order)
    }

    fn admission(&self, order: &Order) -> Result<Admission, String> {
        self.orders.admission(order)
    }
}

/// Releases every target at once, each as soon as it may be, and writes down what came of it.
pub(super) fn work(dir: &Path, stay: Stay) -> anyhow::Result<Answer> {
    detach()?;
    let bundle = Server::around(dir)?.bundle()?;
    let work = Work {
        dir,
        policy: &bundle.policy,
        names: targets(&bundle),
        stay,
        stopped: AtomicBool::new(false),
    };
    for _ in 0..MOST_ROUNDS {
        let pulled = changed(dir);
        std::thread::scope(|scope| work.names.iter().for_each(|name| work.start(scope, name)));
        // A push that came meanwhile could start nothing: this service was running already.
        if stay == Stay::UntilDone || changed(dir) == pulled {
            break;
        }
    }
    show_clones(dir);
    // What an earlier worker could not deliver is tried again, whatever came of this one.
    let due = tell(dir);
    if stay == Stay::UntilDone {
        tell_again(dir, due);
    }
    let stopped = work.stopped.load(Ordering::Relaxed);
    Ok(if stopped && stay == Stay::Once {
        Answer::refused("")
    } else {
        Answer::pass("")
    })
}

/// Shows clones how far the log is, with what came of the releases in it. Where that cannot be done,
/// as in a service that may not write to the repository, the next push does it.
fn show_clones(dir: &Path) {
    if let Ok(server) = Server::around(dir) {
        let _ = server.tell_moves(crate::hook::clock());
        let _ = server.tell_debts(crate::hook::clock());
        let _ = publish(server.store.git_dir(), &server.log);
    }
}

/// Tells people what is to be told; when that has to be tried again.
pub(in crate::cli) fn tell(dir: &Path) -> Option<Timestamp> {
    let told = || -> anyhow::Result<Option<Timestamp>> {
        let server = Server::around(dir)?;
        let Some((policy, bundle)) = server.store.policy()? else {
            return Ok(None);
        };
        let now = crate::hook::clock();
        let streams = pump(server.folder.path(), &bundle, Eager::WhenDue);
        let again = notify::deliver(&server, policy, &bundle, now)?;
        let streams = streams?.into_iter();
        let due = streams.filter_map(|one| one.trouble?.1);
        Ok(due.chain(again).min())
    };
    told().unwrap_or_else(|error| {
        ui::emit(&format!(
            "{} nobody was told: {error}\n",
            crate::hook::clock()
        ));
        None
    })
}

/// Without a timer it is this worker that tries again, for as long as one may stay for that.
fn tell_again(dir: &Path, mut due: Option<Timestamp>) {
    let end = Instant::now() + TELLING;
    while let Some(at) = due {
        let left = at.as_unix().saturating_sub(crate::hook::clock().as_unix());
        let left = Duration::from_secs(u64::try_from(left).unwrap_or(0));
        if Instant::now() + left > end {
            return;
        }
        std::thread::sleep(left.max(Duration::from_millis(500)));
        due = tell(dir);
    }
}

/// When a push last asked for a release.
fn changed(dir: &Path) -> Option<SystemTime> {
    let file = trigger(dir).metadata().ok()?;
    file.modified().ok()
}

/// What the threads of a worker share.
struct Work<'a> {
    dir: &'a Path,
    policy: &'a Policy,
    names: BTreeSet<TargetName>,
    stay: Stay,
    /// Whether a release failed, now or for good before: a service manager is to see it.
    stopped: AtomicBool,
}

impl Work<'_> {
    /// Releases to a target, then to those that may have waited for it. Each asks for itself
    /// whether it may be released to now.
    fn start<'scope>(
        &'scope self,
        scope: &'scope std::thread::Scope<'scope, '_>,
        name: &'scope TargetName,
    ) {
        scope.spawn(move || {
            let outcome = self.release(name);
            if outcome.is_err() {
                // Others may go on for hours.
                tell(self.dir);
            }
            ui::emit(&format!(
                "{} {}",
                crate::hook::clock(),
                told(name, &outcome)
            ));
            if matches!(outcome, Err(_) | Ok(Outcome::Resting(_, Next::ForGood))) {
                self.stopped.store(true, Ordering::Relaxed);
            }
            // Those behind it may go on now, or are to say that they may not.
            if matches!(outcome, Ok(Outcome::Released(..)) | Err(_)) {
                for next in self.next(name) {
                    self.start(scope, next);
                }
            }
        });
    }

    fn release(&self, name: &TargetName) -> Result<Outcome, ReleaseError> {
        let server = Server::around(self.dir);
        let server = server.map_err(|error| ReleaseError::Order(error.to_string()))?;
        let (orders, mut witness) = (server.orders(), server.witness());
        let setting = server.setting();
        match self.stay {
            Stay::UntilDone => run_and_retry(setting, name, &orders, &mut witness),
            Stay::Once => {
                let refuse = Adoption::Refuse;
                run(
                    setting,
                    name,
                    &orders,
                    &mut witness,
                    refuse,
                    Patience::OneWaits,
                )
            }
        }
    }

    /// The targets of the stages behind this one's.
    fn next(&self, name: &TargetName) -> Vec<&TargetName> {
        let place = |name: &TargetName| self.policy.stage_of(name).map(|(place, _)| place);
        let own = place(name);
        let behind = |other: &&TargetName| own.is_some() && place(other) > own;
        self.names.iter().filter(behind).collect()
    }
}

/// An outcome for people.
fn told(name: &TargetName, outcome: &Result<Outcome, ReleaseError>) -> String {
    match outcome {
        Ok(Outcome::Released(order, totals, notice)) => {
            let notice = notice.as_ref();
            let notice = notice.map_or_else(String::new, |notice| format!("  note: {notice}\n"));
            format!(
                "{name}: released {} ({} sent, {} deleted, {} unchanged)\n{notice}",
                order.commit.short(),
                totals.uploaded,
                totals.deleted,
                totals.unchanged
            )
        }
        Ok(Outcome::UpToDate(order)) => {
            format!("{name}: holds {} already\n", order.commit.short())
        }
        Ok(Outcome::Held(order, why)) => format!("{name}: {} {why}\n", order.commit.short()),
        Ok(Outcome::Resting(order, Next::Again(at))) => {
            format!("{name}: {} is tried again {at}\n", order.commit.short())
        }
        Ok(Outcome::Resting(order, Next::ForGood)) => format!(
            "{name}: {} failed for good: relhook release --target {name}\n",
            order.commit.short()
        ),
        Ok(Outcome::NothingAccepted) => format!("{name}: nothing was accepted for it yet\n"),
        Ok(Outcome::LeftToAnother) => format!("{name}: left to another run\n"),
        Err(error) => stopped(name, error),
    }
}

/// Why something stopped, for people.
pub(super) fn stopped(name: &TargetName, error: &ReleaseError) -> String {
    let code = error.code();
    let hints: String = error
        .hints()
        .iter()
        .map(|hint| format!("  hint: {}\n", hint.replace("<name>", name.as_str())))
        .collect();
    format!("{name}: stopped\n  {code} {error}\n{hints}  more: relhook explain {code}\n")
}
