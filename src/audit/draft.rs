//! An entry as it goes into the tree, and back.

use super::entry::SCHEMA;
use super::hidden::{Hidden, Reports};
use super::tiles::{Kept, MAX_ENTRY};
use super::{AuditError, Entry, Event, Hash, form};
use std::io;

/// The bytes of an entry, and what is kept beside it.
pub(in crate::audit) struct Draft {
    pub entry: String,
    pub hidden: Option<Hidden>,
}

impl Draft {
    /// Brings an entry into its form. An event that is too long goes to `keep`, as evidence.
    pub(in crate::audit) fn new(
        mut entry: Entry,
        keep: impl Fn(&[u8]) -> Result<Hash, AuditError>,
    ) -> Result<Self, AuditError> {
        let hidden = Hidden::take(&mut entry.event).map_err(unwritten)?;
        entry.hidden = hidden.as_ref().map(Hidden::commitment);
        let mut json = serde_json::to_string(&entry).map_err(unwritten)?;
        if json.len() > MAX_ENTRY {
            let body = serde_json::to_vec(&entry.event).map_err(unwritten)?;
            entry.event = Event::Long {
                of: kind(&body).unwrap_or_default(),
                body: keep(&body)?,
            };
            json = serde_json::to_string(&entry).map_err(unwritten)?;
        }
        Ok(Self {
            entry: json,
            hidden,
        })
    }
}

fn unwritten(error: impl Into<io::Error>) -> AuditError {
    AuditError::Io {
        path: "an audit entry".into(),
        source: error.into(),
    }
}

fn kind(event: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Kind {
        kind: String,
    }
    let kind: Kind = serde_json::from_slice(event).ok()?;
    Some(kind.kind)
}

/// What an entry's bytes say, without what is kept beside it.
///
/// # Errors
/// When they are not in the form that relhook writes. What serde reads is not all that an entry may
/// hold: only its canonical form passes, so no unknown or repeated field hides in one.
pub(in crate::audit) fn strictly(bytes: &[u8]) -> Result<Entry, String> {
    let mut written = Vec::with_capacity(bytes.len());
    if let Some(entry) = form::read(bytes)
        && serde_json::to_writer(&mut written, &entry).is_ok()
        && written == bytes
    {
        return Ok(entry);
    }
    let entry: Entry = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if entry.schema != SCHEMA {
        return Err(format!(
            "unknown schema `{}`",
            crate::types::escape(entry.schema.as_bytes())
        ));
    }
    written.clear();
    serde_json::to_writer(&mut written, &entry).map_err(|error| error.to_string())?;
    match written == bytes {
        true => Ok(entry),
        false => Err("it is not in the form that relhook writes".into()),
    }
}

/// The whole of an entry: `entry` with a long event fetched by `evidence` and with what is kept
/// beside it, where that was not deleted. Without `reports` the latter is left where it is, and only
/// compared with what the entry commits to.
///
/// # Errors
/// When the parts do not belong together.
pub(in crate::audit) fn whole(
    mut entry: Entry,
    hidden: Option<Hidden>,
    reports: Option<Reports>,
    evidence: impl Fn(&Hash) -> Result<Vec<u8>, AuditError>,
) -> Result<Entry, String> {
    if let Event::Long { body, .. } = &entry.event {
        let body = evidence(body).map_err(|error| error.to_string())?;
        entry.event = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    }
    match (hidden, &entry.hidden) {
        (None, _) => {}
        (Some(_), None) => return Err("something is kept beside it that it does not name".into()),
        (Some(hidden), Some(commitment)) => {
            if hidden.commitment() != *commitment {
                return Err("what is kept beside it was altered".into());
            }
            if let Some(reports) = reports {
                hidden.put(&mut entry.event, reports)?;
            }
        }
    }
    Ok(entry)
}

/// Reads an entry that nobody has to verify.
pub(in crate::audit) fn read(
    kept: Kept,
    evidence: impl Fn(&Hash) -> Result<Vec<u8>, AuditError>,
) -> Result<Entry, String> {
    let entry = match form::read(&kept.entry) {
        Some(entry) => entry,
        None => serde_json::from_slice(&kept.entry).map_err(|error| error.to_string())?,
    };
    whole(entry, kept.hidden, Some(Reports::Read), evidence)
}
