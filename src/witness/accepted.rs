//! Where each protected ref was let be, as clones see it: beside the checkpoint, on the same ref. It gives
//! people the numbers by which the log and the server call these moves, and decides nothing.

use super::{MAX_FILE, by_ref};
use crate::ledger::{AcceptedMove, Ledger, LedgerError};
use crate::types::{Oid, RefName, hex};
use git2::Repository;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The file in the tree of the checkpoint's ref.
pub(super) const ACCEPTED: &str = "accepted";

/// What the first field says.
const SCHEMA: &str = "relhook/accepted/v1";

/// So many moves of each ref are shown; fewer where all of them are too much for one file.
const SHOWN: [usize; 3] = [100, 20, 4];

/// The last moves of each ref, the newest first.
pub type Accepted = BTreeMap<RefName, Vec<AcceptedMove>>;

#[derive(Debug, Serialize, Deserialize)]
struct OfRef {
    ref_hex: String,
    moves: Vec<AcceptedMove>,
}

/// What the file is to hold; nothing where nothing was accepted, or it would be too much.
pub(super) fn content(ledger: &Ledger) -> Result<Option<Vec<u8>>, LedgerError> {
    let names = ledger.refs()?.into_iter().map(|(name, _)| name);
    let mut all: Vec<OfRef> = Vec::new();
    for name in names {
        let moves = ledger.last_accepted(&name, SHOWN.into_iter().max().unwrap_or(0))?;
        if !moves.is_empty() {
            let ref_hex = hex(name.as_bytes());
            all.push(OfRef { ref_hex, moves });
        }
    }
    if all.is_empty() {
        return Ok(None);
    }
    let mut sizes = SHOWN.into_iter().map(|most| {
        for of_ref in &mut all {
            of_ref.moves.truncate(most);
        }
        by_ref::written(SCHEMA, &all)
    });
    Ok(sizes.find(|bytes| bytes.len() <= MAX_FILE))
}

/// What the server shows in the tree of `commit`; nothing where it shows nothing that can be read.
#[must_use]
pub fn accepted(repository: &Repository, commit: Oid) -> Accepted {
    let of_ref = |one: OfRef| (one.ref_hex, one.moves);
    by_ref::told(repository, commit, (ACCEPTED, SCHEMA), of_ref)
}
