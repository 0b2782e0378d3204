//! The ledger: what the audit log means for the next push, for quick look-up.
//!
//! For each protected ref, the last commit that was accepted and the moves that verdicts allow;
//! for each statement, when it was first seen. All of it can be rebuilt from the audit log.

mod database;
mod error;
mod refs;

use crate::audit::{AuditLog, Event, PermitRecord, VerdictRecord};
use crate::facts::Memory;
use crate::types::{Oid, RefName, Timestamp};
use database::Database;
pub use error::LedgerError;
pub use refs::RefRecord;
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;

/// The ledger of one repository. While one is open, nobody can make its file again: a program that
/// runs for long opens it anew for each question.
#[derive(Debug)]
pub struct Ledger {
    database: Database,
}

impl Ledger {
    /// The ledger below relhook's folder, rebuilt from `log` where it was lost or damaged, and once
    /// after each start of the machine: its file is not synced, so a power cut may have taken some.
    ///
    /// # Errors
    /// When it can neither be read nor rebuilt.
    pub fn open(folder: &Path, log: &AuditLog) -> Result<Self, LedgerError> {
        let database =
            Database::open(folder, &boot_id(), |database| read_log_again(database, log))?;
        Ok(Self { database })
    }

    /// Takes in a recorded verdict: its permits, and what was first seen in it.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn apply(
        &self,
        seq: u64,
        time: Timestamp,
        verdict: &VerdictRecord,
    ) -> Result<(), LedgerError> {
        let whole = self.database.write()?;
        take_in(&whole, seq, time, verdict).map_err(self.trouble())?;
        whole.commit().map_err(self.database.failed())
    }

    /// Takes a ref's value as given: what it reaches is not judged.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn pin(&self, refname: &RefName, oid: Oid) -> Result<(), LedgerError> {
        let whole = self.database.write()?;
        pin(&whole, refname, oid).map_err(self.trouble())?;
        whole.commit().map_err(self.database.failed())
    }

    /// What is known of a ref.
    ///
    /// # Errors
    /// When the ledger cannot be read or holds what it never writes.
    pub fn record(&self, refname: &RefName) -> Result<RefRecord, LedgerError> {
        record(self.database.connection(), refname).map_err(self.trouble())
    }

    /// Every protected ref that anything is known of, by name.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn refs(&self) -> Result<Vec<(RefName, RefRecord)>, LedgerError> {
        refs(self.database.connection()).map_err(self.trouble())
    }

    /// When a statement or approving commit was first seen here.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn seen(&self, oid: Oid) -> Result<Option<Timestamp>, LedgerError> {
        seen(self.database.connection(), oid).map_err(self.database.failed())
    }

    fn trouble(&self) -> impl Fn(Trouble) -> LedgerError + '_ {
        |trouble| match trouble {
            Trouble::Database(error) => self.database.failed()(error),
            Trouble::Broken(why) => self.database.broken(why),
        }
    }
}

/// What goes wrong between the ledger and its file.
#[derive(Debug)]
enum Trouble {
    Database(rusqlite::Error),
    Broken(String),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// Reads the audit log, which is verified on the way, into an empty ledger.
fn read_log_again(database: &Connection, log: &AuditLog) -> Result<(), LedgerError> {
    let mut failed = None;
    crate::audit::verify(log, |entry| {
        if failed.is_none() {
            failed = replay(database, entry.seq, entry.time, &entry.event).err();
        }
    })?;
    match failed {
        None => Ok(()),
        Some(Trouble::Database(error)) => Err(LedgerError::Rebuild(error)),
        Some(Trouble::Broken(why)) => Err(LedgerError::Broken {
            path: log.file(),
            why,
        }),
    }
}

fn replay(database: &Connection, seq: u64, time: Timestamp, event: &Event) -> Result<(), Trouble> {
    match event {
        Event::Pinned(given) => pin(database, &name(&given.ref_hex)?, given.oid),
        Event::Verdict(verdict) => take_in(database, seq, time, verdict),
        Event::Begun { .. }
        | Event::Refused { .. }
        | Event::Release(_)
        | Event::Recovered { .. } => Ok(()),
    }
}

fn take_in(
    database: &Connection,
    seq: u64,
    time: Timestamp,
    verdict: &VerdictRecord,
) -> Result<(), Trouble> {
    if verdict.outcome != "accepted" {
        return Ok(());
    }
    for oid in &verdict.seen {
        see(database, *oid, time)?;
    }
    let permits = verdict.updates.iter();
    for permit in permits.filter_map(|update| update.permit.as_ref()) {
        allow(database, permit, seq, time)?;
    }
    Ok(())
}

fn allow(
    database: &Connection,
    permit: &PermitRecord,
    seq: u64,
    time: Timestamp,
) -> Result<(), Trouble> {
    let refname = name(&permit.ref_hex)?;
    let mut known = record(database, &refname)?;
    known.allow(permit, seq, time);
    write(database, &refname, &known)
}

fn pin(database: &Connection, refname: &RefName, oid: Oid) -> Result<(), Trouble> {
    let mut known = record(database, refname)?;
    known.pin(oid);
    write(database, refname, &known)
}

fn name(hex: &str) -> Result<RefName, Trouble> {
    refs::name_from_hex(hex).map_err(Trouble::Broken)
}

fn record(database: &Connection, refname: &RefName) -> Result<RefRecord, Trouble> {
    let mut look_up = database.prepare_cached("SELECT record FROM refs WHERE name = ?")?;
    let found = look_up.query_row([refname.as_bytes()], |row| row.get::<_, String>(0));
    match found.optional()? {
        None => Ok(RefRecord::default()),
        Some(json) => parse(&json),
    }
}

fn refs(database: &Connection) -> Result<Vec<(RefName, RefRecord)>, Trouble> {
    let mut all = database.prepare_cached("SELECT name, record FROM refs ORDER BY name")?;
    let mut rows = all.query([])?;
    let mut refs = Vec::new();
    while let Some(row) = rows.next()? {
        let name = RefName::new(&row.get::<_, Vec<u8>>(0)?);
        let name = name.map_err(|error| Trouble::Broken(error.to_string()))?;
        refs.push((name, parse(&row.get::<_, String>(1)?)?));
    }
    Ok(refs)
}

fn parse(json: &str) -> Result<RefRecord, Trouble> {
    serde_json::from_str(json).map_err(|error| Trouble::Broken(error.to_string()))
}

fn write(database: &Connection, refname: &RefName, record: &RefRecord) -> Result<(), Trouble> {
    let json = serde_json::to_string(record);
    let json = json.map_err(|error| Trouble::Broken(error.to_string()))?;
    let sql = "INSERT OR REPLACE INTO refs (name, record) VALUES (?, ?)";
    let mut replace = database.prepare_cached(sql)?;
    replace.execute((refname.as_bytes(), json))?;
    Ok(())
}

fn seen(database: &Connection, oid: Oid) -> rusqlite::Result<Option<Timestamp>> {
    let mut look_up = database.prepare_cached("SELECT time FROM seen WHERE oid = ?")?;
    let found = look_up.query_row([oid.as_bytes()], |row| row.get(0));
    Ok(found.optional()?.map(Timestamp::from_unix))
}

/// Remembers when `oid` was first seen; an earlier time stands.
fn see(database: &Connection, oid: Oid, time: Timestamp) -> Result<(), Trouble> {
    let mut add =
        database.prepare_cached("INSERT OR IGNORE INTO seen (oid, time) VALUES (?, ?)")?;
    add.execute((oid.as_bytes(), time.as_unix()))?;
    Ok(())
}

/// What tells this start of the machine from others. Where the system does not say, nothing: then
/// the log is read again each time.
fn boot_id() -> Vec<u8> {
    std::fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}

impl Memory for Ledger {
    fn approved(&self, refname: &RefName, current: Option<Oid>) -> Result<Option<Oid>, String> {
        let record = self.record(refname).map_err(|error| error.to_string())?;
        Ok(current.filter(|oid| record.knows(*oid)).or(record.approved))
    }

    fn first_seen(&self, oid: Oid) -> Result<Option<Timestamp>, String> {
        self.seen(oid).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests;
