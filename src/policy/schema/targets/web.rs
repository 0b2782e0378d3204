//! What the kinds that are reached by HTTP share: an address, and saying twice that it is not
//! encrypted.

use crate::policy::Fault;
use crate::policy::complaint::Complaints;
use crate::policy::fields::{self, Fields};
use url::Url;

/// The key with which an address without encryption is said a second time.
pub(super) const TLS_KEY: &str = "tls";

/// Where a server is. Without encryption only where the policy says so twice.
pub(super) fn address(
    fields: &Fields<'_>,
    key: &'static str,
    complaints: &mut Complaints,
) -> Option<Url> {
    const PLAIN: [(&str, ()); 1] = [("none", ())];
    let node = fields.need(key, complaints)?;
    let text = fields::text(node, key, complaints)?;
    let said = match fields.get(TLS_KEY) {
        None => None,
        Some(entry) => {
            fields::choice(&entry.value, TLS_KEY, &PLAIN, complaints)?;
            Some(entry.key_at)
        }
    };
    let fault = |what: &str, why: &str| Fault::Value {
        what: what.to_owned(),
        why: why.to_owned(),
    };
    let url = match parsed(&text.value) {
        Ok(url) => url,
        Err(why) => {
            complaints.add(node.at, fault(key, why));
            return None;
        }
    };
    match (url.scheme() == "https", said) {
        (true, None) | (false, Some(_)) => Some(url),
        (true, Some(at)) => {
            let why = "cannot be `none` where the address is `https`";
            complaints.hinted(at, fault(TLS_KEY, why), "leave it out");
            None
        }
        (false, None) => {
            let why = "`http` sends files unencrypted, and what stands on the line can be changed";
            let hint = "write `https`, or `tls: none` beside it if it has to be";
            complaints.hinted(node.at, fault(key, why), hint);
            None
        }
    }
}

/// An address. What does not fit is not repeated: it may hold a password.
fn parsed(text: &str) -> Result<Url, &'static str> {
    const SHAPE: &str = "has to be like `https://host/path`: no user, no `?`, no `#`";
    let url = Url::parse(text).map_err(|_| SHAPE)?;
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    let dotted = text.split('/').skip(3).any(|part| {
        let part = part.replace("%2e", ".").replace("%2E", ".");
        matches!(part.as_str(), "." | "..")
    });
    match url.scheme() {
        "http" | "https" if bare && !dotted && url.host_str().is_some() && text.len() <= 1024 => {
            Ok(url)
        }
        _ => Err(SHAPE),
    }
}
