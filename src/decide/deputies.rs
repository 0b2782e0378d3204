//! Deputies: who may speak in whose stead for a ref, and when what they say is heard.
//!
//! A delegation is held against the policy in force each time: whoever handed something on that
//! they no longer have, handed on nothing.

use super::demands;
use super::roster::{Number, Roster};
use super::signer::{Signer, lapsed, signer};
use crate::facts::{CommitFacts, Content, StatementFacts};
use crate::policy::{BranchRule, DelegationRule, PathGlobs, Policy};
use crate::signature::SignatureProblem;
use crate::statement::Decision;
use crate::types::{Oid, PersonName, RefName, RepoPath, Timestamp};

/// A delegation for a ref.
pub(super) struct Delegation {
    /// Who gave it.
    pub by: Number,
    /// Who may speak in their stead.
    pub to: Number,
    /// From when on.
    pub from: Timestamp,
    /// Until when, that moment not included.
    pub until: Timestamp,
    /// When the server first saw it.
    pub seen: Option<Timestamp>,
    /// The paths that it is for; all where absent.
    pub paths: Option<PathGlobs>,
    /// Whether its signature counts now, and its signer does.
    sound: bool,
    /// Whether it was withdrawn, and when that was first seen, where it is known.
    withdrawn: Option<Option<Timestamp>>,
}

/// The delegations for a ref, in the order in which they were found.
pub(super) fn all(
    policy: &Policy,
    roster: &Roster<'_>,
    refname: &RefName,
    facts: &[StatementFacts],
) -> Vec<Delegation> {
    let given = facts
        .iter()
        .filter(|one| names_deputy(policy, refname, one));
    given
        .filter_map(|one| delegation(policy, roster, one, facts))
        .collect()
}

/// Whether a statement names a deputy for this ref.
fn names_deputy(policy: &Policy, refname: &RefName, facts: &StatementFacts) -> bool {
    let statement = &facts.statement;
    statement.decision == Decision::Delegate
        && statement.repository == policy.repository.0
        && statement.refname == *refname
}

fn delegation(
    policy: &Policy,
    roster: &Roster<'_>,
    facts: &StatementFacts,
    all: &[StatementFacts],
) -> Option<Delegation> {
    let (by, sound) = match signer(policy, roster, &facts.signer) {
        Signer::Person { number, disabled } => (number, !disabled),
        Signer::Refused(_) => (lapsed(policy, roster, &facts.signer)?, false),
        Signer::Nobody => return None,
    };
    let grant = facts.statement.particulars.grant.as_ref()?;
    let paths = match grant.paths.as_slice() {
        [] => None,
        globs => Some(PathGlobs::compile(globs).ok()?),
    };
    let to = roster.number(&grant.to)?;
    // Nobody is their own deputy.
    (by != to).then_some(Delegation {
        by,
        to,
        from: grant.from,
        until: facts.statement.expires?,
        seen: facts.first_seen,
        paths,
        sound,
        withdrawn: withdrawn(policy, roster, (by, facts.tag), all),
    })
}

/// Whether a delegation was withdrawn by who gave it, and when that was first seen. Of a withdrawal
/// whose signature cannot be checked nobody knows what it would do: it takes from the yes, and
/// nothing from the no.
fn withdrawn(
    policy: &Policy,
    roster: &Roster<'_>,
    (by, tag): (Number, Oid),
    all: &[StatementFacts],
) -> Option<Option<Timestamp>> {
    let own = all.iter().filter(|facts| {
        facts.statement.decision == Decision::Withdraw { statement: tag }
            && facts.statement.repository == policy.repository.0
    });
    let times = own.filter_map(|facts| match signer(policy, roster, &facts.signer) {
        Signer::Person { number, .. } => (number == by).then_some(facts.first_seen),
        Signer::Refused(SignatureProblem::EngineFailed { .. }) => Some(None),
        Signer::Refused(_) => {
            let person = lapsed(policy, roster, &facts.signer);
            (person == Some(by)).then_some(facts.first_seen)
        }
        Signer::Nobody => None,
    });
    // An unknown time is the earliest.
    times.min()
}

/// The tag of a delegation to somebody whose signature could not be checked, and why: nobody knows
/// in whose stead they speak.
pub(super) fn unchecked(
    policy: &Policy,
    refname: &RefName,
    to: &PersonName,
    facts: &[StatementFacts],
) -> Option<(Oid, SignatureProblem)> {
    let mut given = facts.iter().filter(|one| {
        let grant = one.statement.particulars.grant.as_ref();
        names_deputy(policy, refname, one) && grant.is_some_and(|grant| grant.to == *to)
    });
    given.find_map(|one| match &one.signer {
        crate::facts::SignatureFact::Refused(problem @ SignatureProblem::EngineFailed { .. }) => {
            Some((one.tag, problem.clone()))
        }
        crate::facts::SignatureFact::Refused(_)
        | crate::facts::SignatureFact::Good { .. }
        | crate::facts::SignatureFact::Machine { .. }
        | crate::facts::SignatureFact::Unsigned => None,
    })
}

impl Delegation {
    /// Whether an approval in its name, first seen then, counts: it held then, and it still does.
    pub(super) fn carries(&self, seen: Option<Timestamp>, now: Timestamp) -> bool {
        let (Some(given), Some(seen)) = (self.seen, seen) else {
            return false;
        };
        self.sound
            && self.withdrawn.is_none()
            && given <= seen
            && self.spans(seen)
            && self.spans(now)
    }

    /// Whether an objection in its name, first seen then, was made while it held. What became of it
    /// since does not turn a no into silence, and what is not recorded is taken to be so.
    pub(super) fn carried(&self, seen: Option<Timestamp>) -> bool {
        let Some(seen) = seen else {
            return true;
        };
        let ended = matches!(self.withdrawn, Some(Some(gone)) if gone < seen);
        self.seen.is_none_or(|given| given <= seen) && self.spans(seen) && !ended
    }

    /// Whether it begins before a moment and ends after it.
    pub(super) fn spans(&self, time: Timestamp) -> bool {
        self.from <= time && time < self.until
    }

    /// Whether it was taken back.
    pub(super) fn is_withdrawn(&self) -> bool {
        self.withdrawn.is_some()
    }

    /// Whether a rule lets this person name this deputy for so long.
    pub(super) fn is_allowed(&self, roster: &Roster<'_>, rule: &DelegationRule) -> bool {
        roster.members(&rule.by).has(self.by)
            && roster.members(&rule.to).has(self.to)
            && self.until <= self.from.plus(rule.longest)
    }

    /// Whether everything that a demand is about, of what a commit adds, is within its paths.
    pub(super) fn takes_in(
        &self,
        rule: &BranchRule,
        demand: demands::Number,
        commit: &CommitFacts,
    ) -> bool {
        let (Some(globs), Content::Adds(paths)) = (&self.paths, &commit.content) else {
            return true;
        };
        let concerned = |path: &&RepoPath| match demand.checked_sub(1) {
            None => true,
            Some(position) => rule.paths.positions(path.as_bytes()).contains(&position),
        };
        let mut concerned = paths.iter().filter(concerned);
        concerned.all(|path| globs.is_match(path.as_bytes()))
    }
}
