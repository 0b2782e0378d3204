//! What the user's program says on its standard output, one line at a time.
//!
//! ```text
//! progress 10/200     so many steps of so many are done
//! say copied to web1  a word for whoever watches
//! done                everything is where it belongs; nothing may follow
//! ```
//!
//! Other lines are left out, but for the last one, which an error repeats.

use crate::release::error::shown_end;
use crate::release::program::{Ended, Lines};
use crate::release::progress::Progress;
use crate::release::{ReleaseError, error::shown_reply};
use std::path::Path;

/// What was heard so far.
pub(super) struct Speech<'a> {
    progress: &'a Progress,
    lines: Lines,
    heard: Heard,
}

/// What counts of it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    done: bool,
    other: Vec<u8>,
}

/// One line, understood.
#[derive(Debug, PartialEq, Eq)]
enum Word<'a> {
    Progress(u64, u64),
    Say(&'a [u8]),
    Done,
    Other(&'a [u8]),
}

impl<'a> Speech<'a> {
    pub(super) fn new(progress: &'a Progress) -> Self {
        Self {
            progress,
            lines: Lines::default(),
            heard: Heard::default(),
        }
    }

    /// Takes a piece of the output.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> Result<(), ReleaseError> {
        let (heard, progress) = (&mut self.heard, self.progress);
        self.lines.take(bytes, &mut |line| {
            heard.line(line, progress);
            Ok(())
        })
    }

    /// Whether the program says that the release is where it belongs.
    ///
    /// # Errors
    /// When it ended badly, or without `done` as its last word.
    pub(super) fn verdict(mut self, program: &Path, ended: &Ended) -> Result<(), ReleaseError> {
        if let Some(rest) = self.lines.rest() {
            self.heard.line(&rest, self.progress);
        }
        let fail = |why: String| ReleaseError::ProgramFailed {
            program: program.display().to_string(),
            why,
        };
        if !ended.is_well() {
            return Err(fail(ended.told()));
        }
        if self.heard.done {
            return Ok(());
        }
        let last = match shown_end(&self.heard.other) {
            last if last.is_empty() => String::new(),
            last => format!("; its last line was `{last}`"),
        };
        Err(fail(format!(
            "it ended well, but `done` was not the last that it said{last}"
        )))
    }
}

impl Heard {
    fn line(&mut self, line: &[u8], progress: &Progress) {
        self.done = false;
        match word(line) {
            Word::Progress(done, of) => progress.at(done, of),
            Word::Say(text) => progress.say(shown_reply(text)),
            Word::Done => self.done = true,
            Word::Other(text) => self.other = text.to_vec(),
        }
    }
}

fn word(line: &[u8]) -> Word<'_> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line == b"done" {
        return Word::Done;
    }
    if let Some(text) = line.strip_prefix(b"say ") {
        return Word::Say(text);
    }
    let numbers = line
        .strip_prefix(b"progress ")
        .and_then(|rest| std::str::from_utf8(rest).ok())
        .and_then(|rest| rest.split_once('/'));
    match numbers.map(|(done, of)| (done.parse(), of.parse())) {
        Some((Ok(done), Ok(of))) if done <= of => Word::Progress(done, of),
        Some(_) | None => Word::Other(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_words_are_understood_and_nothing_else_is() {
        assert_eq!(word(b"progress 10/200"), Word::Progress(10, 200));
        assert_eq!(word(b"progress 0/0\r"), Word::Progress(0, 0));
        assert_eq!(word(b"say hello"), Word::Say(b"hello"));
        assert_eq!(word(b"done"), Word::Done);
        for other in [
            &b"progress 3/2"[..],
            b"progress -1/2",
            b"progress",
            b"progress x/y",
            b"Done",
            b"done!",
            b"",
        ] {
            assert_eq!(word(other), Word::Other(other));
        }
    }
}
