//! Commit messages: trailers, people named in them, and the approval that one may carry.

use relhook::object::{CoAuthor, co_authors, trailers};
use relhook::statement::approving;

/// Trailers and approvals survive being written again; nobody can be hidden by what stands above
/// their line; and what is found stands in the message.
pub fn holds(data: &[u8]) {
    match trailers(data) {
        Ok(found) => {
            let mut text = b"title\n\n".to_vec();
            for trailer in found.iter() {
                text.extend(trailer.key.bytes());
                text.extend(b": ");
                text.extend(&trailer.value);
                text.push(b'\n');
            }
            assert_eq!(trailers(&text), Ok(found));
        }
        Err(error) => super::is_harmless(&error),
    }
    match approving(data) {
        Ok(Some(read)) => {
            let mut text = b"title\n\nRelhook-Approve: ".to_vec();
            text.extend(read.refname.as_bytes());
            text.extend(format!("\nRelhook-Repository: {}\n", read.repository).bytes());
            let answers: Vec<String> = read.answers.iter().map(ToString::to_string).collect();
            if !answers.is_empty() {
                text.extend(format!("Relhook-Answers: {}\n", answers.join(" ")).bytes());
            }
            assert_eq!(approving(&text), Ok(Some(read)));
        }
        Ok(None) => {}
        Err(error) => super::is_harmless(&error),
    }
    people(data);
}

fn people(data: &[u8]) {
    let found = co_authors(data);
    assert!(found.len() <= data.len() / 3 + 1, "{} people", found.len());
    for person in &found {
        match person {
            CoAuthor::Named { email, .. } => {
                assert!(!email.is_empty() && !email.iter().any(|byte| b"<>\n ".contains(byte)));
                assert!(data.windows(email.len()).any(|window| window == email));
            }
            CoAuthor::Unreadable { line } => assert!(line.len() <= data.len()),
        }
    }
    let zed = CoAuthor::Named {
        name: b"Zed".to_vec(),
        email: b"zed@example.net".to_vec(),
    };
    let line = b"Co-authored-by: Zed <zed@example.net>\n";
    let below = [data, b"\n\n", line].concat();
    assert!(co_authors(&below).contains(&zed), "hidden by what is above");
    let above = [line, data].concat();
    assert!(co_authors(&above).contains(&zed), "hidden by what is below");
}
