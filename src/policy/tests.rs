//! The reader as a whole.

use super::*;

/// Reads the example that stands at the top of the repository.
fn example() -> Policy {
    let text = include_bytes!("../../policy.yaml.example");
    Policy::parse(text, "policy.yaml.example").unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn the_example_is_a_policy() {
    let policy = example();
    assert_eq!(policy.repository.0, "acme/site");
    assert_eq!(policy.people.len(), 4);
    assert_eq!(policy.rules.len(), 3);
    assert_eq!(policy.targets.len(), 2);
    assert_eq!(locks_out(&policy), None);
}
