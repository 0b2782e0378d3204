//! The entries of a full tile as they lie in its files: cut apart, and no more than that.

use super::AuditError;
use super::hidden::{Hidden, Text};
use super::tiles::{HiddenOf, WIDTH, broken, unbundle};
use std::path::PathBuf;

/// An entry as it lies in the files, not copied and not read yet, and what is kept beside it.
#[derive(Clone, Copy)]
pub(in crate::audit) struct Lying<'a> {
    pub entry: &'a [u8],
    pub beside: Option<Beside<'a>>,
}

/// What is kept beside an entry.
#[derive(Clone, Copy)]
pub(in crate::audit) enum Beside<'a> {
    /// In one line of a file, which may be in no form at all; its text, where it is in the usual one.
    Line(&'a [u8], Option<Text<'a>>),
    /// What was read before.
    Read(&'a Hidden),
}

impl<'a> Beside<'a> {
    /// Its text, where it is in the usual form.
    pub(in crate::audit) fn text(self) -> Option<Text<'a>> {
        match self {
            Self::Line(_, text) => text,
            Self::Read(hidden) => Some(hidden.text()),
        }
    }

    /// The whole of it.
    pub(in crate::audit) fn read(self) -> Result<Hidden, String> {
        match self {
            Self::Line(line, _) => {
                let of: HiddenOf =
                    serde_json::from_slice(line).map_err(|error| error.to_string())?;
                Ok(of.hidden)
            }
            Self::Read(hidden) => Ok(hidden.clone()),
        }
    }
}

/// The files of a full tile of entries, as they were read.
pub(in crate::audit) struct Bundle {
    index: u64,
    entries: (PathBuf, Vec<u8>),
    hidden: (PathBuf, Vec<u8>),
}

impl Bundle {
    /// The tile of this number: its two files, each with its path.
    pub(in crate::audit) fn new(
        index: u64,
        entries: (PathBuf, Vec<u8>),
        hidden: (PathBuf, Vec<u8>),
    ) -> Self {
        Self {
            index,
            entries,
            hidden,
        }
    }

    /// What lies in them.
    pub(in crate::audit) fn lying(&self) -> Result<Vec<Lying<'_>>, AuditError> {
        let (path, bytes) = &self.entries;
        let before = self.index * WIDTH;
        let split = unbundle(bytes).filter(|split| split.len() as u64 == WIDTH);
        let split = split.ok_or_else(|| broken(path, before, "it is no bundle of 256"))?;
        let lying = split.into_iter().map(|entry| Lying {
            entry,
            beside: None,
        });
        let mut lying: Vec<Lying<'_>> = lying.collect();
        let (path, bytes) = &self.hidden;
        let bad = |why: &str| broken(path, before, why);
        for line in lines(bytes).filter(|line| !line.is_empty()) {
            let (seq, text) = match usual(line) {
                Some((seq, text)) => (seq, Some(text)),
                None => {
                    let of: Result<HiddenOf, _> = serde_json::from_slice(line);
                    (of.map_err(|error| bad(&error.to_string()))?.seq, None)
                }
            };
            let place = seq.checked_sub(before + 1);
            let place = place.and_then(|place| usize::try_from(place).ok());
            let one = place.and_then(|place| lying.get_mut(place));
            let one = one.ok_or_else(|| bad("it tells of an entry of another tile"))?;
            one.beside = Some(Beside::Line(line, text));
        }
        Ok(lying)
    }
}

/// What stands between the line breaks.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = memchr::memchr_iter(b'\n', bytes).chain([bytes.len()]);
    let mut from = 0;
    ends.filter_map(move |end| {
        let line = bytes.get(from..end);
        from = end + 1;
        line
    })
}

/// What a line tells of, and the text, where it is in the usual form.
fn usual(line: &[u8]) -> Option<(u64, Text<'_>)> {
    let rest = line.strip_prefix(b"{\"seq\":")?.strip_suffix(b"}")?;
    let comma = rest.iter().position(|byte| *byte == b',')?;
    let (seq, rest) = rest.split_at_checked(comma)?;
    let text = Text::of(rest.strip_prefix(b",\"hidden\":")?)?;
    let plain = seq.iter().all(u8::is_ascii_digit) && !seq.starts_with(b"0");
    let seq = std::str::from_utf8(seq).ok().filter(|_| plain)?;
    Some((seq.parse().ok()?, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Entry, Event};
    use crate::types::Timestamp;

    fn line(seq: u64, why: &str) -> (Vec<u8>, Hidden) {
        let mut entry = Entry::new(
            seq,
            Timestamp::from_unix(0),
            Event::Refused {
                code: "RH106".into(),
                why: why.into(),
                login: None,
            },
        );
        let hidden = Hidden::take(&mut entry.event).unwrap().unwrap();
        let of = HiddenOf {
            seq,
            hidden: hidden.clone(),
        };
        (serde_json::to_vec(&of).unwrap(), hidden)
    }

    #[test]
    fn what_is_kept_beside_an_entry_is_the_text_that_it_was_written_as() {
        for (seq, why) in [(1, "no"), (u64::MAX, "a \"quote\", å and \n")] {
            let (line, hidden) = line(seq, why);
            let (told, text) = usual(&line).unwrap();
            assert_eq!((told, text), (seq, hidden.text()));
            let read = Beside::Line(&line, None).read().unwrap();
            assert_eq!(read.text(), text);
            assert_eq!(read.commitment(), hidden.commitment());
        }
    }

    #[test]
    fn a_line_in_another_form_is_not_taken_for_one() {
        let (good, _) = line(7, "no");
        let good = String::from_utf8(good).unwrap();
        for (from, to) in [
            ("\"seq\":7", "\"seq\":07"),
            ("\"seq\":7", "\"seq\":+7"),
            ("\"seq\":7", "\"seq\": 7"),
            ("\"seq\":7", "\"seq\":18446744073709551616"),
            ("\"salt\":\"", "\"salt\":\"g"),
            ("\"salt\":\"", "\"salt\":\"0"),
            ("\"fields\"", "\"field\""),
            ("}}}", "}}"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good);
            let text = usual(bad.as_bytes()).map(|(_, text)| text);
            let whole = usual(good.as_bytes()).map(|(_, text)| text);
            assert_ne!(text, whole, "{bad}");
        }
    }

    #[test]
    fn lines_are_what_stands_between_line_breaks() {
        for text in ["", "a", "a\n", "\n\na\nb", "a\n\nb\n"] {
            let split: Vec<&[u8]> = text.as_bytes().split(|byte| *byte == b'\n').collect();
            assert_eq!(lines(text.as_bytes()).collect::<Vec<_>>(), split);
        }
    }
}
