//! What a decision says.

use super::Reason;
use crate::types::{Oid, PersonName, RefChange, RefName, RepoPath, TargetName, TeamName};
use std::collections::BTreeSet;

/// The verdict over one push: all or nothing.
#[derive(Debug, Clone)]
#[must_use]
pub struct Verdict {
    /// One for each update, in the push's order.
    pub updates: Vec<UpdateVerdict>,
    /// Reasons that concern the push as a whole.
    pub reasons: Vec<Reason>,
}

impl Verdict {
    /// Whether every update passes.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.reasons.is_empty() && self.updates.iter().all(|update| update.reasons.is_empty())
    }

    /// The moves of protected refs that this verdict allows; none unless all is accepted.
    #[must_use]
    pub fn permits(&self) -> Vec<&Permit> {
        if !self.accepted() {
            return Vec::new();
        }
        self.updates
            .iter()
            .filter_map(|update| update.permit.as_ref())
            .collect()
    }
}

/// The verdict over one ref update.
#[derive(Debug, Clone)]
pub struct UpdateVerdict {
    /// The ref.
    pub refname: RefName,
    /// What the push asked.
    pub change: RefChange,
    /// Every reason to refuse it; empty if it passes.
    pub reasons: Vec<Reason>,
    /// What did not decide but explains: approvals that do not count, and why.
    pub notes: Vec<Note>,
    /// The commits of the range and how each is covered; empty for unprotected refs.
    pub commits: Vec<CommitVerdict>,
    /// What may happen if the whole push is accepted; only for protected refs that pass.
    pub permit: Option<Permit>,
}

/// How one commit fared.
#[derive(Debug, Clone)]
pub struct CommitVerdict {
    /// The commit.
    pub oid: Oid,
    /// Its message's first line, escaped.
    pub title: String,
    /// The people who had a hand in it.
    pub contributors: BTreeSet<PersonName>,
    /// Identities in it that nobody owns, escaped.
    pub strangers: Vec<String>,
    /// Whether it adds content, so that it needs cover.
    pub adds: bool,
    /// The approvals that cover it.
    pub covers: Vec<Cover>,
    /// What it still lacks.
    pub shortfalls: Vec<Shortfall>,
}

/// One approval that covers a commit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cover {
    /// Who approved.
    pub person: PersonName,
    /// The statement's tag, or the approving commit.
    pub by: Oid,
}

/// A demand that a commit does not meet yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// The rule's pattern.
    pub rule: String,
    /// The path rule's patterns and the first path that they match; absent for the branch's own
    /// demand.
    pub paths: Option<(Vec<String>, RepoPath)>,
    /// How many distinct people have to approve.
    pub required: u32,
    /// How many do.
    pub have: u32,
    /// The teams whose approvals count.
    pub from: Vec<TeamName>,
    /// Who could still approve.
    pub could: BTreeSet<PersonName>,
}

/// An explanation that did not decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The code of the page that explains it.
    pub code: super::Code,
    /// One sentence, escaped.
    pub text: String,
}

/// What a verdict allows: exactly this move of exactly this ref. Only this room makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    refname: RefName,
    old: Option<Oid>,
    new: Oid,
    release: Vec<TargetName>,
}

impl Permit {
    /// A permit, for the decision only.
    pub(in crate::decide) fn new(
        refname: RefName,
        old: Option<Oid>,
        new: Oid,
        release: Vec<TargetName>,
    ) -> Self {
        Self {
            refname,
            old,
            new,
            release,
        }
    }

    /// The ref.
    #[must_use]
    pub fn refname(&self) -> &RefName {
        &self.refname
    }

    /// What the ref names now; absent where it is to be made.
    #[must_use]
    pub fn old(&self) -> Option<Oid> {
        self.old
    }

    /// What it may be moved to.
    #[must_use]
    pub fn new_oid(&self) -> Oid {
        self.new
    }

    /// The targets that the commit is then released to.
    #[must_use]
    pub fn release(&self) -> &[TargetName] {
        &self.release
    }
}
