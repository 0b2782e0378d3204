//! What is known about one push.

use super::{FirstPushers, Owing};
use crate::signature::SignatureProblem;
use crate::statement::Statement;
use crate::types::{
    KeyFingerprint, MachineName, Oid, PersonName, RefChange, RefName, RepoPath, Timestamp,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Everything that a decision about one push rests on.
#[derive(Debug, Clone)]
pub struct PushFacts {
    /// The server's clock, never behind the audit log's last entry.
    pub now: Timestamp,
    /// Who pushes.
    pub pusher: Pusher,
    /// Each ref that the push names, in its order, one named twice standing twice.
    pub updates: Vec<UpdateFacts>,
    /// What is owed for the refs that it concerns: none where no emergency is remembered.
    pub owing: Vec<Owing>,
}

/// The authenticated pusher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pusher {
    /// A person of the policy.
    Person(PersonName),
    /// A login that no person of the policy has.
    Unknown {
        /// What the server supplied, escaped.
        login: String,
    },
    /// A key that no person of the policy has, by which the server let the client in.
    UnknownKey {
        /// Its kind and fingerprint: `ssh-ed25519 SHA256:…`.
        key: String,
    },
    /// The source supplied something that does not hold: it shows nobody.
    Refused {
        /// The source, for the message: `SSH_USER_AUTH`.
        source: String,
        /// Why.
        why: String,
    },
    /// The push came with a certificate that does not hold, or that is another person's.
    CertificateRefused {
        /// Why, escaped.
        why: String,
        /// What helps.
        mend: String,
    },
    /// The policy names a source and it supplied nothing.
    Missing {
        /// The source, for the message: `REMOTE_USER`.
        source: String,
    },
    /// The policy names no source.
    NotAsked,
}

/// What is known about one ref update.
#[derive(Debug, Clone)]
pub struct UpdateFacts {
    /// The ref.
    pub refname: RefName,
    /// What the push asks, `old` being its claim.
    pub change: RefChange,
    /// What the ref really is.
    pub current: Current,
    /// What the update is about.
    pub subject: Subject,
}

impl UpdateFacts {
    /// The range of the update, where it has one that could be read.
    #[must_use]
    pub fn range(&self) -> Option<&RangeFacts> {
        match &self.subject {
            Subject::Protected(RangeOutcome::Range(range))
            | Subject::Policy(RangeOutcome::Range(range), _) => Some(range),
            Subject::Protected(RangeOutcome::Deletion | RangeOutcome::Fault(_))
            | Subject::Policy(RangeOutcome::Deletion | RangeOutcome::Fault(_), _)
            | Subject::Unprotected
            | Subject::Statement(_)
            | Subject::Reserved => None,
        }
    }
}

/// What a ref is on the server, read from the ref itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Current {
    /// There is no such ref.
    Absent,
    /// It names this object.
    At(Oid),
    /// It is a symbolic ref.
    Symbolic {
        /// What it points at, escaped.
        target: String,
    },
    /// It is there and cannot be understood: what it is cannot be told, so it is not moved.
    Unreadable {
        /// Why.
        why: String,
    },
}

impl Current {
    /// The object that the ref names, if it names one.
    #[must_use]
    pub fn oid(&self) -> Option<Oid> {
        match self {
            Self::At(oid) => Some(*oid),
            Self::Absent | Self::Symbolic { .. } | Self::Unreadable { .. } => None,
        }
    }
}

/// What an update is about.
#[derive(Debug, Clone)]
pub enum Subject {
    /// A ref that no rule protects.
    Unprotected,
    /// A ref that a rule protects.
    Protected(RangeOutcome),
    /// The policy's own ref, and what it would become.
    Policy(RangeOutcome, ProposedPolicy),
    /// A ref under `refs/relhook/statements/`.
    Statement(StatementOutcome),
    /// Any other name under `refs/relhook/`, `refs/replace/` or `refs/namespaces/`.
    Reserved,
}

/// What became of reading the range.
#[derive(Debug, Clone)]
pub enum RangeOutcome {
    /// It was read whole.
    Range(RangeFacts),
    /// The update deletes the ref: there is no range.
    Deletion,
    /// It could not be read, or is beyond the limits.
    Fault(Fault),
}

/// What stopped the gathering; each is a refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The new value is not a commit.
    #[error("a commit is expected, and it is a {kind}")]
    NotACommit {
        /// What it is: `tag`, `tree`, `blob`.
        kind: &'static str,
    },
    /// The new value does not descend from the baseline.
    #[error("it does not descend from {baseline}")]
    NotFromBaseline {
        /// The baseline.
        baseline: Oid,
    },
    /// An object does not fit the strict grammar.
    #[error("the object {oid}: {why}")]
    Malformed {
        /// Which.
        oid: Oid,
        /// How.
        why: String,
    },
    /// An object is missing: history or content that cannot be judged.
    #[error("the object {oid} is missing")]
    Missing {
        /// Which.
        oid: Oid,
    },
    /// More than relhook judges in one push.
    #[error("{what}")]
    TooLarge {
        /// What there is too much of, with the limit: `more than 200000 commits`.
        what: String,
    },
    /// The store could not be read.
    #[error("{why}")]
    Unreadable {
        /// Why.
        why: String,
    },
}

/// The commits that an update brings in, and what is stated about them.
#[derive(Debug, Clone)]
pub struct RangeFacts {
    /// Where the range starts: the last commit released with approval, or the baseline.
    /// Absent where there is neither: then the whole history is judged.
    pub base: Option<Oid>,
    /// The new value.
    pub tip: Oid,
    /// Whether the new value descends from the ref's real value (true for a new ref).
    pub fast_forward: bool,
    /// The commits, children before parents. Those reachable from the tip and not from the base.
    pub commits: Vec<CommitFacts>,
    /// Every statement about a commit of the range, stored or arriving in this push, whatever ref
    /// it is for and however its signature fared.
    pub statements: Vec<StatementFacts>,
    /// Who was named a deputy for the ref, and what takes that back: statements about the policy's
    /// own history. Of those that are over only what an objection may rest on; none where no rule
    /// for the ref lets anybody name one.
    pub delegations: Vec<StatementFacts>,
    /// The earlier rollbacks of the ref that undid a commit of the range. Hardly ever any.
    pub undone: Vec<Undone>,
    /// What moving the ref back would mean. There only where the new value does not descend from
    /// the ref's real one, and every rule of the ref speaks of rollbacks.
    pub way_back: Option<WayBackFacts>,
}

/// An earlier rollback, as far as it concerns a range: it took these commits off the ref again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The tags of the statements that it rested on, sorted.
    pub statements: Vec<Oid>,
    /// When it was recorded. An approval that was seen before does not count for its commits.
    pub at: Timestamp,
    /// The commits of the range that it undid.
    pub commits: BTreeSet<Oid>,
}

/// What moving a ref back to an earlier commit would mean.
#[derive(Debug, Clone)]
pub struct WayBackFacts {
    /// Whether the new value is an ancestor of the ref's real one.
    pub is_ancestor: bool,
    /// The commits that the ref would lose, children before parents.
    pub loses: Vec<Lost>,
    /// Every statement about the new value, stored or arriving in this push.
    pub statements: Vec<StatementFacts>,
    /// Whether the ref was let be there before.
    pub accepted: Acceptance,
    /// When the ref was last let be where it is. A statement from before that is about another time.
    pub since: Option<Timestamp>,
    /// The tags of the statements that earlier rollbacks of the ref rested on.
    pub spent: BTreeSet<Oid>,
}

/// A commit that a ref would lose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The commit.
    pub oid: Oid,
    /// The message's first line, escaped, at most 72 characters.
    pub title: String,
}

/// Whether a ref was let be at a commit before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// It was: by a verdict, or because it was there when relhook was installed.
    Accepted,
    /// It was, and a rollback has undone that since.
    Undone,
    /// Never.
    Never,
    /// Only the server knows.
    Unknown,
}

/// One commit of a range.
#[derive(Debug, Clone)]
pub struct CommitFacts {
    /// The commit.
    pub oid: Oid,
    /// Its parents, in the range or not.
    pub parents: Vec<Oid>,
    /// The message's first line, escaped, at most 72 characters.
    pub title: String,
    /// Everybody whom the commit names: author, committer, co-authors.
    pub claims: Vec<Claim>,
    /// What its signature says.
    pub signature: SignatureFact,
    /// Who first pushed it, authenticated, where that is known.
    pub first_pushers: FirstPushers,
    /// What it adds.
    pub content: Content,
    /// The approval trailer that it carries, if it does.
    pub approving: Option<Approving>,
    /// The change requests that its message names, where a rule of the ref asks for them.
    pub tickets: Vec<String>,
}

/// Somebody whom a commit names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// As what.
    pub role: Role,
    /// The name and address as written, escaped. The same few stand in thousands of commits.
    pub identity: Arc<str>,
    /// Whose address it is.
    pub owner: Option<PersonName>,
}

/// As what a commit names somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The author line.
    Author,
    /// The committer line.
    Committer,
    /// A trailer such as `Co-authored-by`, wherever in the message it stands.
    CoAuthor,
}

/// What the signature of a commit or statement says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureFact {
    /// There is none.
    Unsigned,
    /// Valid, by this person's key.
    Good {
        /// The key's owner.
        person: PersonName,
        /// The key.
        key: KeyFingerprint,
    },
    /// Valid, by the key of a machine, which is no person.
    Machine {
        /// Which.
        machine: MachineName,
        /// The key.
        key: KeyFingerprint,
    },
    /// There is one that does not count.
    Refused(SignatureProblem),
}

/// What a commit adds to its parents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Nothing: its tree is its only parent's.
    Empty,
    /// Nothing: its tree is exactly the clean merge of its two parents.
    CleanMerge,
    /// These paths, both sides of a rename among them, sorted. For a merge: what differs from the
    /// clean merge of its parents, and what conflicted.
    Adds(Vec<RepoPath>),
}

impl Content {
    /// Whether somebody has to look at it.
    #[must_use]
    pub fn adds(&self) -> bool {
        match self {
            Self::Empty | Self::CleanMerge => false,
            Self::Adds(_) => true,
        }
    }
}

/// An approval trailer in a commit's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approving {
    /// The ref that it names.
    pub refname: RefName,
    /// The repository that it names.
    pub repository: String,
    /// When the server first saw the commit; now, for one that arrives.
    pub first_seen: Option<Timestamp>,
    /// The committer's date: a claim, which may only take away from what the commit says.
    pub claimed: Timestamp,
    /// The rollbacks that it answers, by the tags of their statements.
    pub answers: Vec<Oid>,
}

/// One statement about a commit of a range.
#[derive(Debug, Clone)]
pub struct StatementFacts {
    /// The tag object.
    pub tag: Oid,
    /// What it says.
    pub statement: Statement,
    /// Who signed it.
    pub signer: SignatureFact,
    /// When the server first saw it; now, for one that arrives; absent where nothing recorded it.
    pub first_seen: Option<Timestamp>,
    /// The tagger's date: a claim, which may only take away from what the statement says.
    pub claimed: Timestamp,
    /// How the base that it compared with stands to the range.
    pub base: BaseRelation,
}

/// How the commit that an approver compared with stands to the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaseRelation {
    /// The statement names none: all that the commit reaches is meant.
    None,
    /// At or before the range's start: it takes nothing away.
    Before,
    /// In the range: what it reaches was not looked at.
    InRange,
    /// Not part of this history: what was looked at cannot be told.
    Elsewhere,
}

/// What the policy's ref would become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProposedPolicy {
    /// Sound, and somebody can still change it.
    Sound,
    /// It does not lint.
    Invalid {
        /// Each complaint, with file, line and column.
        complaints: Vec<String>,
    },
    /// After it, nobody could ever change the policy again.
    LocksOut {
        /// Why.
        why: String,
    },
    /// The update deletes it, or its tree could not be read.
    Absent,
}

/// What became of reading a pushed statement ref.
#[derive(Debug, Clone)]
pub enum StatementOutcome {
    /// The name is not `refs/relhook/statements/<40 digits>/<16 digits>`.
    MalformedName,
    /// The object is not an annotated tag.
    NotATag {
        /// What it is.
        kind: &'static str,
    },
    /// The tag does not fit the grammar or the format.
    Malformed {
        /// How.
        why: String,
    },
    /// It was read.
    Read(ArrivingStatement),
    /// The update deletes the ref.
    Deletion,
    /// The store could not be read.
    Fault(Fault),
}

/// A pushed statement, read.
#[derive(Debug, Clone)]
pub struct ArrivingStatement {
    /// The tag object.
    pub tag: Oid,
    /// What it says.
    pub statement: Statement,
    /// Who signed it.
    pub signer: SignatureFact,
    /// Whose address the tagger line holds.
    pub tagger: Option<PersonName>,
    /// The tagger line's identity, escaped.
    pub tagger_identity: String,
    /// The tagger line's date: a claim.
    pub claimed: Timestamp,
    /// Whether the ref name's commit and id are those of the tag.
    pub name_agrees: bool,
    /// Whether the repository's name is this one's.
    pub repository_agrees: bool,
    /// The commit's real tree; absent where the commit is not here or is not a commit.
    pub commit_tree: Option<Oid>,
    /// For a withdrawal: who signed the statement that it withdraws, where that is here.
    pub withdrawn_signer: Option<PersonName>,
    /// How many statements about the commit its signer has here already, stored or earlier in this
    /// push: withdrawals where it is one, all others where it is none.
    pub earlier: usize,
}
