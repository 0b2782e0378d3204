//! `relhook reject`: a signed no, which stands until its signer takes it back.

use super::Answer;
use super::state::{self, About, How, Target};
use crate::client::Workspace;
use crate::statement::{Decision, Statement};
use crate::types::{PersonName, TeamName};
use crate::ui::{self, Color, Proposal};
use clap::Args;
use std::path::Path;

/// What `relhook reject` is asked for.
#[derive(Debug, Args)]
pub struct RejectArgs {
    #[command(flatten)]
    about: About,
    /// Why: everybody who pushes it will read this
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// In whose stead, as the deputy whom they named
    #[arg(long = "in-stead-of", value_name = "PERSON")]
    stead: Option<String>,
    #[command(flatten)]
    how: How,
}

impl RejectArgs {
    /// Shows, asks, signs, pushes.
    ///
    /// # Errors
    /// When there is nothing to reject, the answer is no, or it cannot be signed or pushed.
    pub fn run(&self, dir: &Path, color: Color) -> anyhow::Result<Answer> {
        let workspace = self.how.workspace(dir)?;
        let signer = How::signer(&workspace)?;
        let target = Target::find(&self.about, &workspace, &signer)?;
        let reason = Some(self.reason.clone());
        let mut statement = target.statement(&workspace, Decision::Reject, None, reason)?;
        statement.particulars.stead = state::stead(&workspace, self.stead.as_deref())?;
        target.show_diff(&self.about, &workspace)?;
        let person = signer.person.as_ref();
        let settling = target.settling(&workspace, &statement, person);
        let remarks = [match settling {
            Some(settling) => settling,
            None => meaning(&workspace, &statement, person)?,
        }];
        let proposal = Proposal {
            verb: "Reject",
            statement: &statement,
            signer: (signer.person.as_ref(), &signer.because),
            commits: target.commits(),
            files: &target.files,
            afterwards: None,
            remarks: &remarks,
        };
        let shown = ui::proposal(&proposal, color);
        self.how.deliver(&workspace, &statement, &shown)
    }
}

/// What the rejection will do: it counts only from somebody who could approve, or in their stead from
/// their deputy.
fn meaning(
    workspace: &Workspace,
    statement: &Statement,
    signer: Option<&PersonName>,
) -> anyhow::Result<String> {
    let rules = workspace.policy().rules_for(&statement.refname);
    let teams: Vec<TeamName> = rules
        .iter()
        .flat_map(|rule| {
            let paths = rule.paths.iter().flat_map(|paths| &paths.from);
            rule.from.iter().chain(paths)
        })
        .cloned()
        .collect();
    let stead = statement.particulars.stead.as_ref();
    let member = stead.or(signer);
    let asked = member.is_some_and(|person| workspace.policy().members(&teams).contains(person));
    let is_deputy = match (stead, signer) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(stead), Some(signer)) => {
            let standing = workspace.view().standing(&workspace.git)?;
            standing.deputies.iter().any(|deputy| {
                deputy.heeded
                    && deputy.by() == Some(stead)
                    && deputy.stands_in(signer, &statement.refname, workspace.now)
            })
        }
    };
    Ok(match (asked, is_deputy) {
        (true, true) => {
            "It stops every push that brings this commit, until you withdraw it.".to_owned()
        }
        (true, false) => "It will not count: you are not their deputy there now.".to_owned(),
        (false, _) if stead.is_some() => {
            "It will not count: they are in no team whose approvals are asked for there.".to_owned()
        }
        (false, _) => {
            "It will not count: you are in no team whose approvals are asked for there.".to_owned()
        }
    })
}
