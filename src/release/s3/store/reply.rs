//! What a store says when it refuses, and what that means.

use super::Store;
use crate::http::Answer;
use crate::release::ReleaseError;
use crate::release::xml::{self, Namespace};
use crate::types::escape;
use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// How far apart clocks may be before signatures fail, in seconds.
const CLOCK_LIMIT: u64 = 5 * 60;

/// What a store says when it refuses.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Refusal {
    /// Its code, as `NoSuchKey`.
    pub(in super::super) code: String,
    message: String,
}

/// The store's own words, if an answer has any. A success may have some, too: an error after the
/// head of the answer was sent.
pub(in super::super) fn refusal(body: &[u8]) -> Option<Refusal> {
    let mut found: Option<Refusal> = None;
    let read = xml::read(body, Namespace::Any, &mut |names, text| match names {
        ["Error", "Code"] => found.get_or_insert_default().code = text.to_owned(),
        ["Error", "Message"] => found.get_or_insert_default().message = text.to_owned(),
        ["Error"] => drop(found.get_or_insert_default()),
        _ => {}
    });
    read.ok().and(found)
}

impl Store {
    /// What a refusal means.
    pub(in super::super) fn refused(&self, step: &str, answer: &Answer) -> ReleaseError {
        let refusal = refusal(&answer.body).unwrap_or_default();
        self.meaning(step, answer, &refusal)
    }

    pub(super) fn meaning(&self, step: &str, answer: &Answer, refusal: &Refusal) -> ReleaseError {
        let reply = format!("{}: {}", refusal.code, refusal.message);
        let site = self.peer.site();
        let shown = self.peer.redactor.shown(reply.as_bytes());
        if let Some(seconds) = self.clock_gap(answer, refusal) {
            return ReleaseError::Clock { site, seconds };
        }
        match refusal.code.as_str() {
            "SlowDown"
            | "InternalError"
            | "ServiceUnavailable"
            | "RequestTimeout"
            | "OperationAborted"
            | "ConditionalRequestConflict" => ReleaseError::Busy {
                site,
                step: escape(step.as_bytes()),
                reply: shown,
            },
            "BadDigest" | "XAmzContentChecksumMismatch" | "IncompleteBody" => {
                ReleaseError::Corrupted {
                    site,
                    step: escape(step.as_bytes()),
                    why: shown,
                }
            }
            "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "ExpiredToken" | "InvalidToken" => {
                ReleaseError::Login { site, reply: shown }
            }
            "NoSuchBucket"
            | "InvalidBucketName"
            | "PermanentRedirect"
            | "TemporaryRedirect"
            | "AuthorizationHeaderMalformed"
            | "AuthorizationQueryParametersError" => ReleaseError::Bucket {
                site,
                bucket: self.bucket.name().to_owned(),
                why: shown,
            },
            _ => self.peer.refused(step, answer, &reply),
        }
    }

    /// How far this machine's clock is from the store's, in seconds, where that is what a refusal
    /// is about: signatures carry the time, and stores say "forbidden" to a wrong one.
    fn clock_gap(&self, answer: &Answer, refusal: &Refusal) -> Option<u64> {
        let about_time = refusal.code == "RequestTimeTooSkewed";
        if answer.status != 403 && !about_time {
            return None;
        }
        let there = rfc2822::parse(answer.header("date")?).ok()?.timestamp();
        let gap = there.as_second().abs_diff(Timestamp::now().as_second());
        (about_time || gap > CLOCK_LIMIT).then_some(gap)
    }
}

/// Whether a store refused a request because it does not know the header field with the sum.
pub(super) fn is_unknown_sum(answer: &Answer) -> bool {
    let Some(refusal) = refusal(&answer.body) else {
        return answer.status == 501;
    };
    let about = refusal.message.to_ascii_lowercase().contains("checksum");
    match answer.status {
        501 => true,
        400 => about && refusal.code.starts_with("Invalid"),
        _ => false,
    }
}
