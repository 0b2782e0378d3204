//! A real sshd on the loopback with a directory of a web server behind it, for one test.

use super::run::{command, run};
use crate::hosting::Daemon;
use crate::hosting::sshd::{account, in_namespace};
use relhook::policy::{HostKey, SshLogin, SshProof};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A host that lets one key in, as the account that runs the tests.
pub struct WebHost {
    home: TempDir,
    /// The port.
    pub port: u16,
    daemon: Daemon,
}

/// The line by which sshd offers SFTP.
const SFTP: &str = "Subsystem sftp internal-sftp\n";

impl WebHost {
    #[track_caller]
    pub fn start() -> Self {
        Self::with(SFTP, "")
    }

    /// One whose sshd has these settings beside the usual ones; without any it offers no SFTP.
    #[track_caller]
    pub fn set(settings: &str) -> Self {
        Self::with(settings, "")
    }

    /// The same with a shell command that mounts more before; the host alone sees it. `$SITE` is the
    /// directory.
    #[track_caller]
    pub fn with_mounts(mounts: &str) -> Self {
        Self::with(SFTP, mounts)
    }

    #[track_caller]
    fn with(more: &str, mounts: &str) -> Self {
        let more = more.to_owned();
        let home = tempfile::Builder::new()
            .prefix("web")
            .tempdir_in("/tmp")
            .unwrap();
        std::fs::create_dir(home.path().join("www")).unwrap();
        for key in ["host", "key", "other"] {
            let mut keygen = command("ssh-keygen", home.path());
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", key, "-f"]);
            run(keygen.arg(home.path().join(key))).assert_ok();
        }
        let site = home.path().join("www");
        let mounts = match mounts {
            "" => String::new(),
            mounts => format!("SITE={}; {mounts}", site.display()),
        };
        let (at, log) = (home.path().to_owned(), home.path().join("log"));
        let make = move |port: u16| {
            let config = at.join("config");
            std::fs::write(&config, settings(&at, port) + &more).unwrap();
            let mut sshd = in_namespace("/usr/sbin/sshd", &at, &mounts);
            sshd.arg("-D").arg("-f").arg(config);
            sshd.arg("-E").arg(at.join("log"));
            sshd
        };
        let daemon = Daemon::start(make, log);
        Self {
            home,
            port: daemon.port,
            daemon,
        }
    }

    /// Takes it off the network, with all sessions.
    pub fn stops(&mut self) {
        self.daemon.stops();
    }

    /// Brings it back.
    #[track_caller]
    pub fn starts(&mut self) {
        self.daemon.starts();
    }

    /// The web server's directory.
    pub fn site(&self) -> PathBuf {
        self.home.path().join("www")
    }

    /// How to log in, if the host has the key of this name.
    pub fn login(&self, host_key: &str) -> SshLogin {
        let public = self.home.path().join(format!("{host_key}.pub"));
        let text = std::fs::read_to_string(public).unwrap();
        let words: Vec<&str> = text.split(' ').take(2).collect();
        SshLogin {
            port: self.port,
            host_keys: vec![HostKey::Whole(words.join(" "))],
            proof: SshProof::Key,
        }
    }

    /// The credentials that let relhook in, with this private key.
    pub fn credentials(&self, key: &str) -> String {
        format!(
            "user={}\nkey={}\n",
            account(),
            self.home.path().join(key).display()
        )
    }

    /// What sshd wrote down.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.home.path().join("log")).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The folder of everything.
    pub fn home(&self) -> &Path {
        self.home.path()
    }
}

fn settings(home: &Path, port: u16) -> String {
    let home = home.display();
    format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {home}/host\nPidFile none\nUsePAM no\n\
         StrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         AuthorizedKeysFile {home}/key.pub\nLogLevel VERBOSE\nMaxStartups 100\n\
         SetEnv HOME={home}\n"
    )
}
