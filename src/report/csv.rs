//! The changes as a table for spreadsheets.

use super::lead::Lead;
use super::model::{Change, Report, Went};
use crate::types::Timestamp;
use std::io;

/// The head of the table.
const HEAD: [&str; 23] = [
    "entry",
    "accepted",
    "ref",
    "old",
    "new",
    "went_in",
    "contributors",
    "approved_by",
    "pushed_by",
    "policy",
    "committed",
    "lead_seconds",
    "released",
    "targets",
    "evidence",
    "emergency",
    "settled",
    "in_stead",
    "let_pass",
    "tickets",
    "checks",
    "overridden",
    "rollback",
];

/// The changes of a report, a line each (RFC 4180). What a spreadsheet would take for a formula has
/// an apostrophe before it.
///
/// # Errors
/// None that memory does not make.
pub fn csv(report: &Report) -> io::Result<Vec<u8>> {
    let mut table = ::csv::Writer::from_writer(Vec::new());
    table.write_record(HEAD)?;
    for change in &report.changes {
        table.write_record(row(change).iter().map(|cell| plain(cell)))?;
    }
    table
        .into_inner()
        .map_err(|error| io::Error::other(error.to_string()))
}

fn row(change: &Change) -> [String; 23] {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
    let finished = change.releases.iter().filter(|release| release.finished);
    let targets: Vec<&str> = finished.clone().map(|release| &*release.target).collect();
    let evidence: Vec<&str> = change.evidence.iter().map(|hash| hash.as_str()).collect();
    let emergency = change.emergency.as_ref();
    let settled = emergency.and_then(|one| one.settled.as_ref());
    let in_stead = joined(&change.in_stead, " ", |one| {
        format!("{}:{}", one.person, one.of)
    });
    let rollback = change.rollback.as_ref();
    [
        change.entry.to_string(),
        change.time.to_string(),
        change.refname.clone(),
        change.old.map(|oid| oid.to_string()).unwrap_or_default(),
        change.new.to_string(),
        match change.went {
            Went::In => "yes".to_owned(),
            Went::Unknown => "unknown".to_owned(),
        },
        change.contributors.join(" "),
        change.approved_by.join(" "),
        change.pushed_by.clone().unwrap_or_default(),
        change.policy.to_string(),
        time(change.committed),
        Lead::of(change)
            .map(|lead| lead.whole().to_string())
            .unwrap_or_default(),
        time(finished.map(|release| release.time).max()),
        targets.join(" "),
        evidence.join(" "),
        emergency.map_or_else(String::new, |one| {
            format!("{}: {}", one.people.join(" "), one.reason)
        }),
        time(settled.map(|settled| settled.time)),
        in_stead,
        change.let_pass.join(" "),
        change.tickets.join(" "),
        joined(&change.checks, " ", |one| {
            format!("{}:{}", one.check, one.machine)
        }),
        joined(&change.overridden, "; ", |one| {
            let reason = one.reason.as_deref().unwrap_or_default();
            format!("{} by {}: {reason}", one.name, one.person)
        }),
        rollback.map_or_else(String::new, |one| {
            joined(&one.by, "; ", |word| {
                format!("{}: {}", word.person, word.reason)
            })
        }),
    ]
}

fn joined<'a, T: 'a>(
    all: impl IntoIterator<Item = &'a T>,
    between: &str,
    shown: impl Fn(&T) -> String,
) -> String {
    let all: Vec<String> = all.into_iter().map(shown).collect();
    all.join(between)
}

/// What a spreadsheet may take for the beginning of a formula; some take the wide forms for the same.
const BEGINS: [char; 11] = [
    '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];

/// A cell that no spreadsheet calculates.
fn plain(cell: &str) -> String {
    match cell.starts_with(BEGINS) {
        true => format!("'{cell}"),
        false => cell.to_owned(),
    }
}
