//! Whose approvals count for one demand of one commit, where some approve in others' stead.

use super::StandIn;
use super::cover::Ruling;
use super::demands::{self, Demand};
use super::deputies::Delegation;
use super::reach::{Start, spread};
use super::roster::Crowd;
use super::seats::{Vote, together};
use super::span::{At, Span};
use super::voices::Approval;
use crate::facts::CommitFacts;
use crate::policy::BranchRule;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// For each commit, the first of some approvals that reaches it.
pub(super) type Reach = Vec<Option<Reverse<usize>>>;

/// Somebody who approves in another's stead.
pub(super) struct Deputy<'a> {
    pub delegation: &'a Delegation,
    pub reach: Reach,
}

impl<'a> Deputy<'a> {
    pub(super) fn of(
        span: &Span<'_>,
        delegation: &'a Delegation,
        approvals: &[Approval],
    ) -> Option<Self> {
        let numbered = approvals.iter().enumerate();
        let own = numbered.filter(|(_, approval)| carries(span, delegation, approval));
        let own: Vec<(usize, &Approval)> = own.collect();
        let starts = |(_, approval): &(usize, &Approval)| !approval.starts(span, ()).is_empty();
        own.iter().any(starts).then(|| Self {
            delegation,
            reach: reach_of(span, &own),
        })
    }
}

/// What some approvals reach and count for. Where rollbacks undid something, each is looked at by itself,
/// for the next one may count where it does not.
pub(super) fn reach_of(span: &Span<'_>, approvals: &[(usize, &Approval)]) -> Reach {
    if !span.was_undone() {
        let starts: Vec<Start<Reverse<usize>>> = approvals
            .iter()
            .flat_map(|(number, approval)| approval.starts(span, Reverse(*number)))
            .collect();
        return spread(span, &starts);
    }
    let mut reach: Reach = vec![None; span.facts.commits.len()];
    for (number, approval) in approvals {
        let marks = spread(span, &approval.starts(span, Reverse(*number)));
        for (at, (slot, mark)) in reach.iter_mut().zip(marks).enumerate() {
            if !span.is_stale(approval, at) {
                *slot = (*slot).max(mark);
            }
        }
    }
    reach
}

/// One demand of one commit.
pub(super) struct Asked<'s> {
    pub number: demands::Number,
    pub demand: &'s Demand<'s>,
    pub at: At,
    pub commit: &'s CommitFacts,
    pub barred: &'s Crowd,
}

/// Whose approvals count for a demand of a commit.
#[derive(Default)]
pub(super) struct Count {
    /// Those who count in their own name.
    pub own: Crowd,
    /// All that could count where some approve in others' stead; none elsewhere.
    votes: BTreeSet<Vote>,
    /// The first approval of each in somebody's stead.
    pub by: BTreeMap<Vote, usize>,
    /// Those that count together; none where all count in their own name.
    pub together: BTreeSet<Vote>,
}

impl Count {
    pub(super) fn len(&self) -> usize {
        let deputies = self.together.iter().filter(|vote| !vote.is_own());
        self.own.len() + deputies.count()
    }

    /// Those that could count and do not, because others do.
    pub(super) fn besides(&self) -> impl Iterator<Item = &Vote> {
        self.votes.difference(&self.together)
    }
}

/// Who could still bring a demand further.
pub(super) struct Could<'a> {
    /// In their own name.
    pub own: Crowd,
    /// In somebody's stead.
    pub stand_ins: Vec<&'a Delegation>,
}

impl<'a> Ruling<'a> {
    /// Whether an approval in somebody's stead counts under the rule at all.
    pub(super) fn is_carried(&self, approval: &Approval) -> bool {
        self.carrying(approval).next().is_some()
    }

    /// The delegations by which an approval in somebody's stead counts.
    pub(super) fn carrying<'s>(
        &'s self,
        approval: &'s Approval,
    ) -> impl Iterator<Item = &'a Delegation> + 's {
        let heeded = self.heeded.iter().copied();
        heeded.filter(|delegation| carries(self.span, delegation, approval))
    }

    /// Whether an approval by this delegation is worth something for a demand of a commit: neither of the
    /// two had a hand in it.
    fn serves(&self, delegation: &Delegation, asked: &Asked<'_>) -> bool {
        !asked.barred.has(delegation.to)
            && !asked.barred.has(delegation.by)
            && asked.demand.members.has(delegation.by)
            && delegation.takes_in(self.rule, asked.number, asked.commit)
    }

    /// The delegations by which somebody could approve now.
    pub(super) fn available(&self) -> impl Iterator<Item = &'a Delegation> {
        self.available.iter().copied()
    }

    /// Whose approvals count for a demand of a commit: those of `own`, and where some approve in
    /// others' stead, as many together as can.
    pub(super) fn count(&self, asked: &Asked<'_>, own: Crowd) -> Count {
        let mut count = Count {
            own,
            ..Count::default()
        };
        for deputy in &self.deputies {
            let delegation = deputy.delegation;
            let reached = deputy.reach.get(asked.at).copied().flatten();
            if let Some(Reverse(approval)) = reached
                && self.serves(delegation, asked)
            {
                let vote = Vote {
                    voter: delegation.to,
                    seat: delegation.by,
                };
                let first = count.by.entry(vote).or_insert(approval);
                *first = approval.min(*first);
            }
        }
        if !count.by.is_empty() {
            let own = count.own.iter().map(Vote::own);
            count.votes = own.chain(count.by.keys().copied()).collect();
            count.together = together(&count.votes);
            let own = count.together.iter().filter(|vote| vote.is_own());
            count.own = own.map(|vote| vote.voter).collect();
        }
        count
    }

    /// Who could still bring a demand further: of `own` those whose approval would, and who could in
    /// somebody's stead.
    pub(super) fn could(&self, asked: &Asked<'_>, count: &Count, own: Crowd) -> Could<'a> {
        let helps = |vote: Vote| {
            let mut votes = count.votes.clone();
            votes.extend(count.own.iter().map(Vote::own));
            votes.insert(vote) && together(&votes).len() > count.len()
        };
        let own = match count.by.is_empty() {
            true => own,
            false => own.iter().filter(|who| helps(Vote::own(*who))).collect(),
        };
        let stand_ins = self.available().filter(|delegation| {
            let vote = Vote {
                voter: delegation.to,
                seat: delegation.by,
            };
            self.serves(delegation, asked) && helps(vote)
        });
        Could {
            stand_ins: stand_ins.collect(),
            own,
        }
    }
}

/// The delegations that a rule heeds.
pub(super) fn heeded<'a>(span: &'a Span<'a>, rule: &BranchRule) -> Vec<&'a Delegation> {
    let Some(allowed) = &rule.delegation else {
        return Vec::new();
    };
    let all = span.delegations.iter();
    all.filter(|delegation| delegation.is_allowed(span.roster, allowed))
        .collect()
}

/// Those of the delegations by which somebody could approve now.
pub(super) fn available<'a>(
    span: &Span<'_>,
    rule: &BranchRule,
    heeded: &[&'a Delegation],
) -> Vec<&'a Delegation> {
    let Some(allowed) = rule.delegation.as_ref().filter(|_| !heeded.is_empty()) else {
        return Vec::new();
    };
    let able = span.roster.able(&allowed.to);
    let now = Some(span.now);
    let holds =
        |delegation: &&Delegation| able.has(delegation.to) && delegation.carries(now, span.now);
    heeded.iter().copied().filter(holds).collect()
}

/// Whether an approval in somebody's stead counts by this delegation.
fn carries(span: &Span<'_>, delegation: &Delegation, approval: &Approval) -> bool {
    approval.person == delegation.to
        && approval.stead == Some(delegation.by)
        && delegation.carries(approval.seen, span.now)
}

/// Who stands in for whom until when, for messages.
pub(super) fn stand_ins<'a>(
    span: &Span<'_>,
    delegations: impl Iterator<Item = &'a Delegation>,
) -> BTreeSet<StandIn> {
    delegations
        .map(|delegation| StandIn {
            deputy: span.roster.name(delegation.to),
            stead: span.roster.name(delegation.by),
            until: delegation.until,
        })
        .collect()
}
