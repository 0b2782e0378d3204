//! Parts of files, read when they are needed and kept while they may be needed again.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::rc::Rc;

/// Bytes that are read at once.
const PAGE: usize = 16 << 10;
/// So many pages are kept, 8 MB. Each has one place where it can be: neighbours are in neighbouring
/// ones, and what is there goes when another is read.
const KEEP: usize = 512;

/// A file to read from, with a number among all whose pages are kept together.
#[derive(Debug)]
pub(super) struct Source {
    file: File,
    number: u32,
    len: u64,
}

type Key = (u32, u64);
type Page = Rc<Vec<u8>>;

/// The pages of several files. The places are made when the first one is read.
#[derive(Debug, Default)]
pub(super) struct Pages(Vec<Option<(Key, Page)>>);

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
        let spread = u64::from(source.number) * (KEEP as u64 / 3);
        let place = (key.1.wrapping_add(spread) % KEEP as u64) as usize;
        if let Some(Some((held, page))) = self.0.get(place)
            && *held == key
        {
            return Ok((Rc::clone(page), inside));
        }
        let start = key.1 * PAGE as u64;
        let len = (source.len - start).min(PAGE as u64) as usize;
        let page = Rc::new(source.read(start, len)?);
        self.0.resize(KEEP, None);
        if let Some(slot) = self.0.get_mut(place) {
            *slot = Some((key, Rc::clone(&page)));
        }
        Ok((page, inside))
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
