//! Packs, read in order to judge long ranges quickly: each object is bounded before it is unpacked,
//! and a chain of changes is walked once for a whole range.
//!
//! It is a shorter way and never another answer: what is not found here, or is stored in an unusual
//! way, is asked of libgit2; and whoever reads hashes what comes out.

mod delta;
mod index;
mod inflate;
mod listing;
mod pack;
mod pages;

#[cfg(test)]
mod tests;

use git2::ObjectType;
pub(super) use listing::{Listed, Listing};
use pack::{Pack, Shared};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Past so many packs, libgit2 is asked: each is a file held open.
const MAX_PACKS: usize = 128;

/// Why a pack is not read here.
#[derive(Debug, thiserror::Error)]
pub(super) enum PackError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It is not as git writes it today.
    #[error("a pack: {0}")]
    Odd(&'static str),
    /// The object is of no kind. The binding of libgit2 does not bear to be asked of such a one.
    #[error("it is of no kind that git knows")]
    NoKind,
    /// To read the object would take more memory than anything git packs as a change.
    #[error(
        "the object is stored as changes of more than {} bytes",
        pack::MAX_CHAIN
    )]
    Bomb,
}

/// What a pack, or a file of its own, holds under an id.
#[derive(Debug)]
pub(super) enum Packed {
    /// The object's bytes.
    Bytes(Rc<Vec<u8>>),
    /// It is of another kind than was asked for.
    OtherKind(ObjectType),
    /// It is longer than was allowed.
    TooLong,
}

/// The packs of some folders of objects, as they were when they were first asked for.
#[derive(Debug)]
pub(super) struct Packs {
    folders: Vec<PathBuf>,
    open: Option<Opened>,
    shared: Shared,
    /// Which pack had the last object: its neighbours are likely there too.
    last: usize,
}

/// The packs that could be opened.
#[derive(Debug, Default)]
struct Opened {
    packs: Vec<Pack>,
    /// How many of them are of the first folder.
    of_first: usize,
    /// Whether these are all that there were.
    all: bool,
}

impl Packs {
    /// Those in these folders; what they borrow from others is not looked at.
    pub(super) fn new(folders: Vec<PathBuf>) -> Self {
        Self {
            folders,
            open: None,
            shared: Shared::default(),
            last: 0,
        }
    }

    /// An object, if a pack has it.
    pub(super) fn read(
        &mut self,
        id: &[u8; 20],
        want: ObjectType,
        limit: usize,
    ) -> Result<Option<Packed>, PackError> {
        let Some((pack, offset)) = self.find(id)? else {
            return Ok(None);
        };
        let Some(pack) = self.open.as_ref().and_then(|open| open.packs.get(pack)) else {
            return Ok(None);
        };
        pack.read(&mut self.shared, offset, want, limit).map(Some)
    }

    /// What an object is, if a pack has it.
    pub(super) fn kind(&mut self, id: &[u8; 20]) -> Result<Option<ObjectType>, PackError> {
        let Some((pack, offset)) = self.find(id)? else {
            return Ok(None);
        };
        let Some(pack) = self.open.as_ref().and_then(|open| open.packs.get(pack)) else {
            return Ok(None);
        };
        pack.kind(&mut self.shared, offset).map(Some)
    }

    /// Whether a pack of any folder but the first has an object; nothing where that cannot be told.
    pub(super) fn has_behind_first(&mut self, id: &[u8; 20]) -> Option<bool> {
        let first = self.opened().of_first;
        match self.find_from(first, id) {
            Ok(Some(_)) => Some(true),
            Ok(None) => self.open.as_ref().filter(|open| open.all).map(|_| false),
            Err(_) => None,
        }
    }

    /// All objects in the packs of the first folder; nothing where not all of its packs can be read
    /// here.
    pub(super) fn list(&mut self) -> Result<Option<Listing>, PackError> {
        let open = self.open.get_or_insert_with(|| open(&self.folders));
        let packs = open.packs.get(..open.of_first).filter(|_| open.all);
        let packs = packs.map(|packs| Listing::of(packs, &mut self.shared));
        packs.transpose()
    }

    /// The next object of a list: its id, where it is a commit or a tag, or of a kind that libgit2
    /// has to tell.
    pub(super) fn next(&mut self, list: &mut Listing) -> Option<Result<Listed, PackError>> {
        let packs = self.open.as_ref()?.packs.as_slice();
        list.next(packs, &mut self.shared)
    }

    /// Forgets which packs there were.
    pub(super) fn look_again(&mut self) {
        *self = Self::new(std::mem::take(&mut self.folders));
    }

    fn opened(&mut self) -> &Opened {
        self.open.get_or_insert_with(|| open(&self.folders))
    }

    /// The pack that has an object, and where.
    fn find(&mut self, id: &[u8; 20]) -> Result<Option<(usize, u64)>, PackError> {
        self.find_from(0, id)
    }

    /// The same, among the packs from this one on.
    fn find_from(
        &mut self,
        first: usize,
        id: &[u8; 20],
    ) -> Result<Option<(usize, u64)>, PackError> {
        let Opened { packs, .. } = self.open.get_or_insert_with(|| open(&self.folders));
        let around = self.last.max(first);
        let others = (first..packs.len()).filter(|at| *at != around);
        for at in std::iter::once(around).chain(others) {
            let Some(pack) = packs.get(at) else { continue };
            if let Some(offset) = pack.find(&mut self.shared, id)? {
                self.last = at;
                return Ok(Some((at, offset)));
            }
        }
        Ok(None)
    }
}

/// Opens every pack that can be; the rest is libgit2's.
fn open(folders: &[PathBuf]) -> Opened {
    let (mut packs, mut of_first, mut all) = (Vec::new(), None, true);
    for folder in folders {
        let entries = match std::fs::read_dir(folder.join("pack")) {
            Ok(entries) => entries,
            Err(error) => {
                all &= error.kind() == ErrorKind::NotFound;
                of_first.get_or_insert(packs.len());
                continue;
            }
        };
        for entry in entries {
            let Ok(path) = entry.map(|entry| entry.path()) else {
                all = false;
                continue;
            };
            if !is_index(&path) {
                continue;
            }
            let number = u32::try_from(packs.len()).unwrap_or(u32::MAX);
            let pack = (packs.len() < MAX_PACKS).then(|| Pack::open(&path, number).ok());
            all &= pack.as_ref().is_some_and(Option::is_some);
            packs.extend(pack.flatten());
        }
        of_first.get_or_insert(packs.len());
    }
    Opened {
        packs,
        of_first: of_first.unwrap_or(0),
        all,
    }
}

fn is_index(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "idx")
}

/// The first byte, and leaves the rest.
fn take(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}
