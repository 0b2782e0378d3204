//! One path, three versions: whether a fourth is what merging them gives, without conflict.

use super::Trees;
use super::trees::Leaf;
use crate::facts::Fault;
use crate::object::TreeEntryKind;
use crate::types::{Oid, escape};
use git2::{MergeFileInput, MergeFileOptions, ObjectType};

/// What three versions of a path say about the fourth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected<T> {
    /// At most one side changed it: this is what it has to be.
    Is(T),
    /// Both sides changed it, each in its own way.
    BothChanged,
}

/// What a merge has to hold where at most one side changed something.
pub(super) fn expected<T: PartialEq + Copy>(base: T, ours: T, theirs: T) -> Expected<T> {
    if ours == theirs || base == theirs {
        Expected::Is(ours)
    } else if base == ours {
        Expected::Is(theirs)
    } else {
        Expected::BothChanged
    }
}

impl Trees<'_> {
    /// Whether `result` is what merging three leaves gives, cleanly.
    pub(super) fn merges_to(
        &mut self,
        base: Leaf,
        ours: Leaf,
        theirs: Leaf,
        result: Leaf,
    ) -> Result<bool, Fault> {
        if let Expected::Is(leaf) = expected(base, ours, theirs) {
            return Ok(leaf == result);
        }
        let regular = [base, ours, theirs, result]
            .iter()
            .all(|(kind, _)| is_regular(*kind));
        let Expected::Is(kind) = expected(base.0, ours.0, theirs.0) else {
            return Ok(false);
        };
        if !regular || kind != result.0 {
            return Ok(false);
        }
        match expected(base.1, ours.1, theirs.1) {
            Expected::Is(oid) => Ok(oid == result.1),
            Expected::BothChanged => self.content_merges_to(base.1, ours.1, theirs.1, result.1),
        }
    }

    fn content_merges_to(
        &mut self,
        base: Oid,
        ours: Oid,
        theirs: Oid,
        result: Oid,
    ) -> Result<bool, Fault> {
        let mut files = Vec::with_capacity(3);
        for oid in [base, ours, theirs] {
            let limit = self.limits().merged_file;
            let header = self.store.header(oid)?;
            if header.size > limit || !self.spend_merged(header.size) {
                return Ok(false);
            }
            let file = self.store.blob_bytes(oid, limit)?;
            if is_binary(&file) {
                return Ok(false);
            }
            files.push(file);
        }
        let [base, ours, theirs] = files.as_slice() else {
            return Ok(false);
        };
        // Two ways to align lines: git's own has a third, which only makes it see conflicts
        // elsewhere. What neither gives is looked at by a person.
        for patience in [false, true] {
            if let Some(merged) = merge_files(base, ours, theirs, patience)?
                && merged == result
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The id of the clean merge of three files; nothing where they conflict.
fn merge_files(
    base: &[u8],
    ours: &[u8],
    theirs: &[u8],
    patience: bool,
) -> Result<Option<Oid>, Fault> {
    let (mut ancestor, mut left, mut right) = (
        MergeFileInput::new(),
        MergeFileInput::new(),
        MergeFileInput::new(),
    );
    ancestor.content(base);
    left.content(ours);
    right.content(theirs);
    let mut options = MergeFileOptions::new();
    options.patience(patience);
    let merged = git2::merge_file(&ancestor, &left, &right, Some(&mut options));
    let merged = merged.map_err(|error| failed(&error))?;
    if !merged.is_automergeable() {
        return Ok(None);
    }
    let id = git2::Oid::hash_object(ObjectType::Blob, merged.content());
    let id = id.map_err(|error| failed(&error))?;
    Ok(Oid::from_bytes(id.as_bytes()).ok())
}

fn failed(error: &git2::Error) -> Fault {
    Fault::Unreadable {
        why: format!("merging a file: {}", escape(error.message().as_bytes())),
    }
}

pub(super) fn is_regular(kind: TreeEntryKind) -> bool {
    match kind {
        TreeEntryKind::File | TreeEntryKind::Executable => true,
        TreeEntryKind::Tree | TreeEntryKind::Symlink | TreeEntryKind::Submodule => false,
    }
}

/// As git tells: a NUL among the first 8000 bytes.
fn is_binary(file: &[u8]) -> bool {
    file.iter().take(8000).any(|byte| *byte == 0)
}
