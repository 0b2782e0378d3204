//! Releases with the keys of an ssh agent: a real one, of the test's own, that no other process uses.

use crate::common::sftpd::Sftpd;
use crate::common::webhost::WebHost;
use crate::common::{command, run};
use crate::hosting::sshd::account;
use crate::release_kit::{Bench, carry_out_apart, tree};
use relhook::policy::{HostKey, RsyncTarget, SftpTarget, SshLogin, SshProof, TargetKind};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

/// A running agent.
struct Agent {
    socket: PathBuf,
    process: Child,
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Agent {
    #[track_caller]
    fn start(home: &Path) -> Self {
        let socket = home.join("agent");
        let mut agent = command("ssh-agent", home);
        agent.arg("-D").arg("-a").arg(&socket).stdout(Stdio::null());
        let process = agent.spawn().unwrap();
        let agent = Self { socket, process };
        while !agent.socket.exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        agent
    }

    #[track_caller]
    fn takes(&self, key: &Path) {
        let mut add = command("ssh-add", key.parent().unwrap());
        add.env("SSH_AUTH_SOCK", &self.socket).arg("-q").arg(key);
        run(&mut add).assert_ok();
    }
}

fn login(port: u16, host_key: &str) -> SshLogin {
    SshLogin {
        port,
        host_keys: vec![HostKey::Whole(host_key.to_owned())],
        proof: SshProof::Agent,
    }
}

fn kind(what: &str, port: u16, host_key: &str, path: &str) -> TargetKind {
    let (host, path) = ("127.0.0.1".to_owned(), path.to_owned());
    let login = login(port, host_key);
    match what {
        "sftp" => TargetKind::Sftp(SftpTarget {
            host,
            path,
            login,
            compress: false,
        }),
        "rsync" => TargetKind::Rsync(RsyncTarget {
            host,
            path,
            login,
            compress: false,
        }),
        other => panic!("{other}"),
    }
}

/// Whether a release to there ends well, in a process that knows this agent.
fn ends_well(bench: &Bench, agent: &Agent, target: [&str; 4], text: &str, sequence: u64) -> bool {
    let [what, port, host_key, path] = target;
    let commit = bench.commit(&[("a", text)]);
    let order = bench.order(
        kind(what, port.parse().unwrap(), host_key, path),
        commit,
        sequence,
    );
    let variables = [
        ("RELHOOK_APART_KIND", what),
        ("RELHOOK_APART_PORT", port),
        ("RELHOOK_APART_KEY", host_key),
        ("RELHOOK_APART_PATH", path),
        ("SSH_AUTH_SOCK", agent.socket.to_str().unwrap()),
    ];
    let mut child = bench.release_in("release_agent::apart", &order, &variables);
    child.wait().unwrap().success()
}

#[test]
fn u_12_an_agent_opens_the_account_and_no_key_is_in_any_file_of_relhooks() {
    let sftpd = Sftpd::start();
    let host = WebHost::start();
    let sftp_port = sftpd.port.to_string();
    let (sftp_key, sftp_site) = (sftpd.host_key().to_string(), sftpd.site());
    let rsync_port = host.port.to_string();
    let rsync_key = host.login("host").host_keys[0].to_string();
    let rsync_site = host.site();
    let cases = [
        (
            ["sftp", &sftp_port, &sftp_key, sftp_site.to_str().unwrap()],
            sftpd.key(),
        ),
        (
            [
                "rsync",
                &rsync_port,
                &rsync_key,
                rsync_site.to_str().unwrap(),
            ],
            host.home().join("key"),
        ),
    ];
    for (target, key) in cases {
        let bench = Bench::new();
        let agent = Agent::start(&bench.outside("agent"));
        bench.account(&format!("user={}\n", account()));
        // An agent without the key opens nothing.
        let other = bench.outside("keys").join("other");
        let mut keygen = command("ssh-keygen", other.parent().unwrap());
        keygen
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&other);
        run(&mut keygen).assert_ok();
        agent.takes(&other);
        assert!(!ends_well(&bench, &agent, target, "1", 1), "{target:?}");
        assert!(tree(Path::new(target[3])).is_empty());
        agent.takes(&key);
        assert!(ends_well(&bench, &agent, target, "1", 1), "{target:?}");
        assert_eq!(tree(Path::new(target[3]))["a"], "1");
        for (name, content) in tree(&bench.folder()) {
            assert!(
                !content.contains("PRIVATE KEY") || name.ends_with("release-key"),
                "{name}"
            );
        }
        // Beside an agent, nothing but the user's name is taken.
        bench.account(&format!("user={}\nkey={}\n", account(), key.display()));
        assert!(!ends_well(&bench, &agent, target, "2", 2), "{target:?}");
        assert_eq!(
            fs::read_to_string(Path::new(target[3]).join("a")).unwrap(),
            "1"
        );
    }
}

/// Not a test: the process that has the agent in its environment.
#[test]
#[ignore = "started by another test, with an environment of its own"]
fn apart() {
    carry_out_apart(|variable| {
        let port = variable("_PORT").parse().unwrap();
        kind(
            &variable("_KIND"),
            port,
            &variable("_KEY"),
            &variable("_PATH"),
        )
    });
}
