//! What is wrong with a policy file: every complaint with its place and, where there is one, a hint.

use super::Fault;
use std::fmt;

/// The most complaints that are kept about one file.
const MAX_COMPLAINTS: usize = 100;

/// A place in a policy file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl Position {
    /// The beginning of the file.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// One complaint about a policy file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{}:{}: {fault}", at.line, at.column)]
pub struct Complaint {
    /// The file's name, as the reader was told it.
    pub file: String,
    /// Where in it.
    pub at: Position,
    /// What is wrong.
    pub fault: Fault,
    /// What to do about it: one line, without its `hint:`.
    pub hint: Option<String>,
}

/// Everything that is wrong with a policy file: at least one complaint, in the file's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyErrors {
    first: Box<Complaint>,
    rest: Vec<Complaint>,
    dropped: usize,
}

impl std::error::Error for PolicyErrors {}

impl PolicyErrors {
    /// Each complaint, in the file's order.
    pub fn iter(&self) -> impl Iterator<Item = &Complaint> {
        std::iter::once(&*self.first).chain(&self.rest)
    }

    /// Each complaint as one line, its hint after a semicolon.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let line = |complaint: &Complaint| match &complaint.hint {
            Some(hint) => format!("{complaint}; {hint}"),
            None => complaint.to_string(),
        };
        let mut lines: Vec<String> = self.iter().map(line).collect();
        lines.extend(self.more());
        lines
    }

    fn more(&self) -> Option<String> {
        (self.dropped > 0).then(|| format!("and {} more", self.dropped))
    }
}

impl fmt::Display for PolicyErrors {
    /// One line a complaint, and its hint on a line of its own; no line break at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, complaint) in self.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{complaint}")?;
            if let Some(hint) = &complaint.hint {
                write!(f, "\n  hint: {hint}")?;
            }
        }
        self.more().map_or(Ok(()), |more| write!(f, "\n{more}"))
    }
}

/// The complaints gathered while a file is read.
#[derive(Debug)]
pub(crate) struct Complaints {
    file: String,
    list: Vec<Complaint>,
    dropped: usize,
}

impl Complaints {
    /// None yet, about `file`.
    pub(crate) fn about(file: &str) -> Self {
        Self {
            file: crate::types::escape(file.as_bytes()),
            list: Vec::new(),
            dropped: 0,
        }
    }

    /// Adds one without a hint.
    pub(crate) fn add(&mut self, at: Position, fault: Fault) {
        self.push(at, fault, || None);
    }

    /// Adds one with what to do about it.
    pub(crate) fn hinted(&mut self, at: Position, fault: Fault, hint: impl Into<String>) {
        self.push(at, fault, || Some(hint.into()));
    }

    /// Adds one with what to do about it, if anything is known. The hint is made only where the
    /// complaint is kept: looking for a near name takes its time.
    pub(crate) fn push(
        &mut self,
        at: Position,
        fault: Fault,
        hint: impl FnOnce() -> Option<String>,
    ) {
        if self.list.len() >= MAX_COMPLAINTS {
            self.dropped += 1;
            return;
        }
        let hint = hint();
        self.list.push(Complaint {
            file: self.file.clone(),
            at,
            fault,
            hint,
        });
    }

    /// What a reader gave for a value that is written. A reader that gives nothing has said why;
    /// were one not to, the value would count as left out, and less be asked for than is written.
    pub(crate) fn explained<T>(&mut self, at: Position, read: Option<T>) -> Option<T> {
        if read.is_none() && self.list.is_empty() {
            let file = self.file.clone();
            self.list.push(unexplained(file, at));
        }
        read
    }

    /// What the reading gave, if there is nothing to complain about.
    ///
    /// A reader that gives up says why; were one not to, it is a complaint all the same.
    pub(crate) fn judge<T>(mut self, read: Option<T>) -> Result<T, PolicyErrors> {
        self.list.sort_by_key(|complaint| complaint.at);
        let mut list = self.list.into_iter();
        match (list.next(), read) {
            (None, Some(read)) => Ok(read),
            (first, _) => Err(PolicyErrors {
                first: Box::new(first.unwrap_or_else(|| unexplained(self.file, Position::START))),
                rest: list.collect(),
                dropped: self.dropped,
            }),
        }
    }
}

fn unexplained(file: String, at: Position) -> Complaint {
    let why = "it cannot be understood".to_owned();
    Complaint {
        file,
        at,
        fault: Fault::Yaml { why },
        hint: None,
    }
}
