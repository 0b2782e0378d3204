//! `relhook withdraw`: a statement's own signer takes it back.

use super::Answer;
use super::state::How;
use crate::client::Stored;
use crate::statement::{Decision, Particulars, Statement};
use crate::types::escape;
use clap::Args;
use std::path::Path;

/// What `relhook withdraw` is asked for.
#[derive(Debug, Args)]
pub struct WithdrawArgs {
    /// The statement: its tag's id or its own, as relhook status shows them
    #[arg(value_name = "STATEMENT")]
    statement: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    how: How,
}

impl WithdrawArgs {
    /// Shows, asks, signs, pushes.
    ///
    /// # Errors
    /// When there is no such statement, the answer is no, or it cannot be signed or pushed.
    pub fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        let workspace = self.how.workspace(dir)?;
        let signer = How::signer(&workspace)?;
        let stored = workspace.statement(&self.statement)?;
        let statement = Statement {
            decision: Decision::Withdraw {
                statement: stored.tag,
            },
            expires: None,
            checkpoint: workspace.checkpoint(),
            stage: None,
            reason: Some(self.reason.clone()),
            particulars: Particulars::default(),
            ..stored.statement.clone()
        };
        let mut shown = describe(&stored);
        let own = stored.signer.is_some() && stored.signer == signer.person;
        if !own {
            shown.push_str("It is not yours: the server will not take this in.\n");
        }
        self.how.deliver(&workspace, &statement, &shown)
    }
}

fn describe(stored: &Stored) -> String {
    let statement = &stored.statement;
    let signer = stored.signer.as_ref();
    let signer = signer.map_or_else(|| "nobody who counts".to_owned(), ToString::to_string);
    let mut text = format!(
        "Withdraw {}\n  which says `{}` to {}\n  for {}, signed by {signer}\n",
        stored.tag,
        statement.decision.word(),
        statement.commit,
        statement.refname,
    );
    if let Some(reason) = &statement.reason {
        text.push_str(&format!("  because: {}\n", escape(reason.as_bytes())));
    }
    text
}
