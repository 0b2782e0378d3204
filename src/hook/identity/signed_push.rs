//! `git push --signed`: the signer of the push certificate.

use super::{Get, Identified};

/// Who signed the push. Certificates are not verified yet, so one proves nothing and is refused.
pub(super) fn identify(get: Get<'_>) -> Identified {
    const CERTIFICATE: &str = "GIT_PUSH_CERT";
    match get(CERTIFICATE).filter(|oid| !oid.is_empty()) {
        None => Identified::missing(CERTIFICATE),
        Some(_) => Identified::refused(CERTIFICATE, "it is not verified yet", None),
    }
}
