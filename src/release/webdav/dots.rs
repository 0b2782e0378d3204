//! Whether a server tells of names that begin with a dot. nginx does not, so that a folder looks
//! empty in which somebody keeps `.htaccess`, and a `DELETE` of a folder takes all of it.

use crate::release::site::Session;
use crate::release::{FileKind, MANIFEST_NAME, OWN_PREFIX, ReleaseError};
use std::sync::{Arc, OnceLock};

/// What a server's lists say of such names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dots {
    /// They have them.
    Told,
    /// They leave them out.
    Hidden,
}

/// What is known of it: all sessions of a run find out together.
#[derive(Debug, Clone, Default)]
pub(super) struct Known(Arc<OnceLock<Dots>>);

impl Known {
    /// What it is, found out where it is not known yet.
    pub(super) fn of(&self, session: &mut dyn Session) -> Result<Dots, ReleaseError> {
        if let Some(known) = self.0.get() {
            return Ok(*known);
        }
        let found = look(session)?;
        Ok(*self.0.get_or_init(|| found))
    }
}

/// Looks whether the list of the site's folder has our own record, whose name begins with a dot. In
/// a first release, before there is one, a file of ours stands in for it.
fn look(session: &mut dyn Session) -> Result<Dots, ReleaseError> {
    if session.size(&format!("/{MANIFEST_NAME}"))?.is_some() {
        return in_the_list(session, MANIFEST_NAME);
    }
    let name = format!("{OWN_PREFIX}dots.tmp");
    let path = format!("/{name}");
    session.put(&path, b"", FileKind::File, &|_| {})?;
    let found = in_the_list(session, &name);
    session.delete(&path)?;
    found
}

fn in_the_list(session: &mut dyn Session, name: &str) -> Result<Dots, ReleaseError> {
    let mut entries = session.list("/")?.into_iter();
    Ok(match entries.any(|entry| entry.name == name) {
        true => Dots::Told,
        false => Dots::Hidden,
    })
}
