//! Objections: one that stands blocks, whoever approves, and whatever became of its signer.

use super::cover::Ruling;
use super::reach::{Start, spread};
use super::roster::Number;
use super::voices::{Approval, Objection};
use crate::types::Timestamp;
use std::collections::BTreeMap;

/// Which of the objections stand under one rule: made by somebody who could approve under it, or
/// could before they were disabled, and not followed by their own approval of the same commit. One
/// made in somebody's stead is theirs: they may overrule it, and so may who made it, in their stead.
///
/// What counts is when the server first saw each; of two at the same time, and where a time is not
/// known, the objection stands. It also stands against an approval that its own signer dates before
/// it: whoever held that back until after the objection may not overrule it with it.
pub(super) fn standing(ruling: &Ruling<'_>, objections: &[Objection<'_>]) -> Vec<bool> {
    let could = ruling.could_object();
    let mut later: BTreeMap<(Voice, Timestamp), Vec<Option<Timestamp>>> = BTreeMap::new();
    let standing = objections.iter().map(|objection| {
        let voice = (objection.person, objection.stead);
        if !could.has(objection.stead.unwrap_or(objection.person)) || !held(ruling, objection) {
            return false;
        }
        let approved = later
            .entry((voice, objection.claimed))
            .or_insert_with(|| last_approved(ruling, voice, objection.claimed));
        let approved = approved.get(objection.at).copied().flatten();
        match (approved, objection.seen) {
            (Some(approved), Some(objected)) => approved <= objected,
            (None, _) | (_, None) => true,
        }
    });
    standing.collect()
}

/// Who speaks, and in whose stead.
type Voice = (Number, Option<Number>);

/// Whether the rule lets anybody name a deputy, and the one who objects in somebody's stead was
/// theirs when the server first saw it. What became of that since takes nothing from the objection.
pub(super) fn held(ruling: &Ruling<'_>, objection: &Objection<'_>) -> bool {
    let Some(stead) = objection.stead else {
        return true;
    };
    ruling.rule.delegation.is_some()
        && ruling.span.delegations.iter().any(|delegation| {
            delegation.by == stead
                && delegation.to == objection.person
                && delegation.carried(objection.seen)
        })
}

/// For each commit, when an approval that overrules the voice and is not dated before `claimed` was
/// last seen.
fn last_approved(
    ruling: &Ruling<'_>,
    (person, stead): Voice,
    claimed: Timestamp,
) -> Vec<Option<Timestamp>> {
    let overrules = |approval: &Approval| {
        let voice = (approval.person, approval.stead);
        match stead {
            None => voice == (person, None),
            Some(other) => {
                voice == (other, None) || voice == (person, stead) && ruling.is_carried(approval)
            }
        }
    };
    let own = ruling.approvals.iter().chain(&ruling.settling);
    let own = own.filter(|approval| overrules(approval) && approval.claimed >= claimed);
    let starts: Vec<Start<Timestamp>> = own
        .filter_map(|approval| approval.seen.map(|seen| approval.starts(ruling.span, seen)))
        .flatten()
        .collect();
    spread(ruling.span, &starts)
}
