//! `reference-transaction`: a protected ref moves only where a recorded verdict accepts exactly
//! this move.

use super::input::next_line;
use super::transaction::{Now, Step, To, is_statement, moves, packed_value, step};
use super::{Answer, Stop, cosignature};
use crate::decide::Reason;
use crate::facts::Current;
use crate::ledger::Ledger;
use crate::policy::Policy;
use crate::server::Server;
use crate::types::{Oid, RefName};
use crate::witness::{CHECKPOINT_REF, WITNESS_PREFIX};
use std::io::{BufReader, Read};
use std::path::Path;
use std::time::Duration;

/// Lets a transaction of refs go on, or not. Only the `prepared` phase, in which the refs are
/// locked, is judged; phases that this version does not know pass.
pub fn reference_transaction(phase: &[u8], input: impl Read) -> Answer {
    if phase != b"prepared" {
        return Answer::pass();
    }
    judge(input).unwrap_or_else(|stop| stop.refuse())
}

fn judge(input: impl Read) -> Result<Answer, Stop> {
    let steps = steps(input)?;
    if steps.is_empty() {
        return Ok(Answer::pass());
    }
    let server = Server::open_in_hook()?;
    // By now git has put what the push brought into the store, however this ends.
    let ledger = server.ledger_for_move(super::process::parent().as_deref())?;
    let mut policy = None;
    for step in &steps {
        check(&server, &ledger, &mut policy, step)?;
    }
    super::leave(ledger);
    Ok(Answer::pass())
}

/// The steps that concern refs.
fn steps(input: impl Read) -> Result<Vec<Step>, Stop> {
    let mut reader = BufReader::new(input);
    let mut steps = Vec::new();
    while let Some(line) = next_line(&mut reader)? {
        steps.extend(step(&line).map_err(Stop::unreadable)?);
    }
    Ok(steps)
}

fn check(
    server: &Server,
    ledger: &Ledger,
    policy: &mut Option<Policy>,
    step: &Step,
) -> Result<(), Stop> {
    // What a verdict permits needs no look at the policy, and that is every move of a push.
    let now = now(server, step)?;
    if !moves(step.to, now)
        || permitted(server, ledger, step, now)?
        || packs_behind(server.store.common_dir(), step, now)
        || !concerns(server, policy, &step.refname)?
    {
        return Ok(());
    }
    Err(Stop::because(Reason::NoVerdict {
        refname: step.refname.clone(),
    }))
}

/// Whether the ref is protected. The policy's own ref and statements always are; for others the
/// policy is read, once.
fn concerns(server: &Server, policy: &mut Option<Policy>, refname: &RefName) -> Result<bool, Stop> {
    if refname.is_under("refs/relhook/") {
        return Ok(true);
    }
    let policy = match policy {
        Some(policy) => policy,
        None => policy.insert(server.policy()?.bundle.policy),
    };
    Ok(policy.protects(refname))
}

fn now(server: &Server, step: &Step) -> Result<Now, Stop> {
    let common = server.store.common_dir();
    // Only a deletion has to be told from pruning; the packed refs may be many.
    let packed = match step.to {
        To::Nothing => packed(&common.join("packed-refs"), &step.refname)?,
        To::Object(_) | To::Other => None,
    };
    Ok(Now {
        current: current(server, &step.refname)?,
        packed,
        packed_locked: common.join("packed-refs.lock").exists(),
    })
}

/// Whether the checkpoint's ref is packed as it was a moment ago. Only relhook moves it, without
/// asking git's hooks, and may do so while all refs are packed: its loose file then holds, whatever the
/// packed refs say. Whoever really moves a ref has locked that file.
fn packs_behind(common: &Path, step: &Step, now: Now) -> bool {
    let is_checkpoint = step.refname.as_bytes() == CHECKPOINT_REF.as_bytes();
    if !is_checkpoint || !now.packed_locked || !matches!(step.to, To::Object(_)) {
        return false;
    }
    let locked = common.join(format!("{CHECKPOINT_REF}.lock"));
    // relhook itself has it locked for a moment.
    let free = (0..10).any(|again| {
        if again > 0 {
            std::thread::sleep(Duration::from_millis(10));
        }
        !locked.exists()
    });
    free && common.join(CHECKPOINT_REF).is_file()
}

fn packed(file: &Path, refname: &RefName) -> Result<Option<Oid>, Stop> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(packed_value(&bytes, refname)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Stop::unreadable(format!("packed-refs: {error}"))),
    }
}

fn current(server: &Server, refname: &RefName) -> Result<Option<Oid>, Stop> {
    Ok(match server.store.current(refname)? {
        Current::At(oid) => Some(oid),
        Current::Absent | Current::Symbolic { .. } => None,
        Current::Unreadable { why } => return Err(Stop::unreadable(why)),
    })
}

fn permitted(server: &Server, ledger: &Ledger, step: &Step, now: Now) -> Result<bool, Stop> {
    let To::Object(new) = step.to else {
        return Ok(false);
    };
    if step.refname.is_under(WITNESS_PREFIX) {
        return is_cosigned(server, &step.refname, new);
    }
    if is_statement(&step.refname) {
        // Append-only: made once, and only what an accepted push brought.
        return Ok(now.current.is_none() && ledger.seen(new)?.is_some());
    }
    let record = ledger.record(&step.refname)?;
    Ok(record.permits(now.current, new, super::clock()))
}

/// A witness's ref names what was last taken in of it, to the byte, and nothing else.
fn is_cosigned(server: &Server, refname: &RefName, new: Oid) -> Result<bool, Stop> {
    let Some(id) = cosignature::identifier(refname) else {
        return Ok(false);
    };
    let Some(note) = server.log.last_cosigned(id)? else {
        return Ok(false);
    };
    let kept = git2::Oid::hash_object(git2::ObjectType::Blob, &note);
    Ok(kept.is_ok_and(|kept| kept.as_bytes() == new.as_bytes()))
}
