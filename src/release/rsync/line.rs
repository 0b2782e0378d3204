//! The connection that all calls of rsync in a release share.
//!
//! rsync reaches the other side through a program that it starts. That program is relhook itself
//! ([`super::reach`]), which only passes on what it is given: the connection is this process's own, so
//! a call costs no key exchange and no login, and no other program learns the key.

use super::frame::{Frame, LARGEST_COMMAND, LOST, REACH};
use crate::release::ReleaseError;
use crate::release::account::{self, Account};
use crate::release::desk::Desk;
use crate::release::host::Host;
use crate::release::redact::Redactor;
use crate::release::sftp::Eye;
use russh::client::{Handle, Msg};
use russh::{Channel, ChannelMsg, ChannelReadHalf};
use rustix::fs::{Mode, OFlags};
use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener as Listener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::{self, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

/// Where relhook's program is for rsync, from the target's own folder: without any blank or other letter that
/// rsync would take apart.
const PROGRAM: &str = "rsync/relhook";

/// Where it finds this process.
const SOCKET: &str = "rsync/line";

/// The name that rsync gives the host. It is not looked at: a line leads to one host.
pub(super) const ALIAS: &str = "relhook";

/// How many bytes of what the host sends are kept until rsync reads them: while it fetches files, and while it
/// sends some. Then the host asks for them in advance, with sums of what it has of each: some 2 % of that.
const ROOM_FETCHING: usize = 4 * 1024 * 1024;
const ROOM_SENDING: usize = 256 * 1024 * 1024;

/// How much of rsync's output is passed on at once, in bytes.
const PIECE: usize = 64 * 1024;

/// A connection that is being opened, or is open.
pub(super) struct Line {
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
    threads: runtime::Handle,
    /// What rsync reaches it by.
    files: [PathBuf; 2],
}

/// What the calls share.
struct Shared {
    account: Account,
    /// The connection; nothing where it did not come about, which is not tried again.
    handle: OnceCell<Option<Arc<Handle<Host>>>>,
    /// Why it did not, until somebody asks.
    failure: Mutex<Option<ReleaseError>>,
}

impl Line {
    /// Begins to connect, and waits for calls.
    ///
    /// # Errors
    /// When calls cannot be waited for.
    pub(super) fn begin(
        desk: &Desk,
        account: Account,
        program: &Path,
    ) -> Result<Self, ReleaseError> {
        let shared = Arc::new(Shared {
            account,
            handle: OnceCell::new(),
            failure: Mutex::new(None),
        });
        let runtime = account::runtime()?;
        // An earlier run may have left them.
        desk.forget(SOCKET)?;
        desk.forget(PROGRAM)?;
        let socket = desk.file(SOCKET);
        let listener = listen(&socket).map_err(ReleaseError::io(&socket))?;
        let place = desk.file(PROGRAM);
        symlink(program, &place).map_err(ReleaseError::io(&place))?;
        let connecting = Arc::clone(&shared);
        runtime.spawn(async move {
            let _ = connecting.handle().await;
        });
        let calls = Arc::clone(&shared);
        let _within = runtime.enter();
        let listener = UnixListener::from_std(listener).map_err(ReleaseError::io(&socket))?;
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&calls);
                tokio::spawn(async move { shared.serve(stream).await });
            }
        });
        Ok(Self {
            shared,
            threads: runtime.handle().clone(),
            runtime: Some(runtime),
            files: [socket, place],
        })
    }

    /// What rsync is told to start.
    pub(super) fn shell() -> String {
        format!("{PROGRAM} {REACH} {SOCKET}")
    }

    /// Begins to open an eye on the host, which is there as soon as the connection is.
    pub(super) fn begin_to_look(&self) -> Opening {
        let shared = Arc::clone(&self.shared);
        let threads = self.threads.clone();
        let opening = self.threads.spawn(async move {
            let handle = Arc::clone(shared.handle().await?);
            // A host that does not offer it is asked in another way.
            Eye::open(handle, &shared.account, threads).await.ok()
        });
        Opening {
            opening,
            threads: self.threads.clone(),
        }
    }

    /// What it runs on.
    pub(super) fn threads(&self) -> &runtime::Handle {
        &self.threads
    }

    /// What knows the secrets that the host is told.
    pub(super) fn redactor(&self) -> &Redactor {
        &self.shared.account.site.redactor
    }

    /// What whoever looks after the host has to know of it, once it was reached.
    pub(super) fn notice(&self) -> Option<String> {
        self.shared.account.compression.notice()
    }

    /// What went wrong with the connection, if anything did. It is told once.
    pub(super) fn failure(&self) -> Option<ReleaseError> {
        let mut failure = self
            .shared
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        failure.take()
    }
}

/// An eye that is being opened.
pub(super) struct Opening {
    opening: JoinHandle<Option<Eye>>,
    threads: runtime::Handle,
}

impl Opening {
    /// Waits for it; nothing where the host offers none.
    pub(super) fn wait(self) -> Option<Eye> {
        self.threads.block_on(self.opening).ok().flatten()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        for file in &self.files {
            // The next run makes room for itself.
            let _ = fs::remove_file(file);
        }
    }
}

impl Shared {
    /// The connection, opened by whoever asks first.
    async fn handle(&self) -> Option<&Arc<Handle<Host>>> {
        let open = || async {
            match self.account.open().await {
                Ok(handle) => Some(Arc::new(handle)),
                Err(error) => {
                    let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                    *failure = Some(error);
                    None
                }
            }
        };
        self.handle.get_or_init(open).await.as_ref()
    }

    /// Serves one call of rsync to its end.
    async fn serve(&self, stream: UnixStream) {
        let (mut from, mut to) = stream.into_split();
        // Whoever does not say what it wants, or goes away, has ended its call.
        let Ok(command) = command(&mut from).await else {
            return;
        };
        let ended = match self.channel().await {
            Ok(channel) => carry(channel, command, from, &mut to).await,
            Err(why) => Err(why),
        };
        let code = match ended {
            Ok(code) => code,
            Err(why) => {
                let _ = send(&mut to, Frame::Messages, format!("{why}\n").as_bytes()).await;
                LOST
            }
        };
        let _ = send(&mut to, Frame::End, &code.to_be_bytes()).await;
    }

    /// A channel of the connection. A host that gives one alone on each is asked for another connection.
    async fn channel(&self) -> Result<Channel<Msg>, String> {
        const NONE: &str = "there is no connection to the host";
        let handle = self.handle().await.ok_or(NONE)?;
        let step = self
            .account
            .in_time("open a channel", handle.channel_open_session());
        match step.await.map_err(|error| error.to_string())? {
            Err(russh::Error::ChannelOpenFailure(_)) => {
                let another = self.account.open().await;
                let another = another.map_err(|error| error.to_string())?;
                let opened = another.channel_open_session().await;
                opened.map_err(|error| error.to_string())
            }
            opened => opened.map_err(|error| error.to_string()),
        }
    }
}

/// The command line that is to be run on the other side.
async fn command(from: &mut OwnedReadHalf) -> io::Result<Vec<u8>> {
    let length = from.read_u32().await?;
    if length > LARGEST_COMMAND {
        return Err(io::Error::other("the command is too long"));
    }
    let mut command = Vec::new();
    let read = from.take(u64::from(length));
    BufReader::new(read).read_to_end(&mut command).await?;
    Ok(command)
}

/// Runs a command on the other side and passes everything on; its exit code.
async fn carry(
    channel: Channel<Msg>,
    command: Vec<u8>,
    from: OwnedReadHalf,
    to: &mut OwnedWriteHalf,
) -> Result<u32, String> {
    const BROKE: &str = "the connection to the host broke";
    let room = match command
        .split(|byte| *byte == b' ')
        .any(|word| word == b"--sender")
    {
        true => ROOM_FETCHING,
        false => ROOM_SENDING,
    };
    let (reading, writing) = channel.split();
    let lost = |error: russh::Error| error.to_string();
    writing.exec(true, command).await.map_err(lost)?;
    let telling = tokio::spawn(async move {
        let mut from = BufReader::with_capacity(PIECE, from);
        let mut writer = writing.make_writer();
        let told = tokio::io::copy_buf(&mut from, &mut writer).await;
        if told.is_ok() {
            let _ = writing.eof().await;
        }
    });
    let mut waiting = drained(reading, room);
    let mut code = None;
    let gone = |_: io::Error| "rsync went away".to_owned();
    while let Some((message, _room)) = waiting.recv().await {
        match message {
            ChannelMsg::Data { data } => send(to, Frame::Output, &data).await.map_err(gone)?,
            ChannelMsg::ExtendedData { data, .. } => {
                send(to, Frame::Messages, &data).await.map_err(gone)?;
            }
            ChannelMsg::ExitStatus { exit_status } => code = Some(exit_status),
            ChannelMsg::ExitSignal { signal_name, .. } => {
                return Err(format!("signal {signal_name:?} ended rsync on the host"));
            }
            ChannelMsg::Failure => return Err("the host does not run the command".into()),
            _ => {}
        }
    }
    telling.abort();
    code.ok_or_else(|| BROKE.to_owned())
}

/// Takes what comes off the connection, and keeps as much as there is room for until rsync reads it.
///
/// The library takes nothing else off the connection while one channel's is not taken, not even the word that
/// the host has room again. rsync sends, and reads only when it could: each would wait for the other.
fn drained(
    mut reading: ChannelReadHalf,
    room: usize,
) -> UnboundedReceiver<(ChannelMsg, Option<OwnedSemaphorePermit>)> {
    let room = Arc::new(Semaphore::new(room));
    let (pass, passed) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(message) = reading.wait().await {
            let size = match &message {
                ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. } => data.len(),
                _ => 0,
            };
            let size = u32::try_from(size).unwrap_or(u32::MAX);
            let taken = Arc::clone(&room).acquire_many_owned(size).await.ok();
            if pass.send((message, taken)).is_err() {
                return;
            }
        }
    });
    passed
}

async fn send(to: &mut OwnedWriteHalf, frame: Frame, bytes: &[u8]) -> io::Result<()> {
    to.write_all(&frame.head(bytes.len())?).await?;
    to.write_all(bytes).await
}

/// A socket of this name. Its whole path may be longer than a socket's may be, so it is named by its folder,
/// which is open.
fn listen(path: &Path) -> io::Result<Listener> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let open = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
    let folder = rustix::fs::open(folder, open, Mode::empty())?;
    let near = format!("/proc/self/fd/{}", folder.as_raw_fd());
    let listener = Listener::bind(Path::new(&near).join(name))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
