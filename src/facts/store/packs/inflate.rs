//! Unpacking what is compressed, into exactly as many bytes as were promised.

use super::PackError;
use super::pages::{Pages, Source};
use flate2::{Decompress, FlushDecompress, Status};

/// Zlib unpacks faster where it has this much room to spare: the longest copy that it makes at once.
const SPARE: usize = 258;
/// What is longer is unpacked in place.
const SHORT: usize = 64 << 10;

/// Inflates, again and again with the same tables.
pub(super) struct Inflater {
    zlib: Decompress,
    /// Room for what is short, and to spare.
    room: Vec<u8>,
}

impl Default for Inflater {
    fn default() -> Self {
        Self {
            zlib: Decompress::new(true),
            room: Vec::new(),
        }
    }
}

impl std::fmt::Debug for Inflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inflater")
    }
}

impl Inflater {
    /// The `size` bytes that are compressed at `at`.
    pub(super) fn inflate(
        &mut self,
        pages: &mut Pages,
        source: &Source,
        at: u64,
        size: usize,
    ) -> Result<Vec<u8>, PackError> {
        // Nearly always the whole of it is in one page: then it needs no copy on the way.
        let (page, inside) = pages.at(source, at)?;
        let input = page.get(inside..).unwrap_or_default();
        if size <= SHORT {
            self.room.resize(SHORT + SPARE, 0);
            let room = self.room.get_mut(..size + SPARE).unwrap_or_default();
            let zlib = &mut self.zlib;
            zlib.reset(true);
            let whole = zlib.decompress(input, room, FlushDecompress::Finish);
            if whole.is_ok_and(|status| status == Status::StreamEnd)
                && zlib.total_out() == size as u64
                && let Some(made) = room.get(..size)
            {
                return Ok(made.to_vec());
            }
        }
        let mut out = vec![0; size];
        self.inflate_in_parts(pages, source, at, &mut out)?;
        Ok(out)
    }

    fn inflate_in_parts(
        &mut self,
        pages: &mut Pages,
        source: &Source,
        mut at: u64,
        out: &mut [u8],
    ) -> Result<(), PackError> {
        const BROKEN: PackError = PackError::Odd("an object that does not unpack");
        self.zlib.reset(true);
        loop {
            let (page, inside) = pages.at(source, at)?;
            let input = page.get(inside..).unwrap_or_default();
            let (read, written) = (self.zlib.total_in(), self.zlib.total_out());
            let room = usize::try_from(written)
                .ok()
                .and_then(|from| out.get_mut(from..));
            let room = room.ok_or(BROKEN)?;
            let status = self.zlib.decompress(input, room, FlushDecompress::None);
            let status = status.map_err(|_| BROKEN)?;
            let (consumed, made) = (self.zlib.total_in() - read, self.zlib.total_out() - written);
            match status {
                Status::StreamEnd if self.zlib.total_out() == out.len() as u64 => return Ok(()),
                Status::StreamEnd => return Err(BROKEN),
                Status::Ok | Status::BufError if consumed == 0 && made == 0 => return Err(BROKEN),
                Status::Ok | Status::BufError => at += consumed,
            }
        }
    }
}
