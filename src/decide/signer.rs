//! Whose signature it is, by the policy that decides.

use super::roster::{Number, Roster};
use crate::facts::SignatureFact;
use crate::policy::Policy;
use crate::signature::SignatureProblem;

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Signer {
    /// There is no signature.
    Nobody,
    /// There is one that does not count.
    Refused(SignatureProblem),
    /// A person of the policy, by a key that the policy has for them.
    Person {
        /// Who.
        number: Number,
        /// Whether they are disabled: what they made stays theirs, but their word does not count.
        disabled: bool,
    },
}

/// Who signed, held against the policy once more: a key that it does not have for that person is
/// nobody's.
pub(super) fn signer(policy: &Policy, roster: &Roster<'_>, fact: &SignatureFact) -> Signer {
    let (name, key) = match fact {
        SignatureFact::Unsigned => return Signer::Nobody,
        SignatureFact::Refused(problem) => return Signer::Refused(problem.clone()),
        SignatureFact::Good { person, key } => (person, key),
        // A machine is nobody: what it signs is nobody's, but for what it says of checks.
        SignatureFact::Machine { key, .. } => {
            return Signer::Refused(SignatureProblem::UnknownKey {
                key: key.to_string(),
            });
        }
    };
    let person = policy.people.get(name);
    let owner = person.filter(|person| person.keys.contains(key));
    match (owner, roster.number(name)) {
        (Some(person), Some(number)) => Signer::Person {
            number,
            disabled: person.disabled,
        },
        (None, _) | (_, None) => Signer::Refused(SignatureProblem::UnknownKey {
            key: key.to_string(),
        }),
    }
}

/// Whose key it was, where nothing but the key's age is against a signature. For stored objections and withdrawals, which were valid when they were taken in; never for a yes.
pub(super) fn lapsed(policy: &Policy, roster: &Roster<'_>, fact: &SignatureFact) -> Option<Number> {
    let SignatureFact::Refused(SignatureProblem::ExpiredKey { key }) = fact else {
        return None;
    };
    let mut people = policy.people.values();
    let owner = people.find(|person| person.keys.iter().any(|own| own.to_string() == *key))?;
    roster.number(&owner.name)
}
