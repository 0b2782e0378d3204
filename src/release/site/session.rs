//! What a site that is reached file by file has to be able to do.

#![allow(
    dead_code,
    reason = "the kinds of target that use the rest are being added"
)]

use crate::release::{FileKind, ReleaseError};
use crate::types::Timestamp;

/// How files get to their places on a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::release) enum Placing {
    /// Under a temporary name beside the place, then by a rename.
    Aside,
    /// At once: the site shows a file when all of it is there, and the old one until then.
    Direct,
}

/// What an entry of a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::release) enum EntryKind {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, a device and the like.
    Other,
    /// The site does not say.
    Untold,
}

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::release) struct Entry {
    /// Its name, without the directory.
    pub(in crate::release) name: String,
    /// What it is.
    pub(in crate::release) kind: EntryKind,
    /// Its size in bytes, if the site says it.
    pub(in crate::release) size: Option<u64>,
    /// When it was last changed, if the site says it.
    pub(in crate::release) changed: Option<Timestamp>,
}

/// Whether the site copied a file by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::release) enum Copied {
    /// It did.
    Done,
    /// It does not offer that, so the file has to be sent.
    NotOffered,
}

/// What is told of each item of a batch: its place in the batch, and how it went. An error that is
/// returned from it ends the batch.
pub(in crate::release) type Answered<'a> =
    dyn FnMut(usize, Result<(), ReleaseError>) -> Result<(), ReleaseError> + 'a;

/// A logged-in connection. Paths are whole, in the site's own form.
///
/// Success is the site's own word for exactly that step. Whether trying again can help is said by
/// the error ([`ReleaseError::is_transient`]); after an error the session is not used any more,
/// except for looking at what a refusal means.
pub(in crate::release) trait Session: Send {
    /// Whether a directory is there.
    fn is_dir(&mut self, path: &str) -> Result<bool, ReleaseError>;

    /// A file's size in bytes; `None` if there is no such file.
    fn size(&mut self, path: &str) -> Result<Option<u64>, ReleaseError>;

    /// What is in a directory, hidden entries included and in any order; nothing if there is no such
    /// directory.
    fn list(&mut self, path: &str) -> Result<Vec<Entry>, ReleaseError>;

    /// Sends a file, over one that may be there. `sent` is told how many bytes went out since it
    /// was last called.
    fn put(
        &mut self,
        path: &str,
        content: &[u8],
        kind: FileKind,
        sent: &dyn Fn(usize),
    ) -> Result<(), ReleaseError>;

    /// Reads a file of at most `limit` bytes; a larger one is an error.
    fn get(&mut self, path: &str, limit: u64) -> Result<Vec<u8>, ReleaseError>;

    /// Renames a file, over another one if need be, in one step.
    fn rename(&mut self, from: &str, to: &str) -> Result<(), ReleaseError>;

    /// Removes a file that may be gone already.
    fn delete(&mut self, path: &str) -> Result<(), ReleaseError>;

    /// Makes a directory that may be there already. Its parent is there.
    fn make_dir(&mut self, path: &str) -> Result<(), ReleaseError>;

    /// Removes a directory if it is empty for certain. Says whether it is gone.
    fn remove_dir(&mut self, path: &str) -> Result<bool, ReleaseError>;

    /// Moves a directory without any file that the site tells of to a new name, with all that the site
    /// may not tell of. Says whether it did: a site that tells of everything has no need to, for there
    /// [`Self::remove_dir`] can know.
    fn set_aside(&mut self, dir: &str, to: &str) -> Result<bool, ReleaseError> {
        let _ = (dir, to);
        Ok(false)
    }

    /// The SHA-256 of a file's content as the site itself computes it now, in lower-case
    /// hexadecimal digits; `None` if it does not offer that or there is no such file.
    fn digest(&mut self, path: &str) -> Result<Option<String>, ReleaseError> {
        let _ = path;
        Ok(None)
    }

    /// Copies a file on the site, over another one if need be.
    fn copy(&mut self, from: &str, to: &str) -> Result<Copied, ReleaseError> {
        let _ = (from, to);
        Ok(Copied::NotOffered)
    }

    /// Whether directories are there, in their order.
    fn are_dirs(&mut self, paths: &[String]) -> Result<Vec<bool>, ReleaseError> {
        paths.iter().map(|path| self.is_dir(path)).collect()
    }

    /// Makes directories, each of which may be there already and none of which lies in another.
    fn make_dirs(&mut self, paths: &[String]) -> Result<(), ReleaseError> {
        paths.iter().try_for_each(|path| self.make_dir(path))
    }

    /// The sizes of many files, in their order.
    fn sizes(&mut self, paths: &[String]) -> Result<Vec<Option<u64>>, ReleaseError> {
        paths.iter().map(|path| self.size(path)).collect()
    }

    /// Many renames, in their order. A protocol that can send ahead may go on behind one that was
    /// refused; each is answered for.
    fn renames(
        &mut self,
        pairs: &[(String, String)],
        answered: &mut Answered<'_>,
    ) -> Result<(), ReleaseError> {
        for (at, (from, to)) in pairs.iter().enumerate() {
            let result = self.rename(from, to);
            answered(at, result)?;
        }
        Ok(())
    }

    /// Removes many files, each of which may be gone already.
    fn deletes(
        &mut self,
        paths: &[String],
        answered: &mut Answered<'_>,
    ) -> Result<(), ReleaseError> {
        for (at, path) in paths.iter().enumerate() {
            let result = self.delete(path);
            answered(at, result)?;
        }
        Ok(())
    }
}

/// What opens sessions. Several may share one transport; each is used by one thread at a time.
pub(in crate::release) trait Connector: Sync {
    /// Opens a session and logs in.
    fn connect(&self) -> Result<Box<dyn Session>, ReleaseError>;

    /// How many sessions at once are worth while, and allowed by the policy; at least 1.
    fn sessions(&self) -> usize;

    /// How many steps of a batch a session can have under way at once.
    fn ahead(&self) -> usize {
        1
    }

    /// Whether all sessions share one connection, so that another one costs nothing.
    fn shares(&self) -> bool {
        false
    }

    /// How files get to their places.
    fn placing(&self) -> Placing;

    /// Whether [`Session::copy`] is worth a try on this site.
    fn copies(&self) -> bool {
        false
    }

    /// What whoever looks after the site has to know of it, once sessions were opened.
    fn notice(&self) -> Option<String> {
        None
    }
}
