//! Real WebDAV servers on the loopback, for one test: nginx with its two modules, and Apache.

use super::ftpd::certificates;
use super::run::{Ran, command, run};
use crate::hosting::Daemon;
use base64ct::{Base64, Encoding};
use md5::{Digest, Md5};
use sha1::Sha1;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The user.
pub const USER: &str = "web";

/// The user's password.
pub const PASSWORD: &str = "correct-horse-battery";

/// Which server, and how it wants to know who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dav {
    /// nginx over TLS, with basic authentication.
    Nginx,
    /// Apache over TLS, with basic authentication.
    Apache,
    /// Apache over TLS, with digest authentication.
    ApacheDigest,
    /// nginx, basic, for a relay that has to read along.
    PlainNginx,
    /// Apache, digest, likewise.
    PlainApacheDigest,
}

/// A running server.
pub struct Davd {
    home: TempDir,
    kind: Dav,
    daemon: Daemon,
    /// Its port.
    pub port: u16,
}

impl Dav {
    fn is_plain(self) -> bool {
        matches!(self, Self::PlainNginx | Self::PlainApacheDigest)
    }

    /// Whether it asks for a digest.
    pub fn is_digest(self) -> bool {
        matches!(self, Self::ApacheDigest | Self::PlainApacheDigest)
    }

    fn is_nginx(self) -> bool {
        matches!(self, Self::Nginx | Self::PlainNginx)
    }
}

impl Davd {
    /// Starts a server whose folder `/dav` is empty.
    #[track_caller]
    pub fn start(kind: Dav) -> Self {
        let home = tempfile::Builder::new()
            .prefix("dav")
            .tempdir_in("/tmp")
            .unwrap();
        let at = home.path();
        fs::set_permissions(at, Permissions::from_mode(0o755)).unwrap();
        for folder in ["root/dav", "temp", "state"] {
            fs::create_dir_all(at.join(folder)).unwrap();
        }
        let sha = Base64::encode_string(&Sha1::digest(PASSWORD.as_bytes()));
        fs::write(at.join("users"), format!("{USER}:{{SHA}}{sha}\n")).unwrap();
        let digest = hex(&Md5::digest(format!("{USER}:site:{PASSWORD}")));
        fs::write(at.join("digests"), format!("{USER}:site:{digest}\n")).unwrap();
        let folder = at.to_owned();
        let make = move |port| launch(kind, &folder, port);
        let daemon = Daemon::start(make, at.join("error.log"));
        Self {
            home,
            kind,
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
        // The one that was ended could not take it back.
        let _ = fs::remove_file(self.home.path().join("pid"));
        self.daemon.starts();
    }

    /// The folder's URL.
    pub fn url(&self) -> String {
        let scheme = if self.kind.is_plain() {
            "http"
        } else {
            "https"
        };
        format!("{scheme}://localhost:{}/dav", self.port)
    }

    /// The folder on the disk.
    pub fn site(&self) -> PathBuf {
        self.home.path().join("root/dav")
    }

    /// The folder in which files are while they arrive, and when they are there.
    pub fn disk(&self) -> PathBuf {
        match self.kind.is_nginx() {
            true => self.home.path().to_owned(),
            // It writes them beside their places.
            false => self.site(),
        }
    }

    /// A request of somebody else.
    #[track_caller]
    pub fn curl(&self, method: &str, path: &str, more: &[&str]) -> Ran {
        let mut curl = command("curl", self.home.path());
        curl.args(["-sS", "-X", method])
            .args(["--anyauth", "--user", &format!("{USER}:{PASSWORD}")])
            .args([
                "--cacert",
                certificates().join("right.pem").to_str().unwrap(),
            ])
            .args(more);
        run(curl.arg(format!("{}/{path}", self.url())))
    }

    /// What the server was asked: method and path, in order.
    pub fn requests(&self) -> Vec<String> {
        let log = fs::read_to_string(self.home.path().join("access.log")).unwrap_or_default();
        let asked = log.lines().filter_map(|line| line.split('"').nth(1));
        asked
            .map(|line| line.trim_end_matches(" HTTP/1.1").to_owned())
            .collect()
    }

    /// How many bytes the server's largest answer about files had on its way.
    pub fn largest_listing(&self) -> u64 {
        let log = fs::read_to_string(self.home.path().join("access.log")).unwrap_or_default();
        let told = log.lines().filter(|line| line.contains("\"PROPFIND "));
        let sizes = told.filter_map(|line| line.rsplit(' ').next()?.parse().ok());
        sizes.max().unwrap_or(0)
    }

    /// Makes all that is in the folder the server's own, after a test has put files there.
    pub fn hands_over(&self) {
        if !self.kind.is_nginx() {
            hand_over(&self.home.path().join("root"));
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Apache does not run as root, and its files are to be its own.
fn hand_over(path: &Path) {
    if rustix::process::geteuid().is_root() {
        let mut chown = Command::new("chown");
        assert!(
            chown
                .args(["-R", "nobody"])
                .arg(path)
                .status()
                .unwrap()
                .success()
        );
    }
}

fn launch(kind: Dav, home: &Path, port: u16) -> Command {
    let config = home.join("server.conf");
    let text = match kind.is_nginx() {
        true => nginx(kind, home, port),
        false => apache(kind, home, port),
    };
    fs::write(&config, text).unwrap();
    let mut server = match kind.is_nginx() {
        true => command("/usr/sbin/nginx", home),
        false => command("/usr/sbin/apache2", home),
    };
    if kind.is_nginx() {
        server.arg("-c").arg(config);
    } else {
        hand_over(&home.join("root"));
        hand_over(&home.join("state"));
        server.arg("-DFOREGROUND").arg("-f").arg(config);
    }
    server
}

fn nginx(kind: Dav, home: &Path, port: u16) -> String {
    let (certificates, home) = (certificates().display(), home.display());
    let (tls, keys) = match kind.is_plain() {
        true => ("", String::new()),
        false => (
            " ssl",
            format!(
                "ssl_certificate {certificates}/site.pem;\n\
                 ssl_certificate_key {certificates}/site.key;\n"
            ),
        ),
    };
    let user = match rustix::process::geteuid().is_root() {
        true => "user root;\n",
        false => "",
    };
    format!(
        "load_module /usr/lib/nginx/modules/ngx_http_dav_ext_module.so;\n{user}\
         daemon off;\nworker_processes 1;\npid {home}/pid;\nerror_log {home}/error.log;\n\
         events {{}}\nhttp {{\naccess_log {home}/access.log;\nclient_max_body_size 0;\n\
         client_body_temp_path {home}/temp;\nproxy_temp_path {home}/state/a;\n\
         fastcgi_temp_path {home}/state/b;\nuwsgi_temp_path {home}/state/c;\n\
         scgi_temp_path {home}/state/d;\n\
         server {{\nlisten 127.0.0.1:{port}{tls};\nserver_name localhost;\n{keys}\
         root {home}/root;\nlocation /dav {{\ndav_methods PUT DELETE MKCOL COPY MOVE;\n\
         dav_ext_methods PROPFIND OPTIONS;\nauth_basic site;\n\
         auth_basic_user_file {home}/users;\n}}\n}}\n}}\n"
    )
}

fn apache(kind: Dav, home: &Path, port: u16) -> String {
    let (certificates, home) = (certificates().display(), home.display());
    let modules = [
        "mpm_event",
        "authn_core",
        "authn_file",
        "authz_core",
        "authz_user",
        "auth_basic",
        "auth_digest",
        "dav",
        "deflate",
        "dav_fs",
        "dir",
        "ssl",
    ];
    let mut text: String = modules
        .iter()
        .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
        .collect();
    if rustix::process::geteuid().is_root() {
        text += "User nobody\nGroup nogroup\n";
    }
    if !kind.is_plain() {
        text += &format!(
            "SSLEngine on\nSSLCertificateFile {certificates}/site.pem\n\
             SSLCertificateKeyFile {certificates}/site.key\n"
        );
    }
    let login = match kind.is_digest() {
        true => format!("AuthType Digest\nAuthUserFile {home}/digests\n"),
        false => format!("AuthType Basic\nAuthUserFile {home}/users\n"),
    };
    text + &format!(
        "ServerRoot {home}\nServerName localhost\nPidFile {home}/pid\nListen 127.0.0.1:{port}\n\
         DefaultRuntimeDir {home}/state\nErrorLog {home}/error.log\n\
         LogFormat \"%h %l %u %t \\\"%r\\\" %>s %b\" common\nCustomLog {home}/access.log common\n\
         DocumentRoot {home}/root\n<FilesMatch \"^\\.ht\">\nRequire all denied\n</FilesMatch>\nDavLockDB {home}/state/locks\n\
         <Directory {home}/root>\nRequire all denied\n</Directory>\n\
         <Directory {home}/root/dav>\nDav On\nAllowOverride None\n\
         SetOutputFilter DEFLATE\n\
         DirectoryIndex disabled\nAuthName site\n{login}Require valid-user\n\
         </Directory>\n"
    )
}
