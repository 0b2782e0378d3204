//! What is owed for emergencies, as clones see it: beside the checkpoint, on the same ref. It is not
//! signed: it tells people what the server will say, and decides nothing there.

use super::{MAX_FILE, by_ref};
use crate::facts::Debt;
use crate::ledger::{Ledger, LedgerError};
use crate::types::{Oid, RefName, hex};
use git2::Repository;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The file in the tree of the checkpoint's ref.
pub(super) const DEBTS: &str = "debts";

/// What the first field says.
const SCHEMA: &str = "relhook/debts/v1";

/// The emergencies of each ref that are remembered.
pub type Debts = BTreeMap<RefName, Vec<Debt>>;

#[derive(Debug, Serialize, Deserialize)]
struct OfRef {
    ref_hex: String,
    emergencies: Vec<Debt>,
}

/// What the file is to hold; nothing where there never was an emergency. Where all of it is too much,
/// what is settled is left out.
pub(super) fn content(ledger: &Ledger) -> Result<Option<Vec<u8>>, LedgerError> {
    let refs = ledger.refs()?;
    let mut refs: Vec<OfRef> = refs
        .iter()
        .filter(|(_, known)| !known.emergencies().is_empty())
        .map(|(name, known)| OfRef {
            ref_hex: hex(name.as_bytes()),
            emergencies: known.emergencies().to_vec(),
        })
        .collect();
    if refs.is_empty() {
        return Ok(None);
    }
    let bytes = by_ref::written(SCHEMA, &refs);
    if bytes.len() <= MAX_FILE {
        return Ok(Some(bytes));
    }
    for of_ref in &mut refs {
        of_ref.emergencies.retain(Debt::is_open);
    }
    Ok(Some(by_ref::written(SCHEMA, &refs)))
}

/// What the server shows in the tree of `commit`; nothing where it shows nothing that can be read.
#[must_use]
pub fn debts(repository: &Repository, commit: Oid) -> Debts {
    let of_ref = |one: OfRef| (one.ref_hex, one.emergencies);
    by_ref::told(repository, commit, (DEBTS, SCHEMA), of_ref)
}
