//! `relhook emergency`: a signed statement that exactly this commit has to go out now, approved or not.

use super::state::{self, About, How, Target};
use super::{Answer, Exit, Failure};
use crate::client::Workspace;
use crate::policy::Emergency;
use crate::statement::Decision;
use crate::types::{PersonName, RefName, TeamName, escape, shell_word};
use crate::ui::{self, Color, Proposal};
use clap::Args;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What `relhook emergency` is asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
It stands in for approvals and for nothing else, lets in one push of exactly this commit on top of
what the ref is now, and soon expires. Everybody is told, and somebody distinct has to look at it
afterwards. Where the policy wants a second signature, another person runs the same command.")]
pub struct EmergencyArgs {
    /// The commit: an id, a branch here, or a branch of the remote; what you stand on without it
    #[arg(value_name = "COMMIT", default_value = "HEAD")]
    commit: OsString,
    /// The protected ref that it is for, if there are several
    #[arg(long = "ref", value_name = "REF")]
    refname: Option<OsString>,
    /// What has happened: everybody who is told of it reads this, today and in a year
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The ticket that it belongs to
    #[arg(long, value_name = "TICKET")]
    ticket: Option<String>,
    /// Until when it counts: 2h, or 2026-12-24T00:00:00Z; as long as the policy allows without it
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,
    /// Show the whole change, too, escaped and with no attribute or converter applied
    #[arg(long)]
    diff: bool,
    #[command(flatten)]
    how: How,
}

impl EmergencyArgs {
    /// Shows, asks, signs, pushes the statement; the commit itself is pushed afterwards.
    ///
    /// # Errors
    /// When no emergency is possible or needed, the answer is no, or it cannot be signed or pushed.
    pub fn run(&self, dir: &Path, color: Color) -> anyhow::Result<Answer> {
        let workspace = self.how.workspace(dir)?;
        let signer = How::signer(&workspace)?;
        let about = About::of(&self.commit, self.refname.as_deref()).showing(self.diff);
        let target = Target::find(&about, &workspace, &signer)?;
        let rules = rules(&workspace, &target.refname)?;
        let longest = rules.iter().map(|rule| rule.expire).min();
        let expires = match &self.expires {
            Some(text) => state::expiry(text, workspace.now)?,
            None => workspace.now.plus(longest.unwrap_or(Emergency::EXPIRE)),
        };
        let update = target.verdict();
        if update.is_some_and(|update| update.reasons.is_empty() && update.emergency.is_none()) {
            return Err(Failure::usage("nothing is lacking: push it as it is"));
        }
        let reason = Some(self.reason.clone());
        let mut statement =
            target.statement(&workspace, Decision::Emergency, Some(expires), reason)?;
        statement.particulars.ticket = self.ticket.clone();
        target.show_diff(&about, &workspace)?;
        let person = signer.person.as_ref();
        let afterwards =
            person.map(|person| workspace.with_statement(&target.assessment, &statement, person));
        let proposal = Proposal {
            verb: "Declare an emergency for",
            statement: &statement,
            signer: (person, &signer.because),
            commits: update.map_or(&[], |update| &update.commits),
            files: &target.files,
            afterwards: afterwards.as_ref().and_then(|updates| updates.first()),
            remarks: &[meaning(&workspace, &rules, person)],
        };
        let shown = ui::proposal(&proposal, color);
        let mut answer = self.how.deliver(&workspace, &statement, &shown)?;
        if answer.exit == Exit::Pass {
            let remote = shell_word(&escape(workspace.remote_word().as_bytes()));
            let refname = shell_word(&target.refname.to_string());
            answer.text += &format!(
                "then the push itself:\n    git push {remote} {}:{refname}\n",
                target.commit.subject()
            );
        }
        Ok(answer)
    }
}

/// What the rules of the ref say of emergencies.
fn rules<'a>(workspace: &'a Workspace, refname: &RefName) -> anyhow::Result<Vec<&'a Emergency>> {
    let rules = workspace.policy().rules_for(refname);
    let each = rules.iter().map(|rule| {
        rule.emergency.as_ref().ok_or_else(|| {
            Failure::usage(format!(
                "RH501 no emergency lets anything in to `{}`: have it approved",
                rule.pattern
            ))
        })
    });
    each.collect()
}

/// What it will mean.
fn meaning(workspace: &Workspace, rules: &[&Emergency], signer: Option<&PersonName>) -> String {
    let may = |teams: &[TeamName]| {
        signer.is_some_and(|person| workspace.policy().members(teams).contains(person))
    };
    if rules.iter().all(|rule| may(&rule.by)) {
        "Everybody is told, and the review is owed: by somebody who had no hand in it, and not by \
         you."
            .into()
    } else if rules
        .iter()
        .any(|rule| rule.cosign.as_deref().is_some_and(may))
    {
        "You sign what somebody else has declared or will: it does not let anything in alone. You \
         can then not settle it."
            .into()
    } else {
        "It will not count: you are in no team that may declare an emergency there.".into()
    }
}
