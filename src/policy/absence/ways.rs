//! What has to come together so that a change goes in: somebody writes it, enough others approve
//! it, and somebody pushes it.

use super::super::lockout::{able, authors, pushers};
use super::super::{BranchRule, Emergency, POLICY_REF, PathRule, Policy, Shows};
use crate::types::{RefName, TeamName};
use std::collections::{BTreeMap, BTreeSet};

/// How many of whom have to approve.
#[derive(Debug, Clone)]
pub(super) struct Demand<'a> {
    /// The rule that asks for it.
    pub(super) rule: &'a BranchRule,
    /// How many distinct people, none of whom wrote the change.
    pub(super) required: u32,
    /// The teams.
    pub(super) from: &'a [TeamName],
    /// Those who could: in the teams, enabled, with a key.
    pub(super) able: BTreeSet<&'a str>,
}

/// Who may let in what nobody has approved.
#[derive(Debug, Clone)]
pub(super) struct Glass<'a> {
    /// Who may declare an emergency.
    by: BTreeSet<&'a str>,
    /// Of each of these somebody else has to sign too.
    cosign: Vec<BTreeSet<&'a str>>,
}

impl<'a> Glass<'a> {
    /// People by whom alone it can be broken while these are away; nothing where it cannot be.
    fn enough(&self, absent: &BTreeSet<&'a str>) -> Option<BTreeSet<&'a str>> {
        let mut by = self.by.iter().filter(|name| !absent.contains(**name));
        by.find_map(|by| {
            let mut people = BTreeSet::from([*by]);
            for cosign in &self.cosign {
                let mut others = cosign.iter();
                let second = others.find(|name| *name != by && !absent.contains(**name))?;
                people.insert(second);
            }
            Some(people)
        })
    }
}

/// Everything that a change has to meet.
#[derive(Debug, Clone)]
pub(super) struct Plan<'a> {
    /// The patterns of the path rule that it is about; empty where it is about none.
    pub(super) paths: &'a [String],
    /// All of them have to be met, by the same change.
    pub(super) demands: Vec<Demand<'a>>,
    /// Who could write it.
    pub(super) authors: BTreeSet<&'a str>,
    /// Who could push it; nothing where anybody could.
    pub(super) pushers: Option<BTreeSet<&'a str>>,
    /// Whose absence is not asked about.
    pub(super) present: Option<&'a str>,
    /// Who may let it in without approval; nobody where that is not asked about.
    pub(super) glass: Option<Glass<'a>>,
}

impl<'a> Plan<'a> {
    /// The same without asking who pushes.
    pub(super) fn without_pushers(self) -> Self {
        Self {
            pushers: None,
            ..self
        }
    }

    /// The same for the changes of one author, who is there.
    pub(super) fn by(&self, author: &'a str) -> Self {
        Self {
            authors: BTreeSet::from([author]),
            present: Some(author),
            ..self.clone()
        }
    }

    /// The authors, those together who may do the same.
    pub(super) fn alike(&self) -> Vec<Vec<&'a str>> {
        let mut groups: BTreeMap<Vec<bool>, Vec<&str>> = BTreeMap::new();
        for author in &self.authors {
            let able = self
                .demands
                .iter()
                .map(|demand| demand.able.contains(author));
            let pushes = self.pushers.as_ref();
            let pushes = pushes.is_some_and(|pushers| pushers.contains(author));
            let part: Vec<bool> = able.chain([pushes]).collect();
            groups.entry(part).or_default().push(author);
        }
        groups.into_values().collect()
    }

    /// People with whom alone a change goes in while these are away; nothing where none does.
    pub(super) fn enough(&self, absent: &BTreeSet<&'a str>) -> Option<BTreeSet<&'a str>> {
        let mut authors = self.authors.iter();
        authors.find_map(|author| {
            if absent.contains(author) {
                return None;
            }
            self.enough_for(author, absent)
        })
    }

    fn enough_for(&self, author: &'a str, absent: &BTreeSet<&'a str>) -> Option<BTreeSet<&'a str>> {
        let approving = self.approving(author, absent);
        let glass = || self.glass.as_ref()?.enough(absent);
        let mut people = approving.or_else(glass)?;
        people.insert(author);
        if let Some(pushers) = &self.pushers {
            let mut there = pushers.iter().filter(|name| !absent.contains(**name));
            let first = there.clone().next()?;
            let pusher = there.find(|name| people.contains(**name)).unwrap_or(first);
            people.insert(pusher);
        }
        Some(people)
    }

    /// Enough people who are there to approve what somebody else wrote.
    fn approving(&self, author: &'a str, absent: &BTreeSet<&'a str>) -> Option<BTreeSet<&'a str>> {
        let mut people = BTreeSet::new();
        for demand in &self.demands {
            let there = |name: &&&'a str| !absent.contains(**name) && **name != author;
            let chosen = demand.able.iter().filter(there);
            // Those who are in it anyway come first: a small set leaves less to try.
            let (mut first, second): (Vec<&str>, Vec<&str>) =
                chosen.partition(|name| people.contains(**name));
            first.extend(second);
            let chosen = first.get(..demand.required as usize)?;
            people.extend(chosen.iter().copied());
        }
        Some(people)
    }
}

/// What a rule takes: for any change, and for those that fall under each of its path rules.
///
/// Where the rule's pattern is one ref's name, the other rules that match it hold as well. Of two
/// patterns it cannot be told which refs they share, so there each is counted for itself.
pub(super) fn plans<'a>(policy: &'a Policy, rule: &'a BranchRule) -> Vec<Plan<'a>> {
    let rules = together(policy, rule);
    let authors = authors(policy, &rules);
    // A rule that only warns stops nothing; its own rows say what it would.
    let counts = |other: &&&BranchRule| !other.only_warns() || other.pattern == rule.pattern;
    let own = rules.iter().filter(counts).map(|rule| Demand {
        rule,
        required: rule.required,
        from: &rule.from,
        able: able(policy, &rule.from),
    });
    let own = Plan {
        paths: &[],
        demands: own.collect(),
        authors,
        pushers: pushing(policy, &rules),
        present: None,
        glass: None,
    };
    let paths = rule.paths.iter().map(|path| with(policy, rule, path, &own));
    let paths: Vec<Plan<'a>> = paths.collect();
    std::iter::once(own).chain(paths).collect()
}

fn with<'a>(
    policy: &'a Policy,
    rule: &'a BranchRule,
    path: &'a PathRule,
    own: &Plan<'a>,
) -> Plan<'a> {
    let mut plan = own.clone();
    plan.paths = &path.patterns;
    plan.demands.push(Demand {
        rule,
        required: path.required,
        from: &path.from,
        able: able(policy, &path.from),
    });
    plan
}

/// The rules that hold at the same time.
fn together<'a>(policy: &'a Policy, rule: &'a BranchRule) -> Vec<&'a BranchRule> {
    let exact = !rule.pattern.contains(['*', '?']);
    match RefName::new(rule.pattern.as_bytes()) {
        Ok(name) if exact => policy.rules_for(&name),
        Ok(_) | Err(_) => vec![rule],
    }
}

/// The same where emergencies count as well; nothing where there are none.
pub(super) fn with_emergency<'a>(
    policy: &'a Policy,
    rule: &'a BranchRule,
    plan: &Plan<'a>,
) -> Option<Plan<'a>> {
    if rule.pattern == POLICY_REF || rule.only_warns() {
        return None;
    }
    let rules = together(policy, rule).into_iter();
    let rules: Option<Vec<&Emergency>> = rules
        .filter(|other| !other.only_warns())
        .map(|other| other.emergency.as_ref())
        .collect();
    let rules = rules?;
    let excepted = |glob: &String| {
        let mut excepted = rules.iter().flat_map(|emergency| emergency.except.iter());
        excepted.any(|except| except.patterns.contains(glob))
    };
    if plan.paths.iter().any(excepted) {
        return None;
    }
    let by = rules.iter().map(|emergency| able(policy, &emergency.by));
    let by = by.reduce(|left, right| left.intersection(&right).copied().collect());
    let cosign = rules
        .iter()
        .filter_map(|emergency| emergency.cosign.as_ref());
    let glass = Glass {
        by: by?,
        cosign: cosign.map(|teams| able(policy, teams)).collect(),
    };
    Some(Plan {
        glass: Some(glass),
        ..plan.clone()
    })
}

/// Who may push where all of these rules hold.
fn pushing<'a>(policy: &'a Policy, rules: &[&BranchRule]) -> Option<BTreeSet<&'a str>> {
    let shows = policy.identity.shows();
    if shows == Shows::Nothing {
        return None;
    }
    let known = policy.people.values();
    let known = known.filter(|person| !person.disabled && shows.can_show((*person).into()));
    let everybody: BTreeSet<&str> = known.map(|person| person.name.as_str()).collect();
    let limits = rules.iter().filter_map(|rule| rule.push.as_deref());
    Some(limits.fold(everybody, |left, teams| {
        let right = pushers(policy, teams);
        left.intersection(&right).copied().collect()
    }))
}
