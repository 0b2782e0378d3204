//! Single objects: of the right kind, within bounds, and what their id says.

use super::super::error::ReleaseError;
use crate::object::{self, TreeEntry, TreeEntryKind};
use crate::types::Oid;
use git2::{ObjectType, Odb};

/// The largest commit or tree object, in bytes.
pub(super) const META_LIMIT: usize = 64 * 1024 * 1024;

/// One object of exactly this kind and at most this many bytes, whose content is what its id says:
/// libgit2's own check is a setting of the whole process, so it is not relied upon.
pub(super) fn read(
    odb: &Odb<'_>,
    oid: Oid,
    kind: ObjectType,
    limit: usize,
) -> Result<Vec<u8>, ReleaseError> {
    let fail = |why: String| ReleaseError::Objects(format!("object {oid}: {why}"));
    let id = id(oid)?;
    let (size, found) = odb
        .read_header(id)
        .map_err(|error| fail(error.message().to_owned()))?;
    if found != kind {
        return Err(fail(format!("is a {found}, not a {kind}")));
    }
    if size > limit {
        return Err(fail(format!("is larger than {limit} bytes")));
    }
    let object = odb
        .read(id)
        .map_err(|error| fail(error.message().to_owned()))?;
    match git2::Oid::hash_object(kind, object.data()) {
        Ok(hash) if hash == id => Ok(object.data().to_vec()),
        Ok(hash) => Err(fail(format!("its content is that of {hash}"))),
        Err(error) => Err(fail(error.message().to_owned())),
    }
}

/// A blob's size in bytes.
pub(super) fn size(odb: &Odb<'_>, blob: Oid) -> Result<u64, ReleaseError> {
    let (size, kind) = odb
        .read_header(id(blob)?)
        .map_err(|error| ReleaseError::Objects(format!("blob {blob}: {}", error.message())))?;
    if kind == ObjectType::Blob {
        Ok(size as u64)
    } else {
        Err(ReleaseError::Objects(format!(
            "object {blob} is a {kind}, not a blob"
        )))
    }
}

/// The id of a blob with this content.
pub(super) fn blob_id(content: &[u8]) -> Result<Oid, ReleaseError> {
    git2::Oid::hash_object(ObjectType::Blob, content)
        .map_err(|error| ReleaseError::Objects(error.message().to_owned()))
        .and_then(|id| Oid::from_bytes(id.as_bytes()).map_err(|error| malformed(&error)))
}

fn id(oid: Oid) -> Result<git2::Oid, ReleaseError> {
    git2::Oid::from_bytes(oid.as_bytes())
        .map_err(|error| ReleaseError::Objects(error.message().to_owned()))
}

pub(super) fn malformed(error: &impl std::fmt::Display) -> ReleaseError {
    ReleaseError::Objects(error.to_string())
}

/// A tree's entries.
pub(super) fn tree(odb: &Odb<'_>, oid: Oid) -> Result<Vec<TreeEntry>, ReleaseError> {
    let raw = read(odb, oid, ObjectType::Tree, META_LIMIT)?;
    object::parse_tree(&raw).map_err(|error| ReleaseError::Objects(format!("tree {oid}: {error}")))
}

/// The tree of a commit.
pub(super) fn commit_tree(odb: &Odb<'_>, commit: Oid) -> Result<Oid, ReleaseError> {
    let raw = read(odb, commit, ObjectType::Commit, META_LIMIT)?;
    let commit = object::Commit::parse(&raw).map_err(|error| malformed(&error))?;
    Ok(commit.tree)
}

/// The tree of the folder `from` below `root`.
pub(super) fn folder(odb: &Odb<'_>, root: Oid, from: Option<&str>) -> Result<Oid, ReleaseError> {
    let mut at = root;
    for name in from.into_iter().flat_map(|from| from.split('/')) {
        let entry = tree(odb, at)?
            .into_iter()
            .find(|entry| entry.name == name.as_bytes() && entry.kind == TreeEntryKind::Tree);
        at = entry
            .ok_or_else(|| ReleaseError::NoSuchFolder(from.unwrap_or_default().to_owned()))?
            .oid;
    }
    Ok(at)
}
