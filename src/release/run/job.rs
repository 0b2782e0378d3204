//! What a kind of target is given, and what it answers.

use crate::release::desk::{Begun, Desk, Landed};
use crate::release::manifest::Header;
use crate::release::order::{Adoption, Order, Setting};
use crate::release::plan::{Listing, Plan, Rank, rank};
use crate::release::progress::Progress;
use crate::release::source::Footing;
use crate::release::{Content, Manifest, ReleaseError, Seal};
use crate::types::RepoPath;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// What a kind of target gets to work with.
pub(in crate::release) struct Job<'a> {
    pub(in crate::release) order: &'a Order,
    pub(in crate::release) listing: &'a Listing,
    pub(in crate::release) setting: Setting<'a>,
    pub(in crate::release) desk: &'a Desk,
    pub(in crate::release) seal: &'a Seal,
    pub(in crate::release) landed: Option<&'a Landed>,
    pub(in crate::release) adoption: Adoption,
    pub(in crate::release) progress: &'a Progress,
    /// Released files that somebody was seen to have changed by hand since: they are sent again.
    pub(in crate::release) suspects: Vec<RepoPath>,
    /// What the target's record said, once it was read.
    pub(in crate::release) found: OnceLock<Begun>,
    /// What the listing was made of, where that alone decides it.
    pub(in crate::release) footing: Option<&'a Footing>,
}

impl Job<'_> {
    /// The same at another desk.
    pub(in crate::release) fn at<'b>(&'b self, desk: &'b Desk) -> Job<'b> {
        Job {
            desk,
            suspects: Vec::new(),
            found: OnceLock::new(),
            ..*self
        }
    }

    /// When a path of the release becomes visible.
    pub(in crate::release) fn rank(&self, path: &RepoPath) -> Rank {
        let target = &self.order.target;
        let folder = target.from.clone().unwrap_or_default();
        let in_tree = RepoPath::new(folder.into_bytes()).join(path.as_bytes());
        match target.last.is_match(in_tree.as_bytes()) {
            true => Rank::Last,
            false => rank(path),
        }
    }

    /// The release's record as it ends now, signed: every file with its content's hash, and the
    /// directories that relhook made.
    ///
    /// # Errors
    /// When the hash of a file is not known.
    pub(in crate::release) fn record(
        &self,
        contents: &BTreeMap<RepoPath, Content>,
        dirs: &BTreeSet<RepoPath>,
    ) -> Result<Vec<u8>, ReleaseError> {
        self.record_of(self.listing, contents, dirs)
    }

    /// The same of some of the files.
    pub(in crate::release) fn record_of(
        &self,
        listing: &Listing,
        contents: &BTreeMap<RepoPath, Content>,
        dirs: &BTreeSet<RepoPath>,
    ) -> Result<Vec<u8>, ReleaseError> {
        self.manifest_of(listing, contents, dirs)?
            .to_bytes(self.seal)
            .map_err(ReleaseError::Objects)
    }

    /// The same, not signed yet.
    pub(in crate::release) fn manifest_of(
        &self,
        listing: &Listing,
        contents: &BTreeMap<RepoPath, Content>,
        dirs: &BTreeSet<RepoPath>,
    ) -> Result<Manifest, ReleaseError> {
        let header = Header {
            repository: self.order.repository.0.clone(),
            refname: self.order.refname.to_string(),
            commit: self.order.commit,
            sequence: self.order.sequence,
            released: (self.setting.now)(),
        };
        Manifest::new(header, listing, contents, dirs).map_err(ReleaseError::Objects)
    }

    /// Whether a manifest says exactly what this release would.
    pub(in crate::release) fn is_recorded_in(&self, manifest: &Manifest) -> bool {
        let wanted = self.listing.files.values();
        let wanted: Vec<_> = wanted
            .map(|file| (file.path.clone(), file.kind, file.blob))
            .collect();
        self.of_same_release(manifest) && manifest.kinds() == wanted
    }

    /// Whether a manifest is of this release, whatever files it lists.
    pub(in crate::release) fn of_same_release(&self, manifest: &Manifest) -> bool {
        manifest.repository == self.order.repository.0
            && manifest.refname == self.order.refname.to_string()
            && manifest.commit == self.order.commit
            && manifest.sequence == self.order.sequence
    }
}

/// What a kind of target found.
pub(in crate::release) enum Reached {
    /// It held the commit's tree, and said so.
    Before,
    /// It does now.
    Now,
}

/// Called when the plan is known and before anything on the target is changed.
pub(in crate::release) type Begin<'a> = dyn FnMut(&Plan) -> Result<(), ReleaseError> + 'a;
