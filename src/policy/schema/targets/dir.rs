//! `kind: dir`: a directory on the server's own machine.

use super::{Kind, count, texts};
use crate::policy::complaint::Complaints;
use crate::policy::fields::Fields;
use crate::policy::schema::checked;
use crate::policy::values;
use crate::policy::{DirTarget, SharedKind, SharedPath, TargetKind};
use crate::types::RepoPath;
use std::path::PathBuf;

/// How many releases are kept where the policy does not say.
const KEEP: u32 = 5;

/// The kind.
pub(super) const DIR: Kind = Kind {
    name: "dir",
    keys: &["path", "keep", "shared"],
    read: |fields, complaints| directory(fields, complaints).map(TargetKind::Dir),
};

fn directory(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<DirTarget> {
    let path = fields.required("path", complaints, |node, what, complaints| {
        checked(node, what, complaints, |text| values::absolute(text, false))
    });
    let keep = count(fields, "keep", 1..=1000, KEEP, complaints);
    let mut paths: Vec<RepoPath> = Vec::new();
    let shared = texts(fields, "shared", complaints, |text| {
        let shared = shared_path(text)?;
        if paths.iter().any(|other| overlap(other, &shared.path)) {
            return Err("stands above, as itself or as a folder around it or in it".into());
        }
        paths.push(shared.path.clone());
        Ok(shared)
    });
    Some(DirTarget {
        path: PathBuf::from(path?.value),
        keep: keep?,
        shared: shared?,
    })
}

fn overlap(one: &RepoPath, other: &RepoPath) -> bool {
    let lies_in = |inner: &RepoPath, outer: &RepoPath| {
        let rest = inner.as_bytes().strip_prefix(outer.as_bytes());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    };
    lies_in(one, other) || lies_in(other, one)
}

/// A shared path, and what is made of it: a folder where it ends in `/` or its last part has no
/// dot, else a file.
fn shared_path(text: &str) -> Result<SharedPath, String> {
    let (path, folder) = match text.strip_suffix('/') {
        Some(path) => (path, true),
        None => (text, false),
    };
    values::folder(path)?;
    if path.contains('\\') || path.chars().any(char::is_control) || path.len() > 1024 {
        return Err("holds a backslash or a control character, or is too long".into());
    }
    if path.split('/').any(|part| part.starts_with(".relhook-")) {
        return Err("begins with `.relhook-`, which relhook keeps for itself".into());
    }
    let last = path.rsplit('/').next().unwrap_or_default();
    Ok(SharedPath {
        path: RepoPath::new(path.as_bytes().to_vec()),
        made_as: match folder || !last.contains('.') {
            true => SharedKind::Folder,
            false => SharedKind::File,
        },
    })
}
