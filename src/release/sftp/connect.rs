//! Opening the one connection of a run, and logging in.

use super::error::Site;
use super::session::SftpSession;
use super::wire::Wire;
use crate::policy::{HostKey, SftpTarget, SshProof};
use crate::release::credentials::Field;
use crate::release::error::shown_reply;
use crate::release::host::{Address, Host};
use crate::release::redact::Redactor;
use crate::release::site::{Connector, Placing, Session};
use crate::release::{Credentials, Login, ReleaseError};
use crate::secret::{self, Keeper, Secret};
use russh::client::{AuthResult, Handle};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg, decode_secret_key};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
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
    redactor: Redactor,
    runtime: Runtime,
    /// How long each step of connecting may take.
    patience: Duration,
    line: Mutex<Line>,
    /// How often connecting has failed.
    failures: AtomicU64,
}

/// The shared connection.
#[derive(Default)]
struct Line {
    /// The one that is open, if one is.
    wire: Option<Arc<Wire>>,
    /// What stopped the last try that failed: the step, and why.
    unreached: Option<(String, String)>,
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
        let user = credentials.need(Field::User)?.reveal().to_owned();
        let proof = proof(target.login.proof, credentials)?;
        Ok(Self {
            host: target.host.clone(),
            port: target.login.port,
            host_keys: target.login.host_keys.clone(),
            redactor: redactor(&user, &proof),
            user,
            proof,
            runtime,
            patience: PATIENCE,
            line: Mutex::default(),
            failures: AtomicU64::new(0),
        })
    }

    fn site(&self) -> Site {
        Site {
            name: format!("{}:{}", self.host, self.port),
            redactor: self.redactor.clone(),
        }
    }

    /// The shared connection: the one that is open, or a new one where it broke.
    fn wire(&self) -> Result<Arc<Wire>, ReleaseError> {
        let before = self.failures.load(Ordering::Acquire);
        let mut line = self
            .line
            .lock()
            .map_err(|_| ReleaseError::Objects("a connection's thread died".into()))?;
        if let Some(wire) = line.wire.as_ref().filter(|wire| wire.is_open()) {
            return Ok(wire.clone());
        }
        // A try that failed while this session waited for its turn is its own failure too: a dead
        // host is not found out by each of them anew.
        if self.failures.load(Ordering::Acquire) != before
            && let Some((step, why)) = &line.unreached
        {
            return Err(self.site().unreachable(step, why));
        }
        match self.runtime.block_on(self.open()) {
            Ok(wire) => {
                let wire = Arc::new(wire);
                line.wire = Some(wire.clone());
                Ok(wire)
            }
            Err(error) => {
                line.unreached = None;
                if let ReleaseError::Unreachable { step, why, .. } = &error {
                    line.unreached = Some((step.clone(), why.clone()));
                }
                self.failures.fetch_add(1, Ordering::Release);
                Err(error)
            }
        }
    }

    async fn open(&self) -> Result<Wire, ReleaseError> {
        let address = Address {
            host: &self.host,
            port: self.port,
            known: &self.host_keys,
            patience: self.patience,
            redactor: &self.redactor,
        };
        let (mut handle, _) = address.connect(config).await?;
        let site = self.site();
        let logged_in = self.in_time("log in", self.log_in(&mut handle)).await??;
        // A connection that breaks here looks like a refusal.
        if !logged_in && handle.is_closed() {
            return Err(site.unreachable("log in", "the connection broke"));
        }
        if !logged_in {
            return Err(ReleaseError::Login {
                site: site.name,
                reply: "permission denied".into(),
            });
        }
        let opening = Wire::open(handle, site, self.runtime.handle().clone());
        self.in_time("open the SFTP channel", opening).await?
    }

    async fn in_time<T>(
        &self,
        step: &str,
        what: impl Future<Output = T>,
    ) -> Result<T, ReleaseError> {
        tokio::time::timeout(self.patience, what)
            .await
            .map_err(|_| self.site().unreachable(step, "no answer in time"))
    }

    async fn log_in(&self, handle: &mut Handle<Host>) -> Result<bool, ReleaseError> {
        let user = self.user.as_str();
        let fail = |error: russh::Error| self.site().unreachable("log in", &error.to_string());
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
            site: self.site().name,
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

fn config() -> russh::client::Config {
    russh::client::Config {
        window_size: WINDOW,
        keepalive_interval: Some(SILENCE),
        keepalive_max: ASKED,
        nodelay: true,
        ..russh::client::Config::default()
    }
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

    fn shares(&self) -> bool {
        true
    }

    fn placing(&self) -> Placing {
        Placing::Aside
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::time::Instant;

    /// A host that takes connections and says nothing: all that wait for it learn of it at once.
    #[test]
    fn a_dead_host_is_found_out_once_for_all_that_wait() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let took = Arc::new(AtomicU64::new(0));
        let counted = took.clone();
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            for stream in listener.incoming() {
                kept.push(stream);
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let patience = Duration::from_secs(2);
        let connector = SftpConnector {
            host: "127.0.0.1".into(),
            port,
            host_keys: Vec::new(),
            user: "nobody".into(),
            proof: Proof::Password(Secret::new("x".into())),
            redactor: Redactor::default(),
            runtime,
            patience,
            line: Mutex::default(),
            failures: AtomicU64::new(0),
        };
        let began = Instant::now();
        std::thread::scope(|scope| {
            let tries: Vec<_> = (0..SESSIONS)
                .map(|_| scope.spawn(|| connector.wire().map(drop).unwrap_err()))
                .collect();
            for failed in tries {
                let error = failed.join().unwrap();
                assert!(error.is_transient(), "{error}");
                assert!(error.to_string().contains("no answer in time"), "{error}");
            }
        });
        let all = began.elapsed();
        assert!(all >= patience && all < patience * 3, "{all:?}");
        // Who comes later tries for itself.
        let before = took.load(Ordering::Relaxed);
        assert!(connector.wire().is_err());
        assert!(took.load(Ordering::Relaxed) > before);
    }
}
