//! What is reached by ssh: SFTP, and rsync.

use super::ftp::NATURE as SITE;
use crate::common::sftpd::Sftpd;
use crate::common::webhost::WebHost;
use crate::conformance::cuts::Relayed;
use crate::conformance::{Kind, Nature};
use crate::hosting::sshd::account;
use std::path::{Path, PathBuf};

fn lines(kind: &str, port: u16, path: &Path, key: &str) -> String {
    format!(
        "    kind: {kind}\n    host: 127.0.0.1\n    port: {port}\n    path: {}\n    \
         host_keys: ['{key}']\n",
        path.display()
    )
}

/// A line of a private key, which is nobody's business.
fn secret(key: &Path) -> String {
    let text = std::fs::read_to_string(key).unwrap();
    text.lines().nth(2).unwrap().to_owned()
}

/// `kind: sftp`, OpenSSH, also with `compress: true`.
pub struct Sftp<const COMPRESSED: bool>(Sftpd);

impl<const COMPRESSED: bool> Kind for Sftp<COMPRESSED> {
    const NATURE: Nature = SITE;

    fn start() -> Self {
        Self(Sftpd::start())
    }

    fn policy(&self) -> String {
        let key = self.0.host_key().to_string();
        let lines = lines("sftp", self.0.port, &self.0.site(), &key);
        format!("{lines}    compress: {COMPRESSED}\n")
    }

    fn account(&self) -> Option<String> {
        let key = self.0.key();
        Some(format!("user={}\nkey={}\n", account(), key.display()))
    }

    fn wrong_account(&self) -> Result<(String, String), &'static str> {
        let key = self.0.make_key("stranger", &["-t", "ed25519"]);
        let lines = format!("user={}\nkey={}\n", account(), key.display());
        Ok((lines, secret(&key)))
    }

    fn root(&self) -> PathBuf {
        self.0.site()
    }

    fn sent(&self) -> Result<usize, &'static str> {
        Ok(self.0.written())
    }

    fn leaves(&mut self) {
        self.0.stops();
    }

    fn returns(&mut self) {
        self.0.starts();
    }
}

/// `kind: rsync`, OpenSSH with rsync behind it, also with `compress: true`.
pub struct Rsync<const COMPRESSED: bool>(WebHost);

impl<const COMPRESSED: bool> Kind for Rsync<COMPRESSED> {
    const NATURE: Nature = Nature {
        unholdable: b"a\x7fb",
        ..SITE
    };

    fn start() -> Self {
        Self(WebHost::start())
    }

    fn policy(&self) -> String {
        let key = &self.0.login("host").host_keys[0].to_string();
        let lines = lines("rsync", self.0.port, &self.0.site(), key);
        format!("{lines}    compress: {COMPRESSED}\n")
    }

    fn account(&self) -> Option<String> {
        Some(self.0.credentials("key"))
    }

    fn wrong_account(&self) -> Result<(String, String), &'static str> {
        let key = self.0.home().join("other");
        Ok((self.0.credentials("other"), secret(&key)))
    }

    fn root(&self) -> PathBuf {
        self.0.site()
    }

    fn sent(&self) -> Result<usize, &'static str> {
        Err("the other rsync writes nothing down")
    }

    fn leaves(&mut self) {
        self.0.stops();
    }

    fn returns(&mut self) {
        self.0.starts();
    }
}

impl Relayed for Sftp<false> {
    fn port(&self) -> u16 {
        self.0.port
    }
}

impl Relayed for Rsync<false> {
    fn port(&self) -> u16 {
        self.0.port
    }
}
