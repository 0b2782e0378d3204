//! From a verdict to the entry that records it.

use super::arrivals::Listed;
use crate::audit::{
    ACCEPTED, ArrivalsRecord, EMERGENCY, EmergencyRecord, Hash, MAX_UPDATES, PermitRecord,
    REJECTED, RollbackRecord, RollbackWord, SettledHow, SettledRecord, UpdateRecord, VerdictRecord,
    WARNED,
};
use crate::decide::{
    DebtState, EmergencyUse, Outcome, Permit, Reason, RolledBack, UpdateVerdict, Verdict,
};
use crate::facts::{
    Content, PushFacts, Pusher, RangeFacts, StatementOutcome, Subject, UpdateFacts,
};
use crate::ledger::Tidings;
use crate::types::{Oid, RefName, escape, hex};
use std::collections::{BTreeMap, BTreeSet};

/// What an entry says beside the verdict itself.
pub struct Circumstances {
    /// The policy's commit.
    pub policy: Oid,
    /// The login that the server supplied, escaped.
    pub login: Option<String>,
    /// The report, where the entry itself holds it.
    pub report: Option<serde_json::Value>,
    /// The evidence that is already kept.
    pub evidence: Vec<Hash>,
    /// What arrives, if the push is accepted.
    pub arrivals: Option<ArrivalsRecord>,
    /// The rollbacks among the moves, if the push is accepted.
    pub rollbacks: BTreeMap<RefName, RollbackRecord>,
    /// What became of earlier pushes.
    pub tidings: Tidings,
}

/// The entry for a verdict over these facts.
#[must_use]
pub fn verdict_record(
    verdict: &Verdict,
    facts: &PushFacts,
    mut circumstances: Circumstances,
) -> VerdictRecord {
    let accepted = verdict.accepted();
    let pairs = || verdict.updates.iter().zip(&facts.updates);
    let mut telling: Vec<_> = pairs()
        .filter(|(verdict, facts)| tells(verdict, facts))
        .collect();
    telling.sort_by_key(|(verdict, _)| verdict.permit.is_none());
    let listed = telling.len().min(MAX_UPDATES);
    VerdictRecord {
        outcome: outcome(verdict).to_owned(),
        person: person(&facts.pusher),
        login: circumstances.login,
        policy: circumstances.policy,
        updates: telling
            .iter()
            .take(listed)
            .map(|(v, f)| update_record(v, f, accepted, &mut circumstances.rollbacks))
            .collect(),
        others: (facts.updates.len() - listed) as u64,
        codes: verdict
            .reasons
            .iter()
            .map(|reason| reason.code().to_string())
            .collect(),
        report: circumstances.report,
        evidence: circumstances.evidence,
        seen: if accepted {
            newly_seen(facts)
        } else {
            Vec::new()
        },
        arrivals: circumstances.arrivals,
        landed: circumstances.tidings.landed,
        found: circumstances.tidings.found,
        settled: if accepted {
            settled(verdict)
        } else {
            Vec::new()
        },
        tool: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn outcome(verdict: &Verdict) -> &'static str {
    match verdict.outcome() {
        Outcome::Accepted if verdict.lets_pass() => WARNED,
        Outcome::Accepted => ACCEPTED,
        Outcome::Rejected => REJECTED,
        Outcome::Emergency => EMERGENCY,
    }
}

/// What emergencies had let in and is no longer owed.
pub fn settled(verdict: &Verdict) -> Vec<SettledRecord> {
    let debts = verdict.debts.iter();
    debts
        .filter_map(|debt| {
            let (how, people) = match &debt.state {
                DebtState::Open { .. } => return None,
                DebtState::Reviewed { by } => (SettledHow::Review, by),
                DebtState::Reverted { by } => (SettledHow::Revert, by),
            };
            Some(SettledRecord {
                entry: debt.debt.entry,
                refname: debt.refname.to_string(),
                ref_hex: hex(debt.refname.as_bytes()),
                commit: debt.debt.commit,
                how,
                people: people.iter().map(ToString::to_string).collect(),
            })
        })
        .collect()
}

/// The emergency that a permitted move rests on.
pub fn emergency_record(used: &EmergencyUse) -> EmergencyRecord {
    let declared = std::iter::once(&used.person);
    let cosigned = used.cosigned.iter().map(|(_, person)| person);
    EmergencyRecord {
        tag: used.tag,
        cosigned: used.cosigned.iter().map(|(tag, _)| *tag).collect(),
        base: used.base,
        due: used.due,
        waived: used
            .waived
            .iter()
            .map(|reason| reason.code().to_string())
            .collect(),
        people: declared.chain(cosigned).map(ToString::to_string).collect(),
        reason: escape(used.reason.as_bytes()),
        ticket: used.ticket.as_ref().map(|ticket| escape(ticket.as_bytes())),
    }
}

/// The codes of some reasons, each once.
fn codes(reasons: &[Reason]) -> Vec<String> {
    let codes: BTreeSet<String> = reasons.iter().map(|one| one.code().to_string()).collect();
    codes.into_iter().collect()
}

/// Whether an update is worth a line: a rule, a statement or a refusal concerns it.
fn tells(verdict: &UpdateVerdict, facts: &UpdateFacts) -> bool {
    !verdict.reasons.is_empty() || !matches!(facts.subject, Subject::Unprotected)
}

fn person(pusher: &Pusher) -> Option<String> {
    match pusher {
        Pusher::Person(name) => Some(name.to_string()),
        Pusher::Unknown { .. }
        | Pusher::UnknownKey { .. }
        | Pusher::Refused { .. }
        | Pusher::CertificateRefused { .. }
        | Pusher::Missing { .. }
        | Pusher::NotAsked => None,
    }
}

fn update_record(
    verdict: &UpdateVerdict,
    facts: &UpdateFacts,
    accepted: bool,
    rollbacks: &mut BTreeMap<RefName, RollbackRecord>,
) -> UpdateRecord {
    let approvers: BTreeSet<String> = verdict
        .commits
        .iter()
        .flat_map(|commit| &commit.covers)
        .map(|cover| cover.person.to_string())
        .collect();
    UpdateRecord {
        refname: facts.refname.to_string(),
        claimed: facts.change.old(),
        old: facts.current.oid(),
        new: facts.change.new_oid(),
        codes: verdict
            .reasons
            .iter()
            .map(|reason| reason.code().to_string())
            .collect(),
        let_pass: codes(&verdict.let_pass),
        approved_by: approvers.into_iter().collect(),
        contributors: contributors(verdict, accepted),
        rollback: rollbacks.remove(&facts.refname),
        tickets: if accepted {
            verdict.tickets.iter().cloned().collect()
        } else {
            Vec::new()
        },
        permit: verdict
            .permit
            .as_ref()
            .filter(|_| accepted)
            .map(permit_record),
        emergency: verdict
            .emergency
            .as_ref()
            .filter(|_| accepted)
            .map(emergency_record),
    }
}

/// A rollback, for the entry; the list of the commits that it undoes is `listed`.
pub(super) fn rollback_record(rollback: &RolledBack, listed: Listed) -> RollbackRecord {
    let words = rollback.statements.iter().map(|one| RollbackWord {
        person: one.person.to_string(),
        reason: crate::types::escape(one.reason.as_bytes()),
    });
    RollbackRecord {
        statements: rollback.statements.iter().map(|one| one.tag).collect(),
        by: words.collect(),
        count: rollback.loses.len() as u64,
        loses: listed.oids,
        lists: listed.lists,
    }
}

/// Everybody who had a hand in what a permitted move brings.
fn contributors(verdict: &UpdateVerdict, accepted: bool) -> Vec<String> {
    if !accepted || verdict.permit.is_none() {
        return Vec::new();
    }
    let all = verdict
        .commits
        .iter()
        .flat_map(|commit| &commit.contributors);
    let all: BTreeSet<String> = all.map(ToString::to_string).collect();
    all.into_iter().collect()
}

fn permit_record(permit: &Permit) -> PermitRecord {
    PermitRecord {
        ref_hex: hex(permit.refname().as_bytes()),
        old: permit.old(),
        new: permit.new_oid(),
        release: permit.release().iter().map(ToString::to_string).collect(),
    }
}

/// The statement that an update brings, if it could be read.
fn arriving(facts: &UpdateFacts) -> Option<Oid> {
    match &facts.subject {
        Subject::Statement(StatementOutcome::Read(statement)) => Some(statement.tag),
        Subject::Statement(
            StatementOutcome::MalformedName
            | StatementOutcome::NotATag { .. }
            | StatementOutcome::Malformed { .. }
            | StatementOutcome::Deletion
            | StatementOutcome::Fault(_),
        )
        | Subject::Protected(_)
        | Subject::Policy(..)
        | Subject::Unprotected
        | Subject::Reserved => None,
    }
}

/// The objects whose raw bytes prove the verdict: statements that arrive or stand on the ranges,
/// and the approving commits.
#[must_use]
pub fn evidence_of(facts: &PushFacts) -> BTreeSet<Oid> {
    let mut oids = BTreeSet::new();
    for update in &facts.updates {
        oids.extend(arriving(update));
        if let Some(range) = update.range() {
            oids.extend(range.statements.iter().map(|statement| statement.tag));
            oids.extend(range.delegations.iter().map(|statement| statement.tag));
            oids.extend(approving_commits(range));
            let back = range.way_back.iter();
            oids.extend(back.flat_map(|back| back.statements.iter().map(|one| one.tag)));
        }
    }
    // What was said of what is owed has a say in whether it still is.
    let owed = facts.owing.iter().flat_map(|owing| &owing.open);
    for range in owed.filter_map(|owed| owed.range.as_ref().ok()) {
        oids.extend(range.statements.iter().map(|statement| statement.tag));
        oids.extend(range.delegations.iter().map(|statement| statement.tag));
        oids.extend(approving_commits(range));
    }
    oids
}

/// Statements and approving commits whose age starts to count with this push.
fn newly_seen(facts: &PushFacts) -> Vec<Oid> {
    let mut oids = BTreeSet::new();
    for update in &facts.updates {
        oids.extend(arriving(update));
        oids.extend(update.range().into_iter().flat_map(approving_commits));
    }
    oids.into_iter().collect()
}

fn approving_commits(range: &RangeFacts) -> impl Iterator<Item = Oid> {
    let without_content = |content: &Content| !content.adds();
    range
        .commits
        .iter()
        .filter(move |commit| commit.approving.is_some() && without_content(&commit.content))
        .map(|commit| commit.oid)
}
