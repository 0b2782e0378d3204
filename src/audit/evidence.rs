//! Evidence: raw bytes kept under their own hash, so that an entry that names the hash proves them.

use super::{AuditError, Hash};
use crate::folder::{Lasting, replace_shared, shared_dir};
use std::path::Path;

/// The largest piece of evidence, in bytes.
const MAX_SIZE: usize = 4 << 20;

/// Keeps `bytes` below `dir` and says under which hash. The content is on disk when this returns;
/// the entry that names it syncs the folder.
pub(in crate::audit) fn keep(dir: &Path, bytes: &[u8]) -> Result<Hash, AuditError> {
    if bytes.len() > MAX_SIZE {
        return Err(AuditError::TooLong {
            size: bytes.len(),
            limit: MAX_SIZE,
        });
    }
    let hash = Hash::of(bytes);
    let path = dir.join(hash.as_str());
    // A file of this name was renamed into place whole, so its content is the hash's.
    if path.exists() {
        return Ok(hash);
    }
    shared_dir(dir).map_err(AuditError::io(dir))?;
    replace_shared(&path, bytes, Lasting::Whole).map_err(AuditError::io(&path))?;
    Ok(hash)
}

/// Whether the evidence of this hash is there and is what the hash says.
pub(in crate::audit) fn holds(dir: &Path, hash: &Hash) -> bool {
    read(dir, hash).is_ok()
}

/// Whether no file is where the evidence of this hash would be.
pub(in crate::audit) fn is_gone(dir: &Path, hash: &Hash) -> bool {
    let path = dir.join(hash.as_str());
    hash.is_well_formed() && matches!(path.try_exists(), Ok(false))
}

/// Deletes a piece of evidence, if it is there. Its name is off the disk once the folder is synced.
pub(in crate::audit) fn delete(dir: &Path, hash: &Hash) -> Result<(), AuditError> {
    if !hash.is_well_formed() {
        return Ok(());
    }
    let path = dir.join(hash.as_str());
    match std::fs::remove_file(&path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(AuditError::Io { path, source })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The evidence of this hash.
pub(in crate::audit) fn read(dir: &Path, hash: &Hash) -> Result<Vec<u8>, AuditError> {
    let lost = || AuditError::Evidence { hash: hash.clone() };
    // What else a log may hold in its place names no file.
    if !hash.is_well_formed() {
        return Err(lost());
    }
    let bytes = std::fs::read(dir.join(hash.as_str())).map_err(|_| lost())?;
    if Hash::of(&bytes) == *hash {
        Ok(bytes)
    } else {
        Err(lost())
    }
}
