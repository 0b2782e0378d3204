//! The one connection and its SFTP channel.

use super::pulse::{Pulse, Watched};
use crate::release::ReleaseError;
use crate::release::account::Site;
use crate::release::host::Host;
use russh::client::{Handle, Msg};
use russh::{Channel, ChannelMsg};
use russh_sftp::client::RawSftpSession;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::extensions::{HardlinkExtension, LIMITS};
use russh_sftp::protocol::{Packet, StatusCode};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncWriteExt, BufReader, DuplexStream};
use tokio::task::unconstrained;

/// The extension by which OpenSSH and those that follow it rename over an existing file.
const POSIX_RENAME: &str = "posix-rename@openssh.com";
/// How long nothing may move while something is asked.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the library waits for one request, in seconds: it counts from when the request was lined
/// up behind others, so that is not what ends one.
const FOREVER: u64 = 7 * 24 * 3600;

/// How long one write of a file takes on a fast line, about, in microseconds.
const WRITE: u64 = 300;
/// How many writes of one file are under way, at least and at most.
const WRITES: (usize, usize) = (8, 64);

/// From where on a host is far away, in microseconds there and back.
const FAR: u64 = 2_000;

/// How many bytes wait to be read.
const BUFFER: usize = 256 * 1024;

/// A channel as a stream. The library's own passes over the answer that what was asked for is not to be had,
/// and waits.
fn stream(channel: Channel<Msg>, refused: Arc<AtomicBool>) -> DuplexStream {
    let (near, far) = tokio::io::duplex(BUFFER);
    let (from, mut to) = tokio::io::split(far);
    let (mut reading, writing) = channel.split();
    tokio::spawn(async move {
        let mut from = BufReader::with_capacity(BUFFER, from);
        // What does not go out is not answered.
        let _ = tokio::io::copy_buf(&mut from, &mut writing.make_writer()).await;
    });
    tokio::spawn(async move {
        while let Some(message) = reading.wait().await {
            let passed = match message {
                ChannelMsg::Data { data } => to.write_all(&data).await.is_ok(),
                ChannelMsg::Failure => {
                    refused.store(true, Ordering::Relaxed);
                    false
                }
                ChannelMsg::Eof | ChannelMsg::Close => false,
                _ => true,
            };
            if !passed {
                break;
            }
        }
        let _ = to.shutdown().await;
    });
    near
}

/// A connection that is logged in, with its channel.
pub(super) struct Wire {
    pub(super) sftp: RawSftpSession,
    pub(super) site: Site,
    pub(super) runtime: tokio::runtime::Handle,
    /// The shortest time that the host took to answer something that costs it nothing, in microseconds.
    trip: AtomicU64,
    /// Whether the host says how many files may be open.
    pub(super) tells_limits: bool,
    handle: Arc<Handle<Host>>,
    broken: AtomicBool,
    pulse: Pulse,
}

impl Wire {
    /// Opens the channel.
    pub(super) async fn open(
        handle: Arc<Handle<Host>>,
        site: Site,
        runtime: tokio::runtime::Handle,
    ) -> Result<Self, ReleaseError> {
        Self::with(Pulse::new(), handle, site, runtime).await
    }

    /// Opens another channel of the same connection. Whoever waits for either waits as long as anything moves on
    /// one of them.
    pub(super) async fn another(&self) -> Result<Self, ReleaseError> {
        let (pulse, handle) = (self.pulse.clone(), Arc::clone(&self.handle));
        let another = Self::with(pulse, handle, self.site.clone(), self.runtime.clone()).await?;
        let trip = self.trip.load(Ordering::Relaxed);
        another.trip.store(trip, Ordering::Relaxed);
        Ok(another)
    }

    async fn with(
        pulse: Pulse,
        handle: Arc<Handle<Host>>,
        site: Site,
        runtime: tokio::runtime::Handle,
    ) -> Result<Self, ReleaseError> {
        const STEP: &str = "open the SFTP channel";
        let fail = |error: russh::Error| site.unreachable(STEP, &error.to_string());
        let channel = handle.channel_open_session().await.map_err(fail)?;
        channel
            .request_subsystem(true, "sftp")
            .await
            .map_err(fail)?;
        let refused = Arc::new(AtomicBool::new(false));
        let stream = stream(channel, Arc::clone(&refused));
        let sftp = RawSftpSession::new(Watched::new(stream, pulse.clone()));
        sftp.set_timeout(FOREVER);
        let refuse = |reply: String| ReleaseError::Refused {
            site: site.name.clone(),
            step: STEP.into(),
            code: StatusCode::OpUnsupported as u32,
            reply,
        };
        let version = sftp
            .init()
            .await
            .map_err(|error| match refused.load(Ordering::Relaxed) {
                true => refuse("the host offers no SFTP".into()),
                false => site.failed(STEP, &error),
            })?;
        if !version.extensions.contains_key(POSIX_RENAME) {
            return Err(refuse(format!(
                "it does not offer {POSIX_RENAME}, so no file can be replaced whole"
            )));
        }
        Ok(Self {
            sftp,
            site,
            runtime,
            trip: AtomicU64::new(u64::MAX),
            tells_limits: version.extensions.contains_key(LIMITS),
            handle,
            broken: AtomicBool::new(false),
            pulse,
        })
    }

    /// Waits for answers, as long as anything moves on the connection.
    pub(super) fn wait<T>(&self, what: impl Future<Output = T>) -> Result<T, SftpError> {
        // Each request goes out when it is first waited for, and their order matters. With a budget, some of many would
        // be put off, and those behind them not.
        let waiting = unconstrained(self.pulse.wait(PATIENCE, what));
        self.runtime.block_on(waiting)
    }

    /// How many writes of one file are to be under way: as many as keep the line busy. What is more waits in the
    /// host's memory, which OpenSSH copies each time that it grows.
    pub(super) fn ahead(&self) -> usize {
        let writes = self.trip.load(Ordering::Relaxed) / WRITE;
        usize::try_from(writes).map_or(WRITES.1, |writes| writes.clamp(WRITES.0, WRITES.1))
    }

    /// Asks something that costs the host nothing, and learns from it how far away the host is.
    pub(super) async fn brief<T>(&self, what: impl Future<Output = T>) -> T {
        let asked = Instant::now();
        let answer = what.await;
        let took = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.trip.fetch_min(took, Ordering::Relaxed);
        answer
    }

    /// Whether the host is so far away that waiting for it is most of what a small file takes.
    pub(super) fn is_far(&self) -> bool {
        self.trip.load(Ordering::Relaxed) > FAR
    }

    /// Whether it can be used.
    pub(super) fn is_open(&self) -> bool {
        !self.broken.load(Ordering::Relaxed) && !self.handle.is_closed()
    }

    /// An error about a step. After one that is not a plain refusal the connection is given up.
    pub(super) fn fail(&self, step: &str, error: &SftpError) -> ReleaseError {
        if !matches!(error, SftpError::Status(_)) {
            self.broken.store(true, Ordering::Relaxed);
        }
        self.site.failed(step, error)
    }

    /// Renames over an existing file, in one step of the site.
    pub(super) async fn rename(&self, from: &str, to: &str) -> Result<(), SftpError> {
        // Both extensions carry two paths, written alike.
        let paths = HardlinkExtension {
            oldpath: from.to_owned(),
            newpath: to.to_owned(),
        };
        let paths = paths
            .try_into()
            .map_err(|_| SftpError::UnexpectedBehavior("a path cannot be sent".into()))?;
        match self.sftp.extended(POSIX_RENAME, paths).await? {
            Packet::Status(status) if status.status_code == StatusCode::Ok => Ok(()),
            Packet::Status(status) => Err(SftpError::Status(status)),
            _ => Err(SftpError::UnexpectedPacket),
        }
    }
}
