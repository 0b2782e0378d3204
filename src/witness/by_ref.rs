//! What the server tells clones of each ref, in files beside the checkpoint.

use super::MAX_FILE;
use crate::ledger::name_from_hex;
use crate::types::{Oid, RefName};
use git2::{ObjectType, Repository, Tree};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

#[derive(Debug, Deserialize)]
struct File<R> {
    schema: String,
    refs: Vec<R>,
}

/// The bytes of such a file.
pub(super) fn written<R: Serialize>(schema: &str, refs: &[R]) -> Vec<u8> {
    let file = serde_json::json!({ "schema": schema, "refs": refs });
    format!("{file}\n").into_bytes()
}

/// What the file `name` in the tree of `commit` tells; nothing where nothing is there that can be read.
/// `of_ref` takes the ref's name, in hexadecimal digits, from what is told of it.
pub(super) fn told<R: DeserializeOwned, T>(
    repository: &Repository,
    commit: Oid,
    (name, schema): (&str, &str),
    of_ref: impl Fn(R) -> (String, T),
) -> BTreeMap<RefName, T> {
    let read = || -> Option<BTreeMap<RefName, T>> {
        let id = git2::Oid::from_bytes(commit.as_bytes()).ok()?;
        let tree = repository.find_commit(id).ok()?.tree().ok()?;
        let bytes = file(repository, &tree, Path::new(name)).ok()?;
        let file: File<R> = serde_json::from_slice(&bytes).ok()?;
        if file.schema != schema {
            return None;
        }
        let refs = file.refs.into_iter().map(of_ref);
        refs.map(|(ref_hex, told)| Some((name_from_hex(&ref_hex).ok()?, told)))
            .collect()
    };
    read().unwrap_or_default()
}

/// A file of the tree, if it is a small one.
pub(super) fn file(
    repository: &Repository,
    tree: &Tree<'_>,
    path: &Path,
) -> Result<Vec<u8>, String> {
    let missing = |error: git2::Error| format!("{}: {}", path.display(), error.message());
    let entry = tree.get_path(path).map_err(missing)?;
    let odb = repository.odb().map_err(missing)?;
    let (size, kind) = odb.read_header(entry.id()).map_err(missing)?;
    if kind != ObjectType::Blob || size > MAX_FILE {
        return Err(format!("{} is no small file", path.display()));
    }
    Ok(odb.read(entry.id()).map_err(missing)?.data().to_vec())
}
