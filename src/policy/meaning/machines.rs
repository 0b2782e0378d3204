//! Machines: none is a person, and each check that a rule asks for has one that speaks for it.

use super::super::schema::{Document, MachineEntry, Named};
use super::super::suggest;
use super::super::yaml::shown;
use super::{Complaints, Fault};
use crate::policy::{Machine, POLICY_REF};
use crate::types::{CheckName, MachineName};
use std::collections::{BTreeMap, BTreeSet};

/// Complains about what does not fit. That a key has one owner is asked with those of people.
pub(super) fn check(document: &Document, complaints: &mut Complaints) {
    for machine in &document.machines {
        let mut people = document.people.iter();
        let same = people.find(|person| person.name.eq_ignore_ascii_case(&machine.name));
        if let Some(person) = same {
            let why = format!("is the name of a person too (line {})", person.at.line);
            let what = shown(&machine.name);
            complaints.add(machine.at, Fault::Value { what, why });
        }
    }
    let spoken: BTreeSet<&str> = document
        .machines
        .iter()
        .flat_map(|machine| &machine.entry.checks)
        .map(|check| check.value.as_str())
        .collect();
    for rule in &document.branches {
        for check in &rule.entry.checks {
            if spoken.contains(check.value.as_str()) {
                continue;
            }
            let fault = Fault::Unknown {
                kind: "check",
                name: shown(&check.value),
            };
            let hint = || match spoken.is_empty() {
                true => Some("add `machines:` with one whose `checks` have it".to_owned()),
                false => suggest::hint(&check.value, spoken.iter().copied()),
            };
            complaints.push(check.at, fault, hint);
        }
        if let Some(first) = rule
            .entry
            .checks
            .first()
            .filter(|_| rule.name == POLICY_REF)
        {
            let why = "the policy can be changed without a machine: it is how one is replaced";
            let (what, why) = ("checks".to_owned(), why.to_owned());
            complaints.add(first.at, Fault::Value { what, why });
        }
    }
}

/// The machines, by name.
pub(super) fn build(document: &Document) -> BTreeMap<MachineName, Machine> {
    document.machines.iter().map(machine).collect()
}

fn machine(named: &Named<MachineEntry>) -> (MachineName, Machine) {
    let name = MachineName::new(&*named.name);
    let entry = &named.entry;
    let keys = entry.keys.iter().map(|key| key.value.fingerprint.clone());
    let checks = entry.checks.iter();
    let machine = Machine {
        name: name.clone(),
        keys: keys.collect(),
        checks: checks.map(|check| CheckName::new(&*check.value)).collect(),
    };
    (name, machine)
}
