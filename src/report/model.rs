//! What a report tells.

use crate::audit::{Checkpoint, Hash, RollbackWord, SettledHow};
use crate::types::{Oid, Timestamp};
use std::collections::BTreeSet;

/// Which entries of the log a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// From this moment on.
    pub from: Timestamp,
    /// Up to this moment, and not with it.
    pub to: Timestamp,
}

/// Why text names no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a day like 2026-12-01 nor a time like 2026-12-01T00:00:00Z")]
pub struct PeriodError(pub String);

impl Period {
    /// The period between two moments: a day (UTC) or a time each. A last day is in it as a whole.
    ///
    /// # Errors
    /// When one of them is neither.
    pub fn new(from: Option<&str>, to: Option<&str>, now: Timestamp) -> Result<Self, PeriodError> {
        let from = from.map(|text| moment(text, "T00:00:00Z")).transpose()?;
        let to = to.map(|text| moment(text, "T23:59:59Z")).transpose()?;
        Ok(Self {
            from: from.unwrap_or(Timestamp::from_unix(0)),
            to: to.unwrap_or(now).plus(crate::types::Seconds(1)),
        })
    }

    /// Whether a moment is in it.
    #[must_use]
    pub fn has(&self, time: Timestamp) -> bool {
        self.from <= time && time < self.to
    }
}

fn moment(text: &str, of_day: &str) -> Result<Timestamp, PeriodError> {
    let time = text.parse().or_else(|_| format!("{text}{of_day}").parse());
    time.map_err(|_| PeriodError(crate::types::escape(text.as_bytes())))
}

/// What happened in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The repository's name, as the log has it.
    pub repository: String,
    /// The period.
    pub period: Period,
    /// When the report was made.
    pub made: Timestamp,
    /// What the log is, verified as a whole.
    pub checkpoint: Checkpoint,
    /// The log's public key.
    pub key: String,
    /// The first and the last entry of the period, if it has any; all between them were read.
    pub entries: Option<(u64, u64)>,
    /// The evidence that was deleted, by the log's own word.
    pub redacted: BTreeSet<Hash>,
    /// The moves of protected refs that were accepted.
    pub changes: Vec<Change>,
    /// The pushes that were refused.
    pub refusals: Vec<Refusal>,
    /// Changes of the policy, releases that went wrong, changes by hand, and what was done to the
    /// log itself.
    pub notes: Vec<Note>,
}

/// An accepted move of a protected ref.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// The entry that accepted it.
    pub entry: u64,
    /// When.
    pub time: Timestamp,
    /// The ref, escaped.
    #[serde(rename = "ref")]
    pub refname: String,
    /// What it was.
    pub old: Option<Oid>,
    /// What it was to become.
    pub new: Oid,
    /// Whether the ref moved.
    pub went: Went,
    /// Who had a part in what it brings.
    pub contributors: Vec<String>,
    /// Whose approval counted.
    pub approved_by: Vec<String>,
    /// Which of them approved in somebody's stead.
    pub in_stead: BTreeSet<InStead>,
    /// The codes for which rules that only warn would have refused it: it was not approved as they ask.
    pub let_pass: Vec<String>,
    /// Who pushed it.
    pub pushed_by: Option<String>,
    /// The commit of the policy that it was judged by.
    pub policy: Oid,
    /// When the new tip was committed, by its committer's clock.
    pub committed: Option<Timestamp>,
    /// The signed statements about it.
    pub approvals: Vec<Approval>,
    /// All evidence of its entry.
    pub evidence: Vec<Hash>,
    /// What was done with it on each target.
    pub releases: Vec<ReleaseOf>,
    /// The change requests that it names, where a rule asks for them.
    pub tickets: Vec<String>,
    /// The checks that a rule asks for and that passed.
    pub checks: Vec<CheckOf>,
    /// The windows and freezes that somebody overrode for it.
    pub overridden: Vec<OverrideOf>,
    /// On whose word it went back, if it is an earlier commit of the ref's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackOf>,
    /// The emergency that let it in without approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emergency: Option<EmergencyOf>,
}

/// A check that passed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CheckOf {
    /// Its name.
    pub check: String,
    /// The machine that said so.
    pub machine: String,
}

/// A window or freeze that somebody overrode.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct OverrideOf {
    /// Its name.
    pub name: String,
    /// Who did.
    pub person: String,
    /// Why, if they said.
    pub reason: Option<String>,
}

/// A way back to what was accepted before.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RollbackOf {
    /// Who said so, and why.
    pub by: Vec<RollbackWord>,
    /// How many commits the ref lost.
    pub commits: u64,
    /// The tags of the statements that it rests on.
    pub statements: Vec<Oid>,
}

/// An emergency that let a change in, and what came of the review that is owed for it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct EmergencyOf {
    /// Who declared it, then who signed it too.
    pub people: Vec<String>,
    /// Why.
    pub reason: String,
    /// The ticket that it names.
    pub ticket: Option<String>,
    /// The codes of what it stood in for.
    pub waived: Vec<String>,
    /// Until when the review is due.
    pub due: Timestamp,
    /// How it was settled, if it was.
    pub settled: Option<SettledBy>,
}

/// How what was owed was settled.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SettledBy {
    /// The entry that says so.
    pub entry: u64,
    /// When.
    pub time: Timestamp,
    /// Reviewed, or taken back.
    pub how: SettledHow,
    /// Who approved that.
    pub people: Vec<String>,
}

/// Somebody whose approval counted as another's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct InStead {
    /// Who approved.
    pub person: String,
    /// In whose stead.
    pub of: String,
}

/// Whether an accepted move was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Went {
    /// A later entry says so, or the ref names it.
    In,
    /// Nothing says so: the client may have gone away, or git refused another ref of the push.
    Unknown,
}

/// A signed statement that counted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Approval {
    /// The hash of its bytes, in the evidence.
    pub hash: Hash,
    /// The tag's object id.
    pub oid: Oid,
    /// When the server first had it.
    pub seen: Option<Timestamp>,
}

/// How far a release came.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ReleaseOf {
    /// The target.
    pub target: String,
    /// The last entry about it.
    pub entry: u64,
    /// When that was.
    pub time: Timestamp,
    /// Whether the target held the change then.
    pub finished: bool,
    /// What went wrong.
    pub error: Option<String>,
    /// Who let it go on to this target's stage.
    pub lifted_by: Vec<String>,
}

/// A push that was refused.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Refusal {
    /// Its entry.
    pub entry: u64,
    /// When.
    pub time: Timestamp,
    /// Who, if the server knew.
    pub by: Option<String>,
    /// The refs that were refused, escaped.
    pub refs: Vec<String>,
    /// The codes.
    pub codes: Vec<String>,
}

/// Anything else that an auditor asks for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Note {
    /// Its entry.
    pub entry: u64,
    /// When.
    pub time: Timestamp,
    /// What it is about.
    pub about: Kept,
    /// In a sentence.
    pub text: String,
}

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kept {
    /// The policy, or where judging began.
    Policy,
    /// A ref.
    Ref,
    /// A release or a target.
    Target,
    /// The log itself.
    Log,
}

impl Kept {
    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Ref => "ref",
            Self::Target => "target",
            Self::Log => "log",
        }
    }
}
