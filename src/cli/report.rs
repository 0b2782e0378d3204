//! `relhook report`: what an auditor asks for, from the log.

use super::reading::Reader;
use super::{Answer, Exit};
use crate::attest::{Options, attest};
use crate::replay::{Lost, of_log};
use crate::report::{Period, csv, gather, html, lines, pack};
use crate::types::Timestamp;
use anyhow::Context;
use clap::Args;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What `relhook report` is asked for.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The first day (UTC), like 2026-12-01, or a time; without it, the log's beginning
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// The last day, with all of it, or a time; without it, now
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// The form: a page, a table, or lines for programs
    #[arg(long, value_enum, default_value = "html")]
    format: Format,
    /// Write it here instead of to the standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write an archive (tar) with all forms, receipts, evidence, key, and how to check them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["format", "output"])]
    pack: Option<PathBuf>,
}

/// The forms of a report.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// One page (HTML), fit to read, print and keep.
    Html,
    /// The changes as a table (CSV), for spreadsheets.
    Csv,
    /// Changes, refusals and notes for programs, one JSON object a line (docs/report.md).
    Jsonl,
}

impl ReportArgs {
    /// Runs it for the repository around `dir`.
    ///
    /// # Errors
    /// When there is no log that could be read, or the report cannot be written.
    pub fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        let reader = Reader::around(dir)?;
        let now = Timestamp::from_unix(jiff::Timestamp::now().as_second());
        let period = Period::new(self.from.as_deref(), self.to.as_deref(), now)
            .map_err(|error| super::Failure::usage(error.to_string()))?;
        let report = match gather(&reader.log, &reader.store, period, now) {
            Ok(report) => report,
            Err(error) if error.is_integrity() => {
                return Ok(Answer {
                    text: format!(
                        "RH702: {error}\nof a log that does not verify there is no report\n"
                    ),
                    exit: Exit::Integrity,
                });
            }
            Err(error) => return Err(error.into()),
        };
        reader.record("report", report.entries)?;
        if let Some(path) = &self.pack {
            let (first, last) = report.entries.unwrap_or_default();
            let mut replay = of_log(&reader.log, reader.store, &[], Lost::Found)?;
            replay.moves.retain(|one| (first..=last).contains(&one.seq));
            let attested = attest(&replay, &reader.log, &Options::default())?;
            let file = create(path)?;
            pack(
                &report,
                &reader.log,
                &attested,
                std::io::BufWriter::new(file),
            )?;
            return Ok(Answer::pass(String::new()));
        }
        let bytes = match self.format {
            Format::Html => html(&report).into_bytes(),
            Format::Csv => csv(&report)?,
            Format::Jsonl => lines(&report)?,
        };
        match &self.output {
            Some(path) => {
                let written = create(path)?.write_all(&bytes);
                written.with_context(|| format!("{} cannot be written", path.display()))?;
                Ok(Answer::pass(String::new()))
            }
            None => Ok(Answer::pass(String::from_utf8(bytes)?)),
        }
    }
}

/// A new file that only this account can read: the report names people.
fn create(path: &Path) -> anyhow::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let file = options.open(path);
    file.with_context(|| format!("{} cannot be written", path.display()))
}
