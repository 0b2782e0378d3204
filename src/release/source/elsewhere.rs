//! Content that the commit only names: of submodules and of Git LFS pointers, from places on the
//! server's own machine that the policy names. What is approved is the name, a hash; so nothing is
//! taken that is not exactly what it says.

use super::super::error::{Fault, ReleaseError};
use super::super::plan::Stored;
use super::objects::{commit_tree, size};
use super::{FILE_LIMIT, Source};
use crate::policy::Submodule;
use crate::types::{Oid, RepoPath, hex};
use git2::Odb;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How an LFS pointer begins.
const LFS_HEAD: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// How anything begins that LFS would take for a pointer.
const LFS_ANY: &[u8] = b"version https://git-lfs.github.com/spec/";

/// LFS pointers are smaller than this, in bytes.
pub(super) const LFS_LIMIT: u64 = 1024;

/// The repositories of a target's submodules.
pub(super) struct Submodules(Vec<(RepoPath, Arc<Path>, Source)>);

/// A submodule's objects.
pub(super) struct Held<'a> {
    /// Its repository's folder.
    pub(super) repository: Arc<Path>,
    pub(super) odb: Odb<'a>,
}

impl Submodules {
    /// Opens them.
    pub(super) fn open(submodules: &[Submodule]) -> Result<Self, ReleaseError> {
        let opened = submodules.iter().map(|one| {
            let path = RepoPath::new(one.path.clone().into_bytes());
            let source = Source::open(&one.repository).map_err(|error| {
                ReleaseError::Objects(format!("the repository of submodule `{path}`: {error}"))
            })?;
            Ok((path, Arc::from(one.repository.as_path()), source))
        });
        opened.collect::<Result<_, _>>().map(Self)
    }

    /// Their objects, by where they are in the tree.
    pub(super) fn odbs(&self) -> Result<BTreeMap<RepoPath, Held<'_>>, ReleaseError> {
        let held = self.0.iter().map(|(path, repository, source)| {
            let odb = source.odb()?;
            let repository = repository.clone();
            Ok((path.clone(), Held { repository, odb }))
        });
        held.collect()
    }
}

impl Held<'_> {
    /// The tree of the commit that the tree names.
    pub(super) fn tree(&self, path: &RepoPath, commit: Oid) -> Result<Oid, ReleaseError> {
        commit_tree(&self.odb, commit).map_err(|error| {
            ReleaseError::Objects(format!(
                "the commit of submodule `{path}`: {error} (in {})",
                self.repository.display()
            ))
        })
    }
}

/// Whether a small file is an LFS pointer, good or not.
pub(super) fn is_pointer(content: &[u8]) -> bool {
    content.starts_with(LFS_ANY)
}

/// What a pointer names, in the folder `store`: its size, and how to read it.
pub(super) fn lfs(store: Option<&Path>, pointer: &[u8]) -> Result<(u64, Stored), Fault> {
    let store = store.ok_or(Fault::LfsPointer)?;
    let (sha256, size) = parse(pointer).ok_or(Fault::Lfs("is none that is understood"))?;
    if size > FILE_LIMIT {
        return Err(Fault::TooLarge);
    }
    let file = find(store, &sha256).ok_or(Fault::Lfs("names content that is not in the store"))?;
    let found = open(&file).and_then(|handle| handle.metadata());
    match found {
        Ok(meta) if meta.len() == size => Ok((
            size,
            Stored {
                file: Arc::from(file),
                sha256,
            },
        )),
        Ok(_) => Err(Fault::Lfs("names content of another size than the store's")),
        Err(_) => Err(Fault::Lfs("names content that cannot be read in the store")),
    }
}

/// A pointer's SHA-256 and size, by the format's own strict form: three lines in this order.
fn parse(pointer: &[u8]) -> Option<(String, u64)> {
    let rest = pointer.strip_prefix(LFS_HEAD)?;
    let text = std::str::from_utf8(rest).ok()?;
    let (oid, rest) = text.strip_prefix("oid sha256:")?.split_once('\n')?;
    let digits = rest.strip_prefix("size ")?.strip_suffix('\n')?;
    let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let plain = digits == "0" || !digits.starts_with(['0', '+']);
    (oid.len() == 64 && oid.bytes().all(lower) && plain)
        .then(|| Some((oid.to_owned(), digits.parse().ok()?)))
        .flatten()
}

/// Where the stores of the usual servers, and a clone's own, keep it.
fn find(store: &Path, sha256: &str) -> Option<PathBuf> {
    let (first, rest) = sha256.split_at_checked(2)?;
    let (second, tail) = rest.split_at_checked(2)?;
    let folder = Path::new(first).join(second);
    [
        store.join("objects").join(&folder).join(sha256),
        store.join(&folder).join(sha256),
        store.join(&folder).join(tail),
    ]
    .into_iter()
    .find(|file| file.symlink_metadata().is_ok_and(|meta| meta.is_file()))
}

fn open(file: &Path) -> io::Result<File> {
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits();
    OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags).unwrap_or_default())
        .open(file)
}

/// What the store holds, if that is what the pointer names.
pub(super) fn lfs_content(stored: &Stored, size: u64) -> Result<Vec<u8>, ReleaseError> {
    let mut bytes = Vec::new();
    open(&stored.file)
        .and_then(|file| file.take(size.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(ReleaseError::io(&stored.file))?;
    if bytes.len() as u64 == size && hex(&Sha256::digest(&bytes)) == stored.sha256 {
        Ok(bytes)
    } else {
        Err(ReleaseError::Objects(format!(
            "{} does not hold what its name says",
            stored.file.display()
        )))
    }
}

/// A blob's size where it may be a pointer.
pub(super) fn may_be_pointer(odb: &Odb<'_>, blob: Oid) -> Result<(u64, bool), ReleaseError> {
    let size = size(odb, blob)?;
    Ok((size, size < LFS_LIMIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(oid: &str, size: &str) -> String {
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n")
    }

    #[test]
    fn q_10_a_pointer_has_one_form() {
        let oid = "a1".repeat(32);
        assert_eq!(
            parse(pointer(&oid, "12").as_bytes()),
            Some((oid.clone(), 12))
        );
        let v2 = pointer(&oid, "1").replace("/v1", "/v2");
        let more = format!("{}x y\n", pointer(&oid, "1"));
        let cases = [
            v2,
            more,
            pointer(&oid, "01"),
            pointer(&oid, "+1"),
            pointer(&oid, "-1"),
            pointer(&oid, ""),
            pointer(&oid.to_uppercase(), "1"),
            pointer(&oid[..62], "1"),
            pointer(&format!("../{}", &oid[3..]), "1"),
        ];
        for bad in cases {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
            assert!(is_pointer(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn q_10_content_that_is_not_what_the_pointer_names_is_not_released() {
        let store = tempfile::tempdir().unwrap();
        let sha256 = hex(&Sha256::digest(b"film"));
        let folder = store.path().join(&sha256[..2]).join(&sha256[2..4]);
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(&sha256[4..]);
        let text = pointer(&sha256, "4");
        assert!(lfs(Some(store.path()), text.as_bytes()).is_err());
        std::fs::write(&file, "film").unwrap();
        let (size, stored) = lfs(Some(store.path()), text.as_bytes()).unwrap();
        assert_eq!(lfs_content(&stored, size).unwrap(), b"film");
        std::fs::write(&file, "evil").unwrap();
        assert!(lfs_content(&stored, size).is_err());
        std::fs::write(&file, "longer").unwrap();
        assert!(lfs(Some(store.path()), text.as_bytes()).is_err());
        std::fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", &file).unwrap();
        assert!(lfs(Some(store.path()), text.as_bytes()).is_err());
        assert!(lfs_content(&stored, size).is_err());
        assert_eq!(lfs(None, text.as_bytes()).unwrap_err(), Fault::LfsPointer);
    }
}
