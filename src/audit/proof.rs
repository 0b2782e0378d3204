//! What the tree proves: that an entry is in the log, and that the log was only made longer.

use super::checkpoint::{Checkpoint, CheckpointFault, LogKey};
use super::reading::each_kept;
use super::tiles::{Tiles, WIDTH};
use super::tree::{Node, Peaks, leaf, parent};
use super::{AuditError, AuditLog};
use base64ct::{Base64, Encoding};
use std::ops::ControlFlow;
use tlog_tiles::tlog::{self, Hash as TreeHash, HashReader};

/// The first line of a receipt (C2SP tlog-proof).
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// The longest receipt that is read, in bytes.
const MAX_RECEIPT: usize = 1 << 20;

/// That an entry is in the log: to be checked with the log's public key and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The entry's number.
    pub seq: u64,
    /// The entry's bytes.
    pub entry: Vec<u8>,
    /// The hashes beside its way to the root.
    pub path: Vec<Node>,
    /// The checkpoint, a signed note.
    pub note: String,
}

/// Why a receipt proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptFault {
    /// It is no receipt.
    #[error("it is no receipt: {0}")]
    Unreadable(&'static str),
    /// Its checkpoint is not one of the log.
    #[error("its checkpoint: {0}")]
    Checkpoint(#[from] CheckpointFault),
    /// The entry is not in the tree of the checkpoint.
    #[error("its entry is not in the log that its checkpoint is of")]
    NotThere,
}

impl Receipt {
    /// Reads a receipt.
    ///
    /// # Errors
    /// When it is not in the form of one with an entry in it.
    pub fn parse(text: &str) -> Result<Self, ReceiptFault> {
        let bad = ReceiptFault::Unreadable;
        if text.len() > MAX_RECEIPT {
            return Err(bad("it is too long"));
        }
        let (proof, note) = text.split_once("\n\n").ok_or(bad("it has no checkpoint"))?;
        let mut lines = proof.lines();
        if lines.next() != Some(HEADER) {
            return Err(bad("its first line"));
        }
        let entry = lines.next().and_then(|line| line.strip_prefix("extra "));
        let entry = entry.and_then(|base64| Base64::decode_vec(base64).ok());
        let entry = entry.ok_or(bad("it does not hold the entry"))?;
        let index = lines.next().and_then(|line| line.strip_prefix("index "));
        let index: u64 = index
            .and_then(|digits| {
                let index: u64 = digits.parse().ok()?;
                (index.to_string() == digits).then_some(index)
            })
            .ok_or(bad("the entry's place"))?;
        let path: Option<Vec<Node>> = lines
            .map(|line| Base64::decode_vec(line).ok()?.try_into().ok())
            .collect();
        Ok(Self {
            seq: index.checked_add(1).ok_or(bad("the entry's place"))?,
            entry,
            path: path.ok_or(bad("a line of it is no hash"))?,
            note: note.to_owned(),
        })
    }

    /// Checks it with the log's public key, and gives the checkpoint that it rests on.
    ///
    /// # Errors
    /// When it does not prove that its entry is in that log.
    pub fn check(&self, key: &LogKey) -> Result<Checkpoint, ReceiptFault> {
        let checkpoint = Checkpoint::open(self.note.as_bytes(), key)?;
        let index = self.seq.checked_sub(1).ok_or(ReceiptFault::NotThere)?;
        // There are at most 64 levels, and the library's arithmetic is for sizes below 2^63.
        if index >= checkpoint.size || checkpoint.size > 1 << 62 || self.path.len() > 64 {
            return Err(ReceiptFault::NotThere);
        }
        let path: Vec<TreeHash> = self.path.iter().map(|node| TreeHash(*node)).collect();
        let root = TreeHash(checkpoint.root);
        let leaf = TreeHash(leaf(&self.entry));
        tlog::check_record(&path, checkpoint.size, root, index, leaf)
            .map_err(|_| ReceiptFault::NotThere)?;
        Ok(checkpoint)
    }
}

impl std::fmt::Display for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let entry = Base64::encode_string(&self.entry);
        writeln!(f, "{HEADER}\nextra {entry}\nindex {}", self.seq - 1)?;
        for node in &self.path {
            writeln!(f, "{}", Base64::encode_string(node))?;
        }
        write!(f, "\n{}", self.note)
    }
}

impl AuditLog {
    /// A receipt for the entry `seq`, against the log as it is now.
    ///
    /// # Errors
    /// When there is no such entry, or the log cannot be read.
    pub fn prove(&self, seq: u64) -> Result<Receipt, AuditError> {
        let tree = Tree::open(self)?;
        let size = tree.checkpoint.size;
        let index = seq.checked_sub(1).filter(|index| *index < size);
        let index = index.ok_or(AuditError::NoEntry { seq, size })?;
        let mut entry = Vec::new();
        each_kept(self, index, &mut |_, kept| {
            entry.clone_from(&kept.entry);
            Ok(ControlFlow::Break(()))
        })?;
        let path = tlog::prove_record(size, index, &tree).map_err(|error| tree.broken(&error))?;
        Ok(Receipt {
            seq,
            entry,
            path: path.into_iter().map(|hash| hash.0).collect(),
            note: tree.checkpoint.note,
        })
    }

    /// Whether the log as it is now is `before` made longer.
    ///
    /// # Errors
    /// When it is not: [`AuditError::Forked`], or [`AuditError::Truncated`] where it is shorter; or
    /// the log cannot be read.
    pub fn extends(&self, before: &Checkpoint) -> Result<Checkpoint, AuditError> {
        let tree = Tree::open(self)?;
        tree.extends(before)?;
        Ok(tree.checkpoint)
    }
}

/// The hashes of a log: its full tiles, and the leaves behind them.
struct Tree<'a> {
    log: &'a AuditLog,
    tiles: Tiles,
    /// How many entries are in full tiles.
    closed: u64,
    leaves: Vec<Node>,
    checkpoint: Checkpoint,
}

impl<'a> Tree<'a> {
    fn open(log: &'a AuditLog) -> Result<Self, AuditError> {
        // The lock keeps the journal from being begun anew between two looks at it.
        let _lock = log.lock()?;
        let (kept, head) = log.open_tile(&log.key()?)?;
        Ok(Self {
            log,
            tiles: log.tiles(),
            closed: head.peaks.size() - kept.len() as u64,
            leaves: kept.iter().map(|kept| leaf(&kept.entry)).collect(),
            checkpoint: head.checkpoint,
        })
    }

    fn extends(&self, before: &Checkpoint) -> Result<(), AuditError> {
        if before.size > self.checkpoint.size {
            return Err(AuditError::Truncated {
                path: self.log.file(),
                found: self.checkpoint.size,
                recorded: before.size,
            });
        }
        let root = tlog::tree_hash(before.size, self).map_err(|error| self.broken(&error))?;
        let now = tlog::tree_hash(self.checkpoint.size, self);
        let now = now.map_err(|error| self.broken(&error))?;
        if now.0 == self.checkpoint.root && root.0 == before.root {
            return Ok(());
        }
        Err(AuditError::Forked {
            ours: Box::new(self.checkpoint.clone()),
            theirs: Box::new(before.clone()),
        })
    }

    fn broken(&self, error: &tlog::Error) -> AuditError {
        AuditError::Broken {
            path: self.log.file(),
            seq: 0,
            why: error.to_string(),
        }
    }

    /// The hash of a complete subtree: so many levels above the leaves, the so-manieth there.
    fn node(&self, level: u32, index: u64) -> Result<Node, AuditError> {
        let first = index << level;
        if first < self.closed && first + (1 << level) > self.closed {
            // A full tile that is not closed yet is half of it.
            let left = self.node(level - 1, index * 2)?;
            return Ok(parent(&left, &self.node(level - 1, index * 2 + 1)?));
        }
        if first >= self.closed {
            let from = usize::try_from(first - self.closed).unwrap_or(usize::MAX);
            let leaves = self.leaves.iter().copied().skip(from).take(1 << level);
            return Ok(leaves.collect::<Peaks>().root());
        }
        // Eight levels are in a tile: the lowest of them is written down.
        let (row, above) = (level / 8, level % 8);
        let start = index << above;
        let tile = start / WIDTH;
        let in_row = (self.closed >> (8 * row)).saturating_sub(tile * WIDTH);
        let hashes = self.tiles.hashes(row, tile, in_row.min(WIDTH))?;
        let skip = usize::try_from(start % WIDTH).unwrap_or(usize::MAX);
        let nodes = hashes.into_iter().skip(skip).take(1 << above);
        Ok(nodes.collect::<Peaks>().root())
    }
}

impl HashReader for Tree<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<TreeHash>, tlog::Error> {
        let mut hashes = Vec::with_capacity(indexes.len());
        for index in indexes {
            let (level, at) = tlog::split_stored_hash_index(*index);
            let node = self.node(u32::from(level), at);
            let node = node.map_err(|error| tlog::Error::InvalidInput(error.to_string()))?;
            hashes.push(TreeHash(node));
        }
        Ok(hashes)
    }
}
