//! One pack: objects whole or as changes of others in it.

use super::delta::Delta;
use super::index::Index;
use super::inflate::Inflater;
use super::pages::{Pages, Source};
use super::{PackError, Packed, take};
use crate::facts::maps::Map;
use git2::ObjectType;
use std::path::Path;
use std::rc::Rc;

/// What is unpacked on the way to one object, in bytes: git packs nothing as a change that is
/// longer (its `core.bigFileThreshold`).
pub(super) const MAX_CHAIN: usize = 512 << 20;
/// Changes of changes: git allows 4095.
const MAX_DEPTH: usize = 5000;
/// Bytes of objects that are kept, since others are changes of them: twice as much at most. With a
/// quarter of it, a long range unpacks half of its trees a second time.
const KEEP_BYTES: usize = 4 << 20;
/// What is longer is not kept.
const KEEP_LEN: usize = 1 << 20;
/// So many kinds are remembered.
const KEEP_KINDS: usize = 1 << 18;

/// A kind and a length at seven bits a byte, and an id.
const LONGEST_HEAD: usize = 10 + 20;

/// Where an object is: the pack's number and the offset in it.
type Place = (u32, u64);

/// What all packs keep together.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pages: Pages,
    inflater: Inflater,
    recent: Map<Place, Kept>,
    older: Map<Place, Kept>,
    recent_bytes: usize,
    kinds: Map<Place, ObjectType>,
}

type Kept = (ObjectType, Rc<Vec<u8>>);

/// A pack and its index.
#[derive(Debug)]
pub(super) struct Pack {
    number: u32,
    index: Index,
    source: Source,
}

/// An object in the pack.
struct Entry {
    how: How,
    stored: Stored,
}

enum How {
    Whole(ObjectType),
    /// As changes of the object at this offset.
    Changes(u64),
}

/// Something compressed: of the object at `offset`, at `data`, so long once it is unpacked.
struct Stored {
    offset: u64,
    data: u64,
    size: usize,
}

/// Where a chain of changes ends.
enum Bottom {
    Kept(Rc<Vec<u8>>),
    Whole(Stored),
}

/// How an object comes to be: what there is first, and the changes, the last one first.
struct Chain {
    kind: ObjectType,
    bottom: Bottom,
    changes: Vec<Stored>,
}

/// Unpacked changes, each with the offset of what it makes.
type Steps = Vec<(u64, Vec<u8>)>;

impl Pack {
    /// Opens the pack whose index is at `path`.
    pub(super) fn open(path: &Path, number: u32) -> Result<Self, PackError> {
        let numbers = (number.saturating_mul(2), number.saturating_mul(2) | 1);
        // Not the pages that are kept: a pack that is not usable leaves nothing there.
        let mut pages = Pages::default();
        let index = Index::open(path, numbers.0, &mut pages)?;
        let source = Source::open(&path.with_extension("pack"), numbers.1)?;
        let head: [u8; 12] = pages.exact(&source, 0)?;
        let [b'P', b'A', b'C', b'K', 0, 0, 0, 2, count @ ..] = head else {
            return Err(PackError::Odd("of another version"));
        };
        if u32::from_be_bytes(count) != index.count() {
            return Err(PackError::Odd("its index is another one's"));
        }
        Ok(Self {
            number,
            index,
            source,
        })
    }

    /// Where an object is in the pack, if it is there.
    pub(super) fn find(
        &self,
        shared: &mut Shared,
        id: &[u8; 20],
    ) -> Result<Option<u64>, PackError> {
        self.index.find(&mut shared.pages, id)
    }

    /// Where each object is in the pack, and at which place in the index.
    pub(super) fn places(&self, shared: &mut Shared) -> Result<Vec<(u64, u32)>, PackError> {
        let places = 0..self.index.count();
        let found = places.map(|place| Ok((self.index.offset(&mut shared.pages, place)?, place)));
        found.collect()
    }

    /// The id of the object at a place in the index.
    pub(super) fn id(&self, shared: &mut Shared, place: u32) -> Result<[u8; 20], PackError> {
        Ok(self.index.id(&mut shared.pages, place)?)
    }

    /// What the object at `offset` is, or where that is of which it is a change.
    pub(super) fn kind_or_base(
        &self,
        shared: &mut Shared,
        offset: u64,
    ) -> Result<Result<ObjectType, u64>, PackError> {
        Ok(match self.entry(&mut shared.pages, offset)?.how {
            How::Whole(kind) => Ok(kind),
            How::Changes(base) => Err(base),
        })
    }

    /// What the object at `offset` is: what all in its chain are.
    pub(super) fn kind(&self, shared: &mut Shared, offset: u64) -> Result<ObjectType, PackError> {
        let mut met = Vec::new();
        let mut at = offset;
        let kind = loop {
            if let Some(kind) = shared.kinds.get(&(self.number, at)) {
                break *kind;
            }
            match self.entry(&mut shared.pages, at)?.how {
                How::Whole(kind) => {
                    met.push(at);
                    break kind;
                }
                How::Changes(base) => met.push(std::mem::replace(&mut at, base)),
            }
            if met.len() > MAX_DEPTH {
                return Err(PackError::Bomb);
            }
        };
        if shared.kinds.len() > KEEP_KINDS {
            shared.kinds.clear();
        }
        let met = met.into_iter().map(|at| ((self.number, at), kind));
        shared.kinds.extend(met);
        Ok(kind)
    }

    /// The object at `offset`. Nothing that is longer than `limit` is made of it, nor anything on
    /// the way there that is longer than what git packs so.
    pub(super) fn read(
        &self,
        shared: &mut Shared,
        offset: u64,
        want: ObjectType,
        limit: usize,
    ) -> Result<Packed, PackError> {
        let Chain {
            kind,
            bottom,
            changes,
        } = self.chain(shared, offset)?;
        if kind != want {
            return Ok(Packed::OtherKind(kind));
        }
        let Some(mut steps) = self.steps(shared, &changes, limit)? else {
            return Ok(Packed::TooLong);
        };
        let mut object = match bottom {
            Bottom::Kept(object) => object,
            Bottom::Whole(stored) if steps.is_empty() && stored.size > limit => {
                return Ok(Packed::TooLong);
            }
            Bottom::Whole(stored) if stored.size > MAX_CHAIN => return Err(PackError::Bomb),
            Bottom::Whole(stored) => {
                let object = Rc::new(self.unpack(shared, &stored)?);
                shared.keep((self.number, stored.offset), kind, &object);
                object
            }
        };
        while let Some((offset, steps)) = steps.pop() {
            object = Rc::new(Delta::read(&steps)?.apply(&object)?);
            shared.keep((self.number, offset), kind, &object);
        }
        if object.len() > limit {
            return Ok(Packed::TooLong);
        }
        Ok(Packed::Bytes(object))
    }

    /// Follows the changes down to something that is whole.
    fn chain(&self, shared: &mut Shared, offset: u64) -> Result<Chain, PackError> {
        let mut changes = Vec::new();
        let mut at = offset;
        while changes.len() <= MAX_DEPTH {
            if let Some((kind, bytes)) = shared.kept((self.number, at)) {
                return Ok(Chain {
                    kind,
                    bottom: Bottom::Kept(bytes),
                    changes,
                });
            }
            let Entry { how, stored } = self.entry(&mut shared.pages, at)?;
            match how {
                How::Whole(kind) => {
                    return Ok(Chain {
                        kind,
                        bottom: Bottom::Whole(stored),
                        changes,
                    });
                }
                How::Changes(base) => {
                    changes.push(stored);
                    at = base;
                }
            }
        }
        Err(PackError::Bomb)
    }

    /// Unpacks the changes of a chain; nothing if the last of
    /// them makes more than `limit` bytes.
    fn steps(
        &self,
        shared: &mut Shared,
        changes: &[Stored],
        limit: usize,
    ) -> Result<Option<Steps>, PackError> {
        let mut left = MAX_CHAIN;
        let mut steps = Vec::with_capacity(changes.len());
        for stored in changes {
            left = left.checked_sub(stored.size).ok_or(PackError::Bomb)?;
            let unpacked = self.unpack(shared, stored)?;
            let Delta { len, base_len, .. } = Delta::read(&unpacked)?;
            if steps.is_empty() && len > limit {
                return Ok(None);
            }
            if base_len > MAX_CHAIN {
                return Err(PackError::Bomb);
            }
            steps.push((stored.offset, unpacked));
        }
        Ok(Some(steps))
    }

    fn unpack(&self, shared: &mut Shared, stored: &Stored) -> Result<Vec<u8>, PackError> {
        let Shared {
            inflater, pages, ..
        } = shared;
        inflater.inflate(pages, &self.source, stored.data, stored.size)
    }

    /// What stands at an offset, as far as it is not compressed.
    fn entry(&self, pages: &mut Pages, offset: u64) -> Result<Entry, PackError> {
        const BROKEN: PackError = PackError::Odd("an entry that is cut off");
        let (head, have) = pages.read::<LONGEST_HEAD>(&self.source, offset)?;
        let mut rest = head.get(..have).unwrap_or_default();
        let first = take(&mut rest).ok_or(BROKEN)?;
        let mut size = u64::from(first & 0x0f);
        let mut more = first & 0x80 != 0;
        let mut shift = 4;
        while more {
            let byte = take(&mut rest).filter(|_| shift < 56).ok_or(BROKEN)?;
            size |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            more = byte & 0x80 != 0;
        }
        let how = match first >> 4 & 7 {
            1 => How::Whole(ObjectType::Commit),
            2 => How::Whole(ObjectType::Tree),
            3 => How::Whole(ObjectType::Blob),
            4 => How::Whole(ObjectType::Tag),
            6 => How::Changes(back(&mut rest, offset).ok_or(BROKEN)?),
            7 => {
                let (id, behind) = rest.split_first_chunk().ok_or(BROKEN)?;
                rest = behind;
                let base = self.index.find(pages, id)?;
                How::Changes(base.ok_or(PackError::Odd("what is changed is not in it"))?)
            }
            _ => return Err(PackError::NoKind),
        };
        let stored = Stored {
            offset,
            data: offset + (have - rest.len()) as u64,
            size: usize::try_from(size).map_err(|_| PackError::Bomb)?,
        };
        Ok(Entry { how, stored })
    }
}

impl Shared {
    fn kept(&mut self, place: Place) -> Option<Kept> {
        if let Some(kept) = self.recent.get(&place) {
            return Some(kept.clone());
        }
        let kept = self.older.remove(&place)?;
        self.keep(place, kept.0, &kept.1);
        Some(kept)
    }

    fn keep(&mut self, place: Place, kind: ObjectType, bytes: &Rc<Vec<u8>>) {
        if bytes.len() > KEEP_LEN {
            return;
        }
        if self.recent_bytes > KEEP_BYTES {
            self.older = std::mem::take(&mut self.recent);
            self.recent_bytes = 0;
        }
        self.recent_bytes += bytes.len();
        self.recent.insert(place, (kind, Rc::clone(bytes)));
    }
}

/// The offset of what is changed: so far back.
fn back(bytes: &mut &[u8], offset: u64) -> Option<u64> {
    let mut byte = take(bytes)?;
    let mut distance = u64::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        byte = take(bytes)?;
        distance = (distance.checked_add(1)?).checked_mul(128)? | u64::from(byte & 0x7f);
    }
    offset.checked_sub(distance).filter(|_| distance > 0)
}
