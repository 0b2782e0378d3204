//! Opening, and the reasons not to.

use super::lazy::Repo;
use super::loose::Loose;
use super::packed::PackedRefs;
use super::packs::Packs;
use super::settled::Settled;
use super::{Limits, Store, StoreError, plain};
use crate::folder::resolved;
use crate::types::escape;
use git2::{ErrorCode, Odb, RepositoryOpenFlags};
use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// libgit2 takes no path that is not.
const NOT_UTF_8: &str = "the path of an object folder is not UTF-8";

impl Store {
    /// Opens the repository that git runs a hook in: `GIT_DIR`, or the current folder, with the
    /// objects of the push in progress. Never searches upwards.
    ///
    /// # Errors
    /// When there is no repository, it is not this account's, or something in it or in the
    /// environment would make its history or refs lie.
    pub fn open_in_hook() -> Result<Self, StoreError> {
        if set("GIT_NAMESPACE") {
            return Err(StoreError::Namespace);
        }
        if set("GIT_COMMON_DIR") {
            return Err(StoreError::CommonDir);
        }
        if let Some(file) = std::env::var_os("GIT_SHALLOW_FILE").filter(|file| !file.is_empty()) {
            refuse_shallow(PathBuf::from(file))?;
        }
        let named = std::env::var_os("GIT_DIR").unwrap_or_else(|| OsString::from("."));
        let path = absolute(Path::new(&named))?;
        let flags = RepositoryOpenFlags::FROM_ENV
            | RepositoryOpenFlags::NO_SEARCH
            | RepositoryOpenFlags::NO_DOTGIT;
        let store = if plain::is_plain(&path, &|name| std::env::var_os(name)) {
            Self::unopened(Repo::at(&path, flags), path.clone(), path.clone()).checked()?
        } else {
            let store = Self::open_with(&path, flags, Some(&path))?;
            if store.git_dir != path {
                return Err(StoreError::NotARepository { path });
            }
            refuse_shallow_updates(&store)?;
            store
        };
        let others = std::env::var_os("GIT_ALTERNATE_OBJECT_DIRECTORIES");
        let Some(quarantine) = quarantine(&store.common_dir, others.as_deref())? else {
            return Ok(store);
        };
        let mut folders = settled(&store.common_dir, others.as_deref())?;
        let settled = Settled::new(folders.clone());
        let packs = [&quarantine].into_iter().chain(&folders).cloned();
        let packs = RefCell::new(Packs::new(packs.collect()));
        // As libgit2 does: most that is read is here already.
        folders.push(quarantine.clone());
        Ok(Self {
            loose: RefCell::new(Loose::new(folders)),
            packs,
            settled: Some(settled),
            quarantine: Some(quarantine),
            ..store
        })
    }

    /// Opens the repository at or above `path`, which may be a clone, bare or not, or a worktree.
    ///
    /// # Errors
    /// As for [`Self::open_in_hook`], the environment left aside.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, RepositoryOpenFlags::empty(), None)
    }

    /// `known` is an absolute path without links, which need not be resolved again.
    fn open_with(
        path: &Path,
        flags: RepositoryOpenFlags,
        known: Option<&Path>,
    ) -> Result<Self, StoreError> {
        let repo = Repo::at(path, flags);
        let opened = repo.get().map_err(|error| diagnose(path, &error))?;
        let known_as = |path: &Path| match known.filter(|known| *known == path) {
            Some(known) => Ok(known.to_owned()),
            None => absolute(path),
        };
        let git_dir = known_as(opened.path())?;
        let common_dir = known_as(opened.commondir())?;
        let config = opened.config().and_then(|mut config| config.snapshot());
        let config = config.map_err(|error| unusable(&git_dir, &error))?;
        refuse_formats(&config)?;
        Self::unopened(repo, git_dir, common_dir).checked()
    }

    fn unopened(repo: Repo, git_dir: PathBuf, common_dir: PathBuf) -> Self {
        let objects = common_dir.join("objects");
        Self {
            repo,
            settled: None,
            new: RefCell::default(),
            quarantine: None,
            packed: PackedRefs::new(common_dir.join("packed-refs")),
            packs: RefCell::new(Packs::new(vec![objects.clone()])),
            loose: RefCell::new(Loose::new(vec![objects])),
            git_dir,
            common_dir,
            mirror: None,
            past: None,
            limits: Limits::default(),
            warnings: Vec::new(),
        }
    }

    fn checked(mut self) -> Result<Self, StoreError> {
        let grafts = self.common_dir.join("info/grafts");
        if has_content(&grafts)? {
            return Err(StoreError::Grafts { path: grafts });
        }
        refuse_shallow(self.common_dir.join("shallow"))?;
        let alternates = self.common_dir.join("objects/info/alternates");
        if has_content(&alternates)? {
            self.warnings.push(format!(
                "{} borrows objects from another repository, whose owner can make them vanish",
                alternates.display()
            ));
        }
        Ok(self)
    }
}

/// The folders of the store without the push in progress: of a repository whose own objects have to be
/// there, and those that git reads beside the quarantine.
fn settled(common_dir: &Path, others: Option<&OsStr>) -> Result<Vec<PathBuf>, StoreError> {
    let own = common_dir.join("objects");
    if !own.is_dir() {
        return Err(StoreError::Unusable {
            path: own,
            why: "it is not a folder".into(),
        });
    }
    let mut folders = vec![own];
    for other in listed(others) {
        if std::str::from_utf8(other).is_err() {
            return Err(StoreError::Unusable {
                path: common_dir.to_owned(),
                why: NOT_UTF_8.into(),
            });
        }
        let other = PathBuf::from(OsStr::from_bytes(other));
        // Git names the repository's own folder among the others.
        if !folders.contains(&other) {
            folders.push(other);
        }
    }
    Ok(folders)
}

/// The folders of a list as git separates it.
pub(super) fn listed(others: Option<&OsStr>) -> impl Iterator<Item = &[u8]> {
    let others = others.unwrap_or_default().as_bytes();
    let paths = others.split(|byte| *byte == b':');
    paths.filter(|path| !path.is_empty())
}

/// The objects of these folders, and of those that they borrow from.
pub(super) fn folders<'a>(paths: impl Iterator<Item = &'a [u8]>) -> Result<Odb<'static>, String> {
    let failed = |error: git2::Error| escape(error.message().as_bytes());
    let odb = Odb::new().map_err(failed)?;
    for path in paths {
        let text = std::str::from_utf8(path);
        let text = text.map_err(|_| NOT_UTF_8)?;
        odb.add_disk_alternate(text).map_err(failed)?;
    }
    Ok(odb)
}

/// Where the push's objects are, while they are kept apart from the repository's. Gitaly tells a
/// hook of GitLab's only where they are, and not that this is a quarantine; but as in every one, the
/// repository's own objects are read beside it. A server whose environment keeps the objects
/// somewhere else for good has none: each push would seem to bring them all.
fn quarantine(common_dir: &Path, others: Option<&OsStr>) -> Result<Option<PathBuf>, StoreError> {
    let named = |name| std::env::var_os(name).filter(|folder| !folder.is_empty());
    if let Some(folder) = named("GIT_QUARANTINE_PATH") {
        return directly_in(&common_dir.join("objects"), Path::new(&folder))
            .map_or_else(|| absolute(Path::new(&folder)), Ok)
            .map(Some);
    }
    let Some(folder) = named("GIT_OBJECT_DIRECTORY") else {
        return Ok(None);
    };
    let folder = absolute(Path::new(&folder))?;
    let own = absolute(&common_dir.join("objects"))?;
    let is_own =
        |path: &[u8]| std::fs::canonicalize(OsStr::from_bytes(path)).ok().as_ref() == Some(&own);
    if folder == own {
        Ok(None)
    } else if listed(others).any(is_own) {
        Ok(Some(folder))
    } else {
        Err(StoreError::ObjectsElsewhere { path: folder })
    }
}

/// A folder as it is known without resolving each part of its path: one of those that are directly in
/// a folder of which that holds, where git makes it.
fn directly_in(folder: &Path, path: &Path) -> Option<PathBuf> {
    let is_real = |path: &Path| std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir());
    let mut below = path.strip_prefix(folder).ok()?.components();
    let (Some(Component::Normal(name)), None) = (below.next(), below.next()) else {
        return None;
    };
    let inside = folder.join(name);
    (is_real(folder) && is_real(&inside)).then_some(inside)
}

fn set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

fn absolute(path: &Path) -> Result<PathBuf, StoreError> {
    resolved(path).map_err(|_| StoreError::NotARepository {
        path: path.to_owned(),
    })
}

fn refuse_shallow(path: PathBuf) -> Result<(), StoreError> {
    if has_content(&path)? {
        Err(StoreError::Shallow { path })
    } else {
        Ok(())
    }
}

/// Whether a file is there and not empty; one that cannot be looked at is an error.
fn has_content(path: &Path) -> Result<bool, StoreError> {
    match std::fs::metadata(path) {
        Ok(meta) => Ok(meta.len() > 0),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::Unusable {
            path: path.to_owned(),
            why: error.to_string(),
        }),
    }
}

fn refuse_shallow_updates(store: &Store) -> Result<(), StoreError> {
    let config = store.config();
    let config = config.map_err(|error| unusable(&store.git_dir, &error))?;
    match config.get_bool("receive.shallowUpdate") {
        Ok(false) => Ok(()),
        Ok(true) => Err(StoreError::ShallowUpdate),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(()),
        Err(error) => Err(unusable(&store.git_dir, &error)),
    }
}

/// Formats that would be read wrongly or not at all. libgit2 looks at them only from repository
/// version 1 on; git honours some of them before.
pub(super) fn refuse_formats(config: &git2::Config) -> Result<(), StoreError> {
    if let Some(format) = value(config, "extensions.refstorage").filter(|text| text != "files") {
        return Err(StoreError::RefStorage { format });
    }
    if let Some(format) = value(config, "extensions.objectformat").filter(|text| text != "sha1") {
        return Err(StoreError::ObjectFormat { format });
    }
    if value(config, "extensions.partialclone").is_some() {
        return Err(StoreError::PartialClone {
            setting: "extensions.partialClone".into(),
        });
    }
    let Ok(mut promisors) = config.entries(Some(r"^remote\..*\.promisor$")) else {
        return Ok(());
    };
    match promisors.next() {
        Some(_) => Err(StoreError::PartialClone {
            setting: "remote.<name>.promisor".into(),
        }),
        None => Ok(()),
    }
}

fn value(config: &git2::Config, key: &str) -> Option<String> {
    config
        .get_bytes(key)
        .ok()
        .map(|bytes| escape(bytes).to_ascii_lowercase())
}

/// libgit2's refusal, told so that somebody can act on it.
fn diagnose(path: &Path, error: &git2::Error) -> StoreError {
    match error.code() {
        ErrorCode::NotFound => StoreError::NotARepository {
            path: path.to_owned(),
        },
        ErrorCode::Owner => StoreError::Owner {
            path: path.to_owned(),
        },
        _ => formats_at(path).unwrap_or_else(|| unusable(path, error)),
    }
}

/// What the configuration of a repository that could not be opened says about its formats.
fn formats_at(path: &Path) -> Option<StoreError> {
    [path.join("config"), path.join(".git/config")]
        .iter()
        .filter(|file| file.is_file())
        .filter_map(|file| {
            git2::Config::open(file)
                .and_then(|mut config| config.snapshot())
                .ok()
        })
        .find_map(|config| refuse_formats(&config).err())
}

fn unusable(path: &Path, error: &git2::Error) -> StoreError {
    StoreError::Unusable {
        path: path.to_owned(),
        why: escape(error.message().as_bytes()),
    }
}
