//! A real Samba domain controller, provisioned in a temporary folder and alone on the loopback of a
//! network of its own, so that its fixed ports are free and nobody else reaches them.

use crate::common::ftpd::certificates;
use crate::common::{RELHOOK, Ran, command, run, run_with};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The domain's root.
pub const ROOT: &str = "DC=acme,DC=example";
/// The administrator's password.
pub const PASSWORD: &str = "Correct-Horse.1";

/// A running domain controller.
#[derive(Debug)]
pub struct Dc {
    home: TempDir,
    child: Child,
}

impl Drop for Dc {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Dc {
    /// Provisions a domain and starts its controller with a certificate for `localhost`.
    #[track_caller]
    pub fn start() -> Self {
        let home = tempfile::Builder::new()
            .prefix("ad")
            .tempdir_in("/tmp")
            .unwrap();
        let mut provision = command("samba-tool", home.path());
        provision.args([
            "domain",
            "provision",
            "--realm=ACME.EXAMPLE",
            "--domain=ACME",
            "--server-role=dc",
            "--dns-backend=NONE",
            "--host-name=dc1",
            "--host-ip=127.0.0.1",
        ]);
        provision.arg(format!("--adminpass={PASSWORD}"));
        provision.arg(format!("--targetdir={}", home.path().join("dc").display()));
        run(&mut provision).assert_ok();
        let tls = certificates();
        // Samba takes no key that others could read.
        let key = home.path().join("site.key");
        std::fs::copy(tls.join("site.key"), &key).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let options = [
            format!("tls certfile={}/site.pem", tls.display()),
            format!("tls keyfile={}", key.display()),
            format!("tls cafile={}/right.pem", tls.display()),
        ];
        let child = launch(home.path(), &options);
        let dc = Self { home, child };
        dc.wait();
        dc
    }

    /// Starts it again with the certificate that it makes for itself; its authority's file.
    pub fn with_its_own_certificate(&mut self) -> PathBuf {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.child = launch(self.home.path(), &[]);
        self.wait();
        self.home.path().join("dc/private/tls/ca.pem")
    }

    /// A program on the controller's network.
    pub fn command(&self, program: &str) -> Command {
        let mut there = command("nsenter", self.home.path());
        there.arg(format!("--net=/proc/{}/ns/net", self.child.id()));
        there.args(["--", program]);
        // OpenLDAP's own tools, which fill the directory, take the host's name for localhost's.
        there.env("LDAPTLS_REQCERT", "never");
        there
    }

    /// Adds and changes entries (LDIF).
    #[track_caller]
    pub fn modify(&self, ldif: &str) {
        let mut modify = self.command("ldapmodify");
        let admin = format!("CN=Administrator,CN=Users,{ROOT}");
        modify.args([
            "-x",
            "-H",
            "ldaps://localhost",
            "-D",
            &admin,
            "-w",
            PASSWORD,
        ]);
        run_with(&mut modify, ldif.as_bytes()).assert_ok();
    }

    /// What the controller says to a search.
    #[track_caller]
    pub fn search(&self, filter: &str, attribute: &str) -> String {
        let mut search = self.command("ldapsearch");
        let admin = format!("CN=Administrator,CN=Users,{ROOT}");
        search.args([
            "-x",
            "-LLL",
            "-H",
            "ldaps://localhost",
            "-D",
            &admin,
            "-w",
            PASSWORD,
        ]);
        search.args(["-b", &format!("CN=Users,{ROOT}"), filter, attribute]);
        run(&mut search).text()
    }

    /// A sync of a policy's file; the answer, and the file of the new policy.
    pub fn sync(&self, policy: &str, url: &str, ca: &Path, more: &str) -> (Ran, PathBuf) {
        let folder = self.home.path();
        let (old, new) = (folder.join("policy.yaml"), folder.join("new.yaml"));
        std::fs::write(&old, policy).unwrap();
        super::slapd::write_secret(&folder.join("password"), PASSWORD);
        let settings = format!(
            "version: 1\nurl: {url}\nca: {}\nbind: {{dn: Administrator@acme.example, password-file: password}}\nbase: {ROOT}\n{more}",
            ca.display()
        );
        std::fs::write(folder.join("directory.yaml"), settings).unwrap();
        let mut relhook = self.command(RELHOOK);
        relhook.args(["directory", "sync", "--json", "--settings"]);
        relhook
            .arg(folder.join("directory.yaml"))
            .arg("--policy")
            .arg(&old);
        relhook.arg("--output").arg(&new);
        (run(&mut relhook), new)
    }

    #[track_caller]
    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(120);
        while Instant::now() < deadline {
            let mut look = self.command("ldapsearch");
            look.args(["-x", "-H", "ldaps://localhost", "-b", "", "-s", "base"]);
            if run(&mut look).code == 0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        let log = std::fs::read(self.home.path().join("log")).unwrap_or_default();
        panic!("samba does not start:\n{}", String::from_utf8_lossy(&log));
    }
}

/// Starts the controller in the foreground, in one process.
fn launch(home: &Path, tls: &[String]) -> Child {
    let run = home.join("run");
    std::fs::create_dir_all(&run).unwrap();
    let options = [
        "server services=ldap".to_owned(),
        "interfaces=lo".into(),
        "bind interfaces only=yes".into(),
        format!("pid directory={}", run.display()),
        format!("ncalrpc dir={}", run.join("ncalrpc").display()),
        format!("ntp signd socket directory={}", run.join("ntp").display()),
    ];
    let log = std::fs::File::create(home.join("log")).unwrap();
    let mut samba = Command::new("setpriv");
    // It ends with the test, however that ends.
    samba.args([
        "--pdeathsig",
        "KILL",
        "--",
        "unshare",
        "--net",
        "--",
        "sh",
        "-c",
    ]);
    samba.args([
        "ip link set lo up && exec samba -i -M single \"$@\"",
        "samba",
    ]);
    samba.arg("-s").arg(home.join("dc/etc/smb.conf"));
    samba.args(
        options
            .iter()
            .chain(tls)
            .map(|option| format!("--option={option}")),
    );
    samba
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// A user's entry, enabled unless the flags say otherwise.
pub fn user(login: &str, more: &str) -> String {
    format!(
        "dn: CN={login},CN=Users,{ROOT}\nchangetype: add\nobjectClass: user\nsAMAccountName: {login}\n\
         userPrincipalName: {login}@acme.example\nmail: {login}@acme.example\n{more}\n"
    )
}

/// The name of an entry.
pub fn dn(name: &str) -> String {
    format!("CN={name},CN=Users,{ROOT}")
}

/// A group's entry.
pub fn group(name: &str, members: &[String]) -> String {
    let members: String = members.iter().map(|dn| format!("member: {dn}\n")).collect();
    format!(
        "dn: {}\nchangetype: add\nobjectClass: group\nsAMAccountName: {name}\n{members}\n",
        dn(name)
    )
}
