//! Loose objects: a file each, opened and read once, and unpacked into exactly as many bytes as its
//! own header promises, where those are allowed.
//!
//! As with packs, it is a shorter way and never another answer: what is not found here, or is not as
//! git writes it, is asked of libgit2; and whoever reads hashes what comes out.

use super::packs::Packed;
use crate::types::hex;
use flate2::{Decompress, FlushDecompress, Status};
use git2::ObjectType;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

/// Bytes that are read at once: more than most objects have, compressed.
const READ: usize = 8 << 10;
/// Bytes that are unpacked before it is known how many there will be: most objects are shorter, and
/// need no second turn.
const FIRST: usize = 4 << 10;
/// A kind, a space, a length, and a NUL.
const LONGEST_HEAD: usize = 32;

/// The loose objects of some folders.
pub(super) struct Loose {
    folders: Vec<PathBuf>,
    inflater: Decompress,
    input: Vec<u8>,
    first: Vec<u8>,
}

impl std::fmt::Debug for Loose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Loose");
        shown
            .field("folders", &self.folders)
            .finish_non_exhaustive()
    }
}

/// What an object's own header says.
struct Head {
    kind: ObjectType,
    size: usize,
    /// How long the header itself is.
    len: usize,
}

/// How far the unpacking came.
struct Progress {
    made: usize,
    ended: bool,
}

impl Loose {
    /// Those in these folders, looked for in this order; what they borrow from others is not looked
    /// at.
    pub(super) fn new(folders: Vec<PathBuf>) -> Self {
        Self {
            folders,
            inflater: Decompress::new(true),
            input: Vec::new(),
            first: Vec::new(),
        }
    }

    /// An object, if it is here and as git writes it.
    pub(super) fn read(&mut self, id: &[u8; 20], want: ObjectType, limit: usize) -> Option<Packed> {
        let file = self.open(id)?;
        self.input.resize(READ, 0);
        self.first.resize(FIRST, 0);
        self.inflater.reset(true);
        let mut stream = Stream {
            file,
            inflater: &mut self.inflater,
            input: &mut self.input,
            held: 0..0,
            all_read: false,
        };
        let Progress { made, ended } = stream.unpack(&mut self.first, 0)?;
        let begun = self.first.get(..made)?;
        let head = head(begun)?;
        if head.kind != want {
            return Some(Packed::OtherKind(head.kind));
        }
        if head.size > limit {
            return Some(Packed::TooLong);
        }
        let content = begun.get(head.len..)?;
        let bytes = if ended {
            stream.is_used_up().then(|| content.to_vec())?
        } else {
            stream.rest(content, head.size)?
        };
        (bytes.len() == head.size).then(|| Packed::Bytes(bytes.into()))
    }

    fn open(&self, id: &[u8; 20]) -> Option<File> {
        let name = hex(id);
        let (folder, file) = name.split_at_checked(2)?;
        let below = format!("{folder}/{file}");
        self.folders
            .iter()
            .find_map(|folder| File::open(folder.join(&below)).ok())
    }
}

/// A file on its way through zlib.
struct Stream<'a> {
    file: File,
    inflater: &'a mut Decompress,
    input: &'a mut [u8],
    /// What of the input is still to be unpacked.
    held: std::ops::Range<usize>,
    all_read: bool,
}

impl Stream<'_> {
    /// Unpacks into `out`, from `made` on, until it is full or the object ends. Nothing where the
    /// file is broken off or is not compressed.
    fn unpack(&mut self, out: &mut [u8], mut made: usize) -> Option<Progress> {
        loop {
            self.fill()?;
            let input = self.input.get(self.held.clone())?;
            let room = out.get_mut(made..)?;
            // Told that nothing more comes, zlib needs no memory of what it unpacked.
            let how = match self.all_read {
                true => FlushDecompress::Finish,
                false => FlushDecompress::None,
            };
            let before = (self.inflater.total_in(), self.inflater.total_out());
            let status = self.inflater.decompress(input, room, how).ok()?;
            let read = usize::try_from(self.inflater.total_in() - before.0).ok()?;
            let new = usize::try_from(self.inflater.total_out() - before.1).ok()?;
            self.held.start += read;
            made += new;
            match status {
                Status::StreamEnd => return Some(Progress { made, ended: true }),
                Status::Ok | Status::BufError if made == out.len() => {
                    return Some(Progress { made, ended: false });
                }
                Status::Ok | Status::BufError if read == 0 && new == 0 => return None,
                Status::Ok | Status::BufError => {}
            }
        }
    }

    /// Reads on, where everything was unpacked that was read.
    fn fill(&mut self) -> Option<()> {
        if self.held.is_empty() && !self.all_read {
            let read = self.file.read(self.input).ok()?;
            self.held = 0..read;
            // A file gives all that was asked for, or all that it has. Should it not, the object
            // seems broken off, and libgit2 is asked.
            self.all_read = read < self.input.len();
        }
        Some(())
    }

    /// Whether nothing follows the object in its file.
    fn is_used_up(&mut self) -> bool {
        self.fill().is_some() && self.held.is_empty()
    }

    /// The object's `size` bytes, of which these are the first.
    fn rest(&mut self, begun: &[u8], size: usize) -> Option<Vec<u8>> {
        if begun.len() > size {
            return None;
        }
        // One more than there may be, so that zlib comes to the end, or to what is too much.
        let mut out = vec![0; size.checked_add(1)?];
        out.get_mut(..begun.len())?.copy_from_slice(begun);
        let Progress { made, ended } = self.unpack(&mut out, begun.len())?;
        out.truncate(made);
        (ended && self.is_used_up()).then_some(out)
    }
}

/// The header, if it is as git writes it.
fn head(bytes: &[u8]) -> Option<Head> {
    let bytes = bytes.get(..bytes.len().min(LONGEST_HEAD))?;
    let end = bytes.iter().position(|byte| *byte == 0)?;
    let text = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let (kind, size) = text.split_once(' ')?;
    let kind = match kind {
        "commit" => ObjectType::Commit,
        "tree" => ObjectType::Tree,
        "blob" => ObjectType::Blob,
        "tag" => ObjectType::Tag,
        _ => return None,
    };
    let plain = size.bytes().all(|byte| byte.is_ascii_digit());
    let shortest = size == "0" || !size.starts_with('0');
    let size = size.parse().ok().filter(|_| plain && shortest)?;
    let len = end + 1;
    Some(Head { kind, size, len })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::testing::{Dice, Repo};
    use crate::facts::{Fault, Store};
    use crate::types::Oid;
    use flate2::{Compression, write::ZlibEncoder};
    use std::io::Write;

    fn loose(repo: &Repo) -> Loose {
        Loose::new(vec![repo.path().join("objects")])
    }

    fn zipped(bytes: &[u8]) -> Vec<u8> {
        let mut zip = ZlibEncoder::new(Vec::new(), Compression::fast());
        zip.write_all(bytes).unwrap();
        zip.finish().unwrap()
    }

    fn path(repo: &Repo, oid: Oid) -> PathBuf {
        let name = oid.to_string();
        let folder = repo.path().join("objects").join(&name[..2]);
        folder.join(&name[2..])
    }

    /// Puts a file where the object `oid` would lie.
    fn lay(repo: &Repo, oid: Oid, file: &[u8]) {
        let path = path(repo, oid);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = std::fs::remove_file(&path);
        std::fs::write(path, file).unwrap();
    }

    fn bytes(found: Option<Packed>) -> Option<Vec<u8>> {
        match found {
            Some(Packed::Bytes(bytes)) => Some(bytes.to_vec()),
            Some(Packed::OtherKind(_) | Packed::TooLong) | None => None,
        }
    }

    /// Of each length around where the first turn ends, and some that need many reads.
    fn lengths() -> impl Iterator<Item = usize> {
        let first = FIRST - 20..FIRST + 3;
        [0, 1, 9, 10, 99, 100, 1000, READ, 3 * READ, 1_000_000]
            .into_iter()
            .chain(first)
    }

    #[test]
    fn what_git_writes_is_read_as_it_was_written() {
        let repo = Repo::new();
        let mut loose = loose(&repo);
        let mut dice = Dice(3);
        for len in lengths() {
            // What compresses well, and what does not.
            for sides in [2, 256] {
                let content: Vec<u8> = (0..len).map(|_| dice.roll(sides) as u8).collect();
                let oid = repo.blob(&content);
                let read = |loose: &mut Loose, want, limit| loose.read(oid.as_bytes(), want, limit);
                let found = read(&mut loose, ObjectType::Blob, len);
                assert_eq!(bytes(found).as_ref(), Some(&content), "{len}");
                let other = read(&mut loose, ObjectType::Tag, len);
                assert!(matches!(other, Some(Packed::OtherKind(ObjectType::Blob))));
                if let Some(less) = len.checked_sub(1) {
                    let found = read(&mut loose, ObjectType::Blob, less);
                    assert!(matches!(found, Some(Packed::TooLong)), "{len}");
                }
                assert_eq!(repo.store().blob_bytes(oid, len).unwrap(), content);
            }
        }
    }

    #[test]
    fn every_kind_is_told_apart() {
        let repo = Repo::new();
        let tree = repo.tree(&[("a", "b")]);
        let commit = repo.commit(tree, &[], 1, "x");
        repo.git(&["tag", "-a", "-m", "a tag", "v1", &commit.to_string()]);
        let tag = repo.git_oid(&["rev-parse", "refs/tags/v1"], b"");
        let mut loose = loose(&repo);
        for (oid, kind, word) in [
            (tree, ObjectType::Tree, "tree"),
            (commit, ObjectType::Commit, "commit"),
            (tag, ObjectType::Tag, "tag"),
        ] {
            let raw = repo.git(&["cat-file", word, &oid.to_string()]);
            assert_eq!(bytes(loose.read(oid.as_bytes(), kind, 1000)), Some(raw));
        }
    }

    #[test]
    fn what_is_elsewhere_is_not_found_here() {
        let repo = Repo::new();
        let oid = repo.blob(b"packed");
        repo.set_ref("refs/tags/x", oid);
        repo.git(&["repack", "-adq"]);
        repo.git(&["prune-packed"]);
        let found = loose(&repo).read(oid.as_bytes(), ObjectType::Blob, 10);
        assert!(found.is_none());
        assert_eq!(repo.store().blob_bytes(oid, 10).unwrap(), b"packed");
        let (one, other) = (Repo::new(), Repo::new());
        let oid = other.blob(b"there");
        let folders = [&one, &other].map(|repo| repo.path().join("objects"));
        let found = Loose::new(folders.to_vec()).read(oid.as_bytes(), ObjectType::Blob, 10);
        assert_eq!(bytes(found).unwrap(), b"there");
    }

    #[test]
    fn x_03_a_header_that_promises_another_length_gives_nothing() {
        let repo = Repo::new();
        for content in [b"12345".to_vec(), vec![b'x'; FIRST + 100]] {
            let oid = repo.blob(&content);
            let len = content.len();
            for claimed in [len - 1, len + 1, 2 * len, 100_000_000] {
                let whole = [format!("blob {claimed}\0").as_bytes(), &content].concat();
                lay(&repo, oid, &zipped(&whole));
                let found = loose(&repo).read(oid.as_bytes(), ObjectType::Blob, usize::MAX - 1);
                assert!(found.is_none(), "{claimed} for {len}");
                assert!(repo.store().blob_bytes(oid, 200_000_000).is_err());
            }
        }
    }

    #[test]
    fn x_03_what_would_unpack_to_gigabytes_is_not_unpacked() {
        let repo = Repo::new();
        let oid = repo.blob(b"small");
        let mut whole = b"blob 5\0".to_vec();
        whole.resize(100_000_000, 0);
        lay(&repo, oid, &zipped(&whole));
        let before = std::time::Instant::now();
        for _ in 0..100 {
            let found = loose(&repo).read(oid.as_bytes(), ObjectType::Blob, 1000);
            assert!(found.is_none());
        }
        // 10 GB in all, were they unpacked.
        assert!(before.elapsed() < std::time::Duration::from_secs(5));
    }

    #[test]
    fn what_git_does_not_write_is_left_to_libgit2() {
        let repo = Repo::new();
        let oid = repo.blob(b"12345");
        let whole = zipped(b"blob 5\x0012345");
        let mut cut = whole.clone();
        cut.pop();
        let mut wrong_sum = whole.clone();
        *wrong_sum.last_mut().unwrap() ^= 1;
        for file in [
            Vec::new(),
            b"blob 5\x0012345".to_vec(),
            [&whole[..], b"more"].concat(),
            cut,
            wrong_sum,
            zipped(b""),
            zipped(b"blob 5"),
            zipped(b"blob 05\x0012345"),
            zipped(b"blob +5\x0012345"),
            zipped(b"blob  5\x0012345"),
            zipped(b"blob\x0012345"),
            zipped(b"blob 5 \x0012345"),
            zipped(b"BLOB 5\x0012345"),
            zipped(b"blob 99999999999999999999\x0012345"),
            zipped(&[b"blob 5".as_slice(), &[b' '; 90], b"\x0012345"].concat()),
        ] {
            lay(&repo, oid, &file);
            let found = loose(&repo).read(oid.as_bytes(), ObjectType::Blob, 1000);
            assert!(found.is_none(), "{file:?}");
        }
        let path = path(&repo, oid);
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let found = loose(&repo).read(oid.as_bytes(), ObjectType::Blob, 1000);
        assert!(found.is_none());
    }

    #[test]
    fn x_03_the_store_believes_no_file() {
        let repo = Repo::new();
        let (oid, other) = (repo.blob(b"12345"), repo.blob(b"54321"));
        std::fs::remove_file(path(&repo, oid)).unwrap();
        std::fs::copy(path(&repo, other), path(&repo, oid)).unwrap();
        let store: Store = repo.store();
        let read = store.blob_bytes(oid, 1000);
        assert!(matches!(read, Err(Fault::Unreadable { .. })), "{read:?}");
        assert!(store.blob_bytes(other, 1000).is_ok());
        let tree = repo.tree(&[("a", "b")]);
        lay(&repo, tree, &zipped(b"tree 0\0"));
        let read = store.tree_bytes(tree);
        assert!(matches!(read, Err(Fault::Unreadable { .. })), "{read:?}");
    }
}
