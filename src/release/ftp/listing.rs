//! What is in a directory of an FTP site: `MLSD` where the site knows it, else `LIST` as Unix
//! prints it, else the names alone.

use super::session::FtpSession;
use crate::release::ReleaseError;
use crate::release::site::{Entry, EntryKind};
use crate::types::Timestamp;
use std::io::Read;
use std::sync::atomic::Ordering;
use std::time::UNIX_EPOCH;
use suppaftp::list::{File, ListParser};
use suppaftp::{FtpError, FtpResult, Status};

/// How many entries of one directory are read.
const LIMIT: usize = 100_000;

/// How many bytes of one directory's listing are read.
const BYTES: u64 = 32 * 1024 * 1024;

/// The entries of the directory `path`, which is the connection's current one.
pub(super) fn list(session: &mut FtpSession, path: &str) -> Result<Vec<Entry>, ReleaseError> {
    if let Some(lines) = mlsd(session, path)? {
        bounded(path, &lines)?;
        let own = |line: &&String| {
            let line = line.to_ascii_lowercase();
            line.contains("type=cdir;") || line.contains("type=pdir;")
        };
        let lines = lines.iter().filter(|line| !own(line));
        return Ok(named(lines.filter_map(|line| machine(line))));
    }
    let step = format!("LIST {path}");
    let result = read(session, "LIST -a");
    let lines = session.there(&step, result)?.unwrap_or_default();
    bounded(path, &lines)?;
    let lines = lines.iter().filter(|line| !line.starts_with("total "));
    let files: Option<Vec<File>> = lines
        .map(|line| ListParser::parse_posix(line).ok())
        .collect();
    match files {
        Some(files) => Ok(named(files.iter().map(|file| entry(file, None)))),
        None => names(session, path),
    }
}

/// The site's machine-readable listing; nothing if it has none.
fn mlsd(session: &mut FtpSession, path: &str) -> Result<Option<Vec<String>>, ReleaseError> {
    if session.habits().no_mlsd.load(Ordering::Relaxed) {
        return Ok(None);
    }
    match read(session, "MLSD") {
        Ok(lines) => Ok(Some(lines)),
        Err(FtpError::UnexpectedResponse(reply)) if matches!(reply.body.first(), Some(b'5')) => {
            session.habits().no_mlsd.store(true, Ordering::Relaxed);
            Ok(None)
        }
        Err(error) => Err(session.fail(&format!("MLSD {path}"), error)),
    }
}

fn machine(line: &str) -> Option<Entry> {
    match ListParser::parse_mlsd(line) {
        Ok(file) => {
            let changed = file.modified().duration_since(UNIX_EPOCH).ok();
            let seconds = changed.and_then(|since| i64::try_from(since.as_secs()).ok());
            let changed = seconds.filter(|seconds| *seconds > 0);
            Some(entry(&file, changed.map(Timestamp::from_unix)))
        }
        // A kind that the library does not know, such as a link.
        Err(_) => line.split_once("; ").map(|(_, name)| Entry {
            name: name.to_owned(),
            kind: EntryKind::Other,
            size: None,
            changed: None,
        }),
    }
}

fn entry(file: &File, changed: Option<Timestamp>) -> Entry {
    let (kind, size) = if file.is_directory() {
        (EntryKind::Directory, None)
    } else if file.is_file() {
        (EntryKind::File, Some(file.size() as u64))
    } else {
        (EntryKind::Other, None)
    };
    Entry {
        name: file.name().to_owned(),
        kind,
        size,
        changed,
    }
}

/// The names alone.
fn names(session: &mut FtpSession, path: &str) -> Result<Vec<Entry>, ReleaseError> {
    let step = format!("NLST {path}");
    let result = read(session, "NLST -a");
    let lines = session.there(&step, result)?.unwrap_or_default();
    bounded(path, &lines)?;
    Ok(named(lines.iter().map(|line| Entry {
        name: line.clone(),
        kind: EntryKind::Untold,
        size: None,
        changed: None,
    })))
}

/// The entries without the directory itself and its parent, and without folders in their names.
fn named(entries: impl Iterator<Item = Entry>) -> Vec<Entry> {
    let plain = entries.map(|entry| Entry {
        name: entry.name.rsplit('/').next().unwrap_or_default().to_owned(),
        ..entry
    });
    plain
        .filter(|entry| !matches!(entry.name.as_str(), "" | "." | ".."))
        .collect()
}

/// The lines that a command for listing is answered with, as many bytes of them as are read at all: what
/// is cut there is more than [`LIMIT`] lines, or no listing.
fn read(session: &mut FtpSession, command: &str) -> FtpResult<Vec<String>> {
    let begins = [Status::AboutToSend, Status::AlreadyOpen];
    let (_, mut stream) = session.library().custom_data_command(command, &begins)?;
    let mut bytes = Vec::new();
    let read = Read::by_ref(&mut stream)
        .take(BYTES + 1)
        .read_to_end(&mut bytes);
    read.map_err(FtpError::ConnectionError)?;
    if bytes.len() as u64 > BYTES {
        return Err(FtpError::BadResponse);
    }
    stream.finish()?;
    let lines = bytes.split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    Ok(lines
        .filter(|line| !line.is_empty())
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect())
}

fn bounded(path: &str, lines: &[String]) -> Result<(), ReleaseError> {
    if lines.len() <= LIMIT {
        return Ok(());
    }
    Err(ReleaseError::Place {
        path: path.into(),
        why: format!("it has more than {LIMIT} entries"),
    })
}
