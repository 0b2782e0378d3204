//! Who had a part in what was accepted: for those who have to be distinct from them later.

use super::Trouble;
use crate::audit::UpdateRecord;
use crate::types::{Oid, PersonName, RefName, Timestamp};
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Everybody who had a part in some accepted moves of a ref.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hands {
    /// Who contributed to a commit.
    pub contributors: BTreeSet<PersonName>,
    /// Whose approval covered one.
    pub approvers: BTreeSet<PersonName>,
}

/// What part a person had. The numbers are in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Part {
    Contributed = 0,
    Approved = 1,
}

/// Writes down who had a part in an accepted move. A move that the push did not make after all
/// only makes more people count as having had one.
pub(in crate::ledger) fn take_in(
    database: &Connection,
    refname: &RefName,
    (seq, time): (u64, Timestamp),
    (update, new): (&UpdateRecord, Oid),
) -> Result<(), Trouble> {
    let sql = "INSERT OR REPLACE INTO accepted (ref, seq, time, new) VALUES (?, ?, ?, ?)";
    let mut accept = database.prepare_cached(sql)?;
    let new = new.as_bytes();
    accept.execute((refname.as_bytes(), seq, time.as_unix(), new))?;
    let sql = "INSERT OR IGNORE INTO hands (ref, seq, part, person) VALUES (?, ?, ?, ?)";
    let mut add = database.prepare_cached(sql)?;
    let contributed = update
        .contributors
        .iter()
        .map(|who| (Part::Contributed, who));
    let approved = update.approved_by.iter().map(|who| (Part::Approved, who));
    for (part, person) in contributed.chain(approved) {
        add.execute((refname.as_bytes(), seq, part as u8, person))?;
    }
    Ok(())
}

/// When the entry accepted a move of the ref.
pub(in crate::ledger) fn accepted_at(
    database: &Connection,
    refname: &RefName,
    seq: u64,
) -> rusqlite::Result<Option<Timestamp>> {
    let mut look_up =
        database.prepare_cached("SELECT time FROM accepted WHERE ref = ? AND seq = ?")?;
    let found = look_up.query_row((refname.as_bytes(), seq), |row| row.get(0));
    Ok(found.optional()?.map(Timestamp::from_unix))
}

/// A move of a ref that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedMove {
    /// The entry that accepted it.
    pub entry: u64,
    /// When that was.
    pub time: Timestamp,
    /// What the ref came to name.
    pub commit: Oid,
}

/// The last moves of the ref that were accepted, the newest first.
pub(in crate::ledger) fn last(
    database: &Connection,
    refname: &RefName,
    most: usize,
) -> Result<Vec<AcceptedMove>, Trouble> {
    let sql = "SELECT seq, time, new FROM accepted WHERE ref = ? ORDER BY seq DESC LIMIT ?";
    let mut all = database.prepare_cached(sql)?;
    let mut rows = all.query((refname.as_bytes(), most))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let commit = Oid::from_bytes(&row.get::<_, Vec<u8>>(2)?);
        found.push(AcceptedMove {
            entry: row.get(0)?,
            time: Timestamp::from_unix(row.get(1)?),
            commit: commit.map_err(|error| Trouble::Broken(error.to_string()))?,
        });
    }
    Ok(found)
}

/// Everybody who had a part in what the entries behind `after`, up to and with `upto`, accepted.
pub(in crate::ledger) fn between(
    database: &Connection,
    refname: &RefName,
    after: u64,
    upto: u64,
) -> rusqlite::Result<Hands> {
    let sql = "SELECT DISTINCT part, person FROM hands WHERE ref = ? AND seq > ? AND seq <= ?";
    let mut all = database.prepare_cached(sql)?;
    let mut rows = all.query((refname.as_bytes(), after, upto))?;
    let mut hands = Hands::default();
    while let Some(row) = rows.next()? {
        let person = PersonName::new(row.get::<_, String>(1)?);
        if row.get::<_, u8>(0)? == Part::Approved as u8 {
            hands.approvers.insert(person);
        } else {
            hands.contributors.insert(person);
        }
    }
    Ok(hands)
}
