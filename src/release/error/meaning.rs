//! What an error means: its code, whether it may pass by itself, and what to do about it.

use super::ReleaseError;
use crate::decide::Code;
use crate::types::TargetName;

impl ReleaseError {
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
            Self::DriftUnclear { .. } | Self::Unseen { .. } => Code::DRIFT_UNCLEAR,
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
            | Self::Unseen { .. }
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
            Self::Unseen { .. } => "let the program itself say it, or look there by hand",
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
