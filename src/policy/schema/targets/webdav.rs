//! `kind: webdav`: a folder of a WebDAV server.

use super::web::{TLS_KEY, address};
use super::{Kind, count, optional_ca};
use crate::policy::complaint::Complaints;
use crate::policy::fields::{self, Fields};
use crate::policy::{Authentication, Fault, Replacing, TargetKind, WebdavTarget};

/// How many connections are used where the policy does not say.
const CONNECTIONS: u32 = 4;

/// The kind.
pub(super) const WEBDAV: Kind = Kind {
    name: "webdav",
    keys: &["url", "authentication", "put", TLS_KEY, "ca", "connections"],
    read: |fields, complaints| webdav(fields, complaints).map(TargetKind::Webdav),
};

fn webdav(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<WebdavTarget> {
    const AUTHENTICATION: [(&str, Authentication); 2] = [
        ("basic", Authentication::Basic),
        ("digest", Authentication::Digest),
    ];
    const PUT: [(&str, Replacing); 2] =
        [("beside", Replacing::Beside), ("whole", Replacing::Whole)];
    let url = address(fields, "url", complaints);
    let authentication = match fields.get("authentication") {
        None => Some(Authentication::Basic),
        Some(entry) => fields::choice(&entry.value, "authentication", &AUTHENTICATION, complaints),
    };
    let put = match fields.get("put") {
        None => Some(Replacing::Beside),
        Some(entry) => fields::choice(&entry.value, "put", &PUT, complaints),
    };
    let ca = optional_ca(fields, complaints);
    let connections = count(fields, "connections", 1..=16, CONNECTIONS, complaints);
    let (mut url, authentication) = (url?, authentication?);
    if url.scheme() == "http" && authentication == Authentication::Basic {
        let (what, why) = (
            "authentication",
            "`basic` would send the password unencrypted",
        );
        let fault = Fault::Value {
            what: what.to_owned(),
            why: why.to_owned(),
        };
        let hint = "write `https`, or `authentication: digest`";
        complaints.hinted(fields.at(), fault, hint);
        return None;
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Some(WebdavTarget {
        url,
        authentication,
        put: put?,
        ca: ca?,
        connections: connections?,
    })
}
