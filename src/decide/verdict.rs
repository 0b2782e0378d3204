//! What a decision says.

use super::Reason;
use crate::facts::{Debt, Lost};
use crate::types::{
    CheckName, MachineName, Oid, PersonName, RefChange, RefName, RepoPath, TargetName, TeamName,
    Timestamp, WindowName,
};
use std::collections::BTreeSet;

/// The verdict over one push: all or nothing.
#[derive(Debug, Clone)]
#[must_use]
pub struct Verdict {
    /// One for each update, in the push's order.
    pub updates: Vec<UpdateVerdict>,
    /// Reasons that concern the push as a whole.
    pub reasons: Vec<Reason>,
    /// What is owed for the refs that it concerns, and whether it is settled by now.
    pub debts: Vec<DebtVerdict>,
}

/// What a verdict comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The push goes in.
    Accepted,
    /// It does not.
    Rejected,
    /// It goes in, and something in it only by an emergency.
    Emergency,
}

impl Verdict {
    /// Whether every update passes.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.reasons.is_empty() && self.updates.iter().all(|update| update.reasons.is_empty())
    }

    /// What it comes to.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        if !self.accepted() {
            Outcome::Rejected
        } else if self.updates.iter().any(|update| update.emergency.is_some()) {
            Outcome::Emergency
        } else {
            Outcome::Accepted
        }
    }

    /// Whether something goes in that a rule would have refused if it did not only warn.
    #[must_use]
    pub fn lets_pass(&self) -> bool {
        self.accepted()
            && self
                .updates
                .iter()
                .any(|update| !update.let_pass.is_empty())
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
    /// What rules that only warn would have refused it for, and let pass; empty where none had
    /// anything to say.
    pub let_pass: Vec<Reason>,
    /// What did not decide but explains: approvals that do not count, and why.
    pub notes: Vec<Note>,
    /// The commits of the range and how each is covered; empty for unprotected refs.
    pub commits: Vec<CommitVerdict>,
    /// The checks that a rule asks for and that passed.
    pub checks: Vec<CheckPassed>,
    /// The change requests that it names where a rule asks for them.
    pub tickets: BTreeSet<String>,
    /// The windows and freezes that somebody has overridden for this update.
    pub overridden: Vec<Override>,
    /// The version of the time-zone rules by which windows and freezes were read; absent where the
    /// ref has none.
    pub zone_rules: Option<&'static str>,
    /// The rollback that it is, where the ref would move back and somebody who may has said so.
    pub rollback: Option<RolledBack>,
    /// What may happen if the whole push is accepted; only for protected refs that pass.
    pub permit: Option<Permit>,
    /// The emergency that lets it in; only where it passes and lacks approvals.
    pub emergency: Option<EmergencyUse>,
}

/// An emergency that stands in for approvals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmergencyUse {
    /// The tag of the statement that declares it.
    pub tag: Oid,
    /// Who declares it.
    pub person: PersonName,
    /// Who signed it too: the tags of their statements, and they.
    pub cosigned: Vec<(Oid, PersonName)>,
    /// Why; raw, as signed.
    pub reason: String,
    /// The ticket that it names; raw, as signed.
    pub ticket: Option<String>,
    /// Where the range begins that it lets in.
    pub base: Option<Oid>,
    /// Until when somebody distinct has to have looked at it.
    pub due: Timestamp,
    /// What it stands in for.
    pub waived: Vec<Reason>,
}

/// How something stands that an emergency let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebtVerdict {
    /// The ref.
    pub refname: RefName,
    /// What is owed.
    pub debt: Debt,
    /// Whether it still is.
    pub state: DebtState,
    /// Whether it is, and its deadline is past.
    pub overdue: bool,
    /// The commits that went in, and how each is covered by now.
    pub commits: Vec<CommitVerdict>,
}

/// Whether something that an emergency let in is still owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DebtState {
    /// It is.
    Open {
        /// Why what was said about it does not settle it.
        notes: Vec<Note>,
        /// Who could.
        could: BTreeSet<PersonName>,
    },
    /// Somebody distinct has approved it.
    Reviewed {
        /// Who.
        by: BTreeSet<PersonName>,
    },
    /// This push takes it back, and somebody distinct has approved that.
    Reverted {
        /// Who.
        by: BTreeSet<PersonName>,
    },
}

impl DebtState {
    /// Whether it is still owed.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Self::Open { .. } => true,
            Self::Reviewed { .. } | Self::Reverted { .. } => false,
        }
    }
}

impl DebtVerdict {
    /// Who could settle it.
    #[must_use]
    pub fn could(&self) -> BTreeSet<PersonName> {
        match &self.state {
            DebtState::Open { could, .. } => could.clone(),
            DebtState::Reviewed { .. } | DebtState::Reverted { .. } => BTreeSet::new(),
        }
    }
}

/// A ref that is moved back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolledBack {
    /// The statements that it rests on, in the order of their tags. None of them can be used again.
    pub statements: Vec<StatedBack>,
    /// The commits that the ref loses, children before parents.
    pub loses: Vec<Lost>,
}

/// A person's word that a ref is to go back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedBack {
    /// The statement's tag.
    pub tag: Oid,
    /// Who signed it.
    pub person: PersonName,
    /// Why; raw, as signed.
    pub reason: String,
}

/// How one commit fared.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Where some approve in others' stead: who else said yes and was not needed, and in whose stead.
    pub besides: BTreeSet<(PersonName, Option<PersonName>)>,
    /// What it still lacks.
    pub shortfalls: Vec<Shortfall>,
}

impl CommitVerdict {
    /// Everybody who said yes to it, needed or not, and in whose stead.
    pub(super) fn yes(&self) -> impl Iterator<Item = (&PersonName, Option<&PersonName>)> {
        let covers = self.covers.iter();
        let covers = covers.map(|cover| (&cover.person, cover.stead.as_ref()));
        let besides = self.besides.iter();
        covers.chain(besides.map(|(person, stead)| (person, stead.as_ref())))
    }
}

/// One approval that covers a commit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cover {
    /// Who approved.
    pub person: PersonName,
    /// The statement's tag, or the approving commit.
    pub by: Oid,
    /// In whose stead, where it counts as theirs.
    pub stead: Option<PersonName>,
}

/// Somebody who could approve in another's stead.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StandIn {
    /// Who could.
    pub deputy: PersonName,
    /// In whose stead.
    pub stead: PersonName,
    /// Until when.
    pub until: Timestamp,
}

/// A check that a machine says passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckPassed {
    /// Its name.
    pub check: CheckName,
    /// Which machine says so.
    pub machine: MachineName,
    /// The statement's tag.
    pub by: Oid,
}

/// A closed window or a freeze that does not keep an update from going in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Its name.
    pub name: WindowName,
    /// Who has overridden it.
    pub person: PersonName,
    /// The statement's tag.
    pub by: Oid,
    /// Why; raw, as signed.
    pub reason: Option<String>,
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
    /// Who could in somebody's stead.
    pub stand_ins: BTreeSet<StandIn>,
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
