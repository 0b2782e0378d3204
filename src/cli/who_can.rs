//! `relhook who-can`: who could approve a commit now, and why each other person cannot.

use super::state::{About, How, Target};
use super::{Answer, Exit};
use crate::client::{Chance, Could, Freshness, InStead, Outlook, WhyNot, Workspace};
use crate::decide::{Reason, UpdateVerdict};
use crate::statement::Decision;
use crate::types::{Oid, PersonName, shell_word};
use crate::ui::{self, paragraph};
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeSet;
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
        let deputies = workspace.view().stand_ins()?;
        let chances = workspace.chances(&target.assessment, &statement, &deputies);
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
        self.chances.iter().filter(|chance| chance.helps())
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
        text += &self.told_able();
        text += "\neverybody else:\n";
        for chance in self.chances.iter().filter(|chance| !chance.helps()) {
            text += &paragraph("  ", &self.sentence(chance));
            for stead in &chance.steads {
                text += &paragraph("      ", &self.for_another(stead));
            }
        }
        let commands: Vec<String> = self.commands();
        if !commands.is_empty() {
            text += &format!("\nwho could runs:\n  {}\n", commands.join("\n  "));
        }
        text
    }

    /// Who could, in their own name and in others' stead.
    fn told_able(&self) -> String {
        let mut text = String::new();
        for chance in self.able() {
            if chance.could.helps() {
                text += &paragraph("  ", &self.sentence(chance));
            }
            let helping = chance.steads.iter().filter(|stead| stead.could.helps());
            for stead in helping {
                let who = ui::person(self.workspace.policy(), &chance.person);
                let line = format!("{who}, {}", self.for_another(stead));
                text += &paragraph("  ", &line);
            }
        }
        text
    }

    /// `in rita's stead (0a1b2c3d4e5f, until 2026-12-15T00:00:00Z): …`.
    fn for_another(&self, stead: &InStead) -> String {
        let until = stead.until.map(|until| format!(", until {until}"));
        let by = format!(
            "in {}'s stead ({}{})",
            stead.stead,
            stead.tag.subject(),
            until.unwrap_or_default()
        );
        let why = why(&stead.could, Some(&stead.stead));
        match why.is_empty() {
            true => by,
            false => format!("{by}: {}", why.join("; ")),
        }
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
        parts.extend(why(&chance.could, None));
        match parts.is_empty() {
            true => who,
            false => format!("{who}: {}", parts.join("; ")),
        }
    }

    /// What those run who could.
    fn commands(&self) -> Vec<String> {
        let refname = shell_word(&self.target.refname.to_string());
        let commit = self.target.commit.subject();
        let plain = format!("relhook approve {commit} --ref {refname}");
        let own = self.able().any(|chance| chance.could.helps());
        let steads = self.able().flat_map(|chance| &chance.steads);
        let steads = steads.filter(|stead| stead.could.helps());
        let steads: BTreeSet<String> = steads
            .map(|stead| format!("{plain} --in-stead-of {}", stead.stead))
            .collect();
        own.then(|| plain.clone())
            .into_iter()
            .chain(steads)
            .collect()
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

/// What there is to say of somebody, but for an objection; in whose stead they would approve.
fn why(could: &Could, stead: Option<&PersonName>) -> Vec<String> {
    let both = stead.map_or_else(|| "they".to_owned(), |stead| format!("they or {stead}"));
    match could {
        Could::Yes { own, enough } => {
            let own = (!own.is_empty())
                .then(|| format!("not for {}, which {both} had a hand in", commits(own)));
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
            WhyNot::Stead { commits: own } => {
                let stead = stead.map_or_else(String::new, ToString::to_string);
                format!("{stead} had a hand in {}", commits(own))
            }
            WhyNot::NotYet { from } => format!("only from {from} on"),
            WhyNot::NotHeeded => "the policy does not let them, or no longer".to_owned(),
            WhyNot::OtherPaths => "for other paths only".to_owned(),
            WhyNot::Spoken => {
                "one of the two has approved already, and neither counts twice".to_owned()
            }
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
    let (could, own, enough) = worth(&chance.could);
    let steads = chance.steads.iter().map(|stead| {
        let (could, own, enough) = worth(&stead.could);
        json!({
            "in_stead_of": stead.stead,
            "delegation": stead.tag,
            "until": stead.until,
            "could": could,
            "enough": enough,
            "own": own,
        })
    });
    json!({
        "person": chance.person,
        "could": could,
        "enough": enough,
        "objects": chance.objects,
        "own": own,
        "deputy": steads.collect::<Vec<_>>(),
    })
}

/// What an approval would be worth: a word, the commits that matter, and whether it is all that is lacking.
fn worth(could: &Could) -> (&str, &[Oid], bool) {
    let (word, own): (&str, &[Oid]) = match could {
        Could::Yes { own, .. } => ("yes", own.as_slice()),
        Could::Spare => ("spare", &[]),
        Could::No(WhyNot::Disabled) => ("disabled", &[]),
        Could::No(WhyNot::NoKey) => ("no-key", &[]),
        Could::No(WhyNot::NotInTeam { .. }) => ("not-in-team", &[]),
        Could::No(WhyNot::Approved) => ("approved", &[]),
        Could::No(WhyNot::Contributor { commits }) => ("contributor", commits.as_slice()),
        Could::No(WhyNot::Barred { commits }) => ("barred", commits.as_slice()),
        Could::No(WhyNot::Stead { commits }) => ("stead-contributor", commits.as_slice()),
        Could::No(WhyNot::NotYet { .. }) => ("not-yet", &[]),
        Could::No(WhyNot::NotHeeded) => ("not-heeded", &[]),
        Could::No(WhyNot::OtherPaths) => ("other-paths", &[]),
        Could::No(WhyNot::Spoken) => ("spoken", &[]),
        Could::No(WhyNot::Other) => ("other", &[]),
    };
    let enough = matches!(could, Could::Yes { enough: true, .. });
    (word, own, enough)
}
