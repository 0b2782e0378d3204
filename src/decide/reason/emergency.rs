//! Why an emergency does not let something in, and that what one let in is owed for too long.

use super::words::any_of;
use crate::decide::Code;
use crate::types::{Oid, PersonName, RefName, RepoPath, TeamName, Timestamp, shell_word};
use std::collections::BTreeSet;

/// One reason of this kind. Its `Display` is the sentence, without a final period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmergencyFault {
    /// A rule knows no emergencies.
    #[error("no emergency lets anything in to `{rule}`")]
    Off {
        /// The rule's pattern, or the ref.
        rule: String,
    },
    /// The signer may not declare one.
    #[error("{person} may not declare an emergency here: only {} may", any_of(.teams))]
    Signer {
        /// Who.
        person: PersonName,
        /// The teams that may.
        teams: Vec<TeamName>,
    },
    /// The signature does not count.
    #[error("the emergency `{}` is signed by nobody who counts", .tag.short())]
    Unsigned {
        /// The statement's tag.
        tag: Oid,
    },
    /// It does not say why.
    #[error("the emergency does not say why in words that can be read")]
    NoReason,
    /// It names no ticket that fits.
    #[error("{}", said_ticket(.ticket.as_deref(), .pattern))]
    Ticket {
        /// What a ticket looks like.
        pattern: String,
        /// What it names, escaped.
        ticket: Option<String>,
    },
    /// It no longer counts.
    #[error("the emergency `{}` {}", .tag.short(), said_until(*.until))]
    Expired {
        /// The statement's tag.
        tag: Oid,
        /// Until when it counted; absent where nothing recorded when it arrived.
        until: Option<Timestamp>,
    },
    /// It was declared for a move from somewhere else.
    #[error("the emergency `{}` was declared on top of {}, and the ref is at {}", .tag.short(), at(*.base), at(*.real))]
    Elsewhere {
        /// The statement's tag.
        tag: Oid,
        /// What its signer took the ref to be.
        base: Option<Oid>,
        /// What the ref is.
        real: Option<Oid>,
    },
    /// It has let something in already.
    #[error("the emergency `{}` was used by entry {entry} of the log, and each is good for one push", .tag.short())]
    Used {
        /// The statement's tag.
        tag: Oid,
        /// The entry that used it.
        entry: u64,
    },
    /// Its signer took it back.
    #[error("the emergency was withdrawn by {person}")]
    Withdrawn {
        /// Who.
        person: PersonName,
    },
    /// Somebody else has to sign it too.
    #[error("the emergency of {person} needs one more signature, by somebody else of {}", any_of(.teams))]
    Cosign {
        /// Who declared it.
        person: PersonName,
        /// The teams one of whom has to sign too.
        teams: Vec<TeamName>,
        /// Who could.
        could: BTreeSet<PersonName>,
        /// The commit.
        commit: Oid,
        /// The ref.
        refname: RefName,
    },
    /// There were as many as the rule allows.
    #[error("there were {count} emergencies within {days} days, and the rule allows no more{}", from(*.next))]
    Limit {
        /// How many it allows.
        count: u32,
        /// In how many days.
        days: u64,
        /// When there may be another one.
        next: Option<Timestamp>,
    },
    /// A path is touched that no emergency lets anybody touch.
    #[error("no emergency lets anybody touch {} (`{path}`)", super::words::quoted(.patterns))]
    Paths {
        /// The first such path.
        path: RepoPath,
        /// The globs.
        patterns: Vec<String>,
    },
    /// What one let in is owed, and the deadline is past.
    #[error("`{}` went in by an emergency (entry {entry}), and its review has been overdue since {due}", .commit.short())]
    Overdue {
        /// The ref.
        refname: RefName,
        /// What went in.
        commit: Oid,
        /// The entry that let it in.
        entry: u64,
        /// The deadline.
        due: Timestamp,
        /// Who could settle it.
        could: BTreeSet<PersonName>,
    },
}

impl EmergencyFault {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Off { .. } => Code::EMERGENCY_OFF,
            Self::Signer { .. } | Self::Unsigned { .. } => Code::EMERGENCY_SIGNER,
            Self::NoReason => Code::EMERGENCY_REASON,
            Self::Ticket { .. } => Code::EMERGENCY_TICKET,
            Self::Expired { .. } => Code::EMERGENCY_EXPIRED,
            Self::Elsewhere { .. } => Code::EMERGENCY_ELSEWHERE,
            Self::Used { .. } => Code::EMERGENCY_USED,
            Self::Withdrawn { .. } => Code::EMERGENCY_WITHDRAWN,
            Self::Cosign { .. } => Code::EMERGENCY_COSIGN,
            Self::Limit { .. } => Code::EMERGENCY_LIMIT,
            Self::Paths { .. } => Code::EMERGENCY_PATHS,
            Self::Overdue { .. } => Code::DEBT_OVERDUE,
        }
    }

    /// What helps, where that depends on the facts.
    pub(super) fn hints(&self) -> Option<Vec<String>> {
        if let Self::Cosign {
            could,
            commit,
            refname,
            ..
        } = self
        {
            if could.is_empty() {
                return Some(vec!["nobody else is left in these teams".to_owned()]);
            }
            let (who, name) = (any_of(could), shell_word(&refname.to_string()));
            let commit = commit.subject();
            let run = format!("relhook emergency {commit} --ref {name} --reason <why>");
            return Some(vec![format!("ask {who} to sign too: {run}")]);
        }
        if let Self::Overdue {
            refname,
            commit,
            could,
            ..
        } = self
        {
            if could.is_empty() {
                let text = "nobody is left who could settle it by approving it: an approved change \
                            that takes all of it back does too";
                return Some(vec![text.to_owned()]);
            }
            let name = shell_word(&refname.to_string());
            let (who, commit) = (any_of(could), commit.subject());
            let run = format!("relhook approve {commit} --ref {name}");
            return Some(vec![format!(
                "ask {who} to look at it and settle it: {run}"
            )]);
        }
        None
    }

    /// Who could supply what is missing.
    #[must_use]
    pub fn helpers(&self) -> Option<&BTreeSet<PersonName>> {
        if let Self::Cosign { could, .. } | Self::Overdue { could, .. } = self {
            Some(could)
        } else {
            None
        }
    }
}

fn said_ticket(ticket: Option<&str>, pattern: &str) -> String {
    match ticket {
        None => format!("the emergency names no ticket, and it has to name one like `{pattern}`"),
        Some(ticket) => format!("the ticket `{ticket}` is not like `{pattern}`"),
    }
}

fn said_until(until: Option<Timestamp>) -> String {
    match until {
        Some(until) => format!("counted until {until} only"),
        None => "does not count: when it arrived is not recorded".to_owned(),
    }
}

fn at(oid: Option<Oid>) -> String {
    oid.map_or_else(|| "nothing".to_owned(), |oid| format!("`{}`", oid.short()))
}

fn from(next: Option<Timestamp>) -> String {
    next.map_or_else(String::new, |next| format!(" before {next}"))
}
