//! The ledger's file: one SQLite database, whole and of this start of the machine, or made again.
//!
//! Who uses it holds a shared lock beside it for as long; who makes it again holds the lock alone.
//! So the file is never taken away from under somebody who writes to it.

use super::LedgerError;
use crate::folder::private_dir;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The version of the tables below. A file of any other is made again.
const VERSION: u32 = 4;

/// The last row to be written is the mark: where it stands, all the rest does.
const TABLES: &str = "
CREATE TABLE relhook_ledger (version INTEGER NOT NULL, boot BLOB NOT NULL);
CREATE TABLE refs (name BLOB PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE seen (oid BLOB PRIMARY KEY, time INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE pushes (seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, by TEXT NOT NULL,
                     state INTEGER NOT NULL, quarantine TEXT, process TEXT);
CREATE INDEX unsettled ON pushes (state) WHERE state < 3;
CREATE TABLE moves (seq INTEGER, ref TEXT, old BLOB, new BLOB NOT NULL, time INTEGER NOT NULL,
                    PRIMARY KEY (seq, ref)) WITHOUT ROWID;
CREATE TABLE arrivals (oid BLOB, push INTEGER, PRIMARY KEY (oid, push)) WITHOUT ROWID;
CREATE INDEX by_push ON arrivals (push);
CREATE TABLE accepted (ref BLOB, seq INTEGER, time INTEGER NOT NULL, new BLOB NOT NULL,
                       PRIMARY KEY (ref, seq)) WITHOUT ROWID;
CREATE TABLE pinned (ref BLOB, oid BLOB, PRIMARY KEY (ref, oid)) WITHOUT ROWID;
CREATE TABLE rollbacks (ref BLOB, seq INTEGER, time INTEGER NOT NULL, old BLOB NOT NULL,
                        statements TEXT NOT NULL, PRIMARY KEY (ref, seq)) WITHOUT ROWID;
CREATE TABLE undone (ref BLOB, oid BLOB, seq INTEGER, PRIMARY KEY (ref, oid, seq)) WITHOUT ROWID;
CREATE TABLE hands (ref BLOB, seq INTEGER, part INTEGER, person TEXT,
                    PRIMARY KEY (ref, seq, part, person)) WITHOUT ROWID;
";

/// How long a writer waits for another one. The longest write is that of a push of a whole
/// history.
const BUSY: Duration = Duration::from_secs(30);
/// How long somebody waits to make the file again, or for somebody who does.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often they look.
const EVERY: Duration = Duration::from_millis(10);

/// The database, open and whole.
#[derive(Debug)]
pub(in crate::ledger) struct Database {
    connection: Connection,
    /// Whether this connection was told how it is to write.
    writes: Cell<bool>,
    place: Place,
    /// Held for as long as the file is used.
    _shared: File,
}

/// What is read in the database by the look that finds it whole.
pub(in crate::ledger) type First<'a, T> = &'a dyn Fn(&Connection) -> rusqlite::Result<T>;

/// A database that is whole, open, with what was read first, or what went wrong there.
type Whole<T> = Option<(Connection, rusqlite::Result<T>)>;

/// Where the ledger is.
#[derive(Debug, Clone)]
pub(in crate::ledger) struct Place {
    dir: PathBuf,
}

impl Place {
    /// Below relhook's folder.
    pub(in crate::ledger) fn below(folder: &Path) -> Self {
        Self {
            dir: folder.join("ledger"),
        }
    }

    /// The database's file.
    pub(in crate::ledger) fn file(&self) -> PathBuf {
        self.dir.join("ledger.sqlite")
    }

    /// Whoever finds the database damaged leaves this beside it.
    fn damaged(&self) -> PathBuf {
        self.dir.join("damaged")
    }

    /// Beside the folder, which is removed when the log is read again.
    fn lock_file(&self) -> PathBuf {
        self.dir.with_extension("lock")
    }

    fn lock(
        &self,
        how: fn(&File) -> Result<(), std::fs::TryLockError>,
    ) -> Result<File, LedgerError> {
        let path = self.lock_file();
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path);
        let file = file.map_err(LedgerError::io(&path))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match how(&file) {
                Ok(()) => return Ok(file),
                Err(std::fs::TryLockError::Error(source)) => {
                    return Err(LedgerError::Io { path, source });
                }
                Err(std::fs::TryLockError::WouldBlock) if Instant::now() > deadline => {
                    return Err(LedgerError::InUse { path });
                }
                Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(EVERY),
            }
        }
    }

    /// The database as it is, if it is whole and was made since this start of the machine, which
    /// `boot` names; and what `first` reads in it, by the same look. A machine that does not name
    /// its starts has none that is.
    fn whole<T>(&self, boot: &[u8], first: First<'_, T>) -> Result<Whole<T>, LedgerError> {
        let path = self.file();
        if self.damaged().exists() || !path.exists() {
            return Ok(None);
        }
        let found = connect(&path).and_then(|connection| {
            // Each look for itself would take its locks, and the first one reads the tables' names.
            let look = Transaction::new_unchecked(&connection, TransactionBehavior::Deferred)?;
            let mark = look.query_row("SELECT version, boot FROM relhook_ledger", [], |row| {
                Ok((row.get::<_, u32>(0)?, row.get::<_, Vec<u8>>(1)?))
            })?;
            let read = (mark == (VERSION, boot.to_vec())).then(|| first(&look));
            drop(look);
            Ok(read.map(|read| (connection, read)))
        });
        match found {
            Ok(whole) => Ok(whole),
            Err(error) if is_of_the_system(&error) => Err(LedgerError::database(&path, error)),
            // Not a database, a damaged one, or another program's.
            Err(_) => Ok(None),
        }
    }
}

/// Waits until nobody has the ledger of this folder open, and holds it closed: no push is between the
/// look at what it brings and the entry about it.
///
/// # Errors
/// When somebody has it open for too long, or the lock cannot be taken.
pub fn alone(folder: &Path) -> Result<File, LedgerError> {
    Place::below(folder).lock(File::try_lock)
}

impl Database {
    /// Opens the database, made again by `fill` where it is not there, not whole, or from before
    /// this start of the machine; and reads in it what is wanted first.
    pub(in crate::ledger) fn open<T>(
        folder: &Path,
        boot: &[u8],
        fill: impl Fn(&Connection) -> Result<(), LedgerError>,
        first: First<'_, T>,
    ) -> Result<(Self, T), LedgerError> {
        let place = Place::below(folder);
        // A machine that does not name its starts: the file is made again each time.
        let mut trusted = !boot.is_empty();
        loop {
            let shared = place.lock(File::try_lock_shared)?;
            if let Some((connection, read)) = place.whole(boot, first)?.filter(|_| trusted) {
                let database = Self {
                    connection,
                    writes: Cell::new(false),
                    place,
                    _shared: shared,
                };
                let read = read.map_err(database.failed())?;
                return Ok((database, read));
            }
            drop(shared);
            let _alone = place.lock(File::try_lock)?;
            if !trusted || place.whole(boot, &|_| Ok(()))?.is_none() {
                make(&place, boot, &fill)?;
            }
            trusted = true;
        }
    }

    /// For reading.
    pub(in crate::ledger) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// A transaction that reads: what is asked within it costs no locks of its own. It is short,
    /// since nobody can write while it lasts.
    pub(in crate::ledger) fn read(&self) -> rusqlite::Result<Transaction<'_>> {
        Transaction::new_unchecked(&self.connection, TransactionBehavior::Deferred)
    }

    /// A transaction that writes, when no other process does.
    pub(in crate::ledger) fn write(&self) -> Result<Transaction<'_>, LedgerError> {
        if !self.writes.replace(true) {
            prepare_to_write(&self.connection).map_err(self.failed())?;
        }
        let immediate = TransactionBehavior::Immediate;
        Transaction::new_unchecked(&self.connection, immediate).map_err(self.failed())
    }

    /// What an error of the database means: after damage, the next one to open it makes it again.
    pub(in crate::ledger) fn failed(&self) -> impl Fn(rusqlite::Error) -> LedgerError + '_ {
        |error| {
            if let Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) =
                error.sqlite_error_code()
            {
                self.note_damage();
            }
            LedgerError::database(&self.place.file(), error)
        }
    }

    /// Something in it is not what relhook wrote.
    pub(in crate::ledger) fn broken(&self, why: String) -> LedgerError {
        self.note_damage();
        LedgerError::Broken {
            path: self.place.file(),
            why,
        }
    }

    fn note_damage(&self) {
        // Where this cannot be written, the error is met again.
        let _ = File::create(self.place.damaged());
    }
}

/// Makes the database from nothing, in one transaction. What the folder held before is removed.
fn make(
    place: &Place,
    boot: &[u8],
    fill: impl Fn(&Connection) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    match std::fs::remove_dir_all(&place.dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(LedgerError::io(&place.dir)(error));
        }
        _ => {}
    }
    private_dir(&place.dir).map_err(LedgerError::io(&place.dir))?;
    let path = place.file();
    // SQLite gives the files beside it the same mode.
    let new = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path);
    drop(new.map_err(LedgerError::io(&path))?);
    let failed = |error| LedgerError::database(&path, error);
    let connection = connect(&path).map_err(failed)?;
    unsynced(&connection).map_err(failed)?;
    let whole = Transaction::new_unchecked(&connection, TransactionBehavior::Exclusive);
    let whole = whole.map_err(failed)?;
    connection.execute_batch(TABLES).map_err(failed)?;
    fill(&connection)?;
    connection
        .execute("INSERT INTO relhook_ledger VALUES (?, ?)", (VERSION, boot))
        .map_err(failed)?;
    whole.commit().map_err(failed)
}

/// Nothing is synced: what a power cut takes, the next start of the machine makes again. Who only
/// reads need not say so: it would be a look of its own.
fn unsynced(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA synchronous = OFF")
}

/// The journal of what is written is emptied in the end and not removed: a file costs more to make
/// than all that is written to it. An empty one is none, to whoever looks for it.
fn prepare_to_write(connection: &Connection) -> rusqlite::Result<()> {
    unsynced(connection)?;
    let set = "PRAGMA journal_mode = TRUNCATE";
    connection.query_row(set, [], |_| Ok(()))
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    // Else each new value of a parameter has its statement prepared again.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// Whether an error says nothing about the file.
fn is_of_the_system(error: &rusqlite::Error) -> bool {
    use ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, OutOfMemory, PermissionDenied,
        ReadOnly, SystemIoFailure,
    };
    matches!(
        error.sqlite_error_code(),
        Some(
            CannotOpen
                | DatabaseBusy
                | DatabaseLocked
                | DiskFull
                | OutOfMemory
                | PermissionDenied
                | ReadOnly
                | SystemIoFailure
        )
    )
}
