//! A clone's side: what was seen of the log, and whether what is seen now follows from it.

use super::by_ref::file;
use super::{CHECKPOINT, KEY};
use crate::audit::{Checkpoint, CheckpointFault, ExtendFault, LogKey, Node, extends, tile_path};
use crate::folder::replace_file;
use crate::types::Oid;
use git2::{Repository, Tree};
use std::io;
use std::path::{Path, PathBuf};

/// A log as it was last seen, and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The log's public key, taken as given when it was first seen.
    pub key: LogKey,
    /// The latest checkpoint.
    pub checkpoint: Checkpoint,
}

/// Why the log is not trusted, or could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// It is not what it was, made longer.
    #[error(
        "the server's audit log was rewritten or cut: {fault}\n  seen before: {before}\n  \
         seen now:    {now}\n  both are signed, and kept in {kept} as proof"
    )]
    Forked {
        /// How.
        fault: ExtendFault,
        /// What was seen before.
        before: Box<Checkpoint>,
        /// What is seen now.
        now: Box<Checkpoint>,
        /// The file with both.
        kept: String,
    },
    /// What was there before is not there any more.
    #[error("the server's audit log was there and is not any more; seen before: {before}")]
    Gone {
        /// What was seen before.
        before: Box<Checkpoint>,
    },
    /// Another key signs it than before, or what is there is not signed.
    #[error("the server's audit log cannot be trusted: {0}")]
    Untrusted(String),
    /// The clone's own files or objects cannot be used.
    #[error("{place}: {why}")]
    Unusable {
        /// Which.
        place: String,
        /// Why not.
        why: String,
    },
}

/// What a server shows of its log in the tree of `commit`, whatever was seen of it before.
///
/// # Errors
/// When it is not a log's, or not signed by the key that is shown with it.
pub fn peek(repository: &Repository, commit: Oid) -> Result<Seen, WitnessError> {
    shown(repository, &tree(repository, commit)?)
}

/// Looks at what was fetched of a server's log: the tree of `commit`, if there is one. What was seen
/// before is in `memory`, a file, and so is what is seen now when this returns.
///
/// # Errors
/// When it is not what was seen before, made longer, or cannot be read.
pub fn look(
    repository: &Repository,
    commit: Option<Oid>,
    memory: &Path,
) -> Result<Option<Seen>, WitnessError> {
    let before = remembered(memory)?;
    let Some(commit) = commit else {
        return match before {
            None => Ok(None),
            Some(before) => Err(WitnessError::Gone {
                before: Box::new(before.checkpoint),
            }),
        };
    };
    let tree = tree(repository, commit)?;
    let now = shown(repository, &tree)?;
    if let Some(before) = &before {
        if before.key != now.key {
            return Err(WitnessError::Untrusted(format!(
                "it is signed by the key {} and was by {}",
                now.key.as_str(),
                before.key.as_str()
            )));
        }
        follows(repository, &tree, before, &now, memory)?;
    }
    if before.as_ref() != Some(&now) {
        let text = format!("{}\n{}", now.key.as_str(), now.checkpoint.note);
        replace_file(memory, text.as_bytes()).map_err(unusable(memory))?;
    }
    Ok(Some(now))
}

fn follows(
    repository: &Repository,
    tree: &Tree<'_>,
    before: &Seen,
    now: &Seen,
    memory: &Path,
) -> Result<(), WitnessError> {
    let row = |level: u32, index: u64, width: u64| {
        let bytes = file(repository, tree, &tile_path(level, index, width))?;
        let (nodes, rest) = bytes.as_chunks::<32>();
        match rest.is_empty() && nodes.len() as u64 == width {
            true => Ok::<Vec<Node>, String>(nodes.to_vec()),
            false => Err("a tile is not as long as it has to be".to_owned()),
        }
    };
    let Err(fault) = extends(&before.checkpoint, &now.checkpoint, &row) else {
        return Ok(());
    };
    let proof = memory.with_extension("fork");
    let both = format!(
        "{}\n{}\n{}",
        before.key.as_str(),
        before.checkpoint.note,
        now.checkpoint.note
    );
    replace_file(&proof, both.as_bytes()).map_err(unusable(&proof))?;
    Err(WitnessError::Forked {
        fault,
        before: Box::new(before.checkpoint.clone()),
        now: Box::new(now.checkpoint.clone()),
        kept: proof.display().to_string(),
    })
}

/// What the file holds; nothing where there is none.
fn remembered(memory: &Path) -> Result<Option<Seen>, WitnessError> {
    let text = match std::fs::read_to_string(memory) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(memory)(error)),
    };
    let (key, note) = text.split_once('\n').unwrap_or_default();
    seen(key, note.as_bytes()).map(Some).map_err(|fault| {
        let place = memory.display().to_string();
        let why = fault.to_string();
        WitnessError::Unusable { place, why }
    })
}

/// What the server shows.
fn shown(repository: &Repository, tree: &Tree<'_>) -> Result<Seen, WitnessError> {
    let read =
        |name: &str| file(repository, tree, Path::new(name)).map_err(WitnessError::Untrusted);
    let key = String::from_utf8_lossy(&read(KEY)?).into_owned();
    seen(&key, &read(CHECKPOINT)?).map_err(|fault| WitnessError::Untrusted(fault.to_string()))
}

fn seen(key: &str, note: &[u8]) -> Result<Seen, CheckpointFault> {
    let key = LogKey::parse(key)?;
    let checkpoint = Checkpoint::open(note, &key)?;
    Ok(Seen { key, checkpoint })
}

fn tree(repository: &Repository, commit: Oid) -> Result<Tree<'_>, WitnessError> {
    let unusable = |error: git2::Error| WitnessError::Untrusted(error.message().to_owned());
    let id = git2::Oid::from_bytes(commit.as_bytes()).map_err(unusable)?;
    repository
        .find_commit(id)
        .and_then(|commit| commit.tree())
        .map_err(unusable)
}

/// A small file of the tree.
fn unusable(path: &Path) -> impl FnOnce(io::Error) -> WitnessError + '_ {
    move |error| WitnessError::Unusable {
        place: PathBuf::from(path).display().to_string(),
        why: error.to_string(),
    }
}
