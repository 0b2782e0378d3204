//! The identities in a repository's own history, read by the same grammar as in judging.

use super::record::{Origin, Record, text};
use super::{ImportError, MAX_RECORDS};
use crate::facts::Store;
use crate::object::{CoAuthor, Commit, co_authors};
use crate::types::Oid;
use std::collections::{BTreeMap, HashSet};

/// What the history holds.
#[derive(Debug, Default)]
pub struct History {
    /// The identities, each once, with how often they stand there.
    pub records: Vec<Record>,
    /// How many commits were read.
    pub commits: u64,
    /// How many commits do not fit the grammar, so that nobody can be told from them: they have to
    /// lie below a rule's baseline.
    pub unreadable: u64,
    /// The first of them, and what is wrong with it.
    pub example: Option<(Oid, String)>,
    /// How many lines name a co-author who cannot be told.
    pub unclear: u64,
}

/// Everybody in the history of `tips`.
///
/// # Errors
/// A commit that is not there, or more identities than are read.
pub fn history(store: &Store, tips: &[Oid]) -> Result<History, ImportError> {
    let mut found = History::default();
    let mut people: BTreeMap<(Vec<u8>, Vec<u8>), u64> = BTreeMap::new();
    let failed = |why: String| ImportError::History { why };
    let mut seen: HashSet<Oid> = tips.iter().copied().collect();
    let mut open: Vec<Oid> = seen.iter().copied().collect();
    while let Some(oid) = open.pop() {
        let raw = store
            .commit_bytes(oid)
            .map_err(|fault| failed(fault.to_string()))?;
        found.commits += 1;
        open.extend(parents(&raw).filter(|parent| seen.insert(*parent)));
        match Commit::parse(&raw) {
            Ok(commit) => count(&commit, &mut people, &mut found),
            Err(error) => {
                found.unreadable += 1;
                found.example.get_or_insert((oid, error.to_string()));
            }
        }
        if people.len() > MAX_RECORDS {
            return Err(failed(format!("more than {MAX_RECORDS} identities")));
        }
    }
    found.records = people.into_iter().map(record).collect();
    Ok(found)
}

/// The parents, also of a commit that does not fit the grammar: who is behind it is to be told.
fn parents(raw: &[u8]) -> impl Iterator<Item = Oid> {
    let lines = raw.split(|byte| *byte == b'\n');
    let headers = lines.take_while(|line| !line.is_empty());
    headers.filter_map(|line| {
        let digits = std::str::from_utf8(line.strip_prefix(b"parent ")?).ok()?;
        digits.parse().ok()
    })
}

fn count(commit: &Commit, people: &mut BTreeMap<(Vec<u8>, Vec<u8>), u64>, found: &mut History) {
    let mut seen = |name: &[u8], email: &[u8]| {
        *people.entry((name.to_vec(), email.to_vec())).or_default() += 1;
    };
    seen(&commit.author.name, &commit.author.email);
    if (&commit.author.name, &commit.author.email)
        != (&commit.committer.name, &commit.committer.email)
    {
        seen(&commit.committer.name, &commit.committer.email);
    }
    for line in co_authors(&commit.message) {
        match line {
            CoAuthor::Named { name, email } => seen(&name, &email),
            CoAuthor::Unreadable { .. } => found.unclear += 1,
        }
    }
}

fn record(((name, email), times): ((Vec<u8>, Vec<u8>), u64)) -> Record {
    let mut record = Record::from(Origin::History(times));
    record.name = Some(text(&name)).filter(|name| !name.is_empty());
    // Addresses are compared as bytes: one that is not UTF-8 is shown, and fits in no policy.
    record.emails.push(match String::from_utf8(email) {
        Ok(email) => email,
        Err(error) => format!("\u{fffd}{}", crate::types::escape(error.as_bytes())),
    });
    record
}
