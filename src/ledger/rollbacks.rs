//! What was rolled back: which commits a ref lost when, and on whose word.
//!
//! A rollback counts from its verdict on, whether the push then moved the ref or not: what is undone for
//! nothing only has to be approved once more.

use super::Trouble;
use crate::audit::{AuditLog, RollbackRecord};
use crate::facts::{Acceptance, Undone, WayBack};
use crate::types::{Oid, RefName, Timestamp};
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeMap, BTreeSet};

/// A ref that went back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolledBackRef {
    /// The entry that let it.
    pub seq: u64,
    /// The ref.
    pub refname: RefName,
    /// Where it was before.
    pub old: Oid,
    /// The tags of the statements that it rests on, sorted.
    pub statements: Vec<Oid>,
}

/// A verdict lets a ref go back.
pub(in crate::ledger) fn take_in(
    database: &Connection,
    log: &AuditLog,
    (refname, old): (&RefName, Oid),
    (seq, time): (u64, Timestamp),
    rollback: &RollbackRecord,
) -> Result<(), Trouble> {
    let statements = serde_json::to_string(&rollback.statements);
    let statements = statements.map_err(|error| Trouble::Broken(error.to_string()))?;
    let sql = "INSERT OR REPLACE INTO rollbacks (ref, seq, time, old, statements) \
               VALUES (?, ?, ?, ?, ?)";
    let (name, old) = (refname.as_bytes(), old.as_bytes());
    let row = (name, seq, time.as_unix(), old, statements);
    database.prepare_cached(sql)?.execute(row)?;
    let sql = "INSERT OR IGNORE INTO undone (ref, oid, seq) VALUES (?, ?, ?)";
    let mut add = database.prepare_cached(sql)?;
    each_lost(log, rollback, &mut |oid| {
        add.execute((refname.as_bytes(), oid.as_bytes(), seq))?;
        Ok(())
    })
}

/// Hands on the commits that a ref lost: those that the entry lists, and those that the evidence does.
pub(crate) fn each_lost(
    log: &AuditLog,
    rollback: &RollbackRecord,
    each: &mut dyn FnMut(Oid) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    for oid in &rollback.loses {
        each(*oid)?;
    }
    for hash in &rollback.lists {
        let list = log.evidence(hash).map_err(Trouble::Audit)?;
        for oid in super::arrivals::listed(&list) {
            each(oid.ok_or_else(|| Trouble::Broken(format!("{hash} is no list of ids")))?)?;
        }
    }
    Ok(())
}

/// A ref's value is taken as given.
pub(in crate::ledger) fn pin(
    database: &Connection,
    refname: &RefName,
    oid: Oid,
) -> Result<(), Trouble> {
    let sql = "INSERT OR IGNORE INTO pinned (ref, oid) VALUES (?, ?)";
    let row = (refname.as_bytes(), oid.as_bytes());
    database.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// The rollbacks of a ref that undid some of these commits, in the order of their entries.
pub(in crate::ledger) fn undone(
    database: &Connection,
    refname: &RefName,
    commits: &[Oid],
) -> Result<Vec<Undone>, Trouble> {
    let sql = "SELECT seq FROM undone WHERE ref = ? AND oid = ?";
    let mut look_up = database.prepare_cached(sql)?;
    let mut by_entry: BTreeMap<u64, BTreeSet<Oid>> = BTreeMap::new();
    for oid in commits {
        let mut rows = look_up.query((refname.as_bytes(), oid.as_bytes()))?;
        while let Some(row) = rows.next()? {
            by_entry.entry(row.get(0)?).or_default().insert(*oid);
        }
    }
    let by_entry = by_entry.into_iter();
    by_entry
        .map(|(seq, commits)| {
            let (at, statements) = rollback(database, refname, seq)?;
            Ok(Undone {
                statements,
                at,
                commits,
            })
        })
        .collect()
}

fn rollback(
    database: &Connection,
    refname: &RefName,
    seq: u64,
) -> Result<(Timestamp, Vec<Oid>), Trouble> {
    let sql = "SELECT time, statements FROM rollbacks WHERE ref = ? AND seq = ?";
    let mut look_up = database.prepare_cached(sql)?;
    let (time, statements) = look_up.query_row((refname.as_bytes(), seq), |row| {
        Ok((row.get(0)?, row.get::<_, String>(1)?))
    })?;
    Ok((Timestamp::from_unix(time), tags(&statements)?))
}

fn tags(json: &str) -> Result<Vec<Oid>, Trouble> {
    serde_json::from_str(json).map_err(|error| Trouble::Broken(error.to_string()))
}

/// What is known of moving a ref back.
pub(in crate::ledger) fn way_back(
    database: &Connection,
    refname: &RefName,
    old: Oid,
    new: Oid,
) -> Result<WayBack, Trouble> {
    let accepted = last_accepted(database, refname, new, u64::MAX)?;
    let sql = "SELECT MAX(seq) FROM undone WHERE ref = ? AND oid = ?";
    let undone: Option<u64> =
        database.query_row(sql, (refname.as_bytes(), new.as_bytes()), |row| row.get(0))?;
    let sql = "SELECT MAX(time) FROM accepted WHERE ref = ? AND new = ?";
    let since: Option<i64> =
        database.query_row(sql, (refname.as_bytes(), old.as_bytes()), |row| row.get(0))?;
    Ok(WayBack {
        accepted: match (accepted, undone) {
            (None, _) => Acceptance::Never,
            (Some(accepted), Some(undone)) if undone > accepted => Acceptance::Undone,
            (Some(_), _) => Acceptance::Accepted,
        },
        since: since.map(Timestamp::from_unix),
        spent: spent(database, refname)?,
    })
}

/// The last entry before `before` that accepted a commit; 0 where it was taken as given.
fn last_accepted(
    database: &Connection,
    refname: &RefName,
    oid: Oid,
    before: u64,
) -> rusqlite::Result<Option<u64>> {
    let before = i64::try_from(before).unwrap_or(i64::MAX);
    let sql = "SELECT MAX(seq) FROM accepted WHERE ref = ? AND new = ? AND seq < ?";
    let row = (refname.as_bytes(), oid.as_bytes(), before);
    let accepted: Option<u64> = database.query_row(sql, row, |row| row.get(0))?;
    if accepted.is_some() {
        return Ok(accepted);
    }
    let sql = "SELECT 0 FROM pinned WHERE ref = ? AND oid = ?";
    let row = (refname.as_bytes(), oid.as_bytes());
    database.query_row(sql, row, |row| row.get(0)).optional()
}

fn spent(database: &Connection, refname: &RefName) -> Result<BTreeSet<Oid>, Trouble> {
    let mut all = database.prepare_cached("SELECT statements FROM rollbacks WHERE ref = ?")?;
    let mut rows = all.query([refname.as_bytes()])?;
    let mut spent = BTreeSet::new();
    while let Some(row) = rows.next()? {
        spent.extend(tags(&row.get::<_, String>(0)?)?);
    }
    Ok(spent)
}

/// The entry that had accepted what the entry `seq` rolled a ref back to.
pub(in crate::ledger) fn rolled_back_to(
    database: &Connection,
    refname: &RefName,
    seq: u64,
) -> rusqlite::Result<Option<u64>> {
    let sql = "SELECT new FROM accepted JOIN rollbacks USING (ref, seq) WHERE ref = ? AND seq = ?";
    let mut look_up = database.prepare_cached(sql)?;
    let found = look_up.query_row((refname.as_bytes(), seq), |row| row.get::<_, Vec<u8>>(0));
    let Some(oid) = found.optional()?.and_then(|oid| Oid::from_bytes(&oid).ok()) else {
        return Ok(None);
    };
    last_accepted(database, refname, oid, seq)
}

/// Every rollback.
pub(in crate::ledger) fn all(database: &Connection) -> Result<Vec<RolledBackRef>, Trouble> {
    let sql = "SELECT seq, ref, statements, old FROM rollbacks ORDER BY seq, ref";
    let mut all = database.prepare_cached(sql)?;
    let mut rows = all.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let name = RefName::new(&row.get::<_, Vec<u8>>(1)?);
        let old = Oid::from_bytes(&row.get::<_, Vec<u8>>(3)?);
        found.push(RolledBackRef {
            seq: row.get(0)?,
            old: old.map_err(|error| Trouble::Broken(error.to_string()))?,
            refname: name.map_err(|error| Trouble::Broken(error.to_string()))?,
            statements: tags(&row.get::<_, String>(2)?)?,
        });
    }
    Ok(found)
}
