//! The numbered releases of a directory and the link to the current one.

use super::shared;
use crate::policy::SharedPath;
use crate::release::desk::read_capped;
use crate::release::run::Job;
use crate::release::{
    Adoption, MANIFEST_LIMIT, Manifest, OWN_PREFIX, ReleaseError, Seal, record, tree,
};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

/// How many entries of `releases/` are looked at.
const ENTRY_LIMIT: usize = 100_000;

/// A target directory, locked against other repositories that release to it.
#[derive(Debug)]
pub(super) struct Shelf {
    root: PathBuf,
    releases: PathBuf,
    _lock: Option<File>,
}

impl Shelf {
    /// Opens and locks the directory at `root`, and makes `releases/` in it.
    pub(super) fn open(root: &Path) -> Result<Self, ReleaseError> {
        let lock_path = root.join(format!("{OWN_PREFIX}lock"));
        let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let lock = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .custom_flags(flags)
            .open(&lock_path)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(ReleaseError::io(&lock_path))?;
        let releases = root.join("releases");
        match fs::create_dir(&releases) {
            Ok(()) => tree::open_up(&releases)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(ReleaseError::io(&releases)(error)),
        }
        let meta = fs::symlink_metadata(&releases).map_err(ReleaseError::io(&releases))?;
        if !meta.is_dir() {
            return Err(ReleaseError::Place {
                path: releases,
                why: "it is not a directory".into(),
            });
        }
        Ok(Self {
            root: root.to_owned(),
            releases,
            _lock: Some(lock),
        })
    }

    /// Looks at the directory at `root`, without locking or making anything.
    pub(super) fn glance(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            releases: root.join("releases"),
            _lock: None,
        }
    }

    /// The number of the current release, if there is one.
    pub(super) fn current(&self, adoption: Adoption) -> Result<Option<u64>, ReleaseError> {
        let path = self.link();
        let refuse = |why: &str| ReleaseError::Place {
            path: path.clone(),
            why: why.into(),
        };
        let link = match fs::read_link(&path) {
            Ok(link) => link,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                return Err(refuse("it is not a symbolic link; move it away first"));
            }
            Err(error) => return Err(ReleaseError::io(&path)(error)),
        };
        let number = link
            .to_str()
            .and_then(|text| number(text.strip_prefix("releases/")?));
        match (number, adoption) {
            (Some(number), _) => Ok(Some(number)),
            (None, Adoption::Adopt) => Ok(None),
            (None, Adoption::Refuse) => Err(refuse("it is a link that relhook did not make")),
        }
    }

    /// The manifest of a release. One that is missing or cannot be relied upon is an error, unless
    /// the caller takes the directory over anyway.
    pub(super) fn manifest(
        &self,
        number: u64,
        job: &Job<'_>,
    ) -> Result<Option<Manifest>, ReleaseError> {
        let path = self.record(number);
        let place = path.display().to_string();
        let bytes = read_capped(&path, MANIFEST_LIMIT).map_err(ReleaseError::io(&path))?;
        match (bytes, job.adoption) {
            (Some(bytes), _) => record::manifest(job, &place, &bytes),
            (None, Adoption::Adopt) => Ok(None),
            (None, Adoption::Refuse) => Err(ReleaseError::Manifest {
                place,
                why: "it is gone, although the release is there".into(),
            }),
        }
    }

    /// The manifest of a release, if this server signed it.
    pub(super) fn own_manifest(
        &self,
        number: u64,
        seal: &Seal,
    ) -> Result<Option<Manifest>, ReleaseError> {
        let path = self.record(number);
        let bytes = read_capped(&path, MANIFEST_LIMIT).map_err(ReleaseError::io(&path))?;
        Ok(bytes.and_then(|bytes| Manifest::read(&bytes, seal).ok()))
    }

    /// The numbers of the releases that have what is called as a manifest is, in order. Whether
    /// relhook made them, its signature says.
    pub(super) fn ours(&self) -> Result<Vec<u64>, ReleaseError> {
        let mut ours: Vec<u64> = Vec::new();
        for name in self.names()? {
            if let Some(number) = number(&name)
                && fs::symlink_metadata(self.record(number)).is_ok_and(|meta| meta.is_file())
                && fs::symlink_metadata(self.release(number)).is_ok_and(|meta| meta.is_dir())
            {
                ours.push(number);
            }
        }
        ours.sort_unstable();
        Ok(ours)
    }

    /// The number for a new release: no entry, ours or not, has a greater one.
    pub(super) fn next(&self) -> Result<u64, ReleaseError> {
        let numbers = self.names()?.into_iter().filter_map(|name| number(&name));
        numbers
            .max()
            .unwrap_or(0)
            .checked_add(1)
            .ok_or_else(|| ReleaseError::Place {
                path: self.releases.clone(),
                why: "its numbers have run out".into(),
            })
    }

    /// A new directory to build release `number` in.
    pub(super) fn temp(&self, number: u64) -> Result<PathBuf, ReleaseError> {
        let path = self.releases.join(format!("{OWN_PREFIX}{number}.tmp"));
        tree::new_dir(&path)?;
        Ok(path)
    }

    /// Gives a release that was built and synced its number.
    pub(super) fn complete(
        &self,
        number: u64,
        built: &Path,
        manifest: &[u8],
    ) -> Result<(), ReleaseError> {
        let record = self.record(number);
        let temp = self.releases.join(format!("{OWN_PREFIX}{number}.json.tmp"));
        File::create_new(&temp)
            .and_then(|mut file| {
                file.write_all(manifest)?;
                file.sync_data()
            })
            .and_then(|()| fs::rename(&temp, &record))
            .map_err(ReleaseError::io(&record))?;
        tree::open_up(built)?;
        let place = self.release(number);
        fs::rename(built, &place)
            .and_then(|()| File::open(&self.releases)?.sync_all())
            .map_err(ReleaseError::io(&place))
    }

    /// Whether a release has its links to what all of them share.
    pub(super) fn shares(&self, number: u64, shared: &[SharedPath]) -> bool {
        shared::is_in(&self.release(number), shared)
    }

    /// Puts those links into a release that is being built.
    pub(super) fn share(&self, built: &Path, shared: &[SharedPath]) -> Result<(), ReleaseError> {
        shared::link(&self.root, built, shared)
    }

    /// Makes release `number` the current one, at once.
    pub(super) fn switch(&self, number: u64) -> Result<(), ReleaseError> {
        let link = self.link();
        let temp = self.root.join(format!("{OWN_PREFIX}current.tmp"));
        remove_file(&temp)?;
        symlink(format!("releases/{number}"), &temp)
            .and_then(|()| fs::rename(&temp, &link))
            .and_then(|()| File::open(&self.root)?.sync_all())
            .map_err(ReleaseError::io(&link))
    }

    /// Removes our oldest releases, so that `keep` are left; never the current one, and none whose
    /// record this server did not sign.
    pub(super) fn prune(&self, current: u64, keep: u32, seal: &Seal) -> Result<(), ReleaseError> {
        let mut others = self.ours()?;
        others.retain(|number| *number != current);
        let mut left = usize::try_from(keep)
            .unwrap_or(usize::MAX)
            .saturating_sub(1);
        if others.len() <= left {
            return Ok(());
        }
        for number in others.into_iter().rev() {
            // What cannot be read is not ours as far as can be told.
            let Ok(Some(_ours)) = self.own_manifest(number, seal) else {
                continue;
            };
            match left.checked_sub(1) {
                Some(fewer) => left = fewer,
                None => self.remove(number)?,
            }
        }
        Ok(())
    }

    /// Removes a release of ours.
    pub(super) fn remove(&self, number: u64) -> Result<(), ReleaseError> {
        let path = self.release(number);
        let doomed = self.releases.join(format!("{OWN_PREFIX}{number}.old"));
        fs::rename(&path, &doomed).map_err(ReleaseError::io(&path))?;
        remove_file(&self.record(number))?;
        fs::remove_dir_all(&doomed).map_err(ReleaseError::io(&doomed))
    }

    /// Removes what killed runs left under temporary names.
    pub(super) fn clean(&self) -> Result<(), ReleaseError> {
        for name in self.names()? {
            if name.starts_with(OWN_PREFIX) {
                let path = self.releases.join(&name);
                match fs::symlink_metadata(&path) {
                    Ok(meta) if meta.is_dir() => fs::remove_dir_all(&path),
                    Ok(_) => fs::remove_file(&path),
                    Err(error) => Err(error),
                }
                .map_err(ReleaseError::io(&path))?;
            }
        }
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>, ReleaseError> {
        let fail = ReleaseError::io(&self.releases);
        let read = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in fs::read_dir(&self.releases)?.take(ENTRY_LIMIT) {
                if let Ok(name) = entry?.file_name().into_string() {
                    names.push(name);
                }
            }
            Ok(names)
        };
        read().map_err(fail)
    }

    /// The link to the current release.
    pub(super) fn link(&self) -> PathBuf {
        self.root.join("current")
    }

    /// Where a release is.
    pub(super) fn release(&self, number: u64) -> PathBuf {
        self.releases.join(number.to_string())
    }

    fn record(&self, number: u64) -> PathBuf {
        self.releases.join(format!("{number}.json"))
    }
}

/// A release's number: decimal digits as relhook writes them, from 1.
fn number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number > 0 && number.to_string() == text).then_some(number)
}

fn remove_file(path: &Path) -> Result<(), ReleaseError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ReleaseError::io(path)(error)),
        _ => Ok(()),
    }
}
