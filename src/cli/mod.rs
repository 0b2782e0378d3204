//! The command line: one file a command. A command answers with what to print and how to exit.

mod answer;
mod approve;
mod attest_check;
mod audit;
mod check;
mod completions;
mod delegate;
mod directory;
mod doctor;
mod drift;
mod emergency;
mod explain;
mod hook;
pub mod init;
mod man;
mod people;
mod policy;
mod reading;
mod reject;
mod release;
mod report;
mod rollback;
mod serve;
mod state;
mod status;
mod who_can;
mod withdraw;

pub use answer::{Answer, Exit, Failure};

use crate::ui;
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Nobody ships alone: a commit reaches production only when a distinct person has signed for it.
#[derive(Debug, Parser)]
#[command(name = "relhook", version, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 passes, 1 is refused, 2 usage, 3 cannot tell, 4 integrity.")]
pub struct Cli {
    /// Work in this repository instead of the one around the current folder
    #[arg(
        short = 'C',
        long,
        global = true,
        value_name = "DIR",
        default_value = "."
    )]
    #[arg(hide_default_value = true)]
    pub git_dir: PathBuf,
    /// Colour: only where a terminal reads it, always, or never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ui::ColorChoice,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What relhook can be asked for.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Put a bare repository under the rule, or a clone's pre-push hook in place
    Init(init::InitArgs),
    /// Say what the server would say to a push
    Check(check::CheckArgs),
    /// Sign that a commit may go to a protected ref
    Approve(approve::ApproveArgs),
    /// Sign that it may not
    Reject(reject::RejectArgs),
    /// Sign that a commit has to go out now, approved or not; its review is then owed
    Emergency(emergency::EmergencyArgs),
    /// Say, from a job, how a check of a commit went
    AttestCheck(attest_check::AttestCheckArgs),
    /// Take back what you signed
    Withdraw(withdraw::WithdrawArgs),
    /// Name a deputy: who may approve in your stead, where, and from when until when
    Delegate(delegate::DelegateArgs),
    /// Say who could approve a commit now, and why nobody else can
    WhoCan(who_can::WhoCanArgs),
    /// Take a protected ref back to what was accepted before, on your signed word
    Rollback(rollback::RollbackArgs),
    /// Show how things stand: protected refs, statements, and on the server the rest
    Status(status::StatusArgs),
    /// Look a server over: what leads past the rule, and how to mend it
    Doctor(doctor::DoctorArgs),
    /// Explain a code that a report names
    Explain(explain::ExplainArgs),
    /// Propose a policy's people from lists and histories from elsewhere
    #[command(subcommand)]
    People(people::PeopleCommand),
    /// Read a policy file and say what is wrong with it
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Take people and teams from LDAP or Active Directory, as a change of the policy to approve
    #[command(subcommand)]
    Directory(directory::DirectoryCommand),
    /// Read the audit log, or check that it is what was written
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Bring the targets to what was accepted for them, or show how they are
    Release(release::ReleaseArgs),
    /// Write what an auditor asks for: every change that reached production, and who did what for it
    Report(report::ReportArgs),
    /// Find what somebody changed by hand on the targets since their last release
    Drift(drift::DriftArgs),
    /// Serve git to the owner of an SSH key: the forced command in authorized_keys
    ServeKey(serve::ServeKeyArgs),
    /// Serve git to the account that logged in: sshd's ForceCommand, through sudo
    ServeAccount(serve::ServeAccountArgs),
    /// What git runs through the shims in `hooks/`
    #[command(subcommand, hide = true)]
    Hook(hook::HookCommand),
    /// Print the completions for a shell
    Completions(completions::CompletionsArgs),
    /// Print the manual page, or write all of them into a folder
    Man(man::ManArgs),
}

/// Runs the program with these arguments, its own name first.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    // Nobody types this, and its exit code is another program's.
    if let [_, verb, socket, words @ ..] = args.as_slice()
        && verb == crate::release::REACH
    {
        return crate::release::reach(Path::new(socket), words).into();
    }
    match Cli::try_parse_from(args) {
        Ok(cli) => finish(cli.run()),
        Err(error) => {
            // A reader that went away is no reason to panic.
            let _ = error.print();
            match error.exit_code() {
                0 => Exit::Pass.into(),
                _ => Exit::Usage.into(),
            }
        }
    }
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// When it could not be carried out, so that nothing can be told.
    pub fn run(&self) -> anyhow::Result<Answer> {
        match &self.command {
            Command::Init(args) => init::run(&self.git_dir, args),
            Command::Check(args) => args.run(&self.git_dir, self.color.resolve()),
            Command::Approve(args) => args.run(&self.git_dir, self.color.resolve()),
            Command::Reject(args) => args.run(&self.git_dir, self.color.resolve()),
            Command::Emergency(args) => args.run(&self.git_dir, self.color.resolve()),
            Command::AttestCheck(args) => args.run(&self.git_dir),
            Command::Withdraw(args) => args.run(&self.git_dir),
            Command::Delegate(args) => args.run(&self.git_dir),
            Command::WhoCan(args) => args.run(&self.git_dir),
            Command::Rollback(args) => args.run(&self.git_dir, self.color.resolve()),
            Command::Status(args) => args.run(&self.git_dir),
            Command::Doctor(args) => args.run(&self.git_dir, self.color.resolve()),
            Command::Explain(args) => args.run(),
            Command::People(command) => command.run(&self.git_dir),
            Command::Policy(command) => command.run(&self.git_dir),
            Command::Directory(command) => command.run(&self.git_dir),
            Command::Audit(command) => command.run(&self.git_dir),
            Command::Release(args) => args.run(&self.git_dir),
            Command::Report(args) => args.run(&self.git_dir),
            Command::Drift(args) => args.run(&self.git_dir),
            Command::ServeKey(args) => Ok(args.run()),
            Command::ServeAccount(args) => Ok(args.run()),
            Command::Hook(command) => Ok(command.run()),
            Command::Completions(args) => Ok(args.run()),
            Command::Man(args) => args.run(),
        }
    }
}

fn finish(answer: anyhow::Result<Answer>) -> ExitCode {
    match answer {
        Ok(answer) => {
            ui::emit(&answer.text);
            answer.exit.into()
        }
        Err(error) => {
            let hint = answer::hint(&error).map(|hint| format!("  hint: {hint}\n"));
            let hint = hint.unwrap_or_default();
            ui::emit_error(&format!("relhook: {}\n{hint}", answer::sentence(&error)));
            answer::exit_of(&error).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }
}
