//! Answers that OpenSSL made are in tests/e2e; here is what no authority would answer.

use super::*;

fn question() -> Question {
    Question::about(b"acme/site\n1\nAAAA\n", [0, 0, 1, 2, 3, 4, 5, 6])
}

#[test]
fn what_is_asked_is_in_the_form() {
    let request = question().request().unwrap();
    // SEQUENCE { INTEGER 1, SEQUENCE { SEQUENCE { SHA-256 }, OCTET STRING }, INTEGER, TRUE }
    assert_eq!(request[..5], [0x30, 0x3f, 0x02, 0x01, 0x01]);
    assert_eq!(request[5..9], [0x30, 0x2f, 0x30, 0x0b]);
    let hash = Sha256::digest(b"acme/site\n1\nAAAA\n");
    assert!(request.windows(32).any(|window| window == &hash[..]));
    assert_eq!(request[request.len() - 3..], [0x01, 0x01, 0xff]);
}

#[test]
fn what_is_not_granted_says_why() {
    // Status 2, and one string of free text.
    let text = b"no\x1bpe";
    let mut answer = vec![
        0x30, 0x0e, 0x30, 0x0c, 0x02, 0x01, 0x02, 0x30, 0x07, 0x0c, 0x05,
    ];
    answer.extend(text);
    let Err(StampFault::NotGranted { status, said }) = question().answered(&answer) else {
        panic!();
    };
    assert_eq!(status, 2);
    assert!(said.starts_with("no\\") && !said.contains('\x1b'), "{said}");
}

#[test]
fn nonsense_is_no_timestamp() {
    let granted = [0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x00];
    let with = |more: &[u8]| {
        let mut answer = granted.to_vec();
        answer[1] += u8::try_from(more.len()).unwrap();
        answer.extend(more);
        answer
    };
    for answer in [
        &b""[..],
        b"<html>",
        &granted,
        &with(&[0x30, 0x00]),
        &with(&[0x05, 0x00]),
        &[&granted[..], &[0x00]].concat(),
    ] {
        assert_eq!(
            question().answered(answer),
            Err(StampFault::Unreadable),
            "{answer:02x?}"
        );
    }
}
