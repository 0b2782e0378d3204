//! Who pushes to a protected ref.

use super::Reason;
use crate::facts::Pusher;
use crate::policy::{BranchRule, Policy};
use crate::types::PersonName;

/// Why this pusher may not push where these rules hold. Nobody unidentified pushes to a protected
/// ref where the policy says how pushers are identified.
pub(super) fn faults(policy: &Policy, pusher: &Pusher, rules: &[&BranchRule]) -> Vec<Reason> {
    match pusher {
        Pusher::Missing { source } => vec![Reason::PusherMissing {
            source_name: source.clone(),
            configured: policy.identity.clone(),
        }],
        Pusher::Unknown { login } => vec![Reason::PusherUnknown {
            login: login.clone(),
        }],
        Pusher::UnknownKey { key } => vec![Reason::PusherKeyUnknown { key: key.clone() }],
        Pusher::Refused { source, why } => vec![Reason::PusherRefused {
            source_name: source.clone(),
            configured: policy.identity.clone(),
            why: why.clone(),
        }],
        Pusher::CertificateRefused { why, mend } => vec![Reason::CertificateRefused {
            why: why.clone(),
            mend: mend.clone(),
        }],
        Pusher::NotAsked => limits(rules)
            .map(|teams| Reason::PusherNotAsked {
                teams: teams.clone(),
            })
            .collect(),
        Pusher::Person(person) => of_person(policy, person, rules),
    }
}

fn of_person(policy: &Policy, person: &PersonName, rules: &[&BranchRule]) -> Vec<Reason> {
    let Some(known) = policy.people.get(person) else {
        return vec![Reason::PusherUnknown {
            login: person.to_string(),
        }];
    };
    if known.disabled {
        return vec![Reason::PusherDisabled {
            person: person.clone(),
        }];
    }
    limits(rules)
        .filter(|teams| !policy.members(teams).contains(person))
        .map(|teams| Reason::PusherNotAllowed {
            person: person.clone(),
            teams: teams.clone(),
        })
        .collect()
}

fn limits<'a>(rules: &[&'a BranchRule]) -> impl Iterator<Item = &'a Vec<crate::types::TeamName>> {
    rules.iter().filter_map(|rule| rule.push.as_ref())
}
