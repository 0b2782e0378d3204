//! A page that has to answer.

use std::sync::Arc;
use std::time::Duration;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// The largest body that is read, in bytes.
const BODY: u64 = 1024 * 1024;

/// The largest head that is read, in bytes.
const HEAD: usize = 64 * 1024;

/// Asks for a page. Neither its address nor its body is in what is said: both may hold a secret.
pub(super) fn ask(
    url: &str,
    status: u16,
    contains: Option<&str>,
    within: Duration,
) -> Result<(), String> {
    let agent = ureq::Agent::config_builder()
        .tls_config(tls())
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent(concat!("relhook/", env!("CARGO_PKG_VERSION")))
        .max_response_header_size(HEAD)
        .timeout_global(Some(within))
        .build()
        .new_agent();
    let mut answer = agent.get(url).call().map_err(|error| why(&error))?;
    let found = answer.status().as_u16();
    if found != status {
        return Err(format!("status {found} instead of {status}"));
    }
    let body = answer.body_mut().with_config().limit(BODY).read_to_vec();
    let body = body.map_err(|error| why(&error))?;
    match contains {
        Some(text) if memchr::memmem::find(&body, text.as_bytes()).is_none() => {
            Err("the page does not hold the text that it has to".into())
        }
        Some(_) | None => Ok(()),
    }
}

/// The machine's own authorities.
fn tls() -> TlsConfig {
    let own = rustls_native_certs::load_native_certs().certs;
    let own: Vec<Certificate<'static>> = own
        .iter()
        .map(|certificate| Certificate::from_der(certificate).to_owned())
        .collect();
    TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::Specific(Arc::new(own)))
        .build()
}

/// The library's sentences may repeat the address; these do not.
fn why(error: &ureq::Error) -> String {
    use ureq::Error as E;
    match error {
        E::Timeout(_) => "no answer in time".into(),
        E::HostNotFound => "the host has no address".into(),
        E::BodyExceedsLimit(_) => format!("the page is larger than {BODY} bytes"),
        E::Io(error) => match error.get_ref().and_then(|cause| cause.downcast_ref::<E>()) {
            Some(E::BodyExceedsLimit(_)) => format!("the page is larger than {BODY} bytes"),
            Some(_) | None => error.to_string(),
        },
        E::Rustls(error) => error.to_string(),
        E::Tls(why) => (*why).to_owned(),
        // The enum grows with its crate.
        _ => "the answer is not that of a page".into(),
    }
}
