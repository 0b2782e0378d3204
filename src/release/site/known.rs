//! What the last release to a site left, on the server's own disk: so that the next one need not read the
//! whole record again, nor all of the tree.
//!
//! Nothing is decided by it alone. It names the record on the site by its hash; where that is another one,
//! or anything does not fit, all is read anew.

use crate::folder::{Lasting, replace_file_lasting};
use crate::release::desk::{Desk, read_capped};
use crate::release::source::Footing;
use crate::release::{Head, MANIFEST_LIMIT, Manifest, Print};
use crate::types::Oid;
use serde::{Deserialize, Serialize};

/// The file's name.
const FILE: &str = "known.json";

/// The name of the file that has the base of the record.
const BASE: &str = "base.json";

/// What the first field says.
const SCHEMA: &str = "relhook/release-known/v1";

/// The largest file that is read, in bytes.
const LIMIT: u64 = 64 * 1024;

/// What a site's record says, in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::release) struct Known {
    schema: String,
    place: String,
    /// The head of the record.
    pub(super) head: Print,
    /// Its base.
    pub(super) base: Print,
    /// The tree that it records all of, by these rules.
    pub(in crate::release) tree: Oid,
    rules: String,
    /// How many files it records.
    pub(in crate::release) files: usize,
}

impl Known {
    /// What is known of the record of `place`, if it was of a listing by the same rules.
    pub(in crate::release) fn of(desk: &Desk, place: &str, footing: &Footing) -> Option<Self> {
        let bytes = read_capped(&desk.file(FILE), LIMIT).ok()??;
        let known: Self = serde_json::from_slice(&bytes).ok()?;
        let fits = known.schema == SCHEMA && known.place == place && known.rules == footing.rules;
        fits.then_some(known)
    }

    /// What is known from now on: that this head, which was written to the site, records these files of
    /// all of the footing's tree.
    pub(super) fn new(
        place: &str,
        head: &[u8],
        base: Print,
        footing: &Footing,
        files: usize,
    ) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            place: place.to_owned(),
            head: Print::of(head),
            base,
            tree: footing.tree,
            rules: footing.rules.clone(),
            files,
        }
    }

    /// Keeps it. What cannot be kept is found out anew.
    pub(super) fn keep(&self, desk: &Desk) {
        if let Ok(bytes) = serde_json::to_vec(self) {
            let _ = replace_file_lasting(&desk.file(FILE), &bytes, Lasting::Kill);
        }
    }
}

/// Forgets what is known.
pub(super) fn forget(desk: &Desk) {
    // One that stays is of another head than the site's.
    let _ = std::fs::remove_file(desk.file(FILE));
}

/// The base of a head, where it is at hand.
pub(super) fn base(desk: &Desk, wanted: &Print) -> Option<Vec<u8>> {
    base_to_search(desk, wanted).filter(|bytes| wanted.is(bytes))
}

/// The same, to be searched for what may be worth a look: it may have been damaged.
pub(super) fn base_to_search(desk: &Desk, wanted: &Print) -> Option<Vec<u8>> {
    let bytes = read_capped(&desk.file(BASE), MANIFEST_LIMIT).ok()??;
    (bytes.len() as u64 == wanted.size).then_some(bytes)
}

/// Keeps a base at hand. What cannot be kept is read from the site again.
pub(super) fn keep_base(desk: &Desk, bytes: &[u8]) {
    let _ = replace_file_lasting(&desk.file(BASE), bytes, Lasting::Kill);
}

/// A record in two parts, as it is on the site.
pub(super) struct Parts {
    pub(super) head: Box<Head>,
    /// What the base says; absent where nobody needed to know.
    pub(super) base: Option<Manifest>,
}
