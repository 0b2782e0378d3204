//! What an entry says. Every field is escaped text, a number, a time or an id: an entry never holds
//! a line break or an unescaped byte from outside.
//!
//! What names people or is in their words is left out of an entry where it is blank: the log itself
//! holds it so, and commits to the rest (see [`super::hidden`]).

use super::custody::{ReadRecord, RedactionRecord, StreamRecord};
use super::emergency::{DebtRecord, EmergencyRecord, SettledRecord};
use crate::types::{Claimant, Oid, RefName, Timestamp, hex};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The format's name, in every entry.
pub const SCHEMA: &str = "relhook/audit/v2";

/// A SHA-256, as 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hash(String);

impl Hash {
    /// The hash of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::of_parts(&[bytes])
    }

    /// The hash of these bytes, one after the other.
    #[must_use]
    pub(in crate::audit) fn of_parts(parts: &[&[u8]]) -> Self {
        use sha2::Digest;
        let mut hasher = sha2::Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        Self(hex(&hasher.finalize()))
    }

    /// A hash by its digits; nothing where they are not 64 lower-case hexadecimal ones.
    #[must_use]
    pub fn parse(digits: &str) -> Option<Self> {
        let hash = Self(digits.to_owned());
        hash.is_well_formed().then_some(hash)
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is 64 lower-case hexadecimal digits; a value read from a file may not be.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        self.0.len() == 64
            && self
                .0
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The format's name: `relhook/audit/v2`.
    pub schema: String,
    /// 1 for the first entry, then one more each.
    pub seq: u64,
    /// When, by the server's clock; never before the entry before it.
    pub time: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// What commits to what the log keeps beside the entry, if it keeps anything there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<Hash>,
}

impl Entry {
    /// An entry with nothing hidden yet.
    #[must_use]
    pub fn new(seq: u64, time: Timestamp, event: Event) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            seq,
            time,
            event,
            hidden: None,
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Event {
    /// The log begins.
    Begun {
        /// The repository's name.
        repository: String,
        /// The version of relhook.
        tool: String,
    },
    /// A protected ref's value was taken as given.
    Pinned(Pin),
    /// A push was judged.
    Verdict(VerdictRecord),
    /// A push was refused before it could be judged.
    Refused {
        /// The code.
        code: String,
        /// The sentence.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        why: String,
        /// The login that the server supplied, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        login: Option<String>,
    },
    /// A move that a verdict allowed was seen to have happened, or not to happen any more.
    Moved(MovedRecord),
    /// A release began, ended or failed.
    Release(ReleaseRecord),
    /// A target goes back to an earlier release, or follows what is accepted again.
    Course(CourseRecord),
    /// Somebody was found to have changed a target by hand.
    Drift(DriftRecord),
    /// The deadline of a review that is owed for an emergency is near, or past.
    Debt(DebtRecord),
    /// Nothing happened, and whoever asked for this entry was there to say so.
    Heartbeat(HeartbeatRecord),
    /// A log of the format before this one was taken over, entry by entry.
    Migrated {
        /// How many entries it had; they are those before this one.
        entries: u64,
        /// The hash of its last line, to which its chain leads.
        head: Hash,
    },
    /// What was kept beside an entry was deleted.
    Redacted(RedactionRecord),
    /// Somebody read the log through a command.
    Read(ReadRecord),
    /// A stream of entries stopped getting through, or does again.
    Stream(StreamRecord),
    /// An event that is too long for an entry is kept whole as a piece of evidence.
    Long {
        /// What kind of event.
        of: String,
        /// The hash of the evidence: the event as it would stand in an entry.
        body: Hash,
    },
    /// The end of the file was not a whole line (a crash or a full disk cut it) and was dropped.
    Recovered {
        /// How many bytes were dropped.
        dropped_bytes: u64,
    },
}

/// A sign of life.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeartbeatRecord {
    /// What came of asking for a timestamp, if one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<StampRecord>,
}

impl HeartbeatRecord {
    /// The hash of the timestamp that came.
    #[must_use]
    pub fn token(&self) -> Option<&Hash> {
        match self.stamp.as_ref()? {
            StampRecord::Kept { token, .. } => Some(token),
            StampRecord::Missing { .. } => None,
        }
    }
}

impl Event {
    /// The timestamp that came with a heartbeat.
    #[must_use]
    pub fn stamp(&self) -> Option<&StampRecord> {
        match self {
            Self::Heartbeat(beat) => beat.token().and(beat.stamp.as_ref()),
            Self::Begun { .. }
            | Self::Pinned(_)
            | Self::Verdict(_)
            | Self::Refused { .. }
            | Self::Release(_)
            | Self::Course(_)
            | Self::Drift(_)
            | Self::Debt(_)
            | Self::Moved(_)
            | Self::Read(_)
            | Self::Stream(_)
            | Self::Migrated { .. }
            | Self::Redacted { .. }
            | Self::Long { .. }
            | Self::Recovered { .. } => None,
        }
    }
}

/// What came of asking an authority for a timestamp of the log as it was before the entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum StampRecord {
    /// It came.
    Kept {
        /// How many entries the log had.
        size: u64,
        /// The root of the tree over them, in base64.
        root: String,
        /// When, by the authority's clock.
        at: Timestamp,
        /// The hash of the token, a piece of evidence.
        token: Hash,
        /// What is known of who signed it.
        signer: StampSigner,
    },
    /// It did not.
    Missing {
        /// Why not.
        why: String,
    },
}

/// What is known of who signed a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StampSigner {
    /// A certificate that leads to an authority that was named.
    Verified,
    /// Nobody looked: no authority was named.
    Unverified,
}

impl Pin {
    /// The pin of `refname` at `oid` by the account `by`.
    #[must_use]
    pub fn new(refname: &RefName, oid: Oid, by: &str) -> Self {
        Self {
            refname: refname.to_string(),
            ref_hex: hex(refname.as_bytes()),
            oid,
            by: crate::types::escape(by.as_bytes()),
        }
    }
}

/// A ref's value that was taken as given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The ref, escaped.
    #[serde(rename = "ref")]
    pub refname: String,
    /// The ref's raw name in hexadecimal, so that it can be read back exactly.
    pub ref_hex: String,
    /// Its value.
    pub oid: Oid,
    /// Who ran the command: the system's account name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
}

/// A judged push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictRecord {
    /// `accepted`, `rejected`, `emergency`, where something was let in without approval, or `warned`,
    /// where something was that a rule would have refused if it did not only warn.
    pub outcome: String,
    /// The person who pushed, where one was identified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// The login that the server supplied, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// The policy's commit.
    pub policy: Oid,
    /// The refs that a rule, a statement or a refusal concerns; at most [`MAX_UPDATES`].
    pub updates: Vec<UpdateRecord>,
    /// How many other refs the push named.
    pub others: u64,
    /// The codes of reasons that concern the push as a whole.
    pub codes: Vec<String>,
    /// The report (`relhook/verdict/v1`), where it is short and plain; else it is among the evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<serde_json::Value>,
    /// Hashes of the evidence: a longer report, and each raw statement that counted or arrived.
    pub evidence: Vec<Hash>,
    /// The statements and approving commits that were first seen in this push, if it was accepted.
    pub seen: Vec<Oid>,
    /// The commits and tags that came with this push and were not here before, if it was accepted
    /// and brought any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<ArrivalsRecord>,
    /// The entries of earlier pushes that were since seen to get in; each is told once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub landed: Vec<u64>,
    /// The entries of earlier pushes that nobody saw get in, and of whose arrivals something was
    /// found in the store that no other push brought; each is told once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<u64>,
    /// What emergencies had let in and is settled by this push, if it was accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<SettledRecord>,
    /// The version of relhook.
    pub tool: String,
}

impl VerdictRecord {
    /// Whether the push was let in: with approval, by an emergency, or past a rule that only warns.
    #[must_use]
    pub fn let_in(&self) -> bool {
        [ACCEPTED, EMERGENCY, WARNED].contains(&self.outcome.as_str())
    }
}

/// The outcome of a push that was accepted.
pub const ACCEPTED: &str = "accepted";
/// The outcome of a push that was refused.
pub const REJECTED: &str = "rejected";
/// The outcome of a push that was let in, of which something rests on an emergency.
pub const EMERGENCY: &str = "emergency";
/// The outcome of a push that was let in, and of which a rule that only warns would have refused
/// something.
pub const WARNED: &str = "warned";

/// What a push brought that was not here before: hidden objects of its pack too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArrivalsRecord {
    /// Who pushed, as the server authenticated them.
    #[serde(default = "nobody", skip_serializing_if = "is_nobody")]
    pub by: Claimant,
    /// The folder, below the repository's objects, in which git kept them while the push was
    /// judged. As long as it is there, the push may still be under way.
    pub quarantine: Option<String>,
    /// How many commits and tags.
    pub count: u64,
    /// All of them, where they are few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub oids: Vec<Oid>,
    /// Else the hashes of the pieces of evidence that list them, one to a line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<Hash>,
}

fn nobody() -> Claimant {
    Claimant::Nobody
}

fn is_nobody(claimant: &Claimant) -> bool {
    *claimant == Claimant::Nobody
}

/// How many updates an entry lists, those with a permit first; the report has the others.
pub const MAX_UPDATES: usize = 1000;

/// One ref update of a judged push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateRecord {
    /// The ref, escaped.
    #[serde(rename = "ref")]
    pub refname: String,
    /// What the push said that it named.
    pub claimed: Option<Oid>,
    /// What it really named.
    pub old: Option<Oid>,
    /// What it was to name; absent for a deletion.
    pub new: Option<Oid>,
    /// The codes of every reason against it.
    pub codes: Vec<String>,
    /// The codes of every reason for which rules that only warn would have refused it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub let_pass: Vec<String>,
    /// The people whose approvals covered something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved_by: Vec<String>,
    /// The people who contributed to what it brings, if it was accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contributors: Vec<String>,
    /// The rollback that it is, if it was accepted as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackRecord>,
    /// The change requests that it names, where a rule asks for them and it was accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tickets: Vec<String>,
    /// What the verdict allows.
    pub permit: Option<PermitRecord>,
    /// The emergency that it rests on, where it lacks approvals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<EmergencyRecord>,
}

/// A ref that goes back to what was accepted before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackRecord {
    /// The tags of the statements that it rests on, sorted. None of them can be used again.
    pub statements: Vec<Oid>,
    /// Who signed them, and why; in the order of their tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<RollbackWord>,
    /// How many commits the ref loses.
    pub count: u64,
    /// All of them, where they are few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loses: Vec<Oid>,
    /// Else the hashes of the pieces of evidence that list them, one to a line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<Hash>,
}

/// A person's word that a ref is to go back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackWord {
    /// Who.
    pub person: String,
    /// Why, escaped.
    pub reason: String,
}

impl RollbackRecord {
    /// Who says so, and why, for people.
    #[must_use]
    pub fn words(&self) -> String {
        let words = self.by.iter();
        let words = words.map(|word| format!("{}: {}", word.person, word.reason));
        words.collect::<Vec<_>>().join("; ")
    }
}

/// A move that a verdict allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermitRecord {
    /// The ref's raw name in hexadecimal, so that it can be read back exactly.
    pub ref_hex: String,
    /// What the ref names now.
    pub old: Option<Oid>,
    /// What it may be moved to.
    pub new: Oid,
    /// The targets that it is then released to.
    pub release: Vec<String>,
}

/// What became of a move that a verdict allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedRecord {
    /// The entry that allowed it.
    pub sequence: u64,
    /// The ref, escaped.
    #[serde(rename = "ref")]
    pub refname: String,
    /// The ref's raw name in hexadecimal, so that it can be read back exactly.
    pub ref_hex: String,
    /// What it named before.
    pub old: Option<Oid>,
    /// What it was allowed to name.
    pub new: Oid,
    /// What happened.
    pub outcome: MoveOutcome,
    /// What it came to name instead, where that is neither `old` nor `new`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Oid>,
}

/// What became of an allowed move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MoveOutcome {
    /// The ref was moved so.
    Moved,
    /// The push came to nothing: the ref stayed, and the permit is spent.
    NotMoved,
    /// The permit is spent, and the ref names what no verdict let it: somebody went past the hooks.
    Elsewhere,
}

impl fmt::Display for MovedRecord {
    /// In one line, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, new, sequence) = (&self.refname, self.new.short(), self.sequence);
        match self.outcome {
            MoveOutcome::Moved => write!(f, "{name} moved to {new}, as entry {sequence} allowed"),
            MoveOutcome::NotMoved => {
                write!(
                    f,
                    "{name} did not move to {new}, which entry {sequence} allowed"
                )
            }
            MoveOutcome::Elsewhere => {
                let now = self
                    .now
                    .map_or_else(|| "nothing".to_owned(), |oid| oid.short());
                write!(
                    f,
                    "{name} names {now}, to which no verdict moved it; entry {sequence} allowed {new}"
                )
            }
        }
    }
}

/// A release to one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRecord {
    /// The target's name.
    pub target: String,
    /// The ref, escaped.
    #[serde(rename = "ref")]
    pub refname: String,
    /// The commit.
    pub commit: Oid,
    /// The entry that accepted it.
    pub sequence: u64,
    /// Started, finished or failed.
    pub state: ReleaseState,
    /// Files uploaded.
    pub uploaded: u64,
    /// Files deleted.
    pub deleted: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// What went wrong, escaped and without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether it is not tried again before a person says so or another commit is accepted.
    #[serde(default, skip_serializing_if = "is_no")]
    pub for_good: bool,
    /// The people whose statements let it go on to this target's stage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifted_by: Vec<String>,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for this form"
)]
fn is_no(value: &bool) -> bool {
    !*value
}

/// How far a release is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReleaseState {
    /// It begins.
    Started,
    /// The target holds the commit's tree.
    Finished,
    /// It stopped; the next run carries on.
    Failed,
}

/// Which way a target goes from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CourseRecord {
    /// The target's name.
    pub target: String,
    /// The ref, escaped.
    #[serde(rename = "ref")]
    pub refname: String,
    /// The commit that the target is to hold.
    pub commit: Oid,
    /// The entry that accepted it.
    pub sequence: u64,
    /// For an earlier release: it stays until a later entry than this accepts something. Absent
    /// where the target follows what is accepted again.
    pub above: Option<u64>,
    /// The account that said so; absent where a health check did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, escaped.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What somebody changed on a target by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftRecord {
    /// The target's name.
    pub target: String,
    /// The ref of what was released there, escaped.
    #[serde(rename = "ref")]
    pub refname: String,
    /// The commit that was released there.
    pub commit: Oid,
    /// The entry that accepted it.
    pub sequence: u64,
    /// Whether every content was read.
    pub deep: bool,
    /// Some of what differs.
    pub found: Vec<DriftItem>,
    /// How many more differences there are.
    pub more: u64,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftItem {
    /// The path on the target, escaped.
    pub path: String,
    /// `changed`, `missing`, `added` or `link`.
    pub what: String,
    /// What exactly, escaped.
    pub how: String,
}

/// How many differences an entry lists.
pub const MAX_DRIFT: usize = 200;
