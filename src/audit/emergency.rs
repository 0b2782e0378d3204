//! What entries say of emergencies: what one let in, what is owed for it, and how that ended.

use crate::types::{Deadline, Oid, Timestamp};
use serde::{Deserialize, Serialize};

/// An emergency that let commits in, for which a review is owed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyRecord {
    /// The tag of the statement that declared it.
    pub tag: Oid,
    /// The tags of the statements that signed it too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cosigned: Vec<Oid>,
    /// Where the range began that it let in.
    pub base: Option<Oid>,
    /// Until when somebody distinct has to have looked at it.
    pub due: Timestamp,
    /// The codes of what it stood in for.
    pub waived: Vec<String>,
    /// Who declared it, then who signed it too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<String>,
    /// Why, escaped.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The ticket that it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
}

/// Something that an emergency had let in, and that is no longer owed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledRecord {
    /// The entry that let it in.
    pub entry: u64,
    /// The ref, escaped.
    #[serde(rename = "ref")]
    pub refname: String,
    /// The ref's raw name in hexadecimal, so that it can be read back exactly.
    pub ref_hex: String,
    /// What had gone in.
    pub commit: Oid,
    /// How.
    pub how: SettledHow,
    /// The people whose approvals settle it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<String>,
}

/// How something that was owed was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettledHow {
    /// Somebody distinct looked at it and approved it.
    Review,
    /// It was taken back, and somebody distinct approved that.
    Revert,
}

/// That the deadline for a review is near, or past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebtRecord {
    /// The entry that let in what is owed.
    pub entry: u64,
    /// The ref, escaped.
    #[serde(rename = "ref")]
    pub refname: String,
    /// The ref's raw name in hexadecimal, so that it can be read back exactly.
    pub ref_hex: String,
    /// What had gone in.
    pub commit: Oid,
    /// The deadline.
    pub due: Timestamp,
    /// Near, or past.
    pub stage: Deadline,
}
