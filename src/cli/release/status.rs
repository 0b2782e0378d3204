//! `relhook release status`: each target, what it is to hold, and how the last run ended.

use super::{targets, told, watch};
use crate::cli::Answer;
use crate::cli::reading::Disclosure;
use crate::policy::Bundle;
use crate::release::{
    Admission, Attempt, Course, Landed, Order, Orders, Pin, Snapshot, State, is_running, last_look,
    place, snapshot, state,
};
use crate::server::Server;
use crate::types::{Oid, StageName, TargetName, TeamName, Timestamp, WitnessName};
use crate::ui::{self, progress_line};
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;

/// What `relhook release status` is asked for.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    /// Print it as JSON (docs/release.md)
    #[arg(long, conflicts_with = "watch")]
    json: bool,
    /// Go on showing it, until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// Stop watching when nothing goes on any more; exit 1 unless every target has what it is to
    /// hold
    #[arg(long, requires = "watch")]
    until_done: bool,
}

impl StatusArgs {
    /// Shows it, once or again and again.
    ///
    /// # Errors
    /// When the repository, its record or its policy cannot be read.
    pub fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        if self.watch {
            watch::watch(dir, self.until_done)
        } else {
            status(dir, self.json)
        }
    }
}

/// `relhook release status --json`.
#[derive(Debug, Serialize)]
struct StatusReport {
    schema: &'static str,
    targets: Vec<TargetStatus>,
}

/// One target.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct TargetStatus {
    pub(super) target: TargetName,
    stage: Option<StageName>,
    place: Option<String>,
    pub(super) wanted: Option<Wanted>,
    pub(super) released: Option<Landed>,
    last: Option<Attempt>,
    failures: u32,
    retry_at: Option<Timestamp>,
    /// Whether it is not tried again before a person says so or another commit is accepted.
    for_good: bool,
    /// What holds the wanted commit.
    pub(super) hold: Option<HoldStatus>,
    pub(super) running: Option<Snapshot>,
    /// The earlier release that it went back to, if that still holds.
    pin: Option<Pin>,
    /// What the last look since its release found.
    drift: Option<DriftStatus>,
    /// Why something of it cannot be told.
    pub(super) unclear: Option<String>,
}

/// What somebody changed by hand.
#[derive(Debug, Serialize)]
struct DriftStatus {
    at: Timestamp,
    deep: bool,
    differences: u64,
    found: String,
}

/// What a target is to hold.
#[derive(Debug, Serialize)]
pub(super) struct Wanted {
    #[serde(rename = "ref")]
    refname: String,
    pub(super) commit: Oid,
    sequence: u64,
}

/// Why a release does not go on to a target yet.
#[derive(Debug, Serialize)]
pub(super) struct HoldStatus {
    /// `waiting`, `stopped`, `held`, `until` or `witness`.
    state: &'static str,
    /// The stage that is waited for or was stopped in; for a hold, the target's own. Absent where
    /// witnesses of the log are waited for.
    stage: Option<StageName>,
    /// The target that is waited for, or failed.
    target: Option<TargetName>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    /// Whose statement lifts it.
    teams: Vec<TeamName>,
    /// Whose cosignature is waited for.
    witnesses: Vec<WitnessName>,
    pub(super) text: String,
}

impl HoldStatus {
    fn of(admission: &Admission) -> Option<Self> {
        let bare = |state| Self {
            state,
            stage: None,
            target: None,
            since: None,
            until: None,
            teams: Vec::new(),
            witnesses: Vec::new(),
            text: admission.to_string(),
        };
        let new = |state, stage: &StageName| Self {
            stage: Some(stage.clone()),
            ..bare(state)
        };
        match admission {
            Admission::Go(_) => None,
            Admission::Waiting { stage, target } => Some(Self {
                target: Some(target.clone()),
                ..new("waiting", stage)
            }),
            Admission::Stopped { stage, target, .. } => Some(Self {
                target: Some(target.clone()),
                ..new("stopped", stage)
            }),
            Admission::Held {
                stage,
                since,
                teams,
                ..
            } => Some(Self {
                since: Some(*since),
                teams: teams.clone(),
                ..new("held", stage)
            }),
            Admission::Unwitnessed { missing, .. } => Some(Self {
                witnesses: missing.clone(),
                ..bare("witness")
            }),
            Admission::Until { stage, at } => Some(Self {
                until: Some(*at),
                ..new("until", stage)
            }),
        }
    }
}

impl Wanted {
    /// Whether this is what was brought there.
    pub(super) fn is(&self, landed: &Landed) -> bool {
        (self.commit, self.sequence) == (landed.commit, landed.sequence)
    }
}

impl TargetStatus {
    /// Whether it has what it is to hold, if anything, and can be told.
    pub(super) fn is_done(&self) -> bool {
        let holds = match (&self.wanted, &self.released) {
            (None, _) => true,
            (Some(wanted), Some(landed)) => wanted.is(landed),
            (Some(_), None) => false,
        };
        self.unclear.is_none() && holds && self.failure().is_none()
    }

    /// Whether nothing goes on: it is done, or waits for somebody or for a time.
    pub(super) fn is_at_rest(&self) -> bool {
        let waits = self
            .hold
            .as_ref()
            .is_some_and(|hold| hold.state != "waiting");
        self.running.is_none()
            && (self.is_done() || waits || self.for_good || self.unclear.is_some())
    }

    /// Whether it shows who held it back and why, or an error: what an entry keeps beside it.
    fn discloses(&self) -> bool {
        let failed = self.last.as_ref().is_some_and(|last| last.error.is_some());
        failed || self.pin.is_some()
    }

    /// Puts this in the place of all that.
    fn withhold(&mut self, instead: &str) {
        if let Some(pin) = &mut self.pin {
            pin.by = pin.by.take().map(|_| "somebody".to_owned());
            instead.clone_into(&mut pin.reason);
        }
        if let Some(error) = self.last.as_mut().and_then(|last| last.error.as_mut()) {
            instead.clone_into(error);
        }
    }

    /// How the last run for what is wanted failed.
    pub(super) fn failure(&self) -> Option<String> {
        let wanted = self.wanted.as_ref()?;
        let last = self.last.as_ref()?;
        let same = (last.commit, last.sequence) == (wanted.commit, wanted.sequence);
        let error = last.error.as_ref().filter(|_| same)?;
        let code = last.code.as_deref().unwrap_or_default();
        let next = match self.retry_at {
            Some(at) => format!("again {at}"),
            None => "for good".to_owned(),
        };
        Some(format!("failed, {next}: {code} {error}"))
    }
}

fn status(dir: &Path, json: bool) -> anyhow::Result<Answer> {
    let report = StatusReport {
        schema: "relhook/release-status/v1",
        targets: statuses(dir, &mut Disclosure::by("release status"))?,
    };
    told(&report, &report.targets, json, shown)
}

/// Every target that a rule releases to. What the log keeps beside its entries is withheld where it may
/// not be disclosed.
pub(in crate::cli) fn statuses(
    dir: &Path,
    disclosure: &mut Disclosure,
) -> anyhow::Result<Vec<TargetStatus>> {
    let server = Server::around(dir)?;
    let bundle = server.bundle()?;
    let all = targets(&bundle).into_iter();
    let mut all: Vec<_> = all.map(|name| look_at(&server, &bundle, name)).collect();
    if all.iter().any(TargetStatus::discloses)
        && let Err(instead) = disclosure.ask(&server.store, &server.log)
    {
        all.iter_mut().for_each(|one| one.withhold(&instead));
    }
    Ok(all)
}

fn look_at(server: &Server, bundle: &Bundle, name: TargetName) -> TargetStatus {
    let mut unclear = None;
    let order = server.orders().order(&name).unwrap_or_else(|why| {
        unclear = Some(why);
        None
    });
    let state = state(server.setting(), &name).unwrap_or_else(|error| {
        unclear = Some(error.to_string());
        State::default()
    });
    let hold = order
        .as_ref()
        .and_then(|order| hold(server, order, &mut unclear));
    let target = bundle.policy.targets.get(&name);
    let stage = bundle.policy.stage_of(&name);
    let course = order.as_ref().map(|order| order.course);
    let looked = last_look(server.setting(), &name, &state);
    TargetStatus {
        stage: stage.map(|(_, stage)| stage.name.clone()),
        for_good: state.for_good,
        hold,
        pin: state.pin.filter(|_| course == Some(Course::Back)),
        drift: looked.map(|finding| DriftStatus {
            at: finding.at,
            deep: finding.deep,
            differences: finding.count(),
            found: finding.words(),
        }),
        place: target.map(|target| place(&target.kind)),
        wanted: order.map(|order| Wanted {
            refname: order.refname.to_string(),
            commit: order.commit,
            sequence: order.sequence,
        }),
        running: is_running(server.setting(), &name)
            .then(|| snapshot(server.folder.path(), &name))
            .flatten(),
        released: state.released,
        last: state.last,
        failures: state.failures,
        retry_at: state.retry_at,
        unclear,
        target: name,
    }
}

/// What holds an order, if anything does.
fn hold(server: &Server, order: &Order, unclear: &mut Option<String>) -> Option<HoldStatus> {
    match server.orders().admission(order) {
        Ok(admission) => HoldStatus::of(&admission),
        Err(why) => {
            *unclear = Some(why);
            None
        }
    }
}

/// One target for people.
pub(in crate::cli) fn shown(status: &TargetStatus) -> String {
    let mut text = format!(
        "{}  {}\n",
        status.target,
        status.place.as_deref().unwrap_or("")
    );
    let mut line = |head: &str, what: &str| {
        let _ = writeln!(text, "  {head:<9} {what}");
    };
    match &status.wanted {
        Some(wanted) => line(
            "wanted",
            &what(wanted.commit, &wanted.refname, wanted.sequence),
        ),
        None => line("wanted", "nothing was accepted for it yet"),
    }
    match &status.released {
        Some(landed) => {
            let what = what(landed.commit, &landed.refname, landed.sequence);
            line("released", &format!("{what}, {}", landed.at));
        }
        None => line("released", "nothing yet"),
    }
    if let Some(pin) = &status.pin {
        let by = pin.by.as_deref().unwrap_or("the health check");
        line("held", &format!("{}, by {by}: {}", pin.at, pin.reason));
    }
    if let Some(drift) = &status.drift {
        line(
            "by hand",
            &format!("{}, looked at {}", drift.found, drift.at),
        );
    }
    if let Some(running) = &status.running {
        line("running", &progress_line(&status.target, running, None));
    }
    if let Some(last) = status.last.as_ref().filter(|last| last.error.is_some()) {
        let code = last.code.as_deref().unwrap_or_default();
        let error = last.error.as_deref().unwrap_or_default();
        line("stopped", &format!("{} {code} {error}", last.at));
    }
    if let Some(at) = status.retry_at {
        line(
            "again",
            &format!("{at}, after {} failed runs", status.failures),
        );
    }
    if status.for_good {
        let name = &status.target;
        line(
            "again",
            &format!("never by itself: relhook release --target {name}"),
        );
    }
    if let Some(unclear) = &status.unclear {
        line("unclear", unclear);
    }
    if let Some(hold) = &status.hold {
        let lead = match hold.stage {
            Some(_) => "  stage     ",
            None => "  witness   ",
        };
        text += &ui::paragraph(lead, &hold.text);
    }
    text
}

fn what(commit: Oid, refname: &str, sequence: u64) -> String {
    format!("{} of {refname} (entry {sequence})", commit.short())
}

#[cfg(test)]
mod tests;
