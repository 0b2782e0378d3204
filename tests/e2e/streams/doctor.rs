//! `relhook doctor` on streams: what would not get through, before something has to, and what does not.

use super::rsyslog::Rsyslog;
use super::{grow, sends, streaming};
use crate::common::{World, free_port};
use serde_json::Value;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixDatagram;

/// What the doctor says of each stream: its state, and what was found.
fn looked_at(world: &World) -> Vec<(String, String)> {
    let ran = world.relhook(&["doctor", "--json"]);
    let seen: Value = serde_json::from_slice(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err));
    let findings = seen["findings"].as_array().unwrap().iter();
    let of_streams = findings.filter(|one| one["check"] == "streams");
    let word = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
    of_streams
        .map(|one| (word(one, "state"), word(one, "what")))
        .collect()
}

/// The one finding about this stream, which is in this state.
#[track_caller]
fn finds(world: &World, name: &str, state: &str, what: &str) {
    let all = looked_at(world);
    let named = format!("stream `{name}`");
    let of: Vec<_> = all
        .iter()
        .filter(|(_, what)| what.contains(&named))
        .collect();
    let [(is, said)] = of.as_slice() else {
        panic!("{name}: {all:#?}");
    };
    assert_eq!(is, state, "{said}");
    assert!(said.contains(what), "{said}");
}

#[test]
fn each_place_is_looked_at_before_anything_has_to_go_there() {
    let place = World::without_repository("none.git");
    let at = |name: &str| place.path(name).display().to_string();
    let (tcp, hook, udp) = (free_port(), free_port(), free_port());
    let world = streaming(&format!(
        "    file: {{kind: file, path: {}}}\n    \
         link: {{kind: file, path: {}}}\n    \
         tool: {{kind: command, run: [{}]}}\n    \
         journal: {{kind: journald, socket: {}}}\n    \
         local: {{kind: syslog, transport: local, socket: {}}}\n    \
         tcp: {{kind: syslog, transport: tcp, host: 127.0.0.1, port: {tcp}}}\n    \
         udp: {{kind: syslog, transport: udp, host: 127.0.0.1, port: {udp}}}\n    \
         hook: {{kind: webhook, url: 'https://localhost:{hook}/in?k3y', ca: keys/hook.pem}}\n",
        at("logs/entries"),
        at("link"),
        at("ship"),
        at("journal.sock"),
        at("dev-log"),
    ));
    fs::write(place.path("elsewhere"), "").unwrap();
    symlink(place.path("elsewhere"), place.path("link")).unwrap();
    fs::write(place.path("ship"), "#!/bin/sh\ntouch \"$0.started\"\n").unwrap();
    for name in ["file", "link", "tool", "journal", "local", "tcp", "hook"] {
        finds(&world, name, "warning", "would not get through now: ");
    }
    // Nobody answers for a datagram.
    finds(&world, "udp", "ok", "has entry 0");
    // What a web hook's address has behind the server's name may be a secret.
    let all = looked_at(&world);
    assert!(
        all.iter().all(|(_, what)| !what.contains("k3y")),
        "{all:#?}"
    );

    fs::create_dir(place.path("logs")).unwrap();
    fs::remove_file(place.path("link")).unwrap();
    fs::set_permissions(place.path("ship"), fs::Permissions::from_mode(0o755)).unwrap();
    let journal = UnixDatagram::bind(place.path("journal.sock")).unwrap();
    let local = UnixDatagram::bind(place.path("dev-log")).unwrap();
    let servers = [tcp, hook].map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
    let all = looked_at(&world);
    assert!(all.iter().all(|(state, _)| state == "ok"), "{all:#?}");
    // It only looked.
    assert!(!place.path("logs/entries").exists());
    assert!(!place.path("link").exists());
    assert!(!place.path("ship.started").exists());
    for socket in [journal, local] {
        socket.set_nonblocking(true).unwrap();
        assert!(socket.recv(&mut [0; 8]).is_err());
    }
    drop(servers);
}

#[test]
fn what_does_not_get_through_is_told_with_the_reason_and_how_to_mend_it() {
    let place = World::without_repository("none.git");
    let folder = place.path("logs");
    let world = streaming(&format!(
        "    file: {{kind: file, path: {}/entries}}\n",
        folder.display()
    ));
    assert_eq!(world.relhook(&["audit", "stream", "--once"]).code, 1);
    finds(&world, "file", "warning", "after 1 failed tries: ");
    fs::create_dir(&folder).unwrap();
    sends(&world);
    finds(&world, "file", "ok", "has entry");
    // A log that was put back from a backup: the stream has more.
    let state = world.server().join("relhook/streams/file.json");
    let text = fs::read_to_string(&state).unwrap();
    let mut kept: Value = serde_json::from_str(&text).unwrap();
    kept["mark"]["seq"] = 999.into();
    fs::write(&state, kept.to_string()).unwrap();
    finds(&world, "file", "error", "has entry 999");
    fs::write(&state, "{}").unwrap();
    finds(&world, "file", "unknown", "file.json");
}

#[test]
fn an_encrypted_server_is_known_by_its_certificate() {
    let Some(mut server) = Rsyslog::stopped() else {
        return;
    };
    let stream = |more: &str| {
        format!(
            "    safe: {{kind: syslog, transport: tls, host: localhost, port: {}{more}}}\n",
            server.tls
        )
    };
    let known = streaming(&stream(", ca: keys/hook.pem"));
    let unknown = streaming(&stream(""));
    grow(&known, 3);
    finds(&known, "safe", "warning", "would not get through now: ");
    server.starts();
    if TcpListener::bind(("127.0.0.1", server.tls)).is_ok() {
        eprintln!("skipped: rsyslog has no TLS here");
        return;
    }
    finds(&known, "safe", "ok", "has entry 0");
    finds(&unknown, "safe", "warning", "certificate");
}
