//! Which target a release may go on to: one pure function over the stages and how they are, what
//! holds a release between them, the statements that lift it, and the time.
//!
//! It is asked anew in each run. Nothing is remembered of an answer, so a withdrawn statement, a
//! target that lost the release or another policy simply make the next answer another one.

use crate::decide::Code;
use crate::policy::Distinct;
use crate::types::{
    Oid, PersonName, Seconds, StageName, TargetName, TeamName, Timestamp, WitnessName,
};
use std::collections::BTreeSet;
use std::fmt;

/// Everything that is known about one release and its stages.
#[derive(Debug, Clone)]
pub struct Passage {
    /// When the log accepted the commit.
    pub accepted: Timestamp,
    /// The stages, in their order, with the targets that this release goes to.
    pub stages: Vec<StageState>,
    /// The statements that lift a hold of this release, withdrawn ones left out.
    pub lifts: Vec<Lift>,
}

/// A stage, as it is for one release.
#[derive(Debug, Clone)]
pub struct StageState {
    /// Its name.
    pub name: StageName,
    /// How long the release waits before it.
    pub after: Option<Seconds>,
    /// Who lets the release go on to it.
    pub lifters: Option<Lifters>,
    /// Its targets.
    pub targets: Vec<TargetState>,
}

/// Who may lift a hold.
#[derive(Debug, Clone)]
pub struct Lifters {
    /// The teams, as the policy names them.
    pub teams: Vec<TeamName>,
    /// Their people.
    pub people: BTreeSet<PersonName>,
    /// Whom they have to be distinct from, as the policy asks.
    pub distinct: Distinct,
    /// Those people.
    pub barred: BTreeSet<PersonName>,
}

/// A target, as it is for one release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetState {
    /// Its name.
    pub name: TargetName,
    /// How far it is with this release.
    pub standing: Standing,
}

/// How far a target is with a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It does not hold it.
    Without,
    /// It holds it, since then.
    Holds(Timestamp),
    /// The last run for it failed.
    Failed(String),
}

/// A statement that lifts a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lift {
    /// The statement's tag.
    pub tag: Oid,
    /// Who signed it.
    pub by: PersonName,
    /// The stage that the release may go on to.
    pub stage: StageName,
    /// When the server first saw it; one that it never saw does not count.
    pub seen: Option<Timestamp>,
    /// When its signer says that it stops counting.
    pub expires: Option<Timestamp>,
}

/// Whether a release may go on to a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It may, and these people let it.
    Go(Vec<PersonName>),
    /// A target of an earlier stage does not have it yet.
    Waiting {
        /// The stage.
        stage: StageName,
        /// The first such target.
        target: TargetName,
    },
    /// A target of an earlier stage could not be brought to it.
    Stopped {
        /// The stage.
        stage: StageName,
        /// The target.
        target: TargetName,
        /// The code of the error.
        code: String,
    },
    /// A person has to say that it may go on.
    Held {
        /// The stage that it may not go on to.
        stage: StageName,
        /// Since when: from then on a statement counts.
        since: Timestamp,
        /// Whose statement counts.
        teams: Vec<TeamName>,
        /// Statements that do not count, and why.
        unheard: Vec<(PersonName, Unheard)>,
    },
    /// Independent witnesses have to have cosigned the entry that accepted it.
    Unwitnessed {
        /// The entry.
        sequence: u64,
        /// How many of them.
        required: u32,
        /// Who has.
        by: Vec<WitnessName>,
        /// Who has not.
        missing: Vec<WitnessName>,
    },
    /// Time has to pass.
    Until {
        /// The stage that it may not go on to.
        stage: StageName,
        /// When it may.
        at: Timestamp,
    },
}

impl fmt::Display for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Go(_) => f.write_str("may go on"),
            Self::Waiting { stage, target } => {
                write!(f, "waits for {target} of stage {stage}")
            }
            Self::Stopped {
                stage,
                target,
                code,
            } => write!(f, "stopped, for {target} of stage {stage} failed: {code}"),
            Self::Held {
                stage,
                since,
                teams,
                unheard,
            } => {
                let teams: Vec<String> = teams.iter().map(ToString::to_string).collect();
                let teams = teams.join(" or ");
                write!(f, "held since {since} until one of {teams} lifts {stage}")?;
                unheard
                    .iter()
                    .try_for_each(|(person, why)| write!(f, "; {person} {why}"))
            }
            Self::Unwitnessed {
                sequence,
                required,
                by,
                missing,
            } => {
                let code = Code::UNWITNESSED;
                let missing = listed(missing, " or ");
                write!(f, "{code}: held until {required} of the log's witnesses ")?;
                write!(f, "have cosigned entry {sequence}; waits for {missing}")?;
                match by.is_empty() {
                    true => Ok(()),
                    false => write!(f, ", after {}", listed(by, " and ")),
                }
            }
            Self::Until { stage, at } => write!(f, "held until {at}, then {stage} begins"),
        }
    }
}

fn listed(names: &[WitnessName], between: &str) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    names.join(between)
}

/// Why a statement does not lift a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Unheard {
    /// Its signer is in none of the teams.
    #[error("is in none of these teams")]
    OtherTeam,
    /// Its signer contributed to the release.
    #[error("had a part in this release")]
    HadAPart,
    /// It came before there was anything to lift.
    #[error("said so before the stages before had it")]
    TooEarly,
    /// It has expired.
    #[error("said so for a time that is over")]
    Expired,
}

/// Whether the release may go on to `target`, which is in the stage at place `at`.
#[must_use]
pub fn admit(passage: &Passage, at: usize, target: &TargetName, now: Timestamp) -> Admission {
    let Some(stage) = passage.stages.get(at) else {
        return Admission::Go(Vec::new());
    };
    let own = stage.targets.iter().find(|own| own.name == *target);
    if own.is_some_and(|own| matches!(own.standing, Standing::Holds(_))) {
        // What it has, it may be brought to again.
        return Admission::Go(Vec::new());
    }
    let since = match before(passage, at) {
        Ok(since) => since,
        Err(stopped) => return stopped,
    };
    let by = match lifted(passage, stage, since, now) {
        Ok(by) => by,
        Err(held) => return held,
    };
    match stage.after.map(|span| since.plus(span)) {
        Some(end) if now < end => Admission::Until {
            stage: stage.name.clone(),
            at: end,
        },
        Some(_) | None => Admission::Go(by),
    }
}

/// Since when every target of the stages before has the release; or what is missing.
fn before(passage: &Passage, at: usize) -> Result<Timestamp, Admission> {
    let mut since = passage.accepted;
    for stage in passage.stages.iter().take(at) {
        let failed = stage
            .targets
            .iter()
            .find_map(|target| match &target.standing {
                Standing::Failed(code) => Some((target, code)),
                Standing::Without | Standing::Holds(_) => None,
            });
        if let Some((target, code)) = failed {
            return Err(Admission::Stopped {
                stage: stage.name.clone(),
                target: target.name.clone(),
                code: code.clone(),
            });
        }
        for target in &stage.targets {
            match &target.standing {
                Standing::Holds(when) => since = since.max(*when),
                Standing::Without | Standing::Failed(_) => {
                    return Err(Admission::Waiting {
                        stage: stage.name.clone(),
                        target: target.name.clone(),
                    });
                }
            }
        }
    }
    Ok(since)
}

/// Who lifted the hold before a stage; nobody where nobody has to.
fn lifted(
    passage: &Passage,
    stage: &StageState,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<PersonName>, Admission> {
    let Some(lifters) = &stage.lifters else {
        return Ok(Vec::new());
    };
    let mut by = BTreeSet::new();
    let mut unheard = BTreeSet::new();
    for lift in passage.lifts.iter().filter(|lift| lift.stage == stage.name) {
        match hear(lifters, lift, since, now) {
            Ok(()) => by.insert(lift.by.clone()),
            Err(why) => unheard.insert((lift.by.clone(), why)),
        };
    }
    if by.is_empty() {
        return Err(Admission::Held {
            stage: stage.name.clone(),
            since,
            teams: lifters.teams.clone(),
            unheard: unheard.into_iter().collect(),
        });
    }
    Ok(by.into_iter().collect())
}

fn hear(lifters: &Lifters, lift: &Lift, since: Timestamp, now: Timestamp) -> Result<(), Unheard> {
    if !lifters.people.contains(&lift.by) {
        Err(Unheard::OtherTeam)
    } else if lifters.barred.contains(&lift.by) {
        Err(Unheard::HadAPart)
    } else if lift.seen.is_none_or(|seen| seen < since) {
        Err(Unheard::TooEarly)
    } else if lift.expires.is_some_and(|expires| expires <= now) {
        Err(Unheard::Expired)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
