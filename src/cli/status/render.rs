//! The answer as text.

use super::server::ServerState;
use super::{Seen, Status};
use crate::client::{Deputy, Stored};
use crate::decide::{DebtState, DebtVerdict};
use crate::policy::Policy;
use crate::statement::Decision;
use crate::types::{RefName, escape, shell_word};
use std::fmt::Write;

/// So many statements are shown.
const MAX_STATEMENTS: usize = 50;

/// The whole answer.
pub(super) fn answer(status: &Status) -> String {
    let mut text = String::new();
    let repository = escape(status.policy.repository.0.as_bytes());
    let seen = match &status.seen {
        Seen::Server(_) => "on the server".to_owned(),
        Seen::Clone { remote, offline } => {
            let when = if *offline { ", as last fetched" } else { "" };
            format!("of {remote}{when}")
        }
    };
    let policy = status.policy_id.short();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{repository}, policy {policy} {seen}");
    text.push_str("\nprotected refs\n");
    for (name, oid) in &status.standing.refs {
        let needs = needs(&status.policy, name);
        let _ = writeln!(text, "  {} {name}{needs}", oid.short());
        let rules = status.policy.rules_for(name);
        if let Some(hours) = status.policy.hours(&rules, status.now) {
            let _ = writeln!(text, "      {}", hours.shown());
        }
    }
    write_debts(&mut text, &status.debts);
    write_statements(&mut text, status);
    write_deputies(&mut text, &status.standing.deputies);
    if let Seen::Server(state) = &status.seen {
        write_server(&mut text, state);
    }
    text
}

/// `, 1 of reviewers`: what every rule of the ref asks for.
fn needs(policy: &Policy, name: &RefName) -> String {
    let rules = policy.rules_for(name);
    let rules = rules.iter().map(|rule| {
        let teams: Vec<String> = rule.from.iter().map(ToString::to_string).collect();
        let only = match rule.only_warns() {
            true => " (ONLY WARNS)",
            false => "",
        };
        format!(", needs {} of {}{only}", rule.required, teams.join(" or "))
    });
    rules.collect()
}

/// What went in by emergencies and is owed.
fn write_debts(text: &mut String, debts: &[DebtVerdict]) {
    let mut open = debts.iter().filter(|debt| debt.state.is_open()).peekable();
    if open.peek().is_some() {
        text.push_str("\nREVIEWS OWED for what went in by an emergency\n");
    }
    for debt in open {
        let (commit, name, due) = (debt.debt.commit.short(), &debt.refname, debt.debt.due);
        let when = match debt.overdue {
            true => format!("OVERDUE since {due}: nothing else goes to this ref"),
            false => format!("due by {due}"),
        };
        let _ = writeln!(
            text,
            "  {commit} on {name}, let in by entry {}",
            debt.debt.entry
        );
        let _ = writeln!(text, "      {when}");
        if let DebtState::Open { notes, could } = &debt.state {
            for note in notes {
                let _ = writeln!(text, "      {} ({})", note.text, note.code);
            }
            let could: Vec<String> = could.iter().map(ToString::to_string).collect();
            let could = match could.as_slice() {
                [] => "nobody is left who could approve it: take it back".to_owned(),
                could => format!("{} can look at it:", could.join(" or ")),
            };
            let _ = writeln!(text, "      {could}");
        }
        let subject = debt.debt.commit.subject();
        let name = shell_word(&name.to_string());
        let _ = writeln!(text, "      relhook approve {subject} --ref {name}");
    }
}

fn write_statements(text: &mut String, status: &Status) {
    let statements = &status.standing.statements;
    if statements.is_empty() {
        text.push_str("\nno statement about anything that is not in yet\n");
        return;
    }
    text.push_str("\nstatements about what is not in yet\n");
    for stored in statements.iter().take(MAX_STATEMENTS) {
        text.push_str(&row(stored));
    }
    let more = statements.len().saturating_sub(MAX_STATEMENTS) + status.standing.unread;
    if more > 0 {
        let _ = writeln!(text, "  and {more} more");
    }
}

/// `  yes 4f00aa1 for refs/heads/prod by remy, 0a1b2c3d4e5f`.
fn row(stored: &Stored) -> String {
    let statement = &stored.statement;
    let word = match statement.decision {
        Decision::Approve => "yes",
        Decision::Reject => "no ",
        Decision::Lift => "go ",
        Decision::Withdraw { .. } => "-  ",
        Decision::Emergency => "911",
        Decision::Delegate => "dep",
        Decision::Rollback => "rb ",
        Decision::Check => "chk",
    };
    let signer = stored.signer.as_ref().map(ToString::to_string);
    let signer = signer.or_else(|| stored.machine.as_ref().map(ToString::to_string));
    let signer = signer.unwrap_or_else(|| "nobody who counts".to_owned());
    let check = statement.particulars.check.as_ref();
    let check = check.map_or_else(String::new, |check| {
        let how = if check.passed { "passed" } else { "failed" };
        format!(": {} {how}", check.name)
    });
    let mut row = format!(
        "  {word} {} for {}{check} by {signer}, {}\n",
        statement.commit.short(),
        statement.refname.short(),
        stored.tag.subject(),
    );
    if let Some(until) = statement.expires {
        let _ = writeln!(row, "      until {until}");
    }
    if let Some(reason) = &statement.reason {
        let _ = writeln!(row, "      {}", escape(reason.as_bytes()));
    }
    row
}

/// Who stands in for whom. Nothing where nobody does.
fn write_deputies(text: &mut String, deputies: &[Deputy]) {
    if !deputies.is_empty() {
        text.push_str("\ndeputies\n");
    }
    for deputy in deputies.iter().take(MAX_STATEMENTS) {
        text.push_str(&crate::cli::delegate::row(deputy));
    }
    let more = deputies.len().saturating_sub(MAX_STATEMENTS);
    if more > 0 {
        let _ = writeln!(text, "  and {more} more");
    }
}

fn write_server(text: &mut String, state: &ServerState) {
    text.push_str("\nserver\n");
    match &state.log {
        Ok(last) => {
            let _ = writeln!(
                text,
                "  log: entry {} of {} is the last",
                last.seq, last.time
            );
        }
        Err(why) => {
            let _ = writeln!(text, "  log: BROKEN: {why}");
        }
    }
    if state.missing.is_empty() {
        text.push_str("  hooks and settings: in place\n");
    }
    for missing in &state.missing {
        let _ = writeln!(text, "  MISSING: {missing}");
    }
    if !state.missing.is_empty() {
        text.push_str("  hint: relhook init puts them in place\n");
    }
    for stray in &state.strays {
        let _ = writeln!(text, "  MOVED: {stray} is where no recorded verdict put it");
    }
    for warning in &state.warnings {
        let _ = writeln!(text, "  warning: {warning}");
    }
    text.push_str("\ntargets\n");
    match &state.targets {
        Ok(targets) if targets.is_empty() => text.push_str("  none\n"),
        Ok(targets) => {
            for line in targets
                .iter()
                .map(crate::cli::release::shown)
                .collect::<String>()
                .lines()
            {
                let _ = writeln!(text, "  {line}");
            }
        }
        Err(why) => {
            let _ = writeln!(text, "  cannot be told: {why}");
        }
    }
}
