//! `relhook policy bus-factor`: who may be away, rule by rule, before nothing can be released.

use super::super::state::deputies;
use super::super::{Answer, Exit};
use super::file::File;
use crate::client::{Deputy, Freshness, Workspace};
use crate::policy::{
    Absence, Asked, Blocking, ByAuthor, Number, POLICY_FILE, Policy, StandsIn, absences,
};
use crate::types::{PersonName, TeamName, Timestamp};
use crate::ui::paragraph;
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// So many sets of people are listed for people to read.
const MAX_SETS: usize = 6;

/// What `relhook policy bus-factor` is asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 no rule hangs on one person, 1 some rule does or the policy is not sound, 2 usage,
3 the file cannot be read.")]
pub struct BusFactorArgs {
    /// The policy file; `-` reads standard input; without it policy.yaml, with --standing the policy
    /// in force
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// In a clone or on the server: count the deputies who stand in for somebody now, too
    #[arg(long)]
    standing: bool,
    /// In a clone: the remote that has the delegations
    #[arg(long, value_name = "REMOTE", requires = "standing")]
    remote: Option<OsString>,
    /// In a clone: use what was fetched last instead of asking the remote
    #[arg(long, requires = "standing")]
    offline: bool,
    /// Answer as JSON (relhook/bus-factor/v1)
    #[arg(long)]
    json: bool,
}

impl BusFactorArgs {
    /// Counts.
    ///
    /// # Errors
    /// When the file, or what the server has, cannot be read.
    pub(super) fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        let today = match self.standing {
            true => Some(deputies(dir, || self.workspace(dir))?),
            false => None,
        };
        let standing = match &today {
            Some(today) => standing(&today.all, today.now),
            None => Vec::new(),
        };
        let (name, policy) = match (&self.file, today) {
            (None, Some(today)) => (format!("the policy of {}", today.of), today.policy),
            (file, _) => {
                let file = File::read(file.as_deref().unwrap_or(Path::new(POLICY_FILE)))?;
                match file.policy() {
                    Ok(policy) => (file.name, policy),
                    Err(errors) => return Ok(Answer::refused(format!("{errors}\n"))),
                }
            }
        };
        Ok(self.answer(&name, &policy, &standing))
    }

    /// The clone whose server has the delegations.
    fn workspace(&self, dir: &Path) -> anyhow::Result<Workspace> {
        let freshness = match self.offline {
            true => Freshness::Offline,
            false => Freshness::Fetched,
        };
        Ok(Workspace::open(dir, self.remote.as_deref(), freshness)?)
    }

    fn answer(&self, name: &str, policy: &Policy, standing: &[StandsIn]) -> Answer {
        let rows = absences(policy, standing);
        let lone = rows.iter().any(hangs_on_one);
        Answer {
            text: match self.json {
                true => format!("{:#}\n", json(name, &rows, lone)),
                false => text(name, &rows, lone),
            },
            exit: if lone { Exit::Refused } else { Exit::Pass },
        }
    }
}

/// The delegations that hold at this moment. One for some paths alone is none for a rule as a whole.
fn standing(deputies: &[Deputy], now: Timestamp) -> Vec<StandsIn> {
    let all = deputies.iter().filter_map(|deputy| {
        let statement = &deputy.stored.statement;
        let grant = statement.particulars.grant.as_ref()?;
        let holds = grant.from <= now && grant.paths.is_empty();
        holds.then_some(StandsIn {
            refname: statement.refname.clone(),
            deputy: grant.to.clone(),
            stead: deputy.by()?.clone(),
            from: grant.from,
            until: statement.expires?,
        })
    });
    all.collect()
}

/// Whether one person's absence stops everything that a row is about.
fn hangs_on_one(row: &Absence) -> bool {
    row.nothing.number.is_one() && !row.only_warns
}

fn text(name: &str, rows: &[Absence], lone: bool) -> String {
    let mut text = format!("{name}: who may be away\n");
    for row in rows {
        text.push('\n');
        text += &told(row);
    }
    text.push('\n');
    text += &paragraph(
        "",
        match lone {
            true => "where a WARNING stands, one person's absence is enough to stop everything",
            false => "no rule hangs on one person",
        },
    );
    text
}

fn told(row: &Absence) -> String {
    let mut text = format!("{}\n", heading(row));
    for asked in &row.asked {
        text += &paragraph("  ", &demand(asked));
    }
    if let Some(pushers) = &row.pushers {
        text += &paragraph("  ", &format!("pushed by {}", any_of(pushers)));
    }
    if let Some(nameable) = &row.nameable {
        let (by, to) = (any_of(&nameable.by), any_of(&nameable.to));
        let line = format!("deputies: {by} may name {to}");
        text += &paragraph("  ", &line);
    }
    if row.only_warns {
        let only = "`enforce: warn`: it lets pass what lacks approvals. What it would stop:";
        text += &paragraph("  ONLY WARNS ", only);
    }
    let lead = match hangs_on_one(row) {
        true => "  WARNING: ",
        false => "  ",
    };
    text += &paragraph(lead, &nothing(&row.nothing));
    let mut also = |with: &str, blocking: Option<&Blocking>| {
        if let Some(blocking) = blocking {
            text += &paragraph("  ", &format!("{with}, {}", nothing(blocking)));
        }
    };
    also("with an emergency", row.with_emergency.as_ref());
    also("with every deputy named", row.with_deputies.as_ref());
    also("with both", row.with_both.as_ref());
    if let Some(now) = &row.now {
        let pairs = now.pairs.iter();
        let pairs = pairs.map(|(deputy, stead)| format!("{deputy} for {stead}"));
        let pairs: BTreeSet<String> = pairs.collect();
        let with = format!("with the deputies of today ({})", all_of(&pairs));
        also(&with, Some(&now.nothing));
    }
    for one in &row.authors {
        text += &paragraph("    ", &of_authors(one));
    }
    text
}

/// `nothing at all goes in while bob is away`.
fn nothing(blocking: &Blocking) -> String {
    match blocking.number {
        Number::Never => "something goes in whoever is away".to_owned(),
        Number::Exactly(_) | Number::MoreThan(_) => {
            format!("nothing at all goes in {}", when(blocking))
        }
    }
}

fn of_authors(one: &ByAuthor) -> String {
    let by = match one.authors.len() {
        1 => String::new(),
        _ => "one of ".to_owned(),
    };
    let by = format!("{by}{}", any_of(&one.authors));
    let line = match one.blocking.number {
        Number::Never => format!("what {by} wrote goes in whoever else is away"),
        Number::Exactly(_) | Number::MoreThan(_) => {
            format!("what {by} wrote does not go in {}", when(&one.blocking))
        }
    };
    let with = one.with_deputies.as_ref();
    match with.filter(|with| **with != one.blocking) {
        None => line,
        Some(with) => match with.number {
            Number::Never => format!("{line}; with every deputy named, it does"),
            Number::Exactly(_) | Number::MoreThan(_) => {
                format!("{line}; with every deputy named, {}", when(with))
            }
        },
    }
}

fn heading(row: &Absence) -> String {
    match row.paths.as_slice() {
        [] => row.rule.clone(),
        globs => format!("{}, where {} is touched", row.rule, globs.join(" or ")),
    }
}

/// `refs/heads/prod needs approval by 2 of bob, carol or dana (reviewers); too few are left without 2
/// of them`.
fn demand(asked: &Asked) -> String {
    let teams: Vec<String> = asked.from.iter().map(TeamName::to_string).collect();
    let slack = match asked.slack() {
        Some(0) | None => "too few of them are able to".to_owned(),
        Some(number) if number == asked.able.len() => "too few are left without them".to_owned(),
        Some(number) => format!("too few are left without {number} of them"),
    };
    format!(
        "{} needs approval by {} of {} ({}); {slack}",
        asked.rule,
        asked.required,
        any_of(&asked.able),
        teams.join(", "),
    )
}

/// `while bob or carol is away`.
fn when(blocking: &Blocking) -> String {
    match blocking.number {
        Number::Exactly(0) => "even if everybody is there".to_owned(),
        Number::Exactly(1) => {
            let people: BTreeSet<&PersonName> = blocking.sets.iter().flatten().collect();
            match people.is_empty() {
                true => "while one certain other person is away".to_owned(),
                false => format!("while {} is away", any_of(&people)),
            }
        }
        Number::Exactly(number) => format!("while {} are away", several(number, &blocking.sets)),
        Number::MoreThan(number) => format!("only while more than {number} people are away"),
        Number::Never => String::new(),
    }
}

/// `bob and carol`, `any 2 of bob, carol and dana`, or the sets one after the other.
fn several(number: usize, sets: &[BTreeSet<PersonName>]) -> String {
    let all: BTreeSet<&PersonName> = sets.iter().flatten().collect();
    match sets {
        [] => format!("{number} people"),
        [one] => all_of(one),
        sets if sets.len() as u128 == choose(all.len(), number) => {
            format!("any {number} of {}", all_of(&all))
        }
        sets => {
            let shown = sets.iter().take(MAX_SETS).map(all_of);
            let shown: Vec<String> = shown.collect();
            let more = match sets.len().saturating_sub(MAX_SETS) {
                0 => String::new(),
                more => format!(", or one of {more} more sets of {number}"),
            };
            format!("{}{more}", shown.join(", or "))
        }
    }
}

/// In how many ways so many can be taken out of so many.
fn choose(of: usize, number: usize) -> u128 {
    (0..number as u128).fold(1, |ways, at| {
        let left = (of as u128).saturating_sub(at);
        ways.saturating_mul(left) / (at + 1)
    })
}

fn any_of<T: Display>(people: &BTreeSet<T>) -> String {
    listed(people, "or")
}

fn all_of<T: Display>(people: &BTreeSet<T>) -> String {
    listed(people, "and")
}

fn listed<T: Display>(people: &BTreeSet<T>, word: &str) -> String {
    let names: Vec<String> = people.iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} {word} {last}", head.join(", ")),
    }
}

fn json(name: &str, rows: &[Absence], lone: bool) -> Value {
    json!({
        "schema": "relhook/bus-factor/v1",
        "policy": name,
        "hangs_on_one": lone,
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn row(row: &Absence) -> Value {
    let asked = row.asked.iter().map(|asked| {
        json!({
            "rule": asked.rule,
            "required": asked.required,
            "from": asked.from,
            "able": asked.able,
        })
    });
    let authors = row.authors.iter().map(|one| {
        json!({
            "authors": one.authors,
            "away": away(&one.blocking),
            "away_with_deputies": one.with_deputies.as_ref().map(away),
        })
    });
    let now = row.now.as_ref().map(|now| {
        let pairs = now.pairs.iter();
        let pairs = pairs.map(|(deputy, stead)| json!({ "deputy": deputy, "in_stead_of": stead }));
        json!({ "deputies": pairs.collect::<Vec<_>>(), "away": away(&now.nothing) })
    });
    json!({
        "rule": row.rule,
        "patterns": row.paths,
        "only_warns": row.only_warns,
        "asked": asked.collect::<Vec<_>>(),
        "pushers": row.pushers,
        "away": away(&row.nothing),
        "away_with_emergency": row.with_emergency.as_ref().map(away),
        "away_with_deputies": row.with_deputies.as_ref().map(away),
        "away_with_both": row.with_both.as_ref().map(away),
        "nameable": row.nameable.as_ref().map(|one| json!({ "by": one.by, "to": one.to })),
        "now": now,
        "by_author": authors.collect::<Vec<_>>(),
    })
}

fn away(blocking: &Blocking) -> Value {
    let (people, more_than) = match blocking.number {
        Number::Exactly(number) => (Some(number), None),
        Number::MoreThan(number) => (None, Some(number)),
        Number::Never => (None, None),
    };
    json!({ "people": people, "more_than": more_than, "sets": blocking.sets })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<PersonName> {
        names.iter().map(|name| PersonName::new(*name)).collect()
    }

    #[test]
    fn sets_that_are_all_of_their_size_are_said_in_one() {
        let sets = [set(&["a", "b"]), set(&["a", "c"]), set(&["b", "c"])];
        assert_eq!(several(2, &sets), "any 2 of a, b and c");
        assert_eq!(several(2, &sets[..2]), "a and b, or a and c");
        assert_eq!(several(2, &sets[..1]), "a and b");
        assert_eq!(several(3, &[]), "3 people");
        assert_eq!(choose(5, 2), 10);
        assert_eq!(choose(40, 20), 137_846_528_820);
    }
}
