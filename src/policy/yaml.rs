//! YAML into a tree of places, text, lists and mappings, and nothing else.
//!
//! The events of the YAML reader are taken, not its typed layer: that stops at the first mistake,
//! and hides how a value was written. Anchors, aliases, tags, merge keys, directives and further
//! documents are refused, keys are unique in every mapping, and depth and size are bounded.

use super::complaint::Complaints;
use super::{Fault, Position};
use crate::types::escape;
use serde_yaml::granit_parser::{self, Event, Marker, Parser, ScalarStyle, Span, StrInput};
use std::collections::BTreeMap;

/// How deep a policy may nest; the format needs seven.
const MAX_DEPTH: usize = 12;
/// The most values that a policy may hold.
const MAX_NODES: usize = 20_000;

/// One value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// Its first character.
    pub(crate) at: Position,
    /// What it is.
    pub(crate) value: Value,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// Text, a number, a truth value or nothing at all.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A mapping; no key is here twice.
    Map(Vec<Entry>),
    /// Something that has been complained about already.
    Faulty,
}

/// A scalar as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar {
    /// Its text, escapes resolved.
    pub(crate) text: String,
    /// Whether it stands without quotes.
    pub(crate) plain: bool,
}

/// One key of a mapping and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: Scalar,
    /// The key's first character.
    pub(crate) key_at: Position,
    /// The value.
    pub(crate) value: Node,
}

/// The reading has stopped, or there is nothing there; what there is to say has been said.
struct Stop;

/// Reads one document. `None` where no tree could be made; what is wrong is in `complaints`.
pub(crate) fn read(text: &str, complaints: &mut Complaints) -> Option<Node> {
    let mut reader = Reader {
        events: Parser::new_from_str_with_options(text, options()),
        text,
        complaints,
        nodes: 0,
    };
    reader.stream().ok()
}

fn options() -> granit_parser::Options {
    granit_parser::options! {
        strict_indentation: true,
        disallow_directives: true,
        emit_unresolved_aliases: true,
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH + 2,
        block_nesting_limit: MAX_DEPTH + 2,
    }
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    text: &'a str,
    complaints: &'a mut Complaints,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Stop> {
        match self.events.next() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => {
                let why = escape(error.info().as_bytes());
                self.complaints
                    .add(position(error.marker()), Fault::Yaml { why });
                Err(Stop)
            }
            None => Err(Stop),
        }
    }

    /// The only document of the stream.
    fn stream(&mut self) -> Result<Node, Stop> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    let what = "further documents (`---`) are";
                    self.feature(&span, what);
                    return Err(Stop);
                }
                Event::DocumentStart(..) => {
                    let (event, span) = self.next()?;
                    root = Some(self.node(event, &span, 0)?);
                }
                Event::StreamEnd => break,
                _ => return Err(Stop),
            }
        }
        match root {
            Some(root) if !root.is_nothing() => Ok(root),
            _ => {
                self.complaints.add(Position::START, Fault::Empty);
                Err(Stop)
            }
        }
    }

    /// The value that begins with `event`.
    fn node(&mut self, event: Event<'a>, span: &Span, depth: usize) -> Result<Node, Stop> {
        let at = position(&span.start);
        self.count(at, depth)?;
        let value = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.properties(span, anchor, tag.is_some());
                self.scalar(text.into_owned(), style, span)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.properties(span, anchor, tag.is_some());
                self.list(depth)?
            }
            Event::MappingStart(_, anchor, tag) => {
                self.properties(span, anchor, tag.is_some());
                self.map(depth)?
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.feature(span, "aliases (`*name`) are");
                Value::Faulty
            }
            _ => return Err(Stop),
        };
        Ok(Node { at, value })
    }

    fn scalar(&mut self, text: String, style: ScalarStyle, span: &Span) -> Value {
        let plain = match style {
            ScalarStyle::Plain => true,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => false,
            ScalarStyle::Literal | ScalarStyle::Folded => {
                self.feature(span, "values of several lines are");
                return Value::Faulty;
            }
        };
        let written = span.slice(self.text).unwrap_or_default();
        if written.trim_end().contains('\n') {
            self.feature(span, "values of several lines are");
            return Value::Faulty;
        }
        Value::Scalar(Scalar { text, plain })
    }

    fn list(&mut self, depth: usize) -> Result<Value, Stop> {
        let mut list = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Value::List(list));
            }
            list.push(self.node(event, &span, depth + 1)?);
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut lines: BTreeMap<String, u32> = BTreeMap::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Value::Map(entries));
            }
            let key = self.node(event, &span, depth + 1)?;
            let (event, span) = self.next()?;
            let value = self.node(event, &span, depth + 1)?;
            let key_at = key.at;
            let Some(key) = self.key(key) else { continue };
            match lines.get(&key.text) {
                Some(first) => {
                    let (key, first) = (shown(&key.text), *first);
                    let fault = Fault::DuplicateKey { key, first };
                    self.complaints.add(key_at, fault);
                }
                None => {
                    lines.insert(key.text.clone(), key_at.line);
                    entries.push(Entry { key, key_at, value });
                }
            }
        }
    }

    /// A key, if it is one word.
    fn key(&mut self, key: Node) -> Option<Scalar> {
        match key.value {
            Value::Scalar(Scalar { text, plain: true }) if text == "<<" => {
                let what = "merge keys (`<<`) are";
                self.complaints.add(key.at, Fault::YamlFeature { what });
                None
            }
            Value::Scalar(scalar) => Some(scalar),
            Value::List(_) | Value::Map(_) => {
                self.complaints.add(key.at, Fault::KeyKind);
                None
            }
            Value::Faulty => None,
        }
    }

    fn properties(&mut self, span: &Span, anchor: usize, tagged: bool) {
        if anchor != 0 {
            self.feature(span, "anchors (`&name`) are");
        }
        if tagged {
            self.feature(span, "tags (`!name`) are");
        }
    }

    fn feature(&mut self, span: &Span, what: &'static str) {
        let at = position(&span.tag_start.unwrap_or(span.start));
        self.complaints.add(at, Fault::YamlFeature { what });
    }

    fn count(&mut self, at: Position, depth: usize) -> Result<(), Stop> {
        self.nodes += 1;
        let fault = if depth > MAX_DEPTH {
            Fault::TooDeep { limit: MAX_DEPTH }
        } else if self.nodes > MAX_NODES {
            let (what, limit) = ("values", MAX_NODES);
            Fault::TooMany { what, limit }
        } else {
            return Ok(());
        };
        self.complaints.add(at, fault);
        Err(Stop)
    }
}

impl Node {
    /// Whether nothing is written there: `~`, `null` or a blank.
    pub(crate) fn is_nothing(&self) -> bool {
        match &self.value {
            Value::Scalar(scalar) => {
                scalar.plain && matches!(scalar.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            Value::List(_) | Value::Map(_) | Value::Faulty => false,
        }
    }
}

/// A word of the file for a message: escaped, and cut where it is long.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let escaped = escape(text.as_bytes());
    if escaped.chars().count() <= LONGEST {
        return escaped;
    }
    let head: String = escaped.chars().take(LONGEST).collect();
    format!("{head}…")
}

fn position(marker: &Marker) -> Position {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Position {
        line: number(marker.line()),
        column: number(marker.col()).saturating_add(1),
    }
}
