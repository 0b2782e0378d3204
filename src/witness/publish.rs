//! The server's side: bringing the ref to where the log is.

use super::accepted::ACCEPTED;
use super::debts::DEBTS;
use super::{CHECKPOINT, CHECKPOINT_REF, KEY};
use crate::audit::{AuditError, AuditLog, Checkpoint, Recorded, TILE_WIDTH, tile_path};
use crate::ledger::Ledger;
use git2::build::TreeUpdateBuilder;
use git2::{Commit, FileMode, Repository, Signature, Time, Tree};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Why the checkpoint could not be published. Nothing is lost by it: the next time brings it along.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The log is not what it has to be, or cannot be read.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Git's library said no.
    #[error("{CHECKPOINT_REF} cannot be brought up to date: {0}")]
    Git(#[from] git2::Error),
    /// What is written now would be taken for garbage.
    #[error("`git gc` is running: clones are shown the log when it is done")]
    Collecting,
    /// The system said no.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// How long housekeeping is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Brings the tiles, the checkpoint and the ref in the repository at `git_dir` to where its log is.
///
/// # Errors
/// When the log is not what was last written, or something cannot be written.
pub fn publish(git_dir: &Path, log: &AuditLog) -> Result<Checkpoint, PublishError> {
    let _lock = lock(log)?;
    let recorded = log.publish()?;
    wait_for_housekeeping(git_dir)?;
    let repository = Repository::open_bare(git_dir)?;
    let (before, known) = match before(&repository) {
        Ok(before) => before,
        // Collected as garbage: then it is made anew, for git refuses every push while the ref is there.
        Err(error) if error.code() == git2::ErrorCode::NotFound => {
            repository.find_reference(CHECKPOINT_REF)?.delete()?;
            (None, None)
        }
        Err(error) => return Err(error.into()),
    };
    let size = known.as_ref().map_or(0, |(size, _)| *size);
    if known.is_some_and(|(size, note)| {
        size > recorded.seq || note == recorded.checkpoint.note.as_bytes()
    }) {
        return Ok(recorded.checkpoint);
    }
    let mut update = TreeUpdateBuilder::new();
    let blob = |bytes: &[u8]| repository.blob(bytes);
    update.upsert(
        CHECKPOINT,
        blob(recorded.checkpoint.note.as_bytes())?,
        FileMode::Blob,
    );
    let key = format!("{}\n", log.key()?.as_str());
    update.upsert(KEY, blob(key.as_bytes())?, FileMode::Blob);
    tiles(&repository, log, (size, recorded.seq), &mut update)?;
    for (name, bytes) in beside(log) {
        update.upsert(name, blob(&bytes)?, FileMode::Blob);
    }
    let empty = repository.find_tree(repository.treebuilder(None)?.write()?)?;
    let base: Tree<'_> = match &before {
        Some(commit) => commit.tree()?,
        None => empty,
    };
    let tree = repository.find_tree(update.create_updated(&repository, &base)?)?;
    write(&repository, before.as_ref(), &tree, &recorded)?;
    Ok(recorded.checkpoint)
}

/// What the ledger remembers is shown too: what is owed, and where refs were let be. Where that cannot be
/// told, it stays as it was before.
fn beside(log: &AuditLog) -> Vec<(&'static str, Vec<u8>)> {
    let folder = log.dir().parent();
    let Some(Ok(ledger)) = folder.map(|folder| Ledger::open(folder, log)) else {
        return Vec::new();
    };
    let debts = super::debts::content(&ledger);
    let accepted = super::accepted::content(&ledger);
    let files = [(DEBTS, debts), (ACCEPTED, accepted)].into_iter();
    files
        .filter_map(|(name, bytes)| Some((name, bytes.ok().flatten()?)))
        .collect()
}

/// One at a time: who comes later finds what the other left.
fn lock(log: &AuditLog) -> Result<File, PublishError> {
    let path = log.dir().join("publish.lock");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(&path).and_then(|file| {
        file.lock()?;
        Ok(file)
    });
    file.map_err(|source| PublishError::Io { path, source })
}

/// Waits while `git gc` runs: what nothing names yet when it looks, it may delete, however new it is.
fn wait_for_housekeeping(git_dir: &Path) -> Result<(), PublishError> {
    let end = Instant::now() + PATIENCE;
    while is_collecting(git_dir) {
        if Instant::now() > end {
            return Err(PublishError::Collecting);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Whether a process that runs has left its number where `git gc` does. One of another machine is not waited
/// for: git itself forgets it after half a day.
fn is_collecting(git_dir: &Path) -> bool {
    let text = std::fs::read_to_string(git_dir.join("gc.pid")).unwrap_or_default();
    let process = text.split_whitespace().next().unwrap_or_default();
    let digits = !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit());
    digits && Path::new("/proc").join(process).exists()
}

/// The last commit of the ref, with the size and the note that it shows.
type Before<'a> = (Option<Commit<'a>>, Option<(u64, Vec<u8>)>);

/// What was published last; nothing where nothing was.
fn before(repository: &Repository) -> Result<Before<'_>, git2::Error> {
    let reference = match repository.find_reference(CHECKPOINT_REF) {
        Ok(reference) => reference,
        Err(error) if error.code() == git2::ErrorCode::NotFound => return Ok((None, None)),
        Err(error) => return Err(error),
    };
    let commit = reference.peel_to_commit()?;
    let known = published(repository, &commit)?;
    Ok((Some(commit), known))
}

/// The size and the note of what was published.
fn published(
    repository: &Repository,
    commit: &Commit<'_>,
) -> Result<Option<(u64, Vec<u8>)>, git2::Error> {
    let tree = commit.tree()?;
    let Some(entry) = tree.get_name(CHECKPOINT) else {
        return Ok(None);
    };
    let blob = repository.find_blob(entry.id())?;
    let size = blob.content().split(|byte| *byte == b'\n').nth(1);
    let size = size.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    Ok(size.map(|size| (size, blob.content().to_vec())))
}

/// Puts the tiles of hashes that are new since the tree had `size.0` leaves, up to `size.1`.
fn tiles(
    repository: &Repository,
    log: &AuditLog,
    size: (u64, u64),
    update: &mut TreeUpdateBuilder,
) -> Result<(), PublishError> {
    let mut level = 0;
    let (mut old, mut new) = size;
    while new > 0 {
        // What has the same name is written over.
        if old % TILE_WIDTH != 0 && old != new {
            let path = tile_path(level, old / TILE_WIDTH, old % TILE_WIDTH);
            update.remove(path.as_os_str().as_bytes());
        }
        for index in old / TILE_WIDTH..new.div_ceil(TILE_WIDTH) {
            let width = (new - index * TILE_WIDTH).min(TILE_WIDTH);
            let path = tile_path(level, index, width);
            let file = log.dir().join(&path);
            let bytes = std::fs::read(&file);
            let bytes = bytes.map_err(|source| PublishError::Io { path: file, source })?;
            update.upsert(
                path.as_os_str().as_bytes(),
                repository.blob(&bytes)?,
                FileMode::Blob,
            );
        }
        old /= TILE_WIDTH;
        new /= TILE_WIDTH;
        level += 1;
    }
    Ok(())
}

fn write(
    repository: &Repository,
    before: Option<&Commit<'_>>,
    tree: &Tree<'_>,
    recorded: &Recorded,
) -> Result<(), git2::Error> {
    let time = Time::new(recorded.time.as_unix(), 0);
    let relhook = Signature::new("relhook", "relhook@localhost", &time)?;
    let message = format!("{}\n", recorded.checkpoint);
    let parents: Vec<&Commit<'_>> = before.into_iter().collect();
    let commit = repository.commit(None, &relhook, &relhook, &message, tree, &parents)?;
    match before {
        Some(before) => repository.reference_matching(
            CHECKPOINT_REF,
            commit,
            true,
            before.id(),
            "relhook: the log",
        )?,
        None => repository.reference(CHECKPOINT_REF, commit, false, "relhook: the log")?,
    };
    Ok(())
}
