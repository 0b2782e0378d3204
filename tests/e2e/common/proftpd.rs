//! A real proftpd on the loopback, for one test: explicit TLS, and data connections that have to
//! resume the control connection's session, as it demands by itself.
//!
//! Its one user is in a file of its own, with the id of whoever runs the tests.

use super::ftpd::certificates;
use super::run::{command, run};
use super::unpacked::{unpacked, unpacked_program};
use crate::hosting::Daemon;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The site's user.
pub const USER: &str = "web";

/// The user's password.
pub const PASSWORD: &str = "correct-horse-battery";

/// A running site.
pub struct Proftpd {
    home: TempDir,
    daemon: Daemon,
    /// The port of its control connections.
    pub port: u16,
}

impl Proftpd {
    /// Starts a site that is empty.
    #[track_caller]
    pub fn start() -> Self {
        let home = tempfile::Builder::new()
            .prefix("proftpd")
            .tempdir_in("/tmp")
            .unwrap();
        let at = home.path().to_owned();
        fs::create_dir(at.join("site")).unwrap();
        let (uid, gid) = (rustix::process::getuid(), rustix::process::getgid());
        let (uid, gid) = (uid.as_raw(), gid.as_raw());
        let hash = run(command("openssl", &at).args(["passwd", "-6", PASSWORD])).text();
        let line = format!("{USER}:{hash}:{uid}:{gid}::{}:/bin/sh\n", at.display());
        fs::write(at.join("users"), line).unwrap();
        fs::set_permissions(at.join("users"), Permissions::from_mode(0o600)).unwrap();
        let name = |flag: &str| run(command("id", &at).arg(flag)).text();
        let account = (name("-un"), name("-gn"));
        let make = move |port| {
            let config = at.join("proftpd.conf");
            fs::write(&config, settings(&at, port, &account)).unwrap();
            let mut server = unpacked_program("proftpd", "usr/sbin/proftpd", &at);
            server.arg("-n").arg("-c").arg(config);
            server
        };
        let daemon = Daemon::start(make, home.path().join("log"));
        Self {
            home,
            port: daemon.port,
            daemon,
        }
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

    /// How many uploads ended well so far.
    pub fn uploads(&self) -> usize {
        let log = fs::read_to_string(self.home.path().join("transfers")).unwrap_or_default();
        log.lines().filter(|line| line.contains(" _ i ")).count()
    }
}

fn settings(home: &Path, port: u16, (user, group): &(String, String)) -> String {
    let modules = unpacked("proftpd").join("usr/lib/proftpd");
    let (home, certificates) = (home.display(), certificates().display());
    format!(
        "ServerType standalone\nDefaultServer on\nUseIPv6 off\nDefaultAddress 127.0.0.1\n\
         Port {port}\nUser {user}\nGroup {group}\nRootLogin on\nModulePath {}\n\
         LoadModule mod_tls.c\nAuthOrder mod_auth_file.c\nAuthUserFile {home}/users\n\
         RequireValidShell off\nPidFile {home}/pid\nScoreboardFile {home}/score\nDelayEngine off\n\
         WtmpLog off\nUseReverseDNS off\nSystemLog {home}/log\nTransferLog {home}/transfers\n\
         AllowOverwrite on\nMaxInstances none\nTLSEngine on\nTLSRequired on\nTLSLog {home}/tls\n\
         TLSRSACertificateFile {certificates}/site.pem\n\
         TLSRSACertificateKeyFile {certificates}/site.key\n",
        modules.display()
    )
}
