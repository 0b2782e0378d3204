//! `kind: ftps` and `kind: ftp`: an FTP site, encrypted or, where the policy says so twice, not.

use super::{Kind, count, host, optional_ca};
use crate::policy::Fault;
use crate::policy::complaint::Complaints;
use crate::policy::fields::{self, Fields};
use crate::policy::schema::checked;
use crate::policy::values;
use crate::policy::{FtpTarget, TargetKind, TlsMode};

/// How many connections are used where the policy does not say.
const CONNECTIONS: u32 = 8;

const KEYS: &[&str] = &["path", "host", "port", "tls", "ca", "connections"];

/// The encrypted kind.
pub(super) const FTPS: Kind = Kind {
    name: "ftps",
    keys: KEYS,
    read: |fields, complaints| ftp(fields, Safety::Encrypted, complaints).map(TargetKind::Ftp),
};

/// The other one.
pub(super) const FTP: Kind = Kind {
    name: "ftp",
    keys: KEYS,
    read: |fields, complaints| ftp(fields, Safety::Plain, complaints).map(TargetKind::Ftp),
};

/// What the kind's name promises.
#[derive(Clone, Copy)]
enum Safety {
    Encrypted,
    Plain,
}

fn ftp(fields: &Fields<'_>, safety: Safety, complaints: &mut Complaints) -> Option<FtpTarget> {
    let host = fields.required("host", complaints, host);
    let path = fields.required("path", complaints, |node, what, complaints| {
        checked(node, what, complaints, |text| values::absolute(text, true))
    });
    let tls = tls(fields, safety, complaints);
    let ca = optional_ca(fields, complaints);
    let default_port = match tls {
        Some(TlsMode::Implicit) => 990,
        Some(TlsMode::Plain | TlsMode::Explicit) | None => 21,
    };
    let port = count(fields, "port", 1..=65535, default_port, complaints);
    let connections = count(fields, "connections", 1..=16, CONNECTIONS, complaints);
    Some(FtpTarget {
        host: host?,
        port: u16::try_from(port?).ok()?,
        path: path?.value,
        tls: tls?,
        ca: ca?,
        connections: connections?,
    })
}

/// How the connection is encrypted. Without encryption only where the policy says so twice.
fn tls(fields: &Fields<'_>, safety: Safety, complaints: &mut Complaints) -> Option<TlsMode> {
    const FTPS: [(&str, TlsMode); 2] = [
        ("explicit", TlsMode::Explicit),
        ("implicit", TlsMode::Implicit),
    ];
    const FTP: [(&str, TlsMode); 1] = [("none", TlsMode::Plain)];
    match (safety, fields.get("tls")) {
        (Safety::Encrypted, None) => Some(TlsMode::Explicit),
        (Safety::Encrypted, Some(entry)) => fields::choice(&entry.value, "tls", &FTPS, complaints),
        (Safety::Plain, Some(entry)) => fields::choice(&entry.value, "tls", &FTP, complaints),
        (Safety::Plain, None) => {
            let at = fields.at();
            let (what, why) = ("kind", "`ftp` sends passwords and files unencrypted");
            let fault = Fault::Value {
                what: what.to_owned(),
                why: why.to_owned(),
            };
            complaints.hinted(
                at,
                fault,
                "write `kind: ftps`, or `tls: none` if it has to be",
            );
            None
        }
    }
}
