//! What has to come together so that a change goes in: somebody writes it, enough others approve
//! it, and somebody pushes it.

use super::super::lockout::{able, authors, pushers};
use super::super::{BranchRule, Emergency, POLICY_REF, PathRule, Policy, Releaser, Shows};
use super::StandsIn;
use super::seats::{self, StandIns};
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
    /// Who could in whose stead; nobody where deputies are not asked about.
    pub(super) stand_ins: StandIns<'a>,
}

impl<'a> Demand<'a> {
    /// The same where everybody has named every deputy whom the rule lets them name.
    fn with_every_deputy(&self, policy: &'a Policy) -> Self {
        let Some(rule) = &self.rule.delegation else {
            return self.clone();
        };
        let by = able(policy, &rule.by);
        let by: BTreeSet<&str> = by.intersection(&self.able).copied().collect();
        let seats = |deputy: &'a str| {
            let others = by.iter().copied().filter(|name| *name != deputy).collect();
            (deputy, others)
        };
        let to = able(policy, &rule.to).into_iter();
        Self {
            stand_ins: to.map(seats).collect(),
            ..self.clone()
        }
    }

    /// The same with the deputies whom these delegations name, as far as the rule heeds them.
    fn with_deputies(&self, policy: &'a Policy, standing: &[&StandsIn]) -> Self {
        let mut stand_ins = StandIns::new();
        let every = self.with_every_deputy(policy);
        let longest = self.rule.delegation.as_ref().map(|rule| rule.longest);
        for one in standing {
            let seats = every.stand_ins.get_key_value(one.deputy.as_str());
            let short = longest.is_some_and(|longest| one.until <= one.from.plus(longest));
            if let Some((deputy, seats)) = seats.filter(|_| short)
                && let Some(seat) = seats.get(one.stead.as_str())
            {
                stand_ins.entry(*deputy).or_default().insert(*seat);
            }
        }
        Self {
            stand_ins,
            ..self.clone()
        }
    }

    /// Enough people who are there to approve what this author wrote; of `first` as many as can be.
    fn enough(
        &self,
        without: &Without<'a, '_>,
        first: &BTreeSet<&'a str>,
    ) -> Option<BTreeSet<&'a str>> {
        let required = self.required as usize;
        let there = |name: &&'a str| without.is_there(name);
        let own = self.able.iter().copied().filter(there);
        // Those who are in it anyway come first: a small set leaves less to try.
        let (mut own, others): (Vec<&str>, Vec<&str>) = own.partition(|name| first.contains(name));
        own.extend(others);
        if let Some(own) = own.get(..required) {
            return Some(own.iter().copied().collect());
        }
        let deputies: Vec<&str> = self.stand_ins.keys().copied().filter(there).collect();
        seats::enough(required, &own, &deputies, &self.stand_ins, &without.barred)
    }
}

/// Who cannot approve a change.
struct Without<'a, 's> {
    /// Those who are away. Others may stand in for them.
    absent: &'s BTreeSet<&'a str>,
    /// Who wrote it, and who is to release it as a third person: nobody stands in for them either.
    barred: [Option<&'a str>; 2],
}

impl Without<'_, '_> {
    fn is_there(&self, name: &str) -> bool {
        !self.barred.contains(&Some(name)) && !self.absent.contains(name)
    }
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
    /// Who pushes it.
    pub(super) releaser: Releaser,
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
            releaser: Releaser::Anyone,
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
            let able = self.demands.iter().flat_map(|demand| {
                let mut seats = demand.stand_ins.values();
                let stood_in_for = seats.any(|seats| seats.contains(author));
                let stands_in = demand.stand_ins.contains_key(author);
                [demand.able.contains(author), stands_in, stood_in_for]
            });
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
        let there = |name: &&&'a str| !absent.contains(**name);
        let mut pushers = self.pushers.iter().flatten().filter(there).copied();
        match self.releaser {
            Releaser::Distinct => {
                // Somebody who had no part in it; where nobody knows who pushes, there is none.
                let mut thirds = pushers.filter(|name| *name != author);
                thirds.find_map(|third| {
                    let mut people = self.letting_in(author, Some(third), absent)?;
                    people.insert(third);
                    Some(people)
                })
            }
            Releaser::Anyone => {
                let mut people = self.letting_in(author, None, absent)?;
                if self.pushers.is_some() {
                    let first = pushers.clone().next()?;
                    let pusher = pushers.find(|name| people.contains(name)).unwrap_or(first);
                    people.insert(pusher);
                }
                Some(people)
            }
        }
    }

    /// An author with enough people who approve, or those who break the glass.
    fn letting_in(
        &self,
        author: &'a str,
        third: Option<&'a str>,
        absent: &BTreeSet<&'a str>,
    ) -> Option<BTreeSet<&'a str>> {
        let without = Without {
            absent,
            barred: [Some(author), third],
        };
        let approving = self.approving(&without);
        let glass = || self.glass.as_ref()?.enough(absent);
        let mut people = approving.or_else(glass)?;
        people.insert(author);
        Some(people)
    }

    /// Enough people who are there to approve what somebody else wrote.
    fn approving(&self, without: &Without<'a, '_>) -> Option<BTreeSet<&'a str>> {
        let mut people = BTreeSet::new();
        for demand in &self.demands {
            let chosen = demand.enough(without, &people)?;
            people.extend(chosen);
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
        stand_ins: StandIns::new(),
    });
    let own = Plan {
        paths: &[],
        demands: own.collect(),
        authors,
        pushers: pushing(policy, &rules),
        releaser: releaser(&rules),
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
        stand_ins: StandIns::new(),
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

/// Whether any of the rules asks for a third person.
fn releaser(rules: &[&BranchRule]) -> Releaser {
    let mut rules = rules.iter();
    match rules.any(|rule| rule.releaser == Releaser::Distinct) {
        true => Releaser::Distinct,
        false => Releaser::Anyone,
    }
}

/// The same where everybody has named every deputy whom they may name; nothing where nobody may name any.
pub(super) fn with_every_deputy<'a>(policy: &'a Policy, plan: &Plan<'a>) -> Option<Plan<'a>> {
    with_demands(plan, |demand| demand.with_every_deputy(policy))
}

/// The same with the deputies whom these delegations name; nothing where none of them matters.
pub(super) fn with_deputies<'a>(
    policy: &'a Policy,
    plan: &Plan<'a>,
    standing: &[&StandsIn],
) -> Option<Plan<'a>> {
    with_demands(plan, |demand| demand.with_deputies(policy, standing))
}

fn with_demands<'a>(
    plan: &Plan<'a>,
    change: impl Fn(&Demand<'a>) -> Demand<'a>,
) -> Option<Plan<'a>> {
    let demands: Vec<Demand<'a>> = plan.demands.iter().map(change).collect();
    let mut stand_ins = demands.iter().flat_map(|demand| demand.stand_ins.values());
    let any = stand_ins.any(|seats| !seats.is_empty());
    any.then(|| Plan {
        demands,
        ..plan.clone()
    })
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
