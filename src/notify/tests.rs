use super::mail::message;
use super::*;
use crate::audit::{DriftItem, DriftRecord, Entry, Event, ReleaseRecord, ReleaseState};
use crate::policy::{Mail, NoticeKind};
use crate::types::{Oid, Timestamp};
use base64ct::{Base64, Encoding};

fn entry(target: &str, error: &str, for_good: bool) -> Entry {
    Entry {
        schema: "relhook/audit/v2".to_owned(),
        seq: 14,
        time: Timestamp::from_unix(1_800_000_000),
        hidden: None,
        event: Event::Release(ReleaseRecord {
            target: target.into(),
            refname: "refs/heads/prod".into(),
            commit: Oid::from_hex(b"8d01e77ab12c40a1d2f3e4b5968778695a4b3c2d").unwrap(),
            sequence: 12,
            state: ReleaseState::Failed,
            uploaded: 0,
            deleted: 0,
            bytes: 0,
            error: Some(error.into()),
            for_good,
            lifted_by: Vec::new(),
        }),
    }
}

fn mail() -> Mail {
    Mail {
        from: "relhook@acme.example".into(),
        to: vec!["ops@acme.example".into(), "dana@acme.example".into()],
        sendmail: "/usr/sbin/sendmail".into(),
    }
}

#[test]
fn a_mail_says_what_happened() {
    let entry = entry(
        "site",
        "RH613 the site refused the user name and password",
        true,
    );
    let (kind, notice) = Notice::of("acme/site", &entry).pop().unwrap();
    assert_eq!(kind, NoticeKind::ReleaseFailed);
    let text = message(&mail(), &notice);
    let (head, body) = text.split_once("\n\n").unwrap();
    insta::assert_snapshot!(head, @r"
    From: relhook@acme.example
    To: ops@acme.example, dana@acme.example
    Subject: acme/site: the release of 8d01e77 to site failed
    Date: Fri, 15 Jan 2027 08:00:00 +0000
    MIME-Version: 1.0
    Content-Type: text/plain; charset=utf-8
    Content-Transfer-Encoding: base64
    Auto-Submitted: auto-generated
    X-Relhook-Event: release-failed
    X-Relhook-Entry: 14
    ");
    let body: String = body.split_whitespace().collect();
    let body = String::from_utf8(Base64::decode_vec(&body).unwrap()).unwrap();
    insta::assert_snapshot!(body, @r"
    acme/site: the release of 8d01e77 to site failed

    RH613 the site refused the user name and password

    It is not tried again by itself. On the server:

        relhook release status
        relhook release --target site

    ref     refs/heads/prod
    commit  8d01e77ab12c40a1d2f3e4b5968778695a4b3c2d
    entry   14 (2027-01-15T08:00:00Z)
    ");
}

#[test]
fn a_release_that_was_taken_back_and_a_target_that_was_changed_are_told_apart() {
    let entry = entry("site", "RH641 release 8d01e77 does not work: 500", true);
    let (kind, notice) = Notice::of("acme/site", &entry).pop().unwrap();
    assert_eq!(kind, NoticeKind::ReleaseReturned);
    assert_eq!(
        (notice.event, notice.subject.as_str()),
        (
            "release-returned",
            "acme/site: the release of 8d01e77 to site does not work and was taken back"
        )
    );
    let item = |number: usize| DriftItem {
        path: format!("f{number:02}"),
        what: "changed".into(),
        how: "another content".into(),
    };
    let found = DriftRecord {
        target: "site".into(),
        refname: "refs/heads/prod".into(),
        commit: notice.commit,
        sequence: 12,
        deep: false,
        found: (0..25).map(item).collect(),
        more: 3,
    };
    let entry = Entry {
        event: Event::Drift(found),
        ..entry
    };
    let (kind, notice) = Notice::of("acme/site", &entry).pop().unwrap();
    assert_eq!(kind, NoticeKind::DriftFound);
    assert_eq!(
        notice.subject,
        "acme/site: site was changed by hand since the release of 8d01e77"
    );
    assert!(notice.text.starts_with("changed f00: another content\n"));
    assert!(
        notice
            .text
            .contains("changed f19: another content\nand 8 more\n"),
        "{}",
        notice.text
    );
}

#[test]
fn a_failure_that_is_tried_again_is_told_to_nobody() {
    assert_eq!(
        Notice::of("acme/site", &entry("site", "RH611 away", false)),
        Vec::new()
    );
}

/// Whatever stands in a name or an error, each header is one line and the body is the body.
#[test]
fn t_04_no_text_makes_a_header_or_an_end() {
    for evil in [
        "x\r\nBcc: all@acme.example\r\n\r\nbody",
        "x\nBcc: all@acme.example",
        "x\u{85}\u{2028}Bcc: all@acme.example",
        "\r\n.\r\nQUIT\r\n",
        "=?utf-8?B?DQpCY2M6IGE=?=",
        "caf\u{e9} \u{1f600} \u{202e}evil",
        &"long ".repeat(4000),
        &"\u{1f600}".repeat(4000),
    ] {
        let (_, mut notice) = Notice::of(evil, &entry(evil, evil, true)).pop().unwrap();
        notice.subject = evil.to_owned();
        let text = message(&mail(), &notice);
        let (head, body) = text.split_once("\n\n").unwrap();
        let names: Vec<&str> = head
            .lines()
            .map(|line| line.split(':').next().unwrap())
            .collect();
        assert_eq!(names.len(), 10, "{head}");
        assert!(!names.contains(&"Bcc"), "{head}");
        assert!(
            head.is_ascii() && head.lines().all(|line| line.len() < 998),
            "{head}"
        );
        let plain = |ch: char| ch.is_ascii_graphic() || ch == ' ';
        assert!(head.lines().all(|line| line.chars().all(plain)), "{head:?}");
        assert!(body.lines().all(|line| line.len() <= 76 && line != "."));
    }
}
