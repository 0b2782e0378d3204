//! The approval that a commit carries in its own message.

use super::key;
use super::parse::read_text;
use super::particulars::read_oids;
use crate::object::{Trailer, TrailerError, reads_like, shown, split_last_paragraph, trailers};
use crate::types::{Oid, RefName, RefNameError};

/// Why a commit's message that speaks of an approval does not carry one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApprovingError {
    /// The last paragraph is not one of trailers only.
    #[error(transparent)]
    Trailers(#[from] TrailerError),
    /// An approval above the last paragraph, where it does not count.
    #[error("the line `{line}` stands above the last paragraph, where it does not count")]
    Misplaced {
        /// The line, escaped.
        line: String,
    },
    /// A `Relhook-` key that commits do not carry.
    #[error("the trailer `{key}` does not belong to an approving commit")]
    Unknown {
        /// The key.
        key: String,
    },
    /// The same key twice.
    #[error("the trailer `{key}` stands twice")]
    Duplicate {
        /// The key.
        key: &'static str,
    },
    /// One half of the approval without the other.
    #[error("the trailer `{key}` is missing")]
    Missing {
        /// The key that is missing.
        key: &'static str,
    },
    /// Not a ref name.
    #[error(transparent)]
    RefName(#[from] RefNameError),
    /// Not the ids of rollback statements.
    #[error("`{value}` names no rollbacks: {why}")]
    Answers {
        /// The value, escaped.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// Not a repository's name.
    #[error("`{value}` is not a repository's name: {why}")]
    Repository {
        /// The value, escaped.
        value: String,
        /// What is wrong with it.
        why: String,
    },
}

/// What the trailers of an approving commit say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovingTrailers {
    /// The ref that it is for.
    pub refname: RefName,
    /// The repository's name.
    pub repository: String,
    /// The rollback statements whose reasons it answers, by their tag objects.
    pub answers: Vec<Oid>,
}

/// The ref and the repository that a commit's message approves for, if it does.
///
/// `Relhook-Approve: <full ref name>` and `Relhook-Repository: <name>` stand in the message's last
/// paragraph, once each, among other trailers if need be; and `Relhook-Answers: <tags>` where it
/// approves again what was rolled back.
///
/// # Errors
/// A message that speaks of an approval but not in this form: half of it, twice, misspelt, or
/// above the last paragraph.
pub fn approving(message: &[u8]) -> Result<Option<ApprovingTrailers>, ApprovingError> {
    let (text, paragraph) = split_last_paragraph(message);
    if let Some(line) = lines(text).find(|line| is_unindented_approval(line)) {
        return Err(ApprovingError::Misplaced { line: shown(line) });
    }
    if !lines(paragraph).any(speaks_of_one) {
        return Ok(None);
    }
    let all = trailers(message)?;
    let ours: Vec<&Trailer> = all.iter().filter(|trailer| is_ours(&trailer.key)).collect();
    let known = [key::APPROVE, key::REPOSITORY, key::ANSWERS];
    if let Some(other) = ours
        .iter()
        .find(|trailer| !known.contains(&trailer.key.as_str()))
    {
        return Err(ApprovingError::Unknown {
            key: shown(other.key.as_bytes()),
        });
    }
    let refname = RefName::new(only(&ours, key::APPROVE)?)?;
    let answers = match only(&ours, key::ANSWERS) {
        Ok(value) => read_answers(value)?,
        Err(ApprovingError::Missing { .. }) => Vec::new(),
        Err(error) => return Err(error),
    };
    Ok(Some(ApprovingTrailers {
        refname,
        repository: read_repository(only(&ours, key::REPOSITORY)?)?,
        answers,
    }))
}

fn read_answers(value: &[u8]) -> Result<Vec<Oid>, ApprovingError> {
    read_oids(value).map_err(|why| ApprovingError::Answers {
        value: shown(value),
        why,
    })
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
}

/// Indented lines are quotations: a message may explain what an approval looks like.
fn is_unindented_approval(line: &[u8]) -> bool {
    !line.starts_with(b" ") && !line.starts_with(b"\t") && reads_like(line, "relhookapprove")
}

/// Whether a line of the last paragraph is meant for relhook, well formed or not.
fn speaks_of_one(line: &[u8]) -> bool {
    let keyed = |prefix: &[u8]| prefix.eq_ignore_ascii_case(b"relhook-") && line.contains(&b':');
    line.get(..8).is_some_and(keyed)
        || reads_like(line, "relhookapprove")
        || reads_like(line, "relhookrepository")
}

fn is_ours(key: &str) -> bool {
    key.to_ascii_lowercase().starts_with("relhook-")
}

fn only<'a>(trailers: &[&'a Trailer], key: &'static str) -> Result<&'a [u8], ApprovingError> {
    let mut values = trailers.iter().filter(|trailer| trailer.key == key);
    match (values.next(), values.next()) {
        (Some(trailer), None) => Ok(&trailer.value),
        (None, _) => Err(ApprovingError::Missing { key }),
        (Some(_), Some(_)) => Err(ApprovingError::Duplicate { key }),
    }
}

fn read_repository(value: &[u8]) -> Result<String, ApprovingError> {
    read_text(value).map_err(|why| ApprovingError::Repository {
        value: shown(value),
        why,
    })
}
