//! `packed-refs`, read by binary search: one look-up costs the same beside ten refs or a million.

use super::refs::{too_many, unreadable};
use crate::facts::Fault;
use crate::types::{Oid, RefName};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::fs::{File, Metadata};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::rc::Rc;

/// Below this many bytes a part of the file is read line by line.
const LINEAR: u64 = 8 << 10;

/// The longest line that is read. Git keeps names far shorter than this.
const MAX_LINE: usize = 8 << 10;

/// The file of packed refs, opened again whenever git has replaced it.
pub(super) struct PackedRefs {
    path: PathBuf,
    open: RefCell<Option<Rc<Opened>>>,
}

/// One version of the file.
struct Opened {
    file: File,
    identity: (u64, u64, i64, i64, u64),
    /// Whether the header says that the names are sorted.
    sorted: bool,
    /// Where the first line after the header is.
    start: u64,
    size: u64,
}

/// A line of the file.
struct Record {
    oid: Oid,
    name: Vec<u8>,
}

impl PackedRefs {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            open: RefCell::new(None),
        }
    }

    /// The value of one ref.
    pub(super) fn get(&self, name: &[u8]) -> Result<Option<Oid>, Fault> {
        let mut found = None;
        self.scan(name, |record| {
            if record.name == name {
                found = Some(record.oid);
            }
            record.name.as_slice() < name
        })?;
        Ok(found)
    }

    /// Every ref below `prefix`.
    pub(super) fn below(
        &self,
        prefix: &[u8],
        limit: usize,
    ) -> Result<BTreeMap<RefName, Oid>, Fault> {
        let mut found = BTreeMap::new();
        self.scan(prefix, |record| {
            if record.name.starts_with(prefix)
                && let Ok(name) = RefName::new(&record.name)
            {
                found.insert(name, record.oid);
            }
            found.len() <= limit
                && (record.name.as_slice() < prefix || record.name.starts_with(prefix))
        })?;
        if found.len() > limit {
            return Err(too_many(prefix, limit));
        }
        Ok(found)
    }

    /// The first components of every name below `prefix`.
    pub(super) fn names_below(
        &self,
        prefix: &[u8],
        limit: usize,
    ) -> Result<HashSet<Vec<u8>>, Fault> {
        let mut found = HashSet::new();
        self.scan(prefix, |record| {
            let below = record.name.strip_prefix(prefix);
            if let Some(first) = below.and_then(|rest| rest.split(|byte| *byte == b'/').next())
                && !found.contains(first)
            {
                found.insert(first.to_vec());
            }
            found.len() <= limit && (below.is_some() || record.name.as_slice() < prefix)
        })?;
        if found.len() > limit {
            return Err(too_many(prefix, limit));
        }
        Ok(found)
    }

    /// Shows the records from about `from` on, in order, for as long as `more` wants them; all of
    /// them where the file is not sorted.
    fn scan(&self, from: &[u8], mut more: impl FnMut(&Record) -> bool) -> Result<(), Fault> {
        let Some(opened) = self.opened()? else {
            return Ok(());
        };
        let start = opened
            .lower_bound(from)
            .map_err(|error| unreadable(&self.path, &error))?;
        let mut lines = opened.lines_from(start);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut lines)
                .take(MAX_LINE as u64 + 1)
                .read_until(b'\n', &mut line)
                .map_err(|error| unreadable(&self.path, &error))?;
            if read == 0 {
                return Ok(());
            }
            if line.starts_with(b"^") || line.starts_with(b"#") {
                continue;
            }
            let record = Record::parse(&line).ok_or_else(|| Fault::Unreadable {
                why: format!("{}: a line is not an id and a name", self.path.display()),
            })?;
            if !more(&record) && opened.sorted {
                return Ok(());
            }
        }
    }

    /// The file as it is now; nothing where there is none.
    fn opened(&self) -> Result<Option<Rc<Opened>>, Fault> {
        let meta = match std::fs::metadata(&self.path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(&self.path, &error)),
        };
        if let Some(opened) = self.open.borrow().as_ref()
            && opened.identity == identity(&meta)
        {
            return Ok(Some(Rc::clone(opened)));
        }
        let opened = Opened::new(&self.path).map_err(|error| unreadable(&self.path, &error))?;
        let opened = Rc::new(opened);
        *self.open.borrow_mut() = Some(Rc::clone(&opened));
        Ok(Some(opened))
    }
}

fn identity(meta: &Metadata) -> (u64, u64, i64, i64, u64) {
    (
        meta.dev(),
        meta.ino(),
        meta.mtime(),
        meta.mtime_nsec(),
        meta.len(),
    )
}

impl Opened {
    fn new(path: &std::path::Path) -> std::io::Result<Self> {
        let file = File::open(path)?;
        let meta = file.metadata()?;
        let mut head = Vec::new();
        BufReader::new(At {
            file: &file,
            offset: 0,
        })
        .take(MAX_LINE as u64)
        .read_until(b'\n', &mut head)?;
        let header = head.starts_with(b"#");
        Ok(Self {
            sorted: header
                && head
                    .split(u8::is_ascii_whitespace)
                    .any(|word| word == b"sorted"),
            start: if header { head.len() as u64 } else { 0 },
            size: meta.len(),
            identity: identity(&meta),
            file,
        })
    }

    fn lines_from(&self, offset: u64) -> BufReader<At<'_>> {
        BufReader::new(At {
            file: &self.file,
            offset,
        })
    }

    /// Where a record begins before which every name is less than `name`.
    fn lower_bound(&self, name: &[u8]) -> std::io::Result<u64> {
        let (mut low, mut high) = (self.start, self.size);
        while self.sorted && high.saturating_sub(low) > LINEAR {
            let middle = low + (high - low) / 2;
            match self.record_after(middle)? {
                Some((begin, record)) if record.name.as_slice() < name => low = begin,
                Some(_) | None => high = middle,
            }
        }
        Ok(low)
    }

    /// The first whole record after an offset.
    fn record_after(&self, offset: u64) -> std::io::Result<Option<(u64, Record)>> {
        let mut lines = self.lines_from(offset);
        let mut begin = offset;
        let mut line = Vec::new();
        begin += (&mut lines)
            .take(MAX_LINE as u64 + 1)
            .read_until(b'\n', &mut line)? as u64;
        loop {
            line.clear();
            let read = (&mut lines)
                .take(MAX_LINE as u64 + 1)
                .read_until(b'\n', &mut line)?;
            if read == 0 {
                return Ok(None);
            }
            if !line.starts_with(b"^") {
                let broken = || std::io::Error::other("a line is not an id and a name");
                return Ok(Some((begin, Record::parse(&line).ok_or_else(broken)?)));
            }
            begin += read as u64;
        }
    }
}

impl Record {
    fn parse(line: &[u8]) -> Option<Self> {
        let line = line.strip_suffix(b"\n")?;
        let (hex, rest) = line.split_at_checked(40)?;
        Some(Self {
            oid: Oid::from_hex(hex).ok()?,
            name: rest.strip_prefix(b" ")?.to_vec(),
        })
    }
}

/// A file read from an offset on, without moving the file's own position.
struct At<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}
