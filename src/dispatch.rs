//! Between the record and the releaser: what a target is to hold, by the policy in force and what
//! the log accepted; and the log's entries of how a release went.

mod history;
mod stages;
mod witnesses;

use crate::audit::{
    self, AuditLog, CourseRecord, DriftItem, DriftRecord, MAX_DRIFT, ReleaseRecord, ReleaseState,
};
use crate::facts::{Current, Fault, PolicyReadError};
use crate::ledger::LedgerError;
use crate::policy::{Bundle, Target};
use crate::release::drift::Finding;
use crate::release::{
    Admission, Course, Credits, Event, Next, Order, Orders, Pin, ReleaseError, Setting, Totals,
    What, Witness,
};
use crate::server::Server;
use crate::signature::KeyringError;
use crate::types::{Oid, RefName, TargetName, Timestamp};

pub use history::Past;
pub(crate) use stages::lifts_of;

/// Orders by the ledger and the policy in force, both read anew each time one is asked for.
pub struct LedgerOrders<'a> {
    /// The repository, and what was accepted.
    pub server: &'a Server,
    /// The clock.
    pub now: &'a dyn Fn() -> Timestamp,
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

/// Which of a target's commits is asked for.
#[derive(Clone, Copy)]
enum Aim {
    /// What was accepted last.
    Newest,
    /// What it is to hold: that, or the earlier one that it went back to.
    Held,
}

impl Orders for LedgerOrders<'_> {
    fn order(&self, target: &TargetName) -> Result<Option<Order>, String> {
        self.find(target, Aim::Held)
            .map_err(|error| error.to_string())
    }

    fn admission(&self, order: &Order) -> Result<Admission, String> {
        match order.course {
            // Nobody has to lift anything for what stood there before.
            Course::Back => Ok(Admission::Go(Vec::new())),
            Course::Forward => self.ahead(order),
        }
        .map_err(|error| error.to_string())
    }
}

impl LedgerOrders<'_> {
    /// Whether an order for what was accepted last may be carried out now.
    fn ahead(&self, order: &Order) -> Result<Admission, OrderError> {
        if self.goes_back(order)? {
            return Ok(Admission::Go(Vec::new()));
        }
        match self.unwitnessed(order)? {
            None => self.admit(order),
            Some(held) => Ok(held),
        }
    }

    /// Whether the ref was rolled back to the commit, and the target has gone past it or is still there.
    /// A target that never had it is brought to it by its stages, as to anything new.
    fn goes_back(&self, order: &Order) -> Result<bool, OrderError> {
        let ledger = self.server.ledger()?;
        let Some(before) = ledger.rolled_back_to(&order.refname, order.sequence)? else {
            return Ok(false);
        };
        let state = crate::release::remembered(self.server.folder.path(), &order.target.name)?;
        Ok(state.released.is_some_and(|landed| {
            landed.refname == order.refname.to_string() && landed.sequence >= before
        }))
    }

    fn find(&self, name: &TargetName, aim: Aim) -> Result<Option<Order>, OrderError> {
        let (_, bundle) = self.server.store.policy()?.ok_or(OrderError::NoPolicy)?;
        let target = bundle.policy.targets.get(name);
        let target = target.ok_or_else(|| OrderError::NoTarget(name.clone()))?;
        let Some((refname, commit, sequence)) = self.latest(&bundle, name)? else {
            return Ok(None);
        };
        let pin = match aim {
            Aim::Newest => None,
            Aim::Held => self.pin(&bundle, name)?,
        };
        let (refname, commit, sequence, course) = match pin {
            Some((pinned, pin)) if sequence <= pin.above => {
                (pinned, pin.commit, pin.sequence, Course::Back)
            }
            Some(_) | None => (refname, commit, sequence, Course::Forward),
        };
        Ok(Some(Order {
            target: target.clone(),
            repository: bundle.policy.repository.clone(),
            ca: authorities(&bundle, target)?,
            credits: self.credits(&refname, commit, sequence),
            refname,
            commit,
            sequence,
            course,
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

    /// What was accepted last for `target`, whatever it was gone back to.
    ///
    /// # Errors
    /// A sentence, when it cannot be told.
    pub fn newest(&self, target: &TargetName) -> Result<Option<Order>, String> {
        self.find(target, Aim::Newest)
            .map_err(|error| error.to_string())
    }

    /// The earlier release that the target went back to, as long as the policy in force releases its
    /// ref to the target.
    fn pin(
        &self,
        bundle: &Bundle,
        name: &TargetName,
    ) -> Result<Option<(RefName, Pin)>, OrderError> {
        let setting = Setting {
            git_dir: self.server.store.git_dir(),
            folder: self.server.folder.path(),
            program: None,
            now: &|| Timestamp::from_unix(0),
        };
        let Some(pin) = crate::release::state(setting, name)?.pin else {
            return Ok(None);
        };
        let refs = self.server.ledger()?.refs()?.into_iter();
        let mut refs = refs.map(|(refname, _)| refname);
        let refname = refs.find(|refname| refname.to_string() == pin.refname);
        Ok(refname
            .filter(|refname| {
                let rules = bundle.policy.rules_for(refname);
                rules.iter().any(|rule| rule.release.contains(name))
            })
            .map(|refname| (refname, pin)))
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
        let entry = entry(event);
        self.log
            .append((self.now)(), entry)
            .map(drop)
            .map_err(|error| error.to_string())
    }
}

fn entry(event: &Event) -> audit::Event {
    let release =
        |state, totals, error| audit::Event::Release(release_record(event, state, totals, error));
    match &event.what {
        What::Started => release(ReleaseState::Started, Totals::default(), None),
        What::Finished(totals) => release(ReleaseState::Finished, *totals, None),
        What::Failed {
            code,
            error,
            totals,
            next: _,
        } => release(
            ReleaseState::Failed,
            *totals,
            Some(format!("{code} {error}")),
        ),
        What::Pinned { above, by, reason } => {
            audit::Event::Course(course_record(event, Some(*above), by.clone(), reason))
        }
        What::Unpinned { by, reason } => {
            audit::Event::Course(course_record(event, None, Some(by.clone()), reason))
        }
        What::Drifted(finding) => audit::Event::Drift(drift_record(event, finding)),
    }
}

fn course_record(
    event: &Event,
    above: Option<u64>,
    by: Option<String>,
    reason: &str,
) -> CourseRecord {
    CourseRecord {
        target: event.target.to_string(),
        refname: event.refname.to_string(),
        commit: event.commit,
        sequence: event.sequence,
        above,
        by,
        reason: reason.to_owned(),
    }
}

fn drift_record(event: &Event, finding: &Finding) -> DriftRecord {
    let listed = finding.differences.iter().take(MAX_DRIFT);
    let found: Vec<DriftItem> = listed
        .map(|one| DriftItem {
            path: one.shown(),
            what: one.what.word().to_owned(),
            how: one.how.clone(),
        })
        .collect();
    DriftRecord {
        target: event.target.to_string(),
        refname: event.refname.to_string(),
        commit: event.commit,
        sequence: event.sequence,
        deep: finding.deep,
        more: finding.count().saturating_sub(found.len() as u64),
        found,
    }
}

fn release_record(
    event: &Event,
    state: ReleaseState,
    totals: Totals,
    error: Option<String>,
) -> ReleaseRecord {
    let for_good = matches!(
        event.what,
        What::Failed {
            next: Next::ForGood,
            ..
        }
    );
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
