//! Who says what about a range: statements and approving commits, sifted into approvals and
//! objections that may count, and notes about those that cannot.

use super::deputies;
use super::notes;
use super::reach::Start;
use super::roster::Number;
use super::signer::{Signer, lapsed, signer};
use super::span::{At, Span};
use super::{Note, Reason, Signed};
use crate::facts::{Approving, BaseRelation, CommitFacts, StatementFacts};
use crate::signature::SignatureProblem;
use crate::statement::Decision;
use crate::types::{Oid, Timestamp};
use std::collections::HashSet;

/// An approval that counts unless a rule finds it too old or its signer in none of its teams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Approval {
    /// The commit that is approved; for an approving commit, itself.
    pub at: At,
    /// The statement's tag or the approving commit.
    pub by: Oid,
    /// Who approves.
    pub person: Number,
    /// In whose stead, where not in their own name.
    pub stead: Option<Number>,
    /// The commit of the range that they compared with.
    pub since: Option<At>,
    /// When the server first saw it.
    pub seen: Option<Timestamp>,
    /// When its signer says that it was made.
    pub claimed: Timestamp,
    /// Whether it is an approving commit.
    pub commit: bool,
    /// The emergency's tag, where it is said to settle what that let in.
    pub settles: Option<Oid>,
}

impl Approval {
    /// Where the approval begins to reach, carrying `mark` along: at the commit that is approved;
    /// an approving commit approves its parents, never itself.
    pub(super) fn starts<T: Copy>(&self, span: &Span<'_>, mark: T) -> Vec<Start<T>> {
        let from = |at| Start {
            at,
            since: self.since,
            mark,
        };
        if self.commit {
            let parents = span.parents.get(self.at).into_iter().flatten();
            parents.copied().map(from).collect()
        } else {
            vec![from(self.at)]
        }
    }
}

/// An objection that stands unless its signer could not approve or came round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Objection<'a> {
    /// The commit that is objected to.
    pub at: At,
    /// The statement's tag.
    pub tag: Oid,
    /// Who objects.
    pub person: Number,
    /// In whose stead, where not in their own name.
    pub stead: Option<Number>,
    /// When the server first saw it.
    pub seen: Option<Timestamp>,
    /// When its signer says that it was made.
    pub claimed: Timestamp,
    /// Why.
    pub reason: Option<&'a str>,
}

/// Everything said about a range.
#[derive(Default)]
pub(super) struct Voices<'a> {
    /// In an order that does not depend on how they were found: the tip's first.
    pub approvals: Vec<Approval>,
    /// Approvals of people who are disabled by now: they count against their own objections only.
    pub settling: Vec<Approval>,
    /// In an order that does not depend on how they were found.
    pub objections: Vec<Objection<'a>>,
    /// Why others do not count.
    pub notes: Vec<Note>,
    /// Objections and withdrawals that could not be checked: nobody knows what they would do.
    pub unchecked: Vec<Reason>,
    /// What was withdrawn, and by whom.
    pub withdrawn: HashSet<(Number, Oid)>,
}

/// A person's word that the ref is to go back to the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WordBack<'a> {
    /// The statement's tag.
    pub tag: Oid,
    /// Who says so.
    pub person: Number,
    /// Where the ref was when they said so.
    pub base: Option<Oid>,
    /// When the server first saw it.
    pub seen: Option<Timestamp>,
    /// Why.
    pub reason: &'a str,
}

/// Who says that the ref is to go back: about this repository and ref, by people who still count, neither
/// expired nor withdrawn. Why others do not count is added to `told`.
pub(super) fn words_back<'a>(span: &Span<'a>, told: &mut Vec<Note>) -> Vec<WordBack<'a>> {
    let withdrawn = withdrawn(span);
    let mut words = Vec::new();
    for facts in &span.facts.statements {
        if facts.statement.decision != Decision::Rollback {
            continue;
        }
        match admit(span, facts) {
            Err(Refusal::Note(note)) => told.push(note),
            Err(Refusal::Unchecked(_, problem)) => {
                told.push(notes::signature(&facts.statement, &problem));
            }
            Ok(person) if withdrawn.contains(&(person, facts.tag)) => {
                let at = span.place(facts.statement.commit).unwrap_or(0);
                told.push(notes::withdrawn(span, person, at));
            }
            Ok(person) if span.roster.is_disabled(person) => {
                told.push(notes::disabled(span, person, &facts.statement));
            }
            Ok(person) => words.push(WordBack {
                tag: facts.tag,
                person,
                base: facts.statement.base,
                seen: facts.first_seen,
                reason: facts.statement.reason.as_deref().unwrap_or_default(),
            }),
        }
    }
    words
}

/// Sifts what is said about a range.
pub(super) fn sift<'a>(span: &Span<'a>) -> Voices<'a> {
    let withdrawn = withdrawn(span);
    let mut voices = Voices::default();
    for facts in &span.facts.statements {
        voices.statement(span, &withdrawn, facts);
    }
    for (at, commit) in span.facts.commits.iter().enumerate() {
        if let Some(approving) = &commit.approving {
            match approving_commit(span, &withdrawn, at, commit, approving) {
                Ok(approval) => {
                    voices.approval(span, approval, || {
                        notes::commit_disabled(span, approval.person, commit)
                    });
                }
                Err(note) => voices.notes.push(note),
            }
        }
    }
    voices.approvals.sort_unstable();
    voices
        .objections
        .sort_by_key(|objection| (objection.at, objection.tag));
    voices.withdrawn = withdrawn;
    voices
}

/// What was withdrawn, and by whom. A withdrawal holds for ever and for its signer's own only: it was
/// valid when it was taken in, and that its key has expired since brings nothing back.
fn withdrawn(span: &Span<'_>) -> HashSet<(Number, Oid)> {
    let own = |facts: &&StatementFacts| facts.statement.repository == span.policy.repository.0;
    let statements = span.facts.statements.iter().filter(own);
    statements
        .filter_map(|facts| match facts.statement.decision {
            Decision::Withdraw { statement } => {
                let person = match signer(span.policy, span.roster, &facts.signer) {
                    Signer::Person { number, .. } => Some(number),
                    Signer::Refused(_) => lapsed(span.policy, span.roster, &facts.signer),
                    Signer::Nobody => None,
                };
                person.map(|person| (person, statement))
            }
            Decision::Approve
            | Decision::Reject
            | Decision::Lift
            | Decision::Emergency
            | Decision::Delegate
            | Decision::Rollback
            | Decision::Check => None,
        })
        .collect()
}

impl<'a> Voices<'a> {
    fn statement(
        &mut self,
        span: &Span<'a>,
        withdrawn: &HashSet<(Number, Oid)>,
        facts: &'a StatementFacts,
    ) {
        let Some(at) = span.place(facts.statement.commit) else {
            return;
        };
        match facts.statement.decision {
            Decision::Withdraw { .. } => return self.withdrawal(span, facts),
            // What may be pushed, or who approves it, these do not say.
            Decision::Lift
            | Decision::Emergency
            | Decision::Delegate
            | Decision::Rollback
            | Decision::Check => return,
            Decision::Approve | Decision::Reject => {}
        }
        let person = match admit(span, facts) {
            Ok(person) => person,
            Err(refusal) => return self.turn_away(refusal),
        };
        if withdrawn.contains(&(person, facts.tag)) {
            return self.notes.push(notes::withdrawn(span, person, at));
        }
        let stead = match &facts.statement.particulars.stead {
            None => None,
            Some(name) => match span.roster.number(name) {
                Some(number) => Some(number),
                None => return self.notes.push(notes::stead_unknown(span, person, facts)),
            },
        };
        self.unchecked_deputy(span, person, facts);
        match facts.statement.decision {
            Decision::Withdraw { .. }
            | Decision::Lift
            | Decision::Emergency
            | Decision::Delegate
            | Decision::Rollback
            | Decision::Check => {}
            Decision::Approve => match since(span, facts) {
                Ok(since) => {
                    let approval = Approval {
                        at,
                        by: facts.tag,
                        person,
                        stead,
                        since,
                        seen: facts.first_seen,
                        claimed: facts.claimed,
                        commit: false,
                        settles: facts.statement.particulars.settles,
                    };
                    let disabled = || notes::disabled(span, person, &facts.statement);
                    self.approval(span, approval, disabled);
                }
                Err(()) => self.notes.push(notes::base_elsewhere(span, person, facts)),
            },
            Decision::Reject => self.objections.push(Objection {
                at,
                tag: facts.tag,
                person,
                stead,
                seen: facts.first_seen,
                claimed: facts.claimed,
                reason: facts.statement.reason.as_deref(),
            }),
        }
    }
}

impl Voices<'_> {
    /// An approval counts while its signer does. Afterwards it is worth as much as it was against
    /// their own objections, and nothing else.
    fn approval(&mut self, span: &Span<'_>, approval: Approval, disabled: impl Fn() -> Note) {
        if span.roster.is_disabled(approval.person) {
            self.settling.push(approval);
            self.notes.push(disabled());
        } else {
            self.approvals.push(approval);
        }
    }

    /// Where nobody can tell who named the deputy who objects, nobody knows what the objection does.
    fn unchecked_deputy(&mut self, span: &Span<'_>, person: Number, facts: &StatementFacts) {
        let objects = facts.statement.decision == Decision::Reject;
        if objects && facts.statement.particulars.stead.is_some() {
            let to = span.roster.name(person);
            let all = &span.facts.delegations;
            let unchecked = deputies::unchecked(span.policy, span.refname, &to, all);
            self.unchecked
                .extend(unchecked.map(|(tag, problem)| Reason::Signature {
                    on: Signed::Stored(tag),
                    problem,
                }));
        }
    }

    /// Withdrawals were heard before; here is said which were not.
    fn withdrawal(&mut self, span: &Span<'_>, facts: &StatementFacts) {
        if facts.statement.repository != span.policy.repository.0 {
            return;
        }
        match signer(span.policy, span.roster, &facts.signer) {
            Signer::Person { .. } => {}
            Signer::Nobody => self.notes.push(notes::unsigned(&facts.statement)),
            Signer::Refused(_) if lapsed(span.policy, span.roster, &facts.signer).is_some() => {}
            Signer::Refused(problem) => self.turn_away(refused(facts, problem)),
        }
    }

    fn turn_away(&mut self, refusal: Refusal) {
        match refusal {
            Refusal::Note(note) => self.notes.push(note),
            Refusal::Unchecked(tag, problem) => self.unchecked.push(Reason::Signature {
                on: Signed::Stored(tag),
                problem,
            }),
        }
    }
}

enum Refusal {
    Note(Note),
    /// The signature on this tag could not be checked.
    Unchecked(Oid, SignatureProblem),
}

/// Whether an approval or objection is heard at all: about this repository and ref, by a person of
/// the policy, and not expired. Whether the person still counts is asked of approvals only.
fn admit(span: &Span<'_>, facts: &StatementFacts) -> Result<Number, Refusal> {
    let statement = &facts.statement;
    let note = |note| Err(Refusal::Note(note));
    if statement.repository != span.policy.repository.0 {
        return note(notes::other_repository(statement));
    }
    if statement.refname != *span.refname {
        return note(notes::other_ref(statement));
    }
    let person = match signer(span.policy, span.roster, &facts.signer) {
        Signer::Nobody => return note(notes::unsigned(statement)),
        Signer::Refused(problem) => match objector(span, facts) {
            Some(number) => number,
            None => return Err(refused(facts, problem)),
        },
        Signer::Person { number, .. } => number,
    };
    match statement.expires {
        Some(expires) if expires <= span.now => {
            note(notes::expired(span, person, statement, expires))
        }
        Some(_) | None => Ok(person),
    }
}

/// Who objects by a key that has expired since. The objection was valid when it was taken in, and
/// a reviewer's key that runs out does not turn their no into silence.
fn objector(span: &Span<'_>, facts: &StatementFacts) -> Option<Number> {
    match facts.statement.decision {
        Decision::Reject => lapsed(span.policy, span.roster, &facts.signer),
        Decision::Approve
        | Decision::Lift
        | Decision::Withdraw { .. }
        | Decision::Emergency
        | Decision::Delegate
        | Decision::Rollback
        | Decision::Check => None,
    }
}

/// An approval whose signature cannot be checked is one too few; with an objection or a withdrawal
/// it is the other way round, so then nothing passes.
fn refused(facts: &StatementFacts, problem: SignatureProblem) -> Refusal {
    let unchecked = matches!(problem, SignatureProblem::EngineFailed { .. });
    match facts.statement.decision {
        Decision::Reject | Decision::Withdraw { .. } if unchecked => {
            Refusal::Unchecked(facts.tag, problem)
        }
        Decision::Approve
        | Decision::Reject
        | Decision::Lift
        | Decision::Withdraw { .. }
        | Decision::Emergency
        | Decision::Delegate
        | Decision::Rollback
        | Decision::Check => Refusal::Note(notes::signature(&facts.statement, &problem)),
    }
}

/// What the approver compared with, where it takes something of the range away.
fn since(span: &Span<'_>, facts: &StatementFacts) -> Result<Option<At>, ()> {
    match (facts.base, facts.statement.base) {
        (BaseRelation::None, None) | (BaseRelation::Before, Some(_)) => Ok(None),
        (BaseRelation::InRange, Some(base)) => span.place(base).map(Some).ok_or(()),
        (BaseRelation::Elsewhere, _)
        | (BaseRelation::None, Some(_))
        | (BaseRelation::Before | BaseRelation::InRange, None) => Err(()),
    }
}

/// An approval that travels as a commit: for this repository and ref, adding nothing, signed by a
/// person of the policy.
fn approving_commit(
    span: &Span<'_>,
    withdrawn: &HashSet<(Number, Oid)>,
    at: At,
    commit: &CommitFacts,
    approving: &Approving,
) -> Result<Approval, Note> {
    if approving.repository != span.policy.repository.0 {
        return Err(notes::commit_for_repository(commit, approving));
    }
    if approving.refname != *span.refname {
        return Err(notes::commit_for_ref(commit, approving));
    }
    if commit.content.adds() {
        return Err(notes::commit_adds(commit));
    }
    let person = match span.signers.get(at) {
        Some(Signer::Person { number, .. }) => *number,
        Some(Signer::Refused(problem)) => return Err(notes::commit_refused(commit, problem)),
        Some(Signer::Nobody) | None => return Err(notes::commit_unsigned(commit)),
    };
    if withdrawn.contains(&(person, commit.oid)) {
        return Err(notes::withdrawn(span, person, at));
    }
    Ok(Approval {
        at,
        by: commit.oid,
        person,
        stead: None,
        since: None,
        seen: approving.first_seen,
        claimed: approving.claimed,
        commit: true,
        settles: None,
    })
}
