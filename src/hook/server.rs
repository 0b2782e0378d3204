//! What every server hook opens first, and asks of it.

use super::Stop;
use crate::audit::{Event, Recorded};
use crate::decide::Reason;
use crate::facts::Store;
use crate::policy::{Bundle, Policy};
use crate::server::Server;
use crate::signature::Keyring;
use crate::types::{Oid, Timestamp};

/// The policy in force, with its keys ready for use.
pub(in crate::hook) struct InForce {
    pub(in crate::hook) commit: Oid,
    pub(in crate::hook) bundle: Bundle,
}

impl Server {
    /// Opens the repository that git names, and relhook's folder in it.
    pub(in crate::hook) fn open_in_hook() -> Result<Self, Stop> {
        let mut server = Self::beside(Store::open_in_hook()?)?;
        // A hook is over in a moment.
        server.log = server.log.briefly();
        Ok(server)
    }

    /// The policy in force: the one on its ref now, never one that a push brings.
    pub(in crate::hook) fn policy(&self) -> Result<InForce, Stop> {
        let (commit, bundle) = self
            .store
            .policy()?
            .ok_or(Stop::because(Reason::PolicyMissing))?;
        Ok(InForce { commit, bundle })
    }

    /// The policy's keys, from the cache of this policy's commit.
    pub(in crate::hook) fn keyring(&self, policy: &InForce) -> Result<Keyring, Stop> {
        let home = self
            .folder
            .path()
            .join("keyring")
            .join(policy.commit.to_string());
        Ok(Keyring::build(
            &policy.bundle.policy,
            &policy.bundle.keys,
            &home,
        )?)
    }

    /// Puts a refusal that came before any judgement on the record, as far as that can be done:
    /// what stops the hook may be the log itself.
    pub(in crate::hook) fn note(stop: &Stop) -> Option<Recorded> {
        let server = Self::open_in_hook().ok()?;
        let login = server.policy().ok().and_then(|in_force| {
            let without = super::identity::Presented::Nothing;
            super::identity::identify(in_force.policy(), &without, &super::variable).login
        });
        let event = Event::Refused {
            code: stop.reason().code().to_string(),
            why: stop.reason().to_string(),
            login,
        };
        // The push is refused either way, and the pusher is told why.
        server.log.append(super::clock(), event).ok()
    }

    /// The time that a decision uses: the clock, but never before the log's last entry.
    pub(in crate::hook) fn now(&self) -> Result<Timestamp, Stop> {
        Ok(super::clock().max(self.log.last()?.time))
    }
}

impl InForce {
    /// What it means.
    pub(in crate::hook) fn policy(&self) -> &Policy {
        &self.bundle.policy
    }
}
