//! `relhook attest-check`: a job says how a check of one commit went, over its own signature.

use super::{Answer, Exit, Failure};
use crate::client::{Freshness, Workspace, branch};
use crate::policy::check_name;
use crate::statement::{CheckResult, Decision, Particulars, Statement};
use crate::types::{CheckName, escape};
use clap::{Args, ValueEnum};
use std::ffi::OsString;
use std::path::Path;

/// What `relhook attest-check` is asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
It is signed by the git settings of the account that runs it (user.signingKey, gpg.format), with a key
that the policy has for a machine, and pushed to the remote. What a machine says last is what counts.")]
pub struct AttestCheckArgs {
    /// The commit: an id, a branch here, or a branch of the remote
    #[arg(value_name = "COMMIT", default_value = "HEAD")]
    commit: OsString,
    /// Which check it was, as the policy names it
    #[arg(long, value_name = "NAME")]
    name: String,
    /// How it went
    #[arg(long, value_name = "RESULT")]
    result: Outcome,
    /// The protected ref that it is for, if there are several
    #[arg(long = "ref", value_name = "REF")]
    refname: Option<OsString>,
    /// What to look at, such as the job's address; kept as a trailer
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The remote that gets it
    #[arg(long, value_name = "REMOTE")]
    remote: Option<OsString>,
    /// Keep it in this clone and push it later
    #[arg(long)]
    no_push: bool,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Outcome {
    /// Well
    Pass,
    /// Not well
    Fail,
}

impl AttestCheckArgs {
    /// Signs and pushes. Nobody is asked: a job has no one to ask.
    ///
    /// # Errors
    /// When there is no such commit or check, or it cannot be signed or pushed.
    pub fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        if let Err(why) = check_name(&self.name) {
            let name = escape(self.name.as_bytes());
            return Err(Failure::usage(format!("--name: `{name}` {why}")));
        }
        let workspace = Workspace::open(dir, self.remote.as_deref(), Freshness::Fetched)?;
        let refname = match &self.refname {
            Some(name) => branch(name)?,
            None => workspace.only_protected()?,
        };
        let commit = workspace.commit(&self.commit, &refname)?;
        let statement = Statement {
            reason: self.reason.clone(),
            particulars: Particulars {
                check: Some(CheckResult {
                    name: CheckName::new(self.name.as_str()),
                    passed: self.result == Outcome::Pass,
                }),
                ..Particulars::default()
            },
            ..workspace.states(Decision::Check, refname, commit)?
        };
        let title = super::state::title(&statement);
        let signed = workspace.sign(&statement, &title, "")?;
        let (signer, refname) = (&signed.signer, &signed.refname);
        if self.no_push {
            workspace.keep(&signed)?;
            let text = format!("signed by {signer}, kept in this clone as {refname}\n");
            return Ok(Answer::pass(text));
        }
        let remote = workspace.remote.shown();
        let commit = commit.short();
        if workspace.push(&signed)? {
            let text = format!(
                "{} of {commit}: signed by {signer}, taken in by {remote}\n",
                self.name
            );
            return Ok(Answer::pass(text));
        }
        Ok(Answer {
            text: format!("not taken in by {remote}\n"),
            exit: Exit::Refused,
        })
    }
}
