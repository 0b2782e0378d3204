//! The ledger: what the audit log means for the next push, for quick look-up.
//!
//! For each protected ref, the last commit that was accepted and the moves that verdicts allow;
//! for each statement, when it was first seen. All of it can be rebuilt from the audit log.

mod arrivals;
mod database;
mod debts;
mod error;
mod hands;
mod moves;
mod refs;
mod rollbacks;

use crate::audit::{
    AuditError, AuditLog, DebtRecord, Event, MovedRecord, PermitRecord, UpdateRecord, VerdictRecord,
};
use crate::facts::{Arrival, Debt, Known, Memory, Undone, WayBack};
use crate::types::{Oid, RefName, Timestamp};
pub(crate) use arrivals::each_arrival;
pub use arrivals::{OpenPush, Tidings};
pub use database::alone;
use database::{Database, First};
pub(crate) use debts::due;
pub use error::LedgerError;
pub use hands::{AcceptedMove, Hands};
pub use moves::OpenMove;
pub use refs::RefRecord;
pub(crate) use refs::name_from_hex;
pub use rollbacks::RolledBackRef;
pub(crate) use rollbacks::each_lost;
use rusqlite::{Connection, OptionalExtension};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The ledger of one repository. While one is open, nobody can make its file again: a program that
/// runs for long opens it anew for each question.
#[derive(Debug)]
pub struct Ledger {
    database: Database,
    log: AuditLog,
    /// The ref whose record was read last for a range, if nothing of it was ever rolled back: nobody
    /// has to look for what was undone then.
    never_rolled_back: RefCell<Option<RefName>>,
}

impl Ledger {
    /// The ledger below relhook's folder, rebuilt from `log` where it was lost or damaged, and once
    /// after each start of the machine: its file is not synced, so a power cut may have taken some.
    ///
    /// # Errors
    /// When it can neither be read nor rebuilt.
    pub fn open(folder: &Path, log: &AuditLog) -> Result<Self, LedgerError> {
        Self::open_and_read(folder, log, &|_| Ok(())).map(|(ledger, ())| ledger)
    }

    /// Like [`Self::open`], and every push of which it is not known how it ended.
    ///
    /// # Errors
    /// As there.
    pub fn open_with_pushes(
        folder: &Path,
        log: &AuditLog,
    ) -> Result<(Self, Vec<OpenPush>), LedgerError> {
        Self::open_and_read(folder, log, &arrivals::open)
    }

    /// Like [`Self::open`], where refs move: notes that `process` moves them, if it can be named. What
    /// its push brought is then in the store. That this was seen spares the next push a look at the
    /// store; where it cannot be written down, it is looked at.
    ///
    /// # Errors
    /// As there.
    pub fn open_for_move(
        folder: &Path,
        log: &AuditLog,
        process: Option<&str>,
    ) -> Result<Self, LedgerError> {
        let (ledger, push) = Self::open_and_read(folder, log, &|database| {
            Ok(process.and_then(|process| arrivals::of_process(database, process).ok()?))
        })?;
        if let Some(seq) = push {
            let _ = ledger.landed(seq);
        }
        Ok(ledger)
    }

    fn open_and_read<T>(
        folder: &Path,
        log: &AuditLog,
        first: First<'_, T>,
    ) -> Result<(Self, T), LedgerError> {
        let fill = |database: &Connection| read_log_again(database, log);
        let (database, read) = Database::open(folder, &boot_id(), fill, first)?;
        let log = AuditLog::at(folder);
        let ledger = Self {
            database,
            log,
            never_rolled_back: RefCell::new(None),
        };
        Ok((ledger, read))
    }

    fn landed(&self, seq: u64) -> Result<(), LedgerError> {
        let whole = self.database.write()?;
        arrivals::landed(&whole, seq).map_err(self.database.failed())?;
        whole.commit().map_err(self.database.failed())
    }

    /// Takes in a recorded verdict: its permits, what was first seen in it, and what arrives with
    /// it. `process` names the process that will move the refs, where it can be named.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn apply(
        &self,
        seq: u64,
        time: Timestamp,
        verdict: &VerdictRecord,
        process: Option<&str>,
    ) -> Result<(), LedgerError> {
        let whole = self.database.write()?;
        let entry = (seq, time);
        take_in(&whole, &self.log, entry, verdict, process).map_err(self.trouble())?;
        whole.commit().map_err(self.database.failed())
    }

    /// Finds out how these pushes ended. They are over, and were before `kept` looked at the
    /// store: it says of an object whether the store has it, without what is in quarantine.
    ///
    /// # Errors
    /// When the ledger cannot be read or written, and with the errors of `kept`.
    pub fn settle<E: From<LedgerError>>(
        &self,
        over: &[OpenPush],
        kept: &dyn Fn(Oid) -> Result<bool, E>,
    ) -> Result<(), E> {
        if over.is_empty() {
            return Ok(());
        }
        let whole = self.database.write()?;
        for push in over {
            arrivals::settle(&whole, push.seq, &|oid| kept(oid).map_err(Stopped::Other)).map_err(
                |stopped| match stopped {
                    Stopped::Ledger(trouble) => self.trouble()(trouble).into(),
                    Stopped::Other(error) => error,
                },
            )?;
        }
        Ok(whole.commit().map_err(self.database.failed())?)
    }

    /// What the next entry of the log has to tell of the pushes before it; and which of these
    /// objects [`Self::seen`] knows.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn tidings(&self, oids: &[Oid]) -> Result<(Tidings, HashSet<Oid>), LedgerError> {
        let read = || {
            let whole = self.database.read()?;
            let mut known = HashSet::new();
            for oid in oids {
                if seen(&whole, *oid)?.is_some() {
                    known.insert(*oid);
                }
            }
            Ok((arrivals::untold(&whole)?, known))
        };
        read().map_err(self.database.failed())
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

    /// The moves that verdicts allowed and of which the log does not say yet what became of them, in the
    /// order of their entries; at most some thousand.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn open_moves(&self) -> Result<Vec<OpenMove>, LedgerError> {
        moves::open(self.database.connection()).map_err(self.trouble())
    }

    /// The log says what became of these moves.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn told(&self, moved: &[MovedRecord]) -> Result<(), LedgerError> {
        let whole = self.database.write()?;
        for one in moved {
            became(&whole, one).map_err(self.trouble())?;
        }
        whole.commit().map_err(self.database.failed())
    }

    /// The log tells of these deadlines.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn told_of(&self, debts: &[DebtRecord]) -> Result<(), LedgerError> {
        let whole = self.database.write()?;
        for debt in debts {
            debts::change(&whole, &debt.ref_hex, |known| known.tell(debt))
                .map_err(self.trouble())?;
        }
        whole.commit().map_err(self.database.failed())
    }

    /// When an accepted push first brought a statement as one, or an approving commit to a ref that
    /// a rule protects. When it first came here at all is what [`Memory::first_seen`] answers.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn seen(&self, oid: Oid) -> Result<Option<Timestamp>, LedgerError> {
        seen(self.database.connection(), oid).map_err(self.database.failed())
    }

    /// When the entry `seq` accepted a move of `refname`; nothing if it did not.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn accepted_at(
        &self,
        refname: &RefName,
        seq: u64,
    ) -> Result<Option<Timestamp>, LedgerError> {
        hands::accepted_at(self.database.connection(), refname, seq).map_err(self.database.failed())
    }

    /// The last moves of `refname` that were accepted, the newest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn last_accepted(
        &self,
        refname: &RefName,
        most: usize,
    ) -> Result<Vec<AcceptedMove>, LedgerError> {
        hands::last(self.database.connection(), refname, most).map_err(self.trouble())
    }

    /// When what the entry `seq` rolled `refname` back to was accepted before, by its entry; nothing where that
    /// entry is no rollback. 0 stands for what was there before relhook.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn rolled_back_to(&self, refname: &RefName, seq: u64) -> Result<Option<u64>, LedgerError> {
        rollbacks::rolled_back_to(self.database.connection(), refname, seq)
            .map_err(self.database.failed())
    }

    /// Every rollback of a protected ref, in the order of their entries.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn rollbacks(&self) -> Result<Vec<RolledBackRef>, LedgerError> {
        rollbacks::all(self.database.connection()).map_err(self.trouble())
    }

    /// Who had a part in what was accepted for `refname` by the entries behind `after`, up to and
    /// with `upto`.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn hands(&self, refname: &RefName, after: u64, upto: u64) -> Result<Hands, LedgerError> {
        hands::between(self.database.connection(), refname, after, upto)
            .map_err(self.database.failed())
    }

    fn note_rollbacks(&self, refname: &RefName, record: &RefRecord) {
        let never = (!record.was_rolled_back()).then(|| refname.clone());
        self.never_rolled_back.replace(never);
    }

    fn trouble(&self) -> impl Fn(Trouble) -> LedgerError + '_ {
        |trouble| match trouble {
            Trouble::Database(error) => self.database.failed()(error),
            Trouble::Broken(why) => self.database.broken(why),
            Trouble::Audit(error) => LedgerError::Audit(error),
        }
    }
}

/// What goes wrong between the ledger and its file.
#[derive(Debug)]
pub(crate) enum Trouble {
    Database(rusqlite::Error),
    Broken(String),
    Audit(AuditError),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Database(error) => error.fmt(f),
            Self::Broken(why) => f.write_str(why),
            Self::Audit(error) => error.fmt(f),
        }
    }
}

/// What ends a look at the store.
enum Stopped<E> {
    Ledger(Trouble),
    Other(E),
}

impl<E> From<Trouble> for Stopped<E> {
    fn from(trouble: Trouble) -> Self {
        Self::Ledger(trouble)
    }
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
            failed = replay(database, log, (entry.seq, entry.time), &entry.event).err();
        }
    })?;
    match failed {
        None => Ok(()),
        Some(Trouble::Database(error)) => Err(LedgerError::Rebuild(error)),
        Some(Trouble::Audit(error)) => Err(LedgerError::Audit(error)),
        Some(Trouble::Broken(why)) => Err(LedgerError::Broken {
            path: log.file(),
            why,
        }),
    }
}

fn replay(
    database: &Connection,
    log: &AuditLog,
    entry: (u64, Timestamp),
    event: &Event,
) -> Result<(), Trouble> {
    match event {
        Event::Pinned(given) => pin(database, &name(&given.ref_hex)?, given.oid),
        Event::Verdict(verdict) => take_in(database, log, entry, verdict, None),
        Event::Moved(moved) => became(database, moved),
        Event::Debt(debt) => debts::change(database, &debt.ref_hex, |known| known.tell(debt)),
        Event::Begun { .. }
        | Event::Refused { .. }
        | Event::Release(_)
        | Event::Course(_)
        | Event::Drift(_)
        | Event::Heartbeat(_)
        | Event::Migrated { .. }
        | Event::Redacted(_)
        | Event::Read(_)
        | Event::Stream(_)
        | Event::Long { .. }
        | Event::Recovered { .. } => Ok(()),
    }
}

fn take_in(
    database: &Connection,
    log: &AuditLog,
    (seq, time): (u64, Timestamp),
    verdict: &VerdictRecord,
    process: Option<&str>,
) -> Result<(), Trouble> {
    arrivals::told(database, &verdict.landed, &verdict.found)?;
    if !verdict.let_in() {
        return Ok(());
    }
    for oid in &verdict.seen {
        see(database, *oid, time)?;
    }
    for update in &verdict.updates {
        let Some(permit) = &update.permit else {
            continue;
        };
        let refname = name(&permit.ref_hex)?;
        allow(database, update, permit, (seq, time))?;
        hands::take_in(database, &refname, (seq, time), (update, permit.new))?;
        if let (Some(rollback), Some(old)) = (&update.rollback, permit.old) {
            rollbacks::take_in(database, log, (&refname, old), (seq, time), rollback)?;
        }
    }
    for settled in &verdict.settled {
        debts::change(database, &settled.ref_hex, |known| {
            known.settle(settled, seq)
        })?;
    }
    match &verdict.arrivals {
        Some(arriving) => arrivals::claim(database, log, (seq, time), arriving, process),
        None => Ok(()),
    }
}

fn allow(
    database: &Connection,
    update: &UpdateRecord,
    permit: &PermitRecord,
    (seq, time): (u64, Timestamp),
) -> Result<(), Trouble> {
    moves::allow(database, permit, seq, time)?;
    let refname = name(&permit.ref_hex)?;
    let mut known = record(database, &refname)?;
    known.allow(permit, seq, time);
    if let Some(emergency) = &update.emergency {
        let declared = known.declare(emergency, permit, seq, time);
        declared.map_err(Trouble::Broken)?;
    } else {
        known.approve(permit);
    }
    if update.rollback.is_some() {
        known.rolled_back();
    }
    write(database, &refname, &known)
}

fn became(database: &Connection, moved: &MovedRecord) -> Result<(), Trouble> {
    moves::told(database, moved)?;
    debts::change(database, &moved.ref_hex, |known| known.became(moved))
}

fn pin(database: &Connection, refname: &RefName, oid: Oid) -> Result<(), Trouble> {
    let mut known = record(database, refname)?;
    known.pin(oid);
    rollbacks::pin(database, refname, oid)?;
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
    // One line, which the system gives whole.
    let mut id = [0; 128];
    let file = File::open("/proc/sys/kernel/random/boot_id");
    let read = file.and_then(|mut file| file.read(&mut id));
    read.ok()
        .and_then(|length| id.get(..length))
        .map_or_else(Vec::new, <[u8]>::to_vec)
}

impl Memory for Ledger {
    fn approved(&self, refname: &RefName, current: Option<Oid>) -> Result<Option<Oid>, String> {
        let record = self.record(refname).map_err(|error| error.to_string())?;
        self.note_rollbacks(refname, &record);
        Ok(record.base(current))
    }

    fn emergencies(&self, refname: &RefName) -> Result<Vec<Debt>, String> {
        let record = self.record(refname).map_err(|error| error.to_string())?;
        Ok(record.emergencies)
    }

    fn known(&self, refname: &RefName, current: Option<Oid>) -> Result<Known, String> {
        let record = self.record(refname).map_err(|error| error.to_string())?;
        self.note_rollbacks(refname, &record);
        Ok(Known {
            approved: record.base(current),
            emergencies: record.emergencies,
        })
    }

    fn undone(&self, refname: &RefName, commits: &[Oid]) -> Result<Vec<Undone>, String> {
        if self.never_rolled_back.borrow().as_ref() == Some(refname) {
            return Ok(Vec::new());
        }
        let found = self.database.read().map_err(Trouble::from);
        let found = found.and_then(|whole| rollbacks::undone(&whole, refname, commits));
        found.map_err(|trouble| self.trouble()(trouble).to_string())
    }

    fn way_back(&self, refname: &RefName, old: Oid, new: Oid) -> Result<WayBack, String> {
        let found = self.database.read().map_err(Trouble::from);
        let found = found.and_then(|whole| rollbacks::way_back(&whole, refname, old, new));
        found.map_err(|trouble| self.trouble()(trouble).to_string())
    }

    fn first_seen(&self, oid: Oid) -> Result<Option<Timestamp>, String> {
        let read = || {
            let whole = self.database.read()?;
            Ok((arrivals::since(&whole, oid)?, seen(&whole, oid)?))
        };
        let times = read().map_err(self.database.failed());
        let (arrived, seen) = times.map_err(|error| error.to_string())?;
        Ok(arrived.into_iter().chain(seen).min())
    }

    fn first_pushes(&self, commits: &[Oid]) -> Result<HashMap<Oid, Vec<Arrival>>, String> {
        let found = self.database.read().map_err(Trouble::from);
        let found = found.and_then(|whole| arrivals::of(&whole, commits));
        found.map_err(|trouble| self.trouble()(trouble).to_string())
    }
}

#[cfg(test)]
mod tests;
