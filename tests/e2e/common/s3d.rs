//! A real S3-compatible store on the loopback, for one test: `rclone serve s3`, which checks
//! signatures and sums and keeps a bucket as a folder. See docs/decisions/s3-server.md.

use super::ftpd::certificates;
use super::run::{Ran, command, run};
use crate::hosting::Daemon;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The access key.
pub const ACCESS: &str = "AKIATESTTESTTEST";

/// The secret key.
pub const SECRET: &str = "correct/horse+battery=staple";

/// The bucket.
pub const BUCKET: &str = "site";

/// A running store.
pub struct S3d {
    home: TempDir,
    scheme: &'static str,
    daemon: Daemon,
    /// Its port.
    pub port: u16,
}

/// The program, where `scripts/test` puts it, or the one that the environment names.
fn program() -> PathBuf {
    if let Some(named) = std::env::var_os("RELHOOK_TEST_RCLONE") {
        return PathBuf::from(named);
    }
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../tools/s3/bin/rclone");
    assert!(tools.exists(), "scripts/test installs {}", tools.display());
    tools
}

fn serve(home: &Path, scheme: &str, port: u16) -> Command {
    let mut rclone = command(program().to_str().unwrap(), home);
    rclone
        .args(["serve", "s3", "--vfs-cache-mode", "off"])
        .args(["--dir-cache-time", "20ms", "--config", "/dev/null", "-v"])
        .args(["--addr", &format!("127.0.0.1:{port}")])
        .args(["--auth-key", &format!("{ACCESS},{SECRET}")])
        .arg("--log-file")
        .arg(home.join("log"));
    if scheme == "https" {
        let folder = certificates();
        rclone.arg("--cert").arg(folder.join("site.pem"));
        rclone.arg("--key").arg(folder.join("site.key"));
    }
    rclone.arg(home.join("store"));
    rclone
}

impl S3d {
    /// A store without encryption.
    #[track_caller]
    pub fn start() -> Self {
        Self::with("http")
    }

    /// A store with TLS, with a certificate of the authority `right`.
    #[track_caller]
    pub fn secure() -> Self {
        Self::with("https")
    }

    #[track_caller]
    fn with(scheme: &'static str) -> Self {
        let home = tempfile::Builder::new()
            .prefix("s3")
            .tempdir_in("/tmp")
            .unwrap();
        std::fs::create_dir_all(home.path().join("store").join(BUCKET)).unwrap();
        let at = home.path().to_owned();
        let make = move |port| serve(&at, scheme, port);
        let daemon = Daemon::start(make, home.path().join("log"));
        Self {
            home,
            scheme,
            port: daemon.port,
            daemon,
        }
    }

    /// Takes it off the network.
    pub fn stops(&mut self) {
        self.daemon.stops();
    }

    /// Brings it back.
    #[track_caller]
    pub fn starts(&mut self) {
        self.daemon.starts();
    }

    /// Where it is.
    pub fn endpoint(&self) -> String {
        format!("{}://localhost:{}", self.scheme, self.port)
    }

    /// The bucket's folder on the disk.
    pub fn bucket(&self) -> PathBuf {
        self.home.path().join("store").join(BUCKET)
    }

    /// A request of somebody else, signed by another program. `target` is a key with what follows
    /// it, already escaped.
    #[track_caller]
    pub fn curl(&self, method: &str, target: &str, more: &[&str]) -> Ran {
        let mut curl = command("curl", self.home.path());
        curl.args(["-sS", "--aws-sigv4", "aws:amz:us-east-1:s3"])
            .args(["--user", &format!("{ACCESS}:{SECRET}")])
            .args([
                "--cacert",
                certificates().join("right.pem").to_str().unwrap(),
            ])
            .args(more);
        match method {
            "HEAD" => curl.arg("-I"),
            other => curl.args(["-X", other]),
        };
        run(curl.arg(format!("{}/{BUCKET}/{target}", self.endpoint())))
    }

    /// What the store tells a browser of an object, in lower case.
    #[track_caller]
    pub fn head(&self, key: &str) -> String {
        self.curl("HEAD", key, &[]).text().to_lowercase()
    }

    /// What the store wrote down.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.home.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
