//! Writing files of the accepted commit into a new directory: a release of `kind: dir`, or what
//! another program is to bring to its target.

use crate::folder::private_dir;
use crate::release::{Content, FileKind, ReleaseError, ReleaseFile, Source, ancestors};
use crate::types::RepoPath;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::num::NonZero;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// What visitors may do with directories and programs.
const OPEN: u32 = 0o755;

/// What visitors may do with files.
const READABLE: u32 = 0o644;

/// How many files are worth a thread of their own.
const SHARE: usize = 64;

/// How many threads write at most.
const THREADS: usize = 4;

/// Files larger than this many bytes are in memory one at a time.
pub(in crate::release) const BIG: u64 = 16 * 1024 * 1024;

/// Writes the files of a repository below `root`, a new directory of ours alone, and tells of each as its bytes
/// are written. Symbolic links come last, so that no file can be written through one.
pub(in crate::release) fn write<'a>(
    root: &Path,
    files: impl IntoIterator<Item = &'a ReleaseFile>,
    git_dir: &Path,
    written: &(dyn Fn(usize) + Sync),
) -> Result<BTreeMap<RepoPath, Content>, ReleaseError> {
    let (links, files): (Vec<_>, Vec<_>) = files
        .into_iter()
        .partition(|file| file.kind == FileKind::Symlink);
    let all = files.iter().chain(&links);
    let dirs: BTreeSet<RepoPath> = all.flat_map(|file| ancestors(&file.path)).collect();
    for dir in &dirs {
        let path = below(root, dir);
        fs::create_dir(&path).map_err(ReleaseError::io(&path))?;
    }
    let place = Place {
        root,
        git_dir,
        written,
        big: Mutex::new(()),
    };
    let mut contents = place.share(&files)?;
    contents.append(&mut place.fill(&links)?);
    for dir in dirs.iter().rev() {
        open_up(&below(root, dir))?;
    }
    Ok(contents)
}

/// Where files go, and where they come from.
struct Place<'a> {
    root: &'a Path,
    git_dir: &'a Path,
    written: &'a (dyn Fn(usize) + Sync),
    big: Mutex<()>,
}

impl Place<'_> {
    /// Writes files, on as many threads as are worth while: most of it is the system's own work.
    fn share(&self, files: &[&ReleaseFile]) -> Result<BTreeMap<RepoPath, Content>, ReleaseError> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let threads = threads.min(THREADS).min(files.len() / SHARE).max(1);
        let share = files.len().div_ceil(threads).max(1);
        thread::scope(|scope| {
            let mut shares = files.chunks(share);
            let first = shares.next().unwrap_or_default();
            let others: Vec<_> = shares
                .map(|share| scope.spawn(|| self.fill(share)))
                .collect();
            let mut contents = self.fill(first)?;
            for other in others {
                let other = other
                    .join()
                    .map_err(|_| ReleaseError::Objects("a thread that writes files died".into()))?;
                contents.append(&mut other?);
            }
            Ok(contents)
        })
    }

    fn fill(&self, files: &[&ReleaseFile]) -> Result<BTreeMap<RepoPath, Content>, ReleaseError> {
        let source = Source::open(self.git_dir)?;
        let mut contents = BTreeMap::new();
        for file in files {
            let _one_at_a_time = match file.size > BIG {
                true => Some(self.big.lock().unwrap_or_else(PoisonError::into_inner)),
                false => None,
            };
            let bytes = source.content(file)?;
            put(&below(self.root, &file.path), file, &bytes)?;
            (self.written)(bytes.len());
            contents.insert(file.path.clone(), Content::of(file, &bytes));
        }
        Ok(contents)
    }
}

/// Sees to it that what was written below `root` survives a power cut.
pub(in crate::release) fn sync(root: &Path) -> Result<(), ReleaseError> {
    let handle = File::open(root).map_err(ReleaseError::io(root))?;
    rustix::fs::syncfs(&handle).map_err(|error| ReleaseError::io(root)(error.into()))
}

/// A path's place below `root`.
pub(in crate::release) fn below(root: &Path, path: &RepoPath) -> PathBuf {
    root.join(OsStr::from_bytes(path.as_bytes()))
}

fn put(path: &Path, file: &ReleaseFile, bytes: &[u8]) -> Result<(), ReleaseError> {
    let mode = match file.kind {
        FileKind::File => READABLE,
        FileKind::Executable => OPEN,
        FileKind::Symlink => {
            return symlink(OsStr::from_bytes(bytes), path).map_err(ReleaseError::io(path));
        }
    };
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut handle| {
            handle.write_all(bytes)?;
            // Whatever the umask is.
            handle.set_permissions(Permissions::from_mode(mode))
        })
        .map_err(ReleaseError::io(path))
}

/// Lets visitors in.
pub(in crate::release) fn open_up(path: &Path) -> Result<(), ReleaseError> {
    fs::set_permissions(path, Permissions::from_mode(OPEN)).map_err(ReleaseError::io(path))
}

/// A new directory of ours alone.
pub(in crate::release) fn new_dir(path: &Path) -> Result<(), ReleaseError> {
    private_dir(path).map_err(ReleaseError::io(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::Origin;
    use crate::types::{Oid, hex};
    use git2::{ObjectType, Repository};
    use sha2::{Digest, Sha256};
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn stored(repository: &Repository, path: &str, kind: FileKind, text: &[u8]) -> ReleaseFile {
        let blob = repository.odb().unwrap();
        let blob = blob.write(ObjectType::Blob, text).unwrap();
        ReleaseFile {
            path: RepoPath::new(path.as_bytes().to_vec()),
            kind,
            blob: Oid::from_bytes(blob.as_bytes()).unwrap(),
            size: text.len() as u64,
            origin: Origin::Blob,
        }
    }

    #[test]
    fn many_files_are_written_by_several_threads_and_each_is_what_it_is() {
        let (git, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let repository = Repository::init_bare(git.path()).unwrap();
        let mut files: Vec<ReleaseFile> = (0..5 * SHARE)
            .map(|number| {
                let (path, text) = (format!("d{}/f{number}", number % 7), number.to_string());
                stored(&repository, &path, FileKind::File, text.as_bytes())
            })
            .collect();
        files.push(stored(&repository, "run", FileKind::Executable, b"go"));
        files.push(stored(&repository, "l", FileKind::Symlink, b"d1"));
        let told = AtomicUsize::new(0);
        let count = |bytes| {
            told.fetch_add(bytes, Ordering::Relaxed);
        };
        let contents = write(place.path(), &files, git.path(), &count).unwrap();
        assert_eq!(contents.len(), files.len());
        let all: u64 = files.iter().map(|file| file.size).sum();
        assert_eq!(told.into_inner() as u64, all);
        for file in &files {
            let path = below(place.path(), &file.path);
            let meta = fs::symlink_metadata(&path).unwrap();
            let (mode, text) = match file.kind {
                FileKind::Symlink => (None, fs::read_link(&path).unwrap().into_os_string()),
                FileKind::File => (Some(0o644), fs::read_to_string(&path).unwrap().into()),
                FileKind::Executable => (Some(0o755), fs::read_to_string(&path).unwrap().into()),
            };
            let found = meta.permissions().mode() & 0o7777;
            assert!(mode.is_none_or(|mode| mode == found), "{}", file.path);
            let sha256 = hex(&Sha256::digest(text.as_bytes()));
            assert_eq!(contents[&file.path].sha256, sha256, "{}", file.path);
            assert_eq!(text.len() as u64, file.size, "{}", file.path);
        }
        // One that is not in the repository is an error, whichever thread is to write it.
        let other = tempfile::tempdir().unwrap();
        for at in [0, files.len() / 2, files.len() - 3] {
            let mut files = files.clone();
            files[at].blob = Oid::from_bytes(&[7; 20]).unwrap();
            let place = other.path().join(at.to_string());
            fs::create_dir(&place).unwrap();
            assert!(write(&place, &files, git.path(), &|_| {}).is_err(), "{at}");
        }
    }
}
