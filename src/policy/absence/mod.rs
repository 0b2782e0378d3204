//! Who may be away: for every rule and path rule the smallest sets of people without whom nothing
//! goes in any more, whoever wrote it, and without whom one author's changes do not.
//!
//! It counts people as `decide` counts approvals: nobody approves what they wrote, so the author of
//! a change is out. What has to come together is in [`ways`]; the sets are found in [`search`].

mod search;
mod seats;
mod ways;

use super::{BranchRule, Policy};
use crate::types::{PersonName, RefName, TeamName, Timestamp, escape};
use search::Found;
use std::collections::BTreeSet;
use ways::Plan;

/// So many authors are each looked at for themselves; of more, those who are alike are one.
const MAX_AUTHORS: usize = 40;

/// What one rule, or one of its path rules, takes to be met, and who may be away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    /// The rule's pattern, escaped.
    pub rule: String,
    /// The patterns of the path rule, escaped; empty for what the rule asks of every change.
    pub paths: Vec<String>,
    /// Whether the rule only warns: then it is what it would stop that is told.
    pub only_warns: bool,
    /// Everything that has to be met at once.
    pub asked: Vec<Asked>,
    /// Those who may push, where that is limited by anything.
    pub pushers: Option<BTreeSet<PersonName>>,
    /// Who may name whom a deputy for it; nothing where nobody may.
    pub nameable: Option<Nameable>,
    /// Without whom nothing at all goes in.
    pub nothing: Blocking,
    /// The same where everybody has named every deputy whom they may name; nothing where nobody may.
    pub with_deputies: Option<Blocking>,
    /// The same where emergencies count as well; nothing where the rule has none.
    pub with_emergency: Option<Blocking>,
    /// The same where both count; nothing where there are not both.
    pub with_both: Option<Blocking>,
    /// The same with the deputies that there are now; nothing where they were not asked about, or there
    /// are none for it.
    pub now: Option<Now>,
    /// Without whom one author's changes do not go in, while they are there themselves.
    pub authors: Vec<ByAuthor>,
}

/// One number of approvals that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The pattern of the rule that asks for it, escaped.
    pub rule: String,
    /// How many distinct people.
    pub required: u32,
    /// The teams.
    pub from: Vec<TeamName>,
    /// Who of them is able to approve: enabled, with a key.
    pub able: BTreeSet<PersonName>,
}

impl Asked {
    /// So many of those who are able have to be away before too few are left, where the author is
    /// none of them. Nothing where too few are there as it is.
    #[must_use]
    pub fn slack(&self) -> Option<usize> {
        (self.able.len() + 1).checked_sub(self.required as usize)
    }
}

/// Who may name a deputy, and whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nameable {
    /// Who may, and is able to approve.
    pub by: BTreeSet<PersonName>,
    /// Whom.
    pub to: BTreeSet<PersonName>,
}

/// The deputies that there are now, and what comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Now {
    /// Who stands in for whom: the deputy first.
    pub pairs: BTreeSet<(PersonName, PersonName)>,
    /// Without whom nothing at all goes in.
    pub nothing: Blocking,
}

/// A delegation that holds, for all paths of a ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandsIn {
    /// The ref.
    pub refname: RefName,
    /// Who.
    pub deputy: PersonName,
    /// In whose stead.
    pub stead: PersonName,
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
}

/// The changes of some authors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByAuthor {
    /// Who writes. What holds for one of them holds for each.
    pub authors: BTreeSet<PersonName>,
    /// Without whom it does not go in.
    pub blocking: Blocking,
    /// The same where everybody has named every deputy whom they may name; nothing where nobody may.
    pub with_deputies: Option<Blocking>,
}

/// How many people have to be away, and who.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocking {
    /// How many.
    pub number: Number,
    /// The smallest sets of people; empty where only their size is known.
    pub sets: Vec<BTreeSet<PersonName>>,
}

/// How many people have to be away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// So many, and no fewer. 0: it does not go in even if everybody is there.
    Exactly(usize),
    /// More than that. How many exactly would take too long to find out.
    MoreThan(usize),
    /// It goes in whoever is away.
    Never,
}

impl Number {
    /// Whether one person's absence is enough.
    #[must_use]
    pub fn is_one(self) -> bool {
        match self {
            Self::Exactly(number) => number <= 1,
            Self::MoreThan(_) | Self::Never => false,
        }
    }
}

/// Everything about everybody's absence: for each rule in the order of the file its own row, then
/// one for each of its path rules. `standing` are the delegations that hold now, as far as they are known:
/// they are counted where a rule's pattern is the ref's own name.
#[must_use]
pub fn absences(policy: &Policy, standing: &[StandsIn]) -> Vec<Absence> {
    let rules = policy.rules.iter();
    rules
        .flat_map(|rule| {
            ways::plans(policy, rule)
                .into_iter()
                .map(move |plan| (rule, plan))
        })
        .map(|(rule, plan)| absence(policy, rule, &plan, standing))
        .collect()
}

/// Those each of whom alone can stop all approvals under a rule.
pub(super) fn indispensable(policy: &Policy, rule: &BranchRule) -> BTreeSet<PersonName> {
    let plans = ways::plans(policy, rule).into_iter();
    let single = |plan: Plan<'_>| names(&search::single(&plan.without_pushers()));
    plans.flat_map(single).collect()
}

/// The only one who may push where a rule holds, if there is only one.
pub(super) fn only_pusher(policy: &Policy, rule: &BranchRule) -> Option<PersonName> {
    rule.push.as_ref()?;
    let plan = ways::plans(policy, rule).into_iter().next()?;
    let pushers = plan.pushers?;
    let mut all = pushers.iter();
    match (all.next(), all.next()) {
        (Some(only), None) => Some(PersonName::new(*only)),
        (None, _) | (Some(_), Some(_)) => None,
    }
}

fn absence(policy: &Policy, rule: &BranchRule, plan: &Plan<'_>, standing: &[StandsIn]) -> Absence {
    let blocking = |plan: &Plan<'_>| Blocking::from(search::smallest(plan));
    let glass = ways::with_emergency(policy, rule, plan);
    let wide = ways::with_every_deputy(policy, plan);
    let both = wide
        .as_ref()
        .and_then(|plan| ways::with_emergency(policy, rule, plan));
    let standing = standing.iter();
    let standing = standing.filter(|one| one.refname.as_bytes() == rule.pattern.as_bytes());
    let standing: Vec<&StandsIn> = standing.collect();
    let now = ways::with_deputies(policy, plan, &standing);
    let asked = plan.demands.iter().map(|demand| Asked {
        rule: shown(demand.rule),
        required: demand.required,
        from: demand.from.to_vec(),
        able: names(&demand.able),
    });
    Absence {
        rule: shown(rule),
        paths: plan
            .paths
            .iter()
            .map(|glob| escape(glob.as_bytes()))
            .collect(),
        only_warns: rule.only_warns(),
        asked: asked.collect(),
        pushers: plan.pushers.as_ref().map(names),
        nameable: wide.as_ref().map(nameable),
        nothing: blocking(plan),
        with_deputies: wide.as_ref().map(blocking),
        with_emergency: glass.as_ref().map(blocking),
        with_both: both.as_ref().map(blocking),
        now: now.as_ref().map(|plan| Now {
            pairs: pairs(plan),
            nothing: blocking(plan),
        }),
        authors: authors(plan, wide.as_ref()),
    }
}

/// Who stands in for whom under a plan.
fn pairs(plan: &Plan<'_>) -> BTreeSet<(PersonName, PersonName)> {
    let all = plan.demands.iter().flat_map(|demand| &demand.stand_ins);
    let all = all.flat_map(|(deputy, seats)| seats.iter().map(move |seat| (*deputy, *seat)));
    all.map(|(deputy, seat)| (PersonName::new(deputy), PersonName::new(seat)))
        .collect()
}

fn nameable(plan: &Plan<'_>) -> Nameable {
    let pairs = pairs(plan).into_iter();
    let (to, by) = pairs.unzip();
    Nameable { by, to }
}

/// Each author's own number, those together for whom it is the same.
fn authors(plan: &Plan<'_>, wide: Option<&Plan<'_>>) -> Vec<ByAuthor> {
    let few = plan.authors.len() <= MAX_AUTHORS;
    let groups: Vec<Vec<&str>> = match few {
        true => plan.authors.iter().map(|author| vec![*author]).collect(),
        false => wide.unwrap_or(plan).alike(),
    };
    let mut all: Vec<ByAuthor> = Vec::new();
    for group in groups {
        let Some(first) = group.first() else { continue };
        let own = |plan: &Plan<'_>| {
            let mut blocking: Blocking = search::smallest(&plan.by(first)).into();
            if !few {
                // They are this one's, and another's would be others.
                blocking.sets.clear();
            }
            blocking
        };
        let one = ByAuthor {
            authors: group.iter().map(|name| PersonName::new(*name)).collect(),
            blocking: own(plan),
            with_deputies: wide.map(own),
        };
        let same = |other: &&mut ByAuthor| {
            other.blocking == one.blocking && other.with_deputies == one.with_deputies
        };
        match all.iter_mut().find(same) {
            Some(same) => same.authors.extend(one.authors),
            None => all.push(one),
        }
    }
    all
}

impl From<Found<'_>> for Blocking {
    fn from(found: Found<'_>) -> Self {
        Self {
            number: found.number,
            sets: found.sets.iter().map(names).collect(),
        }
    }
}

fn names(people: &BTreeSet<&str>) -> BTreeSet<PersonName> {
    people.iter().map(|name| PersonName::new(*name)).collect()
}

fn shown(rule: &BranchRule) -> String {
    escape(rule.pattern.as_bytes())
}

#[cfg(test)]
mod tests;
