//! What went another way than by the approvals that a rule asks for: emergencies, ways back, windows and
//! freezes that somebody overrode, rules that only warned, deputies.

use super::html::{branch, escape, people, shown};
use super::model::{Change, EmergencyOf, InStead, OverrideOf, Report, RollbackOf};
use crate::audit::SettledHow;
use std::fmt::Write;

/// How a change went in, by what is the least usual about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::report) enum Way {
    /// As the rules ask.
    Usual,
    /// Somebody approved in another's stead.
    Deputy,
    /// In hours that were shut.
    Override,
    /// Past a rule that only warns.
    Warned,
    /// Back to what was accepted before.
    Rollback,
    /// Without approval.
    Emergency,
}

impl Way {
    /// Every way, the usual one first.
    pub(in crate::report) const ALL: [Self; 6] = [
        Self::Usual,
        Self::Deputy,
        Self::Override,
        Self::Warned,
        Self::Rollback,
        Self::Emergency,
    ];

    /// That of a change.
    pub(in crate::report) fn of(change: &Change) -> Self {
        if change.emergency.is_some() {
            Self::Emergency
        } else if change.rollback.is_some() {
            Self::Rollback
        } else if !change.let_pass.is_empty() {
            Self::Warned
        } else if !change.overridden.is_empty() {
            Self::Override
        } else if !change.in_stead.is_empty() {
            Self::Deputy
        } else {
            Self::Usual
        }
    }

    /// In some words.
    pub(in crate::report) fn words(self) -> &'static str {
        match self {
            Self::Usual => "as the rules ask",
            Self::Deputy => "by a deputy's approval",
            Self::Override => "in hours that were shut",
            Self::Warned => "past a rule that only warns",
            Self::Rollback => "back to an earlier commit",
            Self::Emergency => "by an emergency",
        }
    }

    /// The colour that stands for it.
    pub(in crate::report) fn colour(self) -> &'static str {
        match self {
            Self::Usual => "var(--good)",
            Self::Deputy => "var(--mark)",
            Self::Override => "var(--shut)",
            Self::Warned => "var(--soft)",
            Self::Rollback => "var(--warn)",
            Self::Emergency => "var(--bad)",
        }
    }
}

/// All of it as a table; nothing where everything went as the rules ask.
pub(in crate::report) fn table(report: &Report) -> String {
    let mut rows = String::new();
    for change in report.changes.iter().rev() {
        for (what, how) in told(change) {
            let _ = writeln!(
                rows,
                "<tr><td class=\"time\">{}</td><td class=\"entry\"><a href=\"#entry-{1}\">{1}</a></td><td>{2} \
                 <span class=\"id\">{3}</span></td><td>{what}</td><td>{how}</td></tr>",
                shown(change.time),
                change.entry,
                escape(branch(&change.refname)),
                change.new.short(),
            );
        }
    }
    if rows.is_empty() {
        return rows;
    }
    format!(
        "<div class=\"wide\"><table class=\"rows\">\n<tr><th>when</th><th>entry</th><th>change</th><th>what</th>\
         <th>who, why, and how it ended</th></tr>\n{rows}</table></div>\n"
    )
}

/// What there is to say of a change: what it was, and how.
pub(in crate::report) fn told(change: &Change) -> Vec<(&'static str, String)> {
    let mut told = Vec::new();
    if let Some(one) = &change.emergency {
        told.push(("emergency", emergency(one)));
    }
    if let Some(one) = &change.rollback {
        told.push(("rollback", rollback(one)));
    }
    for one in &change.overridden {
        told.push(("override", overridden(one)));
    }
    if !change.let_pass.is_empty() {
        let codes = escape(&change.let_pass.join(", "));
        let how = format!(
            "<span class=\"warn\">not approved as asked</span>: a rule that only warns would have refused \
             it ({codes})"
        );
        told.push(("only warned", how));
    }
    if !change.in_stead.is_empty() {
        let stands_in = |one: &InStead| {
            let (person, of) = (escape(&one.person), escape(&one.of));
            format!("{person} approved in the stead of {of}")
        };
        let all: Vec<String> = change.in_stead.iter().map(stands_in).collect();
        told.push(("deputy", all.join("<br>")));
    }
    told
}

/// What an emergency says, and what came of the review.
fn emergency(emergency: &EmergencyOf) -> String {
    let ticket = emergency.ticket.as_deref();
    let ticket = ticket.map(|ticket| format!(" ({})", escape(ticket)));
    let waived = match emergency.waived.as_slice() {
        [] => String::new(),
        codes => format!(" in the place of {}", escape(&codes.join(", "))),
    };
    let review = match &emergency.settled {
        None => format!(
            "<span class=\"warn\">review owed</span>, due {}",
            shown(emergency.due)
        ),
        Some(settled) => {
            let how = match settled.how {
                SettledHow::Review => "reviewed",
                SettledHow::Revert => "taken back, approved",
            };
            format!(
                "<span class=\"good\">{how}</span> by {}, {} (entry {})",
                people(&settled.people),
                shown(settled.time),
                settled.entry
            )
        }
    };
    format!(
        "<span class=\"bad\">not approved</span>: declared by {}{waived}: {}{}<br>{review}",
        people(&emergency.people),
        escape(&emergency.reason),
        ticket.unwrap_or_default(),
    )
}

/// On whose word a ref went back, and what that undoes.
fn rollback(rollback: &RollbackOf) -> String {
    let words = rollback.by.iter();
    let words: Vec<String> = words
        .map(|word| format!("{}: {}", escape(&word.person), escape(&word.reason)))
        .collect();
    let words = match words.as_slice() {
        [] => people(&[]),
        words => words.join("<br>"),
    };
    let commits = match rollback.commits {
        1 => "1 commit".to_owned(),
        many => format!("{many} commits"),
    };
    format!("<span class=\"warn\">takes back {commits}</span><br>{words}")
}

fn overridden(one: &OverrideOf) -> String {
    let reason = one.reason.as_deref();
    let reason = reason.map_or_else(|| "no reason was given".to_owned(), escape);
    format!(
        "{} overrode <b>{}</b>: {reason}",
        escape(&one.person),
        escape(&one.name)
    )
}
