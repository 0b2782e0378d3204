//! People by their names and addresses, so that they can be asked.

use crate::policy::Policy;
use crate::types::{PersonName, escape};

/// `rita (Rita Reviewer)`.
#[must_use]
pub fn person(policy: &Policy, name: &PersonName) -> String {
    match full_name(policy, name) {
        Some(full) => format!("{name} ({full})"),
        None => name.to_string(),
    }
}

/// `Rita Reviewer <rita@acme.example>`, as far as the policy says; a login where it says neither.
pub(super) fn contact(policy: &Policy, name: &PersonName) -> Option<String> {
    let person = policy.people.get(name)?;
    let full = full_name(policy, name);
    let email = person.emails.first().map(|email| format!("<{email}>"));
    match (full, email) {
        (Some(full), Some(email)) => Some(format!("{full} {email}")),
        (Some(only), None) | (None, Some(only)) => Some(only),
        (None, None) => person.logins.first().map(|login| format!("login {login}")),
    }
}

fn full_name(policy: &Policy, name: &PersonName) -> Option<String> {
    let full = policy.people.get(name)?.full_name.as_ref()?;
    let full = escape(full.as_bytes());
    (full != name.to_string()).then_some(full)
}
