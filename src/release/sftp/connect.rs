//! Opening the one connection of a run, and the channel in it.

use super::session::SftpSession;
use super::wire::Wire;
use crate::policy::SftpTarget;
use crate::release::account::{Account, runtime};
use crate::release::site::{Connector, Placing, Session};
use crate::release::{Credentials, ReleaseError};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;

/// How many files are under way at once.
const SESSIONS: usize = 64;

/// What opens sessions over one shared connection.
pub(super) struct SftpConnector {
    account: Account,
    runtime: Runtime,
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
        let account = Account::new(&target.host, &target.login, credentials, target.compress)?;
        Ok(Self {
            account,
            runtime: runtime()?,
            line: Mutex::default(),
            failures: AtomicU64::new(0),
        })
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
            return Err(self.account.site.unreachable(step, why));
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
        let account = &self.account;
        let handle = account.open().await?;
        let opening = Wire::open(
            Arc::new(handle),
            account.site.clone(),
            self.runtime.handle().clone(),
        );
        account.in_time("open the SFTP channel", opening).await?
    }
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

    fn notice(&self) -> Option<String> {
        self.account.compression.notice()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{SshLogin, SshProof};
    use std::net::TcpListener;
    use std::time::{Duration, Instant};

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
        let login = SshLogin {
            port,
            host_keys: Vec::new(),
            proof: SshProof::Key,
        };
        let mut account = Account::with_password("127.0.0.1", &login);
        let patience = Duration::from_secs(2);
        account.patience = patience;
        let connector = SftpConnector {
            account,
            runtime: runtime().unwrap(),
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
