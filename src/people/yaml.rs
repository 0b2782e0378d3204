//! People and teams as YAML, and into a policy's text, by the one writer of both: values that the
//! policy would refuse never reach it.

use super::{Human, Proposal, WriteError};
use crate::policy::rewrite::{Notes, Register, rewrite, sections};

/// The sections alone, `people:` first, as text that can be pasted into a policy.
///
/// # Errors
/// A value that the policy would refuse.
pub fn write(wanted: &Proposal) -> Result<String, WriteError> {
    wanted.check()?;
    let text = sections(&register(wanted, Register::default()), &notes(wanted))?;
    Ok(if text.is_empty() {
        "people: {}\n".to_owned()
    } else {
        text
    })
}

/// A policy's text with its people, and its teams where they are proposed, as they are to be.
///
/// Fields that say the same already stay as they are written, with their comments and in their
/// order; so does everything outside the two sections.
///
/// # Errors
/// A value that the policy would refuse, a text that the strict reader does not take, or one that
/// is not laid out with its keys at the beginning of lines.
pub fn replace(text: &str, wanted: &Proposal) -> Result<String, WriteError> {
    wanted.check()?;
    let there = Register::of(text.as_bytes())?;
    let register = register(wanted, there);
    Ok(rewrite(text.as_bytes(), &register, &notes(wanted))?)
}

/// Who is in a policy's text, which may be a draft whose teams and rules are not there yet.
///
/// # Errors
/// A text that the strict reader does not take, or an entry that is not one of a person.
pub fn people_of(text: &str) -> Result<Proposal, WriteError> {
    let there = Register::of(text.as_bytes())?.people.into_iter();
    let read = Proposal {
        people: there
            .map(|(name, entry)| (name, Human::from(entry)))
            .collect(),
        teams: None,
    };
    read.check()?;
    Ok(read)
}

/// What the policy is to have: the people, and teams that are not proposed as they are there.
fn register(wanted: &Proposal, there: Register) -> Register {
    let people = wanted.people.iter();
    Register {
        people: people
            .map(|(name, human)| (name.clone(), human.entry.clone()))
            .collect(),
        teams: wanted.teams.clone().unwrap_or(there.teams),
    }
}

fn notes(wanted: &Proposal) -> Notes {
    let people = wanted.people.iter();
    people
        .map(|(name, human)| (name.clone(), human.notes.clone()))
        .collect()
}
