//! Which host it is that is reached by ssh: it has to prove one of the keys that the policy names. There
//! is no trust on first use, and no certificate of a host is taken for a key.

use super::ReleaseError;
use super::compression::Compression;
use super::prompt::Prompt;
use super::redact::Redactor;
use crate::policy::HostKey;
use russh::Names;
use russh::client::{self, Config, Handle, Handler};
use russh::keys::{Algorithm, HashAlg, PublicKey, PublicKeyOrCertificate};
use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long connecting may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the host showed.
#[derive(Debug, Clone)]
enum Shown {
    /// A key that is known, as `known_hosts` writes it.
    Known(String),
    /// Something else: in words, and of which kind its key is, if it is one.
    Other(String, Option<Algorithm>),
}

/// The judge of the host's key.
pub(in crate::release) struct Host {
    known: Vec<HostKey>,
    shown: Arc<Mutex<Option<Shown>>>,
    compression: Compression,
}

impl Host {
    fn judge(&self, key: &PublicKeyOrCertificate) -> Shown {
        let key = match key {
            PublicKeyOrCertificate::PublicKey { key, .. } => key,
            PublicKeyOrCertificate::Certificate(_) => {
                return Shown::Other("a certificate, which is not taken for a key".into(), None);
            }
        };
        let Some(line) = line(key) else {
            return Shown::Other("a key that cannot be written down".into(), None);
        };
        let print = key.fingerprint(HashAlg::Sha256);
        let is_it = |known: &HostKey| match known {
            HostKey::Whole(known) => *known == line,
            HostKey::Print(known) => print.as_bytes() == known,
        };
        match self.known.iter().any(is_it) {
            true => Shown::Known(line),
            false => Shown::Other(
                format!("{} {print}", key.algorithm()),
                Some(key.algorithm()),
            ),
        }
    }
}

/// A key as `known_hosts` writes it: its kind and its base64.
fn line(key: &PublicKey) -> Option<String> {
    let line = key.to_openssh().ok()?;
    let bare: Vec<&str> = line.split(' ').take(2).collect();
    Some(bare.join(" "))
}

impl Handler for Host {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        key: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        let judged = self.judge(key);
        let is_known = matches!(judged, Shown::Known(_));
        if let Ok(mut shown) = self.shown.lock() {
            *shown = Some(judged);
        }
        Ok(is_known)
    }

    async fn kex_done(
        &mut self,
        _: Option<&[u8]>,
        names: &Names,
        _: &mut client::Session,
    ) -> Result<(), Self::Error> {
        self.compression.agreed(&names.client_compression);
        Ok(())
    }
}

/// A host, and what is known of it.
pub(in crate::release) struct Address<'a> {
    pub(in crate::release) host: &'a str,
    pub(in crate::release) port: u16,
    pub(in crate::release) known: &'a [HostKey],
    pub(in crate::release) compression: &'a Compression,
    /// How long each try to connect may take.
    pub(in crate::release) patience: Duration,
    pub(in crate::release) redactor: &'a Redactor,
}

impl Address<'_> {
    fn site(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Connects, and has the host prove a key that is known. Gives the key as well.
    ///
    /// A host shows one key, of the first kind that both sides have. A fingerprint does not tell of
    /// which kind its key is, so each kind is asked for in turn, on a new connection.
    pub(in crate::release) async fn connect(
        &self,
        config: fn() -> Config,
    ) -> Result<(Handle<Host>, String), ReleaseError> {
        let mut kinds = kinds(self.known);
        let mut first = None;
        loop {
            let mut config = config();
            config.preferred.key = Cow::Owned(kinds.clone());
            config.preferred.compression = Cow::Borrowed(self.compression.offer());
            let (shown, tried) = self.try_once(config).await?;
            let what = match (tried, shown) {
                (Ok(handle), Some(Shown::Known(key))) => return Ok((handle, key)),
                (_, Some(Shown::Other(what, kind))) => {
                    let left = self.left(&mut kinds, kind.as_ref());
                    let what = first.get_or_insert(what).clone();
                    if left {
                        continue;
                    }
                    what
                }
                (Err(russh::Error::NoCommonAlgo { .. }), None) if first.is_some() => {
                    first.unwrap_or_default()
                }
                (Err(error), _) => return Err(self.unreachable(&error.to_string())),
                (Ok(_), None) => return Err(self.unreachable("it showed no key")),
            };
            return Err(ReleaseError::HostKey {
                site: self.site(),
                shown: what,
            });
        }
    }

    /// Takes the kind that the host has shown a wrong key of out of those to ask for; whether it is worth
    /// to ask again.
    fn left(&self, kinds: &mut Vec<Algorithm>, wrong: Option<&Algorithm>) -> bool {
        let prints = self.known.iter();
        let prints = prints.filter(|known| matches!(known, HostKey::Print(_)));
        let Some(wrong) = wrong.filter(|_| prints.count() > 0) else {
            return false;
        };
        let is_rsa = |kind: &Algorithm| matches!(kind, Algorithm::Rsa { .. });
        let same = |kind: &Algorithm| kind == wrong || (is_rsa(kind) && is_rsa(wrong));
        let before = kinds.len();
        kinds.retain(|kind| !same(kind));
        kinds.len() < before && !kinds.is_empty()
    }

    async fn try_once(
        &self,
        config: Config,
    ) -> Result<(Option<Shown>, Result<Handle<Host>, russh::Error>), ReleaseError> {
        let shown = Arc::new(Mutex::new(None));
        let judge = Host {
            known: self.known.to_vec(),
            shown: Arc::clone(&shown),
            compression: self.compression.clone(),
        };
        let connecting = async {
            let stream = Prompt::connect(self.host, self.port).await;
            let stream = stream.map_err(russh::Error::IO)?;
            russh::client::connect_stream(Arc::new(config), stream, judge).await
        };
        let tried = tokio::time::timeout(self.patience, connecting).await;
        let tried = tried.map_err(|_| self.unreachable("no answer in time"))?;
        let shown = shown.lock().ok().and_then(|shown| shown.clone());
        Ok((shown, tried))
    }

    fn unreachable(&self, why: &str) -> ReleaseError {
        ReleaseError::Unreachable {
            site: self.site(),
            step: "connect".into(),
            why: self.redactor.shown(why.as_bytes()),
        }
    }
}

/// The kinds of keys to ask for, those of keys that are known as a whole first, and none over SHA-1.
fn kinds(known: &[HostKey]) -> Vec<Algorithm> {
    let mut kinds: Vec<Algorithm> = Vec::new();
    let mut add = |more: Vec<Algorithm>| {
        for kind in more {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
    };
    for key in known {
        if let HostKey::Whole(line) = key {
            add(of_line(line));
        }
    }
    if known.iter().any(|key| matches!(key, HostKey::Print(_))) {
        let all = russh::Preferred::DEFAULT.key.iter().cloned();
        add(all
            .filter(|kind| !matches!(kind, Algorithm::Rsa { hash: None }))
            .collect());
    }
    kinds
}

/// The ways in which a host proves a key of this kind.
fn of_line(key: &str) -> Vec<Algorithm> {
    let kind = key.split(' ').next().unwrap_or_default();
    if kind == "ssh-rsa" {
        return [HashAlg::Sha512, HashAlg::Sha256]
            .map(|hash| Algorithm::Rsa { hash: Some(hash) })
            .to_vec();
    }
    Algorithm::new(kind).into_iter().collect()
}

/// The whole keys of a host, as `known_hosts` writes them, for a program that knows no fingerprints:
/// where the policy has one, the host is asked for the key that it is of, and has to prove it.
///
/// # Errors
/// When the host has none of the keys, or is not reached.
pub(in crate::release) fn whole_keys(
    host: &str,
    port: u16,
    known: &[HostKey],
) -> Result<Vec<String>, ReleaseError> {
    let whole = known.iter().filter_map(|key| match key {
        HostKey::Whole(line) => Some(line.clone()),
        HostKey::Print(_) => None,
    });
    let mut whole: Vec<String> = whole.collect();
    if whole.len() == known.len() {
        return Ok(whole);
    }
    let address = Address {
        host,
        port,
        known,
        compression: &Compression::default(),
        patience: PATIENCE,
        redactor: &Redactor::default(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| ReleaseError::Objects(format!("threads: {error}")))?;
    let (_, key) = runtime.block_on(address.connect(Config::default))?;
    if !whole.contains(&key) {
        whole.push(key);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u_10_no_kind_over_sha_1_is_asked_for_and_a_fingerprint_is_of_any_other() {
        let names = |known: &[HostKey]| {
            let kinds = kinds(known).into_iter();
            kinds
                .map(|kind| kind.to_string())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let whole = |kind: &str| HostKey::Whole(format!("{kind} AAAA"));
        assert_eq!(names(&[whole("ssh-rsa")]), "rsa-sha2-512 rsa-sha2-256");
        assert_eq!(names(&[whole("ssh-ed25519")]), "ssh-ed25519");
        assert_eq!(
            names(&[HostKey::Print([0; 32]), whole("ecdsa-sha2-nistp384")]),
            "ecdsa-sha2-nistp384 ssh-ed25519 ecdsa-sha2-nistp256 ecdsa-sha2-nistp521 \
             rsa-sha2-512 rsa-sha2-256"
        );
    }
}
