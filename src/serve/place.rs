//! Where the repositories are, and which one a path means.

use super::ServeError;
use crate::types::escape;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The longest path that a client may name, in bytes.
const MAX_PATH: usize = 4096;

/// The folder below which repositories are served: absolute, without symbolic links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// As the administrator wrote it.
    named: PathBuf,
    /// Where it really is.
    real: PathBuf,
}

/// A repository below the root: absolute, without symbolic links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(PathBuf);

impl Place {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Root {
    /// The folder `named`.
    ///
    /// # Errors
    /// When it is not an absolute path of a folder, or is the whole file system.
    pub fn open(named: &Path) -> Result<Self, ServeError> {
        let fault = |why: String| ServeError::Root {
            shown: escape(named.as_os_str().as_bytes()),
            why,
        };
        if !named.is_absolute() {
            return Err(fault("it has to be an absolute path".to_owned()));
        }
        let real = std::fs::canonicalize(named).map_err(|error| fault(error.to_string()))?;
        if real == Path::new("/") {
            return Err(fault("it may not be the whole file system".to_owned()));
        }
        if !real.is_dir() {
            return Err(fault("it is not a folder".to_owned()));
        }
        let named = named.to_owned();
        Ok(Self { named, real })
    }

    /// The repository that a client's path means: below the root whether it begins with `/` or
    /// not, or in full from the file system's root; with or without its `.git`.
    ///
    /// # Errors
    /// When the path could lead anywhere else, or there is no bare repository.
    pub fn find(&self, path: &[u8]) -> Result<Place, ServeError> {
        let fault = |why| ServeError::Path {
            shown: shown(path),
            why,
        };
        if path.len() > MAX_PATH {
            return Err(fault("is longer than 4096 bytes"));
        }
        let below = self.below(path);
        if let Some(why) = objection(below) {
            return Err(fault(why));
        }
        let absent = || ServeError::NoRepository { shown: shown(path) };
        [below.to_vec(), [below, b".git"].concat()]
            .iter()
            .find_map(|below| self.repository(below))
            .ok_or_else(absent)
    }

    /// The path without what leads to the root and without the `/` at its end.
    fn below<'p>(&self, path: &'p [u8]) -> &'p [u8] {
        let full = [&self.named, &self.real].into_iter().find_map(|root| {
            path.strip_prefix(root.as_os_str().as_bytes())?
                .strip_prefix(b"/")
        });
        let below = full.unwrap_or_else(|| path.strip_prefix(b"/").unwrap_or(path));
        below.strip_suffix(b"/").unwrap_or(below)
    }

    fn repository(&self, below: &[u8]) -> Option<Place> {
        let real = std::fs::canonicalize(self.real.join(OsStr::from_bytes(below))).ok()?;
        // A symbolic link may lead elsewhere below the root and nowhere else.
        let inside = real.strip_prefix(&self.real).ok()?;
        // What lies in a repository or a checkout came there by a push: it is nobody's repository.
        let nested = inside.ancestors().skip(1).any(|above| {
            let folder = self.real.join(above);
            is_bare(&folder) || (above != Path::new("") && has_dot_git(&folder))
        });
        (is_bare(&real) && !has_dot_git(&real) && !nested).then_some(Place(real))
    }
}

/// What speaks against a path below the root.
fn objection(below: &[u8]) -> Option<&'static str> {
    let parts = || below.split(|byte| *byte == b'/');
    if below.is_empty() || parts().any(<[u8]>::is_empty) {
        Some("names no repository, or has an empty part")
    } else if parts().any(|part| part == b"." || part == b"..") {
        Some("has a part `.` or `..`")
    } else if parts().any(|part| part.starts_with(b"-") || part.starts_with(b"~")) {
        Some("has a part that begins with `-` or `~`")
    } else if parts().any(|part| part == b".git") {
        Some("has a part `.git`")
    } else if below.iter().any(u8::is_ascii_control) {
        Some("holds a control character")
    } else {
        None
    }
}

/// Whether there is a `.git`, which git would take for the repository where this folder is named.
fn has_dot_git(folder: &Path) -> bool {
    std::fs::symlink_metadata(folder.join(".git")).is_ok()
}

/// Whether the folder is a bare repository, as git tells one.
fn is_bare(folder: &Path) -> bool {
    folder.join("HEAD").is_file()
        && folder.join("objects").is_dir()
        && folder.join("refs").is_dir()
        && folder.file_name() != Some(OsStr::new(".git"))
}

fn shown(path: &[u8]) -> String {
    escape(path.get(..path.len().min(160)).unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn bare(folder: &Path) {
        for name in ["objects", "refs"] {
            std::fs::create_dir_all(folder.join(name)).unwrap();
        }
        std::fs::write(folder.join("HEAD"), "ref: refs/heads/prod\n").unwrap();
    }

    fn world() -> (tempfile::TempDir, Root) {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        for name in [
            "srv/site.git",
            "srv/team/a b.git",
            "srv/plain",
            "outside.git",
            "srv/w/.git",
            "srv/w/.git/modules/part",
            "srv/both",
            "srv/both/.git",
            "srv/tree",
            "srv/tree/part.git",
        ] {
            bare(&top.join(name));
        }
        bare(&top.join("srv/site.git/modules/inner.git"));
        let outside = format!("gitdir: {}\n", top.join("outside.git").display());
        std::fs::write(top.join("srv/tree/.git"), outside).unwrap();
        let root = Root::open(&top.join("srv")).unwrap();
        (dir, root)
    }

    #[test]
    fn finds_what_is_below_the_root() {
        let (dir, root) = world();
        let top = dir.path().canonicalize().unwrap();
        let site = top.join("srv/site.git");
        let full = site.to_str().unwrap().to_owned();
        for path in ["site.git", "/site.git", "site", "site.git/", "/site", &full] {
            let place = root.find(path.as_bytes()).unwrap();
            assert_eq!(place.path(), site, "{path}");
        }
        assert!(root.find(b"/team/a b.git").is_ok());
        assert!(root.find(b"plain").is_ok());
    }

    #[test]
    fn i_32_nothing_else_is_found() {
        let (dir, root) = world();
        let top = dir.path().canonicalize().unwrap();
        symlink(top.join("outside.git"), top.join("srv/link.git")).unwrap();
        symlink("site.git", top.join("srv/alias.git")).unwrap();
        symlink("/", top.join("srv/slash")).unwrap();
        assert!(root.find(b"alias.git").is_ok());
        let outside = top.join("outside.git");
        let slash = format!("slash{}", outside.display());
        let sibling = format!("{}/srv-other", top.display());
        for path in [
            "",
            "/",
            "//",
            ".",
            "..",
            "../outside.git",
            "team/../../outside.git",
            "./site.git",
            "team//a b.git",
            "//site.git",
            "-site.git",
            "team/-x",
            "~git/site.git",
            "site.git\n",
            "site.git/objects",
            "site.git/modules/inner.git",
            "missing.git",
            "link.git",
            "w/.git",
            "w/.git/modules/part",
            "w",
            // Files of a checkout that look like a repository: git would take its `.git`.
            "both",
            "tree",
            "tree/part.git",
            "team",
            &slash,
            &sibling,
            outside.to_str().unwrap(),
            &"x/".repeat(3000),
        ] {
            assert!(root.find(path.as_bytes()).is_err(), "{path:?}");
        }
    }

    #[test]
    fn a_root_is_a_folder_and_not_everything() {
        for root in ["/", "srv", ".", "/nowhere/at/all", "/etc/passwd"] {
            assert!(Root::open(Path::new(root)).is_err(), "{root}");
        }
    }
}
