//! `relhook init`: a bare repository is put under the rule; a clone gets its hook.

use super::{Answer, Failure};
use crate::install::{
    AuditGroup, InstallError, Mode, Report, Request, StepState, install_client, install_server,
};
use crate::setup::Layout;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What `relhook init` is asked for.
#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// The first policy; later ones are committed, approved and pushed.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The folder of the public key files that the policy names.
    #[arg(long, value_name = "DIR", requires = "policy")]
    pub keys: Option<PathBuf>,
    /// What runs the repository's hooks: git itself, Gitea or Forgejo, or GitLab. Without it, what
    /// an earlier installation was for, else git.
    #[arg(long, value_name = "SERVER", value_parser = layout)]
    pub layout: Option<Layout>,
    /// The group of this machine whose members may read the audit log, or `none`. Without it, the
    /// one that an earlier installation was given.
    #[arg(long, value_name = "NAME")]
    pub audit_group: Option<String>,
    /// Install the pre-push hook in a developer's clone instead.
    #[arg(long, conflicts_with_all = ["policy", "keys", "layout", "audit_group"])]
    pub client: bool,
    /// Change nothing; say what would be done.
    #[arg(long)]
    pub dry_run: bool,
}

/// Runs it for the repository at `dir`.
///
/// # Errors
/// When the repository does not fit, the policy is unsound, or the system says no.
pub fn run(dir: &Path, args: &InitArgs) -> anyhow::Result<Answer> {
    let program = std::env::current_exe()?;
    let mode = if args.dry_run {
        Mode::DryRun
    } else {
        Mode::Apply
    };
    let report = if args.client {
        install_client(dir, &program, mode)
    } else {
        server(dir, args, program, mode)
    }
    .map_err(Failure::refused)?;
    Ok(Answer::pass(render(&report, mode)))
}

fn server(
    dir: &Path,
    args: &InitArgs,
    program: PathBuf,
    mode: Mode,
) -> Result<Report, InstallError> {
    install_server(&Request {
        dir: dir.to_owned(),
        program,
        policy: args.policy.clone(),
        keys: args.keys.clone(),
        layout: args.layout,
        audit_group: args.audit_group.as_deref().map(audit_group),
        mode,
    })
}

fn audit_group(word: &str) -> AuditGroup {
    match word {
        "none" => AuditGroup::Nobody,
        name => AuditGroup::Named(name.to_owned()),
    }
}

fn layout(word: &str) -> Result<Layout, String> {
    match word {
        "plain" => Ok(Layout::Plain),
        "gitea" => Ok(Layout::Gitea),
        "gitlab" => Ok(Layout::Gitlab),
        _ => Err("it is one of plain, gitea and gitlab".into()),
    }
}

fn render(report: &Report, mode: Mode) -> String {
    let mut text = String::new();
    for step in &report.steps {
        let word = match step.state {
            StepState::Kept => "  ok    ",
            StepState::Done => "  done  ",
            StepState::Would => "  would ",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{word}{}", step.what);
    }
    for warning in &report.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    text.push_str(match (report.changes(), mode) {
        (false, _) => "nothing to do: everything is in place\n",
        (true, Mode::DryRun) => "nothing was changed: this was a dry run\n",
        (true, Mode::Apply) => "",
    });
    if report.changes() {
        for next in &report.next {
            let _ = writeln!(text, "next: {next}");
        }
    }
    text
}
