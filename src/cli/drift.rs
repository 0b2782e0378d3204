//! `relhook drift`: what somebody changed by hand on the targets since their last release.

use super::release::{chosen, tell};
use super::{Answer, Exit};
use crate::decide::Code;
use crate::policy::Verify;
use crate::release::drift::{Compared, Looked};
use crate::release::{ReleaseError, forbid_core_files, look};
use crate::server::Server;
use crate::types::{Oid, TargetName, escape};
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;

/// How many differences are shown to people.
const SHOWN: usize = 50;

/// What `relhook drift` is asked for.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 nothing was changed, 1 something was, 3 it cannot be told, 4 the record on a target is
not the one that relhook left there.")]
pub struct DriftArgs {
    /// Only this target
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// Read back every file whose hash the place does not tell
    #[arg(long)]
    deep: bool,
    /// Print it as JSON (relhook/drift/v1)
    #[arg(long)]
    json: bool,
}

/// `relhook drift --json`.
#[derive(Debug, Serialize)]
struct Report {
    schema: &'static str,
    targets: Vec<TargetReport>,
}

#[derive(Debug, Serialize)]
struct TargetReport {
    target: TargetName,
    /// `clean`, `drift`, `nothing-released`, `unseen`, `unclear` or `record`.
    outcome: Outcome,
    #[serde(rename = "ref")]
    refname: Option<String>,
    commit: Option<Oid>,
    sequence: Option<u64>,
    deep: bool,
    compared: Option<Compared>,
    differences: Vec<Item>,
    /// The code and the sentence, where it cannot be told.
    code: Option<String>,
    error: Option<String>,
    #[serde(skip)]
    hints: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Item {
    path: String,
    what: &'static str,
    how: String,
}

/// How a target was found, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Clean,
    NothingReleased,
    Unseen,
    Drift,
    Unclear,
    Record,
}

impl DriftArgs {
    /// Looks at the targets of the repository around `dir`.
    ///
    /// # Errors
    /// When the repository, its record or its policy cannot be read.
    pub fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        forbid_core_files()?;
        let server = Server::around(dir)?;
        let names = chosen(&server.bundle()?, self.target.as_deref())?;
        let looked = names.into_iter().map(|name| self.look(&server, name));
        let report = Report {
            schema: "relhook/drift/v1",
            targets: looked.collect(),
        };
        if report
            .targets
            .iter()
            .any(|one| one.outcome == Outcome::Drift)
        {
            tell(dir);
        }
        let worst = report.targets.iter().map(|target| target.outcome).max();
        let text = if self.json {
            serde_json::to_string_pretty(&report)? + "\n"
        } else if report.targets.is_empty() {
            "no rule of the policy releases anything\n".into()
        } else {
            report.targets.iter().map(shown).collect()
        };
        let exit = match worst {
            None | Some(Outcome::Clean | Outcome::NothingReleased) => Exit::Pass,
            // Beside others, a place that nobody can look at is known to be one.
            Some(Outcome::Unseen) if self.target.is_none() => Exit::Pass,
            Some(Outcome::Drift) => Exit::Refused,
            Some(Outcome::Unseen | Outcome::Unclear) => Exit::CannotTell,
            Some(Outcome::Record) => Exit::Integrity,
        };
        Ok(Answer { text, exit })
    }

    fn look(&self, server: &Server, name: TargetName) -> TargetReport {
        let found = server
            .orders()
            .newest(&name)
            .map_err(ReleaseError::Order)
            .and_then(|order| {
                let Some(order) = order else { return Ok(None) };
                let depth = match self.deep {
                    true => Verify::Deep,
                    false => order.target.care.verify,
                };
                look(server.setting(), &order, depth, &mut server.witness())
            });
        report(name, self.deep, found)
    }
}

fn report(
    target: TargetName,
    deep: bool,
    found: Result<Option<Looked>, ReleaseError>,
) -> TargetReport {
    let mut report = TargetReport {
        target,
        outcome: Outcome::NothingReleased,
        refname: None,
        commit: None,
        sequence: None,
        deep,
        compared: None,
        differences: Vec::new(),
        code: None,
        error: None,
        hints: Vec::new(),
    };
    match found {
        Ok(None) => {}
        Ok(Some(looked)) => {
            report.outcome = match looked.differences.is_empty() {
                true => Outcome::Clean,
                false => Outcome::Drift,
            };
            report.refname = Some(looked.refname);
            report.commit = Some(looked.commit);
            report.sequence = Some(looked.sequence);
            report.deep = looked.depth == Verify::Deep;
            report.compared = Some(looked.compared);
            report.differences = looked
                .differences
                .into_iter()
                .map(|one| Item {
                    path: one.path.to_string(),
                    what: one.what.word(),
                    how: escape(one.how.as_bytes()),
                })
                .collect();
        }
        Err(error) => {
            let records = [Code::MANIFEST, Code::MANIFEST_SIGNATURE, Code::OTHER_OWNER];
            report.outcome = if matches!(error, ReleaseError::Unseen { .. }) {
                Outcome::Unseen
            } else if records.contains(&error.code()) {
                Outcome::Record
            } else {
                Outcome::Unclear
            };
            report.code = Some(error.code().to_string());
            report.hints = error.hints();
            report.error = Some(error.to_string());
        }
    }
    report
}

/// One target for people.
fn shown(report: &TargetReport) -> String {
    let name = &report.target;
    let commit = report.commit.map(|commit| commit.short());
    let commit = commit.unwrap_or_default();
    let mut text = match report.outcome {
        Outcome::Clean => {
            let how = compared(report.compared.unwrap_or_default());
            format!("{name}: is {commit} ({how})\n")
        }
        Outcome::NothingReleased => format!("{name}: nothing was released to it yet\n"),
        Outcome::Drift => format!("{name}: was changed by hand since {commit}\n"),
        Outcome::Unseen | Outcome::Unclear | Outcome::Record => {
            let (code, error) = (report.code.as_deref(), report.error.as_deref());
            let (code, error) = (code.unwrap_or_default(), error.unwrap_or_default());
            format!("{name}: cannot be told\n  {code} {error}\n")
        }
    };
    for one in report.differences.iter().take(SHOWN) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {:<7} {}: {}", one.what, one.path, one.how);
    }
    if let Some(more) = report.differences.len().checked_sub(SHOWN + 1) {
        let _ = writeln!(text, "  and {} more", more + 1);
    }
    let drift = [format!(
        "to put back what was released: relhook release --target {name} --overwrite"
    )];
    let hints = match report.outcome {
        Outcome::Drift => drift.as_slice(),
        Outcome::Clean
        | Outcome::NothingReleased
        | Outcome::Unseen
        | Outcome::Unclear
        | Outcome::Record => &report.hints,
    };
    for hint in hints {
        let _ = writeln!(text, "  hint: {hint}");
    }
    text
}

fn compared(compared: Compared) -> String {
    let parts = [
        (compared.hash, "by hash"),
        (compared.time, "by size and time"),
        (compared.size, "by size alone"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, how)| format!("{count} {how}")).collect();
    match parts.is_empty() {
        true => "no files".into(),
        false => parts.join(", "),
    }
}
