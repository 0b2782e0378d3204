//! What a push brought: every commit and tag that git keeps in quarantine and that the store does
//! not have, whatever ref names it, or none.

use super::Store;
use super::lazy::as_wanted;
use super::objects::raw_id;
use super::open::folders;
use super::packs::PackError;
use crate::facts::Fault;
use crate::types::{Oid, escape};
use git2::{ObjectType, Odb, OdbLookupFlags};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// So many objects of one push are looked at.
const MAX_OBJECTS: u64 = 50_000_000;

impl Store {
    /// Hands each commit and tag that arrives with the push in progress to `each`, and nothing for
    /// each other object; with the number of objects looked at so far. In no order, and what git
    /// keeps twice perhaps twice. Nothing outside a push, or where it brings no objects.
    ///
    /// Objects are not read, only asked for their kind. What is held in memory is eight bytes for
    /// each object of a pack, and its index.
    ///
    /// # Errors
    /// When the quarantine or an object in it cannot be looked at, when there are too many, and
    /// with what `each` answers.
    pub fn arrivals<E: From<Fault>>(
        &self,
        each: &mut dyn FnMut(Option<Oid>, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(quarantine) = self.quarantine.as_deref().filter(|path| !is_bare(path)) else {
            return Ok(());
        };
        as_wanted();
        let brought = folders(std::iter::once(quarantine.as_os_str().as_bytes()));
        let brought = brought.map_err(unreadable)?;
        let (mut stopped, mut count) = (None, 0);
        let walked = brought.foreach(|id| {
            count += 1;
            let found = self.arriving(&brought, *id, count);
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
    fn arriving(&self, brought: &Odb<'_>, id: git2::Oid, count: u64) -> Result<Option<Oid>, Fault> {
        if count > MAX_OBJECTS {
            return Err(Fault::TooLarge {
                what: format!("more than {MAX_OBJECTS} objects"),
            });
        }
        match self.kind_of(brought, id)? {
            ObjectType::Commit | ObjectType::Tag => {
                let oid = Oid::from_bytes(id.as_bytes());
                let oid = oid.map_err(|error| unreadable(error.to_string()))?;
                let new = self.new.borrow().contains(&oid);
                Ok((new || !self.is_settled(oid)?).then_some(oid))
            }
            ObjectType::Tree | ObjectType::Blob => Ok(None),
            ObjectType::Any => Err(unreadable(format!("{id} is of no kind"))),
        }
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
            Some(settled) => settled.has(oid).map_err(|why| Fault::Unreadable { why }),
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
            Some(settled) => settled.refresh(),
            None => (self.repo.get().and_then(git2::Repository::odb)).and_then(|odb| odb.refresh()),
        };
        looked.map_err(|error| Fault::Unreadable {
            why: message(&error),
        })
    }
}

/// Whether git put nothing into a quarantine: it makes its folder of packs in any case. Where that
/// cannot be seen, it may have.
fn is_bare(quarantine: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(quarantine) else {
        return false;
    };
    for entry in entries {
        let packs = entry.ok().filter(|entry| entry.file_name() == "pack");
        let Some(Ok(mut inside)) = packs.map(|packs| std::fs::read_dir(packs.path())) else {
            return false;
        };
        if inside.next().is_some() {
            return false;
        }
    }
    true
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
    use super::is_bare;
    use std::fs;

    #[test]
    fn i_12_a_quarantine_is_bare_only_where_it_is_seen_to_be() {
        let dir = tempfile::tempdir().unwrap();
        assert!(is_bare(dir.path()));
        assert!(!is_bare(&dir.path().join("gone")));
        let packs = dir.path().join("pack");
        fs::create_dir(&packs).unwrap();
        assert!(is_bare(dir.path()));
        fs::write(packs.join("pack-1.idx"), "").unwrap();
        assert!(!is_bare(dir.path()));
        fs::remove_file(packs.join("pack-1.idx")).unwrap();
        for name in ["ab", "info"] {
            fs::create_dir(dir.path().join(name)).unwrap();
            assert!(!is_bare(dir.path()), "{name}");
            fs::remove_dir(dir.path().join(name)).unwrap();
        }
        fs::remove_dir(&packs).unwrap();
        fs::write(&packs, "").unwrap();
        assert!(!is_bare(dir.path()), "a file is no folder of packs");
    }
}
