//! Colour: an aid to the eye that carries no meaning of its own.

use std::fmt;
use std::io::IsTerminal;

/// What the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ColorChoice {
    /// Where a terminal reads it and `NO_COLOR` is not set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Whether escapes for colour are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Color {
    /// They are.
    On,
    /// They are not: a hook's reader, a file, a pipe.
    #[default]
    Off,
}

/// What a piece of text is, for the eye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// It is refused or missing.
    Bad,
    /// It passes.
    Good,
    /// Beside the point, but good to know.
    Faint,
    /// What to look at.
    Strong,
    /// Anything else.
    Plain,
}

impl ColorChoice {
    /// What that means for standard output.
    #[must_use]
    pub fn resolve(self) -> Color {
        let asked = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        match self {
            Self::Always => Color::On,
            Self::Never => Color::Off,
            Self::Auto => {
                let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
                if std::io::stdout().is_terminal() && !asked("NO_COLOR") && !dumb {
                    Color::On
                } else {
                    Color::Off
                }
            }
        }
    }
}

impl Color {
    /// The text in that tone.
    pub(super) fn paint(self, tone: Tone, text: impl fmt::Display) -> String {
        let code = match tone {
            Tone::Bad => "31",
            Tone::Good => "32",
            Tone::Faint => "2",
            Tone::Strong => "1",
            Tone::Plain => return text.to_string(),
        };
        match self {
            Self::On => format!("\x1b[{code}m{text}\x1b[0m"),
            Self::Off => text.to_string(),
        }
    }
}
