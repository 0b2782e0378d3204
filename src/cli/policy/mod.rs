//! `relhook policy`: what a policy file means, before anybody approves it.

mod bus_factor;
mod explain;
mod file;
mod lint;
mod test;

use super::Answer;
use clap::Subcommand;

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
}

impl PolicyCommand {
    /// Runs it.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn run(&self) -> anyhow::Result<Answer> {
        match self {
            Self::Lint(args) => args.run(),
            Self::BusFactor(args) => args.run(),
            Self::Explain(args) => args.run(),
            Self::Test(args) => args.run(),
        }
    }
}
