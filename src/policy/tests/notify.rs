//! Who is told: what is read, and what is complained about.

use super::{SOUND, complaints, parse};
use crate::policy::{Channel, NoticeKind};
use crate::types::NotifierName;

fn notifying(text: &str) -> String {
    format!("{SOUND}notify:\n{text}")
}

#[test]
fn each_kind_is_read() {
    let text = notifying(
        "  ops: {kind: mail, from: r@acme.example, to: [ops@acme.example, a.b+c@acme.example]}\n  \
         chat: {kind: webhook, url: 'https://chat.acme.example/x?y=1', events: [release-failed, drift-found]}\n  \
         secret: {kind: webhook}\n  pager: {kind: command, run: [/bin/page, -l, high]}\n",
    );
    let made = parse(&text).unwrap_or_else(|errors| panic!("{errors}"));
    let channel = |name: &str| made.notify[&NotifierName::new(name)].channel.clone();
    match channel("ops") {
        Channel::Mail(mail) => {
            assert_eq!(mail.to.len(), 2);
            assert_eq!(mail.sendmail.to_str(), Some("/usr/sbin/sendmail"));
        }
        other => panic!("{other:?}"),
    }
    match channel("secret") {
        Channel::Webhook(webhook) => assert_eq!(webhook.url, None),
        other => panic!("{other:?}"),
    }
    let words = ["/bin/page", "-l", "high"].map(str::to_owned).to_vec();
    assert_eq!(channel("pager"), Channel::Command(words));
    let all: Vec<_> = made.notify.values().map(|one| one.events.len()).collect();
    assert!(all.iter().any(|count| *count == NoticeKind::ALL.len()));
}

#[test]
fn a_release_that_was_taken_back_is_a_failed_one_to_who_asks_for_those_alone() {
    let told = |events: &str| {
        let text = notifying(&format!(
            "  one: {{kind: command, run: [/bin/page], events: [{events}]}}\n"
        ));
        let made = parse(&text).unwrap_or_else(|errors| panic!("{errors}"));
        let one = made.notify[&NotifierName::new("one")].clone();
        let words = NoticeKind::ALL
            .iter()
            .filter(|(_, kind)| one.is_told(*kind));
        let words: Vec<&str> = words.map(|(word, _)| *word).collect();
        // These everybody is told.
        let told = words.join(" ");
        let told = told
            .strip_suffix(" emergency review-overdue rolled-back")
            .unwrap();
        told.to_owned()
    };
    assert_eq!(told("release-failed"), "release-failed release-returned");
    assert_eq!(told("release-returned"), "release-returned");
    assert_eq!(told("drift-found"), "drift-found");
}

#[test]
fn what_does_not_fit_is_said_and_no_secret_repeated() {
    for (entry, says) in [
        ("{kind: mail, from: r@acme.example}", "to"),
        (
            "{kind: mail, from: r@acme.example, to: ['a@b.example, c@d.example']}",
            "to",
        ),
        (
            "{kind: mail, from: '-oQ/tmp@x.example', to: [a@b.example]}",
            "from",
        ),
        (
            "{kind: mail, from: r@acme.example, to: [a@b.example], sendmail: sendmail}",
            "sendmail",
        ),
        ("{kind: webhook, url: 'http://chat.acme.example/'}", "https"),
        (
            "{kind: webhook, url: 'https://dana:hunter2@chat.acme.example/'}",
            "https",
        ),
        ("{kind: webhook, url: 'https://'}", "https"),
        ("{kind: webhook, token: hunter2}", "token"),
        ("{kind: webhook, ca: /etc/ssl/x.pem}", "keys/"),
        ("{kind: command, run: []}", "run"),
        ("{kind: command, run: [page]}", "run"),
        (
            "{kind: command, run: [/bin/page], url: 'https://a.example'}",
            "url",
        ),
        ("{kind: command, run: [/bin/page], events: [all]}", "all"),
        ("{kind: pigeon}", "pigeon"),
    ] {
        let found = complaints(&notifying(&format!("  one: {entry}\n"))).join("\n");
        assert!(
            found.contains(says),
            "{says} is not in\n{found}\nabout {entry}"
        );
        assert!(!found.contains("hunter2"), "{found}");
    }
}
