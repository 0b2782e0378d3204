//! What the kinds that are reached by HTTP share: whom they ask, and what goes wrong there.

use super::ReleaseError;
use super::redact::Redactor;
use crate::http::{Answer, Client, HttpError, Pace};
use crate::types::escape;
use url::Url;

/// A server, and the way to it.
#[derive(Debug, Clone)]
pub(in crate::release) struct Peer {
    pub(in crate::release) client: Client,
    /// What of its answers is not shown.
    pub(in crate::release) redactor: Redactor,
    site: String,
}

impl Peer {
    /// The server at `url`, reached over up to `connections`, trusted by the authorities in `ca` or
    /// the machine's own. What `redactor` knows is in no message.
    pub(in crate::release) fn new(
        url: &Url,
        ca: Option<&[u8]>,
        connections: u32,
        redactor: Redactor,
    ) -> Result<Self, ReleaseError> {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        let site = format!("{}:{port}", escape(host.as_bytes()));
        let client = match url.scheme() {
            "https" => {
                Client::new(ca, connections, Pace::FILES).map_err(|error| ReleaseError::Tls {
                    site: site.clone(),
                    why: error.to_string(),
                })?
            }
            _ => Client::plain(connections, Pace::FILES),
        };
        Ok(Self {
            client,
            redactor,
            site,
        })
    }

    /// Host and port, for messages.
    pub(in crate::release) fn site(&self) -> String {
        self.site.clone()
    }

    /// There was no answer.
    pub(in crate::release) fn lost(&self, step: &str, error: HttpError) -> ReleaseError {
        let site = self.site();
        match error {
            HttpError::Untrusted(why) => ReleaseError::Tls {
                site,
                why: self.redactor.passed(why),
            },
            HttpError::TooLarge(_) | HttpError::Packed | HttpError::Unusable => {
                self.odd(step, error.to_string())
            }
            HttpError::Lost(_) | HttpError::Garbled => ReleaseError::Unreachable {
                site,
                step: escape(step.as_bytes()),
                why: self.redactor.passed(error.to_string()),
            },
        }
    }

    /// There was an answer of which nothing can be made.
    pub(in crate::release) fn odd(&self, step: &str, why: String) -> ReleaseError {
        ReleaseError::Answer {
            site: self.site(),
            step: escape(step.as_bytes()),
            why: self.redactor.passed(why),
        }
    }

    /// The answer was no. `reply` is what the server said in words.
    pub(in crate::release) fn refused(
        &self,
        step: &str,
        answer: &Answer,
        reply: &str,
    ) -> ReleaseError {
        let site = self.site();
        let shown = match self.redactor.shown(reply.as_bytes()) {
            empty if empty.is_empty() => meaning(answer.status).to_owned(),
            shown => shown,
        };
        match answer.status {
            300..=399 => {
                let to = answer.header("location").unwrap_or("nowhere");
                let to = to.split(['?', '#']).next().unwrap_or(to);
                let to = self.redactor.shown(to.as_bytes());
                let status = answer.status;
                self.odd(
                    step,
                    format!("it is a redirect ({status}) to `{to}`, and none is followed"),
                )
            }
            401 => ReleaseError::Login { site, reply: shown },
            408 | 423 | 425 | 429 | 500 | 502 | 503 | 504 => ReleaseError::Busy {
                site,
                step: escape(step.as_bytes()),
                reply: format!("{} {shown}", answer.status),
            },
            status => ReleaseError::Refused {
                site,
                step: escape(step.as_bytes()),
                code: u32::from(status),
                reply: shown,
            },
        }
    }
}

/// What a status means, for answers that say nothing else.
fn meaning(status: u16) -> &'static str {
    match status {
        401 | 403 => "it does not allow this",
        404 | 410 => "it is not there",
        409 => "a folder on the way is missing, or something else is there",
        413 => "the file is larger than the server takes",
        423 => "somebody holds a lock",
        429 => "too many requests",
        500 => "the server failed; its own log says why, a full disk for instance",
        502..=504 => "the server is not ready",
        507 => "the disk or the quota is full",
        _ => "without a word",
    }
}
