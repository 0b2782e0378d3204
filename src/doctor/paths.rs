//! Who can write what the rule rests on: whoever can replace a hook, or a folder on the way to it,
//! goes around it.

use super::outside::Outside;
use super::patient::Patient;
use super::words::path as word;
use super::{Finding, Words};
use crate::setup::{Account, Programs};
use crate::types::escape;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// So many entries of a repository are looked at.
const MAX_ENTRIES: usize = 20_000;
/// So many findings name a path each; the rest is counted.
const MAX_SHOWN: usize = 8;

/// Looks at them.
pub(in crate::doctor) fn examine(patient: &Patient, outside: &Outside) -> Vec<Finding> {
    let keeper = Keeper::of(patient.account.uid, patient.account.account.as_ref());
    let mut roots = vec![patient.git_dir.clone()];
    roots.extend(Programs::beside(&patient.program).files());
    let origins = patient.settings.iter().filter_map(|set| set.origin.clone());
    roots.extend(origins);
    // Who can write these can be anybody.
    roots.extend(outside.keys.iter().map(|(file, _)| file.clone()));
    let mut facts = on_the_way(&roots);
    let whole = below(&patient.git_dir, &mut facts);
    let mut found = judge(&facts, &keeper, &patient.words);
    if !whole {
        found.push(Finding::unknown(
            "writers",
            format!("only the first {MAX_ENTRIES} files of the repository were looked at"),
        ));
    }
    found
}

/// The folders on the way to some paths that others than the repository's account can write, for
/// an installation's report.
pub(crate) fn exposed(roots: &[PathBuf], keeper: &Keeper, words: &Words) -> Vec<Finding> {
    judge(&on_the_way(roots), keeper, words)
}

/// Who may write: root, and the repository's account.
#[derive(Debug, Clone)]
pub(crate) struct Keeper {
    uid: u32,
    gid: Option<u32>,
    name: String,
}

impl Keeper {
    /// This account.
    pub(crate) fn of(uid: u32, account: Option<&Account>) -> Self {
        Self {
            uid,
            gid: account.map(|account| account.gid),
            name: account.map_or_else(|| uid.to_string(), |account| account.name.clone()),
        }
    }

    /// The account that runs this.
    pub(crate) fn me() -> Self {
        let uid = rustix::process::geteuid().as_raw();
        Self::of(uid, Account::of(uid).as_ref())
    }
}

/// What the system says of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    uid: u32,
    gid: u32,
    mode: u32,
    is_dir: bool,
}

type Facts = BTreeMap<PathBuf, Entry>;

/// The paths themselves and every folder above them, links resolved.
fn on_the_way(roots: &[PathBuf]) -> Facts {
    let mut facts = Facts::new();
    for root in roots {
        let real = fs::canonicalize(root);
        for path in real.iter().flat_map(|real| real.ancestors()) {
            // What cannot be looked at belongs to somebody with more rights than this account.
            if let Ok(meta) = fs::metadata(path) {
                facts.insert(path.to_owned(), entry(&meta));
            }
        }
    }
    facts
}

fn entry(meta: &fs::Metadata) -> Entry {
    Entry {
        uid: meta.uid(),
        gid: meta.gid(),
        mode: meta.mode(),
        is_dir: meta.is_dir(),
    }
}

/// Everything in a repository but the objects themselves, whose names are their contents. Whether
/// that was all of it.
fn below(git_dir: &Path, facts: &mut Facts) -> bool {
    let mut folders = vec![git_dir.to_owned()];
    let mut left = MAX_ENTRIES;
    while let Some(folder) = folders.pop() {
        let in_objects = folder
            .parent()
            .is_some_and(|parent| parent.ends_with("objects"));
        for found in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(meta) = fs::symlink_metadata(found.path()) else {
                continue;
            };
            if meta.is_symlink() || (in_objects && !meta.is_dir()) {
                continue;
            }
            let Some(rest) = left.checked_sub(1) else {
                return false;
            };
            left = rest;
            if meta.is_dir() {
                folders.push(found.path());
            }
            facts.insert(found.path(), entry(&meta));
        }
    }
    true
}

/// Why somebody else can write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// It is somebody else's.
    Owned(u32),
    /// Everybody can.
    Everybody,
    /// A group can.
    Group(u32),
    /// Only the account's own group, which may have nobody else in it.
    OwnGroup,
}

fn openness(entry: Entry, keeper: &Keeper) -> Option<Open> {
    if entry.uid != 0 && entry.uid != keeper.uid {
        return Some(Open::Owned(entry.uid));
    }
    // In such a folder nobody renames or removes what is somebody else's.
    if entry.is_dir && entry.mode & 0o1000 != 0 {
        return None;
    }
    if entry.mode & 0o002 != 0 {
        Some(Open::Everybody)
    } else if entry.mode & 0o020 != 0 && entry.gid != 0 {
        Some(match keeper.gid {
            Some(gid) if gid == entry.gid => Open::OwnGroup,
            Some(_) | None => Open::Group(entry.gid),
        })
    } else {
        None
    }
}

fn judge(facts: &Facts, keeper: &Keeper, words: &Words) -> Vec<Finding> {
    let open = facts
        .iter()
        .filter_map(|(path, entry)| Some((path, *entry, openness(*entry, keeper)?)));
    let open: Vec<_> = open.collect();
    if open.is_empty() {
        let what = format!(
            "only root and {} can write what the rule rests on",
            keeper.name
        );
        return vec![Finding::ok("writers", what)];
    }
    let shown = open.iter().take(MAX_SHOWN);
    let mut found: Vec<Finding> = shown
        .map(|(path, entry, open)| describe(path, *entry, *open, keeper, words))
        .collect();
    if let Some(more) = open.len().checked_sub(MAX_SHOWN).filter(|more| *more > 0) {
        let all = words.own(&format!("chmod -R go-w {}", words.git_dir()));
        let what = format!("{more} more files or folders are open to others in the same way");
        found.push(Finding::error("writers", what).mend(all));
    }
    found
}

fn describe(path: &Path, entry: Entry, open: Open, keeper: &Keeper, words: &Words) -> Finding {
    let shown = escape(path.as_os_str().as_bytes());
    let close = format!("chmod go-w {}", word(path));
    let close = if entry.uid == 0 {
        close
    } else {
        words.own(&close)
    };
    let check = "writers";
    match open {
        Open::Owned(uid) => Finding::error(
            check,
            format!("{shown} belongs to uid {uid}, who can put something else there"),
        )
        .mend(format!("chown {} {}", keeper.name, word(path))),
        Open::Everybody => Finding::error(
            check,
            format!("{shown} can be written by others, by everybody"),
        )
        .mend(close),
        Open::Group(gid) => Finding::error(
            check,
            format!("{shown} can be written by others, by group {gid}"),
        )
        .mend(close),
        Open::OwnGroup => Finding::warning(
            check,
            format!(
                "{shown} can be written by others, if {}'s group has any",
                keeper.name
            ),
        )
        .mend(close),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(uid: u32, gid: u32, mode: u32) -> Option<Open> {
        let keeper = Keeper {
            uid: 998,
            gid: Some(998),
            name: "git".into(),
        };
        let entry = Entry {
            uid,
            gid,
            mode,
            is_dir: true,
        };
        openness(entry, &keeper)
    }

    #[test]
    fn h_13_only_root_and_the_account_may_write() {
        assert_eq!(open(998, 998, 0o755), None);
        assert_eq!(open(0, 0, 0o775), None);
        assert_eq!(open(1000, 998, 0o755), Some(Open::Owned(1000)));
        assert_eq!(open(998, 100, 0o775), Some(Open::Group(100)));
        assert_eq!(open(998, 998, 0o775), Some(Open::OwnGroup));
        assert_eq!(open(0, 0, 0o777), Some(Open::Everybody));
        assert_eq!(open(0, 0, 0o1777), None);
        assert_eq!(open(1000, 0, 0o1777), Some(Open::Owned(1000)));
    }

    #[test]
    fn h_13_many_open_files_are_counted() {
        let entry = Entry {
            uid: 0,
            gid: 0,
            mode: 0o777,
            is_dir: false,
        };
        let facts = (0..30).map(|n| (PathBuf::from(format!("/x/{n}")), entry));
        let words = Words::new(Path::new("/x"));
        let found = judge(&facts.collect(), &Keeper::me(), &words);
        assert_eq!(found.len(), MAX_SHOWN + 1);
        assert!(found.last().unwrap().what.starts_with("22 more"));
    }
}
