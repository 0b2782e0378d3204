//! Globs over raw bytes: `*` and `?` stay within a component, `**` does not, and `X/**` matches
//! `X` itself too.
//!
//! Three things are special and nothing else: `*` (any bytes but `/`), `?` (one byte but `/`) and a
//! whole component `**` (any number of components). A pattern that could silently match nothing, or
//! something else than it seems to say, is refused with the pattern that was probably meant.

use super::PathRule;
use crate::types::RefName;
use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;

/// The longest glob, in bytes.
pub const MAX_GLOB_BYTES: usize = 512;

/// Compiled globs over raw bytes: `*` and `?` do not cross `/`, `**` does, and `X/**` matches `X`
/// itself too. Nothing is case-folded or normalised.
#[derive(Clone, Default)]
pub struct PathGlobs {
    patterns: Vec<String>,
    set: GlobSet,
}

/// The path rules of one branch rule, with one set over all of their globs: a path is matched
/// against it once, however many rules there are.
#[derive(Clone, Default)]
pub struct PathRules {
    rules: Vec<PathRule>,
    set: GlobSet,
    /// The rule of each glob of the set.
    owners: Vec<usize>,
}

/// Why text is not a glob that can be relied upon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct GlobError {
    /// What is wrong with it.
    pub why: String,
    /// The glob that was probably meant, if there is one.
    pub instead: Option<String>,
}

impl PathGlobs {
    /// Compiles globs over paths of a tree.
    ///
    /// # Errors
    /// The first glob that is not sound: see the module's own words.
    pub fn compile(patterns: &[String]) -> Result<Self, GlobError> {
        let mut builder = GlobSetBuilder::new();
        for pattern in patterns {
            check(pattern)?;
            add(&mut builder, pattern)?;
        }
        let set = builder.build().map_err(|error| not_compiled(&error))?;
        Ok(Self {
            patterns: patterns.to_vec(),
            set,
        })
    }

    /// Whether a glob over paths of a tree is sound.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(pattern: &str) -> Result<(), GlobError> {
        check(pattern)?;
        build(pattern).map(|_| ())
    }

    /// Whether any of the globs matches.
    #[must_use]
    pub fn is_match(&self, path: &[u8]) -> bool {
        self.set.is_match(std::ffi::OsStr::from_bytes(path))
    }

    /// The globs as they were written.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }
}

impl std::fmt::Debug for PathGlobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PathGlobs").field(&self.patterns).finish()
    }
}

impl PartialEq for PathGlobs {
    fn eq(&self, other: &Self) -> bool {
        self.patterns == other.patterns
    }
}

impl Eq for PathGlobs {}

impl PathRules {
    /// These rules, in this order.
    ///
    /// # Errors
    /// The first glob that is not sound, or that all of them together do not compile.
    pub fn new(rules: Vec<PathRule>) -> Result<Self, GlobError> {
        let mut builder = GlobSetBuilder::new();
        let mut owners = Vec::new();
        for (owner, rule) in rules.iter().enumerate() {
            for pattern in &rule.patterns {
                check(pattern)?;
                let added = add(&mut builder, pattern)?;
                owners.extend(std::iter::repeat_n(owner, added));
            }
        }
        let set = builder.build().map_err(|error| not_compiled(&error))?;
        Ok(Self { rules, set, owners })
    }

    /// Every rule that a path falls under, in the order of the rules, each once.
    #[must_use]
    pub fn matching(&self, path: &[u8]) -> Vec<&PathRule> {
        let rules = self.positions(path).into_iter();
        rules.filter_map(|owner| self.rules.get(owner)).collect()
    }

    /// Where those rules stand among the rules, counted from 0.
    #[must_use]
    pub fn positions(&self, path: &[u8]) -> BTreeSet<usize> {
        let globs = self.set.matches(std::ffi::OsStr::from_bytes(path));
        globs
            .into_iter()
            .filter_map(|glob| self.owners.get(glob).copied())
            .collect()
    }
}

impl std::ops::Deref for PathRules {
    type Target = [PathRule];
    fn deref(&self) -> &[PathRule] {
        &self.rules
    }
}

impl<'a> IntoIterator for &'a PathRules {
    type Item = &'a PathRule;
    type IntoIter = std::slice::Iter<'a, PathRule>;
    fn into_iter(self) -> Self::IntoIter {
        self.rules.iter()
    }
}

impl std::fmt::Debug for PathRules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.rules).finish()
    }
}

/// Adds a sound glob to a set, and says how many entries of the set it makes.
fn add(builder: &mut GlobSetBuilder, pattern: &str) -> Result<usize, GlobError> {
    builder.add(build(pattern)?);
    // A folder that is replaced by a file, a symbolic link or a submodule stays covered.
    match pattern.strip_suffix("/**") {
        Some(folder) => {
            builder.add(build(folder)?);
            Ok(2)
        }
        None => Ok(1),
    }
}

fn build(pattern: &str) -> Result<Glob, GlobError> {
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .backslash_escape(false)
        .build()
        .map_err(|error| not_compiled(&error))
}

fn not_compiled(error: &globset::Error) -> GlobError {
    GlobError {
        why: format!("does not compile: {}", error.kind()),
        instead: None,
    }
}

/// Checks a glob over full ref names.
pub(super) fn check_ref(pattern: &str) -> Result<(), GlobError> {
    check(pattern)?;
    let fail = |why: &str, instead: Option<String>| {
        Err(GlobError {
            why: why.to_owned(),
            instead,
        })
    };
    if !pattern.starts_with("refs/") {
        let rest = pattern.strip_prefix("heads/").unwrap_or(pattern);
        let instead = match pattern {
            "*" | "**" => "refs/heads/**".to_owned(),
            _ => format!("refs/heads/{rest}"),
        };
        return fail(
            "is not a full ref name: it has to begin with `refs/`",
            Some(instead),
        );
    }
    // What stands for any bytes stands for a letter too: the rest has to fit a ref name.
    let sample = pattern.replace("**", "x").replace(['*', '?'], "x");
    match RefName::new(sample.as_bytes()) {
        Ok(_) => Ok(()),
        Err(error) => fail(&format!("matches no ref name: it {}", error.why), None),
    }
}

/// Checks a glob over paths of a tree.
fn check(pattern: &str) -> Result<(), GlobError> {
    match fault(pattern) {
        None => Ok(()),
        Some(why) => {
            let tidy = tidied(pattern);
            let sound = tidy != pattern && fault(&tidy).is_none();
            Err(GlobError {
                why: why.to_owned(),
                instead: sound.then_some(tidy),
            })
        }
    }
}

fn fault(pattern: &str) -> Option<&'static str> {
    if pattern.is_empty() {
        Some("is empty")
    } else if pattern.len() > MAX_GLOB_BYTES {
        Some("is longer than 512 bytes")
    } else if pattern.trim() != pattern {
        Some("has blanks around it, so that it would match nothing")
    } else if pattern.contains('\\') {
        Some("holds a backslash: folders are separated by `/`, and nothing is escaped")
    } else if pattern.starts_with('!') {
        Some("begins with `!`: rules only ever add demands, nothing can be excepted")
    } else if pattern.contains(['[', ']', '{', '}']) {
        Some("holds one of `[ ] { }`: only `*`, `?` and `**` are special")
    } else if pattern.starts_with('/') {
        Some("begins with `/`, so that it would match nothing")
    } else if pattern.ends_with('/') {
        Some("ends in `/`, so that it would match nothing")
    } else {
        pattern.split('/').find_map(component_fault)
    }
}

fn component_fault(component: &str) -> Option<&'static str> {
    match component {
        "" => Some("holds `//`, so that it would match nothing"),
        "." | ".." => Some("holds a `.` or `..` component, so that it would match nothing"),
        "**" => None,
        _ if component.contains("**") => Some("holds a `**` that is not a whole component"),
        _ => None,
    }
}

/// The pattern with what is superfluous or misplaced put right.
fn tidied(pattern: &str) -> String {
    let slashed = pattern.trim().replace('\\', "/").replace(['[', ']'], "?");
    let folder = slashed.ends_with('/');
    let mut parts: Vec<String> = Vec::new();
    for part in slashed.split('/') {
        match part {
            "" | "." => {}
            "**" => parts.push(part.to_owned()),
            _ => match part.strip_prefix("**") {
                Some(rest) => {
                    parts.extend(["**".to_owned(), format!("*{rest}").replace("**", "*")])
                }
                None => parts.push(part.replace("**", "*")),
            },
        }
    }
    if folder && parts.last().is_some_and(|last| last != "**") {
        parts.push("**".to_owned());
    }
    parts.join("/")
}
