//! `post-receive`: wake the releaser and show how far it comes. It decides nothing, and may never
//! run: what it starts is also started by the next push, by a timer, or by hand. Where nothing is
//! released, a smaller program does its part ([`super::after`]).

use super::input::{self, Claimed};
use super::watch::{self, Style};
use super::{Answer, Stop, variable};
use crate::audit::AuditLog;
use crate::decide::Reason;
use crate::dispatch::LedgerOrders;
use crate::facts::Store;
use crate::folder::Folder;
use crate::ledger::Ledger;
use crate::object::Tag;
use crate::release::{Order, Orders, Phase, Waker, pull_trigger, snapshot, spawn_worker};
use crate::server::Server;
use crate::statement::{Decision, STATEMENT_PREFIX, Statement};
use crate::types::{Oid, TargetName};
use crate::witness::WITNESS_PREFIX;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// The push option that asks for one line that is written over again and again, instead of a few
/// plain ones. A hook cannot see the client's terminal, so it has to be told.
const LIVE: &[u8] = b"relhook.progress=live";

/// Has clones be shown how far the log is; starts the releaser where the push moved a ref that is
/// released, or lets a release go on, and shows its progress.
pub fn post_receive(input: impl Read) -> Answer {
    let woken = super::git_dir().and_then(|git_dir| {
        super::after::show_soon(&git_dir);
        match super::after::releases(&git_dir) {
            true => wake(&git_dir, input),
            false => Ok(Answer::pass()),
        }
    });
    woken.unwrap_or_else(|stop| stop.refuse())
}

/// Writes to the log which refs moved, then brings what clones see of it to where the log is.
pub fn publish() -> Answer {
    let published = super::git_dir().and_then(|git_dir| {
        let server = Server::beside(Store::open(&git_dir)?)?;
        // The next push, heartbeat or release tells it as well.
        let _ = server.tell_moves(super::clock());
        let owed = server.tell_debts(super::clock()).unwrap_or(false);
        let back = keep_rollbacks(&git_dir, &server);
        let shown = crate::witness::publish(&git_dir, &server.log).map_err(|error| {
            let why = error.to_string();
            Stop::because(Reason::LogUnwritable { why })
        });
        if owed || back {
            tell_people(&server);
        }
        shown
    });
    // What was not sent stays with its stream, which says so.
    if let Ok(git_dir) = super::git_dir() {
        let _ = crate::streams::pump_at(&git_dir);
    }
    match published {
        Ok(_) => Answer::pass(),
        Err(stop) => stop.refuse(),
    }
}

/// Has people be told of emergencies and rollbacks, where nothing is ever released: then no releaser tells them. What
/// cannot be told now is told with the next push, heartbeat or release.
pub fn tell_people(server: &Server) {
    match Waker::of(server.store.git_dir()) {
        Ok(Waker::Trigger) => drop(pull_trigger(server.store.git_dir())),
        Ok(Waker::Hook) | Err(_) => {
            if let Ok(Some((policy, bundle))) = server.store.policy() {
                let _ = crate::notify::deliver(server, policy, &bundle, super::clock());
            }
        }
    }
}

/// Keeps what was rolled back where clones see it; whether that is news. The next time brings it along.
fn keep_rollbacks(git_dir: &Path, server: &Server) -> bool {
    // Not held while other things are done: nobody can make the ledger's file again meanwhile.
    let rollbacks = server
        .ledger()
        .ok()
        .and_then(|ledger| ledger.rollbacks().ok());
    crate::witness::keep_rollbacks(git_dir, &rollbacks.unwrap_or_default()).unwrap_or_default()
}

fn wake(git_dir: &Path, input: impl Read) -> Result<Answer, Stop> {
    let moved = input::updates(input)?;
    // The ledger alone says whether there is anything to do: most pushes wait for this hook only.
    let folder = Folder::open(git_dir)?;
    let ledger = Ledger::open(folder.path(), &AuditLog::at(folder.path()))?;
    let mut due = due(&ledger, &moved)?;
    for statement in lifting(&moved)? {
        due.extend(lifted(git_dir, &ledger, &statement)?);
    }
    // While it is open, nobody can make its file again.
    drop(ledger);
    if moved.iter().any(|(name, _)| name.is_under(WITNESS_PREFIX)) {
        due.extend(witnessed(git_dir)?);
    }
    if due.is_empty() {
        return Ok(Answer::pass());
    }
    let before = watch::runs(&folder, &due);
    match Waker::of(git_dir).map_err(not_started)? {
        Waker::Hook => {
            let exe = std::env::current_exe().map_err(not_started)?;
            spawn_worker(&exe, git_dir).map_err(not_started)?;
        }
        Waker::Trigger => pull_trigger(git_dir).map_err(not_started)?,
    }
    let options = input::options(variable).unwrap_or_default();
    let style = match options.iter().any(|option| option == LIVE) {
        true => Style::Live,
        false => Style::Plain,
    };
    watch::watch(&folder, &due, &before, style);
    Ok(Answer::pass())
}

/// The ref has moved all the same, and the next run of the releaser finds it.
fn not_started(error: impl std::fmt::Display) -> Stop {
    Stop::because(Reason::Environment {
        why: format!("the push is in, but the releaser could not be started: {error}"),
    })
}

/// The statements that were pushed and let a release go on.
fn lifting(moved: &[Claimed]) -> Result<Vec<Statement>, Stop> {
    let tags: Vec<Oid> = moved
        .iter()
        .filter(|(name, _)| name.as_bytes().starts_with(STATEMENT_PREFIX.as_bytes()))
        .filter_map(|(_, change)| change.new_oid())
        .collect();
    if tags.is_empty() {
        return Ok(Vec::new());
    }
    let store = Store::open_in_hook()?;
    let mut lifting = Vec::new();
    for tag in tags {
        // What cannot be read here was judged before; whether it counts, the releaser asks.
        let Ok(Ok(bytes)) = store.tag_bytes(tag) else {
            continue;
        };
        let statement = Tag::parse(&bytes).ok();
        let statement = statement.and_then(|tag| Statement::parse(&tag).ok());
        lifting.extend(statement.filter(|statement| statement.decision == Decision::Lift));
    }
    Ok(lifting)
}

/// The targets that a lift may concern: those of its stage that its ref is released to.
fn lifted(
    git_dir: &Path,
    ledger: &Ledger,
    statement: &Statement,
) -> Result<Vec<(TargetName, u64)>, Stop> {
    let store = Store::open(git_dir)?;
    let Some((_, bundle)) = store.policy()? else {
        return Ok(Vec::new());
    };
    let record = ledger.record(&statement.refname)?;
    let Some(sequence) = record.accepted_by(statement.commit) else {
        return Ok(Vec::new());
    };
    let mut stages = bundle.policy.stages.iter();
    let stage = stages.find(|stage| Some(&stage.name) == statement.stage.as_ref());
    let rules = bundle.policy.rules_for(&statement.refname);
    let released = |name: &&TargetName| rules.iter().any(|rule| rule.release.contains(*name));
    let targets = stage.into_iter().flat_map(|stage| &stage.targets);
    Ok(targets
        .filter(released)
        .map(|name| (name.clone(), sequence))
        .collect())
}

/// The targets that may have waited for witnesses: those that do not hold what they are to.
fn witnessed(git_dir: &Path) -> Result<Vec<(TargetName, u64)>, Stop> {
    let server = Server::beside(Store::open(git_dir)?)?;
    let Some((_, bundle)) = server.store.policy()? else {
        return Ok(Vec::new());
    };
    let policy = bundle.policy;
    if policy.audit.required == 0 {
        return Ok(Vec::new());
    }
    let orders = LedgerOrders {
        server: &server,
        now: &super::clock,
    };
    let waits = |name: &TargetName, order: &Order| {
        // One that failed is not tried again by this.
        snapshot(server.folder.path(), name)
            .is_none_or(|last| last.sequence < order.sequence || last.phase == Phase::Held)
    };
    let mut due = Vec::new();
    for name in policy.targets.keys() {
        // Where there is no telling, the releaser says why.
        if let Ok(Some(order)) = orders.order(name)
            && waits(name, &order)
        {
            due.push((name.clone(), order.sequence));
        }
    }
    Ok(due)
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
