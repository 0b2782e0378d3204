//! Parts of files, read when they are needed and kept while they may be needed again.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::rc::Rc;

/// Bytes that are read at once.
const PAGE: usize = 16 << 10;
/// When so many pages were read, those not used since are let go: 8 MB at most are kept.
const KEEP: usize = 256;

/// A file to read from, with a number among all whose pages are kept together.
#[derive(Debug)]
pub(super) struct Source {
    file: File,
    number: u32,
    len: u64,
}

type Key = (u32, u64);
type Page = Rc<[u8]>;

/// The pages of several files.
#[derive(Debug, Default)]
pub(super) struct Pages {
    last: Option<(Key, Page)>,
    recent: HashMap<Key, Page>,
    older: HashMap<Key, Page>,
}

impl Source {
    pub(super) fn open(path: &Path, number: u32) -> std::io::Result<Self> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Self { file, number, len })
    }

    /// Its length in bytes, when it was opened.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    fn read(&self, at: u64, len: usize) -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }
}

impl Pages {
    /// The page that holds the byte at `at`, and where in it that is.
    pub(super) fn at(&mut self, source: &Source, at: u64) -> std::io::Result<(Page, usize)> {
        if at >= source.len {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let inside = (at % PAGE as u64) as usize;
        let key = (source.number, at / PAGE as u64);
        if let Some((last, page)) = &self.last
            && *last == key
        {
            return Ok((Rc::clone(page), inside));
        }
        let page = self.page(source, key)?;
        self.last = Some((key, Rc::clone(&page)));
        Ok((page, inside))
    }

    fn page(&mut self, source: &Source, key: Key) -> std::io::Result<Page> {
        if let Some(page) = self.recent.get(&key) {
            return Ok(Rc::clone(page));
        }
        let page = match self.older.remove(&key) {
            Some(page) => page,
            None => {
                let start = key.1 * PAGE as u64;
                let len = (source.len - start).min(PAGE as u64) as usize;
                source.read(start, len)?.into()
            }
        };
        if self.recent.len() >= KEEP {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(key, Rc::clone(&page));
        Ok(page)
    }

    /// The bytes from `at` on, as many as there are and fit.
    pub(super) fn read<const N: usize>(
        &mut self,
        source: &Source,
        at: u64,
    ) -> std::io::Result<([u8; N], usize)> {
        let mut bytes = [0; N];
        let mut have = 0;
        while have < N && at + (have as u64) < source.len {
            let (page, inside) = self.at(source, at + have as u64)?;
            let found = page.get(inside..).unwrap_or_default();
            let room = bytes.get_mut(have..).unwrap_or_default();
            let len = found.len().min(room.len());
            for (slot, byte) in room.iter_mut().zip(found) {
                *slot = *byte;
            }
            have += len;
        }
        Ok((bytes, have))
    }

    /// Exactly so many bytes.
    pub(super) fn exact<const N: usize>(
        &mut self,
        source: &Source,
        at: u64,
    ) -> std::io::Result<[u8; N]> {
        match self.read(source, at)? {
            (bytes, have) if have == N => Ok(bytes),
            _ => Err(std::io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
