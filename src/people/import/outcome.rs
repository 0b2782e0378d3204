//! What comes of it: who is proposed, who looks like somebody else, and who is left.

use super::fold;
use super::join::{Group, Merge, join, svn_user};
use super::record::{Origin, Record};
use super::twins::{Twin, twins};
use super::{Gathered, ImportError};
use crate::people::{Human, Proposal};
use crate::policy::{Part, fits};
use crate::types::PersonName;
use std::collections::{BTreeMap, BTreeSet};

/// One person, as far as is certain.
#[derive(Debug, Clone)]
pub struct Suggested {
    /// The policy's name for them, or the one that is proposed.
    pub name: PersonName,
    /// The entry.
    pub human: Human,
    /// Everything that they are called.
    pub names: BTreeSet<String>,
    /// Their accounts on servers before.
    pub former: Vec<String>,
    /// Where they are from.
    pub origins: Vec<Origin>,
    /// The people of the policy that they are; more than one is a conflict.
    pub known: BTreeSet<PersonName>,
}

impl Suggested {
    /// Every account, wherever.
    pub(super) fn accounts(&self) -> impl Iterator<Item = &str> {
        let lists = [
            &self.human.entry.emails,
            &self.human.entry.logins,
            &self.former,
        ];
        lists.into_iter().flatten().map(String::as_str)
    }

    /// How often the history names them.
    #[must_use]
    pub fn times(&self) -> u64 {
        let times = self.origins.iter().map(|origin| match origin {
            Origin::History(times) => *times,
            Origin::Policy(_) | Origin::Table(_) | Origin::Mailmap(_) | Origin::Authors(_) => 0,
        });
        times.sum()
    }

    fn only_history(&self) -> bool {
        self.origins
            .iter()
            .all(|origin| matches!(origin, Origin::History(_)))
    }

    /// What names them in `--merge`.
    #[must_use]
    pub fn handle(&self) -> String {
        let known = self
            .known
            .iter()
            .next()
            .map(|name| name.as_str().to_owned());
        let email = || self.human.entry.emails.first().cloned();
        known
            .or_else(email)
            .or_else(|| self.former.first().cloned())
            .unwrap_or_else(|| self.name.as_str().to_owned())
    }
}

/// Somebody of the history whom nobody owns: a place in [`Outcome::people`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stranger(pub usize);

/// What comes of it.
#[derive(Debug)]
pub struct Outcome {
    /// Everybody, strangers included.
    pub people: Vec<Suggested>,
    /// Who looks like the same person twice, those apart whom the policy knows as two.
    pub twins: Vec<Twin>,
    /// Whom only the history names, where something else names others; not proposed.
    pub strangers: Vec<Stranger>,
    /// What contradicts the policy: sentences.
    pub conflicts: Vec<String>,
    /// What could not be taken: sentences.
    pub notes: Vec<String>,
    /// The people of the policy and the new ones.
    pub proposal: Proposal,
}

/// Proposes people. `policy` is who is there already; with `all`, whom only the history names is
/// proposed, too, and so they are where nothing else names anybody.
///
/// # Errors
/// A merge of somebody who is not there.
pub fn propose(
    policy: &Proposal,
    gathered: Gathered,
    merges: &[Merge],
    all: bool,
) -> Result<Outcome, ImportError> {
    let mut records: Vec<Record> = policy.people.iter().map(known).collect();
    records.extend(gathered.records);
    let mut notes = gathered.notes;
    let mut names = Names::taking(policy);
    let mut people = Vec::new();
    for group in join(&records, merges)? {
        people.push(suggest(&records, &group, policy, &mut names, &mut notes));
    }
    let all = all || people.iter().all(Suggested::only_history);
    let conflicts = people
        .iter()
        .filter(|one| one.known.len() > 1)
        .map(conflict);
    let conflicts = conflicts.collect();
    let strangers: Vec<Stranger> = people
        .iter()
        .enumerate()
        .filter(|(_, one)| one.only_history() && (!all || is_empty(&one.human)))
        .map(|(place, _)| Stranger(place))
        .collect();
    let settled = |twin: &Twin| {
        let known = |place| {
            people
                .get(place)
                .is_some_and(|one: &Suggested| !one.known.is_empty())
        };
        !(known(twin.one) && known(twin.other))
    };
    let twins = twins(&people).into_iter().filter(settled).collect();
    let proposed = people.iter().enumerate().filter(|(place, one)| {
        !strangers.contains(&Stranger(*place)) && (!is_empty(&one.human) || !one.known.is_empty())
    });
    let proposal = Proposal {
        people: proposed
            .map(|(_, one)| (one.name.clone(), one.human.clone()))
            .collect(),
        teams: None,
    };
    Ok(Outcome {
        twins,
        strangers,
        conflicts,
        notes,
        proposal,
        people,
    })
}

fn is_empty(human: &Human) -> bool {
    human.entry.emails.is_empty() && human.entry.logins.is_empty() && human.entry.keys.is_empty()
}

fn conflict(person: &Suggested) -> String {
    let names: Vec<String> = person
        .known
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let origins: Vec<String> = person.origins.iter().map(ToString::to_string).collect();
    format!(
        "{} are several people of the policy, and one by what was read ({}): correct the list, or change the policy first",
        names.join(" and "),
        origins.join("; ")
    )
}

fn known((name, human): (&PersonName, &Human)) -> Record {
    let mut record = Record::from(Origin::Policy(name.clone()));
    record.id = Some(name.as_str().to_owned());
    record.name.clone_from(&human.entry.full_name);
    record.emails.clone_from(&human.entry.emails);
    record.logins.clone_from(&human.entry.logins);
    record.keys.clone_from(&human.entry.keys);
    record
}

fn suggest(
    records: &[Record],
    group: &Group,
    policy: &Proposal,
    names: &mut Names,
    notes: &mut Vec<String>,
) -> Suggested {
    let mut own: Vec<&Record> = group
        .iter()
        .filter_map(|index| records.get(*index))
        .collect();
    // The most telling source first; in the history, the name that stands there most often.
    own.sort_by_key(|record| match &record.origin {
        Origin::History(times) => (Origin::History(0), std::cmp::Reverse(*times)),
        other => (other.clone(), std::cmp::Reverse(0)),
    });
    let known: BTreeSet<PersonName> = own
        .iter()
        .filter_map(|record| match &record.origin {
            Origin::Policy(name) => Some(name.clone()),
            Origin::Table(_) | Origin::Mailmap(_) | Origin::Authors(_) | Origin::History(_) => None,
        })
        .collect();
    let there = known.iter().next().and_then(|name| policy.people.get(name));
    let mut human = there.cloned().unwrap_or_default();
    let origins: Vec<Origin> = own.iter().map(|record| record.origin.clone()).collect();
    for record in &own {
        let name = record
            .name
            .iter()
            .find(|name| fits(Part::FullName, name).is_ok());
        if there.is_none() && human.entry.full_name.is_none() {
            human.entry.full_name = name.cloned();
        }
        take(
            &mut human.entry.emails,
            &record.emails,
            Part::Email,
            record,
            notes,
        );
        take(
            &mut human.entry.logins,
            &record.logins,
            Part::Login,
            record,
            notes,
        );
        take(
            &mut human.entry.keys,
            &record.keys,
            Part::Key,
            record,
            notes,
        );
    }
    let former: Vec<String> = own
        .iter()
        .flat_map(|record| record.former.clone())
        .collect();
    let name = known
        .iter()
        .next()
        .cloned()
        .unwrap_or_else(|| names.fresh(&own, &human, &former));
    if known.is_empty() {
        human.notes = origins.iter().take(8).map(ToString::to_string).collect();
    }
    let names = own
        .iter()
        .filter_map(|record| record.name.clone())
        .collect();
    Suggested {
        name,
        human,
        names,
        former,
        origins,
        known,
    }
}

/// Adds what is not there yet; what a policy would refuse is told and left out.
fn take(
    list: &mut Vec<String>,
    more: &[String],
    part: Part,
    from: &Record,
    notes: &mut Vec<String>,
) {
    for value in more {
        let same = |there: &String| match part {
            Part::Key => there
                .split_whitespace()
                .take(2)
                .eq(value.split_whitespace().take(2)),
            Part::Email | Part::Login | Part::Name | Part::FullName => {
                there.eq_ignore_ascii_case(value)
            }
        };
        if list.iter().any(same) {
            continue;
        }
        match fits(part, value) {
            Ok(()) => list.push(value.clone()),
            Err(why) => notes.push(format!(
                "{}: the {} `{}` {why}, so that no policy can hold it; commits by it have to lie below the baseline",
                from.origin,
                part.word(),
                crate::object::shown(value.as_bytes())
            )),
        }
    }
}

/// Names for people, none of them twice.
struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    fn taking(policy: &Proposal) -> Self {
        let names = policy
            .people
            .keys()
            .map(|name| name.as_str().to_lowercase());
        Self {
            taken: names.collect(),
        }
    }

    /// The list's own name for the person, a login, an account, the mailbox or the full name.
    fn fresh(&mut self, own: &[&Record], human: &Human, former: &[String]) -> PersonName {
        let ids = own.iter().filter_map(|record| record.id.clone());
        let svn = human
            .entry
            .emails
            .iter()
            .filter_map(|email| svn_user(email))
            .map(str::to_owned);
        let emails = human.entry.emails.iter().cloned();
        let accounts = human
            .entry
            .logins
            .iter()
            .chain(former)
            .cloned()
            .chain(svn)
            .chain(emails);
        let local = accounts.map(|account| {
            let user = account
                .rsplit_once('\\')
                .map_or(account.as_str(), |(_, user)| user);
            let user = user.rsplit_once('@').map_or(user, |(user, _)| user);
            user.split('+').next().unwrap_or(user).to_lowercase()
        });
        let full = human
            .entry
            .full_name
            .iter()
            .flat_map(|name| fold::names(name))
            .map(|name| name.replace(' ', "."));
        let fitting = ids
            .chain(local)
            .chain(full)
            .find(|name| fits(Part::Name, name).is_ok());
        let base = fitting.unwrap_or_else(|| "somebody".to_owned());
        let mut name = base.clone();
        let mut number = 2;
        while !self.taken.insert(name.to_lowercase()) {
            name = format!("{base}-{number}");
            number += 1;
        }
        PersonName::new(name)
    }
}

/// What the policy has, by place, so that the report can show it.
impl Outcome {
    /// Whether nothing is open.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.twins.is_empty() && self.conflicts.is_empty()
    }

    /// The person at a place.
    #[must_use]
    pub fn person(&self, place: usize) -> Option<&Suggested> {
        self.people.get(place)
    }

    /// How many of the proposed are new, by whether the policy has them.
    #[must_use]
    pub fn new_people(&self) -> BTreeMap<bool, usize> {
        let proposed = self
            .people
            .iter()
            .filter(|one| self.proposal.people.contains_key(&one.name));
        let mut counts = BTreeMap::new();
        for one in proposed {
            *counts.entry(one.known.is_empty()).or_default() += 1;
        }
        counts
    }
}
