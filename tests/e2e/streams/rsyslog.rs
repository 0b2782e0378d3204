//! rsyslog from Debian's package, by datagrams, by a connection, encrypted, and on a socket.

use super::{Repeats, eventually, grow, is_everything, sends, streaming, told};
use crate::common::ftpd::certificates;
use crate::common::{World, command, free_port};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Child;
use tempfile::TempDir;

/// Where a server listens, whether it runs or not.
pub(super) struct Rsyslog {
    home: TempDir,
    pub(super) tcp: u16,
    pub(super) udp: u16,
    pub(super) tls: u16,
    running: Option<Child>,
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        self.stops();
    }
}

impl Rsyslog {
    /// One that is not started yet; nothing where the machine has none.
    pub(super) fn stopped() -> Option<Self> {
        if !Path::new("/usr/sbin/rsyslogd").exists() {
            eprintln!("skipped: rsyslogd is not here");
            return None;
        }
        let home = tempfile::Builder::new()
            .prefix("rs")
            .tempdir_in("/tmp")
            .unwrap();
        let udp = loop {
            let port = free_port();
            if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
                break port;
            }
        };
        let server = Self {
            home,
            tcp: free_port(),
            udp,
            tls: free_port(),
            running: None,
        };
        server.configure();
        Some(server)
    }

    fn configure(&self) {
        let at = self.home.path().display();
        let keys = certificates();
        let keys = keys.display();
        let tls = match Path::new("/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_gtls.so").exists() {
            true => format!(
                "input(type=\"imtcp\" port=\"{}\" address=\"127.0.0.1\" ruleset=\"tls\" \
                 streamDriver.name=\"gtls\" streamDriver.mode=\"1\" \
                 streamDriver.authMode=\"anon\" streamDriver.CAFile=\"{keys}/site.pem\" \
                 streamDriver.CertFile=\"{keys}/site.pem\" streamDriver.KeyFile=\"{keys}/site.key\")\n",
                self.tls
            ),
            false => String::new(),
        };
        let sets: String = ["tcp", "udp", "tls", "local", "plain"]
            .map(|name| {
                format!(
                    "ruleset(name=\"{name}\") {{ action(type=\"omfile\" file=\"{at}/{name}\" \
                     template=\"all\") }}\n"
                )
            })
            .concat();
        let text = format!(
            "global(workDirectory=\"{at}\" maxMessageSize=\"64k\" \
             defaultNetstreamDriverCAFile=\"{keys}/site.pem\")\n\
             module(load=\"imtcp\")\nmodule(load=\"imudp\")\n\
             module(load=\"imuxsock\" SysSock.Use=\"off\")\n\
             template(name=\"all\" type=\"string\" \
             string=\"%pri%|%timereported:::date-rfc3339%|%app-name%|%msgid%|%msg:::drop-last-lf%\\n\")\n\
             {sets}\
             input(type=\"imtcp\" port=\"{}\" address=\"127.0.0.1\" ruleset=\"tcp\")\n\
             input(type=\"imudp\" port=\"{}\" address=\"127.0.0.1\" ruleset=\"udp\" \
             rcvbufSize=\"8m\")\n\
             input(type=\"imuxsock\" Socket=\"{at}/bsd.sock\" ruleset=\"local\")\n\
             input(type=\"imuxsock\" Socket=\"{at}/rfc.sock\" UseSpecialParser=\"off\" IgnoreTimestamp=\"off\" \
             parseHostname=\"on\" ruleset=\"plain\")\n{tls}",
            self.tcp, self.udp
        );
        std::fs::write(self.home.path().join("conf"), text).unwrap();
    }

    #[track_caller]
    pub(super) fn starts(&mut self) {
        let home = self.home.path();
        let mut rsyslogd = command("/usr/sbin/rsyslogd", home);
        rsyslogd.args(["-n", "-f"]).arg(home.join("conf"));
        rsyslogd.arg("-i").arg(home.join("pid"));
        let log = std::fs::File::create(home.join("said")).unwrap();
        rsyslogd.stdout(log.try_clone().unwrap()).stderr(log);
        self.running = Some(rsyslogd.spawn().unwrap());
        let (socket, port) = (self.socket("rfc"), self.tcp);
        eventually("rsyslogd did not start", || {
            socket.exists() && TcpListener::bind(("127.0.0.1", port)).is_err()
        });
    }

    /// Ends it at once, as a failing machine would.
    pub(super) fn stops(&mut self) {
        if let Some(mut child) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        for name in ["bsd", "rfc"] {
            let _ = std::fs::remove_file(self.socket(name));
        }
    }

    fn socket(&self, name: &str) -> PathBuf {
        self.home.path().join(format!("{name}.sock"))
    }

    /// What came there: the message's own text, and what the server made of its head.
    #[track_caller]
    pub(super) fn has(&self, name: &str, last: &str) -> Vec<(String, String)> {
        let file = self.home.path().join(name);
        let read = || std::fs::read_to_string(&file).unwrap_or_default();
        eventually(&format!("{name} did not get everything"), || {
            read().contains(last)
        });
        let text = read();
        let lines = text.lines().map(|line| {
            let at = line.find("{\"schema\"").unwrap_or_else(|| panic!("{line}"));
            let head = line[..at].trim().to_owned();
            (head, line[at..].to_owned())
        });
        lines.collect()
    }
}

fn bodies(arrived: &[(String, String)]) -> Vec<String> {
    arrived.iter().map(|(_, body)| body.clone()).collect()
}

/// How the last message begins.
fn last(world: &World) -> String {
    format!("\"seq\":{},", world.log().len())
}

#[test]
fn every_entry_arrives_by_every_way_after_the_server_was_away() {
    let Some(mut server) = Rsyslog::stopped() else {
        return;
    };
    let world = streaming(&format!(
        "    tcp: {{kind: syslog, transport: tcp, host: 127.0.0.1, port: {}, max_message: 65536}}\n    \
         udp: {{kind: syslog, transport: udp, host: 127.0.0.1, port: {}, max_message: 65536}}\n    \
         local: {{kind: syslog, transport: local, socket: {}, max_message: 65536}}\n    \
         plain: {{kind: syslog, transport: local, format: rfc5424, facility: local3, socket: {}, \
         max_message: 65536}}\n",
        server.tcp,
        server.udp,
        server.socket("bsd").display(),
        server.socket("rfc").display()
    ));
    // A push with nobody there: it passes, and each stream says once that it fails.
    let dana = world.person("dana");
    dana.commits("index.html");
    dana.pushes(&["prod"]).refused_with("RH401");
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
    eventually("the failures were not told", || told(&world).len() >= 4);
    dana.pushes(&["HEAD:refs/heads/other"]).accepted();
    assert_eq!(world.relhook(&["audit", "stream", "--once"]).code, 1);
    let mut failed = told(&world);
    failed.sort();
    assert_eq!(
        failed,
        ["local failed", "plain failed", "tcp failed", "udp failed"]
    );
    let status = world.relhook(&["status"]);
    let shown = String::from_utf8_lossy(&status.out).into_owned();
    assert!(
        shown.contains("the stream tcp does not get through"),
        "{shown}"
    );
    grow(&world, 300);
    server.starts();
    sends(&world);
    assert_eq!(told(&world).len(), 8);
    // One that was through already has what the others' recovery left in the log the next time.
    sends(&world);
    for name in ["tcp", "udp", "local", "plain"] {
        let arrived = server.has(name, &last(&world));
        let repeats = match name {
            // Datagrams before it was known that nobody was there may have been lost, and go again.
            "udp" => Repeats::Allowed,
            _ => Repeats::None,
        };
        is_everything(&world, &bodies(&arrived), repeats);
        let names = arrived.iter().any(|(_, body)| body.contains("dana"));
        assert!(!names, "{name}: names leave the machine");
        let heads: Vec<&str> = arrived.iter().map(|(head, _)| head.as_str()).collect();
        let entry: serde_json::Value = serde_json::from_str(&arrived[0].1).unwrap();
        let time = entry["entry"]["time"].as_str().unwrap().replace('Z', "");
        match name {
            "local" => assert!(heads[0].starts_with("85|"), "{}", heads[0]),
            "plain" => {
                assert!(heads[0].starts_with(&format!("157|{time}")), "{}", heads[0]);
            }
            _ => {
                assert!(heads[0].starts_with(&format!("85|{time}")), "{}", heads[0]);
                assert!(heads[0].ends_with("|relhook|begun|"), "{}", heads[0]);
                let refusal = heads.iter().any(|head| head.starts_with("84|"));
                assert!(refusal, "refusals are warnings");
            }
        }
    }
    // And it goes on, with nothing sent twice.
    let before = server.has("tcp", &last(&world)).len();
    dana.pushes(&["HEAD:refs/heads/fix2"]).accepted();
    let seq = world.log().len();
    eventually("the push's own entry did not come", || {
        server.has("tcp", &format!("\"seq\":{seq},")).len() > before
    });
    is_everything(
        &world,
        &bodies(&server.has("tcp", &last(&world))),
        Repeats::None,
    );
}

#[test]
fn names_go_along_where_the_policy_says_so_and_an_encrypted_server_is_known() {
    let Some(mut server) = Rsyslog::stopped() else {
        return;
    };
    let port = server.tls;
    let with = |ca: &str| {
        format!(
            "    safe: {{kind: syslog, transport: tls, host: localhost, port: {}, ca: {ca}, names: \
             true, max_message: 65536}}\n",
            port
        )
    };
    let world = streaming(&with("keys/hook.pem"));
    grow(&world, 20);
    server.starts();
    if TcpListener::bind(("127.0.0.1", server.tls)).is_ok() {
        eprintln!("skipped: rsyslog has no TLS here");
        return;
    }
    sends(&world);
    let arrived = bodies(&server.has("tls", &last(&world)));
    is_everything(&world, &arrived, Repeats::None);
    assert!(
        arrived
            .iter()
            .any(|line| line.contains("\"login\":\"dana\""))
    );
    // The machine's own authorities did not make this server's certificate.
    let other = streaming(&with("keys/hook.pem").replace("ca: keys/hook.pem, ", ""));
    let refused = other.relhook(&["audit", "stream", "--once"]);
    assert_eq!(refused.code, 1);
    let said = String::from_utf8_lossy(&refused.out).into_owned();
    assert!(said.contains("does not get through"), "{said}");
}

#[test]
fn t_07_a_long_entry_is_shortened_and_says_so() {
    let Some(mut server) = Rsyslog::stopped() else {
        return;
    };
    let world = streaming(&format!(
        "    tcp: {{kind: syslog, transport: tcp, host: 127.0.0.1, port: {}, max_message: 1024}}\n",
        server.tcp
    ));
    server.starts();
    let long = relhook::audit::Event::Stream(relhook::audit::StreamRecord {
        stream: "x".repeat(2000),
        state: relhook::audit::StreamState::Failed,
        sent: 0,
        error: None,
    });
    super::log_of(&world).append(super::now(), long).unwrap();
    sends(&world);
    let (_, body) = server.has("tcp", &last(&world)).pop().unwrap();
    let message: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(message["omitted"], "entry");
    let entry = super::entries(&world).pop().unwrap();
    let hash = relhook::audit::Hash::of(entry.as_bytes());
    assert_eq!(message["sha256"], hash.as_str());
}
