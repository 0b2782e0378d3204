//! Cover: under one rule, whether each commit that adds something was approved by enough distinct
//! people who had no hand in it.

use super::count::{Asked, Could, Count, Deputy, Reach, available, heeded, reach_of, stand_ins};
use super::demands::{self, Demand, Touched};
use super::deputies::Delegation;
use super::lack::Lacks;
use super::reach::spread;
use super::roster::{Crowd, Number};
use super::seats::Vote;
use super::span::{At, Span};
use super::voices::{Approval, Voices};
use super::{Cover, Reason, Shortfall};
use crate::policy::{BranchRule, Independence};
use crate::types::RepoPath;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// One rule with the approvals that are young enough for it, and what they reach.
pub(super) struct Ruling<'a> {
    pub span: &'a Span<'a>,
    pub rule: &'a BranchRule,
    pub demands: Vec<Demand<'a>>,
    /// The approvals that the rule does not find too old, in their order.
    pub approvals: Vec<Approval>,
    /// Those of people who are disabled by now: they approve nothing, and yet settle what the same
    /// people had objected to.
    pub settling: Vec<Approval>,
    /// Who is barred from the whole range, where the rule bars contributors from all of it.
    barred: Option<Crowd>,
    /// For each approver and each commit, the first of their own approvals that reaches it.
    reach: BTreeMap<Number, Reach>,
    /// Who approves in somebody's stead, by a delegation that the rule heeds.
    pub deputies: Vec<Deputy<'a>>,
    /// The delegations that the rule heeds.
    pub heeded: Vec<&'a Delegation>,
    /// Those of them by which somebody could approve now.
    pub available: Vec<&'a Delegation>,
}

/// How the commits fared under one rule.
#[derive(Default)]
pub(super) struct Outcome {
    /// What is lacking.
    pub reasons: Vec<Reason>,
    /// The approvals that count for a demand of a commit.
    pub covers: BTreeMap<At, BTreeSet<Cover>>,
    /// Where some approve in others' stead: what they and others said that was not needed.
    pub besides: BTreeMap<At, BTreeSet<Vote>>,
    /// The demands that a commit does not meet.
    pub shortfalls: BTreeMap<At, Vec<Shortfall>>,
    /// The commits that lack approvals by the branch's own teams.
    pub short: BTreeSet<At>,
    /// Approvers who had a hand in commits that are short.
    pub own_work: BTreeMap<Number, Vec<At>>,
    /// Approvers whose approvals do not reach commits that are short.
    pub unreached: BTreeMap<Number, Vec<At>>,
    /// Deputies, and in whose stead, whose approvals do not cover commits that are short, and why.
    pub stead: BTreeMap<(Number, Number, Uncovering), Vec<At>>,
    /// Approvers whose approvals of commits that are short a rollback has made void.
    pub stale: BTreeMap<Number, Vec<At>>,
}

/// Why an approval in somebody's stead covers nothing of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Uncovering {
    /// This one of the two had a hand in it.
    Hand(Number),
    /// It touches paths that the delegation is not for.
    Paths,
}

impl<'a> Ruling<'a> {
    /// Holds the rule's own time limit against the approvals, and finds out what they reach.
    pub(super) fn new(span: &'a Span<'a>, rule: &'a BranchRule, voices: &Voices<'_>) -> Self {
        let young = |all: &[Approval]| -> Vec<Approval> {
            let all = all.iter();
            let young = all.filter(|approval| age(span, rule, approval) == Age::Counts);
            young.copied().collect()
        };
        let approvals = young(&voices.approvals);
        let mut own: BTreeMap<Number, Vec<(usize, &Approval)>> = BTreeMap::new();
        let all = approvals.iter().enumerate();
        for (number, approval) in all.filter(|(_, approval)| approval.stead.is_none()) {
            own.entry(approval.person)
                .or_default()
                .push((number, approval));
        }
        let reach = own.into_iter();
        let reach = reach
            .map(|(who, own)| (who, reach_of(span, &own)))
            .collect();
        let heeded = heeded(span, rule);
        let deputies = heeded
            .iter()
            .filter_map(|delegation| Deputy::of(span, delegation, &approvals))
            .collect();
        Self {
            span,
            rule,
            demands: demands::all(span.roster, rule),
            reach,
            barred: match rule.independence {
                Independence::Commit => None,
                Independence::Range => Some(contributors_to_any(span, &voices.approvals)),
            },
            settling: young(&voices.settling),
            approvals,
            deputies,
            available: available(span, rule, &heeded),
            heeded,
        }
    }

    /// Who may not approve a commit with these contributors.
    pub(super) fn barred<'s>(&'s self, contributors: &'s Crowd) -> &'s Crowd {
        self.barred.as_ref().unwrap_or(contributors)
    }

    /// Whether contributors are barred from the whole range.
    pub(super) fn bars_from_range(&self) -> bool {
        self.barred.is_some()
    }

    /// Whether a rollback has made an approval of the person void that reaches the commit.
    fn has_stale(&self, person: Number, at: At) -> bool {
        let mut own = self.approvals.iter();
        !self.span.undoing(at).is_empty()
            && own.any(|approval| {
                let reaches = || spread(self.span, &approval.starts(self.span, ()));
                approval.person == person
                    && approval.stead.is_none()
                    && self.span.is_stale(approval, at)
                    && reaches().get(at).copied().flatten().is_some()
            })
    }

    /// Everybody whose approval counts for some demand of the rule.
    pub(super) fn could_approve(&self) -> Crowd {
        self.all(|demand| &demand.members)
    }

    /// Everybody whose objection counts: who could approve, or could if they were not disabled. A
    /// no that was taken in does not turn into silence because an account was closed.
    pub(super) fn could_object(&self) -> Crowd {
        self.all(|demand| &demand.listed)
    }

    fn all<'s>(&'s self, who: impl Fn(&'s Demand<'a>) -> &'s Crowd) -> Crowd {
        let mut all = Crowd::default();
        for demand in &self.demands {
            all.join(who(demand));
        }
        all
    }

    /// Judges every commit that adds something.
    pub(super) fn judge(&self) -> Outcome {
        let mut touched = Touched::new(self.rule);
        let mut outcome = Outcome::default();
        let mut lacks = Lacks::default();
        for (at, commit, contributors) in self.span.adding() {
            let barred = self.barred(contributors);
            let approvers = self.approvers(at);
            let covering = approvers.without(barred);
            for (number, path) in touched.demands(commit) {
                let Some(demand) = self.demands.get(number) else {
                    continue;
                };
                let asked = Asked {
                    number,
                    demand,
                    at,
                    commit,
                    barred,
                };
                let own = covering.both(&demand.members);
                let count = self.count(&asked, own);
                outcome.cover(self, at, &count);
                let have = u32::try_from(count.len()).unwrap_or(u32::MAX);
                if have < demand.required {
                    let could = demand.able.without(barred).without(&covering);
                    let could = self.could(&asked, &count, could);
                    let missing = demand.required - have;
                    lacks.add(self.span, (number, path), at, missing, &could);
                    outcome.short(at, self.shortfall(demand, path, have, &could));
                    outcome.explain(self, &asked, &approvers);
                }
            }
        }
        outcome.reasons = lacks.reasons(self.span, self.rule, &self.demands);
        outcome
    }

    /// Who has approved a commit, barred from it or not.
    fn approvers(&self, at: At) -> Crowd {
        let reached = self.reach.iter();
        reached
            .filter(|(_, marks)| marks.get(at).copied().flatten().is_some())
            .map(|(person, _)| *person)
            .collect()
    }

    fn shortfall(
        &self,
        demand: &Demand<'_>,
        path: Option<&RepoPath>,
        have: u32,
        could: &Could<'_>,
    ) -> Shortfall {
        let paths = demand.paths.zip(path);
        Shortfall {
            rule: self.rule.pattern.clone(),
            paths: paths.map(|(rule, path)| (rule.patterns.clone(), path.clone())),
            required: demand.required,
            have,
            from: demand.from.to_vec(),
            could: self.span.roster.names(&could.own),
            stand_ins: stand_ins(self.span, could.stand_ins.iter().copied()),
        }
    }
}

impl Outcome {
    fn cover(&mut self, ruling: &Ruling<'_>, at: At, count: &Count) {
        for person in count.own.iter() {
            let marks = ruling.reach.get(&person);
            let first = marks.and_then(|marks| marks.get(at).copied().flatten());
            if let Some(Reverse(number)) = first {
                self.covered(ruling, at, number, None);
            }
        }
        for vote in count.together.iter().filter(|vote| !vote.is_own()) {
            if let Some(number) = count.by.get(vote) {
                self.covered(ruling, at, *number, Some(vote.seat));
            }
        }
        for vote in count.besides() {
            self.besides.entry(at).or_default().insert(*vote);
        }
    }

    fn covered(&mut self, ruling: &Ruling<'_>, at: At, number: usize, stead: Option<Number>) {
        let roster = ruling.span.roster;
        if let Some(approval) = ruling.approvals.get(number) {
            self.covers.entry(at).or_default().insert(Cover {
                person: roster.name(approval.person),
                by: approval.by,
                stead: stead.map(|stead| roster.name(stead)),
            });
        }
    }

    fn short(&mut self, at: At, shortfall: Shortfall) {
        if shortfall.paths.is_none() {
            self.short.insert(at);
        }
        self.shortfalls.entry(at).or_default().push(shortfall);
    }

    /// Notes who of the demand's teams has approved something without covering this commit.
    fn explain(&mut self, ruling: &Ruling<'_>, asked: &Asked<'_>, approvers: &Crowd) {
        self.explain_deputies(ruling, asked);
        let at = asked.at;
        for person in ruling.reach.keys().copied() {
            if !asked.demand.members.has(person) {
                continue;
            }
            let list = match (approvers.has(person), asked.barred.has(person)) {
                (true, true) => &mut self.own_work,
                (false, false) if ruling.has_stale(person, at) => &mut self.stale,
                (false, false) => &mut self.unreached,
                (true, false) | (false, true) => continue,
            };
            let commits = list.entry(person).or_default();
            if commits.last() != Some(&at) {
                commits.push(at);
            }
        }
    }

    fn explain_deputies(&mut self, ruling: &Ruling<'_>, asked: &Asked<'_>) {
        for deputy in &ruling.deputies {
            let Delegation { by, to, .. } = deputy.delegation;
            let reached = deputy.reach.get(asked.at).copied().flatten().is_some();
            if !reached || !asked.demand.members.has(*by) {
                continue;
            }
            let takes_in = deputy
                .delegation
                .takes_in(ruling.rule, asked.number, asked.commit);
            let why = if asked.barred.has(*to) {
                Uncovering::Hand(*to)
            } else if asked.barred.has(*by) {
                Uncovering::Hand(*by)
            } else if takes_in {
                continue;
            } else {
                Uncovering::Paths
            };
            let commits = self.stead.entry((*to, *by, why)).or_default();
            if commits.last() != Some(&asked.at) {
                commits.push(asked.at);
            }
        }
    }
}

/// What a rule's time limit says of an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// Young enough, or the rule has no limit.
    Counts,
    /// Too old.
    Expired,
    /// The rule has a limit, and nothing recorded when the approval arrived.
    Unknown,
}

/// Whether a rule finds an approval too old: its age counts from when the server first saw it.
pub(super) fn age(span: &Span<'_>, rule: &BranchRule, approval: &Approval) -> Age {
    match (rule.expire, approval.seen) {
        (None, _) => Age::Counts,
        (Some(_), None) => Age::Unknown,
        (Some(limit), Some(seen)) if span.now < seen.plus(limit) => Age::Counts,
        (Some(_), Some(_)) => Age::Expired,
    }
}

/// Everybody who had a hand in any commit. An approving commit is its signer's approval and not
/// their contribution.
fn contributors_to_any(span: &Span<'_>, approvals: &[Approval]) -> Crowd {
    let own = approvals.iter().filter(|approval| approval.commit);
    let own: BTreeMap<At, Number> = own.map(|approval| (approval.at, approval.person)).collect();
    let mut all = Crowd::default();
    for (at, contributors) in span.contributors.iter().enumerate() {
        match own.get(&at) {
            None => all.join(contributors),
            Some(approver) => {
                let mut others = contributors.clone();
                others.remove(*approver);
                all.join(&others);
            }
        }
    }
    all
}
