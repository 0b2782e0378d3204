//! What is owed for emergencies, as clones see it: beside the checkpoint, on the same ref. It is not
//! signed: it tells people what the server will say, and decides nothing there.

use super::MAX_FILE;
use crate::facts::Debt;
use crate::ledger::{Ledger, LedgerError, name_from_hex};
use crate::types::{Oid, RefName, hex};
use git2::{ObjectType, Repository};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The file in the tree of the checkpoint's ref.
pub(super) const DEBTS: &str = "debts";

/// What the first field says.
const SCHEMA: &str = "relhook/debts/v1";

/// The emergencies of each ref that are remembered.
pub type Debts = BTreeMap<RefName, Vec<Debt>>;

#[derive(Debug, Serialize, Deserialize)]
struct File {
    schema: String,
    refs: Vec<OfRef>,
}

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
    let bytes = written(&refs);
    if bytes.len() <= MAX_FILE {
        return Ok(Some(bytes));
    }
    for of_ref in &mut refs {
        of_ref.emergencies.retain(Debt::is_open);
    }
    Ok(Some(written(&refs)))
}

fn written(refs: &[OfRef]) -> Vec<u8> {
    let file = serde_json::json!({ "schema": SCHEMA, "refs": refs });
    format!("{file}\n").into_bytes()
}

/// What the server shows in the tree of `commit`; nothing where it shows nothing that can be read.
#[must_use]
pub fn debts(repository: &Repository, commit: Oid) -> Debts {
    let read = || -> Option<Debts> {
        let id = git2::Oid::from_bytes(commit.as_bytes()).ok()?;
        let tree = repository.find_commit(id).ok()?.tree().ok()?;
        let entry = tree.get_name(DEBTS)?;
        let odb = repository.odb().ok()?;
        let (size, kind) = odb.read_header(entry.id()).ok()?;
        if kind != ObjectType::Blob || size > MAX_FILE {
            return None;
        }
        let file: File = serde_json::from_slice(odb.read(entry.id()).ok()?.data()).ok()?;
        if file.schema != SCHEMA {
            return None;
        }
        let refs = file.refs.into_iter();
        refs.map(|one| Some((name_from_hex(&one.ref_hex).ok()?, one.emergencies)))
            .collect()
    };
    read().unwrap_or_default()
}
