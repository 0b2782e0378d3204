//! What is in the directory, as rsync lists it, and contents that are read back. Nothing is changed,
//! and no link is followed.

use super::remote::{PARTIAL, Remote};
use crate::folder::private_dir;
use crate::policy::Verify;
use crate::release::dir::walk;
use crate::release::drift::{Compared, Expected, Look, Seen};
use crate::release::look::Sight;
use crate::release::program::Writes;
use crate::release::run::Job;
use crate::release::{
    Comparison, Content, FileKind, Holding, MANIFEST_NAME, ReleaseError, ancestors, comparison,
};
use crate::types::RepoPath;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

/// How many bytes are fetched at once, if more than one file is.
const BATCH: u64 = 256 * 1024 * 1024;

/// How many files are fetched at once.
const BATCH_FILES: usize = 10_000;

/// How rsync is told to write a line about an entry.
pub(super) const FORM: &str = "--out-format=%i %l %M %B %n";

/// An entry of a directory.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) kind: Kind,
    /// In bytes; of a link, the length of where it points.
    size: u64,
    /// When it was changed, in a form that sorts.
    changed: String,
    /// Whether its owner may run it.
    runs: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Link,
    Other,
}

impl Told {
    /// What it is, with what the list tells of it.
    fn seen(&self) -> Seen {
        match self.kind {
            Kind::File => Seen::File {
                size: Some(self.size),
                sha256: None,
                runs: Some(self.runs),
            },
            Kind::Link => Seen::Link(None),
            Kind::Directory => Seen::Directory,
            Kind::Other => Seen::Other,
        }
    }

    /// Whether it is of this kind and size: whether its content is worth to be read.
    fn may_be(&self, kind: FileKind, size: u64) -> bool {
        let same = match kind {
            FileKind::File | FileKind::Executable => self.kind == Kind::File,
            FileKind::Symlink => self.kind == Kind::Link,
        };
        same && self.size == size
    }
}

/// What is to be in the directory, and what is.
pub(super) fn look(
    sight: &Sight<'_>,
    remote: &Remote<'_>,
    mut expected: Expected,
    passing: impl Iterator<Item = RepoPath>,
) -> Result<(Expected, Look), ReleaseError> {
    for path in passing {
        match expected.files.get_mut(&path) {
            Some((_, content)) => *content = None,
            None => drop(expected.passing.insert(path)),
        }
    }
    let dirs = expected.files.keys().flat_map(ancestors);
    let dirs: BTreeSet<RepoPath> = dirs.chain(expected.dirs.iter().cloned()).collect();
    let told = tree(remote, &dirs)?;
    let written = told
        .get(&RepoPath::new(MANIFEST_NAME.as_bytes().to_vec()))
        .map(|told| told.changed.as_str());
    let mut compared = Compared::default();
    let mut closer: Vec<(&RepoPath, u64)> = Vec::new();
    for (path, (kind, content)) in &expected.files {
        let (Some(told), Some(content)) = (told.get(path), content) else {
            continue;
        };
        // A link that got longer has to be read to be told; a file of another size need not be.
        let worth = told.may_be(*kind, content.size) || told.kind == Kind::Link;
        let older = written.is_some_and(|written| told.changed.as_str() < written);
        match (sight.depth, worth) {
            (_, false) => compared.size += 1,
            (Verify::Quick, true) if older && told.size == content.size => compared.time += 1,
            (Verify::Quick | Verify::Deep, true) => {
                compared.hash += 1;
                closer.push((path, told.size));
            }
        }
    }
    let mut entries: BTreeMap<RepoPath, Seen> = told
        .iter()
        .map(|(path, told)| (path.clone(), told.seen()))
        .collect();
    read(remote, &closer, &told, &mut entries)?;
    let look = Look {
        entries,
        owned: expected.dirs.clone(),
        compared,
    };
    Ok((expected, look))
}

/// How the directory compares with the order's tree.
pub(super) fn compare(
    job: &Job<'_>,
    remote: &Remote<'_>,
    held: &Holding,
) -> Result<Comparison, ReleaseError> {
    let wanted = &job.listing.files;
    let told = tree(remote, &wanted.keys().flat_map(ancestors).collect())?;
    let closer: Vec<(&RepoPath, u64)> = wanted
        .values()
        .filter_map(|file| {
            let told = told.get(&file.path)?;
            let worth = told.may_be(file.kind, file.size) || told.kind == Kind::Link;
            worth.then_some((&file.path, told.size))
        })
        .collect();
    let mut entries: BTreeMap<RepoPath, Seen> = told
        .iter()
        .map(|(path, told)| (path.clone(), told.seen()))
        .collect();
    read(remote, &closer, &told, &mut entries)?;
    comparison::against(job, &entries, held)
}

/// Which of these files do not hold what was sent.
pub(super) fn misfits<'a>(
    remote: &Remote<'_>,
    sent: &BTreeMap<&'a RepoPath, &Content>,
) -> Result<Vec<&'a RepoPath>, ReleaseError> {
    let files: Vec<(&RepoPath, u64)> = sent
        .iter()
        .map(|(path, content)| (*path, content.size))
        .collect();
    let mut found = BTreeMap::new();
    for batch in batches(&files) {
        found.extend(remote.read_back(batch)?);
    }
    let holds = |path: &RepoPath, content: &Content| match found.get(path) {
        Some(Seen::File { sha256, .. } | Seen::Link(sha256)) => {
            sha256.as_ref() == Some(&content.sha256)
        }
        Some(Seen::Directory | Seen::Other) | None => false,
    };
    Ok(sent
        .iter()
        .filter(|(path, content)| !holds(path, content))
        .map(|(path, _)| *path)
        .collect())
}

/// Everything in the directory itself and in those of `dirs` that are directories there.
fn tree(
    remote: &Remote<'_>,
    dirs: &BTreeSet<RepoPath>,
) -> Result<BTreeMap<RepoPath, Told>, ReleaseError> {
    let mut found = BTreeMap::new();
    let mut level = vec![RepoPath::new(Vec::new())];
    while !level.is_empty() {
        let names: Vec<RepoPath> = level.iter().map(contents_of).collect();
        let mut next = BTreeMap::new();
        remote.list_dirs(&names.iter().collect::<Vec<_>>(), &[0], &mut |line| {
            if let Some((path, told)) = told(line) {
                next.insert(path, told);
            }
        })?;
        let is_new = |path: &RepoPath| dirs.contains(path) && !found.contains_key(path);
        level = next
            .iter()
            .filter(|(path, told)| told.kind == Kind::Directory && is_new(path))
            .map(|(path, _)| path.clone())
            .collect();
        found.extend(next);
    }
    Ok(found)
}

/// Those of these paths at which something stands that is no directory, such as a link.
pub(super) fn no_directories(
    remote: &Remote<'_>,
    paths: &BTreeSet<&RepoPath>,
) -> Result<BTreeSet<RepoPath>, ReleaseError> {
    if paths.is_empty() {
        return Ok(BTreeSet::new());
    }
    let list: Vec<&RepoPath> = paths.iter().copied().collect();
    let mut dirs = BTreeSet::new();
    let mut others = BTreeSet::new();
    // What lies below a file makes rsync end so.
    let codes = [0, PARTIAL];
    remote.list_dirs(&list, &codes, &mut |line| match told(line) {
        Some((path, told)) if told.kind == Kind::Directory => drop(dirs.insert(path)),
        Some((path, _)) => drop(others.insert(path)),
        None => {}
    })?;
    // Of a link, and what is below it where it leads, rsync tells the latter alone.
    let untold = |dir: &RepoPath| !dirs.contains(dir);
    let through = dirs.iter().flat_map(ancestors);
    others.extend(through.filter(untold).collect::<Vec<_>>());
    others.retain(|path| paths.contains(path));
    Ok(others)
}

/// How rsync is told to list what is in a directory; the release's own is the empty path.
fn contents_of(dir: &RepoPath) -> RepoPath {
    match dir.as_bytes() {
        b"" => dir.clone(),
        name => RepoPath::new([name, b"/"].concat()),
    }
}

/// A line of rsync's: eleven letters, the size, the time, the mode, and the path.
pub(super) fn told(line: &[u8]) -> Option<(RepoPath, Told)> {
    let (what, rest) = (line.get(..11)?, line.get(11..)?.strip_prefix(b" ")?);
    let mut words = rest.splitn(4, |byte| *byte == b' ');
    let size = std::str::from_utf8(words.next()?).ok()?.parse().ok()?;
    let changed = String::from_utf8(words.next()?.to_vec()).ok()?;
    let mode = words.next()?;
    let name = words.next()?;
    let kind = match what.get(1)? {
        b'f' => Kind::File,
        b'd' => Kind::Directory,
        b'L' => Kind::Link,
        _ => Kind::Other,
    };
    let name = match kind {
        Kind::Directory => name.strip_suffix(b"/").unwrap_or(name),
        Kind::File | Kind::Link | Kind::Other => name,
    };
    let path = RepoPath::new(unescaped(name));
    let runs = matches!(mode.get(2)?, b'x' | b's');
    let told = Told {
        kind,
        size,
        changed,
        runs,
    };
    (path.as_bytes() != b".").then_some((path, told))
}

/// rsync writes letters that would break a line as `\#ooo`.
fn unescaped(name: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((first, behind)) = rest.split_first() {
        let digits = rest.strip_prefix(b"\\#").and_then(|rest| rest.get(..3));
        let byte = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match byte {
            Some(byte) => {
                bytes.push(byte);
                rest = rest.get(5..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    bytes
}

/// Reads contents back and puts what they are into `entries`, with the modes that were told.
fn read(
    remote: &Remote<'_>,
    files: &[(&RepoPath, u64)],
    told: &BTreeMap<RepoPath, Told>,
    entries: &mut BTreeMap<RepoPath, Seen>,
) -> Result<(), ReleaseError> {
    for batch in batches(files) {
        let mut found = remote.read_back(batch)?;
        for (path, _) in batch {
            let runs = told.get(path).map(|told| told.runs);
            match found.remove(path) {
                Some(Seen::File { size, sha256, .. }) => {
                    let seen = Seen::File { size, sha256, runs };
                    entries.insert((*path).clone(), seen);
                }
                Some(other) => drop(entries.insert((*path).clone(), other)),
                // It went away since it was listed.
                None => drop(entries.remove(path)),
            }
        }
    }
    Ok(())
}

/// The files in groups that are not too large for this machine's disk.
fn batches<'a, 'b>(files: &'a [(&'b RepoPath, u64)]) -> Vec<&'a [(&'b RepoPath, u64)]> {
    let mut batches = Vec::new();
    let mut rest = files;
    while !rest.is_empty() {
        let mut bytes = 0_u64;
        let fit = rest.iter().take(BATCH_FILES).take_while(|(_, size)| {
            bytes = bytes.saturating_add(*size);
            bytes <= BATCH
        });
        let count = fit.count().max(1);
        let (batch, behind) = rest.split_at(count.min(rest.len()));
        batches.push(batch);
        rest = behind;
    }
    batches
}

impl Remote<'_> {
    /// A line of rsync's for each of these paths, and for each thing in those that end in `/`. One that is
    /// not there has none.
    fn list_dirs(
        &self,
        dirs: &[&RepoPath],
        codes: &[i32],
        line: &mut dyn FnMut(&[u8]),
    ) -> Result<(), ReleaseError> {
        let args = [
            "--dry-run",
            "--itemize-changes",
            "--dirs",
            "--links",
            "--perms",
            "--devices",
            "--specials",
            "--files-from=-",
            "--from0",
            "--no-implied-dirs",
            "--ignore-missing-args",
            FORM,
            "--",
        ];
        let ended = self.call(&args, &[self.dest(), "rsync/none/"], dirs, line)?;
        self.well(&ended, codes)
    }

    /// Fetches files and says what they are. What is gone meanwhile, or larger than it was, is left
    /// out.
    fn read_back(
        &self,
        files: &[(&RepoPath, u64)],
    ) -> Result<BTreeMap<RepoPath, Seen>, ReleaseError> {
        let place = self.file("rsync/read");
        clear(&place)?;
        private_dir(&place).map_err(ReleaseError::io(&place))?;
        let largest = files.iter().map(|(_, size)| *size).max().unwrap_or(0);
        let writes = Writes::UpTo(largest);
        let largest = format!("--max-size={}", largest.max(1));
        let args = [
            "--files-from=-",
            "--from0",
            "--no-implied-dirs",
            "--ignore-missing-args",
            "--links",
            "--perms",
            "--chmod=D0700,F0600",
            &largest,
            "--",
        ];
        let paths: Vec<&RepoPath> = files.iter().map(|(path, _)| *path).collect();
        let ended = self.call_writing(
            writes,
            &args,
            &[self.dest(), "rsync/read/"],
            &paths,
            &mut |_| {},
        )?;
        self.well(&ended, &[0, super::remote::VANISHED])?;
        let look = walk::walk(&place)?;
        clear(&place)?;
        Ok(look.entries)
    }
}

pub(super) fn clear(place: &std::path::Path) -> Result<(), ReleaseError> {
    match fs::remove_dir_all(place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(ReleaseError::io(place)(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::new(text.as_bytes().to_vec())
    }

    #[test]
    fn a_line_of_a_list_is_an_entry() {
        let read = |line: &str| {
            told(line.as_bytes()).map(|(path, told)| {
                let kind = format!("{:?}", told.kind);
                (path.to_string(), kind, told.size, told.runs)
            })
        };
        let time = "2026/11/28-18:45:18";
        let line = |what: &str, size: u64, mode: &str, name: &str| {
            read(&format!("{what}+++++++++ {size} {time} {mode} {name}"))
        };
        let found = |name: &str, kind: &str, size, runs| {
            Some((name.to_owned(), kind.to_owned(), size, runs))
        };
        assert_eq!(
            line(">f", 2, "rw-r--r--", "css/a b.css"),
            found("css/a b.css", "File", 2, false)
        );
        assert_eq!(
            line(">f", 9, "rwxr-xr-x", " x "),
            found(" x ", "File", 9, true)
        );
        assert_eq!(
            line("cd", 4096, "rwxr-xr-x", "css/"),
            found("css", "Directory", 4096, true)
        );
        assert_eq!(line("cL", 4, "rwxrwxrwx", "l"), found("l", "Link", 4, true));
        assert_eq!(
            line("cS", 0, "rw-r--r--", "p"),
            found("p", "Other", 0, false)
        );
        for bad in [
            ".d          ./",
            "",
            "skipping non-regular file \"x\"",
            ">f+++++++++ x y",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn letters_that_would_break_a_line_are_read() {
        assert_eq!(unescaped(b"n\\#012l"), b"n\nl");
        assert_eq!(unescaped(b"b\\#134#012"), b"b\\#012");
        for same in [&b"\\#"[..], b"\\#9", b"a\\b", b"\\#89x", b""] {
            assert_eq!(unescaped(same), same);
        }
    }

    #[test]
    fn batches_are_bounded_and_none_is_empty() {
        let names: Vec<RepoPath> = ["a", "b", "c", "d"].map(path).into();
        let sizes = [BATCH + 1, 1, BATCH, 2];
        let files: Vec<(&RepoPath, u64)> = names.iter().zip(sizes).collect();
        let counts: Vec<usize> = batches(&files).iter().map(|batch| batch.len()).collect();
        assert_eq!(counts, [1, 1, 1, 1]);
        assert_eq!(batches(&files[1..2]).len(), 1);
        assert!(batches(&[]).is_empty());
    }
}
