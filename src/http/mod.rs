//! HTTP for everything that relhook reaches by it: stores, WebDAV servers, health checks, hooks
//! of other services. One request, one answer, and both bounded.
//!
//! Redirects are never followed: what a request was made for, and the credentials in it, go to
//! the host that the policy names and to no other. A proxy is not taken from the environment, for
//! the same reason. TLS trusts the machine's authorities, or those of a `ca` file alone.

mod addresses;
mod early;
mod error;

pub(crate) use error::HttpError;

use crate::trust::authorities;
use addresses::Addresses;
use early::Early;
use flate2::read::MultiGzDecoder;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;
use ureq::http::{HeaderMap, Request, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::transport::{Connector, RustlsConnector};
use ureq::{Agent, SendBody};

/// A body larger than this is sent only when the server has said that it will have it: a refusal
/// then arrives as an answer, and not as a connection that breaks.
const ASKED_BEFORE: usize = 256 * 1024;

/// The largest head of an answer, in bytes.
const HEAD_LIMIT: usize = 64 * 1024;

/// How much is sent between two reports, in bytes.
const CHUNK: usize = 64 * 1024;

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// A connection, TLS included.
    pub(crate) connect: Duration,
    /// The server's silence while it is to answer, to send or to take data.
    pub(crate) silence: Duration,
    /// The whole of a request and its answer.
    pub(crate) whole: Duration,
}

impl Pace {
    /// For files: a large one on a slow line takes its time, but never in silence.
    pub(crate) const FILES: Self = Self {
        connect: Duration::from_secs(20),
        silence: Duration::from_secs(120),
        whole: Duration::from_secs(6 * 60 * 60),
    };
}

/// A header field that lets the server compress its answer, which comes unpacked then. Only for what a
/// server says of files: a file's own content is to come as it is kept.
pub(crate) const MAY_COMPRESS: (&str, &str) = ("accept-encoding", "gzip");

/// A way to send requests, over connections that are kept open. It can be shared.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    agent: Agent,
    addresses: Addresses,
}

/// A request.
pub(crate) struct Ask<'a> {
    /// The method.
    pub(crate) method: &'a str,
    /// The whole URL. It may hold a signature, so it is in no message.
    pub(crate) url: &'a str,
    /// Header fields beside the usual ones.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// The body, where there is one.
    pub(crate) body: Option<&'a [u8]>,
    /// Told how many bytes of the body have gone.
    pub(crate) sent: &'a dyn Fn(usize),
    /// The largest body of an answer that is read, in bytes.
    pub(crate) limit: u64,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Vec<u8>,
    headers: HeaderMap,
}

impl Answer {
    /// The text of a header field, if it is there once and is plain text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value.trim())
    }

    /// Every value of a header field that is plain text.
    pub(crate) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.headers.get_all(name).iter();
        values.filter_map(|value| value.to_str().ok())
    }

    /// Whether its body is compressed for the transfer. There may be none, and the field all the same.
    fn is_packed(&self) -> bool {
        let coding = self.header("content-encoding").unwrap_or_default();
        let gzip = ["gzip", "x-gzip"];
        !self.body.is_empty() && gzip.iter().any(|name| name.eq_ignore_ascii_case(coding))
    }

    /// The same with its body as it was before.
    fn unpacked(self, limit: u64) -> Result<Self, HttpError> {
        let mut body = Vec::new();
        MultiGzDecoder::new(self.body.as_slice())
            .take(limit.saturating_add(1))
            .read_to_end(&mut body)
            .map_err(|_| HttpError::Packed)?;
        match body.len() as u64 > limit {
            true => Err(HttpError::TooLarge(limit)),
            false => Ok(Self { body, ..self }),
        }
    }

    /// Whether the request was carried out.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Client {
    /// A client that trusts the authorities in `ca`, or the machine's own, and keeps up to
    /// `connections` open.
    ///
    /// # Errors
    /// When there is no authority to trust.
    pub(crate) fn new(ca: Option<&[u8]>, connections: u32, pace: Pace) -> Result<Self, HttpError> {
        let trusted: Vec<Certificate<'static>> = authorities(ca)
            .map_err(HttpError::Untrusted)?
            .iter()
            .map(|certificate| Certificate::from_der(certificate).to_owned())
            .collect();
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::Specific(Arc::new(trusted)))
            .build();
        Ok(Self::with(tls, connections, pace))
    }

    /// A client that never speaks TLS.
    pub(crate) fn plain(connections: u32, pace: Pace) -> Self {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(Vec::new())))
            .build();
        Self::with(tls, connections, pace)
    }

    fn with(tls: TlsConfig, connections: u32, pace: Pace) -> Self {
        let connections = connections as usize;
        let config = Agent::config_builder()
            .tls_config(tls)
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .user_agent(concat!("relhook/", env!("CARGO_PKG_VERSION")))
            .max_response_header_size(HEAD_LIMIT)
            .max_idle_connections(connections)
            .max_idle_connections_per_host(connections)
            .timeout_connect(Some(pace.connect))
            .timeout_per_read(Some(pace.silence))
            .timeout_per_write(Some(pace.silence))
            .timeout_recv_response(Some(pace.silence))
            .timeout_global(Some(pace.whole))
            .build();
        let addresses = Addresses::default();
        let connector = ().chain(Early::default()).chain(RustlsConnector::default());
        let agent = Agent::with_parts(config, connector, addresses.clone());
        Self { agent, addresses }
    }

    /// Sends a request and reads the answer, whatever its status is.
    ///
    /// # Errors
    /// When there is no whole answer, or one that is too large.
    pub(crate) fn send(&self, ask: &Ask<'_>) -> Result<Answer, HttpError> {
        let answer = self.send_once(ask);
        if let Err(HttpError::Lost(_)) = answer {
            self.addresses.forget();
        }
        answer
    }

    fn send_once(&self, ask: &Ask<'_>) -> Result<Answer, HttpError> {
        early::begin();
        let mut request = Request::builder().method(ask.method).uri(ask.url);
        for (name, value) in ask.headers {
            request = request.header(*name, *value);
        }
        let mut is_whole = true;
        let sent = match ask.body {
            None => request
                .body(())
                .map_err(|_| HttpError::Unusable)
                .and_then(|request| self.agent.run(request).map_err(HttpError::from)),
            Some(bytes) => {
                request = request.header(header::CONTENT_LENGTH, bytes.len());
                if bytes.len() > ASKED_BEFORE {
                    request = request.header(header::EXPECT, "100-continue");
                }
                let mut body = Body {
                    rest: bytes,
                    sent: ask.sent,
                };
                let sent = request
                    .body(SendBody::from_reader(&mut body))
                    .map_err(|_| HttpError::Unusable)
                    .and_then(|request| self.agent.run(request).map_err(HttpError::from));
                is_whole = body.rest.is_empty();
                sent
            }
        };
        let (head, mut body) = sent?.into_parts();
        let body = body
            .with_config()
            .limit(ask.limit)
            .read_to_vec()
            .map_err(HttpError::from)?;
        let answer = Answer {
            status: head.status.as_u16(),
            body,
            headers: head.headers,
        };
        if answer.is_success() && (early::hung_up() || !is_whole) {
            let why = "it says that it has everything, and did not wait for it";
            return Err(HttpError::Lost(why.into()));
        }
        match ask.headers.contains(&MAY_COMPRESS) && answer.is_packed() {
            true => answer.unpacked(ask.limit),
            false => Ok(answer),
        }
    }
}

/// A body on its way, in pieces that are reported.
struct Body<'a> {
    rest: &'a [u8],
    sent: &'a dyn Fn(usize),
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let room = buffer.len().min(CHUNK);
        let count = match buffer.get_mut(..room) {
            Some(room) => self.rest.read(room)?,
            None => 0,
        };
        if count > 0 && !early::hung_up() {
            (self.sent)(count);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
