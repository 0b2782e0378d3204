//! Between the record and the releaser: what a target is to hold, by the policy in force and what
//! the log accepted; and the log's entries of how a release went.

mod stages;

use crate::audit::{self, AuditLog, ReleaseRecord, ReleaseState};
use crate::facts::{Current, Fault, PolicyReadError};
use crate::ledger::LedgerError;
use crate::policy::{Bundle, Target};
use crate::release::ReleaseError;
use crate::release::{Admission, Credits, Event, Next, Order, Orders, Totals, What, Witness};
use crate::server::Server;
use crate::signature::KeyringError;
use crate::types::{Oid, RefName, TargetName, Timestamp};

/// Orders by the ledger and the policy in force, both read anew each time one is asked for.
pub struct LedgerOrders<'a> {
    /// The repository, and what was accepted.
    pub server: &'a Server,
}

/// Why there is no telling what a target is to hold.
#[derive(Debug, thiserror::Error)]
enum OrderError {
    #[error("the policy in force cannot be used: {0}")]
    Policy(#[from] PolicyReadError),
    #[error("there is no policy in force")]
    NoPolicy,
    #[error("the policy in force has no target `{0}`")]
    NoTarget(TargetName),
    #[error("the target's `ca` names `keys/{0}`, which is not beside the policy")]
    NoAuthorities(String),
    #[error("the ledger cannot be used: {0}")]
    Ledger(#[from] LedgerError),
    #[error("{refname} cannot be read: {why}")]
    Ref { refname: RefName, why: String },
    #[error("the statements about {commit} cannot be read: {fault}")]
    Statements { commit: Oid, fault: Fault },
    #[error("the policy's keys cannot be used: {0}")]
    Keys(#[from] KeyringError),
    #[error("the log does not say when it accepted {commit} for {refname}")]
    NotAccepted { refname: RefName, commit: Oid },
    #[error("the log cannot be used: {0}")]
    Log(#[from] audit::AuditError),
    #[error(transparent)]
    Desk(#[from] ReleaseError),
}

impl Orders for LedgerOrders<'_> {
    fn order(&self, target: &TargetName) -> Result<Option<Order>, String> {
        self.find(target).map_err(|error| error.to_string())
    }

    fn admission(&self, order: &Order) -> Result<Admission, String> {
        self.admit(order).map_err(|error| error.to_string())
    }
}

impl LedgerOrders<'_> {
    fn find(&self, name: &TargetName) -> Result<Option<Order>, OrderError> {
        let (_, bundle) = self.server.store.policy()?.ok_or(OrderError::NoPolicy)?;
        let target = bundle.policy.targets.get(name);
        let target = target.ok_or_else(|| OrderError::NoTarget(name.clone()))?;
        let Some((refname, commit, sequence)) = self.latest(&bundle, name)? else {
            return Ok(None);
        };
        Ok(Some(Order {
            target: target.clone(),
            repository: bundle.policy.repository.clone(),
            ca: authorities(&bundle, target)?,
            credits: self.credits(&refname, commit, sequence),
            refname,
            commit,
            sequence,
        }))
    }

    /// Who stands behind a commit, by the entry that accepted it, where that is near the log's end.
    fn credits(&self, refname: &RefName, commit: Oid, sequence: u64) -> Credits {
        let entry = self.server.log.recent(sequence);
        let Some(audit::Event::Verdict(verdict)) = entry.map(|entry| entry.event) else {
            return Credits::default();
        };
        let refname = refname.to_string();
        let update = verdict
            .updates
            .into_iter()
            .find(|update| update.refname == refname && update.new == Some(commit));
        Credits {
            pushed_by: verdict.person.or(verdict.login),
            approved_by: update.map(|update| update.approved_by).unwrap_or_default(),
        }
    }

    /// The accepted commit that stands in a ref released to this target: where several refs are,
    /// the one that was accepted last. What stands in a ref without a verdict is not released.
    fn latest(
        &self,
        bundle: &Bundle,
        name: &TargetName,
    ) -> Result<Option<(RefName, Oid, u64)>, OrderError> {
        let mut latest: Option<(RefName, Oid, u64)> = None;
        for (refname, record) in self.server.ledger()?.refs()? {
            let rules = bundle.policy.rules_for(&refname);
            if !rules.iter().any(|rule| rule.release.contains(name)) {
                continue;
            }
            let Some(commit) = self.value(&refname)? else {
                continue;
            };
            let Some(sequence) = record.accepted_by(commit) else {
                continue;
            };
            if latest
                .as_ref()
                .is_none_or(|(_, _, other)| sequence > *other)
            {
                latest = Some((refname, commit, sequence));
            }
        }
        Ok(latest)
    }

    fn value(&self, refname: &RefName) -> Result<Option<Oid>, OrderError> {
        let unreadable = |why: String| OrderError::Ref {
            refname: refname.clone(),
            why,
        };
        match self.server.store.current(refname) {
            Ok(Current::At(oid)) => Ok(Some(oid)),
            Ok(Current::Absent) => Ok(None),
            Ok(Current::Symbolic { target }) => Err(unreadable(format!("it points at {target}"))),
            Ok(Current::Unreadable { why }) => Err(unreadable(why)),
            Err(fault) => Err(unreadable(fault.to_string())),
        }
    }
}

fn authorities(bundle: &Bundle, target: &Target) -> Result<Option<Vec<u8>>, OrderError> {
    let Some(name) = target.kind.ca() else {
        return Ok(None);
    };
    match bundle.keys.get(name) {
        Some(bytes) => Ok(Some(bytes.to_vec())),
        None => Err(OrderError::NoAuthorities(name.to_owned())),
    }
}

/// Writes releases into the audit log.
pub struct LogWitness<'a> {
    /// The log.
    pub log: &'a AuditLog,
    /// The clock.
    pub now: &'a dyn Fn() -> Timestamp,
}

impl Witness for LogWitness<'_> {
    fn record(&mut self, event: &Event) -> Result<(), String> {
        let entry = audit::Event::Release(release_record(event));
        self.log
            .append((self.now)(), entry)
            .map(drop)
            .map_err(|error| error.to_string())
    }
}

fn release_record(event: &Event) -> ReleaseRecord {
    let for_good = matches!(
        event.what,
        What::Failed {
            next: Next::ForGood,
            ..
        }
    );
    let (state, totals, error) = match &event.what {
        What::Started => (ReleaseState::Started, Totals::default(), None),
        What::Finished(totals) => (ReleaseState::Finished, *totals, None),
        What::Failed {
            code,
            error,
            totals,
            next: _,
        } => (
            ReleaseState::Failed,
            *totals,
            Some(format!("{code} {error}")),
        ),
    };
    ReleaseRecord {
        target: event.target.to_string(),
        refname: event.refname.to_string(),
        commit: event.commit,
        sequence: event.sequence,
        state,
        uploaded: totals.uploaded,
        deleted: totals.deleted,
        bytes: totals.bytes,
        error,
        for_good,
        lifted_by: event.lifted_by.iter().map(ToString::to_string).collect(),
    }
}
