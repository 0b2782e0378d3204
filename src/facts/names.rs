//! What a ref name is about: by its bytes and the policy, before anything is read.

use crate::policy::{POLICY_REF, Policy};
use crate::statement::STATEMENT_PREFIX;
use crate::types::{RefChange, RefName, is_deceptive};

/// Prefixes below which only relhook's own well-formed names may be written.
const RESERVED: [&str; 3] = ["refs/relhook", "refs/replace", "refs/namespaces"];

/// What a name is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// A ref that no rule protects.
    Unprotected,
    /// A ref that a rule protects.
    Protected,
    /// The policy's own ref.
    Policy,
    /// A name below `refs/relhook/statements/`, well-formed or not.
    Statement,
    /// A name that nobody may write.
    Reserved,
}

/// The names that a policy cares about.
pub(super) struct Names<'a> {
    policy: &'a Policy,
    /// Protected refs that a rule names outright, without a glob.
    literal: Vec<&'a [u8]>,
}

impl<'a> Names<'a> {
    pub(super) fn new(policy: &'a Policy) -> Self {
        let literal = policy.rules.iter().map(|rule| rule.pattern.as_bytes());
        Self {
            policy,
            literal: literal
                .filter(|pattern| !pattern.iter().any(|byte| b"*?".contains(byte)))
                .collect(),
        }
    }

    /// What an update of `name` is about.
    pub(super) fn about(&self, name: &RefName, change: &RefChange) -> About {
        if name.as_bytes() == POLICY_REF.as_bytes() {
            return About::Policy;
        }
        if name.is_under(STATEMENT_PREFIX) {
            return About::Statement;
        }
        if RESERVED.iter().any(|prefix| within(name, prefix)) {
            return About::Reserved;
        }
        if self.policy.protects(name) {
            return About::Protected;
        }
        // What stands in the way of a protected name, or looks like one, may still be removed.
        let appears = change.new_oid().is_some();
        if appears && (self.stands_in_the_way(name) || self.looks_protected(name)) {
            About::Reserved
        } else {
            About::Unprotected
        }
    }

    /// Whether the name and a protected one could not both exist, one being a folder of the other.
    fn stands_in_the_way(&self, name: &RefName) -> bool {
        let name = name.as_bytes();
        self.literal
            .iter()
            .any(|own| is_folder_of(own, name) || is_folder_of(name, own))
    }

    /// Whether the name is one that people or a file system take for a protected one: by case, or
    /// by characters that are not seen.
    fn looks_protected(&self, name: &RefName) -> bool {
        let bytes = name.as_bytes();
        let folded = skeleton(bytes);
        if folded != bytes
            && RefName::new(&folded).is_ok_and(|folded| self.policy.protects(&folded))
        {
            return true;
        }
        self.literal.iter().any(|own| skeleton(own) == folded)
    }
}

/// Whether people or git would take a ref that no rule protects for a protected one, or could not have
/// it beside one.
#[must_use]
pub fn is_confusing(policy: &Policy, name: &RefName) -> bool {
    let names = Names::new(policy);
    !policy.protects(name) && (names.stands_in_the_way(name) || names.looks_protected(name))
}

/// Whether `name` is `prefix` or below it, in whatever case.
fn within(name: &RefName, prefix: &str) -> bool {
    let bytes = name.as_bytes();
    bytes
        .get(..prefix.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
        && matches!(bytes.get(prefix.len()), None | Some(b'/'))
}

fn is_folder_of(folder: &[u8], name: &[u8]) -> bool {
    name.strip_prefix(folder)
        .is_some_and(|rest| rest.starts_with(b"/"))
}

/// The name in lower case, without what is not seen, and in Latin letters where others look the same.
fn skeleton(name: &[u8]) -> Vec<u8> {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    let mut seen = Vec::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        let shown = chunk.valid().chars().filter(|ch| !is_deceptive(*ch));
        for ch in shown.map(latin).flat_map(char::to_lowercase) {
            seen.extend_from_slice(latin(ch).encode_utf8(&mut [0; 4]).as_bytes());
        }
        seen.extend_from_slice(chunk.invalid());
    }
    seen
}

/// The Latin letter that a Cyrillic, Greek or wide one is easily taken for.
fn latin(ch: char) -> char {
    const TWINS: [(&str, char); 21] = [
        ("\u{430}\u{3b1}", 'a'),
        ("\u{44c}", 'b'),
        ("\u{441}\u{3f2}", 'c'),
        ("\u{501}", 'd'),
        ("\u{435}\u{454}\u{3b5}", 'e'),
        ("\u{4bb}\u{43d}", 'h'),
        ("\u{456}\u{3b9}\u{131}", 'i'),
        ("\u{458}", 'j'),
        ("\u{43a}\u{3ba}", 'k'),
        ("\u{4cf}", 'l'),
        ("\u{43c}", 'm'),
        ("\u{43e}\u{3bf}", 'o'),
        ("\u{440}\u{3c1}", 'p'),
        ("\u{51b}", 'q'),
        ("\u{455}", 's'),
        ("\u{442}\u{3c4}", 't'),
        ("\u{3c5}", 'u'),
        ("\u{3bd}", 'v'),
        ("\u{51d}", 'w'),
        ("\u{445}\u{3c7}", 'x'),
        ("\u{443}", 'y'),
    ];
    if let wide @ 0xff01..=0xff5e = u32::from(ch) {
        return char::from_u32(wide - 0xfee0).unwrap_or(ch);
    }
    let twin = TWINS.iter().find(|(others, _)| others.contains(ch));
    twin.map_or(ch, |(_, letter)| *letter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::testing::{name, nowhere, policy};

    fn about(text: &[u8]) -> About {
        let policy = policy("");
        let name = RefName::new(text).unwrap();
        let new = nowhere();
        Names::new(&policy).about(&name, &RefChange::Create { new })
    }

    #[test]
    fn r_07_r_08_r_10_names_are_sorted_by_what_they_are_about() {
        let of = |text: &str| about(text.as_bytes());
        assert_eq!(of("refs/heads/prod"), About::Protected);
        assert_eq!(of("refs/heads/release/1"), About::Protected);
        assert_eq!(of("refs/heads/dev"), About::Unprotected);
        assert_eq!(of("refs/heads/product"), About::Unprotected);
        assert_eq!(of("refs/heads/release"), About::Unprotected);
        assert_eq!(of("refs/tags/v1"), About::Unprotected);
        assert_eq!(of("refs/relhook/policy"), About::Policy);
        assert_eq!(of("refs/relhook/statements/x"), About::Statement);
        for reserved in [
            "refs/relhook",
            "refs/relhook/statements",
            "refs/relhook/policy/x",
            "refs/relhook/checkpoint",
            "refs/Relhook/policy",
            "refs/RELHOOK/statements/x",
            "refs/replace",
            "refs/replace/8d01e77",
            "refs/Replace/x",
            "refs/namespaces/ns/refs/heads/prod",
            "refs/heads/prod/x",
            "refs/heads",
            "refs/heads/Prod",
            "refs/HEADS/prod",
            "refs/heads/pr\u{200b}od",
            "refs/heads/Release/1",
        ] {
            assert_eq!(of(reserved), About::Reserved, "{reserved}");
        }
        assert_eq!(about(b"refs/heads/pr\xffod"), About::Unprotected);
        assert_eq!(of("refs/relhooks/x"), About::Unprotected);
    }

    #[test]
    fn what_only_looks_like_a_protected_name_can_be_removed() {
        let policy = policy("");
        let names = Names::new(&policy);
        let delete = RefChange::Delete { old: None };
        let about = |text| names.about(&name(text), &delete);
        assert_eq!(about("refs/heads/Prod"), About::Unprotected);
        assert_eq!(about("refs/relhook/checkpoint"), About::Reserved);
        assert_eq!(about("refs/heads/prod"), About::Protected);
    }
}
