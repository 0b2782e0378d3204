//! What holds for the audit log: what is read, and what is complained about.

use super::{SOUND, complaints, parse};
use crate::policy::{Facility, Reading, StreamNames, StreamPlace, SyslogVia};
use crate::types::StreamName;
use std::path::Path;

fn auditing(text: &str) -> String {
    format!("{SOUND}audit:\n{text}")
}

fn streaming(text: &str) -> String {
    auditing(&format!("  streams:\n{text}"))
}

#[test]
fn without_the_section_nothing_is_logged_or_sent() {
    let made = parse(SOUND).unwrap();
    assert_eq!(made.audit.reading, Reading::Free);
    assert!(made.audit.streams.is_empty());
    let made = parse(&auditing("  log_reads: true\n")).unwrap();
    assert_eq!(made.audit.reading, Reading::Logged);
}

#[test]
fn each_kind_of_stream_is_read() {
    let text = streaming(
        "    journal: {kind: journald, names: true}\n    \
         dev: {kind: syslog, transport: local}\n    \
         wire: {kind: syslog, transport: udp, host: 10.0.0.1, facility: local3}\n    \
         safe: {kind: syslog, transport: tls, host: siem.acme.example, ca: keys/siem.pem}\n    \
         file: {kind: file, path: /var/log/relhook.jsonl}\n    \
         tool: {kind: command, run: [/bin/ship, -x]}\n    \
         hook: {kind: webhook}\n",
    );
    let made = parse(&text).unwrap_or_else(|errors| panic!("{errors}"));
    let stream = |name: &str| made.audit.streams[&StreamName::new(name)].clone();
    assert_eq!(stream("journal").names, StreamNames::Sent);
    let journal = StreamPlace::Journald("/run/systemd/journal/socket".into());
    assert_eq!(stream("journal").place, journal);
    assert_eq!(stream("dev").names, StreamNames::Withheld);
    let via = |name: &str| match stream(name).place {
        StreamPlace::Syslog(syslog) => (syslog.facility, syslog.via),
        other => panic!("{other:?}"),
    };
    let (facility, local) = via("dev");
    assert_eq!(facility, Facility::AUTHPRIV);
    assert!(matches!(local, SyslogVia::Local(path) if path == Path::new("/dev/log")));
    let (facility, udp) = via("wire");
    assert_eq!(facility, Facility(19));
    assert!(matches!(udp, SyslogVia::Udp(host) if host.port == 514 && host.host == "10.0.0.1"));
    let (_, tls) = via("safe");
    assert!(matches!(tls, SyslogVia::Tls { host, .. } if host.port == 6514));
    assert_eq!(stream("safe").place.ca(), Some("siem.pem"));
    assert!(matches!(stream("file").place, StreamPlace::File(_)));
    assert!(matches!(stream("tool").place, StreamPlace::Command(words) if words.len() == 2));
    assert!(matches!(stream("hook").place, StreamPlace::Webhook(hook) if hook.url.is_none()));
}

#[test]
fn what_does_not_fit_is_said_and_no_secret_repeated() {
    for (entry, says) in [
        ("{kind: syslog, host: a.example}", "transport"),
        ("{kind: syslog, transport: tcp}", "host"),
        (
            "{kind: syslog, transport: tcp, host: a.example, ca: keys/a.pem}",
            "ca",
        ),
        ("{kind: syslog, transport: local, host: a.example}", "host"),
        (
            "{kind: syslog, transport: udp, host: a.example, socket: /dev/log}",
            "socket",
        ),
        (
            "{kind: syslog, transport: udp, host: a.example, port: 0}",
            "port",
        ),
        ("{kind: syslog, transport: quic, host: a.example}", "quic"),
        ("{kind: syslog, transport: local, facility: kern}", "kern"),
        (
            "{kind: syslog, transport: tcp, host: 'dana:hunter2@a.example'}",
            "host",
        ),
        ("{kind: journald, path: /x}", "path"),
        ("{kind: file}", "path"),
        ("{kind: file, path: log.jsonl}", "path"),
        ("{kind: file, path: /var/../etc/x}", "path"),
        ("{kind: command, run: [ship]}", "run"),
        ("{kind: webhook, url: 'http://a.example/'}", "https"),
        ("{kind: webhook, token: hunter2}", "token"),
        ("{kind: webhook, names: maybe}", "names"),
        ("{kind: pigeon}", "pigeon"),
        ("{kind: file, pth: /x, path: /x}", "did you mean `path`?"),
        ("{kind: file, path: /x, path: /y}", "twice"),
    ] {
        let found = complaints(&streaming(&format!("    one: {entry}\n"))).join("\n");
        assert!(
            found.contains(says),
            "{says} is not in\n{found}\nabout {entry}"
        );
        assert!(!found.contains("hunter2"), "{found}");
    }
    let found = complaints(&auditing("  log_read: true\n")).join("\n");
    assert!(found.contains("did you mean `log_reads`?"), "{found}");
    let found = complaints(&auditing("  log_reads: yes\n")).join("\n");
    assert!(found.contains("log_reads"), "{found}");
    let two = "    one: {kind: journald}\n    One: {kind: journald}\n";
    assert!(!complaints(&streaming(two)).is_empty());
}

/// What is cut off of a witness's key.
const CUT: &str = "notary.example/w1+5c9a1d48+";

fn key(name: &str, seed: u8) -> String {
    let signer = crate::cosign::WitnessSigner::new(name, &[seed; 32]).unwrap();
    signer.public().to_string()
}

#[test]
fn witnesses_are_read_and_counted() {
    let made = parse(SOUND).unwrap();
    assert!(made.audit.witnesses.is_empty() && made.audit.required == 0);
    let (one, two) = (key("notary.example/w1", 1), key("vault", 2));
    let text = auditing(&format!(
        "  required: 2\n  witnesses:\n    notary: {one}\n    vault: {two}\n"
    ));
    let made = parse(&text).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(made.audit.required, 2);
    let id = two.parse::<crate::cosign::WitnessKey>().unwrap().id();
    super::is_named("witnesses");
    let (name, found) = made.audit.witness(id).unwrap();
    assert_eq!((name.as_str(), found.to_string()), ("vault", two));
}

#[test]
fn witnesses_that_would_not_be_several_are_complained_about() {
    let (one, two) = (key("notary.example/w1", 1), key("vault", 2));
    // The same key under another name is the same witness.
    let again = key("vault", 1);
    let id = |key: &str| key.split('+').nth(1).unwrap().to_owned();
    for (entry, says) in [
        ("  required: 1\n".to_owned(), "there are no `witnesses`"),
        (
            format!("  required: 2\n  witnesses:\n    a: {one}\n"),
            "`required: 2` cannot be reached: there is only 1 witness",
        ),
        (
            format!("  required: 1\n  witnesses:\n    a: {one}\n    b: {one}\n"),
            "already belongs to `a`",
        ),
        (
            format!("  required: 1\n  witnesses:\n    a: {one}\n    b: {again}\n"),
            "already belongs to `a`",
        ),
        (
            format!("  required: 1\n  witnesses:\n    a: {one}\n    A: {two}\n"),
            "case only",
        ),
        (
            format!("  witnesses:\n    a: {}\n", one.replace(&id(&one), "0badf00d")),
            "identifier that is not that of its name and key",
        ),
        (format!("  witnesses:\n    a: {CUT}\n"), "`name+identifier+key`"),
        (
            "  witnesses:\n    a: acme/site+6a1d5b0c+AaOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4\n"
                .to_owned(),
            "the key of a log",
        ),
        (format!("  witnesses: {one}\n"), "has to be a mapping"),
        ("  required: 33\n".to_owned(), "required"),
        (format!("  witnesses:\n    a b: {one}\n"), "witness"),
    ] {
        let found = complaints(&auditing(&entry)).join("\n");
        assert!(found.contains(says), "{says} is not in\n{found}\nabout {entry}");
    }
    let two = format!("  required: 1\n  witnesses:\n    a: {one}\n    b: {one}\n");
    let found = complaints(&auditing(&two));
    assert!(found.iter().any(|one| one.contains(":8: ")), "{found:?}");
}
