//! Windows and freezes: each name is there, each belongs to one, and somebody can sign an override.

use super::super::fields::At;
use super::super::schema::{Document, FreezeEntry, Named, WindowEntry};
use super::super::suggest;
use super::super::yaml::shown;
use super::{Complaints, Fault};
use crate::policy::{Calendar, Freeze, POLICY_REF, Window};
use crate::types::{TeamName, WindowName};
use std::collections::BTreeMap;

/// Complains about what does not fit.
pub(super) fn check(document: &Document, complaints: &mut Complaints) {
    one_name(document, complaints);
    for window in document.windows.iter().filter_map(entry_of) {
        overriders(document, &window.overriders, complaints);
    }
    for freeze in document.freezes.iter().filter_map(entry_of) {
        overriders(document, &freeze.overriders, complaints);
    }
    for rule in &document.branches {
        let entry = &rule.entry;
        let windows = document.windows.iter().map(|named| named.name.as_str());
        known(&entry.windows, "window", windows, complaints);
        let freezes = document.freezes.iter().map(|named| named.name.as_str());
        known(&entry.freezes, "freeze", freezes, complaints);
        if rule.name == POLICY_REF {
            for (key, names) in [("windows", &entry.windows), ("freezes", &entry.freezes)] {
                let Some(first) = names.first() else { continue };
                let (what, why) = (key.to_owned(), "the policy can be changed at any time");
                let why = format!("{why}: it is how a window is mended");
                complaints.add(first.at, Fault::Value { what, why });
            }
        }
    }
}

fn entry_of<T>(named: &Named<Option<T>>) -> Option<&T> {
    named.entry.as_ref()
}

/// An override says one name: it means one window or one freeze.
fn one_name(document: &Document, complaints: &mut Complaints) {
    let windows = document.windows.iter().map(|named| (&named.name, named.at));
    let freezes = document.freezes.iter().map(|named| (&named.name, named.at));
    let mut seen: BTreeMap<String, (&String, crate::policy::Position)> = BTreeMap::new();
    for (name, at) in windows.chain(freezes) {
        let (first, place) = *seen.entry(name.to_lowercase()).or_insert((name, at));
        if place == at {
            continue;
        }
        let fault = if first == name {
            Fault::Value {
                what: shown(name),
                why: format!("is the name of a window too (line {})", place.line),
            }
        } else {
            Fault::CaseOnly {
                name: shown(name),
                other: shown(first),
                line: place.line,
            }
        };
        complaints.add(at, fault);
    }
}

fn known<'a>(
    used: &[At<String>],
    kind: &'static str,
    there: impl Iterator<Item = &'a str> + Clone,
    complaints: &mut Complaints,
) {
    for name in used {
        if there.clone().any(|known| known == name.value) {
            continue;
        }
        let fault = Fault::Unknown {
            kind,
            name: shown(&name.value),
        };
        let hint = || match there.clone().next() {
            None => Some(format!("add `{kind}s:` with it to the policy")),
            Some(_) => suggest::hint(&name.value, there.clone()),
        };
        complaints.push(name.at, fault, hint);
    }
}

/// The teams are there, and one of their people can sign.
fn overriders(document: &Document, names: &[At<String>], complaints: &mut Complaints) {
    let teams = document.teams.iter().map(|team| team.name.as_str());
    known(names, "team", teams, complaints);
    let found = names.iter().filter_map(|name| {
        let mut teams = document.teams.iter();
        teams.find(|team| team.name == name.value)
    });
    let found: Vec<_> = found.collect();
    let able = found.iter().flat_map(|team| &team.entry).any(|member| {
        let mut people = document.people.iter();
        let person = people.find(|person| person.name == member.value);
        // A name that nobody has has been complained about.
        person.is_none_or(|person| !person.entry.disabled && person.entry.has_keys)
    });
    if let Some(first) = names
        .first()
        .filter(|_| found.len() == names.len() && !able)
    {
        let what = "override".to_owned();
        let why = "nobody in these teams can sign an override".to_owned();
        complaints.add(first.at, Fault::Value { what, why });
    }
}

/// The windows and freezes; nothing where one could not be read.
pub(super) fn build(document: &Document) -> Option<Calendar> {
    let windows = document.windows.iter().map(window);
    let freezes = document.freezes.iter().map(freeze);
    Some(Calendar {
        windows: windows.collect::<Option<_>>()?,
        freezes: freezes.collect::<Option<_>>()?,
    })
}

fn teams(names: &[At<String>]) -> Vec<TeamName> {
    let names = names.iter().map(|name| TeamName::new(&*name.value));
    names.collect()
}

fn window(named: &Named<Option<WindowEntry>>) -> Option<(WindowName, Window)> {
    let entry = named.entry.as_ref()?;
    let name = WindowName::new(&*named.name);
    let window = Window {
        name: name.clone(),
        zone: entry.zone.clone(),
        days: entry.days,
        from: entry.from,
        to: entry.to,
        overriders: teams(&entry.overriders),
        emergencies: entry.emergencies,
    };
    Some((name, window))
}

fn freeze(named: &Named<Option<FreezeEntry>>) -> Option<(WindowName, Freeze)> {
    let entry = named.entry.as_ref()?;
    let name = WindowName::new(&*named.name);
    let freeze = Freeze {
        name: name.clone(),
        zone: entry.zone.clone(),
        from: entry.from,
        until: entry.until,
        overriders: teams(&entry.overriders),
        emergencies: entry.emergencies,
    };
    Some((name, freeze))
}
