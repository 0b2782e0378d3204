//! Where a release is on its way through the stages: gathered for the function that decides.

use super::{LedgerOrders, OrderError};
use crate::facts::{SignatureFact, Sources, StatementFacts, stored_statements};
use crate::ledger::Ledger;
use crate::policy::{Bundle, Distinct, Hold, Policy, Stage};
use crate::release::{
    Admission, Begun, Landed, Lift, Lifters, Order, Passage, StageState, Standing, State,
    TargetState, admit, place, remembered, unsettled,
};
use crate::signature::Keyring;
use crate::statement::Decision;
use crate::types::{Oid, PersonName, RefName, TargetName, Timestamp};
use std::collections::BTreeSet;

impl LedgerOrders<'_> {
    /// Whether an order may be carried out now, or something holds it.
    pub(super) fn admit(&self, order: &Order) -> Result<Admission, OrderError> {
        let (policy, bundle) = self.server.store.policy()?.ok_or(OrderError::NoPolicy)?;
        let name = &order.target.name;
        let Some((at, _)) = bundle.policy.stage_of(name) else {
            return Ok(Admission::Go(Vec::new()));
        };
        let now = (self.now)().max(self.server.log.last()?.time);
        let ledger = self.server.ledger()?;
        let accepted = ledger.accepted_at(&order.refname, order.sequence)?;
        let missing = || OrderError::NotAccepted {
            refname: order.refname.clone(),
            commit: order.commit,
        };
        let stages = bundle.policy.stages.iter();
        let stages = stages.map(|stage| self.stage(&bundle.policy, stage, order, &ledger));
        let passage = Passage {
            accepted: accepted.ok_or_else(missing)?,
            stages: stages.collect::<Result<_, _>>()?,
            lifts: match bundle
                .policy
                .stages
                .iter()
                .any(|stage| stage.hold.lift.is_some())
            {
                true => self.lifts(&bundle, policy, order, &ledger, now)?,
                false => Vec::new(),
            },
        };
        Ok(admit(&passage, at, name, now))
    }

    fn stage(
        &self,
        policy: &Policy,
        stage: &Stage,
        order: &Order,
        ledger: &Ledger,
    ) -> Result<StageState, OrderError> {
        let rules = policy.rules_for(&order.refname);
        let goes_to = |name: &&TargetName| rules.iter().any(|rule| rule.release.contains(*name));
        let mut targets = Vec::new();
        // What the stage's targets held before this release: it brings everything since.
        let mut before = order.sequence;
        for name in stage.targets.iter().filter(goes_to) {
            let state = remembered(self.server.folder.path(), name)?;
            let begun = unsettled(self.server.folder.path(), name)?;
            let target = policy.targets.get(name);
            let target = target.ok_or_else(|| OrderError::NoTarget(name.clone()))?;
            let place = place(&target.kind);
            let standing = standing(&state, &begun, order, &place);
            if !matches!(standing, Standing::Holds(_)) {
                let landed = state
                    .released
                    .as_ref()
                    .filter(|landed| same_ref(landed, order) && landed.place == place);
                before = before.min(landed.map_or(0, |landed| landed.sequence));
            }
            targets.push(TargetState {
                name: name.clone(),
                standing,
            });
        }
        Ok(StageState {
            name: stage.name.clone(),
            after: stage.hold.after,
            lifters: lifters(policy, &stage.hold, ledger, order, before)?,
            targets,
        })
    }

    /// The statements that lift a hold of this very release. One that was withdrawn is gone.
    fn lifts(
        &self,
        bundle: &Bundle,
        policy: Oid,
        order: &Order,
        ledger: &Ledger,
        now: Timestamp,
    ) -> Result<Vec<Lift>, OrderError> {
        let home = self.server.folder.path().join("keyring");
        let home = home.join(policy.to_string());
        let keyring = Keyring::build(&bundle.policy, &bundle.keys, &home)?;
        let sources = Sources {
            store: &self.server.store,
            policy: &bundle.policy,
            keyring: &keyring,
            memory: ledger,
            now,
            progress: None,
        };
        let all = stored_statements(&sources, order.commit);
        let all = all.map_err(|fault| OrderError::Statements {
            commit: order.commit,
            fault,
        })?;
        let about = (&order.refname, order.commit);
        Ok(lifts_of(&bundle.policy, about, &all))
    }
}

/// What of these statements lifts a hold of this commit's release from this ref. One that was withdrawn is
/// gone.
pub(crate) fn lifts_of(
    policy: &Policy,
    about: (&RefName, Oid),
    all: &[StatementFacts],
) -> Vec<Lift> {
    // That each is its signer's own was seen when it came, and holds for ever.
    let withdrawn: BTreeSet<Oid> = all.iter().filter_map(withdraws).collect();
    let standing = all.iter().filter(|facts| !withdrawn.contains(&facts.tag));
    standing
        .filter_map(|facts| lift(policy, about, facts))
        .collect()
}

pub(super) fn standing(state: &State, begun: &[Begun], order: &Order, place: &str) -> Standing {
    let same = |commit, sequence| (commit, sequence) == (order.commit, order.sequence);
    let failed = state
        .last
        .as_ref()
        .filter(|last| same(last.commit, last.sequence));
    if let Some(last) = failed
        && last.error.is_some()
    {
        return Standing::Failed(last.code.clone().unwrap_or_default());
    }
    // Somebody, or a health check, has sent it back from this release.
    let gone_back = state
        .pin
        .as_ref()
        .is_some_and(|pin| pin.above >= order.sequence && !same(pin.commit, pin.sequence));
    // Another release has begun there, and nobody knows how far it came.
    let mut others = begun.iter();
    let other = others.any(|begun| begun.place == place && !same(begun.commit, begun.sequence));
    match &state.released {
        Some(landed)
            if landed.place == place
                && same(landed.commit, landed.sequence)
                && !gone_back
                && !other =>
        {
            Standing::Holds(landed.at)
        }
        Some(_) | None => Standing::Without,
    }
}

fn same_ref(landed: &Landed, order: &Order) -> bool {
    landed.refname == order.refname.to_string()
}

fn lifters(
    policy: &Policy,
    hold: &Hold,
    ledger: &Ledger,
    order: &Order,
    before: u64,
) -> Result<Option<Lifters>, OrderError> {
    let Some(rule) = &hold.lift else {
        return Ok(None);
    };
    let hands = ledger.hands(&order.refname, before, order.sequence)?;
    let barred = match rule.distinct {
        Distinct::FromNobody => BTreeSet::new(),
        Distinct::FromContributors => hands.contributors,
        Distinct::FromApproversToo => &hands.contributors | &hands.approvers,
    };
    Ok(Some(Lifters {
        teams: rule.from.clone(),
        people: policy.members(&rule.from),
        distinct: rule.distinct,
        barred,
    }))
}

fn withdraws(facts: &StatementFacts) -> Option<Oid> {
    match facts.statement.decision {
        Decision::Withdraw { statement } => Some(statement),
        Decision::Approve
        | Decision::Reject
        | Decision::Lift
        | Decision::Emergency
        | Decision::Delegate
        | Decision::Rollback
        | Decision::Check => None,
    }
}

/// What a stored statement lifts, if it does: for this repository, ref and commit, signed by a key
/// that the policy has for that person now.
fn lift(
    policy: &Policy,
    (refname, commit): (&RefName, Oid),
    facts: &StatementFacts,
) -> Option<Lift> {
    let statement = &facts.statement;
    let stage = match statement.decision {
        Decision::Lift => statement.stage.clone()?,
        Decision::Approve
        | Decision::Reject
        | Decision::Withdraw { .. }
        | Decision::Emergency
        | Decision::Delegate
        | Decision::Rollback
        | Decision::Check => return None,
    };
    let about = statement.repository == policy.repository.0
        && statement.refname == *refname
        && statement.commit == commit;
    Some(Lift {
        tag: facts.tag,
        by: about.then(|| signer(policy, &facts.signer)).flatten()?,
        stage,
        seen: facts.first_seen,
        expires: statement.expires,
    })
}

fn signer(policy: &Policy, fact: &SignatureFact) -> Option<PersonName> {
    match fact {
        SignatureFact::Good { person, key } => {
            let owner = policy.people.get(person)?;
            owner.keys.contains(key).then(|| person.clone())
        }
        SignatureFact::Unsigned | SignatureFact::Refused(_) | SignatureFact::Machine { .. } => None,
    }
}
