//! What a push brought: every commit and tag that git keeps in quarantine and that the store does
//! not have, whatever ref names it, or none.

use super::Store;
use super::lazy::as_wanted;
use super::objects::raw_id;
use super::open::folders;
use super::packs::{Listed, Listing, PackError};
use crate::facts::Fault;
use crate::types::{Oid, escape};
use git2::{ObjectType, Odb, OdbLookupFlags};
use std::cell::OnceCell;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// So many objects of one push are looked at.
const MAX_OBJECTS: u64 = 50_000_000;

impl Store {
    /// Hands each commit and tag that arrives with the push in progress to `each`, and nothing for
    /// each other object; with the number of objects looked at so far. In no order, and what git
    /// keeps twice perhaps twice. Nothing outside a push, or where it brings no objects.
    ///
    /// Objects are not read, only asked for their kind. What is held in memory is some twenty bytes for
    /// each object of a pack, and parts of its index.
    ///
    /// # Errors
    /// When the quarantine or an object in it cannot be looked at, when there are too many, and
    /// with what `each` answers.
    pub fn arrivals<E: From<Fault>>(
        &self,
        each: &mut dyn FnMut(Option<Oid>, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(quarantine) = self.quarantine.as_deref() else {
            return Ok(());
        };
        match held(quarantine) {
            Held::Nothing => Ok(()),
            Held::Packs => {
                let list = self.packs.borrow_mut().list();
                // What cannot be listed here may be odd to us alone.
                match list.ok().flatten() {
                    Some(list) => self.arrivals_of(list, quarantine, each),
                    None => self.arrivals_by_libgit2(quarantine, each),
                }
            }
            Held::More => self.arrivals_by_libgit2(quarantine, each),
        }
    }

    fn arrivals_of<E: From<Fault>>(
        &self,
        mut list: Listing,
        quarantine: &Path,
        each: &mut dyn FnMut(Option<Oid>, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        at_most(list.len())?;
        let brought = OnceCell::new();
        for count in 1.. {
            let Some(next) = self.packs.borrow_mut().next(&mut list) else {
                break;
            };
            let found = match next.map_err(|error| unreadable(error.to_string()))? {
                Listed::CommitOrTag(id) => self.if_new(oid(&id)?)?,
                Listed::Other => None,
                Listed::Untold(id) => {
                    if brought.get().is_none() {
                        let _ = brought.set(brought_to(quarantine)?);
                    }
                    let gone = || unreadable("the quarantine was not opened".into());
                    let id =
                        git2::Oid::from_bytes(&id).map_err(|error| unreadable(message(&error)))?;
                    self.arriving(brought.get().ok_or_else(gone)?, id)?
                }
            };
            each(found, count)?;
        }
        Ok(())
    }

    fn arrivals_by_libgit2<E: From<Fault>>(
        &self,
        quarantine: &Path,
        each: &mut dyn FnMut(Option<Oid>, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let brought = brought_to(quarantine)?;
        let (mut stopped, mut count) = (None, 0);
        let walked = brought.foreach(|id| {
            count += 1;
            let found = at_most(count).and_then(|()| self.arriving(&brought, *id));
            let flow = found.map_err(E::from).and_then(|oid| each(oid, count));
            stopped = flow.err();
            stopped.is_none()
        });
        match (stopped, walked) {
            (Some(error), _) => Err(error),
            (None, Err(error)) => Err(unreadable(message(&error)).into()),
            (None, Ok(())) => Ok(()),
        }
    }

    /// An object of the quarantine, if it is a commit or a tag that the store does not have.
    fn arriving(&self, brought: &Odb<'_>, id: git2::Oid) -> Result<Option<Oid>, Fault> {
        match self.kind_of(brought, id)? {
            ObjectType::Commit | ObjectType::Tag => self.if_new(oid(id.as_bytes())?),
            ObjectType::Tree | ObjectType::Blob => Ok(None),
            ObjectType::Any => Err(unreadable(format!("{id} is of no kind"))),
        }
    }

    /// A commit or tag, if the store does not have it.
    fn if_new(&self, oid: Oid) -> Result<Option<Oid>, Fault> {
        let new = self.new.borrow().contains(&oid);
        Ok((new || !self.is_settled(oid)?).then_some(oid))
    }

    /// What an object is: told by what a pack says of it, else by libgit2.
    fn kind_of(&self, brought: &Odb<'_>, id: git2::Oid) -> Result<ObjectType, Fault> {
        let bytes = id.as_bytes().first_chunk();
        let packed = bytes.map(|bytes| self.packs.borrow_mut().kind(bytes));
        match packed {
            Some(Ok(Some(kind))) => return Ok(kind),
            // libgit2 would not bear the one, and might not come to an end of the other.
            Some(Err(error @ (PackError::NoKind | PackError::Bomb))) => {
                return Err(unreadable(format!("{id}: {error}")));
            }
            Some(Ok(None) | Err(PackError::Io(_) | PackError::Odd(_))) | None => {}
        }
        let header = brought.read_header(id);
        Ok(header.map_err(|error| unreadable(message(&error)))?.1)
    }

    /// Whether the store has an object, what a push in progress brings left aside. As it was when the
    /// store was last looked at; without a push in progress, its own.
    ///
    /// # Errors
    /// When the id cannot be asked for.
    pub fn is_settled(&self, oid: Oid) -> Result<bool, Fault> {
        match &self.settled {
            Some(settled) => settled
                .has(oid, &self.packs)
                .map_err(|why| Fault::Unreadable { why }),
            None => {
                let odb = self.repo.get().and_then(git2::Repository::odb);
                let flags = OdbLookupFlags::NO_REFRESH;
                let id = raw_id(oid)?;
                Ok(odb.is_ok_and(|odb| odb.exists_ext(id, flags)))
            }
        }
    }

    /// Looks at the store anew: pushes that were under way may have ended since it was opened.
    ///
    /// # Errors
    /// When its folder cannot be read.
    pub fn look_again(&self) -> Result<(), Fault> {
        let looked = match &self.settled {
            Some(settled) => {
                self.packs.borrow_mut().look_again();
                settled.refresh()
            }
            None => (self.repo.get().and_then(git2::Repository::odb)).and_then(|odb| odb.refresh()),
        };
        looked.map_err(|error| Fault::Unreadable {
            why: message(&error),
        })
    }
}

/// What git keeps of a push's objects, by how it keeps them.
#[derive(Debug, PartialEq, Eq)]
enum Held {
    /// No object: git makes the folder of packs in any case.
    Nothing,
    /// Packs, and no object in a file of its own.
    Packs,
    /// Anything else, or that cannot be seen.
    More,
}

fn held(quarantine: &Path) -> Held {
    let Ok(entries) = std::fs::read_dir(quarantine) else {
        return Held::More;
    };
    let mut held = Held::Nothing;
    for entry in entries {
        let packs = entry.ok().filter(|entry| entry.file_name() == "pack");
        let Some(Ok(mut inside)) = packs.map(|packs| std::fs::read_dir(packs.path())) else {
            return Held::More;
        };
        if inside.next().is_some() {
            held = Held::Packs;
        }
    }
    held
}

fn brought_to(quarantine: &Path) -> Result<Odb<'static>, Fault> {
    as_wanted();
    folders(std::iter::once(quarantine.as_os_str().as_bytes())).map_err(unreadable)
}

fn at_most(count: u64) -> Result<(), Fault> {
    if count > MAX_OBJECTS {
        return Err(Fault::TooLarge {
            what: format!("more than {MAX_OBJECTS} objects"),
        });
    }
    Ok(())
}

fn oid(bytes: &[u8]) -> Result<Oid, Fault> {
    Oid::from_bytes(bytes).map_err(|error| unreadable(error.to_string()))
}

fn unreadable(why: String) -> Fault {
    Fault::Unreadable {
        why: format!("what the push brought cannot be looked at: {why}"),
    }
}

fn message(error: &git2::Error) -> String {
    escape(error.message().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{Held, held};
    use std::fs;

    #[test]
    fn i_12_a_quarantine_holds_nothing_only_where_that_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(held(dir.path()), Held::Nothing);
        assert_eq!(held(&dir.path().join("gone")), Held::More);
        let packs = dir.path().join("pack");
        fs::create_dir(&packs).unwrap();
        assert_eq!(held(dir.path()), Held::Nothing);
        fs::write(packs.join("pack-1.idx"), "").unwrap();
        assert_eq!(held(dir.path()), Held::Packs);
        for name in ["ab", "info"] {
            fs::create_dir(dir.path().join(name)).unwrap();
            assert_eq!(held(dir.path()), Held::More, "{name}");
            fs::remove_dir(dir.path().join(name)).unwrap();
        }
        fs::remove_dir_all(&packs).unwrap();
        fs::write(&packs, "").unwrap();
        assert_eq!(held(dir.path()), Held::More, "a file is no folder of packs");
    }
}
