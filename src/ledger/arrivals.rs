//! Which push brought which commit, and whether it got in.
//!
//! A push claims what it brings before it is answered, and may be refused after that. So a claim
//! is open until the push's own process is seen to move refs, or its quarantine is gone: git has
//! then put all objects into the store, or none. The whole argument is in
//! docs/decisions/ledger.md.

use super::Trouble;
use crate::audit::{ArrivalsRecord, AuditLog};
use crate::facts::Arrival;
use crate::types::{Oid, Timestamp};
use rusqlite::{Connection, OptionalExtension, Rows, params_from_iter};
use std::collections::HashMap;

/// How far a push is known to have come. The numbers are in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum State {
    /// Perhaps still under way.
    Open = 0,
    /// Its own process was seen to move refs: its objects are in the store.
    Landed = 1,
    /// Something that only it brought is in the store.
    Found = 2,
    /// As `Landed`, and the log says so.
    LandedTold = 3,
    /// As `Found`, and the log says so.
    FoundTold = 4,
    /// Over. Some of what it brought is in the store, where others may have put it.
    Doubtful = 5,
}

/// What of the pushes before it an entry of the log tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tidings {
    /// The entries of pushes whose own process was seen to move refs.
    pub landed: Vec<u64>,
    /// The entries of pushes that brought something that is in the store and that nobody else
    /// brought.
    pub found: Vec<u64>,
}

/// So many pushes are told to the log in one entry.
const MOST_TOLD: u32 = 1000;
/// So many objects are looked at in one go.
const BATCH: usize = 4096;

/// So many objects are looked up together.
const AT_ONCE: usize = 64;

/// Writes down what a push claims to bring.
pub(in crate::ledger) fn claim(
    database: &Connection,
    log: &AuditLog,
    (seq, time): (u64, Timestamp),
    arrivals: &ArrivalsRecord,
    process: Option<&str>,
) -> Result<(), Trouble> {
    let by = serde_json::to_string(&arrivals.by);
    let by = by.map_err(|error| Trouble::Broken(error.to_string()))?;
    let sql = "INSERT OR REPLACE INTO pushes (seq, time, by, state, quarantine, process) \
               VALUES (?, ?, ?, ?, ?, ?)";
    database.prepare_cached(sql)?.execute((
        seq,
        time.as_unix(),
        by,
        State::Open as u8,
        &arrivals.quarantine,
        process,
    ))?;
    let sql = "INSERT OR IGNORE INTO arrivals (oid, push) VALUES (?, ?)";
    let mut add = database.prepare_cached(sql)?;
    each_arrival(log, arrivals, &mut |oid| {
        add.execute((oid.as_bytes(), seq))?;
        Ok(())
    })
}

/// Hands on what a push says that it brings: what the entry lists, and what the evidence does.
pub(crate) fn each_arrival(
    log: &AuditLog,
    arrivals: &ArrivalsRecord,
    each: &mut dyn FnMut(Oid) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    for oid in &arrivals.oids {
        each(*oid)?;
    }
    for hash in &arrivals.lists {
        let list = log.evidence(hash).map_err(Trouble::Audit)?;
        for oid in listed(&list) {
            each(oid.ok_or_else(|| Trouble::Broken(format!("{hash} is no list of ids")))?)?;
        }
    }
    Ok(())
}

/// The ids in a list of arrivals, each on a line of its own.
pub(in crate::ledger) fn listed(list: &[u8]) -> impl Iterator<Item = Option<Oid>> {
    let whole = list.strip_suffix(b"\n");
    let lines = whole
        .into_iter()
        .flat_map(|list| list.split(|byte| *byte == b'\n'));
    let cut = whole.is_none().then_some(None);
    lines.map(|line| Oid::from_hex(line).ok()).chain(cut)
}

/// For each of some objects the pushes that brought it and may have been the first to; nothing of those
/// that none did.
pub(in crate::ledger) fn of(
    database: &Connection,
    oids: &[Oid],
) -> Result<HashMap<Oid, Vec<Arrival>>, Trouble> {
    let mut found = HashMap::new();
    let (many, few) = oids.as_chunks::<AT_ONCE>();
    if !many.is_empty() {
        let sql = format!("{LOOK_UP} IN ({}) ORDER BY seq", ["?"; AT_ONCE].join(", "));
        let mut look_up = database.prepare_cached(&sql)?;
        for oids in many {
            take(look_up.query(params_from_iter(bytes(oids)))?, &mut found)?;
        }
    }
    if !few.is_empty() {
        let mut look_up = database.prepare_cached(&format!("{LOOK_UP} = ? ORDER BY seq"))?;
        for oid in few {
            take(look_up.query([oid.as_bytes()])?, &mut found)?;
        }
    }
    Ok(found)
}

const LOOK_UP: &str = "SELECT oid, by, state FROM arrivals JOIN pushes ON seq = push WHERE oid";

fn bytes(oids: &[Oid]) -> impl Iterator<Item = &[u8; 20]> {
    oids.iter().map(Oid::as_bytes)
}

fn take(mut rows: Rows<'_>, found: &mut HashMap<Oid, Vec<Arrival>>) -> Result<(), Trouble> {
    while let Some(row) = rows.next()? {
        let oid = Oid::from_bytes(&row.get::<_, [u8; 20]>(0)?);
        let oid = oid.map_err(|error| Trouble::Broken(error.to_string()))?;
        let by = serde_json::from_str(&row.get::<_, String>(1)?);
        let state: u8 = row.get(2)?;
        found.entry(oid).or_default().push(Arrival {
            by: by.map_err(|error| Trouble::Broken(error.to_string()))?,
            landed: (State::Landed as u8..=State::FoundTold as u8).contains(&state),
        });
    }
    Ok(())
}

/// When a push first brought an object.
pub(in crate::ledger) fn since(
    database: &Connection,
    oid: Oid,
) -> rusqlite::Result<Option<Timestamp>> {
    let sql = "SELECT MIN(time) FROM arrivals JOIN pushes ON seq = push WHERE oid = ?";
    let mut look_up = database.prepare_cached(sql)?;
    let time: Option<i64> = look_up.query_row([oid.as_bytes()], |row| row.get(0))?;
    Ok(time.map(Timestamp::from_unix))
}

/// A push that was open when it was last looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenPush {
    pub(in crate::ledger) seq: u64,
    /// The folder, below the repository's objects, that is there as long as it may be under way.
    pub quarantine: Option<String>,
}

/// Every push of which it is not known how it ended.
pub(in crate::ledger) fn open(database: &Connection) -> rusqlite::Result<Vec<OpenPush>> {
    let sql = "SELECT seq, quarantine FROM pushes WHERE state = 0 ORDER BY seq";
    let mut all = database.prepare_cached(sql)?;
    let rows = all.query_map([], |row| {
        Ok(OpenPush {
            seq: row.get(0)?,
            quarantine: row.get(1)?,
        })
    })?;
    rows.collect()
}

/// Finds out how a push ended that is over. `kept` says whether the store has an object.
pub(in crate::ledger) fn settle<E: From<Trouble>>(
    database: &Connection,
    seq: u64,
    kept: &dyn Fn(Oid) -> Result<bool, E>,
) -> Result<(), E> {
    let state = state(database, seq).map_err(Trouble::from)?;
    if state != Some(State::Open as u8) {
        return Ok(());
    }
    let mut remain = 0;
    let mut last = Vec::new();
    loop {
        let batch = claims(database, seq, &last)?;
        let Some(end) = batch.last() else { break };
        last = end.oid.as_bytes().to_vec();
        for claim in batch {
            match (kept(claim.oid)?, claim.others, claim.landed) {
                // Nobody else can have put it there.
                (true, false, _) => return Ok(become_state(database, seq, State::Found)?),
                // Perhaps this push, perhaps another.
                (true, true, false) => remain += 1,
                (true, true, true) | (false, ..) => {}
            }
        }
    }
    if remain == 0 {
        return Ok(forget(database, seq)?);
    }
    drop_claims(database, seq, kept)?;
    Ok(become_state(database, seq, State::Doubtful)?)
}

/// One object that a push claims.
struct Claimed {
    oid: Oid,
    /// Whether other pushes claim it too.
    others: bool,
    /// Whether one of them was seen to get in.
    landed: bool,
}

/// Some of the objects that a push claims, in order, from the one after `last`.
fn claims(database: &Connection, seq: u64, last: &[u8]) -> Result<Vec<Claimed>, Trouble> {
    let sql = "SELECT a.oid, \
        EXISTS (SELECT 1 FROM arrivals b WHERE b.oid = a.oid AND b.push <> a.push), \
        EXISTS (SELECT 1 FROM arrivals b JOIN pushes ON seq = b.push \
                WHERE b.oid = a.oid AND b.push <> a.push AND state IN (1, 3)) \
        FROM arrivals a WHERE a.push = ? AND a.oid > ? ORDER BY a.oid LIMIT ?";
    let mut some = database.prepare_cached(sql)?;
    let mut rows = some.query((seq, last, BATCH as u32))?;
    let mut claims = Vec::new();
    while let Some(row) = rows.next()? {
        let oid = Oid::from_bytes(&row.get::<_, Vec<u8>>(0)?);
        claims.push(Claimed {
            oid: oid.map_err(|error| Trouble::Broken(error.to_string()))?,
            others: row.get(1)?,
            landed: row.get(2)?,
        });
    }
    Ok(claims)
}

/// Takes back what the store does not have, and what another push has certainly put there.
fn drop_claims<E: From<Trouble>>(
    database: &Connection,
    seq: u64,
    kept: &dyn Fn(Oid) -> Result<bool, E>,
) -> Result<(), E> {
    let mut last = Vec::new();
    loop {
        let batch = claims(database, seq, &last)?;
        let Some(end) = batch.last() else {
            return Ok(());
        };
        last = end.oid.as_bytes().to_vec();
        for claim in batch {
            if claim.landed || !kept(claim.oid)? {
                drop_claim(database, seq, claim.oid)?;
            }
        }
    }
}

fn drop_claim(database: &Connection, seq: u64, oid: Oid) -> Result<(), Trouble> {
    let sql = "DELETE FROM arrivals WHERE oid = ? AND push = ?";
    database
        .prepare_cached(sql)?
        .execute((oid.as_bytes(), seq))?;
    Ok(())
}

/// A push that never got in claims nothing.
fn forget(database: &Connection, seq: u64) -> Result<(), Trouble> {
    database.execute("DELETE FROM arrivals WHERE push = ?", [seq])?;
    database.execute("DELETE FROM pushes WHERE seq = ?", [seq])?;
    Ok(())
}

fn state(database: &Connection, seq: u64) -> rusqlite::Result<Option<u8>> {
    let mut look_up = database.prepare_cached("SELECT state FROM pushes WHERE seq = ?")?;
    look_up.query_row([seq], |row| row.get(0)).optional()
}

fn become_state(database: &Connection, seq: u64, state: State) -> Result<(), Trouble> {
    let mut set = database.prepare_cached("UPDATE pushes SET state = ? WHERE seq = ?")?;
    set.execute((state as u8, seq))?;
    Ok(())
}

/// The open push that this process made, if there is one.
pub(in crate::ledger) fn of_process(
    database: &Connection,
    process: &str,
) -> rusqlite::Result<Option<u64>> {
    let sql = "SELECT seq FROM pushes WHERE state = 0 AND process = ?";
    let mut look_up = database.prepare_cached(sql)?;
    look_up.query_row([process], |row| row.get(0)).optional()
}

/// Git has put the push's objects into the store.
pub(in crate::ledger) fn landed(database: &Connection, seq: u64) -> rusqlite::Result<()> {
    let sql = "UPDATE pushes SET state = 1 WHERE seq = ? AND state = 0";
    database.prepare_cached(sql)?.execute([seq])?;
    Ok(())
}

/// The pushes that are in the store, and of which the log does not say so yet.
pub(in crate::ledger) fn untold(database: &Connection) -> rusqlite::Result<Tidings> {
    let sql = "SELECT seq, state FROM pushes WHERE state IN (1, 2) ORDER BY seq LIMIT ?";
    let mut some = database.prepare_cached(sql)?;
    let mut rows = some.query([MOST_TOLD])?;
    let mut tidings = Tidings::default();
    while let Some(row) = rows.next()? {
        let list = match row.get::<_, u8>(1)? {
            1 => &mut tidings.landed,
            _ => &mut tidings.found,
        };
        list.push(row.get(0)?);
    }
    Ok(tidings)
}

/// The log says that these pushes are in the store.
pub(in crate::ledger) fn told(
    database: &Connection,
    landed: &[u64],
    found: &[u64],
) -> Result<(), Trouble> {
    for seq in landed {
        become_state(database, *seq, State::LandedTold)?;
    }
    for seq in found {
        become_state(database, *seq, State::FoundTold)?;
    }
    Ok(())
}
