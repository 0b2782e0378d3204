//! Why there is no answer. No variant holds a URL: it may carry a signature or a password.

use std::io;

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HttpError {
    /// The server cannot be reached, or went away. It may come back.
    #[error("{0}")]
    Lost(String),
    /// The connection cannot be trusted.
    #[error("{0}")]
    Untrusted(String),
    /// The answer is larger than it may be.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(u64),
    /// The answer was compressed for the transfer, and cannot be unpacked.
    #[error("the answer is compressed, and cannot be unpacked")]
    Packed,
    /// The answer is not HTTP.
    #[error("the answer is not HTTP")]
    Garbled,
    /// The request cannot be written down: a name in it is not one.
    #[error("the request holds what HTTP cannot carry")]
    Unusable,
}

impl From<ureq::Error> for HttpError {
    fn from(error: ureq::Error) -> Self {
        use ureq::Error as E;
        match error {
            E::Io(error) => from_io(&error),
            E::Rustls(error) => Self::Untrusted(error.to_string()),
            E::Tls(why) => Self::Untrusted(why.to_owned()),
            E::Timeout(_) => Self::Lost("no answer in time".into()),
            E::HostNotFound => Self::Lost("the host has no address".into()),
            E::ConnectionFailed => Self::Lost("no connection".into()),
            E::BodyExceedsLimit(limit) => Self::TooLarge(limit),
            E::Protocol(_) | E::LargeResponseHeader(..) => Self::Garbled,
            // The enum grows with its crate, and its sentences may repeat the URL.
            _ => Self::Unusable,
        }
    }
}

/// What TLS objects to comes as an error of the connection.
fn from_io(error: &io::Error) -> HttpError {
    let cause = error.get_ref();
    if let Some(why) = cause.and_then(|cause| cause.downcast_ref::<rustls::Error>()) {
        return HttpError::Untrusted(why.to_string());
    }
    if let Some(ureq::Error::BodyExceedsLimit(limit)) =
        cause.and_then(|cause| cause.downcast_ref::<ureq::Error>())
    {
        return HttpError::TooLarge(*limit);
    }
    HttpError::Lost(error.to_string())
}
