//! The address that a certificate was signed for.
//!
//! Somebody who runs another server can fetch a nonce here and hand it on to a client that pushes
//! there; what was signed then differs in the `pushee` line alone. So an administrator can list the
//! addresses that this repository has (`relhook.pushee` in its configuration), and then it has to be
//! one of them, byte by byte but for a user's name, which git leaves out. Without a list, at least the repository's own name has to stand at
//! its end, which a certificate for another repository does not have.

use super::CertificateError;
use crate::types::escape;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The addresses that a certificate may be for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pushees {
    /// The repository's addresses, where they are listed.
    pub listed: Vec<Vec<u8>>,
    /// The repository's names, without `.git`.
    pub names: Vec<Vec<u8>>,
}

impl Pushees {
    /// For the repository at `git_dir`, which the policy calls `name` (`acme/site`).
    #[must_use]
    pub fn of(listed: Vec<Vec<u8>>, git_dir: &Path, name: &str) -> Self {
        let mut names = vec![last_name(git_dir.as_os_str().as_bytes()).to_vec()];
        let own = last_name(name.as_bytes());
        if names.iter().all(|name| name != own) {
            names.push(own.to_vec());
        }
        Self { listed, names }
    }

    /// Whether a certificate for this address is for this repository.
    pub(super) fn check(&self, pushee: Option<&[u8]>) -> Result<(), CertificateError> {
        let pushee = pushee.ok_or(CertificateError::NoPushee)?;
        let fits = if self.listed.is_empty() {
            self.names.iter().any(|name| name == last_name(pushee))
        } else {
            let pushee = anonymous(pushee);
            self.listed.iter().any(|one| anonymous(one) == pushee)
        };
        if fits {
            return Ok(());
        }
        Err(CertificateError::OtherPushee {
            pushee: shown(pushee),
            expected: self.expected(),
        })
    }

    fn expected(&self) -> String {
        let list = |all: &[Vec<u8>]| {
            let quoted: Vec<String> = all.iter().map(|one| format!("`{}`", shown(one))).collect();
            quoted.join(" or ")
        };
        if self.listed.is_empty() {
            list(&self.names)
        } else {
            list(&self.listed)
        }
    }
}

/// The folders that a client with this address may have named to the server's git.
pub(super) fn paths(pushee: &[u8]) -> Vec<Vec<u8>> {
    let find = |text: &[u8], what: &[u8]| text.windows(what.len()).position(|part| part == what);
    let path = if let Some(scheme) = find(pushee, b"://") {
        let rest = pushee.get(scheme + 3..).unwrap_or_default();
        find(rest, b"/").and_then(|slash| rest.get(slash..))
    } else if let Some(colon) = find(pushee, b":")
        && find(pushee, b"/").is_none_or(|slash| colon < slash)
    {
        pushee.get(colon + 1..)
    } else {
        Some(pushee)
    };
    let path = path.unwrap_or_default();
    // ssh://host/~dana/site.git names ~dana/site.git.
    let home = path
        .strip_prefix(b"/")
        .filter(|rest| rest.starts_with(b"~"));
    [Some(path), home]
        .into_iter()
        .flatten()
        .map(<[u8]>::to_vec)
        .collect()
}

/// The last name of an address or path, without `/.git` or `.git`.
#[must_use]
pub(crate) fn last_name(address: &[u8]) -> &[u8] {
    let trimmed = without_slashes(address);
    let trimmed = trimmed
        .strip_suffix(b"/.git")
        .map_or(trimmed, without_slashes);
    let name = trimmed
        .rsplit(|byte| *byte == b'/' || *byte == b':')
        .next()
        .unwrap_or_default();
    name.strip_suffix(b".git").unwrap_or(name)
}

fn without_slashes(mut path: &[u8]) -> &[u8] {
    while let Some(shorter) = path.strip_suffix(b"/") {
        path = shorter;
    }
    path
}

/// An address without what stands before its host: git leaves user and password out of a
/// certificate.
fn anonymous(address: &[u8]) -> Vec<u8> {
    let scheme = address.windows(3).position(|three| three == b"://");
    let (scheme, rest) = address
        .split_at_checked(scheme.map_or(0, |at| at + 3))
        .unwrap_or_default();
    let ends: &[u8] = if scheme.is_empty() { b"/:" } else { b"/" };
    let end = rest.iter().position(|byte| ends.contains(byte));
    let authority = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
    match authority.iter().rposition(|byte| *byte == b'@') {
        Some(at) => [scheme, rest.get(at + 1..).unwrap_or_default()].concat(),
        None => address.to_vec(),
    }
}

/// The head of an address, escaped, without user and password.
fn shown(address: &[u8]) -> String {
    const LEN: usize = 120;
    let plain = anonymous(address);
    escape(plain.get(..LEN).unwrap_or(&plain))
}
