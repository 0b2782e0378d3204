//! Objections: one that stands blocks, whoever approves, and whatever became of its signer.

use super::cover::Ruling;
use super::reach::{Start, spread};
use super::roster::Number;
use super::voices::Objection;
use crate::types::Timestamp;
use std::collections::BTreeMap;

/// Which of the objections stand under one rule: made by somebody who could approve under it, or
/// could before they were disabled, and not followed by their own approval of the same commit.
///
/// What counts is when the server first saw each; of two at the same time, and where a time is not
/// known, the objection stands. It also stands against an approval that its own signer dates before
/// it: whoever held that back until after the objection may not overrule it with it.
pub(super) fn standing(ruling: &Ruling<'_>, objections: &[Objection<'_>]) -> Vec<bool> {
    let could = ruling.could_object();
    let mut later: BTreeMap<(Number, Timestamp), Vec<Option<Timestamp>>> = BTreeMap::new();
    let standing = objections.iter().map(|objection| {
        let person = objection.person;
        if !could.has(person) {
            return false;
        }
        let approved = later
            .entry((person, objection.claimed))
            .or_insert_with(|| last_approved(ruling, person, objection.claimed));
        let approved = approved.get(objection.at).copied().flatten();
        match (approved, objection.seen) {
            (Some(approved), Some(objected)) => approved <= objected,
            (None, _) | (_, None) => true,
        }
    });
    standing.collect()
}

/// For each commit, when an approval by the person that they do not date before `claimed` was last
/// seen.
fn last_approved(
    ruling: &Ruling<'_>,
    person: Number,
    claimed: Timestamp,
) -> Vec<Option<Timestamp>> {
    let own = ruling.approvals.iter().chain(&ruling.settling);
    let own = own.filter(|approval| approval.person == person && approval.claimed >= claimed);
    let starts: Vec<Start<Timestamp>> = own
        .filter_map(|approval| approval.seen.map(|seen| approval.starts(ruling.span, seen)))
        .flatten()
        .collect();
    spread(ruling.span, &starts)
}
