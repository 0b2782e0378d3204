//! Who may be away: for every rule and path rule the smallest sets of people without whom nothing
//! goes in any more, whoever wrote it, and without whom one author's changes do not.
//!
//! It counts people as `decide` counts approvals: nobody approves what they wrote, so the author of
//! a change is out. What has to come together is in [`ways`]; the sets are found in [`search`].

mod search;
mod ways;

use super::{BranchRule, Policy};
use crate::types::{PersonName, TeamName, escape};
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
    /// Without whom nothing at all goes in.
    pub nothing: Blocking,
    /// The same where emergencies count as well; nothing where the rule has none.
    pub with_emergency: Option<Blocking>,
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

/// The changes of some authors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByAuthor {
    /// Who writes. What holds for one of them holds for each.
    pub authors: BTreeSet<PersonName>,
    /// Without whom it does not go in.
    pub blocking: Blocking,
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
/// one for each of its path rules.
#[must_use]
pub fn absences(policy: &Policy) -> Vec<Absence> {
    let rules = policy.rules.iter();
    rules
        .flat_map(|rule| {
            ways::plans(policy, rule)
                .into_iter()
                .map(move |plan| (rule, plan))
        })
        .map(|(rule, plan)| absence(policy, rule, &plan))
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

fn absence(policy: &Policy, rule: &BranchRule, plan: &Plan<'_>) -> Absence {
    let glass = ways::with_emergency(policy, rule, plan);
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
        nothing: search::smallest(plan).into(),
        with_emergency: glass.map(|plan| search::smallest(&plan).into()),
        authors: authors(plan),
    }
}

/// Each author's own number, those together for whom it is the same.
fn authors(plan: &Plan<'_>) -> Vec<ByAuthor> {
    let few = plan.authors.len() <= MAX_AUTHORS;
    let groups: Vec<Vec<&str>> = match few {
        true => plan.authors.iter().map(|author| vec![*author]).collect(),
        false => plan.alike(),
    };
    let mut all: Vec<ByAuthor> = Vec::new();
    for group in groups {
        let Some(first) = group.first() else { continue };
        let mut blocking: Blocking = search::smallest(&plan.by(first)).into();
        if !few {
            // They are this one's, and another's would be others.
            blocking.sets.clear();
        }
        let group = group.iter().map(|name| PersonName::new(*name));
        match all.iter_mut().find(|one| one.blocking == blocking) {
            Some(same) => same.authors.extend(group),
            None => all.push(ByAuthor {
                authors: group.collect(),
                blocking,
            }),
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
