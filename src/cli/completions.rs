//! `relhook completions`: tab completion, from the definitions themselves.

use super::{Answer, Cli};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// What `relhook completions` is asked for.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl CompletionsArgs {
    /// The completions, to be put where the shell looks for them.
    pub fn run(&self) -> Answer {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "relhook", &mut script);
        Answer::pass(String::from_utf8_lossy(&script))
    }
}
