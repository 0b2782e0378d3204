//! Reading on from a place in the log: for those who were told what is before it.

use super::tail::MAX_LINE;
use super::{AuditError, AuditLog, Entry};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

/// A place behind an entry. Where it does not fit the log any more, it is looked for anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// The entry's number; 0 for the beginning.
    pub seq: u64,
    /// How many bytes of the file are before the place.
    pub offset: u64,
}

/// Hands on every entry behind `from`, each with the place behind it. Whether the chain holds is
/// not looked at: that is [`super::verify`]'s part.
///
/// # Errors
/// When the log cannot be read, or a line of it is no entry.
pub fn read_on(
    log: &AuditLog,
    from: Mark,
    mut each: impl FnMut(&Entry, Mark) -> ControlFlow<()>,
) -> Result<(), AuditError> {
    let path = log.file();
    let file = File::open(&path).map_err(AuditError::opening(&path))?;
    let mut reader = BufReader::new(file);
    let mut offset = place(&mut reader, from).map_err(AuditError::io(&path))?;
    reader
        .seek(SeekFrom::Start(offset))
        .map_err(AuditError::io(&path))?;
    loop {
        let mut line = Vec::new();
        let mut limited = reader.by_ref().take(MAX_LINE as u64 + 1);
        let read = limited
            .read_until(b'\n', &mut line)
            .map_err(AuditError::io(&path))?;
        // A cut last line is not one yet.
        if line.pop_if(|byte| *byte == b'\n').is_none() {
            return Ok(());
        }
        offset += read as u64;
        let entry: Entry = serde_json::from_slice(&line).map_err(|error| AuditError::Broken {
            path: path.clone(),
            seq: from.seq + 1,
            why: error.to_string(),
        })?;
        let mark = Mark {
            seq: entry.seq,
            offset,
        };
        if entry.seq > from.seq && each(&entry, mark).is_break() {
            return Ok(());
        }
    }
}

/// The mark's own offset if a line ends there, else the beginning.
fn place(reader: &mut BufReader<File>, from: Mark) -> std::io::Result<u64> {
    let Some(before) = from.offset.checked_sub(1) else {
        return Ok(0);
    };
    reader.seek(SeekFrom::Start(before))?;
    let mut byte = [0];
    let fits = reader.read(&mut byte)? == 1 && byte == *b"\n";
    Ok(if fits { from.offset } else { 0 })
}
