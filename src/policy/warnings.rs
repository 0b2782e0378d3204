//! What is allowed in a policy and yet worth a second look.

use super::absence::{indispensable, only_pusher};
use super::{BranchRule, POLICY_REF, Person, Policy};
use crate::types::{PersonName, RefName, TargetName, TeamName, WindowName};
use std::collections::{BTreeMap, BTreeSet};

/// One thing worth a second look.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// Two people of the policy who may be one human, and could then approve their own work.
    #[error("`{one}` and `{other}` may be one human: both have the {what} `{value}`")]
    MaybeOneHuman {
        /// The one.
        one: PersonName,
        /// The other.
        other: PersonName,
        /// What they share: `name`, `mailbox`.
        what: &'static str,
        /// The shared value, escaped.
        value: String,
    },
    /// Somebody without whom a rule can never be met.
    #[error("`{rule}`: while {} is away, nothing can be {what}", list(.people))]
    BusFactorOne {
        /// The rule's pattern, escaped.
        rule: String,
        /// Each of whom is indispensable alone.
        people: Vec<PersonName>,
        /// What cannot be done: `approved`, `pushed`.
        what: &'static str,
    },
    /// A rule that refuses nothing for want of approvals.
    #[error("`{rule}` only warns (`enforce: warn`): what lacks approvals goes in all the same")]
    OnlyWarns {
        /// The rule's pattern, escaped.
        rule: String,
    },
    /// A rule for refs that do not exist.
    #[error("`{rule}` matches no ref of this repository")]
    MatchesNothing {
        /// The rule's pattern, escaped.
        rule: String,
    },
    /// Somebody whose approvals are asked for and who can sign nothing.
    #[error("`{person}` is asked for approvals and has no key to give any with")]
    NoKey {
        /// Who.
        person: PersonName,
    },
    /// A team that no rule names.
    #[error("no rule names the team `{team}`")]
    UnusedTeam {
        /// Which.
        team: TeamName,
    },
    /// A window or a freeze that no rule names.
    #[error("no rule names the window or freeze `{name}`")]
    UnusedWindow {
        /// Which.
        name: WindowName,
    },
    /// A target that no rule releases to.
    #[error("no rule releases to the target `{target}`")]
    UnusedTarget {
        /// Which.
        target: TargetName,
    },
}

fn list(people: &[PersonName]) -> String {
    let names: Vec<String> = people.iter().map(|name| format!("`{name}`")).collect();
    names.join(" or ")
}

/// Everything in a policy that is worth a second look. `refs` are the repository's refs, where they
/// are known.
#[must_use]
pub fn warnings(policy: &Policy, refs: Option<&[RefName]>) -> Vec<Warning> {
    let mut found = one_human(policy);
    for rule in &policy.rules {
        if rule.only_warns() {
            found.push(Warning::OnlyWarns { rule: shown(rule) });
        } else {
            found.extend(bus_factor(policy, rule));
        }
    }
    let mut unmatched: Vec<Warning> = refs.map_or_else(Vec::new, |refs| {
        let used = |rule: &&BranchRule| {
            let matched = refs.iter().any(|name| rule.refs.is_match(name.as_bytes()));
            rule.pattern != POLICY_REF && !matched
        };
        let unmatched = policy.rules.iter().filter(used);
        unmatched
            .map(|rule| Warning::MatchesNothing { rule: shown(rule) })
            .collect()
    });
    found.append(&mut unmatched);
    found.extend(unused(policy));
    found
}

fn shown(rule: &BranchRule) -> String {
    crate::types::escape(rule.pattern.as_bytes())
}

/// Pairs of people who share a name or a mailbox.
fn one_human(policy: &Policy) -> Vec<Warning> {
    let mut found = Vec::new();
    let mut seen: BTreeMap<(&str, String), &PersonName> = BTreeMap::new();
    let mut told: BTreeSet<(&PersonName, &PersonName)> = BTreeSet::new();
    for person in policy.people.values() {
        for (what, value) in marks(person) {
            let first = *seen.entry((what, value.clone())).or_insert(&person.name);
            if first == &person.name || !told.insert((first, &person.name)) {
                continue;
            }
            found.push(Warning::MaybeOneHuman {
                one: first.clone(),
                other: person.name.clone(),
                what,
                value: crate::types::escape(value.as_bytes()),
            });
        }
    }
    found
}

/// What two people rarely share: their whole name, and the part of an address before the `@`.
fn marks(person: &Person) -> BTreeSet<(&'static str, String)> {
    let words: Vec<&str> = person
        .full_name
        .iter()
        .flat_map(|name| name.split_whitespace())
        .collect();
    let name = (!words.is_empty()).then(|| ("name", words.join(" ").to_lowercase()));
    let mailbox = |address: &str| {
        let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
        let plain = local.split('+').next().unwrap_or(local);
        ("mailbox", plain.to_lowercase())
    };
    let mailboxes = person.emails.iter().map(|email| mailbox(email.as_str()));
    name.into_iter().chain(mailboxes).collect()
}

/// Those without whom a rule can never be met.
fn bus_factor(policy: &Policy, rule: &BranchRule) -> Vec<Warning> {
    let warning = |people: BTreeSet<PersonName>, what| {
        (!people.is_empty()).then(|| Warning::BusFactorOne {
            rule: shown(rule),
            people: people.into_iter().collect(),
            what,
        })
    };
    let approved = warning(indispensable(policy, rule), "approved");
    let pushed = only_pusher(policy, rule).into_iter().collect();
    approved
        .into_iter()
        .chain(warning(pushed, "pushed"))
        .collect()
}

/// What is there and does nothing.
fn unused(policy: &Policy) -> Vec<Warning> {
    let mut found = Vec::new();
    let asked = policy.rules.iter().flat_map(approving_teams);
    let members: BTreeSet<&PersonName> = asked
        .filter_map(|team| policy.teams.get(team))
        .flatten()
        .collect();
    for name in members {
        if let Some(person) = policy.people.get(name)
            && !person.disabled
            && person.keys.is_empty()
        {
            let person = name.clone();
            found.push(Warning::NoKey { person });
        }
    }
    let windows = policy.calendar.windows.values();
    let freezes = policy.calendar.freezes.values();
    let overriders = windows
        .flat_map(|window| &window.overriders)
        .chain(freezes.flat_map(|freeze| &freeze.overriders));
    let rules = policy.rules.iter().flat_map(teams_of);
    let named: BTreeSet<&TeamName> = rules.chain(overriders).collect();
    for team in policy.teams.keys().filter(|team| !named.contains(team)) {
        let team = team.clone();
        found.push(Warning::UnusedTeam { team });
    }
    let timed = policy.rules.iter();
    let timed: BTreeSet<&WindowName> = timed
        .flat_map(|rule| rule.windows.iter().chain(&rule.freezes))
        .collect();
    let calendar = &policy.calendar;
    let names = calendar.windows.keys().chain(calendar.freezes.keys());
    for name in names.filter(|name| !timed.contains(name)) {
        let name = name.clone();
        found.push(Warning::UnusedWindow { name });
    }
    for target in policy.targets.keys() {
        if !policy
            .rules
            .iter()
            .any(|rule| rule.release.contains(target))
        {
            let target = target.clone();
            found.push(Warning::UnusedTarget { target });
        }
    }
    found
}

fn approving_teams(rule: &BranchRule) -> impl Iterator<Item = &TeamName> {
    let paths = rule.paths.iter().flat_map(|path| &path.from);
    rule.from.iter().chain(paths)
}

fn teams_of(rule: &BranchRule) -> impl Iterator<Item = &TeamName> {
    let emergency = rule.emergency.iter();
    let emergency = emergency
        .flat_map(|emergency| emergency.by.iter().chain(emergency.cosign.iter().flatten()));
    let pushing = rule.push.iter().flatten();
    let delegation = rule.delegation.iter();
    let delegation = delegation.flat_map(|rule| rule.by.iter().chain(&rule.to));
    let others = emergency.chain(delegation);
    approving_teams(rule).chain(pushing).chain(others)
}
