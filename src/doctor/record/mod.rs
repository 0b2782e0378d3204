//! What relhook itself keeps: its folder, the log, the ledger, and whether the refs are what the log
//! accepted.

mod debts;
mod heartbeats;
mod refs;
mod releases;
mod streams;
mod witnesses;

use super::Finding;
use super::patient::Patient;
use crate::audit::AuditLog;
use crate::facts::Store;
use crate::folder::{Folder, FolderError};
use crate::ledger::Ledger;
use crate::server::Server;
use crate::types::{Timestamp, escape};
use std::os::unix::ffi::OsStrExt;

/// A clock may be so many seconds behind the log before it is worth a word.
const SLACK: i64 = 60;

/// Looks at it.
pub(in crate::doctor) fn examine(patient: &Patient) -> Vec<Finding> {
    let mut found = policy(patient);
    found.push(folder(patient));
    let Ok(folder) = Folder::open(&patient.git_dir) else {
        return found;
    };
    let audit = AuditLog::at(folder.path());
    found.push(readers(&audit, patient));
    found.extend(log(&audit, patient));
    if let Some(bundle) = patient.bundle() {
        found.extend(streams::examine(
            &audit,
            folder.path(),
            bundle,
            &patient.words,
        ));
        found.extend(witnesses::examine(&audit, &bundle.policy.audit));
    }
    match server(patient) {
        Ok((server, ledger)) => {
            found.push(Finding::ok("ledger", "the ledger can be read"));
            found.extend(refs::examine(patient, &server, &ledger));
            let last = audit.last().map(|last| last.time);
            let now = crate::hook::clock();
            found.extend(debts::examine(
                &ledger,
                last.map_or(now, |last| now.max(last)),
            ));
            drop(ledger);
            found.extend(releases::examine(patient, &server));
        }
        Err(why) => found.push(
            Finding::error("ledger", format!("the ledger cannot be used: {why}")).advice(
                "it is made again from the log once the log can be read: `relhook audit verify`",
            ),
        ),
    }
    found
}

fn server(patient: &Patient) -> Result<(Server, Ledger), String> {
    let store = Store::open(&patient.git_dir).map_err(|error| error.to_string())?;
    let server = Server::beside(store).map_err(|error| error.to_string())?;
    let ledger = server.ledger().map_err(|error| error.to_string())?;
    Ok((server, ledger))
}

fn policy(patient: &Patient) -> Vec<Finding> {
    let check = "policy";
    match &patient.policy {
        Ok(Some((commit, bundle))) => {
            let name = patient.repository_name().unwrap_or_default();
            let what = format!("the policy of {name} is in force ({})", commit.short());
            let mut found = vec![Finding::ok(check, what)];
            found.extend(lint(patient, &bundle.policy));
            found.push(keys(patient, bundle));
            found
        }
        Ok(None) => vec![
            Finding::error(check, "no policy is in force: every push is refused")
                .mend(
                    patient
                        .words
                        .relhook(&["init", "--policy", "policy.yaml", "--keys", "keys"]),
                )
                .advice("write policy.yaml first: docs/policy.md"),
        ],
        Err(why) => vec![
            Finding::error(
                check,
                format!("the policy in force cannot be used, so every push is refused: {why}"),
            )
            .advice("look at it with `git show refs/relhook/policy:policy.yaml`"),
        ],
    }
}

/// What is allowed in a policy and worth a second look.
fn lint(patient: &Patient, policy: &crate::policy::Policy) -> Vec<Finding> {
    let check = "policy-lint";
    let refs = super::refs::list(&patient.git_dir, &patient.git).unwrap_or_default();
    let names: Vec<_> = refs.iter().filter_map(super::refs::Listed::name).collect();
    let warnings = crate::policy::warnings(policy, Some(&names));
    if warnings.is_empty() {
        return vec![Finding::ok(
            check,
            "nothing in the policy is worth a second look",
        )];
    }
    let found = warnings.iter().map(|warning| {
        Finding::warning(check, warning.to_string()).advice(
            "change it like code: commit, let somebody approve, push to refs/relhook/policy",
        )
    });
    found.collect()
}

/// Whether the policy's keys can be used, in a folder that is gone afterwards.
fn keys(patient: &Patient, bundle: &crate::policy::Bundle) -> Finding {
    let check = "keys";
    match crate::install::prove(bundle) {
        Ok(()) => Finding::ok(check, "every key of the policy can be used"),
        Err(why) => Finding::error(
            check,
            format!("the policy's keys cannot be used, so every push is refused: {why}"),
        )
        .mend("gpg --version && gpgsm --version".to_owned())
        .advice(format!(
            "GnuPG has to be installed for OpenPGP and X.509 keys, and to work for {}",
            patient.account.shown()
        )),
    }
}

fn folder(patient: &Patient) -> Finding {
    let check = "folder";
    let words = &patient.words;
    let own = format!("{}/relhook", words.git_dir());
    match Folder::open(&patient.git_dir) {
        Ok(_) => Finding::ok(
            check,
            "relhook/ is this account's alone, and the audit group's to read",
        ),
        Err(error @ FolderError::Absent { .. }) => {
            Finding::error(check, format!("{error}; every push is refused"))
                .mend(words.relhook(&["init"]))
        }
        Err(error @ FolderError::Exposed { .. }) => {
            Finding::error(check, format!("{error}; every push is refused"))
                .mend(format!("chown {} {own}", patient.account.shown()))
                .mend(format!("chmod 0700 {own}"))
        }
        Err(error @ FolderError::Group { .. }) => {
            Finding::error(check, format!("{error}; every push is refused"))
                .mend(words.relhook(&["init"]))
        }
        Err(error @ FolderError::Io { .. }) => Finding::error(check, error.to_string()),
    }
}

/// Whether anybody can get at the log who may not.
fn readers(log: &AuditLog, patient: &Patient) -> Finding {
    let check = "log-readers";
    let exposures = match log.exposures() {
        Ok(exposures) => exposures,
        Err(error) => return Finding::error(check, error.to_string()),
    };
    let Some(first) = exposures.first() else {
        return Finding::ok(check, "nobody can get at the log but those who may");
    };
    let more = match exposures.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more like it"),
    };
    let path = escape(first.path.as_os_str().as_bytes());
    Finding::error(check, format!("{path}: {}{more}", first.why))
        .mend(patient.words.relhook(&["init"]))
        .advice("find out who read or changed it meanwhile".to_owned())
}

fn log(log: &AuditLog, patient: &Patient) -> Vec<Finding> {
    let mut heartbeats = heartbeats::Heard::default();
    let report = match crate::audit::verify(log, |entry| heartbeats.take(entry)) {
        Ok(report) => report,
        Err(error) => {
            let file = escape(log.file().as_os_str().as_bytes());
            let finding = Finding::error("log", format!("the record is broken: {error}"));
            return vec![finding.advice(format!(
                "somebody or something changed {file}, or the disk is failing: keep it as it is, \
                 compare it with your backup, and find out which"
            ))];
        }
    };
    let what = format!(
        "the log is whole: {} entries, root {}",
        report.entries,
        report.checkpoint.root_base64()
    );
    vec![
        Finding::ok("log", what),
        clock(report.time, crate::hook::clock(), patient),
        heartbeats.judge(crate::hook::clock(), &patient.words),
    ]
}

/// Times in the log never go back, so a clock that was once far ahead leaves it there.
fn clock(last: Timestamp, now: Timestamp, patient: &Patient) -> Finding {
    let behind = last.as_unix().saturating_sub(now.as_unix());
    if behind <= SLACK {
        return Finding::ok("clock", "the clock is not behind the log");
    }
    Finding::warning(
        "clock",
        format!(
            "the clock is {behind} seconds behind the log's last entry ({last}): until then, \
             every push is judged at that time"
        ),
    )
    .mend("timedatectl set-ntp true".to_owned())
    .advice(format!(
        "find out which of the two is right; whoever sets the clock of {} decides what expires",
        patient.words.git_dir()
    ))
}
