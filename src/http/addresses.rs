//! Where a host is: asked once, and remembered for a while.
//!
//! The library asks for each request anew, also where a connection is open already, and starts a thread to ask: on a
//! machine without a cache of its own that is a question to a name server for each file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::http::uri::{Authority, Scheme};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// For how long an answer is remembered. Name servers let those about stores be kept for a few seconds.
const KEPT: Duration = Duration::from_secs(5);

/// What was answered, and when.
type Known = HashMap<(Option<Scheme>, Option<Authority>), (Instant, ResolvedSocketAddrs)>;

/// The system's way to find hosts, and what it has said lately. Clones share that.
#[derive(Debug, Clone, Default)]
pub(super) struct Addresses(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    system: DefaultResolver,
    known: Mutex<Known>,
}

impl Addresses {
    /// Forgets them all: one of them did not answer.
    pub(super) fn forget(&self) {
        self.known().clear();
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolver for Addresses {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = (uri.scheme().cloned(), uri.authority().cloned());
        if let Some((asked, addresses)) = self.known().get(&host)
            && asked.elapsed() < KEPT
        {
            return Ok(addresses.clone());
        }
        let asked = Instant::now();
        let addresses = self.0.system.resolve(uri, config, timeout)?;
        self.known().insert(host, (asked, addresses.clone()));
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_asked_for_once_in_a_few_seconds() {
        let addresses = Addresses::default();
        let config = Config::default();
        let uri: Uri = "http://localhost:1234/x".parse().unwrap();
        let ask = || addresses.resolve(&uri, &config, NextTimeout::default());
        let asked = || {
            let known = addresses.known();
            assert_eq!(known.len(), 1);
            known.values().next().unwrap().0
        };
        let found = ask().unwrap();
        assert!(found.iter().all(|found| found.port() == 1234));
        let first = asked();
        assert_eq!(ask().unwrap().to_vec(), found.to_vec());
        assert_eq!(asked(), first, "it was asked for again");
        for (asked, _) in addresses.known().values_mut() {
            *asked -= KEPT;
        }
        ask().unwrap();
        assert!(asked() >= first, "what is old was taken");
        let none: Uri = "http://no-such-host.invalid/".parse().unwrap();
        let failed = addresses.resolve(&none, &config, NextTimeout::default());
        assert!(failed.is_err());
        asked();
        addresses.forget();
        assert!(addresses.known().is_empty());
        ask().unwrap();
        asked();
    }
}
