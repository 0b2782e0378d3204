//! The command line: one file a command. Each says what to print and with which code to exit.

pub mod init;

use std::path::PathBuf;

/// Nobody ships alone: a commit reaches production only when a distinct person has signed for it.
#[derive(Debug, clap::Parser)]
#[command(name = "relhook", version)]
pub struct Cli {
    /// The repository, if not the one of this folder.
    #[arg(long, global = true, value_name = "DIR")]
    pub git_dir: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What relhook can be asked for.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Put a bare repository under the rule, or a clone's pre-push hook in place
    Init(init::InitArgs),
}

/// Runs a command: what to print, and the exit code.
///
/// # Errors
/// When the command could not be carried out.
pub fn run(cli: &Cli) -> anyhow::Result<(String, u8)> {
    let dir = cli.git_dir.clone().unwrap_or_else(|| PathBuf::from("."));
    match &cli.command {
        Command::Init(args) => init::run(&dir, args),
    }
}

/// An error and its causes as one sentence: a cause that the sentence names already is left out.
#[must_use]
pub fn sentence(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |said, cause| {
        let cause = cause.to_string();
        if said.is_empty() {
            cause
        } else if said.contains(&cause) {
            said
        } else {
            format!("{said}: {cause}")
        }
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow::anyhow!("disk full")
            .context("log: disk full")
            .context("no verdict");
        assert_eq!(super::sentence(&error), "no verdict: log: disk full");
    }
}
