//! Who may read the log: the account that writes it, and at most one group of the machine.

use super::checkpoint::LogKey;
use super::{AuditError, AuditLog};
use crate::folder::share;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What a group never reads: the private key, and what is locked. Who can open a lock can hold it, and
/// then nobody pushes.
const PRIVATE: [&str; 2] = ["log-key", "lock"];

/// The mode of a file that a group reads, and of a folder.
const FILE: u32 = 0o640;
const FOLDER: u32 = 0o750;

/// Something that others than those who may can read, or somebody can change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// Which file or folder.
    pub path: PathBuf,
    /// How.
    pub why: String,
}

/// Looks at an open file of the log before anything is read from it. It costs no more than the look
/// that tells its size, unless a group reads the log.
///
/// # Errors
/// When it is another account's, or others than its owner and the audit group can read it.
pub(in crate::audit) fn check(log: &AuditLog, file: &File) -> Result<u64, AuditError> {
    let path = &log.file();
    let meta = file.metadata().map_err(AuditError::io(path))?;
    if log.is_copy() {
        return Ok(meta.len());
    }
    let me = rustix::process::geteuid().as_raw();
    if meta.mode() & 0o077 == 0 && meta.uid() == me {
        return Ok(meta.len());
    }
    let folder = log.folder();
    let above = std::fs::metadata(folder).map_err(AuditError::io(folder))?;
    match fault(&meta, &above) {
        None => Ok(meta.len()),
        Some(why) => Err(AuditError::Exposed(Exposure {
            path: path.clone(),
            why,
        })),
    }
}

/// What is wrong with who can get at a file or folder of the log, where `above` is relhook's folder,
/// which was checked.
fn fault(meta: &Metadata, above: &Metadata) -> Option<String> {
    let mode = meta.mode() & 0o7777;
    let shared = above.mode() & 0o077 == 0o050;
    if meta.uid() != above.uid() {
        Some(format!("it belongs to the account {}", meta.uid()))
    } else if mode & 0o007 != 0 {
        Some(format!("everybody can get at it: mode {mode:04o}"))
    } else if mode & 0o020 != 0 {
        Some(format!("a group can write it: mode {mode:04o}"))
    } else if mode & 0o050 != 0 && !(shared && meta.gid() == above.gid()) {
        let gid = meta.gid();
        Some(format!(
            "the group {gid} can read it, and may not: mode {mode:04o}"
        ))
    } else {
        None
    }
}

impl AuditLog {
    /// relhook's folder.
    pub(in crate::audit) fn folder(&self) -> &Path {
        self.dir().parent().unwrap_or(self.dir())
    }

    /// Whether this process runs as another account than the one that writes the log.
    pub(in crate::audit) fn is_reader(&self) -> bool {
        let me = rustix::process::geteuid().as_raw();
        std::fs::metadata(self.folder()).is_ok_and(|meta| meta.uid() != me)
    }

    /// The file with the public key, for those who may not read the private one.
    pub(in crate::audit) fn public_key_file(&self) -> PathBuf {
        self.dir().join("log-key.pub")
    }

    /// The public key as somebody reads it who may not read the private one.
    pub(in crate::audit) fn public_key(&self) -> Result<LogKey, AuditError> {
        let path = self.public_key_file();
        let text = std::fs::read_to_string(&path).map_err(AuditError::io(&path))?;
        LogKey::parse(&text).map_err(|fault| AuditError::Key {
            path,
            why: fault.to_string(),
        })
    }

    /// Lets the group with this number read the log, or nobody but its owner, and sees to it that what
    /// is made from now on is the same. relhook's folder itself comes before, as [`Folder`] has it.
    ///
    /// [`Folder`]: crate::folder::Folder
    ///
    /// # Errors
    /// When the system says no: the account has to be in the group.
    pub fn open_to(&self, group: Option<u32>) -> Result<(), AuditError> {
        if group.is_some() && !self.shows_its_key()? {
            let key = format!("{}\n", self.key()?.as_str());
            let path = self.public_key_file();
            crate::folder::replace_file(&path, key.as_bytes()).map_err(AuditError::io(&path))?;
        }
        for (path, gid, mode) in self.otherwise(group)? {
            share(&path, gid, mode).map_err(AuditError::io(&path))?;
        }
        Ok(())
    }

    /// Whether it is so already.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn is_open_to(&self, group: Option<u32>) -> Result<bool, AuditError> {
        let shows = group.is_none() || self.shows_its_key()?;
        Ok(shows && self.otherwise(group)?.is_empty())
    }

    fn shows_its_key(&self) -> Result<bool, AuditError> {
        let key = self.key()?;
        Ok(self.public_key().is_ok_and(|shown| shown == key))
    }

    /// What is not as it has to be where this group reads the log, with group and mode as they have to be.
    fn otherwise(&self, group: Option<u32>) -> Result<Vec<(PathBuf, u32, u32)>, AuditError> {
        let mut found = Vec::new();
        each(self.dir(), &mut |path, meta| {
            let mode = wanted(path, meta, group);
            let gid = group.filter(|_| mode & 0o070 != 0).unwrap_or(meta.gid());
            if meta.mode() & 0o7777 != mode || meta.gid() != gid {
                found.push((path.to_owned(), gid, mode));
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Everything of the log that somebody can get at who may not.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn exposures(&self) -> Result<Vec<Exposure>, AuditError> {
        let folder = self.folder();
        let above = std::fs::metadata(folder).map_err(AuditError::io(folder))?;
        let mut found = Vec::new();
        each(self.dir(), &mut |path, meta| {
            let private = is_private(path) && meta.mode() & 0o070 != 0;
            let shared = above.mode() & 0o077 == 0o050;
            let why = match fault(meta, &above) {
                None if private && shared => Some("only its owner may read it".to_owned()),
                why => why,
            };
            found.extend(why.map(|why| Exposure {
                path: path.to_owned(),
                why,
            }));
            Ok(())
        })?;
        Ok(found)
    }
}

fn is_private(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| PRIVATE.contains(&name) || name.ends_with(".lock"))
}

fn wanted(path: &Path, meta: &Metadata, group: Option<u32>) -> u32 {
    match (group, meta.is_dir()) {
        (Some(_), true) => FOLDER,
        (Some(_), false) if !is_private(path) => FILE,
        (None, true) => 0o700,
        (Some(_) | None, false) => 0o600,
    }
}

/// Everything below the log's folder, itself first; a link for the head is followed, no other is.
fn each(
    dir: &Path,
    take: &mut dyn FnMut(&Path, &Metadata) -> Result<(), AuditError>,
) -> Result<(), AuditError> {
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let meta = std::fs::metadata(&folder).map_err(AuditError::io(&folder))?;
        take(&folder, &meta)?;
        let listed = std::fs::read_dir(&folder).map_err(AuditError::io(&folder))?;
        for one in listed {
            let path = one.map_err(AuditError::io(&folder))?.path();
            let is_head = folder == dir && path.file_name().is_some_and(|name| name == "head");
            let meta = match is_head {
                true => std::fs::metadata(&path),
                false => std::fs::symlink_metadata(&path),
            };
            match meta {
                Ok(meta) if meta.is_dir() => folders.push(path),
                Ok(meta) if meta.is_file() => take(&path, &meta)?,
                Ok(_) => {}
                // A temporary file that was renamed meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(AuditError::io(&path)(error)),
            }
        }
    }
    Ok(())
}

/// Makes the file of the lock, for its owner alone, or opens it.
pub(in crate::audit) fn lock_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = File::options();
    options.write(true).create(true).truncate(false).mode(0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Event, HeartbeatRecord};
    use crate::types::Timestamp;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn log() -> (tempfile::TempDir, AuditLog) {
        let dir = tempfile::tempdir().unwrap();
        let log = AuditLog::at(dir.path());
        let now = Timestamp::from_unix(1_790_000_000);
        log.begin("acme/site", now).unwrap();
        (dir, log)
    }

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_head_that_others_can_read_or_write_is_not_used() {
        let (_dir, log) = log();
        let now = Timestamp::from_unix(1_790_000_001);
        for bad in [0o644, 0o604, 0o660, 0o640, 0o602] {
            mode(&log.file(), bad);
            let refused = log
                .append(now, Event::Heartbeat(HeartbeatRecord::default()))
                .unwrap_err();
            assert!(
                matches!(refused, AuditError::Exposed(_)),
                "{bad:o}: {refused}"
            );
            assert!(crate::audit::check(&log).is_err(), "{bad:o}");
            assert_eq!(log.exposures().unwrap().len(), 1, "{bad:o}");
        }
        // Closing it again is what mends it.
        assert!(!log.is_open_to(None).unwrap());
        log.open_to(None).unwrap();
        log.append(now, Event::Heartbeat(HeartbeatRecord::default()))
            .unwrap();
        assert_eq!(log.exposures().unwrap(), []);
        assert!(log.is_open_to(None).unwrap());
    }

    #[test]
    fn what_is_made_in_a_shared_folder_is_shared_and_the_key_never_is() {
        let (dir, log) = log();
        let own = rustix::process::getegid().as_raw();
        share(dir.path(), own, 0o750).unwrap();
        assert!(!log.is_open_to(Some(own)).unwrap());
        log.open_to(Some(own)).unwrap();
        assert!(log.is_open_to(Some(own)).unwrap());
        for at in 0..600 {
            let now = Timestamp::from_unix(1_790_000_002 + at);
            log.append(now, Event::Heartbeat(HeartbeatRecord::default()))
                .unwrap();
        }
        log.keep(b"evidence").unwrap();
        log.publish().unwrap();
        let mut files = 0;
        each(log.dir(), &mut |path, meta| {
            assert_eq!(
                meta.mode() & 0o7777,
                wanted(path, meta, Some(own)),
                "{path:?}"
            );
            files += 1;
            Ok(())
        })
        .unwrap();
        assert!(files > 10, "{files}");
        assert_eq!(log.exposures().unwrap(), []);
        let key = fs::metadata(log.key_file()).unwrap();
        assert_eq!(key.mode() & 0o777, 0o600);
        assert_eq!(log.public_key().unwrap(), log.key().unwrap());
        mode(&log.dir().join("lock"), 0o640);
        assert_eq!(log.exposures().unwrap().len(), 1);
        // Where the folder is closed again, what is in it may not stay open.
        share(dir.path(), own, 0o700).unwrap();
        assert!(log.exposures().unwrap().len() > 10);
        let now = Timestamp::from_unix(1_790_001_000);
        let refused = log
            .append(now, Event::Heartbeat(HeartbeatRecord::default()))
            .unwrap_err();
        assert!(matches!(refused, AuditError::Exposed(_)), "{refused}");
        log.open_to(None).unwrap();
        assert_eq!(log.exposures().unwrap(), []);
        log.append(now, Event::Heartbeat(HeartbeatRecord::default()))
            .unwrap();
    }
}
