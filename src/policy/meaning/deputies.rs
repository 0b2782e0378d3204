//! Deputies: the teams are there, and somebody in them could stand in for somebody.

use super::super::fields::At;
use super::super::schema::{BranchEntry, DelegationEntry, Document};
use super::super::suggest;
use super::super::yaml::shown;
use super::{Complaints, Fault};
use crate::policy::DelegationRule;
use crate::types::TeamName;
use std::collections::BTreeSet;

/// Complains about every `delegation` that names teams that are not there, or by which nobody could
/// ever stand in for anybody.
pub(super) fn check(document: &Document, complaints: &mut Complaints) {
    for rule in &document.branches {
        let Some(delegation) = &rule.entry.delegation else {
            continue;
        };
        let named = delegation.by.iter().flatten().chain(&delegation.to);
        let mut there = true;
        for team in named {
            there &= known(document, team, complaints);
        }
        if there {
            reachable(document, &rule.entry, delegation, complaints);
        }
    }
}

fn known(document: &Document, name: &At<String>, complaints: &mut Complaints) -> bool {
    let names = || document.teams.iter().map(|team| team.name.as_str());
    let there = names().any(|team| team == name.value);
    if !there {
        let fault = Fault::Unknown {
            kind: "team",
            name: shown(&name.value),
        };
        complaints.push(name.at, fault, || suggest::hint(&name.value, names()));
    }
    there
}

fn reachable(
    document: &Document,
    entry: &BranchEntry,
    delegation: &DelegationEntry,
    complaints: &mut Complaints,
) {
    let approving = approving(entry);
    // What could not be read, or names nobody, has been complained about.
    let unread = delegation.to.is_empty()
        || approving.is_empty()
        || approving
            .iter()
            .any(|team| members(document, team).is_none());
    if unread {
        return;
    }
    let approvers = able(document, approving.into_iter());
    let by = match &delegation.by {
        None => approvers,
        Some(by) => &able(document, by.iter()) & &approvers,
    };
    let value = |at, what: &str, why: &str| {
        let (what, why) = (what.to_owned(), why.to_owned());
        (at, Fault::Value { what, why })
    };
    let first = delegation.by.iter().flatten().next();
    let (at, fault) = match first {
        Some(first) if by.is_empty() => value(
            first.at,
            "by",
            "nobody in these teams is asked for approvals here and can sign, so nobody has anything to hand on",
        ),
        Some(_) | None => {
            let to = able(document, delegation.to.iter());
            let mut pairs = by.iter().flat_map(|by| to.iter().map(move |to| (by, to)));
            if by.is_empty() || pairs.any(|(by, to)| by != to) {
                return;
            }
            value(
                delegation.at,
                "to",
                "nobody in these teams can sign and stand in for somebody else",
            )
        }
    };
    complaints.add(at, fault);
}

/// Those of the teams who can sign.
fn able<'a>(
    document: &'a Document,
    teams: impl Iterator<Item = &'a At<String>>,
) -> BTreeSet<&'a str> {
    let members = teams.filter_map(|team| members(document, team));
    let members = members.flatten().map(|name| name.value.as_str());
    members.filter(|name| can_sign(document, name)).collect()
}

/// The teams whose approvals the rule asks for.
fn approving(entry: &BranchEntry) -> Vec<&At<String>> {
    let paths = entry.paths.iter().flat_map(|path| &path.demand.from);
    entry.demand.from.iter().chain(paths).collect()
}

fn members<'a>(document: &'a Document, team: &At<String>) -> Option<&'a [At<String>]> {
    let mut teams = document.teams.iter();
    let found = teams.find(|named| named.name == team.value)?;
    Some(&found.entry)
}

/// Whether somebody is enabled and has a key. A name that nobody has has been complained about.
fn can_sign(document: &Document, name: &str) -> bool {
    let mut people = document.people.iter();
    let person = people.find(|person| person.name == name);
    person.is_none_or(|person| !person.entry.disabled && person.entry.has_keys)
}

/// What a sound `delegation` means. Without `by` it is everybody whose approvals the rule asks for.
pub(super) fn rule(entry: &BranchEntry, delegation: &DelegationEntry) -> Option<DelegationRule> {
    let team = |name: &At<String>| TeamName::new(&*name.value);
    let mut by: Vec<TeamName> = Vec::new();
    let named: Vec<&At<String>> = match &delegation.by {
        Some(named) => named.iter().collect(),
        None => approving(entry),
    };
    for name in named.into_iter().map(team) {
        if !by.contains(&name) {
            by.push(name);
        }
    }
    Some(DelegationRule {
        by,
        to: delegation.to.iter().map(team).collect(),
        longest: delegation.longest?,
    })
}
