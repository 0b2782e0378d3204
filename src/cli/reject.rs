//! `relhook reject`: a signed no, which stands until its signer takes it back.

use super::Answer;
use super::state::{About, How, Target};
use crate::client::Workspace;
use crate::statement::Decision;
use crate::types::{PersonName, RefName, TeamName};
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
        let statement = target.statement(&workspace, Decision::Reject, None, reason)?;
        target.show_diff(&self.about, &workspace)?;
        let person = signer.person.as_ref();
        let settling = target.settling(&workspace, &statement, person);
        let remarks = [match settling {
            Some(settling) => settling,
            None => meaning(&workspace, &target.refname, person),
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

/// What the rejection will do: it counts only from somebody who could approve.
fn meaning(workspace: &Workspace, refname: &RefName, signer: Option<&PersonName>) -> String {
    let rules = workspace.policy().rules_for(refname);
    let teams: Vec<TeamName> = rules
        .iter()
        .flat_map(|rule| {
            let paths = rule.paths.iter().flat_map(|paths| &paths.from);
            rule.from.iter().chain(paths)
        })
        .cloned()
        .collect();
    let counts = signer.is_some_and(|person| workspace.policy().members(&teams).contains(person));
    if counts {
        "It stops every push that brings this commit, until you withdraw it.".into()
    } else {
        "It will not count: you are in no team whose approvals are asked for there.".into()
    }
}
