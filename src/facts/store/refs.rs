//! Refs as they lie on disk: raw byte names, symbolic refs seen as such, nothing abbreviated,
//! nothing followed.
//!
//! git writes a symbolic ref as a `ref:` line or, in old repositories, as a symbolic link;
//! libgit2 follows the latter without a word. So the files are read here.

use super::Store;
use crate::facts::{Current, Fault};
use crate::types::{Oid, RefName, escape};
use std::borrow::Cow;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// More than any ref file that git writes: `ref: ` and the longest name.
const MAX_REF_FILE: u64 = 4096;

impl Store {
    /// What a ref is now.
    ///
    /// # Errors
    /// [`Fault::Unreadable`] where it is there and cannot be understood.
    pub fn current(&self, name: &RefName) -> Result<Current, Fault> {
        if let Some(past) = &self.past {
            return Ok(past.current(name));
        }
        let stored = self.stored(name.as_bytes());
        match self.loose(&stored)? {
            Some(current) => Ok(current),
            None => Ok(match self.packed.get(&stored)? {
                Some(oid) => Current::At(oid),
                None => Current::Absent,
            }),
        }
    }

    /// The refs directly or deeper below `prefix`, which ends in `/`: each name and its value,
    /// sorted by name, at most `limit`.
    ///
    /// Only that folder and that part of `packed-refs` are read, however many refs there are.
    ///
    /// # Errors
    /// [`Fault::TooLarge`] past `limit`; [`Fault::Unreadable`] where one cannot be understood.
    pub fn refs_below(&self, prefix: &[u8], limit: usize) -> Result<Vec<(RefName, Oid)>, Fault> {
        if let Some(past) = &self.past {
            return past.below(prefix, limit);
        }
        let stored = self.stored(prefix);
        // Loose refs first, as git does: one that is packed meanwhile is then found in the file. The
        // other way round it would be in neither, and an objection may be what is lost.
        let mut names = Vec::new();
        self.loose_below(&stored, limit, &mut names)?;
        let mut loose = Vec::with_capacity(names.len());
        for name in names {
            match self.loose(name.as_bytes())? {
                Some(Current::At(oid)) => loose.push((name, oid)),
                Some(Current::Symbolic { .. }) => {
                    return Err(Fault::Unreadable {
                        why: format!("{name} is a symbolic ref"),
                    });
                }
                Some(Current::Unreadable { why }) => return Err(Fault::Unreadable { why }),
                Some(Current::Absent) | None => {}
            }
        }
        let mut found = self.packed.below(&stored, limit)?;
        found.extend(loose);
        if found.len() > limit {
            return Err(too_many(prefix, limit));
        }
        let original = |(name, oid): (RefName, Oid)| Some((self.original(&name)?, oid));
        Ok(found.into_iter().filter_map(original).collect())
    }

    /// The name under which a ref lies here: another one in a mirror.
    fn stored<'a>(&self, name: &'a [u8]) -> Cow<'a, [u8]> {
        match (&self.mirror, name.strip_prefix(b"refs/")) {
            (Some(mirror), Some(rest)) => Cow::Owned([mirror.as_slice(), rest].concat()),
            (None, _) | (_, None) => Cow::Borrowed(name),
        }
    }

    /// The name of a ref where it comes from.
    fn original(&self, stored: &RefName) -> Option<RefName> {
        match &self.mirror {
            None => Some(stored.clone()),
            Some(mirror) => {
                let rest = stored.as_bytes().strip_prefix(mirror.as_slice())?;
                RefName::new(&[b"refs/", rest].concat()).ok()
            }
        }
    }

    /// The first components of all names below `prefix`, which ends in `/`; a name may be listed
    /// although nothing is left below it.
    ///
    /// # Errors
    /// [`Fault::TooLarge`] past `limit`; [`Fault::Unreadable`] where they cannot be listed.
    pub fn names_below(&self, prefix: &[u8], limit: usize) -> Result<HashSet<Vec<u8>>, Fault> {
        if let Some(past) = &self.past {
            return Ok(past.names_below(prefix));
        }
        let stored = self.stored(prefix);
        // Loose ones first, for the reason above.
        let mut names = HashSet::new();
        let path = self.ref_path(&stored);
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => Some(entries),
            Err(error) if absent(&error) => None,
            Err(error) => return Err(unreadable(&path, &error)),
        };
        for entry in entries.into_iter().flatten() {
            let entry = entry.map_err(|error| unreadable(&path, &error))?;
            names.insert(entry.file_name().as_bytes().to_vec());
            if names.len() > limit {
                return Err(too_many(prefix, limit));
            }
        }
        names.extend(self.packed.names_below(&stored, limit)?);
        if names.len() > limit {
            return Err(too_many(prefix, limit));
        }
        Ok(names)
    }

    /// A loose ref; nothing where there is no file.
    fn loose(&self, name: &[u8]) -> Result<Option<Current>, Fault> {
        let path = self.ref_path(name);
        let meta = match std::fs::symlink_metadata(&path) {
            Ok(meta) => meta,
            Err(error) if absent(&error) => return Ok(None),
            Err(error) => return Err(unreadable(&path, &error)),
        };
        if meta.is_symlink() {
            let target = std::fs::read_link(&path).map_err(|error| unreadable(&path, &error))?;
            return Ok(Some(Current::Symbolic {
                target: escape(target.as_os_str().as_bytes()),
            }));
        }
        if meta.is_dir() {
            return Ok(None);
        }
        match read_ref_file(&path) {
            Ok(bytes) => parse_ref_file(name, &bytes).map(Some),
            // Packed between the two looks.
            Err(error) if absent(&error) => Ok(None),
            Err(error) => Err(unreadable(&path, &error)),
        }
    }

    fn loose_below(
        &self,
        prefix: &[u8],
        limit: usize,
        names: &mut Vec<RefName>,
    ) -> Result<(), Fault> {
        let mut folders = vec![prefix.to_vec()];
        while let Some(folder) = folders.pop() {
            let path = self.ref_path(&folder);
            let entries = match std::fs::read_dir(&path) {
                Ok(entries) => entries,
                Err(error) if absent(&error) => continue,
                Err(error) => return Err(unreadable(&path, &error)),
            };
            for entry in entries {
                let entry = entry.map_err(|error| unreadable(&path, &error))?;
                let kind = entry.file_type();
                let kind = kind.map_err(|error| unreadable(&path, &error))?;
                let mut name = folder.clone();
                name.extend_from_slice(entry.file_name().as_bytes());
                if kind.is_dir() {
                    name.push(b'/');
                    folders.push(name);
                } else if let Ok(name) = RefName::new(&name) {
                    // What is no ref name (a `.lock`) is no ref.
                    names.push(name);
                }
                if names.len() + folders.len() > limit {
                    return Err(too_many(prefix, limit));
                }
            }
        }
        Ok(())
    }

    /// Where a loose ref lies. A worktree keeps a few of its own.
    fn ref_path(&self, name: &[u8]) -> PathBuf {
        let own = [
            b"refs/bisect/".as_slice(),
            b"refs/worktree/",
            b"refs/rewritten/",
        ];
        let root = if own.iter().any(|prefix| name.starts_with(prefix)) {
            &self.git_dir
        } else {
            &self.common_dir
        };
        root.join(OsStr::from_bytes(name))
    }
}

fn read_ref_file(path: &Path) -> std::io::Result<Vec<u8>> {
    // With room for an id, the whole of it is read at once.
    let mut bytes = Vec::with_capacity(128);
    let file = std::fs::File::open(path)?;
    file.take(MAX_REF_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a ref file as git does: `ref:`, spaces and a name; or 40 digits and then nothing or a
/// space of some kind.
fn parse_ref_file(name: &[u8], bytes: &[u8]) -> Result<Current, Fault> {
    if let Some(target) = bytes.strip_prefix(b"ref:") {
        return Ok(Current::Symbolic {
            target: escape(target.trim_ascii()),
        });
    }
    let broken = || Fault::Unreadable {
        why: format!("the file of {} does not hold an object id", escape(name)),
    };
    let (hex, rest) = bytes.split_at_checked(40).ok_or_else(broken)?;
    if rest.first().is_some_and(|byte| !byte.is_ascii_whitespace()) {
        return Err(broken());
    }
    let oid = Oid::from_hex(&hex.to_ascii_lowercase()).map_err(|_| broken())?;
    Ok(Current::At(oid))
}

fn absent(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename
    )
}

pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Fault {
    Fault::Unreadable {
        why: format!("{}: {error}", escape(path.as_os_str().as_bytes())),
    }
}

pub(super) fn too_many(prefix: &[u8], limit: usize) -> Fault {
    Fault::TooLarge {
        what: format!("more than {limit} refs below {}", escape(prefix)),
    }
}
