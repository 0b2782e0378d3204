//! What is in a directory of an FTP site: `MLSD` where the site knows it, else `LIST` as Unix
//! prints it, else the names alone.

use super::session::FtpSession;
use crate::release::ReleaseError;
use crate::release::site::{Entry, EntryKind};
use crate::types::Timestamp;
use std::sync::atomic::Ordering;
use std::time::UNIX_EPOCH;
use suppaftp::FtpError;
use suppaftp::list::{File, ListParser};

/// How many entries of one directory are read.
const LIMIT: usize = 100_000;

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
    let result = session.library().list(Some("-a"));
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
    match session.library().mlsd(None) {
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
    let result = session.library().nlst(Some("-a"));
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

fn bounded(path: &str, lines: &[String]) -> Result<(), ReleaseError> {
    if lines.len() <= LIMIT {
        return Ok(());
    }
    Err(ReleaseError::Place {
        path: path.into(),
        why: format!("it has more than {LIMIT} entries"),
    })
}
