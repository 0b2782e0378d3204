//! A pack's index, version 2: which object is where.

use super::PackError;
use super::pages::{Pages, Source};
use std::cmp::Ordering;
use std::path::Path;

/// Magic, version, and how many ids begin with each byte or a lower one.
const HEAD: usize = 8 + 256 * 4;
const OID: u64 = 20;
/// The checksums of the pack and of the index.
const TAIL: u64 = 40;

/// An index, open.
#[derive(Debug)]
pub(super) struct Index {
    source: Source,
    fanout: Box<[u32]>,
    count: u32,
}

impl Index {
    pub(super) fn open(path: &Path, number: u32, pages: &mut Pages) -> Result<Self, PackError> {
        let source = Source::open(path, number)?;
        let head: [u8; HEAD] = pages.exact(&source, 0)?;
        let Some((b"\xfftOc\0\0\0\x02", counts)) = head.split_at_checked(8) else {
            return Err(PackError::Odd("an index of another version"));
        };
        let fanout: Box<[u32]> = counts.chunks_exact(4).map(number_of).collect();
        let count = fanout.last().copied().unwrap_or(0);
        if !fanout.is_sorted() {
            return Err(PackError::Odd("an index that is not sorted"));
        }
        let least = HEAD as u64 + u64::from(count) * (OID + 8) + TAIL;
        if source.len() < least || !(source.len() - least).is_multiple_of(8) {
            return Err(PackError::Odd("an index of another length"));
        }
        Ok(Self {
            source,
            fanout,
            count,
        })
    }

    /// How many objects there are.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// The object that is listed at a place.
    pub(super) fn id(&self, pages: &mut Pages, place: u32) -> std::io::Result<[u8; 20]> {
        pages.exact(&self.source, HEAD as u64 + u64::from(place) * OID)
    }

    /// Where in the pack an object is.
    pub(super) fn find(&self, pages: &mut Pages, id: &[u8; 20]) -> Result<Option<u64>, PackError> {
        let first = usize::from(id[0]);
        let below = |at: usize| self.fanout.get(at).copied().unwrap_or(0);
        let mut low = if first == 0 { 0 } else { below(first - 1) };
        let mut high = below(first);
        // Ids are as good as random: where one is can be told from its value, about. After a few
        // guesses the rest is halved, since ids can be made that are not random.
        let value = value_of(id);
        let (mut low_value, mut high_value) = (0, 1u64 << 32);
        let mut guesses = 4;
        while low < high {
            let middle = if guesses > 0 {
                guesses -= 1;
                // An index that is not sorted must not be more than searched in vain.
                let (part, whole) = (
                    value.saturating_sub(low_value),
                    high_value.saturating_sub(low_value).max(1),
                );
                let way = part * u64::from(high - low) / whole;
                low + u32::try_from(way).unwrap_or(u32::MAX).min(high - low - 1)
            } else {
                low + (high - low) / 2
            };
            let found = self.id(pages, middle)?;
            match found.cmp(id) {
                Ordering::Less => (low, low_value) = (middle + 1, value_of(&found)),
                Ordering::Greater => (high, high_value) = (middle, value_of(&found) + 1),
                Ordering::Equal => return self.offset(pages, middle).map(Some),
            }
        }
        Ok(None)
    }

    /// Where in the pack the object is that is listed at a place.
    pub(super) fn offset(&self, pages: &mut Pages, place: u32) -> Result<u64, PackError> {
        // Ids and checksums stand before the offsets.
        let offsets = HEAD as u64 + u64::from(self.count) * (OID + 4);
        let short: [u8; 4] = pages.exact(&self.source, offsets + u64::from(place) * 4)?;
        let short = u32::from_be_bytes(short);
        let long = short & 0x7fff_ffff;
        if short == long {
            return Ok(u64::from(short));
        }
        let offsets = offsets + u64::from(self.count) * 4;
        let at = offsets + u64::from(long) * 8;
        if at + 8 + TAIL > self.source.len() {
            return Err(PackError::Odd("an offset that the index does not have"));
        }
        Ok(u64::from_be_bytes(pages.exact(&self.source, at)?))
    }
}

/// The four bytes behind an id's first.
fn value_of(id: &[u8; 20]) -> u64 {
    let [_, a, b, c, d, ..] = *id;
    u64::from(u32::from_be_bytes([a, b, c, d]))
}

fn number_of(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u32::from(*byte))
}
