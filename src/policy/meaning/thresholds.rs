//! Thresholds that nobody could ever reach.

use super::super::fields::At;
use super::super::reach::{Demand, reachable};
use super::super::schema::{BranchEntry, DemandEntry, Document, Named, PersonEntry};
use super::super::yaml::shown;
use super::{Complaints, Fault, attribution, knows_pusher};
use crate::policy::Attribution;
use std::collections::BTreeSet;

/// Complains about every demand that cannot be met by the people that the file names.
///
/// What could not be read counts as if it were there, so that one mistake makes one complaint.
pub(super) fn check(document: &Document, complaints: &mut Complaints) {
    for rule in &document.branches {
        let authors = authors(document, &rule.entry);
        demand(document, &rule.entry.demand, &authors, complaints);
        for path in &rule.entry.paths {
            demand(document, &path.demand, &authors, complaints);
        }
        pushers(document, &rule.entry, complaints);
    }
}

fn demand(
    document: &Document,
    entry: &DemandEntry,
    authors: &BTreeSet<&str>,
    complaints: &mut Complaints,
) {
    let Some(required) = &entry.required else {
        return;
    };
    if !all_there(document, &entry.from) {
        return;
    }
    let able: BTreeSet<&str> = members(document, &entry.from)
        .into_iter()
        .filter(|name| person(document, name).is_none_or(can_sign))
        .collect();
    // A name that nobody has has been complained about; it may well be a slip for an author's.
    let authors = authors.union(&able).copied().collect();
    let demand = Demand {
        required: required.value,
        able,
    };
    if reachable(std::slice::from_ref(&demand), &authors) {
        return;
    }
    let fault = Fault::Unreachable {
        required: required.value,
        why: why(&demand, &entry.from),
    };
    complaints.push(required.at, fault, left_out(document, &entry.from));
}

fn why(demand: &Demand<'_>, from: &[At<String>]) -> String {
    let teams = list(from.iter().map(|team| team.value.as_str()));
    let count = demand.able.len();
    let people = match count {
        0 => return format!("nobody in {teams} can approve"),
        1 => "only 1 person".to_owned(),
        _ => format!("only {count} people"),
    };
    let able = list(demand.able.iter().copied());
    if count < demand.required as usize {
        format!("{people} in {teams} can approve ({able})")
    } else {
        format!("{people} can approve ({able}), and whoever of them wrote the change may not")
    }
}

/// Who is in the teams and yet cannot approve.
fn left_out(document: &Document, from: &[At<String>]) -> Option<String> {
    let reasons: Vec<String> = members(document, from)
        .into_iter()
        .filter_map(|name| {
            let entry = person(document, name)?;
            if entry.disabled {
                Some(format!("`{}` is disabled", shown(name)))
            } else if entry.has_keys {
                None
            } else {
                Some(format!("`{}` has no key to sign with", shown(name)))
            }
        })
        .collect();
    (!reasons.is_empty()).then(|| reasons.join(", "))
}

/// A rule that names who may push needs one of them to have a login.
fn pushers(document: &Document, entry: &BranchEntry, complaints: &mut Complaints) {
    let Some(push) = &entry.push else { return };
    if !all_there(document, &push.value) {
        return;
    }
    let can_push = |name: &&str| {
        person(document, name).is_none_or(|entry| !entry.disabled && !entry.logins.is_empty())
    };
    let nobody = !members(document, &push.value).iter().any(can_push);
    if nobody && knows_pusher(document) {
        let what = "push".to_owned();
        let why = "nobody in these teams has a login, so nobody could push".to_owned();
        complaints.add(push.at, Fault::Value { what, why });
    }
}

/// Whether teams are named, and all of them are there and have members. Where not, that has been
/// complained about.
fn all_there(document: &Document, teams: &[At<String>]) -> bool {
    let there = |name: &At<String>| {
        let mut all = document.teams.iter();
        all.any(|team| team.name == name.value && !team.entry.is_empty())
    };
    !teams.is_empty() && teams.iter().all(there)
}

/// Everybody in any of the teams.
fn members<'a>(document: &'a Document, teams: &[At<String>]) -> BTreeSet<&'a str> {
    let wanted = |team: &&Named<Vec<At<String>>>| teams.iter().any(|name| name.value == team.name);
    document
        .teams
        .iter()
        .filter(wanted)
        .flat_map(|team| &team.entry)
        .map(|name| name.value.as_str())
        .collect()
}

/// Everybody to whom the rule's commits can be attributed.
fn authors<'a>(document: &'a Document, entry: &BranchEntry) -> BTreeSet<&'a str> {
    let pusher_counts = match attribution(entry) {
        Attribution::Signature => false,
        Attribution::SignatureOrPusher => knows_pusher(document),
    };
    document
        .people
        .iter()
        .filter(|person| {
            let by_login = pusher_counts && !person.entry.logins.is_empty();
            !person.entry.disabled && (by_login || person.entry.has_keys)
        })
        .map(|person| person.name.as_str())
        .collect()
}

fn can_sign(entry: &PersonEntry) -> bool {
    !entry.disabled && entry.has_keys
}

fn person<'a>(document: &'a Document, name: &str) -> Option<&'a PersonEntry> {
    let named = document.people.iter().find(|person| person.name == name)?;
    Some(&named.entry)
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{}`", shown(name))).collect();
    names.join(", ")
}
