//! The report as an archive: the page, the table, the entries, their receipts, the evidence, the key
//! and the checkpoint, and how to check it all without relhook.

use super::model::Report;
use crate::attest::Attested;
use crate::audit::{AuditError, AuditLog, Mark, read_on};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::ops::ControlFlow;
use tar::{Builder, Header};

/// What stands in the archive beside the rest.
const HOW: &str = include_str!("how-to-check.txt");

/// Why there is no archive.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The log cannot be read.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// It cannot be written.
    #[error("the archive cannot be written: {0}")]
    Io(#[from] io::Error),
}

/// Writes a report's archive (tar, not compressed), all in one folder; with what is attested of the
/// changes in it.
///
/// # Errors
/// When the log or its evidence cannot be read, or the archive not written.
pub fn pack(
    report: &Report,
    log: &AuditLog,
    attested: &[Attested],
    to: impl Write,
) -> Result<(), PackError> {
    let mut archive = Archive {
        tar: Builder::new(to),
        time: u64::try_from(report.made.as_unix()).unwrap_or(0),
    };
    archive.put("HOW-TO-CHECK.txt", HOW.as_bytes())?;
    archive.put("report.html", super::html(report).as_bytes())?;
    archive.put("changes.csv", &super::csv(report)?)?;
    archive.put("report.jsonl", &super::lines(report)?)?;
    archive.put("checkpoint", report.checkpoint.note.as_bytes())?;
    archive.put("key", format!("{}\n", report.key).as_bytes())?;
    if let Some((first, last)) = report.entries {
        archive.put("entries.jsonl", &entries(log, first, last)?)?;
        for seq in first..=last {
            let receipt = log.prove(seq)?.to_string();
            archive.put(&format!("receipts/{seq}.tlog-proof"), receipt.as_bytes())?;
        }
    }
    let named = report.changes.iter().flat_map(|change| &change.evidence);
    let (gone, there): (BTreeSet<_>, BTreeSet<_>) =
        named.partition(|hash| report.redacted.contains(*hash));
    for hash in there {
        archive.put(&format!("evidence/{hash}"), &log.evidence(hash)?)?;
    }
    if !gone.is_empty() {
        let list: String = gone.iter().map(|hash| format!("{hash}\n")).collect();
        archive.put("evidence-redacted.txt", list.as_bytes())?;
    }
    let mut envelopes: BTreeMap<u64, String> = BTreeMap::new();
    for one in attested {
        let of_entry = envelopes.entry(one.seq).or_default();
        for line in &one.envelopes {
            *of_entry += line;
            of_entry.push('\n');
        }
    }
    for (seq, lines) in envelopes {
        let name = format!("attestations/entry-{seq}.intoto.jsonl");
        archive.put(&name, lines.as_bytes())?;
    }
    archive.tar.into_inner()?.flush()?;
    Ok(())
}

/// The entries as `relhook audit log --json` prints them.
fn entries(log: &AuditLog, first: u64, last: u64) -> Result<Vec<u8>, PackError> {
    let mut lines = Vec::new();
    let mut failed = None;
    read_on(log, Mark::behind(first - 1), |entry, mark| {
        if mark.seq > last {
            return ControlFlow::Break(());
        }
        if let Err(error) = serde_json::to_writer(&mut lines, entry) {
            failed = Some(error);
            return ControlFlow::Break(());
        }
        lines.push(b'\n');
        ControlFlow::Continue(())
    })?;
    match failed {
        Some(error) => Err(io::Error::from(error).into()),
        None => Ok(lines),
    }
}

struct Archive<W: Write> {
    tar: Builder<W>,
    time: u64,
}

impl<W: Write> Archive<W> {
    fn put(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut header = Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(self.time);
        let name = format!("relhook-report/{name}");
        self.tar.append_data(&mut header, name, bytes)
    }
}
