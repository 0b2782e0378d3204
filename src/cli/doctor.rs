//! `relhook doctor`: whether anything on the server leads past the rule, and how to mend it.

use super::reading::{Disclosure, Reader};
use super::{Answer, Exit};
use crate::doctor::{Examination, Finding, HandedOver, Options, examine, hand_over};
use crate::ui;
use serde_json::{Value, json};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The most that is read of what root hands over, in bytes.
const MAX_INPUT: u64 = 16 << 20;

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
    /// The settings of the sshd that takes pushes, if not /etc/ssh/sshd_config
    #[arg(long, value_name = "FILE")]
    sshd_config: Option<PathBuf>,
    /// Take a check that cannot be told from here as looked at by hand
    #[arg(long, value_name = "CHECK")]
    checked: Vec<String>,
    /// Root has looked, and says on standard input what it saw
    #[arg(long, hide = true)]
    handed_over: bool,
}

impl DoctorArgs {
    /// Looks at the repository, or the one at `dir`.
    ///
    /// # Errors
    /// When there is none, or this account may not look at it.
    pub fn run(&self, dir: &Path, color: ui::Color) -> anyhow::Result<Answer> {
        let program = std::env::current_exe()?;
        let dir = self.repository.as_deref().unwrap_or(dir);
        let mut options = Options {
            sshd_config: self.sshd_config.clone(),
            checked: self.checked.clone(),
            handed_over: None,
        };
        if self.handed_over {
            options.handed_over = Some(std::io::read_to_string(std::io::stdin().take(MAX_INPUT))?);
        } else if let Some(said) = hand_over(dir, &program, &options, &self.words(color))? {
            return answered(said);
        }
        let mut seen = examine(dir, &program, &options)?;
        seen.disclose(|| {
            let reader = Reader::around(dir).map_err(|error| format!("not shown: {error:#}"))?;
            Disclosure::by("doctor").ask(&reader.store, &reader.log)
        });
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

impl DoctorArgs {
    /// The options that say how to answer, for a second run of this program.
    fn words(&self, color: ui::Color) -> Vec<&'static str> {
        let color = match color {
            ui::Color::On => "--color=always",
            ui::Color::Off => "--color=never",
        };
        let json = self.json.then_some("--json");
        [color].into_iter().chain(json).collect()
    }
}

/// What the repository's own account answered.
fn answered(said: HandedOver) -> anyhow::Result<Answer> {
    let exit = match said.exit {
        Some(0) => Exit::Pass,
        Some(1) => Exit::Refused,
        Some(_) | None => Exit::CannotTell,
    };
    if said.text.is_empty() && exit != Exit::Pass {
        anyhow::bail!("{}", said.complaint);
    }
    Ok(Answer {
        text: said.text,
        exit,
    })
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
