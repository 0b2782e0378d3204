//! `relhook rollback`: a protected ref goes back to what was accepted before, on a person's signed word.

use super::state::{self, How};
use super::{Answer, Failure};
use crate::client::{Assessment, Assumed, Workspace, branch};
use crate::decide::Reason;
use crate::facts::WayBackFacts;
use crate::statement::{Decision, Particulars, Statement};
use crate::types::{Oid, RefName};
use crate::ui::{self, Color, GoingBack};
use clap::Args;
use std::ffi::OsString;
use std::path::Path;

/// What `relhook rollback` is asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
The policy says who may: `rollback` in every rule of the ref. The statement is signed by your own git and
pushed together with the move, all or nothing. It counts once, for exactly this move.")]
pub struct RollbackArgs {
    /// The commit to go back to, which the ref was at before: an id, or a branch or tag here
    #[arg(long, value_name = "COMMIT")]
    to: OsString,
    /// The protected ref, if there are several
    #[arg(long = "ref", value_name = "REF")]
    refname: Option<OsString>,
    /// Why: everybody who approves these commits again will read this
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The incident or change request
    #[arg(long, value_name = "TICKET")]
    ticket: Option<String>,
    /// Until when it counts, a day at most: 1h, 30m, or 2026-12-24T00:00:00Z
    #[arg(long, value_name = "WHEN", default_value = "1h")]
    expires: String,
    #[command(flatten)]
    how: How,
}

/// A move back, looked at.
struct Way {
    refname: RefName,
    from: Oid,
    to: Oid,
    assessment: Assessment,
}

impl RollbackArgs {
    /// Shows, asks, signs, pushes.
    ///
    /// # Errors
    /// When there is no way back, the answer is no, or it cannot be signed or pushed.
    pub fn run(&self, dir: &Path, color: Color) -> anyhow::Result<Answer> {
        let workspace = self.how.workspace(dir)?;
        let signer = How::signer(&workspace)?;
        let way = self.way(&workspace, &signer)?;
        let back = way.facts()?;
        let statement = Statement {
            base: Some(way.from),
            expires: Some(state::expiry(&self.expires, workspace.now)?),
            reason: Some(self.reason.clone()),
            particulars: Particulars {
                ticket: self.ticket.clone(),
                ..Particulars::default()
            },
            ..workspace.states(Decision::Rollback, way.refname.clone(), way.to)?
        };
        let reasons = remaining(&workspace, &way, &statement, &signer);
        let files = workspace.diffstat(Some(way.from), way.to)?;
        let going = GoingBack {
            statement: &statement,
            signer: (signer.person.as_ref(), &signer.because),
            loses: &back.loses,
            files: &files,
            reasons: &reasons,
        };
        let shown = ui::going_back(&going, color);
        // Where others have to say so too, the last one of them moves the ref.
        let waits = reasons
            .iter()
            .any(|reason| matches!(reason, Reason::RollbackUnstated { .. }));
        if waits {
            self.how.deliver(&workspace, &statement, &shown)
        } else {
            self.how.deliver_with_move(&workspace, &statement, &shown)
        }
    }

    fn way(&self, workspace: &Workspace, signer: &Assumed) -> anyhow::Result<Way> {
        let refname = match &self.refname {
            Some(name) => branch(name)?,
            None => workspace.only_protected()?,
        };
        let to = workspace.commit(&self.to, &refname)?;
        let planned = workspace.change(refname.clone(), Some(to))?;
        let planned = planned
            .ok_or_else(|| Failure::usage(format!("{refname} is at {} already", to.short())))?;
        let from = planned
            .change
            .old()
            .ok_or_else(|| Failure::usage(format!("{refname} is not there")))?;
        Ok(Way {
            assessment: workspace.assess(&[planned], signer)?,
            refname,
            from,
            to,
        })
    }
}

impl Way {
    fn facts(&self) -> anyhow::Result<&WayBackFacts> {
        let mut ranges = self.assessment.facts.updates.iter();
        let range = ranges.find_map(|update| update.range());
        let no_way = |why: String| Failure::refused(anyhow::anyhow!(why));
        let back = range.and_then(|range| range.way_back.as_ref());
        let Some(back) = back else {
            return Err(no_way(match range {
                Some(range) if range.fast_forward => {
                    format!(
                        "{} is ahead of {}, not behind",
                        self.to.short(),
                        self.refname
                    )
                }
                Some(_) | None => Reason::RollbackNever {
                    refname: self.refname.clone(),
                }
                .to_string(),
            }));
        };
        if back.is_ancestor {
            Ok(back)
        } else {
            let (to, from) = (self.to.short(), self.from.short());
            Err(no_way(format!(
                "{} is at {from}, which does not descend from {to}",
                self.refname
            )))
        }
    }
}

/// What the server would still have against it.
fn remaining(
    workspace: &Workspace,
    way: &Way,
    statement: &Statement,
    signer: &Assumed,
) -> Vec<Reason> {
    let updates = match &signer.person {
        Some(person) => workspace.with_statement(&way.assessment, statement, person),
        None => way.assessment.verdict.updates.clone(),
    };
    let updates = updates.into_iter();
    updates.flat_map(|update| update.reasons).collect()
}
