//! Why a release stopped: one variant a reason, holding the facts; the sentences are made here.
//!
//! Whatever a site answered is escaped and cut before it gets into a variant; no variant ever
//! holds a password.

use super::drift::Difference;
use super::seal::SealFault;
use crate::decide::Code;
use crate::types::{Oid, RepoPath, TargetName, escape};
use std::io;
use std::path::{Path, PathBuf};

/// How many paths a message lists.
const SHOWN: usize = 20;

/// How many characters of a path in a list are shown.
const PATH_SHOWN: usize = 160;

/// How many bytes of a site's answer a message repeats.
const REPLY_LIMIT: usize = 200;

/// How many bytes of the end of a program's messages a message repeats.
const END_LIMIT: usize = 600;

/// One path that cannot be released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The path in the tree.
    pub path: RepoPath,
    /// What is wrong with it.
    pub why: Fault,
}

/// What is wrong with a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The name breaks a rule.
    #[error("its name {0}")]
    Name(&'static str),
    /// A symbolic link where the target has none.
    #[error("it is a symbolic link, which this kind of target does not have")]
    Symlink,
    /// A symbolic link where the policy wants none.
    #[error("it is a symbolic link, which the policy refuses")]
    UnwantedSymlink,
    /// A symbolic link that leaves the release.
    #[error("it is a symbolic link that {0}")]
    LeavingSymlink(&'static str),
    /// A submodule: its content is not in the commit.
    #[error("it is a submodule, so its content is not part of the commit")]
    Submodule,
    /// A Git LFS pointer: its content is not in the commit.
    #[error("it is a Git LFS pointer, so its content is not part of the commit")]
    LfsPointer,
    /// A Git LFS pointer whose content is not to be had.
    #[error("it is a Git LFS pointer that {0}")]
    Lfs(&'static str),
    /// Keywords that are not replaced.
    #[error("`export-subst` is set for it, and it {0}")]
    Subst(&'static str),
    /// Another path falls together with it.
    #[error("a place that is blind to case takes it for `{0}`")]
    Twin(RepoPath),
    /// The tree has something where the policy has all releases share something.
    #[error("the target's `shared` names it, and the tree has something there")]
    Shared,
    /// Too big.
    #[error("it is larger than 1 GiB")]
    TooLarge,
}

/// Why a release stopped.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// The tree holds what cannot be released.
    #[error("the tree holds what cannot be released:{}", complaints(.0, *.1))]
    Unreleasable(Vec<Complaint>, usize),
    /// The policy's `from` names no folder of the tree.
    #[error("the tree has no folder `{}` to release from", escape(.0.as_bytes()))]
    NoSuchFolder(String),
    /// The commit cannot be read from the repository.
    #[error("the accepted commit cannot be read: {0}")]
    Objects(String),
    /// There are no credentials.
    #[error("no credentials for `{target}`: {path} is not there")]
    NoCredentials {
        /// The target.
        target: String,
        /// Where they are looked for.
        path: PathBuf,
    },
    /// The credentials file is not one.
    #[error("the credentials in {path} cannot be used: {why}")]
    Credentials {
        /// The file.
        path: PathBuf,
        /// What is wrong; never its content.
        why: String,
    },
    /// The site cannot be reached, or went away.
    #[error("{site}: {step}: {why}")]
    Unreachable {
        /// Host and port.
        site: String,
        /// What was being done.
        step: String,
        /// What the system said.
        why: String,
    },
    /// The connection cannot be trusted.
    #[error("{site}: the connection is not to be trusted: {why}")]
    Tls {
        /// Host and port.
        site: String,
        /// What the check said.
        why: String,
    },
    /// The host is not the one that the policy knows.
    #[error("{site}: the host shows {shown}, which is none of the policy's `host_keys`")]
    HostKey {
        /// Host and port.
        site: String,
        /// What it showed: the key's kind and fingerprint.
        shown: String,
    },
    /// The site does not know the user and password.
    #[error("{site}: the site refused the user name and password: {reply}")]
    Login {
        /// Host and port.
        site: String,
        /// The site's answer.
        reply: String,
    },
    /// The site refused a step.
    #[error("{site}: {step}: the site answered {code} {reply}")]
    Refused {
        /// Host and port.
        site: String,
        /// What was being done.
        step: String,
        /// The reply code, as the protocol has it; FTP's own 421, 425, 426 and 45x pass by themselves.
        code: u32,
        /// The reply's text.
        reply: String,
    },
    /// The site cannot do a step now, in a protocol whose answers are not FTP's: too many requests, a
    /// lock that somebody holds.
    #[error("{site}: {step}: the site cannot do it now: {reply}")]
    Busy {
        /// Host and port.
        site: String,
        /// What was being done.
        step: String,
        /// The site's answer.
        reply: String,
    },
    /// The record of what was released is there and cannot be used.
    #[error("the record of the last release at {place} cannot be used: {why}")]
    Manifest {
        /// Where it is.
        place: String,
        /// What is wrong with it.
        why: String,
    },
    /// The record of what was released is not this server's own.
    #[error("the record of the last release at {place} is not as this server left it: {fault}")]
    Seal {
        /// Where it is.
        place: String,
        /// What is wrong with its signature.
        fault: SealFault,
    },
    /// The server's release key cannot be used.
    #[error("the release key {path} cannot be used: {why}")]
    Key {
        /// The file.
        path: PathBuf,
        /// Why; never its content.
        why: String,
    },
    /// Files that relhook did not put there stand in the way.
    #[error("{place} has files that relhook did not put there, and the release would overwrite them:{}", paths(.files))]
    Foreign {
        /// The target's place.
        place: String,
        /// The paths.
        files: Vec<RepoPath>,
    },
    /// Another repository releases to the same place.
    #[error("{place} holds a release of the repository `{owner}`")]
    OtherOwner {
        /// The target's place.
        place: String,
        /// The repository that the record names.
        owner: String,
    },
    /// The place holds a release that was accepted later.
    #[error(
        "{place} already holds a later release (entry {held} of the log, this one is {wanted})"
    )]
    Newer {
        /// The target's place.
        place: String,
        /// The sequence number there.
        held: u64,
        /// The sequence number of this release.
        wanted: u64,
    },
    /// What arrived is not what was sent.
    #[error("`{path}` arrived with {found} bytes instead of {expected}")]
    Damaged {
        /// The path.
        path: RepoPath,
        /// What the target says.
        found: String,
        /// The size in the commit.
        expected: u64,
    },
    /// The site's answer is one of which nothing can be made.
    #[error("{site}: {step}: the answer cannot be used: {why}")]
    Answer {
        /// Host and port.
        site: String,
        /// What was being done.
        step: String,
        /// What is wrong with it.
        why: String,
    },
    /// The site says that what arrived has another sum than what was sent.
    #[error("{site}: {step}: what arrived is not what was sent: {why}")]
    Corrupted {
        /// Host and port.
        site: String,
        /// What was being done.
        step: String,
        /// The site's words.
        why: String,
    },
    /// The clocks are too far apart for signatures to hold.
    #[error("{site}: this machine's clock and the store's are {seconds} seconds apart")]
    Clock {
        /// Host and port.
        site: String,
        /// How far.
        seconds: u64,
    },
    /// The bucket is not there, or elsewhere.
    #[error("{site}: the bucket `{}` cannot be used: {why}", escape(bucket.as_bytes()))]
    Bucket {
        /// Host and port.
        site: String,
        /// Its name.
        bucket: String,
        /// The store's words.
        why: String,
    },
    /// What arrived has another content than what was sent, although it was sent twice.
    #[error("`{path}` is not what was sent: {why}")]
    Altered {
        /// The path.
        path: RepoPath,
        /// What is wrong with it.
        why: String,
    },
    /// Somebody changed the target by hand, and the policy says that this is not overwritten.
    #[error("{place} was changed by hand since the last release:{}", differences(.found))]
    Drifted {
        /// The target.
        target: TargetName,
        /// The target's place.
        place: String,
        /// What was changed.
        found: Vec<Difference>,
    },
    /// Whether somebody changed the target by hand cannot be told.
    #[error("whether {place} was changed by hand cannot be told: {why}")]
    DriftUnclear {
        /// The target's place.
        place: String,
        /// Why.
        why: String,
    },
    /// The health check failed, and there is no earlier release to go back to.
    #[error("release {} does not work: {why}", .commit.short())]
    Unhealthy {
        /// The commit.
        commit: Oid,
        /// What the check said.
        why: String,
    },
    /// The health check failed, and the release before is back.
    #[error("release {} does not work: {why}; {} is back", .commit.short(), .back.short())]
    Returned {
        /// The target.
        target: TargetName,
        /// The commit that does not work.
        commit: Oid,
        /// What the check said.
        why: String,
        /// The commit that the target holds again.
        back: Oid,
    },
    /// The health check failed, and the release before could not be brought back.
    #[error(
        "release {} does not work: {why}; and {} could not be brought back: {stopped}",
        .commit.short(), .back.short()
    )]
    NotReturned {
        /// The commit that does not work.
        commit: Oid,
        /// What the check said.
        why: String,
        /// The commit that the target is to hold again.
        back: Oid,
        /// Why it does not.
        stopped: Box<ReleaseError>,
    },
    /// There is no such earlier release of the target.
    #[error("`{wanted}` is no release that can be brought back: {why}")]
    NoSuchRelease {
        /// What was asked for, escaped.
        wanted: String,
        /// Why.
        why: String,
    },
    /// The directory of a `dir` target cannot be used.
    #[error("the target directory {path} cannot be used: {why}")]
    Place {
        /// The path.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A file of the server or of a `dir` target could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A program that the release needs is not there, or is not to be trusted.
    #[error("the program {program} cannot be used: {why}")]
    Program {
        /// Its name or path.
        program: String,
        /// Why.
        why: String,
    },
    /// A program that the release ran did not do what it was to do.
    #[error("the program {program} failed: {why}")]
    ProgramFailed {
        /// Its path.
        program: String,
        /// How it ended and what it said.
        why: String,
    },
    /// A program took longer than it may, and was stopped.
    #[error("the program {program} was stopped after {} seconds", .limit.as_secs())]
    ProgramTime {
        /// Its path.
        program: String,
        /// How long it may take.
        limit: std::time::Duration,
    },
    /// A program of an earlier run is still at work on the target.
    #[error("a program of an earlier run is still at work, so {program} was not started")]
    ProgramBusy {
        /// The path of the one that was to run.
        program: String,
    },
    /// Somebody else changed the target's repository between the look at it and the commit.
    #[error("{place} was changed by somebody else meanwhile: {why}")]
    MovedOn {
        /// The target's place.
        place: String,
        /// What the other side said.
        why: String,
    },
    /// What is to be released cannot be told.
    #[error("what is to be released cannot be told: {0}")]
    Order(String),
    /// The release could not be recorded, so it was not begun or is not known to have ended.
    #[error("the release could not be recorded: {0}")]
    Unrecorded(String),
}

impl ReleaseError {
    /// What turns a system's error about `path` into this.
    pub(in crate::release) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unreleasable(..) => Code::UNRELEASABLE,
            Self::NoSuchFolder(_) => Code::TARGET_SELECTION,
            Self::Objects(_) | Self::Order(_) => Code::RELEASE_UNCLEAR,
            Self::NoCredentials { .. } | Self::Credentials { .. } => Code::CREDENTIALS,
            Self::Unreachable { .. } => Code::UNREACHABLE,
            Self::Tls { .. } => Code::TLS,
            Self::HostKey { .. } => Code::HOST_KEY,
            Self::Login { .. } => Code::LOGIN,
            Self::Refused { .. } | Self::Busy { .. } => Code::TARGET_REFUSED,
            Self::Manifest { .. } => Code::MANIFEST,
            Self::Seal { .. } => Code::MANIFEST_SIGNATURE,
            Self::Key { .. } => Code::RELEASE_KEY,
            Self::Foreign { .. } => Code::FOREIGN_FILE,
            Self::OtherOwner { .. } => Code::OTHER_OWNER,
            Self::Newer { .. } => Code::NEWER,
            Self::Damaged { .. } | Self::Altered { .. } => Code::DAMAGED,
            Self::Drifted { .. } => Code::DRIFTED,
            Self::DriftUnclear { .. } => Code::DRIFT_UNCLEAR,
            Self::Unhealthy { .. } => Code::UNHEALTHY,
            Self::Returned { .. } => Code::RETURNED,
            Self::NotReturned { .. } => Code::NOT_RETURNED,
            Self::NoSuchRelease { .. } => Code::NO_SUCH_RELEASE,
            Self::Answer { .. } => Code::ANSWER,
            Self::Corrupted { .. } => Code::CORRUPTED,
            Self::Clock { .. } => Code::CLOCK,
            Self::Bucket { .. } => Code::BUCKET,
            Self::Place { .. } => Code::PLACE,
            Self::Io { .. } => Code::RELEASE_IO,
            Self::Program { .. } => Code::PROGRAM,
            Self::ProgramFailed { .. } => Code::PROGRAM_FAILED,
            Self::ProgramTime { .. } => Code::PROGRAM_TIME,
            Self::ProgramBusy { .. } => Code::PROGRAM_BUSY,
            Self::MovedOn { .. } => Code::MOVED_ON,
            Self::Unrecorded(_) => Code::UNRECORDED,
        }
    }

    /// Whether trying again later can help without anybody doing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Busy { .. }
            | Self::Damaged { .. }
            | Self::Corrupted { .. }
            | Self::ProgramBusy { .. }
            | Self::MovedOn { .. }
            | Self::Altered { .. } => true,
            Self::NotReturned { stopped, .. } => stopped.is_transient(),
            Self::Refused { code, .. } => matches!(code, 421 | 425 | 426 | 450..=459),
            Self::Unreleasable(..)
            | Self::NoSuchFolder(_)
            | Self::Objects(_)
            | Self::Order(_)
            | Self::NoCredentials { .. }
            | Self::Credentials { .. }
            | Self::Tls { .. }
            | Self::HostKey { .. }
            | Self::Login { .. }
            | Self::Manifest { .. }
            | Self::Seal { .. }
            | Self::Key { .. }
            | Self::Foreign { .. }
            | Self::OtherOwner { .. }
            | Self::Newer { .. }
            | Self::Answer { .. }
            | Self::Clock { .. }
            | Self::Bucket { .. }
            | Self::Drifted { .. }
            | Self::DriftUnclear { .. }
            | Self::Unhealthy { .. }
            | Self::Returned { .. }
            | Self::NoSuchRelease { .. }
            | Self::Place { .. }
            | Self::Io { .. }
            | Self::Program { .. }
            | Self::ProgramFailed { .. }
            | Self::ProgramTime { .. }
            | Self::Unrecorded(_) => false,
        }
    }

    /// What to do about it, one line each.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Drifted { target, .. } => return drift_hints(target),
            Self::Returned { target, .. } => return return_hints(target),
            Self::NotReturned { stopped, .. } => return stopped.hints(),
            Self::DriftUnclear { .. } => {
                "correct what stops it, or let the target's `drift` be `overwrite`"
            }
            Self::Unhealthy { .. } => {
                "bring in a commit that works, or go back: `relhook release list`"
            }
            Self::NoSuchRelease { .. } => "`relhook release list` shows what can be brought back",
            Self::Altered { .. } => "look at the target's disk, then run `relhook release`",
            Self::Unreleasable(..) => {
                "take the paths out of the tree, or add them to the target's `exclude`"
            }
            Self::NoSuchFolder(_) => "correct `from` of the target in the policy",
            Self::NoCredentials { .. } | Self::Credentials { .. } => {
                "write the lines `user=…` and `password=…`, or for a store `access_key=…` and \
                 `secret_key=…`, to that file and make it mode 0600"
            }
            Self::Unreachable { .. } | Self::Busy { .. } => {
                "the next run carries on where this one stopped"
            }
            Self::Tls { .. } => {
                "put the authority's certificate beside the policy and name it in `ca`, or mend \
                 the site's certificate"
            }
            Self::HostKey { .. } => {
                "ask whoever runs the host whether its key changed; if so, change `host_keys` of \
                 the target in the policy"
            }
            Self::Login { .. } => "correct the credentials file",
            Self::Refused { .. } => {
                "correct the site's permissions or space, then run `relhook release`"
            }
            Self::Manifest { .. } => {
                "restore it, or run `relhook release --target <name> --adopt` to let relhook overwrite what is there"
            }
            Self::Seal { .. } => {
                "look at the target with `relhook release --target <name> --compare`, then restore \
                 the record or take the target over with `--adopt` instead of `--compare`"
            }
            Self::Key { .. } => {
                "restore it with mode 0600, or move it away: then a new one is made, and each \
                 target has to be taken over with `--adopt`"
            }
            Self::Foreign { .. } => {
                "`relhook release --target <name> --compare` shows which of them differ; if they may \
                 be overwritten, run `relhook release --target <name> --adopt` once"
            }
            Self::OtherOwner { .. } => {
                "give each repository a place of its own, or run `relhook release --target <name> --adopt` to take over"
            }
            Self::Newer { .. } => {
                "run `relhook release --target <name> --adopt` if the log was begun anew"
            }
            Self::Damaged { .. } | Self::Corrupted { .. } => "the next run sends it again",
            Self::Answer { .. } => {
                "correct the target's address in the policy, or look at the server with its \
                 administrator"
            }
            Self::Clock { .. } => "set the clock, and keep it set: `timedatectl set-ntp true`",
            Self::Bucket { .. } => {
                "correct `endpoint`, `region`, `bucket` or `addressing` of the target in the policy"
            }
            Self::Place { .. } => "correct `path` of the target in the policy, or the directory",
            Self::Program { .. } => {
                "install the program on the server, or correct its owner and mode"
            }
            Self::ProgramFailed { .. } | Self::ProgramTime { .. } => {
                "mend what it says, then run `relhook release`"
            }
            Self::ProgramBusy { .. } => "the next run looks again; end the program if it hangs",
            Self::MovedOn { .. } => "the next run looks again and carries on",
            Self::Objects(_) | Self::Order(_) | Self::Io { .. } | Self::Unrecorded(_) => {
                "`relhook release status` shows what is known of the target"
            }
        };
        vec![hint.to_owned()]
    }
}

fn drift_hints(target: &TargetName) -> Vec<String> {
    vec![
        format!("see all of it: `relhook drift --target {target}`"),
        "keep what is worth it: bring it in as a commit".into(),
        format!("put back what was released: `relhook release --target {target} --overwrite`"),
    ]
}

fn return_hints(target: &TargetName) -> Vec<String> {
    vec![
        "bring in a commit that works; it is released when it is accepted".into(),
        format!(
            "or try this one again: `relhook release --target {target} --to latest --reason …`"
        ),
    ]
}

/// A site's answer, made safe to show: escaped, on one line, at most 200 bytes of it.
#[must_use]
pub(in crate::release) fn shown_reply(reply: &[u8]) -> String {
    let text = reply.trim_ascii();
    let head = text.get(..REPLY_LIMIT).unwrap_or(text);
    let mut shown = escape(head);
    if head.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// The end of what a program said, made safe to show: its last lines, escaped, on one line.
#[must_use]
pub(in crate::release) fn shown_end(said: &[u8]) -> String {
    let text = said.trim_ascii();
    let start = text.len().saturating_sub(END_LIMIT);
    let end = text.get(start..).unwrap_or_default();
    let lines: Vec<String> = end
        .split(|byte| *byte == b'\n')
        .map(|line| escape(line.trim_ascii()))
        .filter(|line| !line.is_empty())
        .collect();
    let mark = if start > 0 { "…" } else { "" };
    format!("{mark}{}", lines.join(" / "))
}

fn complaints(all: &[Complaint], more: usize) -> String {
    let mut text: String = all
        .iter()
        .map(|one| format!("\n  {}: {}", shown_path(&one.path), one.why))
        .collect();
    if more > 0 {
        text.push_str(&format!("\n  and {more} more"));
    }
    text
}

fn paths(all: &[RepoPath]) -> String {
    let mut text: String = all
        .iter()
        .take(SHOWN)
        .map(|path| format!("\n  {}", shown_path(path)))
        .collect();
    if let Some(more) = all.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        text.push_str(&format!("\n  and {more} more"));
    }
    text
}

fn differences(all: &[Difference]) -> String {
    let shown = all.iter().take(SHOWN);
    let mut text: String = shown
        .map(|one| {
            let path = shown_path(&one.path);
            format!("\n  {:<7} {path}: {}", one.what.word(), one.how)
        })
        .collect();
    if let Some(more) = all.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        text.push_str(&format!("\n  and {more} more"));
    }
    text
}

/// A path in a list: long ones are cut, so that no message grows without bound.
fn shown_path(path: &RepoPath) -> String {
    let shown = path.to_string();
    match shown.char_indices().nth(PATH_SHOWN) {
        Some((at, _)) => format!("{}…", shown.get(..at).unwrap_or_default()),
        None => shown,
    }
}
