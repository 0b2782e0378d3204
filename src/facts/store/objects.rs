//! Raw objects: kind and size are checked before anything is read into memory.

use super::Store;
use super::packs::{PackError, Packed};
use crate::facts::Fault;
use crate::types::{Oid, escape};
use git2::{ErrorCode, ObjectType};
use sha1::{Digest, Sha1};
use std::rc::Rc;

/// The digits of the largest number there is.
const LONGEST_NUMBER: usize = 20;

/// What an object really is, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// `commit`, `tree`, `blob` or `tag`.
    pub kind: &'static str,
    /// Its length in bytes.
    pub size: usize,
}

impl Store {
    /// What an object is, without reading it.
    ///
    /// # Errors
    /// [`Fault::Missing`] where it is not here, [`Fault::Unreadable`] where it cannot be told.
    pub fn header(&self, oid: Oid) -> Result<Header, Fault> {
        if let Err(error @ (PackError::NoKind | PackError::Bomb)) =
            self.packs.borrow_mut().kind(oid.as_bytes())
        {
            return Err(of_no_kind(oid, &error));
        }
        let odb = self.repo.get().and_then(git2::Repository::odb);
        let odb = odb.map_err(|error| unreadable(oid, &error))?;
        let (size, kind) = odb
            .read_header(raw_id(oid)?)
            .map_err(|error| fault(oid, &error))?;
        Ok(Header {
            kind: word(kind),
            size,
        })
    }

    /// A commit's bytes, which the store may keep for a while too.
    ///
    /// # Errors
    /// [`Fault::NotACommit`] for another kind, [`Fault::TooLarge`] past the limit, and as for
    /// [`Self::header`].
    pub fn commit_bytes(&self, oid: Oid) -> Result<Rc<Vec<u8>>, Fault> {
        let read = self.bounded(oid, ObjectType::Commit, self.limits.header_object)?;
        read.map_err(|kind| Fault::NotACommit { kind })
    }

    /// An annotated tag's bytes, or what else the object is.
    ///
    /// # Errors
    /// As for [`Self::header`], and [`Fault::TooLarge`] past the limit.
    pub fn tag_bytes(&self, oid: Oid) -> Result<Result<Vec<u8>, &'static str>, Fault> {
        let then = self.past.as_ref().and_then(|past| past.tags.get(&oid));
        if let Some(bytes) = then {
            return Ok(Ok(bytes.clone()));
        }
        let read = self.bounded(oid, ObjectType::Tag, self.limits.header_object)?;
        Ok(read.map(Rc::unwrap_or_clone))
    }

    /// A tree's bytes, which the store may keep for a while too.
    ///
    /// # Errors
    /// [`Fault::Malformed`] for another kind, [`Fault::TooLarge`] past the limit, and as for
    /// [`Self::header`].
    pub fn tree_bytes(&self, oid: Oid) -> Result<Rc<Vec<u8>>, Fault> {
        let read = self.bounded(oid, ObjectType::Tree, self.limits.tree)?;
        read.map_err(|kind| Fault::Malformed {
            oid,
            why: format!("a tree is expected here, and it is a {kind}"),
        })
    }

    /// A blob's bytes, `limit` at most.
    ///
    /// # Errors
    /// As for [`Self::tree_bytes`].
    pub fn blob_bytes(&self, oid: Oid, limit: usize) -> Result<Vec<u8>, Fault> {
        let read = self.bounded(oid, ObjectType::Blob, limit)?;
        read.map(Rc::unwrap_or_clone)
            .map_err(|kind| Fault::Malformed {
                oid,
                why: format!("a file is expected here, and it is a {kind}"),
            })
    }

    /// Whether the object came with the push in progress and was not in the store before.
    /// Never, outside a push.
    ///
    /// # Errors
    /// When the id cannot be asked for.
    pub fn arrives(&self, oid: Oid) -> Result<bool, Fault> {
        if let Some(past) = &self.past {
            return Ok(past.arriving.contains(&oid));
        }
        let arrives = self.settled.is_some() && !self.is_settled(oid)?;
        if arrives && self.new.borrow().len() < self.limits.commits {
            self.new.borrow_mut().insert(oid);
        }
        Ok(arrives)
    }

    fn bounded(
        &self,
        oid: Oid,
        want: ObjectType,
        limit: usize,
    ) -> Result<Result<Rc<Vec<u8>>, &'static str>, Fault> {
        let found = self.packs.borrow_mut().read(oid.as_bytes(), want, limit);
        let loose = || self.loose.borrow_mut().read(oid.as_bytes(), want, limit);
        match found.map(|packed| packed.or_else(loose)) {
            Ok(Some(Packed::Bytes(bytes))) => {
                if !names(oid, want, &bytes) {
                    return Err(another(oid));
                }
                Ok(Ok(bytes))
            }
            Ok(Some(Packed::OtherKind(kind))) => Ok(Err(word(kind))),
            Ok(Some(Packed::TooLong)) => Err(too_long(oid, want, limit)),
            Err(error @ PackError::Bomb) => Err(Fault::TooLarge {
                what: format!("the {} {oid}: {error}", word(want)),
            }),
            Err(error @ PackError::NoKind) => Err(of_no_kind(oid, &error)),
            // What is odd to us need not be to libgit2.
            Ok(None) | Err(PackError::Io(_) | PackError::Odd(_)) => {
                self.bounded_by_header(oid, want, limit)
            }
        }
    }

    /// The same by way of libgit2, which tells how long an object is, but unpacks it whole.
    fn bounded_by_header(
        &self,
        oid: Oid,
        want: ObjectType,
        limit: usize,
    ) -> Result<Result<Rc<Vec<u8>>, &'static str>, Fault> {
        let id = raw_id(oid)?;
        let odb = self.repo.get().and_then(git2::Repository::odb);
        let odb = odb.map_err(|error| unreadable(oid, &error))?;
        let (size, kind) = odb.read_header(id).map_err(|error| fault(oid, &error))?;
        if kind != want {
            return Ok(Err(word(kind)));
        }
        if size > limit {
            return Err(too_long(oid, kind, limit));
        }
        let object = odb.read(id).map_err(|error| fault(oid, &error))?;
        let itself = object.kind() == want && object.len() == size;
        if !itself || !names(oid, want, object.data()) {
            return Err(another(oid));
        }
        Ok(Ok(Rc::new(object.data().to_vec())))
    }
}

/// Whether an object hashes to its id. Git has checked it when it took the object in; it is checked
/// again here for all that is judged or released. Commits and trees are nearly all that is read, and
/// for them it is a plain SHA-1: git's search for forged collisions, which would cost as much again as
/// reading them, was made by git.
fn names(oid: Oid, kind: ObjectType, bytes: &[u8]) -> bool {
    let word = match kind {
        ObjectType::Commit | ObjectType::Tree => word(kind),
        ObjectType::Blob | ObjectType::Tag | ObjectType::Any => {
            let hash = git2::Oid::hash_object(kind, bytes);
            return hash.is_ok_and(|hash| hash.as_bytes() == oid.as_bytes());
        }
    };
    let mut digits = [0; LONGEST_NUMBER];
    let head = Sha1::new_with_prefix(word).chain_update(b" ");
    let head = head.chain_update(decimal(bytes.len(), &mut digits));
    let hash = head.chain_update(b"\0").chain_update(bytes).finalize();
    hash.as_slice() == oid.as_bytes()
}

/// The digits of a number. Thousands of objects are hashed, and this asks for no memory.
fn decimal(mut number: usize, digits: &mut [u8; LONGEST_NUMBER]) -> &[u8] {
    let mut first = digits.len();
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        first = at;
        if number == 0 {
            break;
        }
    }
    digits.get(first..).unwrap_or_default()
}

fn of_no_kind(oid: Oid, error: &PackError) -> Fault {
    Fault::Unreadable {
        why: format!("the object {oid}: {error}"),
    }
}

fn another(oid: Oid) -> Fault {
    Fault::Unreadable {
        why: format!("the object {oid} is not what its id and header say"),
    }
}

fn too_long(oid: Oid, kind: ObjectType, limit: usize) -> Fault {
    Fault::TooLarge {
        what: format!("the {} {oid} is longer than {limit} bytes", word(kind)),
    }
}

pub(super) fn raw_id(oid: Oid) -> Result<git2::Oid, Fault> {
    git2::Oid::from_bytes(oid.as_bytes()).map_err(|error| unreadable(oid, &error))
}

fn fault(oid: Oid, error: &git2::Error) -> Fault {
    if error.code() == ErrorCode::NotFound {
        Fault::Missing { oid }
    } else {
        unreadable(oid, error)
    }
}

fn unreadable(oid: Oid, error: &git2::Error) -> Fault {
    Fault::Unreadable {
        why: format!("the object {oid}: {}", escape(error.message().as_bytes())),
    }
}

fn word(kind: ObjectType) -> &'static str {
    match kind {
        ObjectType::Commit => "commit",
        ObjectType::Tree => "tree",
        ObjectType::Blob => "blob",
        ObjectType::Tag => "tag",
        ObjectType::Any => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn a_number_is_written_as_elsewhere() {
        for number in [0, 1, 9, 10, 99, 100, 12_345, 1_000_000, usize::MAX] {
            let digits = decimal(number, &mut [0; 20]).to_vec();
            assert_eq!(digits, number.to_string().into_bytes());
        }
    }
}
