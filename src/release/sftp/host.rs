//! Which host it is: it has to prove one of the keys that the policy names. There is no trust on
//! first use, and no certificate of a host is taken for a key.

use crate::policy::HostKey;
use russh::client::Handler;
use russh::keys::PublicKeyOrCertificate;
use std::sync::{Arc, Mutex};

/// What the host showed instead of a key that is known.
pub(super) type Shown = Arc<Mutex<Option<String>>>;

/// The judge of the host's key.
pub(super) struct Host {
    known: Vec<HostKey>,
    shown: Shown,
}

impl Host {
    /// A judge who knows these keys; what it refuses is left in `shown`.
    pub(super) fn new(known: &[HostKey], shown: Shown) -> Self {
        Self {
            known: known.to_vec(),
            shown,
        }
    }

    fn refuse(&self, what: String) -> bool {
        if let Ok(mut shown) = self.shown.lock() {
            *shown = Some(what);
        }
        false
    }
}

impl Handler for Host {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        key: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        let key = match key {
            PublicKeyOrCertificate::PublicKey { key, .. } => key,
            PublicKeyOrCertificate::Certificate(_) => {
                return Ok(self.refuse("a certificate, which is not taken for a key".into()));
            }
        };
        let Ok(line) = key.to_openssh() else {
            return Ok(self.refuse("a key that cannot be written down".into()));
        };
        let bare: Vec<&str> = line.split(' ').take(2).collect();
        let bare = bare.join(" ");
        if self.known.iter().any(|known| known.0 == bare) {
            return Ok(true);
        }
        let print = key.fingerprint(russh::keys::HashAlg::Sha256);
        Ok(self.refuse(format!("{} {print}", key.algorithm())))
    }
}
