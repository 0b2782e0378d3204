//! A statement that arrives: whether it is taken in.
//!
//! Anybody may carry one; what counts is that it is whole, in its place, and signed by a person
//! of the policy who still counts.

use super::naming;
use super::range::Case;
use super::signer::{Signer, signer};
use super::{Reason, Signed, checks, emergency};
use crate::facts::{ArrivingStatement, Current, SignatureFact, StatementOutcome, UpdateFacts};
use crate::policy::{POLICY_REF, Policy, Rollback};
use crate::statement::{Decision, Statement};
use crate::types::PersonName;

/// So many statements of one person about one commit are stored, and so many withdrawals besides:
/// room to change one's mind, and none to make a commit too expensive for others to judge.
/// Pushes at the same moment do not see each other's.
pub(super) const MAX_OWN: usize = 64;

/// Why the statement is not taken in.
pub(super) fn faults(
    case: &Case<'_>,
    update: &UpdateFacts,
    outcome: &StatementOutcome,
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let deletes = update.change.new_oid().is_none();
    if !deletes && update.current != Current::Absent {
        reasons.push(Reason::StatementExists);
    }
    match outcome {
        StatementOutcome::MalformedName => reasons.push(Reason::StatementName),
        StatementOutcome::NotATag { kind } => reasons.push(Reason::StatementNotATag { kind }),
        StatementOutcome::Malformed { why } => {
            reasons.push(Reason::StatementFormat { why: why.clone() });
        }
        StatementOutcome::Deletion => reasons.push(Reason::StatementDeletion),
        StatementOutcome::Fault(fault) => reasons.push(Reason::from(fault)),
        StatementOutcome::Read(arriving) => {
            content(case.policy, arriving, &mut reasons);
            by_whom(case, arriving, &mut reasons);
        }
    }
    if deletes && !reasons.contains(&Reason::StatementDeletion) {
        reasons.push(Reason::StatementDeletion);
    }
    reasons
}

/// Whether what it says agrees with where it is and with what it is about.
fn content(policy: &Policy, arriving: &ArrivingStatement, reasons: &mut Vec<Reason>) {
    let statement = &arriving.statement;
    if !arriving.name_agrees {
        reasons.push(Reason::StatementMisplaced { tag: arriving.tag });
    }
    if !arriving.repository_agrees || statement.repository != policy.repository.0 {
        reasons.push(Reason::StatementRepository {
            stated: crate::types::escape(statement.repository.as_bytes()),
            own: crate::types::escape(policy.repository.0.as_bytes()),
        });
    }
    match arriving.commit_tree {
        None => reasons.push(Reason::StatementCommit {
            commit: statement.commit,
        }),
        Some(real) if real != statement.tree => reasons.push(Reason::StatementTree {
            stated: statement.tree,
            real,
        }),
        Some(_) => {}
    }
}

/// Whether it is its signer's own.
fn by_whom(case: &Case<'_>, arriving: &ArrivingStatement, reasons: &mut Vec<Reason>) {
    if by_a_machine(case.policy, arriving, reasons) {
        return;
    }
    let roster = case.roster;
    let number = match signer(case.policy, roster, &arriving.signer) {
        Signer::Nobody => {
            reasons.push(Reason::StatementUnsigned);
            return;
        }
        Signer::Refused(problem) => {
            reasons.push(Reason::Signature {
                on: Signed::Statement,
                problem,
            });
            return;
        }
        Signer::Person { number, disabled } => {
            if arriving.statement.decision == Decision::Delegate {
                let statement = &arriving.statement;
                let faults = naming::faults(case.policy, roster, case.now, statement, number);
                reasons.extend(faults);
            }
            if disabled {
                reasons.push(Reason::StatementSigner {
                    person: roster.name(number),
                });
            }
            number
        }
    };
    let person = roster.name(number);
    if arriving.tagger.as_ref() != Some(&person) {
        reasons.push(Reason::StatementTagger {
            tagger: arriving.tagger_identity.clone(),
            signer: person.clone(),
        });
    }
    match arriving.statement.decision {
        Decision::Emergency => {
            let faults = emergency::arrives(case, &arriving.statement, number, arriving.tag);
            reasons.extend(faults.into_iter().map(Reason::Emergency));
        }
        Decision::Approve
        | Decision::Reject
        | Decision::Lift
        | Decision::Withdraw { .. }
        | Decision::Delegate
        | Decision::Rollback
        | Decision::Check => {}
    }
    if arriving.earlier >= MAX_OWN {
        reasons.push(Reason::StatementTooMany {
            person: person.clone(),
            commit: arriving.statement.commit,
            limit: MAX_OWN,
        });
    }
    reasons.extend(rollback(case.policy, &arriving.statement, &person));
    reasons.extend(withdrawal(arriving, person));
}

/// Why a rollback by this person would change nothing.
fn rollback(policy: &Policy, statement: &Statement, person: &PersonName) -> Option<Reason> {
    if statement.decision != Decision::Rollback {
        return None;
    }
    let refname = statement.refname.clone();
    let rules = policy.rules_for(&refname);
    let rollbacks = rules.iter().filter_map(|rule| rule.rollback.as_ref());
    let rollbacks: Vec<&Rollback> = rollbacks.collect();
    if rules.is_empty()
        || rollbacks.len() < rules.len()
        || refname.as_bytes() == POLICY_REF.as_bytes()
    {
        return Some(Reason::RollbackNever { refname });
    }
    // Where several rules ask, who counts for one of them is worth something.
    let may = rollbacks
        .iter()
        .any(|rollback| policy.members(&rollback.by).contains(person));
    (!may).then(|| Reason::RollbackNotAllowed {
        person: person.clone(),
        refname,
        by: rollbacks.iter().flat_map(|one| one.by.clone()).collect(),
    })
}

/// Whether a machine signed it, or should have; then why that does not do, if it does not.
fn by_a_machine(policy: &Policy, arriving: &ArrivingStatement, reasons: &mut Vec<Reason>) -> bool {
    let statement = &arriving.statement;
    let check = statement.particulars.check.as_ref();
    let machine = match &arriving.signer {
        SignatureFact::Machine { machine, .. } => Some(machine),
        SignatureFact::Unsigned | SignatureFact::Refused(_) | SignatureFact::Good { .. } => None,
    };
    match (check, machine) {
        (None, None) => return false,
        (None, Some(machine)) => reasons.push(Reason::MachineStatement {
            machine: machine.clone(),
            decision: statement.decision.word(),
        }),
        (Some(result), Some(machine)) => {
            if checks::speaker(policy, &arriving.signer, result).is_none() {
                reasons.push(Reason::CheckSpeaker {
                    who: machine.to_string(),
                    check: result.name.clone(),
                });
            }
            if arriving.earlier >= MAX_OWN {
                reasons.push(Reason::StatementTooMany {
                    person: PersonName::new(machine.as_str()),
                    commit: statement.commit,
                    limit: MAX_OWN,
                });
            }
        }
        (Some(result), None) => match &arriving.signer {
            SignatureFact::Good { person, .. } => reasons.push(Reason::CheckSpeaker {
                who: person.to_string(),
                check: result.name.clone(),
            }),
            // Why it does not count is said as of any statement.
            SignatureFact::Unsigned | SignatureFact::Refused(_) | SignatureFact::Machine { .. } => {
                return false;
            }
        },
    }
    true
}

fn withdrawal(arriving: &ArrivingStatement, signer: PersonName) -> Option<Reason> {
    let statement = match arriving.statement.decision {
        Decision::Withdraw { statement } => statement,
        Decision::Approve
        | Decision::Reject
        | Decision::Lift
        | Decision::Emergency
        | Decision::Delegate
        | Decision::Rollback
        | Decision::Check => return None,
    };
    match &arriving.withdrawn_signer {
        None => Some(Reason::WithdrawsNothing { statement }),
        Some(owner) if *owner != signer => Some(Reason::WithdrawsAnothers {
            signer,
            owner: owner.clone(),
        }),
        Some(_) => None,
    }
}
