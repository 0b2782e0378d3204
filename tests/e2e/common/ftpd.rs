//! A real vsftpd on the loopback, for one test, stopped by its process id at the end.
//!
//! It runs as whoever runs the tests, so no account has to be made: its one user is `anonymous`,
//! and a list of passwords makes it a real login.

use super::port::free_port;
use super::run::{command, run};
use crate::hosting::perish;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The site's user.
pub const USER: &str = "anonymous";

/// The user's password.
pub const PASSWORD: &str = "correct-horse-battery";

/// How the site is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    None,
    /// `AUTH TLS`, and nothing without it.
    Explicit,
    /// From the first byte.
    Implicit,
}

/// A running site.
#[derive(Debug)]
pub struct Ftpd {
    home: TempDir,
    child: Child,
    /// The port of its control connections.
    pub port: u16,
}

impl Drop for Ftpd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ftpd {
    /// Starts a site with TLS session reuse demanded on data connections, as vsftpd does by itself.
    #[track_caller]
    pub fn start(tls: Tls) -> Self {
        Self::with(tls, "")
    }

    /// Starts a site with more settings.
    #[track_caller]
    pub fn with(tls: Tls, more: &str) -> Self {
        let home = tempfile::Builder::new()
            .prefix("ftp")
            .tempdir_in("/tmp")
            .unwrap();
        for folder in ["site", "empty"] {
            std::fs::create_dir(home.path().join(folder)).unwrap();
        }
        std::fs::write(home.path().join("passwords"), format!("{PASSWORD}\n")).unwrap();
        // Another test may take a port between finding and using it.
        for _ in 0..20 {
            let port = free_port();
            if let Some(child) = launch(home.path(), port, tls, more) {
                return Self { home, child, port };
            }
        }
        panic!("vsftpd does not start: {}", log(home.path()));
    }

    /// Takes the site off the network, with the connections that it has.
    pub fn stops(&mut self) {
        perish(&mut self.child);
    }

    /// Brings it back, on the same port and with the same files.
    #[track_caller]
    pub fn starts_again(&mut self) {
        let config = self.home.path().join("vsftpd.conf");
        self.child = serve(&config, self.port).unwrap();
    }

    /// The site's directory on the disk, which is also its name on the site.
    pub fn site(&self) -> PathBuf {
        self.home.path().join("site")
    }

    /// What the server wrote down: every command and every answer.
    pub fn log(&self) -> String {
        log(self.home.path())
    }

    /// How many uploads ended well so far.
    pub fn uploads(&self) -> usize {
        self.log().matches("OK UPLOAD").count()
    }

    /// The commands that the server was given so far, without their connection's name.
    pub fn commands(&self) -> Vec<String> {
        let log = self.log();
        let commands = log
            .lines()
            .filter_map(|line| line.split_once("FTP command: Client \"127.0.0.1\", "));
        commands
            .map(|(_, command)| command.trim_matches('"').to_owned())
            .collect()
    }
}

fn log(home: &Path) -> String {
    let bytes = std::fs::read(home.join("log")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn launch(home: &Path, port: u16, tls: Tls, more: &str) -> Option<Child> {
    let config = home.join("vsftpd.conf");
    std::fs::write(&config, settings(home, port, tls) + more).unwrap();
    serve(&config, port)
}

fn serve(config: &Path, port: u16) -> Option<Child> {
    let program = ["/usr/sbin/vsftpd", "/usr/local/sbin/vsftpd"]
        .into_iter()
        .find(|path| Path::new(path).exists())
        .unwrap_or_else(|| panic!("vsftpd is not installed"));
    let mut child = Command::new(program)
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some(child);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

fn settings(home: &Path, port: u16, tls: Tls) -> String {
    let home = home.display();
    let mut text = format!(
        "listen=YES\nlisten_address=127.0.0.1\nlisten_port={port}\nbackground=NO\n\
         run_as_launching_user=YES\nanonymous_enable=YES\nlocal_enable=NO\n\
         secure_email_list_enable=YES\nemail_password_file={home}/passwords\n\
         anon_root={home}/site\nsecure_chroot_dir={home}/empty\nwrite_enable=YES\n\
         anon_upload_enable=YES\nanon_mkdir_write_enable=YES\nanon_other_write_enable=YES\n\
         anon_world_readable_only=NO\nanon_umask=022\nseccomp_sandbox=NO\n\
         connect_from_port_20=NO\nxferlog_enable=YES\nxferlog_std_format=NO\n\
         log_ftp_protocol=YES\nvsftpd_log_file={home}/log\n"
    );
    let certificates = certificates().display();
    if tls != Tls::None {
        text += &format!(
            "ssl_enable=YES\nallow_anon_ssl=YES\nforce_anon_logins_ssl=YES\n\
             force_anon_data_ssl=YES\nrequire_ssl_reuse=YES\nssl_ciphers=HIGH\ndebug_ssl=YES\n\
             rsa_cert_file={certificates}/site.pem\nrsa_private_key_file={certificates}/site.key\n"
        );
    }
    if tls == Tls::Implicit {
        text += "implicit_ssl=YES\n";
    }
    text
}

/// The authority that signed the sites' certificate, and one that did not.
pub fn authority(name: &str) -> Vec<u8> {
    std::fs::read(certificates().join(format!("{name}.pem"))).unwrap()
}

/// A folder with `right.pem` and `wrong.pem`, two authorities, and `site.pem`, which the right one
/// signed for `localhost`.
pub fn certificates() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    FOLDER.get_or_init(make_certificates).path()
}

fn make_certificates() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let openssl = |args: &str| {
        let mut command = command("openssl", folder.path());
        command.current_dir(folder.path()).args(args.split(' '));
        run(&mut command).assert_ok();
    };
    for name in ["right", "wrong"] {
        openssl(&format!(
            "req -x509 -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.pem -days 2 \
             -subj /CN=authority-{name}"
        ));
    }
    openssl("req -newkey rsa:2048 -nodes -keyout site.key -out site.csr -subj /CN=localhost");
    let extension = "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n";
    std::fs::write(folder.path().join("extension"), extension).unwrap();
    openssl(
        "x509 -req -in site.csr -CA right.pem -CAkey right.key -CAcreateserial -out site.pem \
         -days 2 -extfile extension",
    );
    folder
}
