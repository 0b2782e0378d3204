//! Every object of some packs, with what it is: told by what the pack says of it, in the order in which
//! it is there, so that what is changed was met before what is made of it.

use super::PackError;
use super::pack::{Pack, Shared};
use git2::ObjectType;

/// What is still to be looked at of some packs.
#[derive(Debug)]
pub(in crate::facts::store) struct Listing {
    packs: Vec<Places>,
    /// The pack that is looked at.
    pack: usize,
}

/// The objects of one pack.
#[derive(Debug)]
struct Places {
    /// Where each is, and its place in the index; sorted.
    objects: Vec<(u64, u32)>,
    /// What those are that were looked at.
    kinds: Vec<Option<ObjectType>>,
}

/// One object.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::facts::store) enum Listed {
    /// A commit or an annotated tag.
    CommitOrTag([u8; 20]),
    /// A tree or a file.
    Other,
    /// How it is kept is unusual.
    Untold([u8; 20]),
}

impl Listing {
    pub(super) fn of(packs: &[Pack], shared: &mut Shared) -> Result<Self, PackError> {
        let places = packs.iter().map(|pack| {
            let mut objects = pack.places(shared)?;
            objects.sort_unstable();
            let kinds = Vec::with_capacity(objects.len());
            Ok(Places { objects, kinds })
        });
        Ok(Self {
            packs: places.collect::<Result<_, PackError>>()?,
            pack: 0,
        })
    }

    /// How many objects there are in all.
    pub(in crate::facts::store) fn len(&self) -> u64 {
        self.packs
            .iter()
            .map(|places| places.objects.len() as u64)
            .sum()
    }

    pub(super) fn next(
        &mut self,
        packs: &[Pack],
        shared: &mut Shared,
    ) -> Option<Result<Listed, PackError>> {
        loop {
            let (places, pack) = self.packs.get_mut(self.pack).zip(packs.get(self.pack))?;
            if let Some((offset, place)) = places.objects.get(places.kinds.len()).copied() {
                return Some(places.look(pack, shared, offset, place));
            }
            *places = Places {
                objects: Vec::new(),
                kinds: Vec::new(),
            };
            self.pack += 1;
        }
    }
}

impl Places {
    /// Looks at the object that is next: it is there at `offset`, and in the index at `place`.
    fn look(
        &mut self,
        pack: &Pack,
        shared: &mut Shared,
        offset: u64,
        place: u32,
    ) -> Result<Listed, PackError> {
        let kind = match pack.kind_or_base(shared, offset) {
            Ok(Ok(kind)) => Some(kind),
            Ok(Err(base)) => {
                let met = self.objects.get(..self.kinds.len()).unwrap_or_default();
                let at = met.binary_search_by_key(&base, |(offset, _)| *offset);
                at.ok().and_then(|at| self.kinds.get(at).copied().flatten())
            }
            Err(PackError::Io(_) | PackError::Odd(_)) => None,
            Err(error @ (PackError::NoKind | PackError::Bomb)) => return Err(error),
        };
        let kind = match kind {
            Some(kind) => Some(kind),
            // What it is made of comes behind it.
            None => match pack.kind(shared, offset) {
                Ok(kind) => Some(kind),
                Err(PackError::Io(_) | PackError::Odd(_)) => None,
                Err(error @ (PackError::NoKind | PackError::Bomb)) => return Err(error),
            },
        };
        self.kinds.push(kind);
        match kind {
            Some(ObjectType::Commit | ObjectType::Tag) => {
                pack.id(shared, place).map(Listed::CommitOrTag)
            }
            Some(ObjectType::Tree | ObjectType::Blob) => Ok(Listed::Other),
            Some(ObjectType::Any) | None => pack.id(shared, place).map(Listed::Untold),
        }
    }
}
