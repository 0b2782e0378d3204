//! `kind: svn`: a folder of a Subversion repository.

use super::{Kind, ca, count, ssh};
use crate::policy::Fault;
use crate::policy::complaint::Complaints;
use crate::policy::fields::{self, Fields};
use crate::policy::schema::shown;
use crate::policy::values;
use crate::policy::{SvnAccess, SvnTarget, TargetKind};

/// The kind.
pub(super) const SVN: Kind = Kind {
    name: "svn",
    keys: &["url", "tls", "ca", "port", "host_keys", "agent"],
    read: |fields, complaints| svn(fields, complaints).map(TargetKind::Svn),
};

/// What a URL begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Svn,
    Ssh,
    Https,
}

/// A URL's parts.
struct Parts {
    scheme: Scheme,
    host: String,
    path: String,
}

fn svn(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<SvnTarget> {
    let url = fields.required("url", complaints, |node, what, complaints| {
        // What does not fit is not repeated: it may hold a password.
        let text = fields::text(node, what, complaints)?;
        match parts(&text.value) {
            Ok(_) => Some(text),
            Err(why) => {
                let what = what.to_owned();
                complaints.add(node.at, Fault::Value { what, why });
                None
            }
        }
    })?;
    let parts = parts(&url.value).ok()?;
    let allowed: &[&str] = match parts.scheme {
        Scheme::Svn => &["tls", "port"],
        Scheme::Ssh => &["port", "host_keys", "agent"],
        Scheme::Https => &["ca", "port"],
    };
    for key in SVN.keys.iter().skip(1).filter(|key| !allowed.contains(key)) {
        if let Some(entry) = fields.get(key) {
            let fault = Fault::Value {
                what: shown(key),
                why: "means nothing for a URL of this kind".to_owned(),
            };
            complaints.add(entry.key_at, fault);
        }
    }
    let access = match parts.scheme {
        Scheme::Svn => plain(fields, complaints),
        Scheme::Ssh => ssh::login(fields, complaints).map(SvnAccess::Ssh),
        Scheme::Https => https(fields, complaints),
    };
    Some(SvnTarget {
        host: parts.host,
        path: parts.path,
        access: access?,
    })
}

/// `svn://` sends passwords as a hash and files as they are: only where the policy says so twice.
fn plain(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<SvnAccess> {
    let port = count(fields, "port", 1..=65535, 3690, complaints);
    let Some(entry) = fields.get("tls") else {
        let fault = Fault::Value {
            what: "url".to_owned(),
            why: "`svn://` sends files unencrypted, and nothing proves who the server is"
                .to_owned(),
        };
        let hint = "write `svn+ssh://` or `https://`, or `tls: none` if it has to be";
        complaints.hinted(fields.at(), fault, hint);
        return None;
    };
    fields::choice(&entry.value, "tls", &[("none", ())], complaints)?;
    let port = u16::try_from(port?).ok()?;
    Some(SvnAccess::Plain { port })
}

fn https(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<SvnAccess> {
    let port = count(fields, "port", 1..=65535, 443, complaints);
    let ca = match fields.get("ca") {
        None => Some(None),
        Some(entry) => ca(&entry.value, complaints).map(Some),
    };
    Some(SvnAccess::Https {
        port: u16::try_from(port?).ok()?,
        ca: ca?,
    })
}

/// A URL's parts. What does not fit is not repeated: it may hold a password.
fn parts(text: &str) -> Result<Parts, String> {
    const KNOWN: [(&str, Scheme); 3] = [
        ("svn://", Scheme::Svn),
        ("svn+ssh://", Scheme::Ssh),
        ("https://", Scheme::Https),
    ];
    let found = KNOWN
        .iter()
        .find_map(|(head, scheme)| Some((text.strip_prefix(head)?, *scheme)));
    let (rest, scheme) =
        found.ok_or("has to begin with `svn+ssh://`, `https://` or `svn://`".to_owned())?;
    let cut = rest.find('/').ok_or("names no folder of the repository")?;
    let (host, path) = rest.split_at(cut);
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    values::host(host).map_err(
        |_| "has to have a host's name alone before its path: no user, and the port in `port`",
    )?;
    values::absolute(path, false).map_err(|why| format!("has a path that {why}"))?;
    let odd = |ch: char| ch.is_control() || ch.is_whitespace() || "@%?#\\\"'".contains(ch);
    if path.contains(odd) {
        return Err("has a blank, a quote or one of `@ % ? # \\` in its path".into());
    }
    Ok(Parts {
        scheme,
        host: host.to_owned(),
        path: path.to_owned(),
    })
}
