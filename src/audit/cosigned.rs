//! What witnesses cosigned, as the server keeps it: `witness/<identifier>/<size>`, each a checkpoint
//! with the log's signature and the witness's.
//!
//! These files are what counts. The refs by which they came are for git, and for those who fetch.

use super::checkpoint::{Checkpoint, CheckpointFault, LogKey};
use super::{AuditError, AuditLog};
use crate::cosign::{self, Cosignature, CosignatureFault, WitnessId, WitnessKey};
use crate::folder::{Lasting, replace_shared, shared_dir, sync_dir};
use crate::types::{Seconds, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

/// The longest note with a cosignature, in bytes.
pub const MAX_COSIGNED: usize = 4096;

/// So many of a witness's cosignatures are kept: a later one takes in what an earlier one did.
const KEPT: usize = 256;

/// So far ahead of the server's clock may a witness's be.
const AHEAD: Seconds = Seconds(600);

/// A checkpoint that a witness cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// The checkpoint; its note carries the cosignature.
    pub checkpoint: Checkpoint,
    /// The cosignature.
    pub cosignature: Cosignature,
}

/// Why a cosignature is not taken.
#[derive(Debug, thiserror::Error)]
pub enum CosignedFault {
    /// Its checkpoint is none of this log.
    #[error("its checkpoint: {0}")]
    Checkpoint(#[from] CheckpointFault),
    /// The witness's signature does not hold.
    #[error("{0}")]
    Cosignature(#[from] CosignatureFault),
    /// The witness did not sign it.
    #[error("the witness's key did not sign it")]
    Unsigned,
    /// Something else is in it.
    #[error("it holds something else beside the log's signature and the witness's")]
    Inexact,
    /// The witness has the log's own key.
    #[error("the witness has the log's own key, and proves nothing")]
    OwnKey,
    /// Its time is yet to come.
    #[error("it is dated {time}, and it is {now} here")]
    Future {
        /// Its time.
        time: Timestamp,
        /// The server's.
        now: Timestamp,
    },
    /// The witness has cosigned this already, or more.
    #[error("it is not newer than what the witness cosigned before: {size} entries, {time}")]
    Stale {
        /// How many entries that was over.
        size: u64,
        /// When.
        time: Timestamp,
    },
    /// The log is not what the witness saw, or something cannot be read or written.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

impl Cosigned {
    /// Reads a note that carries the log's signature and this witness's.
    ///
    /// # Errors
    /// When one of them is missing or does not hold.
    pub fn open(note: &[u8], log: &LogKey, witness: &WitnessKey) -> Result<Self, CosignedFault> {
        let checkpoint = Checkpoint::open(note, log)?;
        let cosignature = witness.on(&checkpoint.note)?;
        Ok(Self {
            cosignature: cosignature.ok_or(CosignedFault::Unsigned)?,
            checkpoint,
        })
    }

    /// When it was made, by the witness's clock.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        Timestamp::from_unix(i64::try_from(self.cosignature.time).unwrap_or(i64::MAX))
    }
}

impl AuditLog {
    /// Takes a cosignature in: it is on disk when this returns. Only what holds is taken, and only
    /// where it is newer than what the witness cosigned before.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn take_cosigned(
        &self,
        witness: &WitnessKey,
        note: &[u8],
        now: Timestamp,
    ) -> Result<Cosigned, CosignedFault> {
        let log = self.key()?;
        if log.bytes().is_none_or(|own| own == *witness.bytes()) {
            return Err(CosignedFault::OwnKey);
        }
        let cosigned = Cosigned::open(note, &log, witness)?;
        let lines = cosign::split(&cosigned.checkpoint.note).map(|(_, lines)| lines);
        if lines.map(|lines| lines.lines().count()) != Some(2) {
            return Err(CosignedFault::Inexact);
        }
        if self.last_cosigned(witness.id())?.as_deref() == Some(note) {
            // Taken in before; a push that was cut off brings it again.
            return Ok(cosigned);
        }
        let time = cosigned.time();
        if time > now.plus(AHEAD) {
            return Err(CosignedFault::Future { time, now });
        }
        if let Some(before) = self.cosigned_by(witness)?
            && (cosigned.checkpoint.size, time) <= (before.checkpoint.size, before.time())
        {
            return Err(CosignedFault::Stale {
                size: before.checkpoint.size,
                time: before.time(),
            });
        }
        // It has the log's own signature: where the log is not this, made longer, the log is wrong.
        self.extends(&cosigned.checkpoint)?;
        self.keep_cosigned(witness.id(), &cosigned.checkpoint)?;
        Ok(cosigned)
    }

    fn keep_cosigned(&self, id: WitnessId, checkpoint: &Checkpoint) -> Result<(), AuditError> {
        let folder = self.witness_dir();
        let own = folder.join(id.to_string());
        let is_new = !own.exists();
        shared_dir(&folder).map_err(AuditError::io(&folder))?;
        shared_dir(&own).map_err(AuditError::io(&own))?;
        let file = own.join(checkpoint.size.to_string());
        replace_shared(&file, checkpoint.note.as_bytes(), Lasting::PowerCut)
            .map_err(AuditError::io(&file))?;
        if is_new {
            sync_dir(&folder).map_err(AuditError::io(&folder))?;
            sync_dir(self.dir()).map_err(AuditError::io(self.dir()))?;
        }
        let sizes = sizes(&own)?;
        for old in sizes.iter().rev().skip(KEPT) {
            let old = own.join(old.to_string());
            std::fs::remove_file(&old).map_err(AuditError::io(&old))?;
        }
        Ok(())
    }

    /// What this witness cosigned last, with both signatures verified anew; nothing where it has not.
    ///
    /// # Errors
    /// When it cannot be read, or is not as it was taken in.
    pub fn cosigned_by(&self, witness: &WitnessKey) -> Result<Option<Cosigned>, AuditError> {
        let Some((file, note)) = self.newest(witness.id())? else {
            return Ok(None);
        };
        match Cosigned::open(&note, &self.key()?, witness) {
            Ok(cosigned) => Ok(Some(cosigned)),
            Err(CosignedFault::Audit(error)) => Err(error),
            Err(fault) => Err(AuditError::Broken {
                path: file,
                seq: 0,
                why: fault.to_string(),
            }),
        }
    }

    /// The bytes of what was last taken in of the witness with this identifier.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn last_cosigned(&self, id: WitnessId) -> Result<Option<Vec<u8>>, AuditError> {
        Ok(self.newest(id)?.map(|(_, note)| note))
    }

    fn newest(&self, id: WitnessId) -> Result<Option<(PathBuf, Vec<u8>)>, AuditError> {
        let own = self.witness_dir().join(id.to_string());
        let Some(size) = sizes(&own)?.last().copied() else {
            return Ok(None);
        };
        let file = own.join(size.to_string());
        let note = std::fs::read(&file).map_err(AuditError::io(&file))?;
        Ok(Some((file, note)))
    }

    /// Every witness of which something was taken in, and the checkpoint that it cosigned last. The
    /// log's signature on it is verified, the witness's is not.
    ///
    /// # Errors
    /// When something cannot be read, or is none of this log's.
    pub fn all_cosigned(&self) -> Result<Vec<(WitnessId, Checkpoint)>, AuditError> {
        let key = self.key()?;
        let mut all = Vec::new();
        for id in self.cosigners()? {
            let Some((file, note)) = self.newest(id)? else {
                continue;
            };
            all.push((id, opened(&file, &note, &key)?));
        }
        Ok(all)
    }

    /// The note with the cosignatures that were taken in over this very checkpoint.
    pub(in crate::audit) fn with_cosignatures(&self, note: &str, size: u64) -> io::Result<String> {
        let mut all = note.to_owned();
        let own = cosign::split(note);
        for id in self.cosigners().map_err(io::Error::other)? {
            let file = self.witness_dir().join(format!("{id}/{size}"));
            let kept = match std::fs::read_to_string(&file) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                kept => kept?,
            };
            let kept = cosign::split(&kept);
            if let (Some((body, _)), Some((other, lines))) = (own, kept)
                && body == other
            {
                all = cosign::with_lines(&all, lines.split_inclusive('\n'));
            }
        }
        Ok(all)
    }

    /// The first checkpoint of at least so many entries that the most witnesses have cosigned; nothing
    /// where none has cosigned any.
    pub(in crate::audit) fn most_cosigned(
        &self,
        least: u64,
        key: &LogKey,
    ) -> Result<Option<Checkpoint>, AuditError> {
        let mut by_size: BTreeMap<u64, (usize, PathBuf)> = BTreeMap::new();
        for id in self.cosigners()? {
            let own = self.witness_dir().join(id.to_string());
            for size in sizes(&own)?.range(least..) {
                let file = own.join(size.to_string());
                by_size.entry(*size).or_insert((0, file)).0 += 1;
            }
        }
        let most = by_size.values().map(|(count, _)| *count).max();
        let mut best = by_size.into_iter();
        let Some((size, (_, file))) = best.find(|(_, (count, _))| Some(*count) == most) else {
            return Ok(None);
        };
        let read = std::fs::read_to_string(&file)
            .and_then(|note| self.with_cosignatures(&note, size))
            .map_err(AuditError::io(&file))?;
        opened(&file, read.as_bytes(), key).map(Some)
    }

    fn cosigners(&self) -> Result<BTreeSet<WitnessId>, AuditError> {
        let names = names(&self.witness_dir())?;
        Ok(names
            .iter()
            .filter_map(|name| WitnessId::parse(name.as_bytes()))
            .collect())
    }

    fn witness_dir(&self) -> PathBuf {
        self.dir().join("witness")
    }
}

fn opened(file: &Path, note: &[u8], key: &LogKey) -> Result<Checkpoint, AuditError> {
    Checkpoint::open(note, key).map_err(|fault| AuditError::Broken {
        path: file.to_owned(),
        seq: 0,
        why: fault.to_string(),
    })
}

/// The sizes that a witness's folder has a file for.
fn sizes(own: &Path) -> Result<BTreeSet<u64>, AuditError> {
    let size = |name: &String| {
        let size: u64 = name.parse().ok()?;
        (size.to_string() == *name).then_some(size)
    };
    Ok(names(own)?.iter().filter_map(size).collect())
}

fn names(folder: &Path) -> Result<Vec<String>, AuditError> {
    let listed = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(AuditError::io(folder))?,
    };
    let names = listed.map(|entry| Ok(entry?.file_name().into_string().ok()));
    let names: io::Result<Vec<Option<String>>> = names.collect();
    Ok(names
        .map_err(AuditError::io(folder))?
        .into_iter()
        .flatten()
        .collect())
}
