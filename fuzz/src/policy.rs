//! Policies: YAML to meaning.

use relhook::policy::{Policy, locks_out, warnings};
use std::collections::BTreeSet;

/// A policy that is read gives nothing to two people, means the same with a comment below it, and
/// what is said about one that is refused is harmless.
pub fn holds(data: &[u8]) {
    let policy = match Policy::parse(data, "policy.yaml") {
        Ok(policy) => policy,
        Err(errors) => {
            for line in errors.to_string().lines() {
                super::is_harmless(&line);
            }
            return;
        }
    };
    let mut keys = BTreeSet::new();
    let mut emails = BTreeSet::new();
    for person in policy.people.values() {
        for key in &person.keys {
            assert!(keys.insert(key.clone()), "{key:?} belongs to two");
        }
        for email in &person.emails {
            let folded = email.as_str().to_ascii_lowercase();
            assert!(emails.insert(folded), "{email} belongs to two");
        }
    }
    for warning in warnings(&policy, None) {
        super::is_harmless(&warning);
    }
    if let Some(why) = locks_out(&policy) {
        super::is_harmless(&why);
    }
    let more = [data, b"\n# a comment\n"].concat();
    if more.len() <= relhook::policy::MAX_POLICY_BYTES {
        let again = Policy::parse(&more, "policy.yaml").expect("a comment changes nothing");
        assert_eq!(format!("{again:?}"), format!("{policy:?}"));
    }
}
