//! What is reached by HTTP: buckets and WebDAV servers.

use super::ftp::{NATURE as SITE, account, wrong};
use crate::common::davd::{Dav, Davd, PASSWORD, USER};
use crate::common::s3d::{ACCESS, BUCKET, S3d, SECRET};
use crate::conformance::scene::{self, unnumbered};
use crate::conformance::{Has, Kind, Nature, Obstacle, Others, Shows};
use crate::release_kit::Bench;
use std::path::PathBuf;
use std::time::Duration;

const NO_FOLDERS: Has = Has::No("a store has keys and no folders");

fn bucket(store: &S3d, switch: &str) -> String {
    format!(
        "    kind: s3\n    endpoint: {}\n    tls: none\n    bucket: {BUCKET}\n    \
         prefix: www\n    connections: 2\n    switch: {switch}\n",
        store.endpoint()
    )
}

fn keys(secret: &str) -> String {
    format!("access_key={ACCESS}\nsecret_key={secret}\n")
}

/// The store remembers for 20 ms what a folder held, and was not asked about the change.
fn forgets() {
    std::thread::sleep(Duration::from_millis(60));
}

/// `kind: s3`, object by object.
pub struct Bucket(S3d);

impl Kind for Bucket {
    const NATURE: Nature = Nature {
        folders: NO_FOLDERS,
        ..SITE
    };

    fn start() -> Self {
        Self(S3d::start())
    }

    fn policy(&self) -> String {
        bucket(&self.0, "index-last")
    }

    fn account(&self) -> Option<String> {
        Some(keys(SECRET))
    }

    fn wrong_account(&self) -> Result<(String, String), &'static str> {
        Ok((keys("wrong/battery"), "wrong/battery".into()))
    }

    fn root(&self) -> PathBuf {
        self.0.bucket().join("www")
    }

    fn disk(&self) -> PathBuf {
        self.0.bucket()
    }

    fn own(&self) -> Vec<String> {
        let all = scene::look(&self.root()).into_keys();
        all.filter(|name| scene::is_ours(name)).collect()
    }

    fn settle(&self) {
        forgets();
    }

    fn sent(&self) -> Result<usize, &'static str> {
        Err("the store does not write down what it was sent")
    }

    fn leaves(&mut self) {
        self.0.stops();
    }

    fn returns(&mut self) {
        self.0.starts();
    }
}

/// `kind: s3` with `switch: pointer`.
pub struct Pointer(S3d);

impl Kind for Pointer {
    const NATURE: Nature = Nature {
        folders: NO_FOLDERS,
        shows: Shows::AtOnce,
        others: Others::Beside("each release has a prefix of its own"),
        obstacle: Obstacle::Another(615, "all that can be in the way is another pointer"),
        ..SITE
    };

    fn start() -> Self {
        Self(S3d::start())
    }

    fn policy(&self) -> String {
        bucket(&self.0, "pointer") + "    keep: 2\n"
    }

    fn account(&self) -> Option<String> {
        Some(keys(SECRET))
    }

    fn wrong_account(&self) -> Result<(String, String), &'static str> {
        Ok((keys("wrong/battery"), "wrong/battery".into()))
    }

    fn root(&self) -> PathBuf {
        let pointer = std::fs::read(self.whole().join("current.json")).unwrap_or_default();
        let pointer: serde_json::Value = serde_json::from_slice(&pointer).unwrap_or_default();
        match pointer["prefix"].as_str() {
            Some(prefix) => self.whole().join(prefix),
            None => self.whole().join("none"),
        }
    }

    fn whole(&self) -> PathBuf {
        self.0.bucket().join("www")
    }

    fn disk(&self) -> PathBuf {
        self.0.bucket()
    }

    fn own(&self) -> Vec<String> {
        let all = scene::look(&self.whole()).into_keys();
        let own = all.filter(|name| name.starts_with("releases/") && !name.ends_with('/'));
        let outer = own.map(|name| name.splitn(3, '/').take(2).collect::<Vec<_>>().join("/"));
        outer.map(|name| unnumbered(&name)).collect()
    }

    fn obstruct(&self) {
        self.put("current.json", "{}");
    }

    fn record(&self, _bench: &Bench) -> PathBuf {
        self.root().with_extension("json")
    }

    fn settle(&self) {
        forgets();
    }

    fn sent(&self) -> Result<usize, &'static str> {
        Err("the store does not write down what it was sent")
    }

    fn identity(&self, _path: &str) -> Result<String, &'static str> {
        Err("each release has a prefix of its own")
    }

    fn leaves(&mut self) {
        self.0.stops();
    }

    fn returns(&mut self) {
        self.0.starts();
    }
}

/// The kinds of WebDAV servers.
macro_rules! webdav {
    ($($(#[$about:meta])* $name:ident: $server:expr, $nature:expr;)*) => {$(
        $(#[$about])*
        pub struct $name(Davd);

        impl Kind for $name {
            const NATURE: Nature = $nature;

            fn start() -> Self {
                Self(Davd::start($server))
            }

            fn policy(&self) -> String {
                let url = self.0.url();
                format!(
                    "    kind: webdav\n    url: {url}\n    ca: keys/right.pem\n    \
                     connections: 2\n"
                )
            }

            fn account(&self) -> Option<String> {
                Some(account(USER, PASSWORD))
            }

            fn wrong_account(&self) -> Result<(String, String), &'static str> {
                Ok(wrong(USER))
            }

            fn root(&self) -> PathBuf {
                self.0.site()
            }

            fn disk(&self) -> PathBuf {
                self.0.disk()
            }

            fn settle(&self) {
                self.0.hands_over();
            }

            fn sent(&self) -> Result<usize, &'static str> {
                let requests = self.0.requests();
                let put = requests.iter().filter(|line| line.starts_with("PUT "));
                Ok(put.count())
            }

            fn leaves(&mut self) {
                self.0.stops();
            }

            fn returns(&mut self) {
                self.0.starts();
            }
        }
    )*};
}

webdav! {
    /// `kind: webdav`, nginx.
    Nginx: Dav::Nginx, Nature {
        empties: Has::No("it does not tell whether a folder is empty, and would remove all of it"),
        ..SITE
    };
    /// `kind: webdav`, Apache.
    Apache: Dav::Apache, SITE;
}
