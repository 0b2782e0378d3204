//! Lines that are written over again, where a terminal shows them.

use super::text::cut;
use std::fmt::Write as _;
use std::io::IsTerminal;

/// A terminal, or what stands in for one.
#[derive(Debug)]
pub struct Screen {
    kind: Kind,
    drawn: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Lines can be written over.
    Terminal,
    /// They cannot: a file, a pipe, a terminal that knows no movements.
    Plain,
}

/// Where a screen is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

impl Screen {
    /// The terminal behind a stream, if one is there.
    #[must_use]
    pub fn on(stream: Stream) -> Self {
        let terminal = match stream {
            Stream::Out => std::io::stdout().is_terminal(),
            Stream::Err => std::io::stderr().is_terminal(),
        };
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self {
            kind: if terminal && !dumb {
                Kind::Terminal
            } else {
                Kind::Plain
            },
            drawn: 0,
        }
    }

    /// Whether lines can be written over.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.kind == Kind::Terminal
    }

    /// Writes these lines over those of the last time, as many as the terminal has room for.
    pub fn draw(&mut self, stream: Stream, lines: &[String]) {
        let (columns, rows) = size(stream);
        let text = self.redrawn(lines, columns, rows);
        match stream {
            Stream::Out => super::emit(&text),
            Stream::Err => super::emit_error(&text),
        }
    }

    fn redrawn(&mut self, lines: &[String], columns: usize, rows: usize) -> String {
        let mut text = String::new();
        if self.drawn > 0 {
            let _ = write!(text, "\x1b[{}A", self.drawn);
        }
        let room = rows.saturating_sub(1).max(1);
        let fits = lines.len() <= room;
        let shown = if fits { lines.len() } else { room - 1 };
        let mut drawn = 0;
        for line in lines.iter().take(shown) {
            let _ = writeln!(text, "\r\x1b[2K{}", cut(line, columns.saturating_sub(1)));
            drawn += 1;
        }
        if !fits {
            let _ = writeln!(text, "\r\x1b[2Kand {} more lines", lines.len() - shown);
            drawn += 1;
        }
        // What was longer the last time is cleared.
        text.push_str("\x1b[J");
        self.drawn = drawn;
        text
    }
}

/// Columns and rows.
fn size(stream: Stream) -> (usize, usize) {
    let size = match stream {
        Stream::Out => rustix::termios::tcgetwinsize(std::io::stdout()),
        Stream::Err => rustix::termios::tcgetwinsize(std::io::stderr()),
    };
    match size {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
        Ok(_) | Err(_) => (80, 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> Vec<String> {
        (0..count)
            .map(|number| format!("line {number} {}", "x".repeat(100)))
            .collect()
    }

    #[test]
    fn lines_are_cut_to_the_terminal_and_written_over() {
        let mut screen = Screen {
            kind: Kind::Terminal,
            drawn: 0,
        };
        let first = screen.redrawn(&lines(3), 80, 24);
        assert!(!first.contains("A\r") && first.lines().count() == 4);
        let second = screen.redrawn(&lines(50), 80, 10);
        assert!(second.starts_with("\x1b[3A\r"));
        assert!(second.contains("and 42 more lines"));
        let third = screen.redrawn(&lines(1), 80, 10);
        assert!(third.starts_with("\x1b[9A\r"));
        for line in second.lines() {
            let text: String = line.split("\x1b[2K").skip(1).collect();
            assert!(text.chars().count() < 80, "{line:?}");
        }
    }
}
