//! What emergencies let in and is owed: whether somebody distinct has settled it.
//!
//! It is judged as a push of it would be, by the same rule and over its own range, with three things
//! more: who declared the emergency or signed it too has no say, and somebody who has approves exactly
//! what went out, and names the emergency by which it did.

use super::cover::{Outcome, Ruling};
use super::judge::Judged;
use super::roster::{Crowd, Roster};
use super::signer::{Signer, signer};
use super::span::Span;
use super::voices::{Approval, Voices, sift};
use super::{
    Code, CommitVerdict, DebtState, DebtVerdict, EmergencyFault, Note, Reason, emergency,
    objections, range, tip,
};
use crate::facts::{Debt, Owed, Owing, PushFacts, RangeFacts};
use crate::policy::{BranchRule, Policy};
use crate::types::{PersonName, RefName};
use std::collections::BTreeSet;

/// So many notes are given about one debt.
const MAX_NOTES: usize = 8;

/// Judges everything that is owed for the refs of a push.
pub(super) fn judge(
    policy: &Policy,
    roster: &Roster<'_>,
    facts: &PushFacts,
    updates: &[Judged<'_>],
) -> Vec<DebtVerdict> {
    let mut all = Vec::new();
    for owing in &facts.owing {
        let rules = policy.rules_for(&owing.refname);
        let update = updates
            .iter()
            .find(|judged| *judged.case.refname == owing.refname);
        for owed in &owing.open {
            let matter = Matter {
                policy,
                roster,
                facts,
                owing,
                owed,
                rules: &rules,
            };
            let (state, commits) = matter.state(update);
            all.push(DebtVerdict {
                commits,
                refname: owing.refname.clone(),
                overdue: state.is_open() && owed.debt.is_overdue(facts.now),
                debt: owed.debt.clone(),
                state,
            });
        }
    }
    all
}

/// Why a push may not go in before what is overdue is settled.
pub(super) fn overdue(debts: &[DebtVerdict], refname: &RefName) -> Vec<Reason> {
    let of_ref = debts.iter().filter(|debt| debt.refname == *refname);
    let overdue = of_ref.filter(|debt| debt.overdue);
    overdue
        .map(|debt| EmergencyFault::Overdue {
            refname: refname.clone(),
            commit: debt.debt.commit,
            entry: debt.debt.entry,
            due: debt.debt.due,
            could: debt.could(),
        })
        .map(Reason::Emergency)
        .collect()
}

/// One thing that is owed, with all that is needed to judge it.
struct Matter<'a> {
    policy: &'a Policy,
    roster: &'a Roster<'a>,
    facts: &'a PushFacts,
    owing: &'a Owing,
    owed: &'a Owed,
    rules: &'a [&'a BranchRule],
}

impl Matter<'_> {
    fn state(&self, update: Option<&Judged<'_>>) -> (DebtState, Vec<CommitVerdict>) {
        if self.owed.reverted
            && let Some(people) = update.and_then(|update| self.taken_back(update))
        {
            return (DebtState::Reverted { by: people }, Vec::new());
        }
        let unclear = |why: String| {
            let state = DebtState::Open {
                notes: vec![Note {
                    code: Code::DEBT_UNCLEAR,
                    text: format!("whether it is settled cannot be told: {why}"),
                }],
                could: BTreeSet::new(),
            };
            (state, Vec::new())
        };
        let range = match &self.owed.range {
            Ok(range) => range,
            Err(fault) => return unclear(fault.to_string()),
        };
        let span = Span::new(
            self.policy,
            self.roster,
            &self.owing.refname,
            self.facts.now,
            range,
        );
        let span = match span {
            Ok(span) => span,
            Err(why) => return unclear(why),
        };
        match self.barred(range) {
            Some(barred) => self.reviewed(&span, &barred),
            None => unclear("nobody knows any more who declared the emergency".to_owned()),
        }
    }

    /// Who has no say: whoever declared the emergency or signed it too, and where no rule says otherwise,
    /// whoever did so for another one that is owed. Nothing where that is not known of this one.
    fn barred(&self, range: &RangeFacts) -> Option<Crowd> {
        let mut barred = self.behind(&self.owed.debt, Some(range))?;
        if emergency::bars_each_other(self.rules) {
            let others = self.owing.open.iter();
            let others = others.filter(|other| other.debt.entry != self.owed.debt.entry);
            for other in others {
                let range = other.range.as_ref().ok();
                barred.join(&self.behind(&other.debt, range).unwrap_or_default());
            }
        }
        Some(barred)
    }

    /// Who declared an emergency and signed it too: as the log has it, and as the statements do. Their
    /// names may have been deleted, and their statements too.
    fn behind(&self, debt: &Debt, range: Option<&RangeFacts>) -> Option<Crowd> {
        let named = debt.people.iter();
        let mut people: Crowd = named.filter_map(|name| self.roster.number(name)).collect();
        let statements = range.into_iter().flat_map(|range| &range.statements);
        let mut known = !debt.people.is_empty();
        for facts in statements.filter(|facts| debt.rests_on(facts.tag)) {
            match signer(self.policy, self.roster, &facts.signer) {
                Signer::Person { number, .. } => {
                    people.add(number);
                    known |= facts.tag == debt.tag;
                }
                Signer::Nobody | Signer::Refused(_) => {}
            }
        }
        known.then_some(people)
    }

    /// Whether somebody distinct approves what went out.
    fn reviewed(&self, span: &Span<'_>, barred: &Crowd) -> (DebtState, Vec<CommitVerdict>) {
        let mut voices = sift(span);
        voices.approvals.retain(|one| has_say(one, barred));
        let names = |approval: &Approval| approval.settles == Some(self.owed.debt.tag);
        let mut notes = Vec::new();
        let mut settled = !self.rules.is_empty();
        let mut by = BTreeSet::new();
        let mut could = Crowd::default();
        let mut judged = Vec::new();
        for rule in self.rules {
            let ruling = Ruling::new(span, rule, &voices);
            let outcome = ruling.judge();
            let whole = tip::whole(&ruling, &outcome, &names);
            settled &= outcome.reasons.is_empty() && whole;
            by.extend(approvers(&outcome));
            could.join(&ruling.could_approve().both(&self.able(&ruling)));
            notes.extend(self.objections(&ruling, &voices));
            judged.push((ruling, outcome));
        }
        let commits = range::verdicts(span, &judged);
        settled &= notes.is_empty() && voices.unchecked.is_empty() && !span.exhausted();
        if settled {
            return (DebtState::Reviewed { by }, commits);
        }
        let all = span.facts.commits.iter();
        let mut own = Crowd::default();
        for (commit, contributors) in all.zip(&span.contributors) {
            if commit.content.adds() {
                own.join(contributors);
            }
        }
        notes.extend(self.unheard(span, barred));
        notes.truncate(MAX_NOTES);
        let state = DebtState::Open {
            notes,
            could: self.roster.names(&could.without(barred).without(&own)),
        };
        (state, commits)
    }

    fn able(&self, ruling: &Ruling<'_>) -> Crowd {
        let mut able = Crowd::default();
        for demand in &ruling.demands {
            able.join(&demand.able);
        }
        able
    }

    /// What stands against it: it stays owed, and says so.
    fn objections(&self, ruling: &Ruling<'_>, voices: &Voices<'_>) -> Vec<Note> {
        let standing = objections::standing(ruling, &voices.objections);
        let pairs = voices.objections.iter().zip(standing);
        let standing = pairs.filter(|(_, stands)| *stands);
        standing
            .map(|(objection, _)| Note {
                code: Code::REJECTED,
                text: format!(
                    "{} objects to what went in: `{}`",
                    self.roster.name(objection.person),
                    crate::types::escape(objection.reason.unwrap_or("no reason").as_bytes())
                ),
            })
            .collect()
    }

    /// Approvals of what went out that do not settle it, and why.
    fn unheard(&self, span: &Span<'_>, barred: &Crowd) -> Vec<Note> {
        let debt = &self.owed.debt;
        let all = sift(span);
        let about = all
            .approvals
            .iter()
            .filter(|one| span.oid(one.at) == Some(debt.commit));
        about
            .filter_map(|approval| {
                let who = self.roster.name(approval.person);
                let commit = debt.commit.short();
                let why = if !has_say(approval, barred) {
                    "declared an emergency that is owed, or signed it too, or stands in for who did"
                        .to_owned()
                } else if approval.settles != Some(debt.tag) {
                    format!("does not say that it settles `{}`", debt.tag.short())
                } else {
                    return None;
                };
                Some(Note {
                    code: Code::SETTLES_NOTHING,
                    text: format!("{who} approved `{commit}`, but {why}"),
                })
            })
            .collect()
    }

    /// Who approved that it is taken back: each commit that this push brings is covered by people who
    /// have a say here, and had no hand in what is taken back.
    fn taken_back(&self, update: &Judged<'_>) -> Option<BTreeSet<PersonName>> {
        let findings = &update.findings;
        let unapproved = findings.emergency.is_some() || !findings.let_pass.is_empty();
        if !findings.reasons.is_empty() || unapproved {
            return None;
        }
        // Going back takes it off the ref, and is no review of it.
        if update.findings.rollback.is_some() {
            return None;
        }
        let range = self.owed.range.as_ref().ok()?;
        let mut barred = self.barred(range)?;
        let name = &self.owing.refname;
        let before = Span::new(self.policy, self.roster, name, self.facts.now, range).ok()?;
        for contributors in &before.contributors {
            barred.join(contributors);
        }
        let bringing = update.range?;
        let span = Span::new(self.policy, self.roster, name, self.facts.now, bringing).ok()?;
        let mut voices = sift(&span);
        voices.approvals.retain(|one| has_say(one, &barred));
        let mut by = BTreeSet::new();
        for rule in self.rules {
            let ruling = Ruling::new(&span, rule, &voices);
            let outcome = ruling.judge();
            if !outcome.reasons.is_empty() || !tip::whole(&ruling, &outcome, &|_| true) {
                return None;
            }
            by.extend(approvers(&outcome));
        }
        (!self.rules.is_empty() && !span.exhausted()).then_some(by)
    }
}

/// Whether neither who approves nor in whose stead is one of those who have no say: nobody is rid of
/// their own emergency by naming a deputy.
fn has_say(approval: &Approval, barred: &Crowd) -> bool {
    let stead = approval.stead.is_some_and(|stead| barred.has(stead));
    !barred.has(approval.person) && !stead
}

fn approvers(outcome: &Outcome) -> impl Iterator<Item = PersonName> {
    outcome
        .covers
        .values()
        .flatten()
        .map(|cover| cover.person.clone())
}
