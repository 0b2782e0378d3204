//! Raw objects: kind and size are checked before anything is read into memory.

use super::Store;
use crate::facts::Fault;
use crate::types::{Oid, escape};
use git2::{ErrorCode, ObjectType};

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
        let odb = self.repo.odb().map_err(|error| unreadable(oid, &error))?;
        let (size, kind) = odb
            .read_header(raw_id(oid)?)
            .map_err(|error| fault(oid, &error))?;
        Ok(Header {
            kind: word(kind),
            size,
        })
    }

    /// A commit's bytes.
    ///
    /// # Errors
    /// [`Fault::NotACommit`] for another kind, [`Fault::TooLarge`] past the limit, and as for
    /// [`Self::header`].
    pub fn commit_bytes(&self, oid: Oid) -> Result<Vec<u8>, Fault> {
        match self.bounded(oid, ObjectType::Commit, self.limits.header_object)? {
            Ok(bytes) => Ok(bytes),
            Err(kind) => Err(Fault::NotACommit { kind }),
        }
    }

    /// An annotated tag's bytes, or what else the object is.
    ///
    /// # Errors
    /// As for [`Self::header`], and [`Fault::TooLarge`] past the limit.
    pub fn tag_bytes(&self, oid: Oid) -> Result<Result<Vec<u8>, &'static str>, Fault> {
        self.bounded(oid, ObjectType::Tag, self.limits.header_object)
    }

    /// A tree's bytes.
    ///
    /// # Errors
    /// [`Fault::Malformed`] for another kind, [`Fault::TooLarge`] past the limit, and as for
    /// [`Self::header`].
    pub fn tree_bytes(&self, oid: Oid) -> Result<Vec<u8>, Fault> {
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
        read.map_err(|kind| Fault::Malformed {
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
        Ok(self.settled.is_some() && !self.is_settled(oid)?)
    }

    fn bounded(
        &self,
        oid: Oid,
        want: ObjectType,
        limit: usize,
    ) -> Result<Result<Vec<u8>, &'static str>, Fault> {
        let id = raw_id(oid)?;
        let odb = self.repo.odb().map_err(|error| unreadable(oid, &error))?;
        let (size, kind) = odb.read_header(id).map_err(|error| fault(oid, &error))?;
        if kind != want {
            return Ok(Err(word(kind)));
        }
        if size > limit {
            return Err(Fault::TooLarge {
                what: format!("the {} {oid} is longer than {limit} bytes", word(kind)),
            });
        }
        let object = odb.read(id).map_err(|error| fault(oid, &error))?;
        if object.kind() != want || object.len() != size || !self.is_itself(id, &object) {
            return Err(Fault::Unreadable {
                why: format!("the object {oid} is not what its id and header say"),
            });
        }
        Ok(Ok(object.data().to_vec()))
    }
}

impl Store {
    /// Whether an object hashes to its id. Git has checked it when it took the object in; it is
    /// checked again here for all that is judged or released, trees aside: they are most of what
    /// is read, and each names its parts by id.
    fn is_itself(&self, id: git2::Oid, object: &git2::OdbObject<'_>) -> bool {
        object.kind() == ObjectType::Tree
            || git2::Oid::hash_object(object.kind(), object.data()).is_ok_and(|hash| hash == id)
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
