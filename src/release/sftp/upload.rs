//! Many new files at once.

use super::session::{
    AHEAD, ANY_MODE, CHUNK, FILE_MODE, PRIVATE_MODE, PROGRAM_MODE, SftpSession, link_target,
};
use super::wire::Wire;
use crate::release::{FileKind, ReleaseError};
use crate::types::RepoPath;
use futures_util::future::{FutureExt, TryFutureExt, join, join3, try_join, try_join_all};
use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::{FileAttributes, OpenFlags};
use std::cell::Cell;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Receiver;
use tokio::sync::{Mutex, OwnedSemaphorePermit};
use tokio::task::JoinHandle;

/// How many small files are under way at once, at most. The library takes handles for text, and OpenSSH's are
/// numbers, of which those above 127 are none.
const MOST: usize = 120;
/// The same where the host does not say how many may be open.
const USUAL: usize = 64;
/// The largest file that is small, in bytes: that many of them are in memory.
const SMALL: u64 = 256 * 1024;

/// For how long it is looked for what somebody else is to make, and how often.
const PATIENCE: Duration = Duration::from_millis(500);
const PACE: Duration = Duration::from_millis(2);

/// How many large files are under way at once: while one is looked at and closed, the next one fills the line.
const LARGE: usize = 2;

/// The bits of a mode that are asked for.
const MODE: u32 = 0o7777;

/// A new file for the host.
pub(in crate::release) struct Parcel {
    /// Where it goes. Nothing is there.
    pub(in crate::release) at: String,
    pub(in crate::release) kind: FileKind,
    pub(in crate::release) bytes: Vec<u8>,
}

/// A parcel, and the room that it takes of what there is for all of them, until it has been brought.
pub(in crate::release) type Ready = Result<(Parcel, OwnedSemaphorePermit), ReleaseError>;

/// Parcels, as they are ready.
pub(in crate::release) type Parcels = Receiver<Ready>;

/// A channel that is being opened. It need not come about.
pub(super) type Opening = JoinHandle<Option<Wire>>;

/// What is told while files are brought.
pub(in crate::release) struct Told<'a> {
    /// So many bytes went out.
    pub(in crate::release) sent: &'a dyn Fn(usize),
    /// A file is there, whole.
    pub(in crate::release) arrived: &'a dyn Fn(),
}

/// Whether a file of this size is small.
pub(in crate::release) fn is_small(size: u64) -> bool {
    size <= SMALL
}

impl SftpSession {
    /// Waits for many steps, each of which tells what went wrong with it.
    fn all<T>(
        &self,
        steps: &str,
        what: impl Future<Output = Result<T, ReleaseError>>,
    ) -> Result<T, ReleaseError> {
        let done = self.wire.wait(what);
        done.map_err(|error| self.wire.fail(steps, &error))?
    }

    /// How many small files may be under way, by what the host lets be open.
    pub(super) async fn room(wire: &Wire) -> usize {
        if !wire.tells_limits {
            return USUAL;
        }
        let limits = wire.sftp.limits().await;
        match limits.map_or(0, |limits| limits.max_open_handles) {
            0 => USUAL,
            // Something of it is for a large file.
            open => usize::try_from(open / 2).map_or(MOST, |half| half.clamp(1, MOST)),
        }
    }

    /// Brings files by this channel and by `more`, as soon as they are open: `large` ones by this one, and beside
    /// them small ones, `room` at once by each of the others, and by this one where there are no others or nothing large
    /// is left.
    pub(super) fn bring(
        &self,
        more: Vec<Opening>,
        large: Parcels,
        small: Parcels,
        room: usize,
        told: &Told<'_>,
    ) -> Result<(), ReleaseError> {
        let wire = &*self.wire;
        let (large, small) = (Mutex::new(large), Mutex::new(small));
        let one = async |wire: &Wire, ready: Ready| {
            let (parcel, _room) = ready?;
            bring_one(wire, &parcel, told.sent).await?;
            (told.arrived)();
            Ok(())
        };
        let several = async |wire: &Wire| {
            let steps = queue(&small).map(|parcel| one(wire, parcel));
            steps.buffer_unordered(room).try_collect::<()>().await
        };
        let of_large = async {
            let steps = queue(&large).map(|parcel| one(wire, parcel));
            steps.buffer_unordered(LARGE).try_collect::<()>().await
        };
        // Whoever sends a large file fills the channel's window, and others would wait behind it.
        let is_taken = Cell::new(false);
        let of_small = async || match is_taken.replace(true) {
            true => Ok(()),
            false => several(wire).await,
        };
        let others = more.into_iter().map(async |opening| match opening.await {
            Ok(Some(other)) => several(&other).await.map(|()| true),
            Ok(None) | Err(_) => Ok(false),
        });
        let beside = async {
            match try_join_all(others).await?.contains(&true) {
                true => Ok(()),
                false => of_small().await,
            }
        };
        let all = try_join(of_large.and_then(|()| of_small()), beside);
        self.all("write files", all).map(drop)
    }

    /// Makes directories: those of each group lie in those of the groups before it, and in all of them private ones.
    /// Meanwhile it is looked for one that somebody else is to make; whether that has appeared.
    pub(super) fn make_all(
        &self,
        groups: &[Vec<String>],
        private: &[String],
        awaited: &str,
    ) -> (Result<(), ReleaseError>, bool) {
        let wire = &*self.wire;
        let both = join(make_groups(wire, groups, private), appears(wire, awaited));
        match self.all("make directories", both.map(Ok)) {
            Ok(both) => both,
            Err(error) => (Err(error), false),
        }
    }

    /// Removes those of these directories that are empty, one group after the other.
    pub(super) fn remove_all<'a>(
        &self,
        groups: impl Iterator<Item = &'a [String]>,
    ) -> Result<(), ReleaseError> {
        let wire = &*self.wire;
        for group in groups {
            let steps = stream::iter(group).map(|dir| remove(wire, dir));
            self.all(
                "remove directories",
                steps.buffered(AHEAD).try_collect::<()>(),
            )?;
        }
        Ok(())
    }

    /// Renames files into places where nothing is, asked for in their order, each of which is told of. What is there is
    /// not replaced, by hosts that keep to the protocol. Meanwhile another one is written.
    pub(super) fn place(
        &self,
        pairs: &[(String, String)],
        parcel: &Parcel,
        placed: &dyn Fn(),
    ) -> Result<(), ReleaseError> {
        let wire = &*self.wire;
        let steps = stream::iter(pairs).map(async |pair: &(String, String)| {
            rename_new(wire, pair).await?;
            placed();
            Ok(())
        });
        let renamed = steps.buffered(AHEAD).try_collect::<()>();
        let both = try_join(renamed, bring_one(wire, parcel, &|_| {}));
        self.all("rename files", both).map(drop)
    }

    /// Removes directories that are empty, and renames a file into a place where nothing is; asked for in that order.
    pub(super) fn close(
        &self,
        pair: &(String, String),
        dirs: &[String],
    ) -> Result<(), ReleaseError> {
        let wire = &*self.wire;
        let steps = dirs.iter().map(|dir| remove(wire, dir).left_future());
        let steps = steps.chain([rename_new(wire, pair).right_future()]);
        let steps = stream::iter(steps).buffered(AHEAD);
        self.all("rename a file", steps.try_collect::<()>())
    }
}

/// What comes out of a queue, to whoever asks first.
fn queue(parcels: &Mutex<Parcels>) -> impl Stream<Item = Ready> {
    stream::unfold((), async |()| {
        let parcel = parcels.lock().await.recv().await?;
        Some((parcel, ()))
    })
}

/// Makes directories that may be there, asked for in their order.
async fn make(wire: &Wire, dirs: Vec<(&String, u32)>) -> Result<(), ReleaseError> {
    let steps = stream::iter(dirs).map(async |(dir, mode): (&String, u32)| {
        let made = SftpSession::make(wire, dir, mode).await;
        made.map_err(|error| wire.fail(&format!("make {dir}"), &error))
    });
    steps.buffered(AHEAD).try_collect().await
}

async fn make_groups(
    wire: &Wire,
    groups: &[Vec<String>],
    private: &[String],
) -> Result<(), ReleaseError> {
    let open = |dir| (dir, ANY_MODE);
    let private = || private.iter().map(|dir| (dir, PRIVATE_MODE));
    // Hosts carry requests out in their order, though they need not. Where one was refused, whatever for, they
    // are asked for one group after the other.
    let all = groups.iter().flatten().map(open).chain(private());
    match make(wire, all.collect()).await {
        Err(error) if !error.is_transient() => {}
        ended => return ended,
    }
    for group in groups {
        make(wire, group.iter().map(open).collect()).await?;
    }
    make(wire, private().collect()).await
}

/// Whether a directory appears in time.
async fn appears(wire: &Wire, dir: &str) -> bool {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        let found = SftpSession::attributes(wire, dir).await;
        if found.is_ok_and(|found| found.is_some_and(|found| found.is_dir())) {
            return true;
        }
        tokio::time::sleep(PACE).await;
    }
    false
}

/// Removes a directory that is empty.
async fn remove(wire: &Wire, dir: &str) -> Result<(), ReleaseError> {
    match wire.sftp.rmdir(dir).await {
        // Something else is in it by now, which stays.
        Ok(_) | Err(SftpError::Status(_)) => Ok(()),
        Err(error) => Err(wire.fail(&format!("remove {dir}"), &error)),
    }
}

/// Renames a file into a place where nothing is.
async fn rename_new(wire: &Wire, (from, to): &(String, String)) -> Result<(), ReleaseError> {
    let renamed = wire.sftp.rename(from, to).await.map(drop);
    renamed.map_err(|error| wire.fail(&format!("rename to {to}"), &error))
}

async fn bring_one(wire: &Wire, parcel: &Parcel, sent: &dyn Fn(usize)) -> Result<(), ReleaseError> {
    let fail = |error: SftpError| wire.fail(&format!("write {}", parcel.at), &error);
    let found = match parcel.kind {
        FileKind::File => write_new(wire, parcel, FILE_MODE, sent).await,
        FileKind::Executable => write_new(wire, parcel, PROGRAM_MODE, sent).await,
        FileKind::Symlink => {
            let to = link_target(&parcel.at, &parcel.bytes)?;
            link(wire, to, parcel, sent).await
        }
    };
    let found = found.map_err(fail)?;
    let expected = parcel.bytes.len() as u64;
    match found {
        Some(size) if size == expected => Ok(()),
        found => Err(ReleaseError::Damaged {
            path: RepoPath::new(parcel.at.clone().into_bytes()),
            found: found.map_or("unknown".into(), |size| size.to_string()),
            expected,
        }),
    }
}

/// Writes a file; the size that it has then.
async fn write_new(
    wire: &Wire,
    parcel: &Parcel,
    mode: u32,
    sent: &dyn Fn(usize),
) -> Result<Option<u64>, SftpError> {
    let (sftp, bytes) = (&wire.sftp, &parcel.bytes);
    let mut wanted = FileAttributes::empty();
    wanted.permissions = Some(mode);
    let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUDE;
    let opened = sftp.open(&parcel.at, flags, wanted.clone()).await?;
    let handle = opened.handle.as_str();
    let written = SftpSession::write_all(wire, handle, bytes, sent);
    let (look, close) = (sftp.fstat(handle), sftp.close(handle));
    // What is asked about one file is answered in order. Some servers tell of a full disk only when it is closed.
    let (written, found, closed) = if bytes.len() <= wire.ahead() * CHUNK {
        join3(written, look, close).await
    } else {
        let written = written.await;
        let (found, closed) = join(look, close).await;
        (written, found, closed)
    };
    written?;
    closed?;
    let mut found = found?.attrs;
    // A host may look at a file while it still writes it, though not when it has closed it.
    if found.size != Some(bytes.len() as u64) {
        found = sftp.lstat(&parcel.at).await?.attrs;
    }
    // The account's umask, or what the directory hands down, may have taken something away.
    if found.permissions.is_none_or(|found| found & MODE != mode) {
        sftp.setstat(&parcel.at, wanted).await?;
    }
    Ok(found.size)
}

/// Makes a symbolic link; the size that it has then.
async fn link(
    wire: &Wire,
    to: String,
    parcel: &Parcel,
    sent: &dyn Fn(usize),
) -> Result<Option<u64>, SftpError> {
    SftpSession::link(wire, to, &parcel.at).await?;
    sent(parcel.bytes.len());
    Ok(wire.sftp.lstat(&parcel.at).await?.attrs.size)
}
