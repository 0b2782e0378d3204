//! What is sent of an entry.

use crate::audit::{Hash, Raw};
use crate::policy::StreamNames;
use crate::types::{Timestamp, is_deceptive};

/// The format's name, in every message.
pub const SCHEMA: &str = "relhook/stream/v1";

/// How urgent a message is to syslog and the journal (RFC 5424).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::streams) enum Severity {
    /// Something was refused, failed, or was done to the log.
    Warning,
    /// Everything else.
    Notice,
}

impl Severity {
    /// Its number.
    pub(in crate::streams) fn number(self) -> u8 {
        match self {
            Self::Warning => 4,
            Self::Notice => 5,
        }
    }
}

/// One entry, to be sent.
#[derive(Debug, Clone)]
pub(in crate::streams) struct Message {
    /// Its number.
    pub(in crate::streams) seq: u64,
    /// When it was made.
    pub(in crate::streams) time: Timestamp,
    /// What kind of entry: letters and `-`.
    pub(in crate::streams) kind: String,
    /// How urgent it is.
    pub(in crate::streams) severity: Severity,
    /// What the log is called.
    pub(in crate::streams) log: String,
    entry: String,
    hidden: Option<String>,
}

impl Message {
    /// The entry, with what is kept beside it only where names may leave the machine.
    ///
    /// # Errors
    /// When it is not text.
    pub(in crate::streams) fn of(
        log: &str,
        raw: Raw,
        names: StreamNames,
    ) -> Result<Self, std::string::FromUtf8Error> {
        let bad = matches!(
            &*raw.kind,
            "refused" | "drift" | "debt" | "recovered" | "redacted" | "migrated" | "stream"
        ) || matches!(
            raw.outcome.as_deref(),
            Some("rejected" | "failed" | "emergency" | "warned")
        );
        let plain = |ch: &char| ch.is_ascii_lowercase() || *ch == '-';
        Ok(Self {
            seq: raw.seq,
            time: raw.time,
            kind: raw.kind.chars().filter(plain).take(32).collect(),
            severity: match bad {
                true => Severity::Warning,
                false => Severity::Notice,
            },
            log: crate::types::escape(log.as_bytes()),
            entry: String::from_utf8(raw.entry)?,
            hidden: match names {
                StreamNames::Withheld => None,
                StreamNames::Sent => raw.hidden,
            },
        })
    }

    /// The whole message, on one line of at most so many bytes: what does not fit is left out, and
    /// named as left out.
    pub(in crate::streams) fn json(&self, limit: usize) -> String {
        let entry = format!(",\"entry\":{}", self.entry);
        let whole = match &self.hidden {
            Some(hidden) => self.around(&format!("{entry},\"hidden\":{hidden}")),
            None => self.around(&entry),
        };
        if whole.len() <= limit {
            return whole;
        }
        if self.hidden.is_some() {
            let alone = self.around(&format!("{entry},\"omitted\":\"hidden\""));
            if alone.len() <= limit {
                return alone;
            }
        }
        self.around(&format!(
            ",\"time\":\"{}\",\"kind\":\"{}\",\"omitted\":\"entry\",\"bytes\":{},\"sha256\":\"{}\"",
            self.time,
            self.kind,
            self.entry.len(),
            Hash::of(self.entry.as_bytes())
        ))
    }

    fn around(&self, rest: &str) -> String {
        let log = serde_json::Value::from(&*self.log);
        let seq = self.seq;
        one_line(&format!(
            "{{\"schema\":\"{SCHEMA}\",\"log\":{log},\"seq\":{seq}{rest}}}"
        ))
    }

    /// How long it is at most, in bytes, but for what is around it.
    pub(in crate::streams) fn size(&self) -> usize {
        self.entry.len() + self.hidden.as_ref().map_or(0, String::len)
    }

    /// What it says, for people.
    pub(in crate::streams) fn title(&self) -> String {
        format!("{} entry {}: {}", self.log, self.seq, self.kind)
    }
}

/// JSON in which every control character and whatever changes how a line looks is written as an escape:
/// they can stand in its strings only, and mean the same there.
fn one_line(json: &str) -> String {
    if json.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return json.to_owned();
    }
    let mut line = String::with_capacity(json.len() + 16);
    for ch in json.chars() {
        if ch.is_control() || is_deceptive(ch) {
            let mut units = [0; 2];
            for unit in ch.encode_utf16(&mut units) {
                line.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            line.push(ch);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn raw(entry: &str, hidden: Option<&str>) -> Raw {
        Raw {
            seq: 7,
            time: Timestamp::from_unix(1_790_000_000),
            kind: "refused".into(),
            outcome: None,
            entry: entry.as_bytes().to_vec(),
            hidden: hidden.map(str::to_owned),
        }
    }

    #[test]
    fn l_05_nothing_in_an_entry_begins_another_message() {
        // What an entry never holds, and what is kept beside it perhaps does.
        let hidden =
            "{\"salt\":\"00\",\"fields\":{\"text\":\"a\u{7f}\u{85}\u{2028}\u{202e}\u{e0001}b\"}}";
        let message = Message::of(
            "acme/site",
            raw("{\"seq\":7}", Some(hidden)),
            StreamNames::Sent,
        );
        let line = message.unwrap().json(10_000);
        assert!(
            line.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
            "{line}"
        );
        let read: Value = serde_json::from_str(&line).unwrap();
        let text = read["hidden"]["fields"]["text"].as_str().unwrap();
        assert_eq!(text, "a\u{7f}\u{85}\u{2028}\u{202e}\u{e0001}b");
    }

    #[test]
    fn names_stay_here_unless_they_may_leave() {
        let hidden = "{\"salt\":\"00\",\"fields\":{\"person\":\"dana\"}}";
        let json = |names| {
            let raw = raw("{\"seq\":7}", Some(hidden));
            Message::of("acme/site", raw, names).unwrap().json(10_000)
        };
        assert!(!json(StreamNames::Withheld).contains("dana"));
        assert!(json(StreamNames::Sent).contains("dana"));
    }

    #[test]
    fn what_is_too_long_is_left_out_and_said_to_be() {
        let entry = format!("{{\"why\":\"{}\"}}", "x".repeat(400));
        let hidden = format!("{{\"text\":\"{}\"}}", "y".repeat(400));
        let message = Message::of("l", raw(&entry, Some(&hidden)), StreamNames::Sent).unwrap();
        let read = |limit: usize| -> Value {
            let json = message.json(limit);
            assert!(json.len() <= limit, "{json}");
            serde_json::from_str(&json).unwrap()
        };
        assert!(read(2000)["hidden"].is_object());
        let alone = read(600);
        assert_eq!(alone["omitted"], "hidden");
        assert!(alone["entry"].is_object() && alone["hidden"].is_null());
        let short = read(300);
        assert_eq!(short["omitted"], "entry");
        assert_eq!(short["sha256"], Hash::of(entry.as_bytes()).as_str());
        assert_eq!(short["bytes"], entry.len());
    }
}
