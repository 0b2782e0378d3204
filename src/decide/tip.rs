//! Somebody says yes to the whole: docs/decisions/tip.md.

use super::Reason;
use super::cover::{Outcome, Ruling};
use super::reach::between;
use super::roster::Crowd;
use super::span::At;
use super::voices::Approval;

/// The tip's place.
const TIP: At = 0;

/// Why the whole is not approved, if it is not. Where the tip itself lacks approvals by the
/// branch's own teams, that says so already.
pub(super) fn fault(ruling: &Ruling<'_>, outcome: &Outcome) -> Option<Reason> {
    let own = ruling.demands.first()?;
    if outcome.short.contains(&TIP) {
        return None;
    }
    let counts = concerning(ruling);
    if says_yes(ruling, &counts, &|_| true) {
        return None;
    }
    Some(Reason::TipNotNamed {
        refname: ruling.span.refname.clone(),
        tip: ruling.span.facts.tip,
        from: own.from.to_vec(),
        could: ruling.span.roster.names(&could(ruling, &own.able, &counts)),
    })
}

/// Whether the whole is approved, by somebody whose approval is one of those that are `wanted`.
pub(super) fn whole(
    ruling: &Ruling<'_>,
    outcome: &Outcome,
    wanted: &dyn Fn(&Approval) -> bool,
) -> bool {
    !outcome.short.contains(&TIP) && says_yes(ruling, &concerning(ruling), wanted)
}

fn says_yes(ruling: &Ruling<'_>, counts: &[At], wanted: &dyn Fn(&Approval) -> bool) -> bool {
    let Some(own) = ruling.demands.first() else {
        return false;
    };
    let names_tip = |approval: &&Approval| {
        approval.at == TIP && own.members.has(approval.person) && wanted(approval)
    };
    let mut candidates = ruling.approvals.iter().filter(names_tip);
    candidates.any(|approval| covers_any(ruling, approval, counts))
}

/// The commits by which a yes to the whole is measured: those that add something; where none
/// does, all.
fn concerning(ruling: &Ruling<'_>) -> Vec<At> {
    let adding: Vec<At> = ruling.span.adding().map(|(at, ..)| at).collect();
    if adding.is_empty() {
        (0..ruling.span.facts.commits.len()).collect()
    } else {
        adding
    }
}

/// Whether an approval of the tip reaches a commit that its signer had no hand in.
fn covers_any(ruling: &Ruling<'_>, approval: &Approval, counts: &[At]) -> bool {
    let distinct = |at: &At| {
        if approval.commit && *at == approval.at {
            // An approving commit does not approve itself.
            return false;
        }
        let contributors = ruling.span.contributors.get(*at);
        contributors.is_some_and(|crowd| !ruling.barred(crowd).has(approval.person))
    };
    match approval.since {
        // The tip reaches all of its range.
        None => counts.iter().any(distinct),
        Some(since) => {
            let reached = between(ruling.span, approval.at, since);
            let mut reached = reached.iter().filter(|at| counts.binary_search(at).is_ok());
            reached.any(distinct)
        }
    }
}

/// Who of those who are able could say yes: not who had a hand in everything.
fn could(ruling: &Ruling<'_>, able: &Crowd, counts: &[At]) -> Crowd {
    let crowds = counts
        .iter()
        .filter_map(|at| ruling.span.contributors.get(*at));
    let everywhere = crowds
        .map(|crowd| ruling.barred(crowd).clone())
        .reduce(|left, right| left.both(&right));
    able.without(&everywhere.unwrap_or_default())
}
