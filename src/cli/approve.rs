//! `relhook approve`: a signed yes to exactly one commit for exactly one ref.

use super::state::{self, About, How, Target};
use super::{Answer, Failure};
use crate::policy::{Policy, check_name};
use crate::statement::Decision;
use crate::types::{WindowName, escape};
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
    /// Name the change request that it is for
    #[arg(long, value_name = "NAME")]
    ticket: Option<String>,
    /// Override a release window or a freeze for this commit; again for another one
    #[arg(long = "override", value_name = "NAME", requires = "reason")]
    overrides: Vec<String>,
    /// In whose stead, as the deputy whom they named
    #[arg(long = "in-stead-of", value_name = "PERSON")]
    stead: Option<String>,
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
        let mut statement =
            target.statement(&workspace, Decision::Approve, expires, self.reason.clone())?;
        statement.particulars.ticket = self.ticket.clone();
        statement.particulars.overrides = self.overrides(workspace.policy())?;
        statement.particulars.stead = state::stead(&workspace, self.stead.as_deref())?;
        let mut remarks = target.why_rolled_back(&workspace)?;
        target.show_diff(&self.about, &workspace)?;
        let person = signer.person.as_ref();
        let afterwards =
            person.map(|person| workspace.with_statement(&target.assessment, &statement, person));
        remarks.extend(target.settling(&workspace, &statement, person));
        let proposal = Proposal {
            verb: "Approve",
            statement: &statement,
            signer: (signer.person.as_ref(), &signer.because),
            commits: target.commits(),
            files: &target.files,
            afterwards: afterwards.as_ref().and_then(|updates| updates.first()),
            remarks: &remarks,
        };
        let shown = ui::proposal(&proposal, color);
        self.how.deliver(&workspace, &statement, &shown)
    }
}

impl ApproveArgs {
    /// The windows and freezes that are to be overridden, which have to be there.
    fn overrides(&self, policy: &Policy) -> anyhow::Result<Vec<WindowName>> {
        let calendar = &policy.calendar;
        let known = || calendar.windows.keys().chain(calendar.freezes.keys());
        let mut names = Vec::new();
        for text in &self.overrides {
            let name = WindowName::new(text.as_str());
            if !known().any(|known| *known == name) || check_name(text).is_err() {
                let all: Vec<String> = known().map(|name| format!("`{name}`")).collect();
                let all = match all.as_slice() {
                    [] => "the policy has none".to_owned(),
                    all => format!("there are {}", all.join(", ")),
                };
                let text = escape(text.as_bytes());
                let what = format!("--override: `{text}` is no window and no freeze: {all}");
                return Err(Failure::usage(what));
            }
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(names)
    }
}
