//! A real OpenSSH server for SFTP on the loopback, which keeps a site.

use super::{command, run};
use crate::hosting::Daemon;
use crate::hosting::sshd::{account, in_namespace};
use relhook::policy::{HostKey, SftpTarget, SshLogin, SshProof, TargetKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The password of the account, where the server takes one.
pub const PASSWORD: &str = "correct horse";

/// A running server; its site is an empty folder at first.
pub struct Sftpd {
    home: TempDir,
    /// Where it listens.
    pub port: u16,
    daemon: Daemon,
}

impl Sftpd {
    /// Starts it. It lets in the account that runs the tests with the key [`Self::key`].
    #[track_caller]
    pub fn start() -> Self {
        Self::with("", "")
    }

    /// One with these lines in its settings too.
    #[track_caller]
    pub fn with_settings(settings: &str) -> Self {
        Self::with(settings, "")
    }

    /// One that takes [`PASSWORD`] too: its own shadow file says so, and it needs root for that.
    #[track_caller]
    pub fn with_password() -> Self {
        Self::with_password_and("")
    }

    /// The same with more lines in its settings.
    #[track_caller]
    pub fn with_password_and(settings: &str) -> Self {
        let home = Path::new("/");
        let hash = run(command("openssl", home).args(["passwd", "-6", PASSWORD])).text();
        let line = format!("{}:{hash}:19000:0:99999:7:::", account());
        let mounts = format!(
            "printf '%s\\n' '{line}' >/run/shadow; chmod 600 /run/shadow; \
             mount --bind /run/shadow /etc/shadow"
        );
        let settings = format!("PasswordAuthentication yes\nPermitRootLogin yes\n{settings}");
        Self::with(&settings, &mounts)
    }

    #[track_caller]
    fn with(settings: &str, mounts: &str) -> Self {
        let home = tempfile::Builder::new()
            .prefix("sftp")
            .tempdir_in("/tmp")
            .unwrap();
        std::fs::create_dir(home.path().join("site")).unwrap();
        let at = home.path().to_owned();
        make_key(&at, "host", &["-t", "ed25519"]);
        make_key(&at, "login", &["-t", "ed25519"]);
        std::fs::copy(at.join("login.pub"), at.join("authorized_keys")).unwrap();
        let (settings, mounts) = (settings.to_owned(), mounts.to_owned());
        let make = move |port: u16| {
            let config = at.join("config");
            let text = format!(
                "ListenAddress 127.0.0.1:{port}\nHostKey {0}/host\nPidFile none\nUsePAM no\n\
                 StrictModes no\nAuthorizedKeysFile {0}/authorized_keys\nMaxStartups 100\n\
                 Subsystem sftp /usr/lib/openssh/sftp-server -e -l VERBOSE 2>>{0}/files\n\
                 SetEnv HOME={0}\n{settings}LogLevel VERBOSE\n",
                at.display()
            );
            std::fs::write(&config, text).unwrap();
            let mut sshd = in_namespace("/usr/sbin/sshd", &at, &mounts);
            sshd.arg("-D").arg("-f").arg(config);
            sshd.arg("-E").arg(at.join("log"));
            sshd
        };
        let log = home.path().join("log");
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

    /// Makes a key pair below the server's folder.
    #[track_caller]
    pub fn make_key(&self, name: &str, options: &[&str]) -> PathBuf {
        make_key(self.home.path(), name, options)
    }

    /// Lets in whoever has this key.
    pub fn let_in(&self, name: &str) {
        let public = std::fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap();
        std::fs::write(self.path("authorized_keys"), public).unwrap();
    }

    /// The private key that is let in at first.
    pub fn key(&self) -> PathBuf {
        self.path("login")
    }

    /// A file of the server's.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The folder that releases go to.
    pub fn site(&self) -> PathBuf {
        self.path("site")
    }

    /// What the server wrote down.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.path("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// How many files were opened for writing so far.
    pub fn written(&self) -> usize {
        let bytes = std::fs::read(self.path("files")).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let opened = text.lines().filter(|line| line.contains("flags WRITE"));
        opened.count()
    }

    /// The host's key, as a policy names it.
    pub fn host_key(&self) -> HostKey {
        let line = std::fs::read_to_string(self.path("host.pub")).unwrap();
        let bare: Vec<&str> = line.split_whitespace().take(2).collect();
        HostKey::Whole(bare.join(" "))
    }

    /// The site as a target.
    pub fn target(&self, host_key: HostKey, proof: SshProof) -> TargetKind {
        TargetKind::Sftp(SftpTarget {
            compress: false,
            host: "127.0.0.1".into(),
            path: self.site().display().to_string(),
            login: SshLogin {
                port: self.port,
                host_keys: vec![host_key],
                proof,
            },
        })
    }

    /// Writes the credentials of a target: these lines.
    pub fn credentials(&self, folder: &Path, lines: &str) {
        let shelf = folder.join("credentials");
        std::fs::create_dir_all(&shelf).unwrap();
        let file = shelf.join(crate::release_kit::SITE);
        std::fs::write(&file, lines).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

fn make_key(home: &Path, name: &str, options: &[&str]) -> PathBuf {
    let key = home.join(name);
    let mut keygen = command("ssh-keygen", home);
    keygen.args(["-q", "-C", name]).args(options);
    if !options.contains(&"-N") {
        keygen.args(["-N", ""]);
    }
    run(keygen.arg("-f").arg(&key)).assert_ok();
    key
}
