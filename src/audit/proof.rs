//! What the tree proves: that an entry is in the log, and that the log was only made longer.

use super::checkpoint::{Checkpoint, CheckpointFault, LogKey};
use super::reading::each_kept;
use super::tiles::WIDTH;
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
    /// A receipt for the entry `seq`: against the first checkpoint with it that the most witnesses have
    /// cosigned, or where none has, against the log as it is now.
    ///
    /// # Errors
    /// When there is no such entry, or the log cannot be read.
    pub fn prove(&self, seq: u64) -> Result<Receipt, AuditError> {
        let key = self.key()?;
        self.with_tree(|tree, head| {
            let size = head.size;
            let index = seq.checked_sub(1).filter(|index| *index < size);
            let index = index.ok_or(AuditError::NoEntry { seq, size })?;
            let cosigned = self.most_cosigned(seq, &key)?;
            if let Some(cosigned) = &cosigned {
                self.is_longer(tree, cosigned, head)?;
            }
            let checkpoint = cosigned.as_ref().unwrap_or(head);
            let path = tlog::prove_record(checkpoint.size, index, tree);
            let path = path.map_err(|error| self.no_tree(error.to_string()))?;
            let mut entry = Vec::new();
            each_kept(self, index, &mut |_, kept| {
                entry = kept.entry;
                Ok(ControlFlow::Break(()))
            })?;
            Ok(Receipt {
                seq,
                entry,
                path: path.into_iter().map(|hash| hash.0).collect(),
                note: checkpoint.note.clone(),
            })
        })
    }

    /// Whether the log as it is now is `before` made longer.
    ///
    /// # Errors
    /// When it is not: [`AuditError::Forked`], or [`AuditError::Truncated`] where it is shorter; or
    /// the log cannot be read.
    pub fn extends(&self, before: &Checkpoint) -> Result<Checkpoint, AuditError> {
        self.with_tree(|tree, checkpoint| {
            self.is_longer(tree, before, checkpoint)?;
            Ok(checkpoint.clone())
        })
    }

    fn is_longer(
        &self,
        tree: &Tree<'_>,
        before: &Checkpoint,
        now: &Checkpoint,
    ) -> Result<(), AuditError> {
        match tree.extends(before, now) {
            Ok(()) => Ok(()),
            Err(ExtendFault::Shorter) => Err(AuditError::Truncated {
                path: self.file(),
                found: now.size,
                recorded: before.size,
            }),
            Err(ExtendFault::Other) => Err(AuditError::Forked {
                ours: Box::new(now.clone()),
                theirs: Box::new(before.clone()),
            }),
            Err(ExtendFault::Tiles(why)) => Err(self.no_tree(why)),
        }
    }

    fn with_tree<T>(
        &self,
        ask: impl FnOnce(&Tree<'_>, &Checkpoint) -> Result<T, AuditError>,
    ) -> Result<T, AuditError> {
        // The lock keeps the journal from being begun anew between two looks at it.
        let _lock = match self.is_copy() {
            true => None,
            false => Some(self.lock()?),
        };
        let (kept, head) = self.open_tile(&self.key()?)?;
        let tiles = self.tiles();
        let tree = Tree {
            closed: head.peaks.size() - kept.len() as u64,
            leaves: kept.iter().map(|kept| leaf(&kept.entry)).collect(),
            row: &|level, index, width| {
                let row = tiles.hashes(level, index, width);
                row.map_err(|error| error.to_string())
            },
        };
        ask(&tree, &head.checkpoint)
    }

    fn no_tree(&self, why: String) -> AuditError {
        AuditError::Broken {
            path: self.file(),
            seq: 0,
            why,
        }
    }
}

/// The hashes of a tree, by the tiles that hold them.
struct Tree<'a> {
    /// How many leaves are in tiles.
    closed: u64,
    /// The leaves behind those.
    leaves: Vec<Node>,
    row: &'a Row<'a>,
}

/// Reads a tile: of so many times eight levels above the leaves, its number, how much it holds.
pub type Row<'a> = dyn Fn(u32, u64, u64) -> Result<Vec<Node>, String> + 'a;

/// Whether the tree of `now` is that of `before` made longer, where `row` reads tiles of it.
///
/// # Errors
/// Why not: the two are of different logs or trees, or the tiles are not those of `now`.
pub fn extends(before: &Checkpoint, now: &Checkpoint, row: &Row<'_>) -> Result<(), ExtendFault> {
    let tree = Tree {
        closed: now.size,
        leaves: Vec::new(),
        row,
    };
    tree.extends(before, now)
}

/// Why a log is not an earlier one made longer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtendFault {
    /// It is shorter.
    #[error("it is shorter than it was")]
    Shorter,
    /// It is another one.
    #[error("it is not what it was, made longer")]
    Other,
    /// The tiles cannot be read, or are not those of the checkpoint.
    #[error("its tiles do not fit its checkpoint: {0}")]
    Tiles(String),
}

impl Tree<'_> {
    fn extends(&self, before: &Checkpoint, now: &Checkpoint) -> Result<(), ExtendFault> {
        if before.size > now.size {
            return Err(ExtendFault::Shorter);
        }
        let unread = |error: tlog::Error| ExtendFault::Tiles(error.to_string());
        // The library's arithmetic is for sizes below 2^63.
        if now.size > 1 << 62 {
            return Err(ExtendFault::Tiles("there are too many".into()));
        }
        let whole = tlog::tree_hash(now.size, self).map_err(unread)?;
        if whole.0 != now.root {
            return Err(ExtendFault::Tiles("they have another root".into()));
        }
        let root = tlog::tree_hash(before.size, self).map_err(unread)?;
        match root.0 == before.root {
            true => Ok(()),
            false => Err(ExtendFault::Other),
        }
    }

    /// The hash of a complete subtree: so many levels above the leaves, the so-manieth there.
    fn node(&self, level: u32, index: u64) -> Result<Node, String> {
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
        let hashes = (self.row)(row, tile, in_row.min(WIDTH))?;
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
            hashes.push(TreeHash(node.map_err(tlog::Error::InvalidInput)?));
        }
        Ok(hashes)
    }
}
