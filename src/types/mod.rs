//! Plain values that every room shares: parsed once, at the edge, and valid ever after.

mod hex;
mod oid;
mod path;
mod person;
mod refname;
mod text;
mod time;
mod word;

pub use hex::hex;
pub use oid::{Oid, OidError};
pub use path::RepoPath;
pub use person::{
    CheckName, Claimant, Email, KeyFingerprint, Login, MachineName, NotifierName, PersonName,
    StageName, StreamName, TargetName, TeamName, WindowName, WitnessName,
};
pub use refname::{RefChange, RefName, RefNameError};
pub use time::{Deadline, Seconds, Timestamp, TimestampError};
pub use word::shell_word;

/// Bytes from outside, made safe and readable for a terminal, a log or a mail.
///
/// Printable ASCII and printable non-ASCII text pass; control characters, invalid UTF-8, and the
/// invisible or direction-changing code points that can repaint a line are written as `\xNN` or
/// `\u{NNNN}`. The result never holds a line break or an escape character.
#[must_use]
pub fn escape(bytes: &[u8]) -> String {
    // Nearly all that is ever escaped is this.
    if bytes.iter().all(|byte| (0x20..0x7f).contains(byte))
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return text.to_owned();
    }
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for ch in chunk.valid().chars() {
            escape_char(ch, &mut out);
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

fn escape_char(ch: char, out: &mut String) {
    let code = u32::from(ch);
    if code < 0x20 || code == 0x7f {
        out.push_str(&format!("\\x{code:02x}"));
    } else if is_deceptive(ch) {
        out.push_str(&format!("\\u{{{code:x}}}"));
    } else {
        out.push(ch);
    }
}

/// Whether a code point is invisible or changes how its neighbours are shown.
#[must_use]
pub fn is_deceptive(ch: char) -> bool {
    matches!(u32::from(ch),
        0x80..=0x9f | 0xad | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180e
        | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f
        | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0xe0000..=0xe0fff)
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn escapes_what_can_repaint_a_line() {
        assert_eq!(escape(b"plain caf\xc3\xa9"), "plain café");
        assert_eq!(escape(b"a\x1b[31mb\r\n"), "a\\x1b[31mb\\x0d\\x0a");
        assert_eq!(
            escape("x\u{202e}y\u{200b}".as_bytes()),
            "x\\u{202e}y\\u{200b}"
        );
        assert_eq!(escape(b"\xffz"), "\\xffz");
    }
}
