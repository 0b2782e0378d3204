//! The comparison. Pure.

use super::{Change, Difference, Expected, Look, Seen};
use crate::release::{Content, FileKind, ancestors};
use crate::types::RepoPath;
use std::collections::BTreeSet;

/// What differs from what is to be there, by path.
#[must_use]
pub fn drift(expected: &Expected, look: &Look) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut told: BTreeSet<RepoPath> = BTreeSet::new();
    let mut needed: BTreeSet<RepoPath> = BTreeSet::new();
    for (path, (kind, content)) in &expected.files {
        let above = ancestors(path);
        let blocking = above.iter().find_map(|dir| {
            let seen = look.entries.get(dir)?;
            directory(seen).map(|(what, how)| (dir.clone(), what, how))
        });
        needed.extend(above);
        match (blocking, look.entries.get(path)) {
            // What is below it is not ours any more, whatever it is.
            (Some((dir, what, how)), _) => {
                if told.insert(dir.clone()) {
                    found.push(difference(&dir, what, how));
                }
            }
            // A run that was interrupted may have removed it.
            (None, None) if content.is_none() => {}
            (None, None) => found.push(difference(path, Change::Missing, "it is gone")),
            (None, Some(seen)) => {
                if let Some((what, how)) = file(*kind, content.as_ref(), seen) {
                    found.push(difference(path, what, &how));
                }
            }
        }
    }
    for (path, seen) in &look.entries {
        let known = expected.files.contains_key(path)
            || expected.dirs.contains(path)
            || expected.passing.contains(path)
            || needed.contains(path);
        if !known && look.owned.contains(&parent(path)) {
            found.push(difference(path, Change::Added, kind(seen)));
        }
    }
    for dir in expected
        .dirs
        .difference(&told)
        .filter(|dir| !needed.contains(*dir))
    {
        if let Some((what, how)) = look.entries.get(dir).and_then(directory) {
            found.push(difference(dir, what, how));
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn difference(path: &RepoPath, what: Change, how: &str) -> Difference {
    Difference {
        path: path.clone(),
        what,
        how: how.to_owned(),
    }
}

fn parent(path: &RepoPath) -> RepoPath {
    let top = || RepoPath::new(Vec::new());
    ancestors(path).pop().unwrap_or_else(top)
}

fn kind(seen: &Seen) -> &'static str {
    match seen {
        Seen::File { .. } => "a file",
        Seen::Link(_) => "a symbolic link",
        Seen::Directory => "a directory",
        Seen::Other => "neither a file nor a directory",
    }
}

/// What stands where a directory of the release has to be, if it is none.
fn directory(seen: &Seen) -> Option<(Change, &'static str)> {
    match seen {
        Seen::Directory => None,
        Seen::Link(_) => Some((Change::Link, "a symbolic link instead of a directory")),
        Seen::File { .. } => Some((Change::Changed, "a file instead of a directory")),
        Seen::Other => Some((Change::Link, "no directory any more")),
    }
}

/// Whether what stands at a path is something else than a file of this kind and content.
pub(in crate::release) fn differs(kind: FileKind, content: &Content, seen: &Seen) -> bool {
    file(kind, Some(content), seen).is_some()
}

/// What is wrong with what stands where a file or a link was released.
fn file(wanted: FileKind, content: Option<&Content>, seen: &Seen) -> Option<(Change, String)> {
    let runs = match wanted {
        FileKind::Symlink => return link(content, seen),
        FileKind::Executable => true,
        FileKind::File => false,
    };
    match seen {
        Seen::File {
            size,
            sha256,
            runs: may,
        } => {
            let against =
                content.and_then(|content| other_content(content, *size, sha256.as_ref()));
            let against = against.or_else(|| {
                may.filter(|may| *may != runs).map(|may| {
                    let word = if may {
                        "can be run now"
                    } else {
                        "cannot be run any more"
                    };
                    format!("it {word}")
                })
            });
            against.map(|how| (Change::Changed, how))
        }
        Seen::Link(_) => Some((Change::Link, "a symbolic link instead of a file".into())),
        Seen::Directory => Some((Change::Changed, "a directory instead of a file".into())),
        Seen::Other => Some((Change::Link, "no file any more".into())),
    }
}

fn other_content(wanted: &Content, size: Option<u64>, sha256: Option<&String>) -> Option<String> {
    match (size, sha256) {
        (Some(size), _) if size != wanted.size => {
            Some(format!("{size} bytes instead of {}", wanted.size))
        }
        (_, Some(sha256)) if !sha256.eq_ignore_ascii_case(&wanted.sha256) => {
            Some("another content".into())
        }
        (_, _) => None,
    }
}

fn link(content: Option<&Content>, seen: &Seen) -> Option<(Change, String)> {
    match (seen, content) {
        (Seen::Link(Some(sha256)), Some(content)) if *sha256 != content.sha256 => {
            Some((Change::Link, "it points elsewhere".into()))
        }
        // A site that shows links at all may not say that this is one.
        (Seen::Link(_) | Seen::Other, _) => None,
        (Seen::File { .. } | Seen::Directory, _) => Some((
            Change::Changed,
            format!("{} instead of a symbolic link", kind(seen)),
        )),
    }
}
