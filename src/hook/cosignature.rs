//! A push that brings a witness's cosignature, and nothing else.
//!
//! The cosignature itself says who may: whose key the policy in force names, and who signed with it a
//! checkpoint that this log had. It adds no entry to the log: each would be one more to cosign.

use super::{Answer, Claimed, Stop};
use crate::audit::{Cosigned, CosignedFault, MAX_COSIGNED};
use crate::cosign::{WitnessId, WitnessKey};
use crate::decide::Reason;
use crate::facts::Current;
use crate::policy::Policy;
use crate::server::Server;
use crate::types::{Oid, RefName, WitnessName};
use crate::witness::WITNESS_PREFIX;

/// Whether a push is about cosignatures.
pub(super) fn brings(claimed: &[Claimed]) -> bool {
    let mut names = claimed.iter().map(|(name, _)| name);
    names.any(|name| name.is_under(WITNESS_PREFIX))
}

/// Takes the cosignature in: it is on disk when this returns.
pub(super) fn take(claimed: &[Claimed]) -> Result<Answer, Stop> {
    let server = Server::open_in_hook()?;
    let (refname, oid) = alone(claimed)?;
    let in_force = server.policy()?;
    let (name, witness) = witness(in_force.policy(), refname)?;
    if !matches!(
        server.store.current(refname)?,
        Current::Absent | Current::At(_)
    ) {
        return Err(refused(
            "the ref that it is pushed to is not what it has to be",
        ));
    }
    // What comes with it would be in the repository with nobody on record who brought it.
    server.store.arrivals(&mut |found, _| match found {
        Some(_) => Err(refused("commits or tags come with it")),
        None => Ok(()),
    })?;
    let note = server.store.blob_bytes(oid, MAX_COSIGNED);
    let note = note.map_err(|fault| refused(Reason::from(&fault).to_string()))?;
    let now = server.now()?;
    match server.log.take_cosigned(witness, &note, now) {
        Ok(cosigned) => Ok(thanks(name, &cosigned)),
        Err(CosignedFault::Audit(error)) => Err(error.into()),
        Err(fault) => Err(refused(fault.to_string())),
    }
}

/// The one update that there is.
fn alone(claimed: &[Claimed]) -> Result<(&RefName, Oid), Stop> {
    let [(refname, change)] = claimed else {
        return Err(refused("it has to be pushed alone"));
    };
    let oid = change.new_oid();
    let oid = oid.ok_or_else(|| refused("what a witness cosigned cannot be taken away"))?;
    Ok((refname, oid))
}

/// Whose it is, by the policy in force.
fn witness<'p>(
    policy: &'p Policy,
    refname: &RefName,
) -> Result<(&'p WitnessName, &'p WitnessKey), Stop> {
    let id = identifier(refname);
    let id = id.ok_or_else(|| refused("the ref is not named by the identifier of a key"))?;
    policy
        .audit
        .witness(id)
        .ok_or_else(|| refused(format!("the policy names no witness whose key is {id}")))
}

/// The identifier that a ref of a witness is named by.
pub(super) fn identifier(refname: &RefName) -> Option<WitnessId> {
    let name = refname.as_bytes().strip_prefix(WITNESS_PREFIX.as_bytes())?;
    WitnessId::parse(name)
}

fn refused(why: impl Into<String>) -> Stop {
    Stop::because(Reason::Cosignature { why: why.into() })
}

fn thanks(name: &WitnessName, cosigned: &Cosigned) -> Answer {
    let checkpoint = &cosigned.checkpoint;
    Answer {
        text: format!(
            "relhook: {name} has cosigned {} {}\n",
            checkpoint.size,
            checkpoint.root_base64()
        ),
        exit: 0,
    }
}
