//! `post-receive`: wake the releaser and show how far it comes. It decides nothing, and may never
//! run: what it starts is also started by the next push, by a timer, or by hand.

use super::input::{self, Claimed};
use super::{Answer, Stop};
use crate::audit::AuditLog;
use crate::decide::Reason;
use crate::folder::Folder;
use crate::ledger::Ledger;
use crate::release::{Phase, Snapshot, follow, spawn_worker};
use crate::types::TargetName;
use crate::ui;
use std::collections::BTreeMap;
use std::io::Read;
use std::time::{Duration, Instant};

/// How long a push waits to see its release end. The release goes on without it.
const WATCH: Duration = Duration::from_secs(60);
/// The shortest time between two lines about the same phase.
const LINE_EVERY: Duration = Duration::from_secs(3);

/// Starts the releaser where the push moved a ref that is released, and shows its progress.
pub fn post_receive(input: impl Read) -> Answer {
    wake(input).unwrap_or_else(|stop| stop.refuse())
}

fn wake(input: impl Read) -> Result<Answer, Stop> {
    let moved = input::updates(input)?;
    // The ledger alone says whether there is anything to do: most pushes wait for this hook only.
    let git_dir = super::git_dir()?;
    let folder = Folder::open(&git_dir)?;
    let due = due(
        &Ledger::open(folder.path(), &AuditLog::at(folder.path()))?,
        &moved,
    )?;
    if due.is_empty() {
        return Ok(Answer::pass());
    }
    let exe = std::env::current_exe().map_err(not_started)?;
    spawn_worker(&exe, &git_dir).map_err(not_started)?;
    let deadline = Instant::now() + WATCH;
    for (target, sequence) in due {
        watch(
            &folder,
            &target,
            sequence,
            deadline.saturating_duration_since(Instant::now()),
        );
    }
    Ok(Answer::pass())
}

/// The ref has moved all the same, and the next run of the releaser finds it.
fn not_started(error: impl std::fmt::Display) -> Stop {
    Stop::because(Reason::Environment {
        why: format!("the push is in, but the releaser could not be started: {error}"),
    })
}

/// The targets that the moved refs are released to, each with the entry that accepted the move.
fn due(ledger: &Ledger, moved: &[Claimed]) -> Result<BTreeMap<TargetName, u64>, Stop> {
    let mut due = BTreeMap::new();
    for (refname, change) in moved {
        let Some(new) = change.new_oid() else {
            continue;
        };
        if let Some((sequence, targets)) = ledger.record(refname)?.due(new) {
            due.extend(targets.iter().map(|target| (target.clone(), sequence)));
        }
    }
    Ok(due)
}

/// Shows a release to the person who pushed. Each line stands for itself: a client that went away
/// loses them and nothing else.
fn watch(folder: &Folder, target: &TargetName, sequence: u64, limit: Duration) {
    let mut last: Option<(Phase, Instant)> = None;
    let ended = follow(folder.path(), target, sequence, limit, &mut |snapshot| {
        let again = last
            .is_some_and(|(phase, when)| phase == snapshot.phase && when.elapsed() < LINE_EVERY);
        if !again {
            last = Some((snapshot.phase, Instant::now()));
            ui::emit_error(&line(target, snapshot));
        }
    });
    if ended.is_none() {
        ui::emit_error(&format!(
            "relhook: {target}: the release goes on; on the server: relhook release status\n"
        ));
    }
}

fn line(target: &TargetName, snapshot: &Snapshot) -> String {
    let count = match snapshot.of {
        0 => String::new(),
        of => format!(" {} of {of}", snapshot.done),
    };
    let totals = snapshot.totals;
    match snapshot.phase {
        Phase::Comparing => format!("relhook: {target}: comparing\n"),
        Phase::Sending => format!("relhook: {target}: sending{count}\n"),
        Phase::Moving => format!("relhook: {target}: putting into place{count}\n"),
        Phase::Deleting => format!("relhook: {target}: deleting{count}\n"),
        Phase::Checking => format!("relhook: {target}: checking{count}\n"),
        Phase::Finished => format!(
            "relhook: {target}: released {} ({} sent, {} deleted, {} unchanged)\n",
            snapshot.commit.short(),
            totals.uploaded,
            totals.deleted,
            totals.unchanged
        ),
        Phase::Failed => failed(target, snapshot),
    }
}

/// The ref has moved and stays; what failed is the way from there to the target.
fn failed(target: &TargetName, snapshot: &Snapshot) -> String {
    let code = snapshot.code.as_deref().unwrap_or("RH601");
    let why = snapshot
        .error
        .as_deref()
        .unwrap_or("no reason was written down");
    let hints: String = snapshot
        .hints
        .iter()
        .map(|hint| format!("  hint: {hint}\n"))
        .collect();
    format!(
        "relhook: {target}: the push is in, but the release stopped\n  {code} {why}\n{hints}  \
         more: relhook explain {code}\n"
    )
}
