//! A look at a host by SFTP, for a release that reaches it by another program over the same connection. A host
//! need not offer it: what cannot be seen so is asked for in another way.

use super::session::SftpSession;
use super::wire::Wire;
use crate::release::ReleaseError;
use crate::release::account::Account;
use crate::release::host::Host;
use russh::client::Handle;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime;

/// How long the channel is waited for: there is another way.
const PATIENCE: Duration = Duration::from_secs(5);

/// A channel by which a host can be looked at.
pub(in crate::release) struct Eye(SftpSession);

impl Eye {
    /// Opens the channel.
    ///
    /// # Errors
    /// When the host does not offer SFTP, or not in time.
    pub(in crate::release) async fn open(
        handle: Arc<Handle<Host>>,
        account: &Account,
        runtime: runtime::Handle,
    ) -> Result<Self, ReleaseError> {
        let opening = Wire::open(handle, account.site.clone(), runtime);
        let wire = tokio::time::timeout(PATIENCE, opening).await;
        let late = |_| {
            account
                .site
                .unreachable("open the SFTP channel", "no answer in time")
        };
        let wire = wire.map_err(late)??;
        Ok(Self(SftpSession::new(Arc::new(wire))))
    }

    /// Whether a file holds exactly these bytes, and all of these are directories and no links to such.
    ///
    /// # Errors
    /// When it cannot be told.
    pub(in crate::release) fn sees(
        &self,
        (file, bytes): (&str, &[u8]),
        dirs: &[String],
    ) -> Result<bool, ReleaseError> {
        self.0.holds((file, bytes), dirs)
    }

    /// Whether nothing at all is in a directory.
    ///
    /// # Errors
    /// When it cannot be told, as where there is no such directory.
    pub(in crate::release) fn sees_nothing_in(&self, dir: &str) -> Result<bool, ReleaseError> {
        self.0.is_empty(dir)
    }

    /// Makes a directory that nobody but the account can enter.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(in crate::release) fn make_private(&self, dir: &str) -> Result<(), ReleaseError> {
        self.0.make_private(dir)
    }
}
