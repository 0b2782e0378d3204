//! Lines under each other, within the report's width and within a bound on the whole.

use super::Color;
use super::color::Tone;
use super::text::wrap;

/// Where a page is read, which says how long it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// At the other end of a push. A client that went away leaves a pipe of 64 KiB, and a hook
    /// that writes more than fits would hang on it.
    Pusher,
    /// At this machine's terminal.
    Here,
}

impl Reader {
    /// The most that a page may be, in bytes.
    fn limit(self) -> usize {
        match self {
            Self::Pusher => 14 << 10,
            Self::Here => 1 << 20,
        }
    }
}

/// Text in the making.
#[derive(Debug)]
pub(super) struct Page {
    text: String,
    color: Color,
    limit: usize,
    cut: bool,
}

impl Page {
    pub(super) fn new(reader: Reader, color: Color) -> Self {
        Self {
            text: String::new(),
            color,
            limit: reader.limit(),
            cut: false,
        }
    }

    /// A line as it is, in a tone.
    pub(super) fn line(&mut self, tone: Tone, line: &str) {
        let line = self.color.paint(tone, line);
        self.push(&line);
    }

    /// An empty line, unless there is nothing above it or one already.
    pub(super) fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.push("");
        }
    }

    /// A paragraph behind `lead`, which is in a tone; the lines after the first stand under the
    /// first one's text.
    pub(super) fn paragraph(&mut self, tone: Tone, lead: &str, text: &str) {
        let label = lead.trim();
        for (index, line) in wrap(lead, text).into_iter().enumerate() {
            if index == 0 && !label.is_empty() {
                let painted = self.color.paint(tone, label);
                self.push(&line.replacen(label, &painted, 1));
            } else {
                self.push(&line);
            }
        }
    }

    /// A command, on a line of its own, so that it can be copied.
    pub(super) fn command(&mut self, indent: &str, command: &str) {
        let command = self.color.paint(Tone::Strong, command);
        self.push(&format!("{indent}{command}"));
    }

    fn push(&mut self, line: &str) {
        if self.text.len() + line.len() + 1 > self.limit {
            self.cut = true;
        }
        if !self.cut {
            self.text.push_str(line.trim_end());
            self.text.push('\n');
        }
    }

    /// The text, with a last line that is always there.
    pub(super) fn finish(mut self, last: &str) -> String {
        if self.cut {
            self.text
                .push_str("\nThere is more than can be shown; what is above comes first.\n");
        }
        if !last.is_empty() {
            if !self.text.ends_with("\n\n") {
                self.text.push('\n');
            }
            self.text.push_str(last);
            self.text.push('\n');
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_07_a_page_is_bounded_and_says_so() {
        let mut page = Page::new(Reader::Pusher, Color::Off);
        for _ in 0..10_000 {
            page.paragraph(Tone::Bad, "  RH401 ", "this is said again and again");
        }
        let text = page.finish("more: relhook explain RH401");
        assert!(text.len() < 16 << 10);
        assert!(text.contains("There is more than can be shown"));
        assert!(text.ends_with("\nmore: relhook explain RH401\n"));
    }

    #[test]
    fn color_adds_escapes_and_nothing_else() {
        let write = |color| {
            let mut page = Page::new(Reader::Here, color);
            page.line(Tone::Bad, "refused");
            page.paragraph(Tone::Strong, "  RH401 ", &"word ".repeat(30));
            page.command("    ", "git push");
            page.finish("")
        };
        let plain = write(Color::Off);
        let colored = write(Color::On);
        assert!(!plain.contains('\x1b'));
        let stripped = ["31", "32", "1", "2", "0"]
            .iter()
            .fold(colored, |text, code| {
                text.replace(&format!("\x1b[{code}m"), "")
            });
        assert_eq!(stripped, plain);
    }
}
