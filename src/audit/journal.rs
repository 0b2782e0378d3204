//! The head of the log: what was appended since the last full tile, each entry with the checkpoint
//! that takes it in. Here an entry is committed, by one write and one sync; everything else is made
//! from it.
//!
//! One JSON object a line. The first has no entry: it says where the tile begins.

use super::checkpoint::{Checkpoint, LogKey};
use super::hidden::Hidden;
use super::tail::{self, MAX_LINE, Tail};
use super::tree::{Node, Peaks, leaf};
use super::{AuditError, AuditLog, access};
use crate::types::Timestamp;
use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Write};
use std::path::PathBuf;

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    /// The entry, exactly as it is in the tree.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    entry: Option<&'a RawValue>,
    /// What is kept beside the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hidden: Option<Hidden>,
    /// The entry's time; in the first line, that of the entry before.
    time: Timestamp,
    /// The complete subtrees, in base64.
    peaks: Vec<Cow<'a, str>>,
    /// The signed checkpoint.
    #[serde(borrow)]
    checkpoint: Cow<'a, str>,
}

/// Where a log stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::audit) struct Head {
    pub peaks: Peaks,
    pub time: Timestamp,
    pub checkpoint: Checkpoint,
}

/// A line, read and checked by itself: its checkpoint is signed and is of its peaks.
pub(in crate::audit) struct Appended {
    /// The entry's bytes; none in the first line.
    pub entry: Option<Vec<u8>>,
    pub hidden: Option<Hidden>,
    pub head: Head,
}

/// Whether a signature was looked at before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::audit) enum Signed<'a> {
    /// No: it is verified.
    Verify,
    /// It was, if this is the note.
    UnlessIs(&'a str),
    /// A later line of the same file takes this one in.
    ByLater,
}

impl Appended {
    fn read(line: &[u8], key: &LogKey, signed: Signed<'_>) -> Result<Self, String> {
        let line: Line<'_> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        let nodes: Option<Vec<Node>> = line.peaks.iter().map(|peak| node(peak)).collect();
        let nodes = nodes.ok_or("a hash in it is none")?;
        let note = line.checkpoint.as_bytes();
        let checkpoint = match signed {
            Signed::ByLater => Checkpoint::read(note, key).map(|(checkpoint, _)| checkpoint),
            Signed::UnlessIs(verified) if verified.as_bytes() == note => {
                Checkpoint::read(note, key).map(|(checkpoint, _)| checkpoint)
            }
            Signed::Verify | Signed::UnlessIs(_) => Checkpoint::open(note, key),
        };
        let checkpoint = checkpoint.map_err(|fault| fault.to_string())?;
        let peaks = Peaks::new(checkpoint.size, nodes)
            .filter(|peaks| peaks.root() == checkpoint.root)
            .ok_or("its checkpoint is not of its tree")?;
        Ok(Self {
            entry: line.entry.map(|entry| entry.get().as_bytes().to_vec()),
            hidden: line.hidden,
            head: Head {
                peaks,
                time: line.time,
                checkpoint,
            },
        })
    }
}

fn node(base64: &str) -> Option<Node> {
    Base64::decode_vec(base64).ok()?.try_into().ok()
}

/// The file, open for one append.
pub(in crate::audit) struct Journal {
    path: PathBuf,
    file: File,
    tail: Tail,
}

impl Journal {
    /// Opens it, to append to it; or to read it, where this account may not do more.
    pub(in crate::audit) fn open(log: &AuditLog) -> Result<Self, AuditError> {
        let path = &log.file();
        let file = match OpenOptions::new().read(true).append(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && log.is_reader() => {
                File::open(path)
            }
            opened => opened,
        };
        let file = file.map_err(AuditError::opening(path))?;
        let length = access::check(log, &file)?;
        let tail = tail::read(&file, length).map_err(AuditError::io(path))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            tail,
        })
    }

    /// The last whole line. Its checkpoint is verified, unless its note is `signed`, which was.
    pub(in crate::audit) fn last(
        &self,
        key: &LogKey,
        signed: &str,
    ) -> Result<Appended, AuditError> {
        if self.tail.line.is_empty() {
            return Err(self.broken(0, "it is empty".into()));
        }
        let line = &self.tail.line;
        Appended::read(line, key, Signed::UnlessIs(signed)).map_err(|why| self.broken(0, why))
    }

    /// How many bytes of a cut line end the file.
    pub(in crate::audit) fn cut(&self) -> u64 {
        self.tail.cut
    }

    /// Drops the rest of a cut line.
    pub(in crate::audit) fn drop_cut(&mut self) -> Result<(), AuditError> {
        self.file
            .set_len(self.tail.whole)
            .map_err(AuditError::io(&self.path))?;
        self.tail.cut = 0;
        Ok(())
    }

    /// Appends a line. When this returns, it is on disk.
    pub(in crate::audit) fn append(
        &mut self,
        entry: &str,
        hidden: Option<Hidden>,
        head: &Head,
    ) -> Result<(), AuditError> {
        let line = self.line(entry, hidden, head)?;
        self.commit(&line)
    }

    /// A line that is to be committed, with its line break.
    pub(in crate::audit) fn line(
        &self,
        entry: &str,
        hidden: Option<Hidden>,
        head: &Head,
    ) -> Result<Vec<u8>, AuditError> {
        let line = line(Some(entry), hidden, head).map_err(AuditError::io(&self.path))?;
        match line.len() > MAX_LINE {
            true => Err(AuditError::TooLong {
                size: line.len(),
                limit: MAX_LINE,
            }),
            false => Ok(line),
        }
    }

    /// Appends whole lines. When this returns, they are on disk.
    pub(in crate::audit) fn commit(&mut self, lines: &[u8]) -> Result<(), AuditError> {
        let written = self.file.write_all(lines);
        if let Err(source) = written.and_then(|()| self.file.sync_data()) {
            // A cut line is dropped by the next append too; dropping it now keeps the file tidy.
            let _ = self.file.set_len(self.tail.whole);
            return Err(AuditError::Io {
                path: self.path.clone(),
                source,
            });
        }
        self.tail.whole += lines.len() as u64;
        Ok(())
    }

    fn broken(&self, seq: u64, why: String) -> AuditError {
        AuditError::Broken {
            path: self.path.clone(),
            seq,
            why,
        }
    }
}

/// The first line of a journal that begins at `head`.
pub(in crate::audit) fn first_line(head: &Head) -> io::Result<Vec<u8>> {
    line(None, None, head)
}

/// A line, with its line break.
pub(in crate::audit) fn line(
    entry: Option<&str>,
    hidden: Option<Hidden>,
    head: &Head,
) -> io::Result<Vec<u8>> {
    let nodes = head.peaks.nodes().iter();
    let line = Line {
        entry: entry.map(serde_json::from_str).transpose()?,
        hidden,
        time: head.time,
        peaks: nodes
            .map(|node| Base64::encode_string(node).into())
            .collect(),
        checkpoint: Cow::Borrowed(&head.checkpoint.note),
    };
    let mut bytes = serde_json::to_vec(&line)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The lines of a journal, from its first one.
pub(in crate::audit) struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    key: LogKey,
    peaks: Option<Peaks>,
}

impl Lines {
    /// Opens the file. What is appended or begun anew afterwards is not seen, or only in part.
    pub(in crate::audit) fn open(log: &AuditLog, key: &LogKey) -> Result<Self, AuditError> {
        let path = &log.file();
        let file = File::open(path).map_err(AuditError::opening(path))?;
        access::check(log, &file)?;
        Ok(Self {
            path: path.to_owned(),
            reader: BufReader::with_capacity(64 << 10, file),
            key: key.clone(),
            peaks: None,
        })
    }

    /// The next line, checked against the one before; nothing at the end. A cut last line is none.
    ///
    /// # Errors
    /// When a line cannot be read, or does not follow from the one before.
    pub(in crate::audit) fn next(
        &mut self,
        signed: Signed<'_>,
    ) -> Result<Option<Appended>, AuditError> {
        let line = tail::next_line(&mut self.reader).map_err(AuditError::io(&self.path))?;
        let Some(line) = line else {
            return Ok(None);
        };
        let seq = self.peaks.as_ref().map_or(0, |peaks| peaks.size() + 1);
        let broken = |why: String| AuditError::Broken {
            path: self.path.clone(),
            seq,
            why,
        };
        let appended = Appended::read(&line, &self.key, signed).map_err(broken)?;
        let expected = match (&self.peaks, &appended.entry) {
            (None, None) => Some(appended.head.peaks.clone()),
            (Some(before), Some(entry)) => {
                let mut peaks = before.clone();
                peaks.push(leaf(entry));
                Some(peaks)
            }
            (None, Some(_)) | (Some(_), None) => None,
        };
        if expected.as_ref() != Some(&appended.head.peaks) {
            return Err(broken("it does not follow from the line before it".into()));
        }
        self.peaks = expected;
        Ok(Some(appended))
    }
}
