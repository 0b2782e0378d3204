//! Signing what was shown, and getting it to the server.

use super::{How, ask};
use crate::cli::{Answer, Exit, Failure};
use crate::client::{Signed, Workspace};
use crate::statement::{Decision, Statement};
use crate::types::{escape, shell_word};
use crate::ui;
use std::os::unix::ffi::OsStrExt;

impl How {
    /// Shows what will be signed, asks, signs, and pushes.
    ///
    /// # Errors
    /// When nobody can be asked, the answer is no, or it cannot be signed so that it counts.
    pub(in crate::cli) fn deliver(
        &self,
        workspace: &Workspace,
        statement: &Statement,
        shown: &str,
    ) -> anyhow::Result<Answer> {
        let signed = self.sign(workspace, statement, shown)?;
        let remote = workspace.remote.shown();
        let id = signed.tag.subject();
        if !self.no_push && workspace.push(&signed)? {
            let mut text = format!(
                "\nsigned by {} and taken in by {remote}: {id}\n",
                signed.signer
            );
            if !matches!(statement.decision, Decision::Withdraw { .. }) {
                text.push_str(&format!(
                    "to take it back: relhook withdraw {id} --reason <why>\n"
                ));
            }
            return Ok(Answer::pass(text));
        }
        workspace.keep(&signed)?;
        let remote_word = shell_word(&escape(workspace.remote_word().as_bytes()));
        let push = format!("git push {remote_word} {}", signed.refname);
        let text = format!("kept in this clone; to push it:\n    {push}\n");
        Ok(if self.no_push {
            Answer::pass(format!("\nsigned by {}, {text}", signed.signer))
        } else {
            Answer {
                text: format!("\nnot taken in by {remote}, {text}"),
                exit: Exit::Refused,
            }
        })
    }
}

impl How {
    /// As [`Self::deliver`], and moves the ref as the statement says, in the same push: both get in or
    /// neither.
    ///
    /// # Errors
    /// As there.
    pub(in crate::cli) fn deliver_with_move(
        &self,
        workspace: &Workspace,
        statement: &Statement,
        shown: &str,
    ) -> anyhow::Result<Answer> {
        let signed = self.sign(workspace, statement, shown)?;
        let (name, to) = (statement.refname.short(), statement.commit.short());
        if !self.no_push && workspace.push_with_move(&signed, statement)? {
            let remote = workspace.remote.shown();
            return Ok(Answer::pass(format!(
                "\nsigned by {}, and {name} is at {to} on {remote}\n",
                signed.signer
            )));
        }
        workspace.keep(&signed)?;
        let words = workspace.move_words(&signed, statement);
        let words: Vec<String> = words
            .iter()
            .map(|word| shell_word(&escape(word.as_bytes())).to_string())
            .collect();
        let text = format!(
            "kept in this clone; to push it with the move:\n    git {}\n",
            words.join(" ")
        );
        Ok(if self.no_push {
            Answer::pass(format!("\nsigned by {}, {text}", signed.signer))
        } else {
            Answer {
                text: format!("\nnot taken in, {text}"),
                exit: Exit::Refused,
            }
        })
    }

    /// Shows what will be signed, asks, and signs.
    fn sign(
        &self,
        workspace: &Workspace,
        statement: &Statement,
        shown: &str,
    ) -> anyhow::Result<Signed> {
        ui::emit(shown);
        if !self.yes && !ask::confirmed("Sign it?")? {
            return Err(Failure::refused(anyhow::anyhow!("nothing was signed")));
        }
        let title = title(statement);
        let body = self.message.as_deref().unwrap_or_default();
        Ok(workspace.sign(statement, &title, body)?)
    }
}

/// `Approve 8d01e77 for prod`.
pub(in crate::cli) fn title(statement: &Statement) -> String {
    let commit = statement.commit.short();
    let name = statement.refname.short();
    match statement.decision {
        Decision::Approve => format!("Approve {commit} for {name}"),
        Decision::Reject => format!("Reject {commit} for {name}"),
        Decision::Lift => {
            let stage = statement.stage.as_ref().map_or("?", |stage| stage.as_str());
            format!("Let {commit} of {name} go on to {stage}")
        }
        Decision::Withdraw { statement } => format!("Withdraw {} on {commit}", statement.short()),
        Decision::Emergency => format!("Emergency: {commit} for {name}"),
        Decision::Delegate => {
            let to = statement.particulars.grant.as_ref();
            let to = to.map_or("?", |grant| grant.to.as_str());
            format!("Name {to} a deputy for {name}")
        }
        Decision::Rollback => format!("Roll {name} back to {commit}"),
        Decision::Check => {
            let check = statement.particulars.check.as_ref();
            let check = check.map_or("?", |check| check.name.as_str());
            format!("Check {commit} for {name}: {check}")
        }
    }
}
