//! What entries say about the log itself: who read it, where it is sent, and what of it was deleted.

use super::entry::Hash;
use serde::{Deserialize, Serialize};

/// Somebody read the log through a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadRecord {
    /// The command, without `relhook`: `audit log`.
    pub command: String,
    /// The first entry that was shown or rested on; 0 where there is none.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// The account that asked.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
}

/// A stream stopped getting through, or does again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamRecord {
    /// The policy's name for it.
    pub stream: String,
    /// Which of the two.
    pub state: StreamState,
    /// The last entry that was taken in there.
    pub sent: u64,
    /// What went wrong, escaped and without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Whether a stream gets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StreamState {
    /// It does not; entries wait for it.
    Failed,
    /// It does again.
    Recovered,
}

/// What was kept beside an entry was deleted, and perhaps the evidence that it alone named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedactionRecord {
    /// The entry's number.
    pub entry: u64,
    /// The pieces of evidence that were deleted too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Hash>,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The account that did it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
}
