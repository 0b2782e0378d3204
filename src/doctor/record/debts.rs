//! Reviews that are owed for emergencies: whether one is overdue.

use crate::doctor::Finding;
use crate::facts::Debt;
use crate::ledger::{Ledger, LedgerError};
use crate::types::{RefName, Timestamp, escape, shell_word};

const CHECK: &str = "debts";

/// Looks at what the ledger remembers. `now` is the server's time.
pub(super) fn examine(ledger: &Ledger, now: Timestamp) -> Vec<Finding> {
    match ledger.refs().map(|refs| {
        let refs = refs.into_iter();
        let open = refs.flat_map(|(name, known)| {
            let open = known.emergencies().iter().filter(|debt| debt.is_open());
            let open: Vec<(RefName, Debt)> =
                open.map(|debt| (name.clone(), debt.clone())).collect();
            open
        });
        open.collect::<Vec<_>>()
    }) {
        Ok(open) => judge(&open, now),
        Err(error) => vec![unread(&error)],
    }
}

fn unread(error: &LedgerError) -> Finding {
    Finding::error(CHECK, format!("what is owed cannot be told: {error}"))
}

fn judge(open: &[(RefName, Debt)], now: Timestamp) -> Vec<Finding> {
    let overdue = open.iter().filter(|(_, debt)| debt.is_overdue(now));
    let overdue: Vec<Finding> = overdue.map(|(name, debt)| late(name, debt)).collect();
    if !overdue.is_empty() {
        return overdue;
    }
    let dues = open.iter().map(|(_, debt)| debt.due);
    let what = match dues.min() {
        None => "no review is owed for an emergency".to_owned(),
        Some(due) => format!("reviews that are owed for emergencies have time until {due}"),
    };
    vec![Finding::ok(CHECK, what)]
}

fn late(name: &RefName, debt: &Debt) -> Finding {
    let commit = debt.commit.short();
    let refname = escape(name.as_bytes());
    let what = format!(
        "the review of {commit}, which an emergency let in to {refname} (entry {}), is overdue since {}: \
         nothing else goes there",
        debt.entry, debt.due
    );
    Finding::warning(CHECK, what).advice(format!(
        "somebody who had no hand in it looks at it and runs, in a clone: relhook approve {} --ref {}",
        debt.commit.subject(),
        shell_word(&name.to_string())
    ))
}
