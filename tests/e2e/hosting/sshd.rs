//! A real sshd on the loopback, and people who log in to it.

use super::Served;
use crate::common::{Person, World, command, run};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name under which people know the server, in the pages and in their `~/.ssh/config`.
pub const HOST: &str = "git.acme.example";

/// A running sshd. It lets in whom the settings that it was given let in, as the account that runs
/// the tests.
#[derive(Debug)]
pub struct Sshd {
    dir: PathBuf,
    port: u16,
    _served: Served,
}

impl Sshd {
    /// Starts sshd with the settings of a page behind those that make it one of a test.
    ///
    /// The account that runs the tests has a home of its own; `home` stands in its place.
    #[track_caller]
    pub fn start(world: &World, home: &Path, settings: &str) -> Self {
        Self::with_mounts(world, home, settings, "")
    }

    /// The same with a shell command that mounts more before; it concerns this sshd and what it
    /// starts alone.
    #[track_caller]
    pub fn with_mounts(world: &World, home: &Path, settings: &str, mounts: &str) -> Self {
        let dir = world.path("sshd");
        std::fs::create_dir_all(&dir).unwrap();
        let mut keygen = command("ssh-keygen", &dir);
        keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]);
        run(keygen.arg(dir.join("host"))).assert_ok();
        let make = |port: u16| {
            let config = dir.join("config");
            std::fs::write(&config, ours(&dir, home, port) + settings).unwrap();
            let mut sshd = in_namespace("/usr/sbin/sshd", &dir, mounts);
            sshd.arg("-D").arg("-f").arg(config);
            sshd.arg("-E").arg(dir.join("log"));
            sshd
        };
        let (served, port) = Served::on_port(make, &dir.join("log"));
        Self {
            dir,
            port,
            _served: served,
        }
    }

    /// What sshd wrote down.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.dir.join("log")).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Has a person's git reach this server as [`HOST`], with their login key.
    #[track_caller]
    pub fn is_known_to(&self, person: &Person<'_>) {
        let ssh = self.ssh_command(person.world, person.name);
        person.git(&["config", "--global", "core.sshCommand", &ssh]);
    }

    /// The ssh command that knows this server, with the login key of `name`: the system, and not
    /// HOME, tells ssh where an account's own settings are.
    #[track_caller]
    pub fn ssh_command(&self, world: &World, name: &str) -> String {
        let key = login_key(world, name);
        let config = key.with_file_name("config");
        let host = std::fs::read_to_string(self.dir.join("host.pub")).unwrap();
        let known = key.with_file_name("known_hosts");
        std::fs::write(&known, format!("[127.0.0.1]:{} {host}", self.port)).unwrap();
        let text = format!(
            "Host {HOST}\n HostName 127.0.0.1\n Port {}\n User {}\n IdentityFile {}\n \
             IdentitiesOnly yes\n UserKnownHostsFile {}\n BatchMode yes\n",
            self.port,
            account(),
            key.display(),
            known.display()
        );
        std::fs::write(&config, text).unwrap();
        format!("ssh -F {}", config.display())
    }
}

/// The name of the account that runs the tests, and so the servers.
pub fn account() -> String {
    run(command("id", Path::new("/")).arg("-un")).text()
}

/// A person's key for logging in, made when first asked for; the public half has `.pub` behind. It
/// signs nothing.
#[track_caller]
pub fn login_key(world: &World, name: &str) -> PathBuf {
    let dir = world.path(&format!("home/{name}/.ssh"));
    let key = dir.join("id_ed25519");
    if !key.exists() {
        std::fs::create_dir_all(&dir).unwrap();
        let mut keygen = command("ssh-keygen", &dir);
        keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]);
        run(keygen.arg(&key)).assert_ok();
    }
    key
}

fn ours(dir: &Path, home: &Path, port: u16) -> String {
    format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {}\nPidFile none\nUsePAM no\nStrictModes no\n\
         AuthorizedKeysFile {}/.ssh/authorized_keys\nSetEnv HOME={}\n",
        dir.join("host").display(),
        home.display(),
        home.display()
    )
}

/// As root, sshd wants a folder below /run. Where the machine has none, which runs no sshd itself,
/// or where more is to be mounted, it gets a /run of its own.
pub fn in_namespace(program: &str, home: &Path, mounts: &str) -> Command {
    let root = run(command("id", home).arg("-u")).text() == "0";
    if !root || (mounts.is_empty() && Path::new("/run/sshd").is_dir()) {
        return command(program, home);
    }
    let mut unshare = command("unshare", home);
    let own = "set -e; mount -t tmpfs none /run; mkdir -m 755 /run/sshd";
    let own = format!("{own}; {mounts}\nexec \"$@\"");
    unshare.args(["--mount", "sh", "-c", &own, "sh", program]);
    unshare
}
