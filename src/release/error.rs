//! Why a release stopped: one variant a reason, holding the facts; the sentences are made here.
//!
//! Whatever a site answered is escaped and cut before it gets into a variant; no variant ever
//! holds a password.

mod meaning;
mod shown;

use super::drift::Difference;
use super::seal::SealFault;
use crate::types::{Oid, RepoPath, TargetName, escape};
use shown::{complaints, differences, paths};
pub(in crate::release) use shown::{shown_end, shown_fault, shown_path, shown_reply};
use std::io;
use std::path::{Path, PathBuf};

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
    /// The target is a program's, and relhook has no sight of what it does.
    #[error("{place}: relhook cannot see where this program brings the files")]
    Unseen {
        /// The target's place.
        place: String,
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
}
