//! Opening the one connection of a run, and logging in.

use super::error::unreachable;
use super::host::{Host, Shown};
use super::session::SftpSession;
use super::wire::Wire;
use crate::policy::{HostKey, SftpTarget, SshProof};
use crate::release::credentials::Field;
use crate::release::error::shown_reply;
use crate::release::site::{Connector, Placing, Session};
use crate::release::{Credentials, ReleaseError};
use crate::secret::{self, Keeper, Secret};
use russh::client::{AuthResult, Handle};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{Algorithm, HashAlg, PrivateKey, PrivateKeyWithHashAlg, decode_secret_key};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
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
/// How many files are under way at once.
const SESSIONS: usize = 32;

/// What proves who relhook is.
enum Proof {
    Key(Arc<PrivateKey>),
    Password(Secret),
    Agent(PathBuf),
}

/// What opens sessions over one shared connection.
pub(super) struct SftpConnector {
    host: String,
    port: u16,
    host_keys: Vec<HostKey>,
    user: String,
    proof: Proof,
    runtime: Runtime,
    /// The connection that is open, if one is.
    wire: Mutex<Option<Arc<Wire>>>,
}

impl SftpConnector {
    /// Reads what is needed; nothing is connected yet.
    pub(super) fn new(
        target: &SftpTarget,
        credentials: &Credentials,
    ) -> Result<Self, ReleaseError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| ReleaseError::Objects(format!("threads: {error}")))?;
        Ok(Self {
            host: target.host.clone(),
            port: target.login.port,
            host_keys: target.login.host_keys.clone(),
            user: credentials.need(Field::User)?.reveal().to_owned(),
            proof: proof(target.login.proof, credentials)?,
            runtime,
            wire: Mutex::new(None),
        })
    }

    fn site(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The shared connection: the one that is open, or a new one where it broke.
    fn wire(&self) -> Result<Arc<Wire>, ReleaseError> {
        let mut open = self
            .wire
            .lock()
            .map_err(|_| ReleaseError::Objects("a connection's thread died".into()))?;
        if let Some(wire) = open.as_ref().filter(|wire| wire.is_open()) {
            return Ok(wire.clone());
        }
        let wire = Arc::new(self.runtime.block_on(self.open())?);
        *open = Some(wire.clone());
        Ok(wire)
    }

    async fn open(&self) -> Result<Wire, ReleaseError> {
        let shown: Shown = Arc::default();
        let host = Host::new(&self.host_keys, shown.clone());
        let address = (self.host.as_str(), self.port);
        let connecting = russh::client::connect(Arc::new(self.config()), address, host);
        let handle = self.in_time("connect", connecting).await?;
        let mut handle = handle.map_err(|error| self.not_connected(&shown, &error))?;
        let site = self.site();
        let logged_in = self.in_time("log in", self.log_in(&mut handle)).await??;
        if !logged_in {
            return Err(ReleaseError::Login {
                site,
                reply: "permission denied".into(),
            });
        }
        let opening = Wire::open(handle, site, self.runtime.handle().clone());
        self.in_time("open the SFTP channel", opening).await?
    }

    fn not_connected(&self, shown: &Shown, error: &russh::Error) -> ReleaseError {
        let what = shown.lock().ok().and_then(|shown| shown.clone());
        match what {
            Some(what) => ReleaseError::HostKey {
                site: self.site(),
                shown: what,
            },
            None => unreachable(&self.site(), "connect", &error.to_string()),
        }
    }

    async fn in_time<T>(
        &self,
        step: &str,
        what: impl Future<Output = T>,
    ) -> Result<T, ReleaseError> {
        tokio::time::timeout(PATIENCE, what)
            .await
            .map_err(|_| unreachable(&self.site(), step, "no answer in time"))
    }

    fn config(&self) -> russh::client::Config {
        let mut preferred = russh::Preferred::DEFAULT;
        // A host key is taken by its own kind alone, and never over SHA-1.
        preferred.key = Cow::Owned(
            self.host_keys
                .iter()
                .flat_map(|key| algorithms(&key.0))
                .collect(),
        );
        russh::client::Config {
            preferred,
            window_size: WINDOW,
            keepalive_interval: Some(SILENCE),
            keepalive_max: ASKED,
            nodelay: true,
            ..russh::client::Config::default()
        }
    }

    async fn log_in(&self, handle: &mut Handle<Host>) -> Result<bool, ReleaseError> {
        let user = self.user.as_str();
        let fail = |error: russh::Error| unreachable(&self.site(), "log in", &error.to_string());
        let answer = match &self.proof {
            Proof::Password(password) => {
                let answer = handle.authenticate_password(user, password.reveal()).await;
                answer.map_err(fail)?
            }
            Proof::Key(key) => {
                let hash = strongest(handle).await.map_err(fail)?;
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
            site: self.site(),
            reply: format!("the ssh agent: {}", shown_reply(why.as_bytes())),
        };
        let mut agent = AgentClient::connect_uds(socket)
            .await
            .map_err(|error| fail(error.to_string()))?;
        let identities = agent
            .request_identities()
            .await
            .map_err(|error| fail(error.to_string()))?;
        let hash = strongest(handle)
            .await
            .map_err(|error| fail(error.to_string()))?;
        for identity in identities.into_iter().take(AGENT_KEYS) {
            let AgentIdentity::PublicKey { key, .. } = identity else {
                continue;
            };
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

/// The hash for a signature by an RSA key: what the host asks for, and never SHA-1.
async fn strongest(handle: &Handle<Host>) -> Result<Option<HashAlg>, russh::Error> {
    let offered = handle.best_supported_rsa_hash().await?;
    Ok(Some(offered.flatten().unwrap_or(HashAlg::Sha256)))
}

/// The ways in which a host proves a key of this kind.
fn algorithms(key: &str) -> Vec<Algorithm> {
    let kind = key.split(' ').next().unwrap_or_default();
    if kind == "ssh-rsa" {
        return [HashAlg::Sha512, HashAlg::Sha256]
            .map(|hash| Algorithm::Rsa { hash: Some(hash) })
            .to_vec();
    }
    Algorithm::new(kind).into_iter().collect()
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

impl Connector for SftpConnector {
    fn connect(&self) -> Result<Box<dyn Session>, ReleaseError> {
        Ok(Box::new(SftpSession::new(self.wire()?)))
    }

    fn sessions(&self) -> usize {
        SESSIONS
    }

    fn ahead(&self) -> usize {
        super::session::AHEAD
    }

    fn placing(&self) -> Placing {
        Placing::Aside
    }
}
