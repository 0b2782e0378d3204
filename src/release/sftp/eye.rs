//! SFTP beside another program that releases over the same connection: to look at the host, and to bring files
//! where that program would do no better. A host need not offer it: there is another way.

use super::session::SftpSession;
use super::upload::{Opening, Parcel, Parcels, Told};
use super::wire::Wire;
use crate::release::ReleaseError;
use crate::release::account::Account;
use crate::release::host::Host;
use crate::release::site::Session;
use russh::client::Handle;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime;

/// How long the channel is waited for: there is another way.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many channels more are opened: hosts let a connection have ten sessions, if they are not told otherwise.
const MORE: usize = 3;

/// A channel by which a host can be looked at, and files brought to it. It is not opened again when it breaks.
pub(in crate::release) struct Eye {
    session: SftpSession,
    /// How many small files may be under way on a channel, once the host was asked.
    room: usize,
    /// More channels, that are being opened.
    more: Vec<Opening>,
}

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
        Ok(Self {
            session: SftpSession::new(Arc::new(wire)),
            room: 1,
            more: Vec::new(),
        })
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
        self.session.holds((file, bytes), dirs)
    }

    /// Whether nothing at all is in a directory.
    ///
    /// # Errors
    /// When it cannot be told, as where there is no such directory.
    pub(in crate::release) fn sees_nothing_in(&mut self, dir: &str) -> Result<bool, ReleaseError> {
        let (is_empty, room) = self.session.is_empty(dir)?;
        self.room = room;
        Ok(is_empty)
    }

    /// Begins to open more channels for files that are to be brought, where the host is far away. It need not give
    /// them.
    pub(in crate::release) fn widen(&mut self) {
        let wire = &self.session.wire;
        if wire.is_far() {
            let open = || {
                let wire = Arc::clone(wire);
                let another = async move {
                    tokio::time::timeout(PATIENCE, wire.another())
                        .await
                        .ok()?
                        .ok()
                };
                self.session.wire.runtime.spawn(another)
            };
            self.more = (0..MORE).map(|_| open()).collect();
        }
    }

    /// Whether something is a directory, and no link to one.
    ///
    /// # Errors
    /// When it cannot be told.
    pub(in crate::release) fn is_dir(&mut self, path: &str) -> Result<bool, ReleaseError> {
        self.session.is_dir(path)
    }

    /// Which of these are files or links.
    ///
    /// # Errors
    /// When it cannot be told.
    pub(in crate::release) fn are_files(
        &mut self,
        paths: &[String],
    ) -> Result<Vec<bool>, ReleaseError> {
        let sizes = self.session.sizes(paths)?;
        Ok(sizes.iter().map(Option::is_some).collect())
    }

    /// Removes those of these directories that are empty, one group after the other.
    ///
    /// # Errors
    /// When the host does not answer.
    pub(in crate::release) fn remove_all<'a>(
        &self,
        groups: impl Iterator<Item = &'a [String]>,
    ) -> Result<(), ReleaseError> {
        self.session.remove_all(groups)
    }

    /// Makes directories: those of each group lie in those of the groups before it, and in all of them private
    /// ones, which nobody but the account can enter. Meanwhile it is looked for one that somebody else is to make;
    /// whether that has appeared.
    pub(in crate::release) fn make_all(
        &self,
        groups: &[Vec<String>],
        private: &[String],
        awaited: &str,
    ) -> (Result<(), ReleaseError>, bool) {
        self.session.make_all(groups, private, awaited)
    }

    /// Renames files into places where nothing is, asked for in their order, each of which is told of. What is there is
    /// not replaced, by hosts that keep to the protocol. Meanwhile another one is written.
    ///
    /// # Errors
    /// When one cannot be renamed or written, or something is in its place.
    pub(in crate::release) fn place(
        &self,
        pairs: &[(String, String)],
        parcel: &Parcel,
        placed: &dyn Fn(),
    ) -> Result<(), ReleaseError> {
        self.session.place(pairs, parcel, placed)
    }

    /// Removes directories that are empty, and renames a file into a place where nothing is; asked for in that order.
    ///
    /// # Errors
    /// When that cannot be done.
    pub(in crate::release) fn close(
        &self,
        pair: &(String, String),
        dirs: &[String],
    ) -> Result<(), ReleaseError> {
        self.session.close(pair, dirs)
    }

    /// Brings new files: a few `large` ones at once, and many `small` ones beside them. Each is
    /// there whole, as the host tells its size.
    ///
    /// # Errors
    /// When one cannot be written, or is not whole, and those that come in the place of parcels.
    pub(in crate::release) fn bring(
        &mut self,
        large: Parcels,
        small: Parcels,
        told: &Told<'_>,
    ) -> Result<(), ReleaseError> {
        let more = std::mem::take(&mut self.more);
        self.session.bring(more, large, small, self.room, told)
    }
}
