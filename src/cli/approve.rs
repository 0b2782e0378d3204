//! `relhook approve`: a signed yes to exactly one commit for exactly one ref.

use super::Answer;
use super::state::{self, About, How, Target};
use crate::statement::Decision;
use crate::ui::{self, Color, Proposal};
use clap::Args;
use std::path::Path;

/// What `relhook approve` is asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
It is signed by your own git (user.signingKey, gpg.format) and pushed to the remote. It covers what
the commit brings to the ref as it is on the server now, and none of your own commits.")]
pub struct ApproveArgs {
    #[command(flatten)]
    about: About,
    /// Until when it counts: 30d, 12h, or 2026-12-24T00:00:00Z
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,
    /// Why, kept as a trailer
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    how: How,
}

impl ApproveArgs {
    /// Shows, asks, signs, pushes.
    ///
    /// # Errors
    /// When there is nothing to approve, the answer is no, or it cannot be signed or pushed.
    pub fn run(&self, dir: &Path, color: Color) -> anyhow::Result<Answer> {
        let workspace = self.how.workspace(dir)?;
        let expires = self.expires.as_deref();
        let expires = expires
            .map(|text| state::expiry(text, workspace.now))
            .transpose()?;
        let signer = How::signer(&workspace)?;
        let target = Target::find(&self.about, &workspace, &signer)?;
        let statement =
            target.statement(&workspace, Decision::Approve, expires, self.reason.clone())?;
        target.show_diff(&self.about, &workspace)?;
        let afterwards = signer
            .person
            .as_ref()
            .map(|person| workspace.with_statement(&target.assessment, &statement, person));
        let verdict = target.verdict();
        let proposal = Proposal {
            verb: "Approve",
            statement: &statement,
            signer: (signer.person.as_ref(), &signer.because),
            commits: verdict.map_or(&[], |update| &update.commits),
            files: &target.files,
            afterwards: afterwards.as_ref().and_then(|updates| updates.first()),
            remarks: &[],
        };
        let shown = ui::proposal(&proposal, color);
        self.how.deliver(&workspace, &statement, &shown)
    }
}
