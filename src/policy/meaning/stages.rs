//! Stages: each name is there, every target is in one, and somebody can lift each hold.

use super::super::fields::At;
use super::super::schema::{Document, StageEntry};
use super::super::suggest;
use super::super::yaml::shown;
use super::{Complaints, Fault};
use crate::policy::{Hold, LiftRule, Stage};
use crate::types::{StageName, TargetName, TeamName};
use std::collections::BTreeMap;

/// Complains about what does not fit.
pub(super) fn check(document: &Document, complaints: &mut Complaints) {
    twice(&document.stages, complaints);
    for entry in &document.stages {
        teams(document, entry, complaints);
    }
    for entry in &document.staged {
        match &entry.stage {
            Some(stage) => known(&document.stages, stage, complaints),
            None if document.stages.is_empty() => {}
            None => {
                let (key, place) = (
                    "stage",
                    format!("the target `{}`", shown(&entry.target.value)),
                );
                let hint =
                    "the policy has stages: a target in none would be released to before all";
                complaints.hinted(entry.target.at, Fault::MissingKey { key, place }, hint);
            }
        }
    }
}

/// Names that are the same, or differ in case only, are mistaken for each other.
fn twice(stages: &[StageEntry], complaints: &mut Complaints) {
    let mut seen: BTreeMap<String, &At<String>> = BTreeMap::new();
    for entry in stages {
        let first = *seen
            .entry(entry.name.value.to_lowercase())
            .or_insert(&entry.name);
        if first.at == entry.name.at {
            continue;
        }
        let fault = if first.value == entry.name.value {
            Fault::ListedTwice {
                value: shown(&entry.name.value),
            }
        } else {
            Fault::CaseOnly {
                name: shown(&entry.name.value),
                other: shown(&first.value),
                line: first.at.line,
            }
        };
        complaints.add(entry.name.at, fault);
    }
}

fn known(stages: &[StageEntry], stage: &At<String>, complaints: &mut Complaints) {
    if stages.iter().any(|entry| entry.name.value == stage.value) {
        return;
    }
    let names = || stages.iter().map(|entry| entry.name.value.as_str());
    let fault = Fault::Unknown {
        kind: "stage",
        name: shown(&stage.value),
    };
    let hint = || match stages.is_empty() {
        true => Some("add `stages:` with the names in their order".to_owned()),
        false => suggest::hint(&stage.value, names()),
    };
    complaints.push(stage.at, fault, hint);
}

/// The teams that lift a hold are there, and one of their people can sign.
fn teams(document: &Document, entry: &StageEntry, complaints: &mut Complaints) {
    let mut missing = false;
    let mut able = false;
    for name in &entry.lift {
        let Some(team) = document.teams.iter().find(|team| team.name == name.value) else {
            missing = true;
            let hint = || {
                let names = document.teams.iter().map(|team| team.name.as_str());
                suggest::hint(&name.value, names)
            };
            let fault = Fault::Unknown {
                kind: "team",
                name: shown(&name.value),
            };
            complaints.push(name.at, fault, hint);
            continue;
        };
        able |= team.entry.iter().any(|member| {
            let mut people = document.people.iter();
            let person = people.find(|person| person.name == member.value);
            // A name that nobody has has been complained about.
            person.is_none_or(|person| !person.entry.disabled && person.entry.has_keys)
        });
    }
    if let Some(first) = entry.lift.first().filter(|_| !missing && !able) {
        let what = "lift".to_owned();
        let why = "nobody in these teams can sign, so nothing would ever go on".to_owned();
        complaints.add(first.at, Fault::Value { what, why });
    }
}

/// The stages, with their targets.
pub(super) fn build(document: &Document) -> Vec<Stage> {
    let stage = |entry: &StageEntry| {
        let own = |name: &Option<At<String>>| {
            name.as_ref()
                .is_some_and(|name| name.value == entry.name.value)
        };
        let targets = document.staged.iter().filter(|staged| own(&staged.stage));
        let lift = (!entry.lift.is_empty()).then(|| LiftRule {
            from: entry
                .lift
                .iter()
                .map(|name| TeamName::new(&*name.value))
                .collect(),
            distinct: entry
                .lifter
                .as_ref()
                .map(|lifter| lifter.value)
                .unwrap_or_default(),
        });
        Stage {
            name: StageName::new(&*entry.name.value),
            hold: Hold {
                after: entry.after,
                lift,
            },
            targets: targets
                .map(|staged| TargetName::new(&*staged.target.value))
                .collect(),
        }
    };
    document.stages.iter().map(stage).collect()
}
