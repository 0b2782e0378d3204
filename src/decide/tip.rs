//! Somebody says yes to the whole: docs/decisions/tip.md.

use super::Reason;
use super::count;
use super::cover::{Outcome, Ruling};
use super::demands;
use super::deputies::Delegation;
use super::reach::between;
use super::roster::{Crowd, Number};
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
    let stand_ins = ruling.available().filter(|delegation| {
        let free = |at: &At| {
            let barred = ruling.span.contributors.get(*at);
            barred.is_some_and(|crowd| {
                let barred = ruling.barred(crowd);
                !barred.has(delegation.to) && !barred.has(delegation.by)
            })
        };
        own.members.has(delegation.by)
            && takes_in_all(ruling, delegation)
            && counts.iter().any(free)
    });
    Some(Reason::TipNotNamed {
        refname: ruling.span.refname.clone(),
        tip: ruling.span.facts.tip,
        from: own.from.to_vec(),
        could: ruling.span.roster.names(&could(ruling, &own.able, &counts)),
        stand_ins: count::stand_ins(ruling.span, stand_ins),
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
    let counts_for = |approval: &Approval| {
        if approval.stead.is_none() {
            let only = [approval.person];
            return own.members.has(approval.person) && covers_any(ruling, approval, &only, counts);
        }
        ruling.carrying(approval).any(|delegation| {
            let both = [delegation.to, delegation.by];
            own.members.has(delegation.by)
                && takes_in_all(ruling, delegation)
                && covers_any(ruling, approval, &both, counts)
        })
    };
    let mut approvals = ruling.approvals.iter();
    approvals.any(|one| one.at == TIP && wanted(one) && counts_for(one))
}

/// Whether a delegation is for all paths of the range: who stands in for some of them only cannot
/// say yes to the whole.
fn takes_in_all(ruling: &Ruling<'_>, delegation: &Delegation) -> bool {
    let mut adding = ruling.span.adding();
    adding.all(|(_, commit, _)| delegation.takes_in(ruling.rule, demands::BRANCH, commit))
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

/// Whether an approval of the tip reaches a commit that none of these people had a hand in: its signer
/// and whom they stand in for.
fn covers_any(ruling: &Ruling<'_>, approval: &Approval, people: &[Number], counts: &[At]) -> bool {
    let distinct = |at: &At| {
        if approval.commit && *at == approval.at {
            // An approving commit does not approve itself.
            return false;
        }
        if ruling.span.is_stale(approval, *at) {
            return false;
        }
        let contributors = ruling.span.contributors.get(*at);
        contributors.is_some_and(|crowd| {
            let barred = ruling.barred(crowd);
            people.iter().all(|person| !barred.has(*person))
        })
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
