//! What a directory says, read once and whole.

use super::account::Account;
use super::session::{Kind, Session};
use super::{DirectoryError, Settings, fetch, group};
use crate::types::{TeamName, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// What a directory says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// What kind of server it is.
    pub kind: Kind,
    /// The accounts, in the order of their names.
    pub accounts: Vec<Account>,
    /// Who is in the groups of each team.
    pub teams: BTreeMap<TeamName, Membership>,
}

/// Who is in the groups of a team, nested ones included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Membership {
    /// The accounts, by their place in [`Snapshot::accounts`].
    pub accounts: BTreeSet<usize>,
    /// Members that are no accounts of people, by their names, escaped.
    pub others: BTreeSet<String>,
}

/// Reads the whole directory as the settings say.
///
/// # Errors
/// When anything cannot be read, or not wholly: then nothing of it is used.
pub fn read(settings: &Settings, now: Timestamp) -> Result<Snapshot, DirectoryError> {
    let server = settings.server.to_string();
    let settings = settings.clone();
    // The library that speaks the protocol gives up on an answer that it cannot read by a panic;
    // in a thread of its own that is an error like any other.
    let reading = std::thread::spawn(move || whole(&settings, now));
    reading.join().unwrap_or_else(|_| {
        Err(DirectoryError::Malformed {
            server,
            what: "an answer that ended the reading".into(),
        })
    })
}

fn whole(settings: &Settings, now: Timestamp) -> Result<Snapshot, DirectoryError> {
    let mut session = Session::open(settings)?;
    let accounts = fetch::accounts(&mut session, settings, now)?;
    let known = fetch::Known::of(&accounts);
    let mut teams = BTreeMap::new();
    for (team, groups) in &settings.teams {
        let mut membership = Membership::default();
        for dn in groups {
            let found = group::members(&mut session, settings, &known, dn)?;
            membership.accounts.extend(found.accounts);
            membership.others.extend(found.others);
        }
        teams.insert(team.clone(), membership);
    }
    Ok(Snapshot {
        kind: session.kind,
        accounts,
        teams,
    })
}
