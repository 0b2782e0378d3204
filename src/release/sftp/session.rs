//! The steps of a release, as SFTP requests. Each step that stands alone waits for its answer; those
//! of a batch go out together.

use super::error::is_absence;
use super::wire::Wire;
use crate::release::site::{Answered, Entry, EntryKind, Session};
use crate::release::{FileKind, ReleaseError};
use crate::types::Timestamp;
use futures_util::future::{join, join3};
use futures_util::stream::{self, StreamExt};
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::{FileAttributes, FileMode, OpenFlags, StatusCode};
use std::future::Future;
use std::sync::Arc;

/// How many requests a batch has under way. Each is short.
pub(super) const AHEAD: usize = 512;
/// How many bytes a write carries; OpenSSH takes up to 256 KiB less a little, others 32 KiB.
pub(super) const CHUNK: usize = 32 * 1024;
/// How many reads of one file are under way.
const READS: usize = 64;
/// How many entries of one directory are read.
const ENTRY_LIMIT: usize = 100_000;

pub(super) const FILE_MODE: u32 = 0o644;
pub(super) const PROGRAM_MODE: u32 = 0o755;
/// What the account's umask takes from.
pub(super) const ANY_MODE: u32 = 0o777;
pub(super) const PRIVATE_MODE: u32 = 0o700;

/// One worker's view of the shared connection.
pub(super) struct SftpSession {
    pub(super) wire: Arc<Wire>,
}

impl SftpSession {
    /// A session over this connection.
    pub(super) fn new(wire: Arc<Wire>) -> Self {
        Self { wire }
    }

    /// Waits for one step.
    fn step<T>(
        &self,
        step: impl Fn() -> String,
        what: impl Future<Output = Result<T, SftpError>>,
    ) -> Result<T, ReleaseError> {
        let done = self.wire.wait(what).flatten();
        done.map_err(|error| self.wire.fail(&step(), &error))
    }

    /// The attributes of what is at `path` itself; a link is not followed.
    pub(super) async fn attributes(
        wire: &Wire,
        path: &str,
    ) -> Result<Option<FileAttributes>, SftpError> {
        match wire.brief(wire.sftp.lstat(path)).await {
            Ok(found) => Ok(Some(found.attrs)),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn file_size(wire: &Wire, path: &str) -> Result<Option<u64>, SftpError> {
        let found = Self::attributes(wire, path).await?;
        Ok(found
            .filter(|found| !found.is_dir())
            .and_then(|found| found.size))
    }

    async fn remove(wire: &Wire, path: &str) -> Result<(), SftpError> {
        match wire.sftp.remove(path).await {
            Ok(_) => Ok(()),
            Err(error) if is_absence(&error) => Ok(()),
            // A directory in the place of the file: a killed run has been here. The protocol has no
            // word for that.
            Err(error) => match Self::attributes(wire, path).await? {
                Some(found) if !found.is_dir() => Err(error),
                Some(_) | None => Ok(()),
            },
        }
    }

    /// Whether a file holds exactly these bytes, and all of these are directories. All of it goes out at once,
    /// as far as an answer is not needed first.
    pub(super) fn holds(
        &self,
        (file, bytes): (&str, &[u8]),
        dirs: &[String],
    ) -> Result<bool, ReleaseError> {
        let wire = &self.wire;
        let looks = stream::iter(dirs)
            .map(|dir| Self::attributes(wire, dir))
            .buffered(AHEAD)
            .collect::<Vec<_>>();
        let both = async {
            let (found, same) = join(looks, Self::is_same(wire, file, bytes)).await;
            let mut are_dirs = same?;
            for found in found {
                are_dirs &= found?.is_some_and(|found| found.is_dir());
            }
            Ok(are_dirs)
        };
        self.step(|| format!("look at {file}"), both)
    }

    /// Whether a regular file holds exactly these bytes. Its attributes, its content and what is behind that are
    /// asked for together.
    async fn is_same(wire: &Wire, path: &str, bytes: &[u8]) -> Result<bool, SftpError> {
        let none = FileAttributes::empty();
        let handle = match wire.sftp.open(path, OpenFlags::READ, none).await {
            Ok(opened) => opened.handle,
            Err(error) if is_absence(&error) => return Ok(false),
            Err(error) => return Err(error),
        };
        let handle = handle.as_str();
        let parts = bytes.chunks(CHUNK).enumerate();
        let parts = stream::iter(parts.map(|(number, part)| async move {
            let start = (number * CHUNK) as u64;
            let read = Self::read_part(wire, handle, start, part.len() as u64).await;
            read.map(|read| read == part)
        }))
        .buffered(READS)
        .collect::<Vec<_>>();
        let link = Self::attributes(wire, path);
        let (itself, opened, parts) = join3(link, wire.sftp.fstat(handle), parts).await;
        wire.sftp.close(handle).await?;
        let size = Some(bytes.len() as u64);
        let is_it = |found: &FileAttributes| found.is_regular() && found.size == size;
        if !itself?.is_some_and(|found| is_it(&found)) || !is_it(&opened?.attrs) {
            return Ok(false);
        }
        let parts: Result<Vec<bool>, SftpError> = parts.into_iter().collect();
        Ok(parts?.into_iter().all(|same| same))
    }

    /// Whether a directory that is there has no entry; and how many small files may be under way.
    pub(super) fn is_empty(&self, dir: &str) -> Result<(bool, usize), ReleaseError> {
        let wire = &self.wire;
        let looked = async {
            let (empty, room) = join(Self::has_none(wire, dir), Self::room(wire)).await;
            Ok((empty?, room))
        };
        self.step(|| format!("list {dir}"), looked)
    }

    /// Whether a directory has no entry. All of it is asked for at once: what is asked about one handle is answered
    /// in order.
    async fn has_none(wire: &Wire, dir: &str) -> Result<bool, SftpError> {
        let handle = wire.brief(wire.sftp.opendir(dir)).await?.handle;
        let handle = handle.as_str();
        let (first, second, closed) = join3(
            wire.sftp.readdir(handle),
            wire.sftp.readdir(handle),
            wire.sftp.close(handle),
        )
        .await;
        closed?;
        for answer in [first, second] {
            match answer {
                Ok(names) => {
                    if names.files.into_iter().any(|file| entry(file).is_some()) {
                        return Ok(false);
                    }
                }
                Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => {
                    return Ok(true);
                }
                Err(error) => return Err(error),
            }
        }
        // It has more to say than one that is empty would.
        Ok(false)
    }

    /// Many steps at once; each is told of in its order.
    fn batch<'a, F: Future<Output = Result<(), SftpError>> + 'a>(
        &self,
        steps: impl Iterator<Item = F>,
        name: impl Fn(usize) -> String,
        answered: &mut Answered<'_>,
    ) -> Result<(), ReleaseError> {
        let mut answers = stream::iter(steps).buffered(AHEAD);
        let mut at = 0;
        loop {
            let answer = self.wire.wait(answers.next());
            let answer = answer.map_err(|error| self.wire.fail(&name(at), &error))?;
            let Some(answer) = answer else {
                return Ok(());
            };
            let answer = answer.map_err(|error| self.wire.fail(&name(at), &error));
            answered(at, answer)?;
            at += 1;
        }
    }

    async fn write(
        wire: &Wire,
        path: &str,
        content: &[u8],
        mode: u32,
        sent: &dyn Fn(usize),
    ) -> Result<(), SftpError> {
        let attributes = FileAttributes {
            permissions: Some(mode),
            ..FileAttributes::empty()
        };
        let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE;
        let handle = wire.sftp.open(path, flags, attributes).await?.handle;
        // Whatever the account's umask is.
        let attributes = FileAttributes {
            permissions: Some(mode),
            ..FileAttributes::empty()
        };
        let written = Self::write_all(wire, &handle, content, sent);
        let opened_up = wire.sftp.fsetstat(&handle, attributes);
        let close = wire.sftp.close(&handle);
        // Some servers tell of a full disk only when the file is closed.
        let (written, opened_up, closed) = if content.len() <= wire.ahead() * CHUNK {
            // All of it goes out at once: what is asked about one file is answered in order.
            join3(written, opened_up, close).await
        } else {
            let (written, opened_up) = join(written, opened_up).await;
            (written, opened_up, close.await)
        };
        written.and(opened_up.map(drop)).and(closed.map(drop))
    }

    /// Makes a symbolic link.
    pub(super) async fn link(wire: &Wire, to: String, path: &str) -> Result<(), SftpError> {
        // OpenSSH takes the target first, against the protocol's draft; the library sends what it is given in
        // the draft's order.
        wire.sftp.symlink(to, path).await.map(drop)
    }

    /// Sends a file's content to an open handle.
    pub(super) async fn write_all(
        wire: &Wire,
        handle: &str,
        content: &[u8],
        sent: &dyn Fn(usize),
    ) -> Result<(), SftpError> {
        let chunks = content.chunks(CHUNK).enumerate();
        let mut writes = stream::iter(chunks.map(|(number, chunk)| async move {
            let offset = (number * CHUNK) as u64;
            wire.sftp
                .write(handle, offset, chunk.to_vec())
                .await
                .map(|_| chunk.len())
        }))
        .buffered(wire.ahead());
        while let Some(written) = writes.next().await {
            sent(written?);
        }
        Ok(())
    }

    async fn read(wire: &Wire, path: &str, limit: u64) -> Result<Vec<u8>, SftpError> {
        let none = FileAttributes::empty();
        let handle = wire.sftp.open(path, OpenFlags::READ, none).await?.handle;
        let read = Self::read_all(wire, &handle, limit).await;
        let closed = wire.sftp.close(&handle).await.map(drop);
        let bytes = read?;
        closed.map(|()| bytes)
    }

    async fn read_all(wire: &Wire, handle: &str, limit: u64) -> Result<Vec<u8>, SftpError> {
        let size = wire.sftp.fstat(handle).await?.attrs.size.unwrap_or(0);
        if size > limit {
            return Err(SftpError::Limited(format!(
                "it is larger than {limit} bytes"
            )));
        }
        let starts = (0..size).step_by(CHUNK);
        let mut reads = stream::iter(starts.map(|start| async move {
            let wanted = (size - start).min(CHUNK as u64);
            Self::read_part(wire, handle, start, wanted).await
        }))
        .buffered(READS);
        let mut bytes = Vec::new();
        while let Some(part) = reads.next().await {
            bytes.extend_from_slice(&part?);
        }
        Ok(bytes)
    }

    /// Exactly these bytes: a site may answer with fewer than were asked for.
    async fn read_part(
        wire: &Wire,
        handle: &str,
        start: u64,
        wanted: u64,
    ) -> Result<Vec<u8>, SftpError> {
        let mut part: Vec<u8> = Vec::new();
        while (part.len() as u64) < wanted {
            let left = u32::try_from(wanted - part.len() as u64).unwrap_or(u32::MAX);
            let data = wire
                .sftp
                .read(handle, start + part.len() as u64, left)
                .await?;
            if data.data.is_empty() || data.data.len() > left as usize {
                return Err(SftpError::UnexpectedBehavior(
                    "the site answers with other bytes than were asked for".into(),
                ));
            }
            part.extend_from_slice(&data.data);
        }
        Ok(part)
    }

    async fn entries(wire: &Wire, path: &str) -> Result<Vec<Entry>, SftpError> {
        let handle = match wire.sftp.opendir(path).await {
            Ok(handle) => handle.handle,
            Err(error) if is_absence(&error) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        Self::read_dir(wire, &handle).await
    }

    /// The entries of a directory that was opened, which is closed then.
    async fn read_dir(wire: &Wire, handle: &str) -> Result<Vec<Entry>, SftpError> {
        let mut entries = Vec::new();
        let mut told = 0;
        let read = loop {
            match wire.sftp.readdir(handle).await {
                Ok(names) => {
                    // An answer without a name counts as well, or there could be no end of them.
                    told += names.files.len().max(1);
                    entries.extend(names.files.into_iter().filter_map(entry));
                }
                Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => {
                    break Ok(());
                }
                Err(error) => break Err(error),
            }
            if told > ENTRY_LIMIT {
                let why = format!("it has more than {ENTRY_LIMIT} entries");
                break Err(SftpError::Limited(why));
            }
        };
        let closed = wire.sftp.close(handle).await.map(drop);
        read.and(closed).map(|()| entries)
    }

    /// Makes a directory that may be there.
    pub(super) async fn make(wire: &Wire, path: &str, mode: u32) -> Result<(), SftpError> {
        let attributes = FileAttributes {
            permissions: Some(mode),
            ..FileAttributes::empty()
        };
        match wire.sftp.mkdir(path, attributes).await {
            Ok(_) => Ok(()),
            // The protocol has no word for "it is there already".
            Err(error) => match Self::attributes(wire, path).await? {
                Some(found) if found.is_dir() => Ok(()),
                Some(_) | None => Err(error),
            },
        }
    }
}

/// What a link leads to, as its blob has it.
pub(super) fn link_target(path: &str, content: &[u8]) -> Result<String, ReleaseError> {
    String::from_utf8(content.to_vec())
        .map_err(|_| ReleaseError::Objects(format!("the link to go to {path} is not UTF-8")))
}

fn entry(file: russh_sftp::protocol::File) -> Option<Entry> {
    if matches!(file.filename.as_str(), "." | "..") {
        return None;
    }
    let attributes = file.attrs;
    let kind = match attributes.permissions.map(FileMode::from_bits_truncate) {
        None => EntryKind::Untold,
        Some(_) if attributes.is_dir() => EntryKind::Directory,
        Some(_) if attributes.is_regular() => EntryKind::File,
        Some(_) => EntryKind::Other,
    };
    Some(Entry {
        name: file.filename,
        kind,
        size: attributes.size,
        changed: attributes
            .mtime
            .map(|seconds| Timestamp::from_unix(i64::from(seconds))),
    })
}

impl Session for SftpSession {
    fn is_dir(&mut self, path: &str) -> Result<bool, ReleaseError> {
        let found = self.step(
            || format!("look at {path}"),
            Self::attributes(&self.wire, path),
        )?;
        Ok(found.is_some_and(|found| found.is_dir()))
    }

    fn size(&mut self, path: &str) -> Result<Option<u64>, ReleaseError> {
        self.step(
            || format!("look at {path}"),
            Self::file_size(&self.wire, path),
        )
    }

    fn list(&mut self, path: &str) -> Result<Vec<Entry>, ReleaseError> {
        self.step(|| format!("list {path}"), Self::entries(&self.wire, path))
    }

    fn put(
        &mut self,
        path: &str,
        content: &[u8],
        kind: FileKind,
        sent: &dyn Fn(usize),
    ) -> Result<(), ReleaseError> {
        let wire = &self.wire;
        let name = || format!("write {path}");
        match kind {
            FileKind::File => self.step(name, Self::write(wire, path, content, FILE_MODE, sent)),
            FileKind::Executable => {
                self.step(name, Self::write(wire, path, content, PROGRAM_MODE, sent))
            }
            FileKind::Symlink => {
                let to = link_target(path, content)?;
                let done = self.step(name, Self::link(wire, to, path));
                sent(content.len());
                done
            }
        }
    }

    fn get(&mut self, path: &str, limit: u64) -> Result<Vec<u8>, ReleaseError> {
        let read = self.wire.wait(Self::read(&self.wire, path, limit));
        read.flatten().map_err(|error| match error {
            SftpError::Limited(why) => ReleaseError::Manifest {
                place: format!(
                    "{}{}",
                    self.wire.site.name,
                    crate::types::escape(path.as_bytes())
                ),
                why,
            },
            error => self.wire.fail(&format!("read {path}"), &error),
        })
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), ReleaseError> {
        self.step(|| format!("rename to {to}"), self.wire.rename(from, to))
    }

    fn delete(&mut self, path: &str) -> Result<(), ReleaseError> {
        self.step(|| format!("remove {path}"), Self::remove(&self.wire, path))
    }

    fn make_dir(&mut self, path: &str) -> Result<(), ReleaseError> {
        self.step(
            || format!("make {path}"),
            Self::make(&self.wire, path, PROGRAM_MODE),
        )
    }

    fn remove_dir(&mut self, path: &str) -> Result<bool, ReleaseError> {
        let wire = &self.wire;
        let removed = async {
            match wire.sftp.rmdir(path).await {
                Ok(_) => Ok(true),
                Err(error) if is_absence(&error) => Ok(true),
                // The protocol has no word for "it is not empty".
                Err(error) => match Self::entries(wire, path).await {
                    Ok(entries) if entries.is_empty() => Err(error),
                    Ok(_) => Ok(false),
                    Err(error) => Err(error),
                },
            }
        };
        self.step(|| format!("remove {path}"), removed)
    }

    fn are_dirs(&mut self, paths: &[String]) -> Result<Vec<bool>, ReleaseError> {
        let wire = &self.wire;
        let looks = stream::iter(paths)
            .map(|path| Self::attributes(wire, path))
            .buffered(AHEAD);
        let fail = |error| wire.fail("look at directories", &error);
        let found: Vec<_> = wire.wait(looks.collect()).map_err(fail)?;
        let found = found.into_iter().map(|found| {
            let found = found.map_err(fail)?;
            Ok(found.is_some_and(|found| found.is_dir()))
        });
        found.collect()
    }

    fn make_dirs(&mut self, paths: &[String]) -> Result<(), ReleaseError> {
        let steps = paths
            .iter()
            .map(|path| Self::make(&self.wire, path, PROGRAM_MODE));
        let name = |at: usize| {
            let path = paths.get(at);
            path.map_or(String::new(), |path| format!("make {path}"))
        };
        self.batch(steps, name, &mut |_, made| made)
    }

    fn sizes(&mut self, paths: &[String]) -> Result<Vec<Option<u64>>, ReleaseError> {
        let wire = &self.wire;
        let looks = stream::iter(paths)
            .map(|path| Self::file_size(wire, path))
            .buffered(AHEAD);
        let fail = |error| wire.fail("look at files", &error);
        let found: Vec<_> = wire.wait(looks.collect()).map_err(fail)?;
        let found = found.into_iter();
        found.map(|size| size.map_err(fail)).collect()
    }

    fn renames(
        &mut self,
        pairs: &[(String, String)],
        answered: &mut Answered<'_>,
    ) -> Result<(), ReleaseError> {
        let wire = &self.wire;
        let steps = pairs.iter().map(|(from, to)| wire.rename(from, to));
        let name = |at: usize| {
            pairs
                .get(at)
                .map_or(String::new(), |(_, to)| format!("rename to {to}"))
        };
        self.batch(steps, name, answered)
    }

    fn deletes(
        &mut self,
        paths: &[String],
        answered: &mut Answered<'_>,
    ) -> Result<(), ReleaseError> {
        let wire = &self.wire;
        let steps = paths.iter().map(|path| Self::remove(wire, path));
        let name = |at: usize| {
            paths
                .get(at)
                .map_or(String::new(), |path| format!("remove {path}"))
        };
        self.batch(steps, name, answered)
    }
}
