//! The report for programs: one JSON object a line (docs/report.md).

use super::model::{Change, Note, Refusal, Report};
use crate::types::Timestamp;
use serde::Serialize;
use std::io;

/// What the first line says of the form.
const SCHEMA: &str = "relhook/report/v1";

/// A line.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line<'a> {
    Report {
        schema: &'static str,
        repository: &'a str,
        from: Timestamp,
        to: Timestamp,
        made: Timestamp,
        entries: Option<(u64, u64)>,
        checkpoint: &'a str,
        key: &'a str,
    },
    Change(&'a Change),
    Refusal(&'a Refusal),
    Note(&'a Note),
}

/// A report as JSON lines: what it is about first, then changes, refusals and notes.
///
/// # Errors
/// None that memory does not make.
pub fn lines(report: &Report) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let head = Line::Report {
        schema: SCHEMA,
        repository: &report.repository,
        from: report.period.from,
        to: report.period.to,
        made: report.made,
        entries: report.entries,
        checkpoint: &report.checkpoint.note,
        key: &report.key,
    };
    let changes = report.changes.iter().map(Line::Change);
    let refusals = report.refusals.iter().map(Line::Refusal);
    let notes = report.notes.iter().map(Line::Note);
    for line in std::iter::once(head)
        .chain(changes)
        .chain(refusals)
        .chain(notes)
    {
        serde_json::to_writer(&mut bytes, &line)?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}
