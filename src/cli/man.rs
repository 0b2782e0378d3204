//! `relhook man`: the manual pages, from the definitions themselves.

use super::{Answer, Cli};
use anyhow::Context;
use clap::{Args, CommandFactory};
use std::path::PathBuf;

/// What `relhook man` is asked for.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write relhook.1 and one page for each command into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl ManArgs {
    /// Prints the main page, or writes them all.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn run(&self) -> anyhow::Result<Answer> {
        let command = Cli::command().disable_help_subcommand(true);
        match &self.out {
            None => {
                let mut page = Vec::new();
                clap_mangen::Man::new(command).render(&mut page)?;
                Ok(Answer::pass(String::from_utf8_lossy(&page)))
            }
            Some(folder) => {
                let context = || format!("the manual pages cannot be written to {folder:?}");
                std::fs::create_dir_all(folder).with_context(context)?;
                clap_mangen::generate_to(command, folder).with_context(context)?;
                Ok(Answer::pass(""))
            }
        }
    }
}
