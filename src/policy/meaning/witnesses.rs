//! Witnesses: each has a key of its own, and there are as many as have to cosign.

use super::super::fields::At;
use super::super::schema::{Document, Named};
use super::super::yaml::shown;
use super::{Complaints, Fault};
use crate::cosign::WitnessKey;

/// Complains about what does not fit.
pub(super) fn check(document: &Document, complaints: &mut Complaints) {
    let Some(audit) = &document.audit else {
        return;
    };
    twice(&audit.witnesses, complaints);
    let count = audit.witnesses.len();
    if let Some(required) = audit.required.as_ref()
        && required.value as usize > count
    {
        let why = match count {
            0 => "there are no `witnesses`".to_owned(),
            1 => "there is only 1 witness".to_owned(),
            _ => format!("there are only {count} witnesses"),
        };
        let at = required.at;
        let required = required.value;
        complaints.add(at, Fault::Unreachable { required, why });
    }
}

/// Whoever has one key is one witness, under however many names; and what cannot be told apart in a
/// note is not two either.
fn twice(witnesses: &[Named<Option<At<WitnessKey>>>], complaints: &mut Complaints) {
    let mut seen: Vec<(&str, &At<WitnessKey>)> = Vec::new();
    for witness in witnesses {
        let Some(key) = &witness.entry else {
            continue;
        };
        let same = |other: &At<WitnessKey>| {
            other.value.bytes() == key.value.bytes() || other.value.id() == key.value.id()
        };
        if let Some((owner, first)) = seen.iter().find(|(_, other)| same(other)) {
            let fault = Fault::OwnedTwice {
                kind: "key",
                value: shown(&key.value.to_string()),
                owner: shown(owner),
                line: first.at.line,
            };
            complaints.add(key.at, fault);
        } else {
            seen.push((&witness.name, key));
        }
    }
}
