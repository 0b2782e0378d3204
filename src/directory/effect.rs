//! What another policy means for what people have signed already.

use crate::client::Stored;
use crate::policy::Policy;
use crate::statement::Decision;
use crate::types::{Oid, PersonName, RefName, TeamName};
use std::collections::BTreeSet;

/// What becomes of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// What becomes of it.
    pub kind: EffectKind,
    /// Who signed it.
    pub person: PersonName,
    /// About which commit.
    pub commit: Oid,
    /// For which ref.
    pub refname: RefName,
    /// Its tag.
    pub tag: Oid,
}

/// What becomes of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffectKind {
    /// An approval no longer counts.
    ApprovalEnds,
    /// An approval that did not count does.
    ApprovalBegins,
    /// An objection is lifted.
    ObjectionEnds,
    /// An objection that did not stand does.
    ObjectionBegins,
}

/// What `new` instead of `old` means for these statements, as far as it hangs on who their signers
/// are: whether they are in a team whose word counts, and whether they are disabled.
#[must_use]
pub fn effects(old: &Policy, new: &Policy, statements: &[Stored]) -> Vec<Effect> {
    let effect = |stored: &Stored| {
        let person = stored.signer.as_ref()?;
        let refname = &stored.statement.refname;
        // What is said in somebody's stead hangs on who that is.
        let member = stored
            .statement
            .particulars
            .stead
            .as_ref()
            .unwrap_or(person);
        let counts = |policy: &Policy| counts(policy, refname, member, stored.statement.decision);
        let kind = match (stored.statement.decision, counts(old), counts(new)) {
            (Decision::Approve, true, false) => EffectKind::ApprovalEnds,
            (Decision::Approve, false, true) => EffectKind::ApprovalBegins,
            (Decision::Reject, true, false) => EffectKind::ObjectionEnds,
            (Decision::Reject, false, true) => EffectKind::ObjectionBegins,
            (
                Decision::Lift
                | Decision::Withdraw { .. }
                | Decision::Emergency
                | Decision::Delegate
                | Decision::Rollback
                | Decision::Check,
                _,
                _,
            )
            | (_, true, true)
            | (_, false, false) => return None,
        };
        Some(Effect {
            kind,
            person: person.clone(),
            commit: stored.statement.commit,
            refname: refname.clone(),
            tag: stored.tag,
        })
    };
    statements.iter().filter_map(effect).collect()
}

fn counts(policy: &Policy, refname: &RefName, person: &PersonName, decision: Decision) -> bool {
    let rules = policy.rules_for(refname);
    let teams = rules.iter().flat_map(|rule| {
        let paths = rule.paths.iter().flat_map(|path| &path.from);
        rule.from.iter().chain(paths)
    });
    let teams: Vec<TeamName> = teams.cloned().collect();
    let people: BTreeSet<PersonName> = match decision {
        Decision::Reject => policy.listed(&teams),
        Decision::Approve
        | Decision::Lift
        | Decision::Withdraw { .. }
        | Decision::Emergency
        | Decision::Delegate
        | Decision::Rollback
        | Decision::Check => policy.members(&teams),
    };
    people.contains(person)
}
