//! Nonces: `<seconds>-<HMAC-SHA1>`, the code over `receive.certNonceSeed` with `<path>:<seconds>` as
//! its key. So git has it; the other way round would be usual, but nobody without the seed can make
//! one either way.
//!
//! git says in the hook's environment whether a nonce is its own. That is asked for too, but an
//! environment is only as good as whoever set it, and git sets nothing where no certificate was
//! pushed. So the nonce is made again here: whatever the environment holds, only who knows the seed
//! can have made it. `<path>` is the folder as the client named it to git; who signed for which one
//! does not matter, since each repository has a seed of its own, so any that may have been meant
//! will do.

use super::{CertificateError, pushee};
use crate::types::{Timestamp, escape};
use hmac::{Hmac, Mac};
use sha1::Sha1;

/// The shortest seed that is used, in bytes.
pub const MIN_SEED_BYTES: usize = 16;
/// The oldest nonce that counts, in seconds: signing, packing and sending come after it.
pub const MAX_AGE: u64 = 3600;
/// How much longer than it has to be a number of seconds may be, in digits.
const MAX_DIGITS: usize = 18;

/// The secret that this server's nonces are made with. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Seed(Vec<u8>);

impl Seed {
    /// The seed with these bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// Whether it is long enough that nobody guesses it.
    #[must_use]
    pub fn is_strong(&self) -> bool {
        self.0.len() >= MIN_SEED_BYTES
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(…)")
    }
}

/// What is known about the nonce that a certificate has to hold.
#[derive(Debug, Clone)]
pub struct Nonces {
    /// The server's seed, if it has one.
    pub seed: Option<Seed>,
    /// The folders, as a client may have named them to git.
    pub paths: Vec<Vec<u8>>,
    /// The nonce that git says is this push's: `GIT_PUSH_CERT_NONCE`.
    pub issued: Option<Vec<u8>>,
    /// What git says of the certificate's: `GIT_PUSH_CERT_NONCE_STATUS`.
    pub status: Option<Vec<u8>>,
    /// `receive.certNonceSlop`, in seconds: how far the clocks of several servers may be apart.
    pub slop: u64,
    /// This server's clock.
    pub clock: Timestamp,
}

impl Nonces {
    /// Whether a certificate with this nonce was made for this push.
    ///
    /// `pushee` is the address that the certificate names.
    pub(super) fn check(
        &self,
        nonce: Option<&[u8]>,
        pushee: Option<&[u8]>,
    ) -> Result<(), CertificateError> {
        let seed = self.seed.as_ref().ok_or(CertificateError::NoSeed)?;
        if !seed.is_strong() {
            return Err(CertificateError::WeakSeed);
        }
        let nonce = nonce.ok_or(CertificateError::NoNonce)?;
        let (stamp, mac) = split(nonce).ok_or(CertificateError::ForeignNonce)?;
        let named = pushee.map(pushee::paths).unwrap_or_default();
        let mut paths = self.paths.iter().chain(&named);
        if !paths.any(|path| made(seed, path, stamp, &mac)) {
            return Err(CertificateError::ForeignNonce);
        }
        self.fresh(stamp)?;
        let status = self.status.as_deref().unwrap_or(b"nothing");
        if status == b"OK" && self.issued.as_deref() == Some(nonce) {
            Ok(())
        } else {
            let shown = status.get(..status.len().min(40)).unwrap_or_default();
            Err(CertificateError::OtherNonce {
                status: escape(shown),
            })
        }
    }

    fn fresh(&self, stamp: &[u8]) -> Result<(), CertificateError> {
        let made = std::str::from_utf8(stamp)
            .ok()
            .and_then(|text| text.parse::<i64>().ok())
            .ok_or(CertificateError::ForeignNonce)?;
        let now = self.clock.as_unix();
        let apart = now.abs_diff(made);
        if made > now && apart > self.slop {
            Err(CertificateError::Future { ahead: apart })
        } else if made <= now && apart > MAX_AGE {
            Err(CertificateError::Stale {
                age: apart,
                limit: MAX_AGE,
            })
        } else {
            Ok(())
        }
    }
}

/// The seconds, as they stand, and the 20 bytes behind them.
fn split(nonce: &[u8]) -> Option<(&[u8], [u8; 20])> {
    let dash = nonce.iter().position(|byte| *byte == b'-')?;
    let (stamp, mac) = nonce.split_at_checked(dash)?;
    let digits = (1..=MAX_DIGITS).contains(&stamp.len()) && stamp.iter().all(u8::is_ascii_digit);
    let hex = mac.strip_prefix(b"-")?;
    if !digits || stamp.first() == Some(&b'0') || hex.len() != 40 {
        return None;
    }
    let mut bytes = [0; 20];
    for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
        let pair = pair.iter().map(|digit| lower_hex(*digit));
        *byte = pair
            .collect::<Option<Vec<u8>>>()?
            .iter()
            .fold(0, |all, digit| all << 4 | digit);
    }
    Some((stamp, bytes))
}

fn lower_hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Whether this is git's code for these seconds and this path; compared in constant time.
fn made(seed: &Seed, path: &[u8], stamp: &[u8], mac: &[u8; 20]) -> bool {
    let Ok(mut hmac) = Hmac::<Sha1>::new_from_slice(&[path, b":", stamp].concat()) else {
        return false;
    };
    hmac.update(&seed.0);
    hmac.verify_slice(mac).is_ok()
}
