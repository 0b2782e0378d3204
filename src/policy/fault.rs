//! What can be wrong with a policy file: one variant a fault; the sentences are made here.

/// What is wrong at one place of a policy file. Names in it are escaped; values that might be
/// secrets are never in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The file is too large.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// The most that is read.
        limit: usize,
    },
    /// The file is not UTF-8.
    #[error("the file is not UTF-8 text from here on")]
    NotUtf8,
    /// A character that is invisible, breaks lines where editors do not, or reverses text.
    #[error("the character {shown} is not allowed here")]
    Character {
        /// The code point: `U+2028`.
        shown: String,
    },
    /// Nothing but blanks and comments.
    #[error("the file is empty")]
    Empty,
    /// Not YAML.
    #[error("not readable as YAML: {why}")]
    Yaml {
        /// What the reader says.
        why: String,
    },
    /// A part of YAML that lets a file mean something else than it seems to say.
    #[error("{what} not allowed here")]
    YamlFeature {
        /// Which, with its verb: `anchors are`.
        what: &'static str,
    },
    /// Nested too deeply.
    #[error("nested more than {limit} levels deep")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// Too many of something.
    #[error("more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A key that is a list or a mapping.
    #[error("a key has to be one word")]
    KeyKind,
    /// The same key twice in one mapping.
    #[error("`{key}` is here twice; the first is on line {first}")]
    DuplicateKey {
        /// The key.
        key: String,
        /// The first one's line.
        first: u32,
    },
    /// A key that means nothing there.
    #[error("unknown key `{key}` in {place}")]
    UnknownKey {
        /// The key.
        key: String,
        /// Where: `a person`.
        place: &'static str,
    },
    /// Something that looks like a credential.
    #[error("`{key}`: credentials do not belong in this file, which others can read")]
    Secret {
        /// The key.
        key: String,
    },
    /// A key that has to be there.
    #[error("{place} needs `{key}`")]
    MissingKey {
        /// The key.
        key: &'static str,
        /// Where.
        place: String,
    },
    /// A key without a value.
    #[error("`{what}` has no value")]
    NoValue {
        /// The key.
        what: String,
    },
    /// A value of another kind.
    #[error("`{what}` has to be {expected}, not {found}")]
    Kind {
        /// The key.
        what: String,
        /// `a list`, `text`.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A number written in another way than plain decimal digits.
    #[error("`{what}` has to be a plain decimal number, not `{shown}`")]
    NotANumber {
        /// The key.
        what: String,
        /// The value.
        shown: String,
    },
    /// Text that other readers of YAML take for something else.
    #[error("`{shown}` is not text to every reader of YAML")]
    Ambiguous {
        /// The value.
        shown: String,
    },
    /// A value that does not fit.
    #[error("`{what}`: {why}")]
    Value {
        /// The key.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// A glob that cannot be relied upon.
    #[error("the pattern `{pattern}` {why}")]
    Glob {
        /// The glob.
        pattern: String,
        /// What is wrong.
        why: String,
    },
    /// A name that nothing has.
    #[error("there is no {kind} `{name}`")]
    Unknown {
        /// `person`, `team`, `target`.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// The same value twice in one list.
    #[error("`{value}` is in this list twice")]
    ListedTwice {
        /// The value.
        value: String,
    },
    /// A list that may not be empty.
    #[error("{what} is empty")]
    EmptyList {
        /// Which: ``the team `owners` ``.
        what: String,
    },
    /// An identifier of two people.
    #[error("the {kind} `{value}` already belongs to `{owner}` (line {line})")]
    OwnedTwice {
        /// `e-mail`, `login`, `key`.
        kind: &'static str,
        /// The identifier.
        value: String,
        /// Who has it.
        owner: String,
        /// Where they have it.
        line: u32,
    },
    /// Two names that differ in case only.
    #[error("`{name}` and `{other}` (line {line}) differ in case only")]
    CaseOnly {
        /// The name.
        name: String,
        /// The earlier one.
        other: String,
        /// The earlier one's line.
        line: u32,
    },
    /// A threshold that nobody can ever reach.
    #[error("`required: {required}` cannot be reached: {why}")]
    Unreachable {
        /// How many have to approve.
        required: u32,
        /// How many can.
        why: String,
    },
    /// No rule for the policy's own ref.
    #[error("`branches` has no rule for `refs/relhook/policy`, so nobody could change the policy")]
    NoPolicyRule,
    /// Two targets that would write to the same place.
    #[error("the targets `{name}` and `{other}` (line {line}) are the same place")]
    SamePlace {
        /// The target.
        name: String,
        /// The earlier one.
        other: String,
        /// The earlier one's line.
        line: u32,
    },
}
