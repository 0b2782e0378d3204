//! `targets`: the places in production.

use super::rules::path_globs;
use super::{
    Complaints, Entry, Fault, Fields, Named, Node, Target, checked, fields, name, named, shown,
    values,
};
use crate::policy::keyfiles::plain_name;
use crate::policy::model::{DirTarget, FtpTarget, TargetKind, TlsMode};
use crate::policy::{KEYS_FOLDER, PathGlobs, suggest};
use crate::types::TargetName;
use std::path::PathBuf;

/// How many releases a directory keeps where the policy does not say.
const KEEP: u32 = 5;
/// How many connections an FTP target uses where the policy does not say.
const CONNECTIONS: u32 = 4;

/// Every target.
pub(super) fn targets(
    node: &Node,
    what: &str,
    complaints: &mut Complaints,
) -> Option<Vec<Named<Option<Target>>>> {
    named(node, what, complaints, |entry, complaints| {
        name(entry, "targets", complaints);
        target(entry, complaints)
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Dir,
    Ftp,
    Ftps,
}

impl Kind {
    const ALL: [(&'static str, Self); 3] =
        [("dir", Self::Dir), ("ftp", Self::Ftp), ("ftps", Self::Ftps)];

    /// The keys of this kind beside those of every target.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Dir => &["path", "keep"],
            Self::Ftp | Self::Ftps => &["path", "host", "port", "tls", "ca", "connections"],
        }
    }
}

fn target(entry: &Entry, complaints: &mut Complaints) -> Option<Target> {
    const KNOWN: [&str; 10] = [
        "kind",
        "from",
        "exclude",
        "path",
        "keep",
        "host",
        "port",
        "tls",
        "ca",
        "connections",
    ];
    let what = (entry.key.text.as_str(), entry.key_at);
    let fields = Fields::read(&entry.value, what, "a target", &KNOWN, complaints)?;
    let from = fields.optional("from", complaints, |node, what, complaints| {
        checked(node, what, complaints, values::folder)
    });
    let exclude = fields.optional("exclude", complaints, path_globs);
    let exclude: Vec<String> = exclude
        .unwrap_or_default()
        .into_iter()
        .map(|glob| glob.value)
        .collect();
    let kind = fields.required("kind", complaints, kind)?;
    misplaced(&fields, kind, &KNOWN, complaints);
    let kind = match kind {
        Kind::Dir => directory(&fields, complaints).map(TargetKind::Dir),
        Kind::Ftp | Kind::Ftps => ftp(&fields, kind, complaints).map(TargetKind::Ftp),
    };
    Some(Target {
        name: TargetName::new(entry.key.text.clone()),
        from: from.map(|folder| folder.value),
        exclude: PathGlobs::compile(&exclude).ok()?,
        kind: kind?,
    })
}

fn kind(node: &Node, what: &str, complaints: &mut Complaints) -> Option<Kind> {
    fields::choice(node, what, &Kind::ALL, complaints)
}

/// Complains about keys that belong to another kind of target.
fn misplaced(fields: &Fields<'_>, kind: Kind, known: &[&str], complaints: &mut Complaints) {
    for key in known {
        let common = ["kind", "from", "exclude"].contains(key);
        if common || kind.keys().contains(key) {
            continue;
        }
        if let Some(entry) = fields.get(key) {
            let (key, place) = (shown(key), "a target of this kind");
            let hint = || suggest::hint("", kind.keys().iter().copied());
            complaints.push(entry.key_at, Fault::UnknownKey { key, place }, hint);
        }
    }
}

fn directory(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<DirTarget> {
    let path = fields.required("path", complaints, |node, what, complaints| {
        checked(node, what, complaints, |text| values::absolute(text, false))
    });
    let keep = count(fields, "keep", 1..=1000, KEEP, complaints);
    Some(DirTarget {
        path: PathBuf::from(path?.value),
        keep: keep?,
    })
}

fn ftp(fields: &Fields<'_>, kind: Kind, complaints: &mut Complaints) -> Option<FtpTarget> {
    let host = fields.required("host", complaints, host);
    let path = fields.required("path", complaints, |node, what, complaints| {
        checked(node, what, complaints, |text| values::absolute(text, true))
    });
    let tls = tls(fields, kind, complaints);
    let ca = match fields.get("ca") {
        None => Some(None),
        Some(entry) => ca(&entry.value, complaints).map(Some),
    };
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

/// A number with a default; nothing where one is written that does not fit.
fn count(
    fields: &Fields<'_>,
    key: &str,
    range: std::ops::RangeInclusive<u32>,
    default: u32,
    complaints: &mut Complaints,
) -> Option<u32> {
    match fields.get(key) {
        None => Some(default),
        Some(entry) => {
            fields::number(&entry.value, key, range, complaints).map(|number| number.value)
        }
    }
}

/// The host. What does not fit is not repeated: it may hold a password.
fn host(node: &Node, what: &str, complaints: &mut Complaints) -> Option<String> {
    let text = fields::text(node, what, complaints)?;
    match values::host(&text.value) {
        Ok(()) => Some(text.value),
        Err(why) => {
            let what = what.to_owned();
            complaints.add(node.at, Fault::Value { what, why });
            None
        }
    }
}

/// How the connection is encrypted. Without encryption only where the policy says so twice.
fn tls(fields: &Fields<'_>, kind: Kind, complaints: &mut Complaints) -> Option<TlsMode> {
    const FTPS: [(&str, TlsMode); 2] = [
        ("explicit", TlsMode::Explicit),
        ("implicit", TlsMode::Implicit),
    ];
    const FTP: [(&str, TlsMode); 1] = [("none", TlsMode::Plain)];
    match (kind, fields.get("tls")) {
        (Kind::Ftps | Kind::Dir, None) => Some(TlsMode::Explicit),
        (Kind::Ftps | Kind::Dir, Some(entry)) => {
            fields::choice(&entry.value, "tls", &FTPS, complaints)
        }
        (Kind::Ftp, Some(entry)) => fields::choice(&entry.value, "tls", &FTP, complaints),
        (Kind::Ftp, None) => {
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

/// A file in `keys/`, named with that folder in front.
fn ca(node: &Node, complaints: &mut Complaints) -> Option<String> {
    let text = fields::text(node, "ca", complaints)?;
    let name = text
        .value
        .strip_prefix(KEYS_FOLDER)
        .and_then(|rest| rest.strip_prefix('/'))
        .and_then(|name| plain_name(name.as_bytes()));
    if name.is_none() {
        let what = "ca".to_owned();
        let why = format!(
            "`{}` is not a file of the policy's own `keys/`",
            shown(&text.value)
        );
        let hint = "put the certificates beside the policy and write `keys/<file>`";
        complaints.hinted(node.at, Fault::Value { what, why }, hint);
    }
    name.map(str::to_owned)
}
