//! What went wrong on the way to an SFTP site, as a release says it.

use crate::release::ReleaseError;
use crate::release::error::shown_reply;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::StatusCode;

/// Whether a refusal says that there is no such file.
pub(super) fn is_absence(error: &SftpError) -> bool {
    matches!(error, SftpError::Status(status) if status.status_code == StatusCode::NoSuchFile)
}

/// A request that failed.
pub(super) fn failed(site: &str, step: &str, error: &SftpError) -> ReleaseError {
    let step = crate::types::escape(step.as_bytes());
    match error {
        SftpError::Status(status) => match status.status_code {
            StatusCode::NoConnection | StatusCode::ConnectionLost => {
                unreachable(site, &step, "the site lost its connection")
            }
            code => ReleaseError::Refused {
                site: site.to_owned(),
                step,
                code: code as u32,
                reply: shown_reply(status.error_message.as_bytes()),
            },
        },
        SftpError::Timeout => unreachable(site, &step, "no answer in time"),
        SftpError::IO(why) | SftpError::Limited(why) | SftpError::UnexpectedBehavior(why) => {
            unreachable(site, &step, why)
        }
        SftpError::UnexpectedPacket => unreachable(site, &step, "the site's answer is not SFTP"),
    }
}

/// A connection that does not come about, or broke.
pub(super) fn unreachable(site: &str, step: &str, why: &str) -> ReleaseError {
    ReleaseError::Unreachable {
        site: site.to_owned(),
        step: step.to_owned(),
        why: shown_reply(why.as_bytes()),
    }
}
