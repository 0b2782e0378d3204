//! The address that a certificate was signed for.
//!
//! Somebody who runs another server can fetch a nonce here and hand it on to a client that pushes
//! there; what was signed then differs in the `pushee` line alone. So an administrator can list the
//! addresses that this repository has (`relhook.pushee` in its configuration), and then it has to be
//! one of them, byte by byte. Without a list, at least the repository's own name has to stand at
//! its end, which a certificate for another repository does not have.

use super::CertificateError;
use crate::types::escape;

/// The addresses that a certificate may be for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pushees {
    /// The repository's addresses, where they are listed.
    pub listed: Vec<Vec<u8>>,
    /// The repository's names, without `.git`.
    pub names: Vec<Vec<u8>>,
}

impl Pushees {
    /// Whether a certificate for this address is for this repository.
    pub(super) fn check(&self, pushee: Option<&[u8]>) -> Result<(), CertificateError> {
        let pushee = pushee.ok_or(CertificateError::NoPushee)?;
        let fits = if self.listed.is_empty() {
            self.names.iter().any(|name| name == last_name(pushee))
        } else {
            self.listed.iter().any(|one| one == pushee)
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

/// The head of an address, escaped. git leaves passwords out of it; what stands before an `@` is
/// left out here all the same.
fn shown(address: &[u8]) -> String {
    const LEN: usize = 120;
    let start = address.windows(3).position(|three| three == b"://");
    let host = start.map_or(0, |start| start + 3);
    let (scheme, rest) = address.split_at_checked(host).unwrap_or_default();
    let end = rest
        .iter()
        .position(|byte| *byte == b'/')
        .unwrap_or(rest.len());
    let at = rest
        .get(..end)
        .and_then(|host| host.iter().rposition(|byte| *byte == b'@'));
    let user = at.and_then(|at| rest.get(..at)).unwrap_or_default();
    let plain = match at.and_then(|at| rest.get(at..)) {
        Some(tail) if start.is_some() && user.contains(&b':') => [scheme, tail].concat(),
        Some(_) | None => address.to_vec(),
    };
    escape(plain.get(..LEN).unwrap_or(&plain))
}
