//! `relhook delegate`: a reviewer who will be away says who may approve in their stead.

use super::state::{How, day, deputies};
use super::{Answer, Failure};
use crate::client::{Assumed, Deputy, Workspace, branch};
use crate::statement::{Decision, Grant, Particulars, Statement};
use crate::types::{PersonName, escape};
use crate::ui;
use clap::Args;
use std::ffi::OsString;
use std::fmt::Write;
use std::path::Path;

/// What `relhook delegate` is asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
A day given to --until is the last one; days and times are UTC. It can be taken back at any time:
relhook withdraw. The deputy then approves with relhook approve --in-stead-of <you>.")]
pub struct DelegateArgs {
    /// Who may approve in your stead
    #[arg(long, value_name = "PERSON", required_unless_present = "list")]
    to: Option<String>,
    /// The protected ref that it is for, if there are several
    #[arg(long = "for", value_name = "REF")]
    refname: Option<OsString>,
    /// Only for changes of these paths alone
    #[arg(long, value_name = "GLOB", num_args = 1..)]
    paths: Vec<String>,
    /// From when on: 2026-12-01, 2026-12-01T08:00:00Z, or 3d for in three days; now without it
    #[arg(long, value_name = "WHEN")]
    from: Option<String>,
    /// Until when: 2026-12-14, 2026-12-14T12:00:00Z, or 14d for so long
    #[arg(long, value_name = "WHEN", required_unless_present = "list")]
    until: Option<String>,
    /// Why: everybody can read this
    #[arg(long, value_name = "TEXT", required_unless_present = "list")]
    reason: Option<String>,
    /// Show who stands in for whom instead
    #[arg(long, conflicts_with_all = ["to", "paths", "from", "until", "reason", "refname"])]
    list: bool,
    #[command(flatten)]
    how: How,
}

impl DelegateArgs {
    /// Shows, asks, signs, pushes; or lists.
    ///
    /// # Errors
    /// When the server would not take it in, the answer is no, or it cannot be signed or pushed.
    pub fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        if self.list {
            let found = deputies(dir, || self.how.workspace(dir))?;
            return Ok(list(&found.all));
        }
        let workspace = self.how.workspace(dir)?;
        let signer = How::signer(&workspace)?;
        let statement = self.statement(&workspace)?;
        refused_by(&workspace, &statement, &signer)?;
        let shown = describe(&workspace, &statement, &signer);
        self.how.deliver(&workspace, &statement, &shown)
    }

    fn statement(&self, workspace: &Workspace) -> anyhow::Result<Statement> {
        let refname = match &self.refname {
            Some(name) => branch(name)?,
            None => workspace.only_protected()?,
        };
        let to = self.to.as_deref().unwrap_or_default();
        crate::policy::check_name(to).map_err(|against| {
            Failure::usage(format!("--to: `{}` {against}", escape(to.as_bytes())))
        })?;
        for path in &self.paths {
            crate::policy::PathGlobs::check(path).map_err(|error| {
                Failure::usage(format!("--paths: `{}` {error}", escape(path.as_bytes())))
            })?;
        }
        let from = match &self.from {
            Some(text) => day(text, "--from", workspace.now)?.begin,
            None => workspace.now,
        };
        let until = self.until.as_deref().unwrap_or_default();
        let until = day(until, "--until", from)?.end;
        Ok(Statement {
            expires: Some(until),
            reason: self.reason.clone(),
            particulars: Particulars {
                grant: Some(Grant {
                    to: PersonName::new(to),
                    from,
                    paths: self.paths.clone(),
                }),
                ..Particulars::default()
            },
            ..workspace.states(Decision::Delegate, refname, workspace.policy_id)?
        })
    }
}

/// What the server would say is said before anybody signs.
fn refused_by(
    workspace: &Workspace,
    statement: &Statement,
    signer: &Assumed,
) -> anyhow::Result<()> {
    let Some(person) = &signer.person else {
        let because = &signer.because;
        return Err(Failure::usage(format!(
            "nobody that the policy knows would sign it ({because})"
        )));
    };
    let reasons = workspace.not_taken(statement, person);
    if reasons.is_empty() {
        return Ok(());
    }
    let mut text = String::from("the server would not take it in:");
    for reason in &reasons {
        let _ = write!(text, "\n  {} {reason}", reason.code());
        for hint in reason.hints() {
            let _ = write!(text, "\n  hint: {hint}");
        }
    }
    Err(Failure::refused(anyhow::anyhow!(text)))
}

fn describe(workspace: &Workspace, statement: &Statement, signer: &Assumed) -> String {
    let policy = workspace.policy();
    let Some(grant) = &statement.particulars.grant else {
        return String::new();
    };
    let to = ui::person(policy, &grant.to);
    let by = signer.person.as_ref();
    let by = by.map_or_else(|| "nobody".to_owned(), |by| ui::person(policy, by));
    let repository = escape(statement.repository.as_bytes());
    let mut text = format!(
        "Name {to} your deputy\n  for {} of {repository}\n",
        statement.refname
    );
    if !grant.paths.is_empty() {
        let _ = writeln!(text, "  for {} only", shown_paths(&grant.paths));
    }
    let _ = writeln!(text, "  from {}", grant.from);
    if let Some(until) = statement.expires {
        let _ = writeln!(text, "  until {until}");
    }
    if let Some(reason) = &statement.reason {
        let _ = writeln!(text, "  because: {}", escape(reason.as_bytes()));
    }
    let _ = writeln!(text, "  as {by} ({})", signer.because);
    let _ = writeln!(
        text,
        "\nWhat {} approves there in your stead then counts as if you had, for what\nneither of you had a hand in.",
        grant.to
    );
    text
}

fn shown_paths(paths: &[String]) -> String {
    let quoted = paths
        .iter()
        .map(|path| format!("`{}`", escape(path.as_bytes())));
    quoted.collect::<Vec<_>>().join(", ")
}

fn list(deputies: &[Deputy]) -> Answer {
    match deputies.is_empty() {
        true => Answer::pass("nobody stands in for anybody\n".to_owned()),
        false => Answer::pass(deputies.iter().map(row).collect::<String>()),
    }
}

/// `  carol for rita on prod until 2026-12-15T00:00:00Z, 0a1b2c3d4e5f`.
pub(super) fn row(deputy: &Deputy) -> String {
    let statement = &deputy.stored.statement;
    let Some(grant) = &statement.particulars.grant else {
        return String::new();
    };
    let by = deputy.by();
    let by = by.map_or_else(|| "nobody who counts".to_owned(), ToString::to_string);
    let until = statement.expires;
    let until = until.map_or_else(String::new, |until| format!(" until {until}"));
    let mut row = format!(
        "  {} for {by} on {} from {}{until}, {}\n",
        grant.to,
        statement.refname.short(),
        grant.from,
        deputy.stored.tag.subject(),
    );
    if !grant.paths.is_empty() {
        let _ = writeln!(row, "      for {} only", shown_paths(&grant.paths));
    }
    if !deputy.heeded {
        row.push_str("      does not count: the policy does not let it\n");
    }
    if let Some(reason) = &statement.reason {
        let _ = writeln!(row, "      {}", escape(reason.as_bytes()));
    }
    row
}
