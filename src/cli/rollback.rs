//! `relhook rollback`: a protected ref goes back to what was accepted before, on a person's signed word.

use super::state::{self, How};
use super::{Answer, Failure};
use crate::client::{Assessment, Assumed, Workspace, branch};
use crate::decide::Reason;
use crate::facts::WayBackFacts;
use crate::statement::{Decision, Particulars, Statement};
use crate::types::{Oid, RefName, shell_word};
use crate::ui::{self, Color, GoingBack};
use clap::Args;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// What `relhook rollback` is asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
The policy says who may: `rollback` in every rule of the ref. The statement is signed by your own git and
pushed together with the move, all or nothing. It counts once, for exactly this move. --list shows where the
ref was let be before, by the numbers that relhook release log and relhook release list have for it.")]
pub struct RollbackArgs {
    /// Where to go back to, which the ref was at before: the number of a release, a commit's id, or a
    /// branch or tag here
    #[arg(long, value_name = "RELEASE", required_unless_present = "list")]
    to: Option<OsString>,
    /// The protected ref, if there are several
    #[arg(long = "ref", value_name = "REF")]
    refname: Option<OsString>,
    /// Why: everybody who approves these commits again will read this
    #[arg(long, value_name = "TEXT", required_unless_present = "list")]
    reason: Option<String>,
    /// The incident or change request
    #[arg(long, value_name = "TICKET")]
    ticket: Option<String>,
    /// Until when it counts, a day at most: 1h, 30m, or 2026-12-24T00:00:00Z
    #[arg(long, value_name = "WHEN", default_value = "1h")]
    expires: String,
    /// Show where the ref was let be before instead
    #[arg(long, conflicts_with_all = ["to", "reason", "ticket"])]
    list: bool,
    #[command(flatten)]
    how: How,
}

/// What is shorter than an abbreviation of a commit, and digits, is a release's number.
const SHORTEST: usize = 7;

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
        if self.list {
            return self.listed(&workspace);
        }
        let signer = How::signer(&workspace)?;
        let way = self.way(&workspace, &signer)?;
        let back = way.facts()?;
        let statement = Statement {
            base: Some(way.from),
            expires: Some(state::expiry(&self.expires, workspace.now)?),
            reason: self.reason.clone(),
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

    fn refname(&self, workspace: &Workspace) -> anyhow::Result<RefName> {
        Ok(match &self.refname {
            Some(name) => branch(name)?,
            None => workspace.only_protected()?,
        })
    }

    /// Where the ref was let be, as far as the server shows it.
    fn listed(&self, workspace: &Workspace) -> anyhow::Result<Answer> {
        let refname = self.refname(workspace)?;
        let now = workspace.value(&refname)?;
        let moves = workspace.accepted.get(&refname);
        let mut text = String::new();
        for one in moves.into_iter().flatten() {
            let now = if Some(one.commit) == now { ", now" } else { "" };
            let title = workspace.title(one.commit).unwrap_or_default();
            let (entry, commit) = (one.entry, one.commit.short());
            let line = format!("{entry:>6}  {commit}  {}{now}  {title}", one.time);
            text += &format!("{}\n", line.trim_end());
        }
        Ok(Answer::pass(match text.is_empty() {
            true => format!("the server shows nothing that was accepted for {refname}\n"),
            false => text,
        }))
    }

    fn way(&self, workspace: &Workspace, signer: &Assumed) -> anyhow::Result<Way> {
        let refname = self.refname(workspace)?;
        let to = self.to.clone().unwrap_or_default();
        let to = match number(&to) {
            Some(number) => numbered(workspace, &refname, number)?,
            None => workspace.commit(&to, &refname)?,
        };
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

/// A release's number, where that is meant.
fn number(text: &OsStr) -> Option<u64> {
    let text = text.to_str()?;
    let short = text.len() < SHORTEST && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| short)
}

/// What the ref was let be at by the entry of this number.
fn numbered(workspace: &Workspace, refname: &RefName, number: u64) -> anyhow::Result<Oid> {
    let moves = workspace.accepted.get(refname);
    let mut moves = moves.into_iter().flatten();
    let found = moves.find(|one| one.entry == number);
    found.map(|one| one.commit).ok_or_else(|| {
        Failure::usage(format!(
            "the server shows no release {number} of {refname}; `relhook rollback --list --ref {}` \
             has those that it shows, and an older one is named by its commit",
            shell_word(&refname.to_string())
        ))
    })
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
