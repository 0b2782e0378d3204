//! What a statement is about, found and judged before anybody is asked.

use super::About;
use crate::cli::Failure;
use crate::client::{Assessment, Assumed, FileStat, Outlook, Planned, Workspace, branch};
use crate::decide::{CommitVerdict, DebtState, DebtVerdict, UpdateVerdict};
use crate::statement::{Decision, Particulars, Statement};
use crate::types::{Oid, PersonName, RefName, Timestamp, escape};
use crate::ui;
use std::collections::BTreeSet;

/// A commit and the ref that it is meant for.
pub(in crate::cli) struct Target {
    /// The ref.
    pub refname: RefName,
    /// The commit, by its whole id.
    pub commit: Oid,
    /// What the ref is on the server now.
    pub base: Option<Oid>,
    /// What would be said to a push of it now.
    pub assessment: Assessment,
    /// The paths that change.
    pub files: Vec<FileStat>,
    /// What is owed, where the commit is one that went in by an emergency.
    pub debt: Option<DebtVerdict>,
}

impl Target {
    /// Finds it.
    ///
    /// # Errors
    /// A name for nothing or for several commits; a ref that is not protected or has the commit
    /// already; a range that cannot be read, for then nobody could know what they sign.
    pub(in crate::cli) fn find(
        about: &About,
        workspace: &Workspace,
        signer: &Assumed,
    ) -> anyhow::Result<Self> {
        let refname = match &about.refname {
            Some(name) => branch(name)?,
            None => workspace.only_protected()?,
        };
        if !workspace.policy().protects(&refname) {
            return Err(Failure::usage(format!(
                "no rule of the policy protects {refname}"
            )));
        }
        let commit = workspace.commit(&about.commit, &refname)?;
        if let Some(debt) = owed(workspace, &refname, commit) {
            return Self::of_debt(workspace, signer, refname, debt);
        }
        let planned = workspace.change(refname.clone(), Some(commit))?;
        let planned = planned
            .ok_or_else(|| Failure::usage(format!("{refname} is at {} already", commit.short())))?;
        let base = planned.change.old();
        let assessment = assess(workspace, planned, signer)?;
        Ok(Self {
            files: workspace.diffstat(base, commit)?,
            refname,
            commit,
            base,
            assessment,
            debt: None,
        })
    }

    /// What went in by an emergency, as it was when it did.
    fn of_debt(
        workspace: &Workspace,
        signer: &Assumed,
        refname: RefName,
        debt: DebtVerdict,
    ) -> anyhow::Result<Self> {
        let (base, commit) = (debt.debt.base, debt.debt.commit);
        Ok(Self {
            files: workspace.diffstat(base, commit)?,
            refname,
            commit,
            base,
            assessment: workspace.assess(&[], signer)?,
            debt: Some(debt),
        })
    }

    /// The commits that it is about.
    pub(in crate::cli) fn commits(&self) -> &[CommitVerdict] {
        match &self.debt {
            Some(debt) => &debt.commits,
            None => self.verdict().map_or(&[], |update| &update.commits),
        }
    }

    /// What a statement would do about what is owed.
    pub(in crate::cli) fn settling(
        &self,
        workspace: &Workspace,
        statement: &Statement,
        signer: Option<&PersonName>,
    ) -> Option<String> {
        let debt = self.debt.as_ref()?;
        let entry = debt.debt.entry;
        let after = match signer {
            Some(person) => workspace.owed_with(statement, person),
            None => workspace.owed(),
        };
        let after = after.into_iter().find(|one| one.debt.entry == entry);
        let state = after.map(|one| one.state);
        Some(match state {
            Some(DebtState::Open { notes, .. }) => {
                let why: String = notes
                    .iter()
                    .map(|note| format!(" {}.", note.text))
                    .collect();
                format!("It went in by an emergency (entry {entry}), and is still owed then.{why}")
            }
            Some(DebtState::Reviewed { .. } | DebtState::Reverted { .. }) | None => format!(
                "It went in by an emergency (entry {entry}): this settles what is owed for it."
            ),
        })
    }

    /// What is stated about it.
    pub(in crate::cli) fn statement(
        &self,
        workspace: &Workspace,
        decision: Decision,
        expires: Option<Timestamp>,
        reason: Option<String>,
    ) -> anyhow::Result<Statement> {
        Ok(Statement {
            base: self.base,
            expires,
            reason,
            particulars: Particulars {
                // Who says yes to what was rolled back is shown why it was.
                answers: match decision {
                    Decision::Approve => self.rolled_back_by(),
                    Decision::Reject
                    | Decision::Lift
                    | Decision::Withdraw { .. }
                    | Decision::Emergency
                    | Decision::Delegate
                    | Decision::Rollback
                    | Decision::Check => Vec::new(),
                },
                settles: match decision {
                    Decision::Approve => self.debt.as_ref().map(|debt| debt.debt.tag),
                    Decision::Reject
                    | Decision::Lift
                    | Decision::Withdraw { .. }
                    | Decision::Emergency
                    | Decision::Delegate
                    | Decision::Rollback
                    | Decision::Check => None,
                },
                ..Particulars::default()
            },
            ..workspace.states(decision, self.refname.clone(), self.commit)?
        })
    }

    /// The statements of the rollbacks that undid something of it before, which a new approval answers.
    pub(in crate::cli) fn rolled_back_by(&self) -> Vec<Oid> {
        let updates = self.assessment.facts.updates.iter();
        let ranges = updates.filter_map(|update| update.range());
        let undone = ranges.flat_map(|range| &range.undone);
        let tags: BTreeSet<Oid> = undone
            .filter_map(|undone| undone.statements.first().copied())
            .collect();
        tags.into_iter().collect()
    }

    /// Why that was: who approves it again has read this.
    pub(in crate::cli) fn why_rolled_back(
        &self,
        workspace: &Workspace,
    ) -> anyhow::Result<Vec<String>> {
        let mut remarks = Vec::new();
        for tag in self.rolled_back_by() {
            let stored = workspace.view().stored(tag)?;
            let reason = stored.statement.reason.unwrap_or_default();
            let who = stored.signer.map(|person| person.to_string());
            remarks.push(format!(
                "Some of this was rolled back from {} by {}: {}",
                stored.statement.refname,
                who.unwrap_or_else(|| "somebody who is not in the policy any more".to_owned()),
                escape(reason.as_bytes())
            ));
        }
        if !remarks.is_empty() {
            remarks.push(
                "By signing you say that you have read this, and that it may go out again."
                    .to_owned(),
            );
        }
        Ok(remarks)
    }

    /// What is said to the push of it.
    pub(in crate::cli) fn verdict(&self) -> Option<&UpdateVerdict> {
        self.assessment.verdict.updates.first()
    }

    /// Shows the whole change, where that was asked for.
    pub(in crate::cli) fn show_diff(
        &self,
        about: &About,
        workspace: &Workspace,
    ) -> anyhow::Result<()> {
        if about.diff {
            ui::emit(&workspace.patch(self.base, self.commit)?);
            ui::emit("\n");
        }
        Ok(())
    }
}

/// What is owed of exactly this commit on this ref.
fn owed(workspace: &Workspace, refname: &RefName, commit: Oid) -> Option<DebtVerdict> {
    let is_this = |debt: &DebtVerdict| {
        debt.refname == *refname && debt.debt.commit == commit && debt.state.is_open()
    };
    workspace.owed().into_iter().find(is_this)
}

fn assess(workspace: &Workspace, planned: Planned, signer: &Assumed) -> anyhow::Result<Assessment> {
    let assessment = workspace.assess(&[planned], signer)?;
    let no_range = assessment
        .facts
        .updates
        .iter()
        .all(|update| update.range().is_none());
    if !no_range {
        return Ok(assessment);
    }
    let of_updates = assessment.verdict.updates.iter();
    let why: Vec<String> = of_updates
        .flat_map(|update| &update.reasons)
        .map(|reason| format!("{} {reason}", reason.code()))
        .collect();
    let why = format!("what it brings cannot be read: {}", why.join("; "));
    if assessment.outlook() == Outlook::Unclear {
        Err(anyhow::anyhow!(why))
    } else {
        Err(Failure::refused(anyhow::anyhow!(why)))
    }
}
