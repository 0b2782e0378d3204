//! sshd's `ExposeAuthInfo`: the key by which the client logged in, in the file that
//! `SSH_USER_AUTH` names.

use super::{Get, Identified};
use crate::facts::Pusher;
use crate::policy::Policy;
use crate::signature::ssh_fingerprint;
use rustix::fs::{Mode, OFlags, open};
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// The source's variable.
const SOURCE: &str = "SSH_USER_AUTH";
/// The largest file, in bytes: an RSA key of 16384 bits is below 3 KiB.
const MAX_FILE: u64 = 16 << 10;
/// The longest path to it.
const MAX_PATH: usize = 1024;

/// The person one of whose keys the client logged in with.
pub(super) fn identify(policy: &Policy, get: Get<'_>) -> Identified {
    let Some(path) = get(SOURCE).filter(|path| !path.is_empty()) else {
        return Identified::missing(SOURCE);
    };
    match read(path).and_then(|text| key(&text)) {
        Ok(line) => owner(policy, &line),
        Err(why) => Identified::refused(SOURCE, why, None),
    }
}

fn owner(policy: &Policy, line: &str) -> Identified {
    let fingerprint = match ssh_fingerprint(line) {
        Ok(fingerprint) => fingerprint,
        Err(error) => return Identified::refused(SOURCE, format!("the key: {error}"), None),
    };
    let mut owners = policy
        .people
        .values()
        .filter(|person| person.keys.contains(&fingerprint));
    let pusher = match (owners.next(), owners.next()) {
        (Some(person), None) => Pusher::Person(person.name.clone()),
        (None, _) => Pusher::UnknownKey {
            key: format!(
                "{} {fingerprint}",
                line.split(' ').next().unwrap_or_default()
            ),
        },
        (Some(_), Some(_)) => Pusher::Refused {
            source: SOURCE.to_owned(),
            why: "the key belongs to several people".to_owned(),
        },
    };
    Identified {
        pusher,
        login: Some(fingerprint.to_string()),
        evidence: vec![format!("publickey {line}\n").into_bytes()],
    }
}

/// What the file holds, if it is one that sshd wrote: a plain file of this account's own that
/// nobody else can read or write.
fn read(path: Vec<u8>) -> Result<String, String> {
    if path.len() > MAX_PATH || path.first() != Some(&b'/') {
        return Err("it is not the absolute path of a file".to_owned());
    }
    let path = PathBuf::from(std::ffi::OsString::from_vec(path));
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let unreadable = |error: &dyn std::fmt::Display| format!("the file cannot be read: {error}");
    let file = open(&path, flags, Mode::empty()).map_err(|error| unreadable(&error))?;
    let file = std::fs::File::from(file);
    let meta = file.metadata().map_err(|error| unreadable(&error))?;
    let own = rustix::process::geteuid().as_raw();
    if !meta.is_file() || meta.mode() & 0o177 != 0 || meta.uid() != own || meta.len() > MAX_FILE {
        return Err("the file is not one that sshd wrote for this account alone".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(&error))?;
    String::from_utf8(bytes).map_err(|_| "the file is not text".to_owned())
}

/// The one key that the client logged in with: `<type> <base64>`.
fn key(text: &str) -> Result<String, String> {
    let refuse = |why: &str| Err(why.to_owned());
    let Some(text) = text.strip_suffix('\n') else {
        return refuse("the file is cut");
    };
    let mut found = None;
    for line in text.split('\n') {
        let mut fields = line.split(' ');
        if fields.next() != Some("publickey") {
            return refuse("the client did not log in by key alone");
        }
        let (Some(kind), Some(blob), None) = (fields.next(), fields.next(), fields.next()) else {
            return refuse("a line of the file is not `publickey <type> <base64>`");
        };
        if found.replace(format!("{kind} {blob}")).is_some() {
            return refuse("the client logged in with several keys");
        }
    }
    found.ok_or_else(|| "the file names no key".to_owned())
}
