//! Where a statement is stored: `refs/relhook/statements/<commit>/<id>`.

use super::STATEMENT_PREFIX;
use crate::types::{Oid, RefName};
use sha2::{Digest, Sha256};
use std::fmt;

/// What tells the statements about one commit apart: the SHA-256 of the tag's content, cut to its
/// first 16 hexadecimal digits (`git cat-file tag <oid> | sha256sum | cut -c1-16`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatementId([u8; 8]);

/// The ref name of a statement, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatementRef {
    /// The commit that it is about.
    pub commit: Oid,
    /// Which of the statements about it.
    pub id: StatementId,
}

/// Why a ref name is not a statement's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not refs/relhook/statements/<40 hexadecimal digits>/<16 hexadecimal digits>")]
pub struct StatementRefError {
    /// The name, escaped.
    pub name: String,
}

impl StatementId {
    /// The id of the tag with this raw content.
    #[must_use]
    pub fn of(raw_tag: &[u8]) -> Self {
        let hash = Sha256::digest(raw_tag);
        let mut id = [0; 8];
        for (slot, byte) in id.iter_mut().zip(hash.iter()) {
            *slot = *byte;
        }
        Self(id)
    }

    fn from_hex(hex: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(hex).ok()?;
        let id = Self(u64::from_str_radix(text, 16).ok()?.to_be_bytes());
        // Exactly one spelling: no upper case, no sign, no other length.
        (id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for StatementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for StatementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StatementId({self})")
    }
}

impl StatementRef {
    /// Takes a ref name apart.
    ///
    /// # Errors
    /// A name that is not exactly of the form.
    pub fn parse(name: &RefName) -> Result<Self, StatementRefError> {
        read(name.as_bytes()).ok_or_else(|| StatementRefError {
            name: name.to_string(),
        })
    }

    /// The name of the ref that the tag with this raw content has to be stored under.
    #[must_use]
    pub fn of(commit: Oid, raw_tag: &[u8]) -> Self {
        Self {
            commit,
            id: StatementId::of(raw_tag),
        }
    }

    /// The ref name.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "hexadecimal digits behind a valid prefix"
    )]
    pub fn to_refname(self) -> RefName {
        let name = format!("{STATEMENT_PREFIX}{}/{}", self.commit, self.id);
        RefName::new(name.as_bytes()).expect("a well-formed ref name")
    }
}

fn read(name: &[u8]) -> Option<StatementRef> {
    let rest = name.strip_prefix(STATEMENT_PREFIX.as_bytes())?;
    let (commit, id) = rest.split_at_checked(40)?;
    Some(StatementRef {
        commit: Oid::from_hex(commit).ok()?,
        id: StatementId::from_hex(id.strip_prefix(b"/")?)?,
    })
}
