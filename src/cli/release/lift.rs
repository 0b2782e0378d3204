//! `relhook release lift`: a signed statement that a release may go on to a stage.

use crate::cli::state::How;
use crate::cli::{Answer, Failure};
use crate::client::{Workspace, branch};
use crate::policy::{Distinct, LiftRule, Stage};
use crate::statement::{Decision, Statement};
use crate::types::{Oid, RefName, escape};
use clap::Args;
use std::ffi::OsString;
use std::path::Path;

/// What `relhook release lift` is asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
It is run in your clone, signed by your own git (user.signingKey, gpg.format) and pushed to the
remote. It counts for what the ref names on the server now, from when the stages before have it.")]
pub struct LiftArgs {
    /// The stage that the release may go on to
    #[arg(value_name = "STAGE")]
    stage: String,
    /// The protected ref whose release it is, if there are several
    #[arg(long = "ref", value_name = "REF")]
    refname: Option<OsString>,
    /// Why, kept as a trailer
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    how: How,
}

impl LiftArgs {
    /// Shows, asks, signs, pushes.
    ///
    /// # Errors
    /// When nothing holds a release before this stage, the answer is no, or it cannot be signed or
    /// pushed.
    pub fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        let workspace = self.how.workspace(dir)?;
        let signer = How::signer(&workspace)?;
        let (stage, rule) = self.held(&workspace)?;
        let refname = self.refname(&workspace, stage)?;
        let commit = workspace
            .value(&refname)?
            .ok_or_else(|| Failure::usage(format!("{refname} is not on the server")))?;
        let statement = Statement {
            stage: Some(stage.name.clone()),
            reason: self.reason.clone(),
            ..workspace.states(Decision::Lift, refname, commit)?
        };
        let mut shown = describe(&statement, stage, rule, commit);
        let people = workspace.policy().members(&rule.from);
        if !signer
            .person
            .as_ref()
            .is_some_and(|person| people.contains(person))
        {
            shown += "It will not count: you are in none of these teams.\n";
        }
        self.how.deliver(&workspace, &statement, &shown)
    }

    /// The stage, and who lifts its hold.
    fn held<'a>(&self, workspace: &'a Workspace) -> anyhow::Result<(&'a Stage, &'a LiftRule)> {
        let stages = &workspace.policy().stages;
        let shown = escape(self.stage.as_bytes());
        let found = stages
            .iter()
            .find(|stage| stage.name.as_str() == self.stage);
        let Some(stage) = found else {
            let names: Vec<String> = stages.iter().map(|stage| stage.name.to_string()).collect();
            let there = match names.as_slice() {
                [] => "it has none".to_owned(),
                names => format!("it has {}", names.join(", ")),
            };
            return Err(Failure::usage(format!(
                "the policy has no stage `{shown}`; {there}"
            )));
        };
        match &stage.hold.lift {
            Some(rule) => Ok((stage, rule)),
            None => Err(Failure::usage(format!(
                "nobody has to let a release go on to the stage `{shown}`"
            ))),
        }
    }

    /// The ref: the one that is named, or the only one that is released to this stage.
    fn refname(&self, workspace: &Workspace, stage: &Stage) -> anyhow::Result<RefName> {
        if let Some(name) = &self.refname {
            return Ok(branch(name)?);
        }
        let rules = workspace.policy().rules.iter();
        let mut patterns: Vec<&str> = rules
            .filter(|rule| rule.release.iter().any(|name| stage.targets.contains(name)))
            .map(|rule| rule.pattern.as_str())
            .collect();
        patterns.dedup();
        match patterns.as_slice() {
            [only] if !only.contains(['*', '?', '[', '{']) => RefName::new(only.as_bytes())
                .map_err(|error| Failure::usage(format!("{}: {}", error.shown, error.why))),
            [] => Err(Failure::usage(
                "no rule of the policy releases to this stage",
            )),
            _several => Err(Failure::usage(format!(
                "say which ref with --ref: {} are released to this stage",
                patterns.join(", ")
            ))),
        }
    }
}

fn describe(statement: &Statement, stage: &Stage, rule: &LiftRule, commit: Oid) -> String {
    let targets: Vec<String> = stage.targets.iter().map(ToString::to_string).collect();
    let teams: Vec<String> = rule.from.iter().map(ToString::to_string).collect();
    let distinct = match rule.distinct {
        Distinct::FromNobody => "",
        Distinct::FromContributors => ", who did not contribute to it",
        Distinct::FromApproversToo => ", who neither contributed to it nor approved it",
    };
    let mut text = format!(
        "Let {commit}\n  of {} go on to the stage {}\n  with the targets: {}\n  \
         It takes one of {}{distinct}.\n",
        statement.refname,
        stage.name,
        targets.join(", "),
        teams.join(" or "),
    );
    if let Some(reason) = &statement.reason {
        text += &format!("  because: {}\n", escape(reason.as_bytes()));
    }
    text
}
