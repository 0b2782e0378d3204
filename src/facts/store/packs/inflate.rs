//! Unpacking what is compressed, into exactly as many bytes as were promised.

use super::PackError;
use super::pages::{Pages, Source};
use flate2::{Decompress, FlushDecompress, Status};

/// Inflates, again and again with the same tables.
pub(super) struct Inflater(Decompress);

impl Default for Inflater {
    fn default() -> Self {
        Self(Decompress::new(true))
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
        let mut out = vec![0; size];
        // Nearly always the whole of it is in one page: then it needs no copy on the way.
        let (page, inside) = pages.at(source, at)?;
        let input = page.get(inside..).unwrap_or_default();
        self.0.reset(true);
        let whole = self.0.decompress(input, &mut out, FlushDecompress::Finish);
        if whole.is_ok_and(|status| status == Status::StreamEnd)
            && self.0.total_out() == size as u64
        {
            return Ok(out);
        }
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
        self.0.reset(true);
        loop {
            let (page, inside) = pages.at(source, at)?;
            let input = page.get(inside..).unwrap_or_default();
            let (read, written) = (self.0.total_in(), self.0.total_out());
            let room = usize::try_from(written)
                .ok()
                .and_then(|from| out.get_mut(from..));
            let room = room.ok_or(BROKEN)?;
            let status = self.0.decompress(input, room, FlushDecompress::None);
            let status = status.map_err(|_| BROKEN)?;
            let (consumed, made) = (self.0.total_in() - read, self.0.total_out() - written);
            match status {
                Status::StreamEnd if self.0.total_out() == out.len() as u64 => return Ok(()),
                Status::StreamEnd => return Err(BROKEN),
                Status::Ok | Status::BufError if consumed == 0 && made == 0 => return Err(BROKEN),
                Status::Ok | Status::BufError => at += consumed,
            }
        }
    }
}
