//! What went wrong on the way to an SFTP site, as a release says it.

use crate::release::ReleaseError;
use crate::release::account::Site;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::StatusCode;

/// Whether a refusal says that there is no such file.
pub(super) fn is_absence(error: &SftpError) -> bool {
    matches!(error, SftpError::Status(status) if status.status_code == StatusCode::NoSuchFile)
}

impl Site {
    /// A request that failed.
    pub(super) fn failed(&self, step: &str, error: &SftpError) -> ReleaseError {
        let step = crate::types::escape(step.as_bytes());
        match error {
            SftpError::Status(status) => match status.status_code {
                StatusCode::NoConnection | StatusCode::ConnectionLost => {
                    self.unreachable(&step, "the site lost its connection")
                }
                code => ReleaseError::Refused {
                    site: self.name.clone(),
                    step,
                    code: code as u32,
                    reply: self.words(code, &status.error_message),
                },
            },
            SftpError::Timeout => self.unreachable(&step, "no answer in time"),
            SftpError::IO(why) | SftpError::Limited(why) | SftpError::UnexpectedBehavior(why) => {
                self.unreachable(&step, why)
            }
            SftpError::UnexpectedPacket => self.unreachable(&step, "the site's answer is not SFTP"),
        }
    }

    /// What the host said, with what it means where it is no more than that it did not work.
    fn words(&self, code: StatusCode, said: &str) -> String {
        let shown = self.redactor.shown(said.as_bytes());
        match code {
            StatusCode::Failure => {
                format!("{shown} (SFTP has no other word for a full disk or a quota)")
            }
            _ => shown,
        }
    }
}
