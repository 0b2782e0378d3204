//! Whether the protected refs are what the log accepted, and whether another could be taken for one.

use crate::doctor::patient::Patient;
use crate::doctor::words::Words;
use crate::doctor::{Finding, refs};
use crate::facts::{Current, Memory, is_confusing};
use crate::ledger::Ledger;
use crate::policy::Policy;
use crate::server::Server;
use crate::types::{Oid, RefName, shell_word};

/// So many refs of one kind are named.
const MAX_SHOWN: usize = 8;

/// Looks at them.
pub(super) fn examine(patient: &Patient, server: &Server, ledger: &Ledger) -> Vec<Finding> {
    let Some(bundle) = patient.bundle() else {
        return Vec::new();
    };
    let listed = match refs::list(&patient.git_dir, &patient.git) {
        Ok(listed) => listed,
        Err(error) => return vec![Finding::unknown("moved-refs", error.to_string())],
    };
    let names: Vec<RefName> = listed.iter().filter_map(refs::Listed::name).collect();
    let mut found = moved(patient, (server, ledger), &bundle.policy, &names);
    found.extend(confusing(&bundle.policy, &names, &patient.words));
    found
}

fn moved(
    patient: &Patient,
    (server, ledger): (&Server, &Ledger),
    policy: &Policy,
    names: &[RefName],
) -> Vec<Finding> {
    let check = "moved-refs";
    let mut found = Vec::new();
    for name in names.iter().filter(|name| policy.protects(name)) {
        match stands(server, ledger, name) {
            Ok(None) => {}
            Ok(Some(stray)) => found.push(judge(name, stray, &patient.words)),
            Err(why) => found.push(Finding::unknown(check, format!("{name}: {why}"))),
        }
    }
    found.truncate(MAX_SHOWN);
    if found.is_empty() {
        let what = "every protected ref is where the log last let it go";
        found.push(Finding::ok(check, what));
    }
    found
}

/// A ref that is where no verdict put it.
#[derive(Debug, Clone, Copy)]
struct Stray {
    is: Oid,
    /// The last value that was accepted for it, or taken as given.
    accepted: Option<Oid>,
}

fn stands(server: &Server, ledger: &Ledger, name: &RefName) -> Result<Option<Stray>, String> {
    let current = server.store.current(name);
    let is = match current.map_err(|fault| fault.to_string())? {
        Current::At(oid) => oid,
        // What is symbolic is told by another check.
        Current::Absent | Current::Symbolic { .. } => return Ok(None),
        Current::Unreadable { why } => return Err(why),
    };
    let record = ledger.record(name);
    if record.map_err(|error| error.to_string())?.knows(is) {
        return Ok(None);
    }
    let accepted = ledger.approved(name, None)?;
    Ok(Some(Stray { is, accepted }))
}

fn judge(name: &RefName, stray: Stray, words: &Words) -> Finding {
    let is = stray.is;
    let finding = Finding::error(
        "moved-refs",
        match stray.accepted {
            Some(oid) => format!(
                "{name} is at {}, where no verdict put it: last accepted was {}. Nothing of it is \
                 released",
                is.short(),
                oid.short()
            ),
            None => format!(
                "{name} is at {}, and nothing was ever accepted for it. Nothing of it is released",
                is.short()
            ),
        },
    )
    .advice(
        "something wrote it past the hooks: find out what. The reflog keeps what it was moved to",
    );
    // The second lock would refuse this as it has to refuse everything without a verdict.
    let ungated = format!(
        "git -C {} -c core.hooksPath=/dev/null update-ref",
        words.git_dir()
    );
    let word = shell_word(&name.to_string());
    match stray.accepted {
        Some(oid) => finding.mend(words.own(&format!("{ungated} {word} {oid} {is}"))),
        None => finding.mend(words.own(&format!("{ungated} -d {word} {is}"))),
    }
}

fn confusing(policy: &Policy, names: &[RefName], words: &Words) -> Vec<Finding> {
    let check = "lookalike-refs";
    let found = names.iter().filter(|name| is_confusing(policy, name));
    let found = found.take(MAX_SHOWN).map(|name| {
        let word = shell_word(&name.to_string());
        Finding::warning(
            check,
            format!("{name} can be taken for a protected ref, and no rule protects it"),
        )
        .mend(words.own(&format!("git -C {} update-ref -d {word}", words.git_dir())))
        .advice("people and programs may release the wrong one")
    });
    let mut found: Vec<Finding> = found.collect();
    if found.is_empty() {
        found.push(Finding::ok(check, "no ref looks like a protected one"));
    }
    found
}
