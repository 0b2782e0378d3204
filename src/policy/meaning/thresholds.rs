//! Thresholds that nobody could ever reach.

use super::super::fields::At;
use super::super::reach::{Demand, reachable};
use super::super::schema::{BranchEntry, DemandEntry, Document, EmergencyEntry, PersonEntry};
use super::super::yaml::shown;
use super::{Complaints, Fault, Shows, attribution, shows};
use crate::policy::Attribution;
use std::collections::{BTreeMap, BTreeSet};

/// Complains about every demand that cannot be met by the people that the file names.
///
/// What could not be read counts as if it were there, so that one mistake makes one complaint.
pub(super) fn check(document: &Document, complaints: &mut Complaints) {
    let index = Index::of(document);
    for rule in &document.branches {
        let authors = index.authors(&rule.entry);
        demand(&index, &rule.entry.demand, &authors, complaints);
        for path in &rule.entry.paths {
            demand(&index, &path.demand, &authors, complaints);
        }
        pushers(&index, &rule.entry, complaints);
        if let Some(emergency) = &rule.entry.emergency {
            declarers(&index, emergency, complaints);
        }
        rollbacks(&index, &rule.entry, complaints);
    }
}

/// Enough of those who may move a ref back need keys to say so.
fn rollbacks(index: &Index<'_>, entry: &BranchEntry, complaints: &mut Complaints) {
    let Some(rollback) = &entry.rollback else {
        return;
    };
    let by = &rollback.value.by;
    if !index.all_there(by) {
        return;
    }
    let required = rollback.value.required.as_ref().map_or(1, |at| at.value);
    let can_sign = |entry: &PersonEntry| !entry.disabled && entry.has_keys;
    let able = index.members_who(by, can_sign);
    if able.len() < required as usize {
        let what = "rollback".to_owned();
        let teams = list(by.iter().map(|team| team.value.as_str()));
        let why = match able.len() {
            0 => format!("nobody in {teams} can sign one"),
            1 => format!("only 1 person in {teams} can sign one"),
            some => format!("only {some} people in {teams} can sign one"),
        };
        complaints.add(rollback.at, Fault::Value { what, why });
    }
}

/// Somebody can declare an emergency, and where a second signature is asked for, somebody else can give it.
fn declarers(index: &Index<'_>, entry: &EmergencyEntry, complaints: &mut Complaints) {
    let can_sign = |entry: &PersonEntry| !entry.disabled && entry.has_keys;
    if !index.all_there(&entry.by) {
        return;
    }
    let by = index.members_who(&entry.by, can_sign);
    let why = match &entry.cosign {
        _ if by.is_empty() => "nobody in these teams has a key, so nobody could declare one",
        None => return,
        Some(cosign) if !index.all_there(&cosign.value) => return,
        Some(cosign) => {
            let second = index.members_who(&cosign.value, can_sign);
            let two = by.iter().any(|one| second.iter().any(|other| one != other));
            if two {
                return;
            }
            "there are no two people with keys who could declare one and sign it too"
        }
    };
    let (what, why) = ("emergency".to_owned(), why.to_owned());
    complaints.add(entry.at, Fault::Value { what, why });
}

fn demand(
    index: &Index<'_>,
    entry: &DemandEntry,
    authors: &BTreeSet<&str>,
    complaints: &mut Complaints,
) {
    let Some(required) = &entry.required else {
        return;
    };
    if !index.all_there(&entry.from) {
        return;
    }
    let can_sign = |entry: &PersonEntry| !entry.disabled && entry.has_keys;
    let demand = Demand {
        required: required.value,
        able: index.members_who(&entry.from, can_sign),
    };
    // A name that nobody has has been complained about; it may well be a slip for an author's.
    let authors = authors.union(&demand.able).copied().collect();
    if reachable(std::slice::from_ref(&demand), &authors) {
        return;
    }
    let fault = Fault::Unreachable {
        required: required.value,
        why: why(&demand, &entry.from),
    };
    complaints.push(required.at, fault, || index.left_out(&entry.from));
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

/// A rule that names who may push needs one of them to be known to the source.
fn pushers(index: &Index<'_>, entry: &BranchEntry, complaints: &mut Complaints) {
    let Some(push) = &entry.push else { return };
    let Some(shows) = index.shows.filter(|shows| *shows != Shows::Nothing) else {
        return;
    };
    if !index.all_there(&push.value) {
        return;
    }
    let can_push = |entry: &PersonEntry| !entry.disabled && shows.can_show(entry.into());
    if index.members_who(&push.value, can_push).is_empty() {
        let what = "push".to_owned();
        let needed = shows.needs();
        let why = format!("nobody in these teams has {needed}, so nobody could push");
        complaints.add(push.at, Fault::Value { what, why });
    }
}

/// The document's people and teams, by name.
struct Index<'a> {
    people: BTreeMap<&'a str, &'a PersonEntry>,
    teams: BTreeMap<&'a str, &'a [At<String>]>,
    shows: Option<Shows>,
}

impl<'a> Index<'a> {
    fn of(document: &'a Document) -> Self {
        let people = document.people.iter();
        let teams = document.teams.iter();
        Self {
            people: people
                .map(|person| (&*person.name, &person.entry))
                .collect(),
            teams: teams.map(|team| (&*team.name, &*team.entry)).collect(),
            shows: shows(document),
        }
    }

    /// Whether teams are named, and all of them are there and have members. Where not, that has
    /// been complained about.
    fn all_there(&self, teams: &[At<String>]) -> bool {
        let there = |name: &At<String>| {
            let team = self.teams.get(name.value.as_str());
            team.is_some_and(|members| !members.is_empty())
        };
        !teams.is_empty() && teams.iter().all(there)
    }

    /// Everybody in any of the teams.
    fn members(&self, teams: &[At<String>]) -> BTreeSet<&'a str> {
        teams
            .iter()
            .filter_map(|name| self.teams.get(name.value.as_str()))
            .flat_map(|members| members.iter())
            .map(|name| name.value.as_str())
            .collect()
    }

    /// Those of the teams who can; a name that nobody has counts as somebody who can.
    fn members_who(
        &self,
        teams: &[At<String>],
        can: impl Fn(&PersonEntry) -> bool,
    ) -> BTreeSet<&'a str> {
        let mut members = self.members(teams);
        members.retain(|name| self.people.get(name).is_none_or(|entry| can(entry)));
        members
    }

    /// Whether the source can show this person; one that could not be read counts as if it could.
    fn can_show(&self, person: &PersonEntry) -> bool {
        self.shows.is_none_or(|shows| shows.can_show(person.into()))
    }

    /// Everybody to whom the rule's commits can be attributed.
    fn authors(&self, entry: &BranchEntry) -> BTreeSet<&'a str> {
        let shown = |person: &PersonEntry| match attribution(entry) {
            Attribution::Signature => false,
            Attribution::SignatureOrPusher => self.can_show(person),
        };
        let known = self
            .people
            .iter()
            .filter(|(_, person)| !person.disabled && (shown(person) || person.has_keys));
        known.map(|(name, _)| *name).collect()
    }

    /// Who is in the teams and yet cannot approve.
    fn left_out(&self, from: &[At<String>]) -> Option<String> {
        let why = |name: &str| {
            let entry = self.people.get(name)?;
            if entry.disabled {
                Some(format!("`{}` is disabled", shown(name)))
            } else if entry.has_keys {
                None
            } else {
                Some(format!("`{}` has no key to sign with", shown(name)))
            }
        };
        let reasons: Vec<String> = self.members(from).into_iter().filter_map(why).collect();
        (!reasons.is_empty()).then(|| cut(&reasons))
    }
}

/// The most names that one message lists.
const MAX_LISTED: usize = 8;

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{}`", shown(name))).collect();
    cut(&names)
}

fn cut(words: &[String]) -> String {
    let head: Vec<&str> = words.iter().take(MAX_LISTED).map(String::as_str).collect();
    let more = words.len() - head.len();
    if more == 0 {
        head.join(", ")
    } else {
        format!("{} and {more} more", head.join(", "))
    }
}
