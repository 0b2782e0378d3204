//! The machine: the account, git's version, the disk, and what crashes leave behind.

use super::patient::Patient;
use super::words::path as word;
use super::{Finding, Words};
use crate::setup::OLDEST_GIT;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A lock file that is older was left behind.
const OLD_LOCK: Duration = Duration::from_secs(600);
/// A quarantine or a half-received pack that is older was left behind.
const OLD_LEFTOVER: Duration = Duration::from_secs(24 * 3600);
/// Less room, in bytes, and pushes fail.
const NO_ROOM: u64 = 64 << 20;
/// Less room, in bytes, and it is worth a word.
const LITTLE_ROOM: u64 = 1 << 30;
/// So many leftovers are named.
const MAX_SHOWN: usize = 10;

/// Looks at it.
pub(in crate::doctor) fn examine(patient: &Patient) -> Vec<Finding> {
    let facts = Facts::gather(patient);
    judge(&facts, &patient.words)
}

/// How the machine is.
#[derive(Debug, Clone)]
struct Facts {
    /// git's version, as two numbers and as it writes it, or why it cannot be told.
    git: Result<((u32, u32), String), String>,
    /// Whether pushes run as root.
    root: bool,
    /// The bytes that are free.
    room: Option<u64>,
    /// Old lock files, with their age in seconds.
    locks: Vec<(PathBuf, u64)>,
    /// Old quarantines and half-received packs.
    leftovers: Vec<PathBuf>,
    /// Whether there are work trees beside it.
    worktrees: bool,
}

impl Facts {
    fn gather(patient: &Patient) -> Self {
        let git_dir = &patient.git_dir;
        let room = rustix::fs::statvfs(git_dir).ok();
        Self {
            git: patient.git.version().map_err(|error| error.to_string()),
            root: patient.account.uid == 0,
            room: room.map(|system| system.f_bavail.saturating_mul(system.f_frsize)),
            locks: locks(git_dir),
            leftovers: leftovers(git_dir),
            worktrees: fs::read_dir(git_dir.join("worktrees"))
                .is_ok_and(|mut entries| entries.next().is_some()),
        }
    }
}

/// How old a file is; nothing where that cannot be told.
fn age(path: &Path) -> Option<Duration> {
    let changed = fs::symlink_metadata(path).ok()?.modified().ok()?;
    SystemTime::now().duration_since(changed).ok()
}

/// Lock files at the top and below `refs/` that are so old that nobody holds them any more.
fn locks(git_dir: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    let mut folders = vec![git_dir.to_owned()];
    let mut left = 20_000usize;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            left = left.saturating_sub(1);
            if left == 0 {
                return found;
            }
            let path = entry.path();
            let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let below = folder != *git_dir || path.ends_with("refs");
            if is_dir && below {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "lock")
                && let Some(age) = age(&path).filter(|age| *age > OLD_LOCK)
            {
                found.push((path, age.as_secs()));
            }
        }
    }
    found
}

/// What receive-pack leaves behind when it is killed.
fn leftovers(git_dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let places = [
        ("objects", "tmp_objdir-incoming-"),
        ("objects/pack", "tmp_pack_"),
        ("relhook", "doctor-"),
    ];
    for (folder, prefix) in places {
        let entries = fs::read_dir(git_dir.join(folder)).into_iter().flatten();
        for entry in entries.flatten() {
            let is_one = entry
                .file_name()
                .as_encoded_bytes()
                .starts_with(prefix.as_bytes());
            let path = entry.path();
            if is_one && age(&path).is_some_and(|age| age > OLD_LEFTOVER) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn judge(facts: &Facts, words: &Words) -> Vec<Finding> {
    vec![
        git(&facts.git),
        account(facts.root, words),
        room(facts.room, words),
        stale_locks(&facts.locks, words),
        left_behind(&facts.leftovers, words),
        worktrees(facts.worktrees, words),
    ]
}

fn git(version: &Result<((u32, u32), String), String>) -> Finding {
    let check = "git-version";
    let (major, minor) = OLDEST_GIT;
    match version {
        Err(why) => Finding::unknown(check, why),
        Ok((numbers, version)) if *numbers < OLDEST_GIT => Finding::error(
            check,
            format!("git is {version}; relhook is tested with {major}.{minor} and newer"),
        )
        .advice("install a newer git"),
        Ok((_, version)) => Finding::ok(check, format!("git is {version}")),
    }
}

fn account(root: bool, words: &Words) -> Finding {
    let check = "account";
    if !root {
        return Finding::ok(check, "pushes run as an account of their own");
    }
    Finding::warning(
        check,
        "the repository is root's, so pushes and hooks run as root: what goes wrong in one goes \
         wrong for the whole machine",
    )
    .advice(format!(
        "make an account for it (`adduser --system --group git`), and give it the repository: \
         `chown -R git: {}`",
        words.git_dir()
    ))
}

fn room(room: Option<u64>, words: &Words) -> Finding {
    let check = "disk";
    let Some(room) = room else {
        return Finding::unknown(check, "the file system does not say how much room is left");
    };
    let mebibytes = room >> 20;
    let what = format!("{mebibytes} MiB are free");
    if room >= LITTLE_ROOM {
        return Finding::ok(check, what);
    }
    let finding = if room < NO_ROOM {
        Finding::error(
            check,
            format!("{what}: a verdict that cannot be written is a refusal"),
        )
    } else {
        Finding::warning(
            check,
            format!("{what}: when the disk is full, nothing goes in"),
        )
    };
    finding
        .mend(words.git(&["gc"]))
        .advice("or make room elsewhere on that file system")
}

fn stale_locks(locks: &[(PathBuf, u64)], words: &Words) -> Finding {
    let check = "locks";
    let Some((first, age)) = locks.first() else {
        return Finding::ok(check, "nothing was left locked");
    };
    let finding = Finding::warning(
        check,
        format!(
            "{} is {} minutes old, and {} like it: git refuses to write what it locks",
            word(first),
            age / 60,
            match locks.len() {
                1 => "no other".to_owned(),
                many => format!("{} more", many - 1),
            }
        ),
    )
    .advice("see that no git is running for it, then remove it");
    let shown = locks.iter().take(MAX_SHOWN);
    shown.fold(finding, |finding, (path, _)| {
        finding.mend(words.own(&format!("rm -f {}", word(path))))
    })
}

fn left_behind(leftovers: &[PathBuf], words: &Words) -> Finding {
    let check = "leftovers";
    if leftovers.is_empty() {
        return Finding::ok(check, "no push was left half received");
    }
    let what = format!(
        "{} pushes or trials were broken off more than a day ago and left files behind",
        leftovers.len()
    );
    let shown = leftovers.iter().take(MAX_SHOWN);
    shown.fold(Finding::warning(check, what), |finding, path| {
        finding.mend(words.own(&format!("rm -rf {}", word(path))))
    })
}

fn worktrees(there: bool, words: &Words) -> Finding {
    let check = "worktrees";
    if !there {
        return Finding::ok(check, "no branch is checked out beside it");
    }
    Finding::warning(
        check,
        "worktrees/ is there: git refuses pushes to a branch that is checked out in one",
    )
    .mend(words.git(&["worktree", "prune"]))
    .advice("`git worktree list` names them; release to a `dir` target instead")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    fn sound() -> Facts {
        Facts {
            git: Ok(((2, 47), "2.47.3".into())),
            root: false,
            room: Some(1 << 40),
            locks: Vec::new(),
            leftovers: Vec::new(),
            worktrees: false,
        }
    }

    fn bad(change: impl Fn(&mut Facts)) -> Vec<(&'static str, State)> {
        let mut facts = sound();
        change(&mut facts);
        let found = judge(&facts, &Words::new(Path::new("/srv/x.git")));
        let bad = found.iter().filter(|one| one.state != State::Ok);
        bad.map(|one| (one.check, one.state)).collect()
    }

    #[test]
    fn a_machine_in_order_is_told_so() {
        assert_eq!(bad(|_| ()), []);
        assert_eq!(
            bad(|facts| facts.root = true),
            [("account", State::Warning)]
        );
        assert_eq!(
            bad(|facts| facts.room = Some(1 << 20)),
            [("disk", State::Error)]
        );
        assert_eq!(
            bad(|facts| facts.room = Some(100 << 20)),
            [("disk", State::Warning)]
        );
        assert_eq!(bad(|facts| facts.room = None), [("disk", State::Unknown)]);
        assert_eq!(
            bad(|facts| facts.worktrees = true),
            [("worktrees", State::Warning)]
        );
    }

    #[test]
    fn n_12_a_git_that_is_too_old_is_an_error() {
        let version = |numbers| move |facts: &mut Facts| facts.git = Ok((numbers, "x".into()));
        assert_eq!(bad(version((2, 38))), [("git-version", State::Error)]);
        assert_eq!(bad(version((2, 39))), []);
        assert_eq!(bad(version((3, 0))), []);
    }

    #[test]
    fn r_15_and_x_10_what_crashes_leave_behind_is_named() {
        let lock = |facts: &mut Facts| facts.locks = vec![("/srv/x.git/a.lock".into(), 700)];
        assert_eq!(bad(lock), [("locks", State::Warning)]);
        let left = |facts: &mut Facts| facts.leftovers = vec!["/srv/x.git/objects/t".into()];
        assert_eq!(bad(left), [("leftovers", State::Warning)]);
    }
}
