//! The one connection and its SFTP channel.

use super::error::Site;
use super::pulse::{Pulse, Watched};
use crate::release::ReleaseError;
use crate::release::host::Host;
use russh::client::Handle;
use russh_sftp::client::RawSftpSession;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::extensions::HardlinkExtension;
use russh_sftp::protocol::{Packet, StatusCode};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The extension by which OpenSSH and those that follow it rename over an existing file.
const POSIX_RENAME: &str = "posix-rename@openssh.com";
/// How long nothing may move while something is asked.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the library waits for one request, in seconds: it counts from when the request was lined
/// up behind others, so that is not what ends one.
const FOREVER: u64 = 7 * 24 * 3600;

/// A connection that is logged in, with its channel.
pub(super) struct Wire {
    pub(super) sftp: RawSftpSession,
    pub(super) site: Site,
    pub(super) runtime: tokio::runtime::Handle,
    handle: Handle<Host>,
    broken: AtomicBool,
    pulse: Pulse,
}

impl Wire {
    /// Opens the channel.
    pub(super) async fn open(
        handle: Handle<Host>,
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
        let pulse = Pulse::new();
        let sftp = RawSftpSession::new(Watched::new(channel.into_stream(), pulse.clone()));
        sftp.set_timeout(FOREVER);
        let version = sftp
            .init()
            .await
            .map_err(|error| site.failed(STEP, &error))?;
        if !version.extensions.contains_key(POSIX_RENAME) {
            return Err(ReleaseError::Refused {
                site: site.name,
                step: STEP.into(),
                code: StatusCode::OpUnsupported as u32,
                reply: format!(
                    "it does not offer {POSIX_RENAME}, so no file can be replaced whole"
                ),
            });
        }
        Ok(Self {
            sftp,
            site,
            runtime,
            handle,
            broken: AtomicBool::new(false),
            pulse,
        })
    }

    /// Waits for answers, as long as anything moves on the connection.
    pub(super) fn wait<T>(&self, what: impl Future<Output = T>) -> Result<T, SftpError> {
        self.runtime.block_on(self.pulse.wait(PATIENCE, what))
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
