//! Ref names and what a push asks of a ref.

use super::{Oid, escape};
use std::fmt;

/// A full ref name (`refs/…`), raw bytes, valid by git-check-ref-format's rules.
///
/// Names compare byte by byte: nothing is folded, normalised or abbreviated.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefName(Vec<u8>);

/// Why bytes are not a full ref name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}` is not a full, well-formed ref name: {why}")]
pub struct RefNameError {
    /// The bytes, escaped.
    pub shown: String,
    /// The rule that they break.
    pub why: &'static str,
}

/// The longest ref name that is read, in bytes.
const MAX_LEN: usize = 1024;

impl RefName {
    /// Reads a full ref name.
    ///
    /// # Errors
    /// Names that git-check-ref-format refuses, that do not begin with `refs/`, or that are longer
    /// than 1024 bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, RefNameError> {
        match fault(bytes) {
            None => Ok(Self(bytes.to_vec())),
            Some(why) => {
                let head = bytes.get(..bytes.len().min(120)).unwrap_or(bytes);
                Err(RefNameError {
                    shown: escape(head),
                    why,
                })
            }
        }
    }

    /// The raw bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether the name lies below `prefix`, which ends in `/`.
    #[must_use]
    pub fn is_under(&self, prefix: &str) -> bool {
        self.0.starts_with(prefix.as_bytes())
    }

    /// The name without `refs/heads/`, escaped, for people.
    #[must_use]
    pub fn short(&self) -> String {
        escape(self.0.strip_prefix(b"refs/heads/").unwrap_or(&self.0))
    }
}

fn fault(bytes: &[u8]) -> Option<&'static str> {
    if bytes.len() > MAX_LEN {
        return Some("longer than 1024 bytes");
    }
    if !bytes.starts_with(b"refs/") {
        return Some("does not begin with `refs/`");
    }
    if bytes
        .iter()
        .any(|byte| *byte < 0x21 || *byte == 0x7f || b"~^:?*[\\".contains(byte))
    {
        return Some("holds a space, a control character or one of ~ ^ : ? * [ \\");
    }
    if bytes.ends_with(b".") {
        return Some("ends in a dot");
    }
    if bytes.windows(2).any(|pair| pair == b".." || pair == b"@{") {
        return Some("holds `..` or `@{`");
    }
    bytes.split(|byte| *byte == b'/').find_map(component_fault)
}

fn component_fault(component: &[u8]) -> Option<&'static str> {
    if component.is_empty() {
        Some("has an empty component")
    } else if component.starts_with(b".") {
        Some("has a component that begins with a dot")
    } else if component.ends_with(b".lock") {
        Some("has a component that ends in `.lock`")
    } else {
        None
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(&self.0))
    }
}

impl fmt::Debug for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefName({self})")
    }
}

/// What a push asks of one ref. No zero id survives parsing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefChange {
    /// The ref is to be made.
    Create {
        /// What it is to name.
        new: Oid,
    },
    /// The ref is to be moved.
    Update {
        /// What the push says it names now: a claim.
        old: Oid,
        /// What it is to name.
        new: Oid,
    },
    /// The ref is to be removed; a new value of zero is a deletion whatever the old one says.
    Delete {
        /// What the push says it names now: a claim.
        old: Option<Oid>,
    },
}

impl RefChange {
    /// What a line `<old> <new> <ref>` asks, nothing standing for the all-zero id.
    #[must_use]
    pub fn between(old: Option<Oid>, new: Option<Oid>) -> Self {
        match (old, new) {
            (old, None) => Self::Delete { old },
            (None, Some(new)) => Self::Create { new },
            (Some(old), Some(new)) => Self::Update { old, new },
        }
    }

    /// What the push says that the ref names now.
    #[must_use]
    pub fn old(&self) -> Option<Oid> {
        match self {
            Self::Create { .. } => None,
            Self::Update { old, .. } => Some(*old),
            Self::Delete { old } => *old,
        }
    }

    /// What the ref is to name afterwards.
    #[must_use]
    pub fn new_oid(&self) -> Option<Oid> {
        match self {
            Self::Create { new } | Self::Update { new, .. } => Some(*new),
            Self::Delete { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RefName;

    #[test]
    fn names_are_checked_like_git_does() {
        for good in [
            "refs/heads/prod",
            "refs/heads/Prod",
            "refs/heads/-x",
            "refs/heads/@",
        ] {
            assert!(RefName::new(good.as_bytes()).is_ok(), "{good}");
        }
        assert!(RefName::new(b"refs/heads/pr\xffod").is_ok());
        for bad in [
            "",
            "HEAD",
            "prod",
            "refs/heads//prod",
            "refs/heads/./prod",
            "refs/heads/../x",
            "refs/heads/prod.lock",
            "refs/heads/x y",
            "refs/heads/prod\n",
            "refs/heads/prod\r",
            "refs/heads/",
            "refs/heads/a..b",
            "refs/heads/a@{0}",
            "refs/heads/a.",
            "refs/a.lock/b",
            "refs/heads/a\u{7f}",
            "refs/heads/a*",
        ] {
            assert!(RefName::new(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
