//! Logging in to a host by ssh, in process: over SFTP and for rsync alike.

use super::compression::Compression;
use super::credentials::Field;
use super::error::shown_reply;
use super::host::{Address, Host};
use super::redact::Redactor;
use super::{Credentials, Login, ReleaseError};
use crate::policy::{HostKey, SshLogin, SshProof};
use crate::secret::{self, Keeper, Secret};
use russh::cipher::AES_256_GCM;
use russh::client::{AuthResult, Handle};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey, decode_secret_key};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// How long connecting and logging in may take each.
const PATIENCE: Duration = Duration::from_secs(30);
/// After how long a silence the host is asked whether it is there, and how often.
const SILENCE: Duration = Duration::from_secs(15);
const ASKED: usize = 3;
/// How many bytes the host may send ahead.
const WINDOW: u32 = 4 * 1024 * 1024;
/// How many keys of an agent are tried; hosts hang up after a few.
const AGENT_KEYS: usize = 6;

/// What connections run on.
///
/// # Errors
/// When there are no threads for it.
pub(in crate::release) fn runtime() -> Result<Runtime, ReleaseError> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| ReleaseError::Objects(format!("threads: {error}")))
}

/// What proves who relhook is.
enum Proof {
    Key(Arc<PrivateKey>),
    Password(Secret),
    Agent(PathBuf),
}

/// Where something went wrong, and what of its words is not to be shown.
#[derive(Debug, Clone)]
pub(in crate::release) struct Site {
    /// Host and port.
    pub(in crate::release) name: String,
    /// What knows the secrets that the host is told.
    pub(in crate::release) redactor: Redactor,
}

impl Site {
    /// A connection that does not come about, or broke.
    pub(in crate::release) fn unreachable(&self, step: &str, why: &str) -> ReleaseError {
        ReleaseError::Unreachable {
            site: self.name.clone(),
            step: step.to_owned(),
            why: self.redactor.shown(why.as_bytes()),
        }
    }
}

/// An account on a host.
pub(in crate::release) struct Account {
    host: String,
    port: u16,
    host_keys: Vec<HostKey>,
    user: String,
    proof: Proof,
    /// Whether what travels is compressed.
    pub(in crate::release) compression: Compression,
    /// The host, as errors name it.
    pub(in crate::release) site: Site,
    /// How long each step of connecting may take.
    pub(in crate::release) patience: Duration,
}

impl Account {
    /// Reads what is needed; nothing is connected yet.
    ///
    /// # Errors
    /// When the credentials are not those of such an account, or a key cannot be used.
    pub(in crate::release) fn new(
        host: &str,
        login: &SshLogin,
        credentials: &Credentials,
        compress: bool,
    ) -> Result<Self, ReleaseError> {
        let user = credentials.need(Field::User)?.reveal();
        let proof = proof(login.proof, credentials)?;
        Ok(Self {
            compression: Compression::new(compress),
            ..Self::with(host, login, user, proof)
        })
    }

    /// One that has a password.
    #[cfg(test)]
    pub(in crate::release) fn with_password(host: &str, login: &SshLogin) -> Self {
        let proof = Proof::Password(Secret::new("x".into()));
        Self::with(host, login, "nobody", proof)
    }

    fn with(host: &str, login: &SshLogin, user: &str, proof: Proof) -> Self {
        let site = Site {
            name: format!("{host}:{}", login.port),
            redactor: redactor(user, &proof),
        };
        Self {
            host: host.to_owned(),
            port: login.port,
            host_keys: login.host_keys.clone(),
            user: user.to_owned(),
            proof,
            compression: Compression::default(),
            site,
            patience: PATIENCE,
        }
    }

    /// Connects, has the host prove its key, and logs in.
    ///
    /// # Errors
    /// When the host is not reached, is another one, or does not let this account in.
    pub(in crate::release) async fn open(&self) -> Result<Handle<Host>, ReleaseError> {
        let address = Address {
            host: &self.host,
            port: self.port,
            known: &self.host_keys,
            compression: &self.compression,
            patience: self.patience,
            redactor: &self.site.redactor,
        };
        let (mut handle, _) = address.connect(config).await?;
        let logged_in = self.in_time("log in", self.log_in(&mut handle)).await??;
        // A connection that breaks here looks like a refusal.
        if !logged_in && handle.is_closed() {
            return Err(self.site.unreachable("log in", "the connection broke"));
        }
        match logged_in {
            true => Ok(handle),
            false => Err(ReleaseError::Login {
                site: self.site.name.clone(),
                reply: "permission denied".into(),
            }),
        }
    }

    /// Waits for one step of connecting.
    ///
    /// # Errors
    /// When it takes too long.
    pub(in crate::release) async fn in_time<T>(
        &self,
        step: &str,
        what: impl Future<Output = T>,
    ) -> Result<T, ReleaseError> {
        tokio::time::timeout(self.patience, what)
            .await
            .map_err(|_| self.site.unreachable(step, "no answer in time"))
    }

    async fn log_in(&self, handle: &mut Handle<Host>) -> Result<bool, ReleaseError> {
        let user = self.user.as_str();
        let fail = |error: russh::Error| self.site.unreachable("log in", &error.to_string());
        let answer = match &self.proof {
            Proof::Password(password) => {
                let answer = handle.authenticate_password(user, password.reveal()).await;
                answer.map_err(fail)?
            }
            Proof::Key(key) => {
                let hash = strongest(handle, key.algorithm().is_rsa()).await;
                let hash = hash.map_err(fail)?;
                let key = PrivateKeyWithHashAlg::new(key.clone(), hash);
                let answer = handle.authenticate_publickey(user, key).await;
                answer.map_err(fail)?
            }
            Proof::Agent(socket) => return self.ask_agent(handle, socket).await,
        };
        Ok(answer.success())
    }

    async fn ask_agent(
        &self,
        handle: &mut Handle<Host>,
        socket: &Path,
    ) -> Result<bool, ReleaseError> {
        let fail = |why: String| ReleaseError::Login {
            site: self.site.name.clone(),
            reply: format!("the ssh agent: {}", shown_reply(why.as_bytes())),
        };
        let mut agent = AgentClient::connect_uds(socket)
            .await
            .map_err(|error| fail(error.to_string()))?;
        let identities = agent
            .request_identities()
            .await
            .map_err(|error| fail(error.to_string()))?;
        let keys = identities.into_iter().take(AGENT_KEYS);
        let keys = keys.filter_map(|identity| match identity {
            AgentIdentity::PublicKey { key, .. } => Some(key),
            AgentIdentity::Certificate { .. } => None,
        });
        let keys: Vec<PublicKey> = keys.collect();
        let any_rsa = keys.iter().any(|key| key.algorithm().is_rsa());
        let hash = strongest(handle, any_rsa)
            .await
            .map_err(|error| fail(error.to_string()))?;
        for key in keys {
            let hash = hash.filter(|_| key.algorithm().is_rsa());
            let answer = handle
                .authenticate_publickey_with(self.user.as_str(), key, hash, &mut agent)
                .await
                .map_err(|error| fail(error.to_string()))?;
            if let AuthResult::Success = answer {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The hash for a signature by an RSA key, if there is any: what the host asks for, and never SHA-1. A host that never says
/// what it takes is waited for, for up to a second.
async fn strongest(handle: &Handle<Host>, any_rsa: bool) -> Result<Option<HashAlg>, russh::Error> {
    if !any_rsa {
        return Ok(None);
    }
    let offered = handle.best_supported_rsa_hash().await?;
    Ok(Some(offered.flatten().unwrap_or(HashAlg::Sha256)))
}

fn config() -> russh::client::Config {
    let mut preferred = russh::Preferred::DEFAULT;
    if has_aes() {
        let others = preferred.cipher.iter().copied();
        let others = others.filter(|cipher| *cipher != AES_256_GCM);
        preferred.cipher = [AES_256_GCM].into_iter().chain(others).collect();
    }
    russh::client::Config {
        preferred,
        window_size: WINDOW,
        keepalive_interval: Some(SILENCE),
        keepalive_max: ASKED,
        ..russh::client::Config::default()
    }
}

/// Whether this machine's processor computes AES by itself. Then GCM takes both sides a fraction of the time that ChaCha20
/// takes them.
fn has_aes() -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    return is_x86_feature_detected!("aes") && is_x86_feature_detected!("pclmulqdq");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
    false
}

/// What must not be shown of a host's words: it was told the password, and nothing else that is secret.
fn redactor(user: &str, proof: &Proof) -> Redactor {
    match proof {
        Proof::Password(password) => Redactor::of_login(&Login {
            user: user.to_owned(),
            password: password.clone(),
        }),
        Proof::Key(_) | Proof::Agent(_) => Redactor::default(),
    }
}

fn proof(kind: SshProof, credentials: &Credentials) -> Result<Proof, ReleaseError> {
    match kind {
        SshProof::Agent => {
            credentials.only(&[Field::User])?;
            let socket = std::env::var_os("SSH_AUTH_SOCK")
                .ok_or_else(|| credentials.unusable("SSH_AUTH_SOCK names no ssh agent".into()))?;
            Ok(Proof::Agent(PathBuf::from(socket)))
        }
        SshProof::Key if credentials.get(Field::Password).is_some() => {
            credentials.only(&[Field::User, Field::Password])?;
            Ok(Proof::Password(credentials.need(Field::Password)?.clone()))
        }
        SshProof::Key => {
            credentials.only(&[Field::User, Field::Key, Field::Passphrase])?;
            private_key(credentials).map(|key| Proof::Key(Arc::new(key)))
        }
    }
}

fn private_key(credentials: &Credentials) -> Result<PrivateKey, ReleaseError> {
    let path = credentials.need(Field::Key)?.reveal();
    let fail = |why: &str| credentials.unusable(format!("its `key=` file {why}"));
    if !Path::new(path).is_absolute() {
        return Err(credentials.unusable("`key=` is not an absolute path".into()));
    }
    let text = secret::private_text(Path::new(path), Keeper::Own)
        .map_err(|why| fail(&format!("is not taken: {why}")))?
        .ok_or_else(|| fail("is not there"))?;
    let passphrase = credentials.get(Field::Passphrase).map(Secret::reveal);
    // The library's own reasons may repeat what they read.
    decode_secret_key(&text, passphrase).map_err(|_| match passphrase {
        Some(_) => fail("is no private key, or `passphrase=` does not open it"),
        None => fail("is no private key, or needs a `passphrase=` line"),
    })
}
