//! `relhook policy`: what a policy file means, before anybody approves it.

mod bus_factor;
mod explain;
mod file;
mod lint;
mod replay;
mod test;

use super::Answer;
use clap::Subcommand;
use std::path::Path;

/// What can be done with a policy file.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Say everything that is wrong with a policy file
    Lint(lint::LintArgs),
    /// Say who may be away, rule by rule, before nothing can be released
    BusFactor(bus_factor::BusFactorArgs),
    /// Say which rules match a ref and paths, and what they demand of whom
    Explain(explain::ExplainArgs),
    /// Judge pushes that are told in a file, and say which go otherwise than expected
    Test(test::TestArgs),
    /// Judge what really happened once more by another policy, and say what would have ended
    /// otherwise
    Replay(replay::ReplayArgs),
}

impl PolicyCommand {
    /// Runs it.
    ///
    /// # Errors
    /// When a file, or what it is held against, cannot be read.
    pub fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        match self {
            Self::Lint(args) => args.run(),
            Self::BusFactor(args) => args.run(dir),
            Self::Explain(args) => args.run(),
            Self::Test(args) => args.run(),
            Self::Replay(args) => args.run(dir),
        }
    }
}
