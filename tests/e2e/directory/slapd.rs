//! A real slapd on the loopback, with a configuration, a database and certificates of its own.

use crate::common::ftpd::certificates;
use crate::common::{command, free_port, run};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The directory's root.
pub const ROOT: &str = "dc=acme,dc=example";
/// As whom relhook asks.
pub const READER: &str = "cn=relhook,dc=acme,dc=example";
/// The reader's password.
pub const PASSWORD: &str = "correct-horse-battery";

/// A running directory.
#[derive(Debug)]
pub struct Slapd {
    home: TempDir,
    child: Child,
    /// The port for StartTLS.
    pub port: u16,
    /// The port for TLS from the first byte.
    pub tls_port: u16,
}

impl Drop for Slapd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Slapd {
    /// Starts a directory that holds these entries (LDIF) besides its root and the reader.
    #[track_caller]
    pub fn start(ldif: &str) -> Self {
        Self::with("", ldif)
    }

    /// Starts a directory with more settings for its database.
    #[track_caller]
    pub fn with(settings: &str, ldif: &str) -> Self {
        let home = tempfile::Builder::new()
            .prefix("ldap")
            .tempdir_in("/tmp")
            .unwrap();
        let config = home.path().join("slapd.conf");
        std::fs::create_dir(home.path().join("data")).unwrap();
        std::fs::write(&config, configuration(home.path(), settings)).unwrap();
        let entries = home.path().join("entries.ldif");
        std::fs::write(&entries, format!("{}{ldif}", base())).unwrap();
        let mut add = command(&program("slapadd"), home.path());
        add.arg("-q").arg("-f").arg(&config).arg("-l").arg(&entries);
        run(&mut add).assert_ok();
        // Another test may take a port between finding and using it.
        for _ in 0..20 {
            let (port, tls_port) = (free_port(), free_port());
            if let Some(child) = serve(&config, port, tls_port) {
                return Self {
                    home,
                    child,
                    port,
                    tls_port,
                };
            }
        }
        panic!("slapd does not start");
    }

    /// A settings file for relhook that asks this directory over `ldaps://`, as the reader.
    pub fn settings(&self, more: &str) -> String {
        self.settings_at(
            &format!("ldaps://localhost:{}", self.tls_port),
            "right",
            more,
        )
    }

    /// The same at another URL and with another authority.
    pub fn settings_at(&self, url: &str, authority: &str, more: &str) -> String {
        let password = self.home.path().join("password");
        write_secret(&password, PASSWORD);
        format!(
            "version: 1\nurl: {url}\nca: {}/{authority}.pem\nbind:\n  dn: {READER}\n  password-file: {}\nbase: ou=people,{ROOT}\n{more}",
            certificates().display(),
            password.display(),
        )
    }

    /// A folder of the test's own.
    pub fn folder(&self) -> PathBuf {
        self.home.path().to_owned()
    }

    /// Changes entries of the running directory (LDIF of `ldapmodify`).
    #[track_caller]
    pub fn modify(&self, ldif: &str) {
        let url = format!("ldap://127.0.0.1:{}", self.port);
        let mut modify = command("ldapmodify", self.home.path());
        modify.args([
            "-x",
            "-H",
            &url,
            "-D",
            &format!("cn=root,{ROOT}"),
            "-w",
            "root",
        ]);
        crate::common::run_with(&mut modify, ldif.as_bytes()).assert_ok();
    }
}

/// A file that only its owner can read.
pub fn write_secret(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, format!("{text}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn program(name: &str) -> String {
    let path = format!("/usr/sbin/{name}");
    assert!(
        Path::new(&path).exists(),
        "{name} is not installed (Debian package slapd)"
    );
    path
}

fn serve(config: &Path, port: u16, tls_port: u16) -> Option<Child> {
    let urls = format!("ldap://127.0.0.1:{port} ldaps://127.0.0.1:{tls_port}");
    // It ends with the test, however that ends.
    let mut child = Command::new("setpriv")
        .args([
            "--pdeathsig",
            "TERM",
            "--",
            &program("slapd"),
            "-d",
            "0",
            "-h",
            &urls,
            "-f",
        ])
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        let listens = |port| TcpStream::connect(("127.0.0.1", port)).is_ok();
        if listens(port) && listens(tls_port) {
            return Some(child);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

fn configuration(home: &Path, settings: &str) -> String {
    let (home, tls) = (home.display(), certificates().display());
    format!(
        "include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\n\
         include /etc/ldap/schema/inetorgperson.schema\ninclude /etc/ldap/schema/nis.schema\n\
         modulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile {home}/slapd.pid\n\
         TLSCACertificateFile {tls}/right.pem\nTLSCertificateFile {tls}/site.pem\n\
         TLSCertificateKeyFile {tls}/site.key\nTLSVerifyClient never\n\
         database mdb\nsuffix {ROOT}\nrootdn cn=root,{ROOT}\nrootpw root\ndirectory {home}/data\n\
         maxsize 104857600\n{settings}\n\
         access to attrs=userPassword by anonymous auth by * none\n\
         access to dn.subtree=ou=hidden,{ROOT} by * none\n\
         access to * by users read by anonymous auth by * none\n"
    )
}

fn base() -> String {
    format!(
        "dn: {ROOT}\nobjectClass: dcObject\nobjectClass: organization\ndc: acme\no: Acme\n\n\
         dn: {READER}\nobjectClass: applicationProcess\nobjectClass: simpleSecurityObject\n\
         cn: relhook\nuserPassword: {PASSWORD}\n\n{}{}{}",
        unit("people"),
        unit("groups"),
        unit("hidden")
    )
}

fn unit(name: &str) -> String {
    format!("dn: ou={name},{ROOT}\nobjectClass: organizationalUnit\nou: {name}\n\n")
}

/// A person's entry.
pub fn person(login: &str, more: &str) -> String {
    format!(
        "dn: uid={login},ou=people,{ROOT}\nobjectClass: inetOrgPerson\nobjectClass: shadowAccount\n\
         uid: {login}\ncn: {login} at Acme\nsn: {login}\nmail: {login}@acme.example\n{more}\n"
    )
}

/// The name of a group.
pub fn group_dn(name: &str) -> String {
    format!("cn={name},ou=groups,{ROOT}")
}

/// The name of a person's entry.
pub fn person_dn(login: &str) -> String {
    format!("uid={login},ou=people,{ROOT}")
}

/// A group's entry, with members by their entries' names.
pub fn group(name: &str, members: &[String]) -> String {
    let members: String = members.iter().map(|dn| format!("member: {dn}\n")).collect();
    let dn = group_dn(name);
    format!("dn: {dn}\nobjectClass: groupOfNames\ncn: {name}\n{members}\n")
}
