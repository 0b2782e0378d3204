//! `relhook who-can`: who could approve a commit now, and why each other person cannot.

use super::state::{About, How, Target};
use super::{Answer, Exit};
use crate::client::{Chance, Could, Freshness, Outlook, WhyNot, Workspace};
use crate::decide::{Reason, UpdateVerdict};
use crate::statement::Decision;
use crate::types::{Oid, shell_word};
use crate::ui::{self, paragraph};
use clap::Args;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::path::Path;

/// So many commits are named in one sentence.
const MAX_COMMITS: usize = 4;

/// What `relhook who-can` is asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
Everybody's approval is tried by the same decision as the server's, without signing anything.
Exit codes: 0 nothing is lacking, or somebody could approve; 1 something is lacking and nobody could;
2 usage; 3 cannot tell.")]
pub struct WhoCanArgs {
    /// The commit: an id, a branch here, or a branch of the remote
    #[arg(value_name = "COMMIT")]
    commit: OsString,
    /// The protected ref that it is for, if there are several
    #[arg(long = "ref", value_name = "REF")]
    refname: Option<OsString>,
    /// The remote that has the ref
    #[arg(long, value_name = "REMOTE")]
    remote: Option<OsString>,
    /// Use what was fetched last instead of asking the remote
    #[arg(long)]
    offline: bool,
    /// Answer as JSON (relhook/who-can/v1)
    #[arg(long)]
    json: bool,
}

/// Everything that an answer is made from.
struct Asked {
    workspace: Workspace,
    target: Target,
    chances: Vec<Chance>,
}

impl WhoCanArgs {
    /// Tries everybody.
    ///
    /// # Errors
    /// When nothing can be told.
    pub fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        let asked = self.ask(dir)?;
        let text = match self.json {
            true => format!("{:#}\n", asked.json()),
            false => asked.text(),
        };
        let exit = asked.exit();
        Ok(Answer { text, exit })
    }

    fn ask(&self, dir: &Path) -> anyhow::Result<Asked> {
        let freshness = match self.offline {
            true => Freshness::Offline,
            false => Freshness::Fetched,
        };
        let workspace = Workspace::open(dir, self.remote.as_deref(), freshness)?;
        let asking = How::signer(&workspace)?;
        let about = About::of(&self.commit, self.refname.as_deref());
        let target = Target::find(&about, &workspace, &asking)?;
        let statement = target.statement(&workspace, Decision::Approve, None, None)?;
        let chances = workspace.chances(&target.assessment, &statement);
        Ok(Asked {
            workspace,
            target,
            chances,
        })
    }
}

impl Asked {
    fn verdict(&self) -> Option<&UpdateVerdict> {
        self.target.verdict()
    }

    /// What is lacking that people can give.
    fn lacking(&self) -> Vec<&Reason> {
        let reasons = self.verdict().into_iter();
        let reasons = reasons.flat_map(|update| update.reasons.iter().chain(&update.let_pass));
        let given = |reason: &&Reason| {
            matches!(
                reason,
                Reason::NotCovered(_)
                    | Reason::PathsNotCovered { .. }
                    | Reason::TipNotNamed { .. }
                    | Reason::Rejected { .. }
            )
        };
        reasons.filter(given).collect()
    }

    fn able(&self) -> impl Iterator<Item = &Chance> {
        let able = |chance: &&Chance| matches!(chance.could, Could::Yes { .. });
        self.chances.iter().filter(able)
    }

    fn exit(&self) -> Exit {
        if self.target.assessment.outlook() == Outlook::Unclear {
            Exit::CannotTell
        } else if self.lacking().is_empty() || self.able().next().is_some() {
            Exit::Pass
        } else {
            Exit::Refused
        }
    }

    fn text(&self) -> String {
        let target = &self.target;
        let lead = format!("{} for {}", target.commit.short(), target.refname);
        let remote = self.workspace.remote.shown();
        let mut text = paragraph("", &format!("{lead} of {remote}"));
        let lacking = self.lacking();
        if lacking.is_empty() {
            text += &paragraph("  ", "no approval is lacking");
        }
        for reason in &lacking {
            text += &paragraph(&format!("  {} ", reason.code()), &reason.to_string());
        }
        text += "\ncould approve now:\n";
        if self.able().next().is_none() {
            text += "  nobody\n";
        }
        for chance in self.able() {
            text += &paragraph("  ", &self.sentence(chance));
        }
        text += "\neverybody else:\n";
        let able = |chance: &&Chance| matches!(chance.could, Could::Yes { .. });
        for chance in self.chances.iter().filter(|chance| !able(chance)) {
            text += &paragraph("  ", &self.sentence(chance));
        }
        if let Some(command) = self.command() {
            text += &format!("\nwho could runs:\n  {command}\n");
        }
        text
    }

    fn sentence(&self, chance: &Chance) -> String {
        let who = ui::person(self.workspace.policy(), &chance.person);
        let mut parts = Vec::new();
        if chance.objects {
            parts.push(match &chance.could {
                Could::Yes { .. } => "objects to it now, and would take that back".to_owned(),
                Could::Spare | Could::No(_) => "objects to it".to_owned(),
            });
        }
        parts.extend(why(&chance.could));
        match parts.is_empty() {
            true => who,
            false => format!("{who}: {}", parts.join("; ")),
        }
    }

    fn command(&self) -> Option<String> {
        self.able().next()?;
        let refname = shell_word(&self.target.refname.to_string());
        let commit = self.target.commit.subject();
        Some(format!("relhook approve {commit} --ref {refname}"))
    }

    fn json(&self) -> Value {
        let lacking = self
            .lacking()
            .into_iter()
            .map(|reason| json!({ "code": reason.code().to_string(), "text": reason.to_string() }));
        json!({
            "schema": "relhook/who-can/v1",
            "commit": self.target.commit,
            "ref": self.target.refname.to_string(),
            "value": self.target.base,
            "remote": self.workspace.remote.shown(),
            "offline": self.workspace.freshness == Freshness::Offline,
            "policy": self.workspace.policy_id,
            "lacking": lacking.collect::<Vec<_>>(),
            "people": self.chances.iter().map(chance).collect::<Vec<_>>(),
        })
    }
}

/// What there is to say of somebody, but for an objection.
fn why(could: &Could) -> Vec<String> {
    match could {
        Could::Yes { own, enough } => {
            let own = (!own.is_empty())
                .then(|| format!("not for {}, which they had a hand in", commits(own)));
            let more = (!enough).then(|| "more is lacking besides".to_owned());
            own.into_iter().chain(more).collect()
        }
        Could::Spare => vec!["could, but nothing lacks it".to_owned()],
        Could::No(why) => vec![match why {
            WhyNot::Disabled => "is disabled in the policy".to_owned(),
            WhyNot::NoKey => "has no key in the policy".to_owned(),
            WhyNot::NotInTeam { teams } => {
                let teams: Vec<String> = teams.iter().map(ToString::to_string).collect();
                format!(
                    "is in none of the teams that count here: {}",
                    teams.join(", ")
                )
            }
            WhyNot::Approved => "has approved already".to_owned(),
            WhyNot::Contributor { commits: own } => format!("had a hand in {}", commits(own)),
            WhyNot::Barred { commits: own } => format!(
                "had a hand in {}, and the rule bars them from all of it",
                commits(own)
            ),
            WhyNot::Other => "an approval would not count; relhook check says more".to_owned(),
        }],
    }
}

fn commits(oids: &[Oid]) -> String {
    let shown: Vec<String> = oids
        .iter()
        .take(MAX_COMMITS)
        .map(|oid| oid.short())
        .collect();
    match oids.len().saturating_sub(MAX_COMMITS) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn chance(chance: &Chance) -> Value {
    let (could, own): (&str, &[Oid]) = match &chance.could {
        Could::Yes { own, .. } => ("yes", own.as_slice()),
        Could::Spare => ("spare", &[]),
        Could::No(WhyNot::Disabled) => ("disabled", &[]),
        Could::No(WhyNot::NoKey) => ("no-key", &[]),
        Could::No(WhyNot::NotInTeam { .. }) => ("not-in-team", &[]),
        Could::No(WhyNot::Approved) => ("approved", &[]),
        Could::No(WhyNot::Contributor { commits }) => ("contributor", commits.as_slice()),
        Could::No(WhyNot::Barred { commits }) => ("barred", commits.as_slice()),
        Could::No(WhyNot::Other) => ("other", &[]),
    };
    let enough = matches!(chance.could, Could::Yes { enough: true, .. });
    json!({
        "person": chance.person,
        "could": could,
        "enough": enough,
        "objects": chance.objects,
        "own": own,
    })
}
