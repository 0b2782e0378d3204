//! `relhook doctor`: whether anything on the server leads past the rule, and how to mend it.

use super::{Answer, Exit};
use crate::doctor::{Examination, Finding, examine};
use crate::ui;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What `relhook doctor` is asked for.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 all is well, warnings allowed; 1 something is wrong; 2 usage; 3 something cannot be told.")]
pub struct DoctorArgs {
    /// The repository; without it, the one that `-C` names
    #[arg(value_name = "REPOSITORY")]
    repository: Option<PathBuf>,
    /// Answer as JSON (relhook/doctor/v1)
    #[arg(long)]
    json: bool,
}

impl DoctorArgs {
    /// Looks at the repository, or the one at `dir`.
    ///
    /// # Errors
    /// When there is none, or this account may not look at it.
    pub fn run(&self, dir: &Path, color: ui::Color) -> anyhow::Result<Answer> {
        let program = std::env::current_exe()?;
        let seen = examine(self.repository.as_deref().unwrap_or(dir), &program)?;
        let text = if self.json {
            answer(&seen)
        } else {
            ui::diagnosis(&seen, color)
        };
        let counts = seen.counts();
        let exit = match (counts.error, counts.unknown) {
            (0, 0) => Exit::Pass,
            (0, _) => Exit::CannotTell,
            (_, _) => Exit::Refused,
        };
        Ok(Answer { text, exit })
    }
}

/// The answer as JSON, described in docs/json.md.
fn answer(seen: &Examination) -> String {
    let counts = seen.counts();
    let answer = json!({
        "schema": "relhook/doctor/v1",
        "repository": seen.repository,
        "git_dir": seen.git_dir,
        "account": seen.account,
        "counts": {
            "error": counts.error,
            "warning": counts.warning,
            "unknown": counts.unknown,
            "ok": counts.ok,
        },
        "findings": seen.findings.iter().map(finding).collect::<Vec<_>>(),
    });
    format!("{answer:#}\n")
}

fn finding(finding: &Finding) -> Value {
    json!({
        "check": finding.check,
        "state": finding.state.word(),
        "what": finding.what,
        "mend": finding.mend,
        "advice": finding.advice,
    })
}
