//! `targets`: the places in production. One file for each kind; what several kinds share is here.

mod care;
mod command;
mod contents;
mod dir;
mod ftp;
mod rsync;
mod s3;
mod sftp;
mod ssh;
mod svn;
mod web;
mod webdav;

use super::rules::path_globs;
use super::{
    Complaints, Entry, Fault, Fields, MAX_ITEMS, Named, Node, Target, checked, fields, name, named,
    shown, values,
};
use crate::policy::TargetKind;
use crate::policy::keyfiles::plain_name;
use crate::policy::{KEYS_FOLDER, PathGlobs, suggest};
use crate::types::TargetName;

/// The keys that every target may have.
const COMMON: &[&str] = &[
    "kind",
    "from",
    "include",
    "exclude",
    "last",
    "symlinks",
    "submodules",
    "lfs",
    "export",
    "names",
    "stage",
    "verify",
    "drift",
    "health",
];

/// Every kind, in the order in which they are named to people.
const KINDS: &[Kind] = &[
    dir::DIR,
    ftp::FTP,
    ftp::FTPS,
    sftp::SFTP,
    s3::S3,
    webdav::WEBDAV,
    rsync::RSYNC,
    svn::SVN,
    command::COMMAND,
];

/// A kind of target: how the policy writes it.
struct Kind {
    name: &'static str,
    /// Its keys beside the common ones.
    keys: &'static [&'static str],
    read: fn(&Fields<'_>, &mut Complaints) -> Option<TargetKind>,
}

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

fn target(entry: &Entry, complaints: &mut Complaints) -> Option<Target> {
    let known = known();
    let what = (entry.key.text.as_str(), entry.key_at);
    let fields = Fields::read(&entry.value, what, "a target", &known, complaints)?;
    let from = fields.optional("from", complaints, |node, what, complaints| {
        checked(node, what, complaints, values::folder)
    });
    let exclude = globs(&fields, "exclude", complaints);
    let last = globs(&fields, "last", complaints);
    let contents = contents::contents(&fields, complaints);
    let care = care::care(&fields, complaints);
    let kind = fields.required("kind", complaints, kind)?;
    misplaced(&fields, kind, &known, complaints);
    let kind = (kind.read)(&fields, complaints);
    if let (Some(care), Some(kind)) = (&care, &kind) {
        care::suits(care, kind, &fields, complaints);
    }
    Some(Target {
        name: TargetName::new(entry.key.text.clone()),
        from: from.map(|folder| folder.value),
        exclude: exclude?,
        last: last?,
        contents: contents?,
        care: care?,
        kind: kind?,
    })
}

/// Globs over the tree's paths; none where none are written.
fn globs(fields: &Fields<'_>, key: &str, complaints: &mut Complaints) -> Option<PathGlobs> {
    let globs = fields.optional(key, complaints, path_globs);
    let globs: Vec<String> = globs
        .unwrap_or_default()
        .into_iter()
        .map(|glob| glob.value)
        .collect();
    PathGlobs::compile(&globs).ok()
}

/// Every key of any kind, once.
fn known() -> Vec<&'static str> {
    let mut known = COMMON.to_vec();
    for key in KINDS.iter().flat_map(|kind| kind.keys) {
        if !known.contains(key) {
            known.push(key);
        }
    }
    known
}

fn kind(node: &Node, what: &str, complaints: &mut Complaints) -> Option<&'static Kind> {
    let choices: Vec<_> = KINDS.iter().map(|kind| (kind.name, kind)).collect();
    fields::choice(node, what, &choices, complaints)
}

/// Complains about keys that belong to another kind of target.
fn misplaced(fields: &Fields<'_>, kind: &Kind, known: &[&str], complaints: &mut Complaints) {
    for key in known {
        if COMMON.contains(key) || kind.keys.contains(key) {
            continue;
        }
        if let Some(entry) = fields.get(key) {
            let (key, place) = (shown(key), "a target of this kind");
            let hint = || suggest::hint("", kind.keys.iter().copied());
            complaints.push(entry.key_at, Fault::UnknownKey { key, place }, hint);
        }
    }
}

/// A number with a default; nothing where one is written that does not fit.
pub(super) fn count(
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

/// A list of texts, which may be absent, each read by `read`.
fn texts<T>(
    fields: &Fields<'_>,
    key: &str,
    complaints: &mut Complaints,
    mut read: impl FnMut(&str) -> Result<T, String>,
) -> Option<Vec<T>> {
    let Some(entry) = fields.get(key) else {
        return Some(Vec::new());
    };
    let mut found = Some(Vec::new());
    for item in fields::list(&entry.value, key, MAX_ITEMS, complaints)? {
        let text = fields::text(item, key, complaints);
        let value = text.and_then(|text| match read(&text.value) {
            Ok(value) => Some(value),
            Err(why) => {
                let what = format!("{key}: {}", shown(&text.value));
                complaints.add(item.at, Fault::Value { what, why });
                None
            }
        });
        found = found.zip(value).map(|(mut found, value)| {
            found.push(value);
            found
        });
    }
    found
}

/// The host. What does not fit is not repeated: it may hold a password.
pub(super) fn host(node: &Node, what: &str, complaints: &mut Complaints) -> Option<String> {
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

/// The file with the authorities to trust, where one is named; nothing where it is not to be used.
pub(super) fn optional_ca(
    fields: &Fields<'_>,
    complaints: &mut Complaints,
) -> Option<Option<String>> {
    match fields.get("ca") {
        None => Some(None),
        Some(entry) => ca(&entry.value, complaints).map(Some),
    }
}

/// A file in `keys/`, named with that folder in front.
pub(super) fn ca(node: &Node, complaints: &mut Complaints) -> Option<String> {
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
