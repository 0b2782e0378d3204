//! A real pure-ftpd on the loopback, for one test, with explicit TLS.
//!
//! It has to be started by root, and lets nobody in as root: its one virtual user is `nobody`.

use super::ftpd::certificates;
use super::run::{command, run};
use super::unpacked::unpacked_program;
use crate::hosting::Daemon;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use tempfile::TempDir;

/// The site's user.
pub const USER: &str = "web";

/// The user's password.
pub const PASSWORD: &str = "correct-horse-battery";

/// The ids of `nobody` and `nogroup`.
const NOBODY: u32 = 65_534;

/// A running site.
pub struct Pureftpd {
    home: TempDir,
    daemon: Daemon,
    /// The port of its control connections.
    pub port: u16,
}

impl Pureftpd {
    /// Starts a site that is empty.
    #[track_caller]
    pub fn start() -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "pure-ftpd has to be started by root"
        );
        let home = tempfile::Builder::new()
            .prefix("pureftpd")
            .tempdir_in("/tmp")
            .unwrap();
        let at = home.path().to_owned();
        fs::set_permissions(&at, Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(at.join("site")).unwrap();
        let hash = run(command("openssl", &at).args(["passwd", "-6", PASSWORD])).text();
        let site = at.join("site").display().to_string();
        let line = format!("{USER}:{hash}:{NOBODY}:{NOBODY}::{site}::::::::::::\n");
        fs::write(at.join("users"), line).unwrap();
        let mut database = unpacked_program("pure-ftpd", "usr/bin/pure-pw", &at);
        database.arg("mkdb").arg(at.join("users.pdb"));
        run(database.arg("-f").arg(at.join("users"))).assert_ok();
        let make = move |port: u16| {
            let mut server = unpacked_program("pure-ftpd", "usr/sbin/pure-ftpd", &at);
            let certificates = certificates().display();
            server
                .args(["-S", &format!("127.0.0.1,{port}"), "-H", "-z", "-f", "none"])
                .args(["-C", "50", "-Y", "2"])
                .args([
                    "-2",
                    &format!("{certificates}/site.pem,{certificates}/site.key"),
                ])
                .args(["-l", &format!("puredb:{}/users.pdb", at.display())])
                .args(["-O", &format!("clf:{}/transfers", at.display())])
                .args(["-g", &format!("{}/pid", at.display())]);
            server
        };
        let daemon = Daemon::start(make, home.path().join("log"));
        let server = Self {
            home,
            port: daemon.port,
            daemon,
        };
        server.hands_over();
        server
    }

    /// Takes the site off the network, with the connections that it has.
    pub fn stops(&mut self) {
        self.daemon.stops();
    }

    /// Brings it back.
    #[track_caller]
    pub fn starts(&mut self) {
        self.daemon.starts();
    }

    /// The site's directory on the disk, which is also its name on the site.
    pub fn site(&self) -> PathBuf {
        self.home.path().join("site")
    }

    /// Makes all that is on the site the user's own, after a test has put files there.
    pub fn hands_over(&self) {
        let mut chown = command("chown", self.home.path());
        run(chown.args(["-R", "65534:65534"]).arg(self.site())).assert_ok();
    }

    /// How many uploads ended well so far.
    pub fn uploads(&self) -> usize {
        let log = fs::read_to_string(self.home.path().join("transfers")).unwrap_or_default();
        log.lines().filter(|line| line.contains("\"PUT ")).count()
    }
}
