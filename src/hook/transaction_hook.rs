//! `reference-transaction`: a protected ref moves only where a recorded verdict accepts exactly
//! this move.

use super::input::next_line;
use super::server::Server;
use super::transaction::{Now, Step, To, is_statement, moves, packed_value, step};
use super::{Answer, Stop};
use crate::decide::Reason;
use crate::facts::Current;
use crate::types::{Oid, RefName};
use std::io::{BufReader, Read};

/// Lets a transaction of refs go on, or not. Only the `prepared` phase, in which the refs are
/// locked, is judged; phases that this version does not know pass.
pub fn reference_transaction(phase: &[u8], input: impl Read) -> Answer {
    if phase != b"prepared" {
        return Answer::pass();
    }
    judge(input).unwrap_or_else(|stop| stop.refuse())
}

fn judge(input: impl Read) -> Result<Answer, Stop> {
    let mut reader = BufReader::new(input);
    let mut guard = Guard::default();
    while let Some(line) = next_line(&mut reader)? {
        let step = step(&line).map_err(Stop::unreadable)?;
        if let Some(step) = step {
            guard.check(&step)?;
        }
    }
    Ok(Answer::pass())
}

/// Opens what it needs only when a ref asks for it: most transactions concern no protected ref.
#[derive(Default)]
struct Guard {
    server: Option<Server>,
    policy: Option<crate::policy::Policy>,
}

impl Guard {
    fn check(&mut self, step: &Step) -> Result<(), Stop> {
        // What a verdict permits needs no look at the policy, and that is every move of a push.
        let server = self.server()?;
        let now = now(server, step)?;
        if !moves(step.to, now) || permitted(server, step, now)? {
            return Ok(());
        }
        if !self.concerns(&step.refname)? {
            return Ok(());
        }
        Err(Stop::because(Reason::NoVerdict {
            refname: step.refname.clone(),
        }))
    }

    /// Whether the ref is protected. The policy's own ref and statements always are.
    fn concerns(&mut self, refname: &RefName) -> Result<bool, Stop> {
        if refname.is_under("refs/relhook/") {
            return Ok(true);
        }
        if self.policy.is_none() {
            let in_force = self.server()?.policy()?;
            self.policy = Some(in_force.bundle.policy);
        }
        Ok(self
            .policy
            .as_ref()
            .is_none_or(|policy| policy.protects(refname)))
    }

    fn server(&mut self) -> Result<&Server, Stop> {
        if self.server.is_none() {
            self.server = Some(Server::open()?);
        }
        self.server
            .as_ref()
            .ok_or(Stop::because(Reason::PolicyMissing))
    }
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

fn packed(file: &std::path::Path, refname: &RefName) -> Result<Option<Oid>, Stop> {
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

fn permitted(server: &Server, step: &Step, now: Now) -> Result<bool, Stop> {
    let To::Object(new) = step.to else {
        return Ok(false);
    };
    if is_statement(&step.refname) {
        // Append-only: made once, and only what an accepted push brought.
        return Ok(now.current.is_none() && server.ledger.seen(new)?.is_some());
    }
    let record = server.ledger.record(&step.refname)?;
    Ok(record.permits(now.current, new, super::clock()))
}
