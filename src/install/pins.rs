//! Where judging starts: what the protected refs name on the day of the installation.

use super::report::{Report, StepState};
use super::{InstallError, Mode};
use crate::audit::{AuditLog, Event, Pin};
use crate::folder::{Folder, replace_file};
use crate::ledger::Ledger;
use crate::policy::{POLICY_REF, Policy};
use crate::types::{Oid, RefName, Timestamp, escape};
use std::path::{Path, PathBuf};

/// Made last; where it is, the installation was finished once and nothing is taken as given again.
fn mark(git_dir: &Path) -> PathBuf {
    git_dir.join("relhook").join("installed")
}

/// Whether an installation was finished here once.
///
/// # Errors
/// When the system says neither yes nor no.
pub(in crate::install) fn is_finished(git_dir: &Path) -> Result<bool, InstallError> {
    let path = mark(git_dir);
    path.try_exists().map_err(InstallError::io(&path))
}

/// A protected ref and what it names.
type Found = (RefName, Oid);

/// Begins the audit log and takes the present values of the protected refs as given: those whose
/// rule names a baseline excepted, for they are judged from there.
///
/// # Errors
/// When a ref cannot be read, or the log or the ledger cannot be written.
pub(in crate::install) fn put(
    repository: &git2::Repository,
    git_dir: &Path,
    policy: &Policy,
    mode: Mode,
    report: &mut Report,
) -> Result<(), InstallError> {
    if is_finished(git_dir)? {
        let log = AuditLog::at(Folder::open(git_dir)?.path());
        if !log.is_old()? {
            report.step(StepState::Kept, "audit log and pins");
            return Ok(());
        }
        return take_over(&log, policy, mode, report);
    }
    let found = protected(repository, policy, report)?;
    if mode == Mode::DryRun {
        report.step(StepState::Would, "audit log");
        for (refname, oid) in found {
            report.step(StepState::Would, sentence(&refname, oid));
        }
        return Ok(());
    }
    let folder = Folder::open(git_dir)?;
    let log = AuditLog::at(folder.path());
    begin(&log, policy, report)?;
    let ledger = Ledger::open(folder.path(), &log)?;
    for (refname, oid) in found {
        pin(&log, &ledger, &refname, oid)?;
        report.step(StepState::Done, sentence(&refname, oid));
    }
    let done = mark(git_dir);
    replace_file(&done, env!("CARGO_PKG_VERSION").as_bytes()).map_err(InstallError::io(&done))
}

/// Brings the log of an earlier relhook into its present form.
fn take_over(
    log: &AuditLog,
    policy: &Policy,
    mode: Mode,
    report: &mut Report,
) -> Result<(), InstallError> {
    const STEP: &str = "audit log: every entry into its new form";
    match mode {
        Mode::DryRun => report.step(StepState::Would, STEP),
        Mode::Apply => {
            log.migrate(&policy.repository.0, now())?;
            report.step(StepState::Done, STEP);
        }
    }
    Ok(())
}

fn begin(log: &AuditLog, policy: &Policy, report: &mut Report) -> Result<(), InstallError> {
    if log.is_old()? {
        take_over(log, policy, Mode::Apply, report)?;
    } else if log.is_begun()? {
        log.last()?;
        report.step(StepState::Kept, "audit log");
    } else {
        log.begin(&policy.repository.0, now())?;
        report.step(StepState::Done, "audit log");
    }
    Ok(())
}

/// The log first: the ledger can be made again from it.
fn pin(log: &AuditLog, ledger: &Ledger, refname: &RefName, oid: Oid) -> Result<(), InstallError> {
    if ledger.record(refname)?.knows(oid) {
        return Ok(());
    }
    let event = Event::Pinned(Pin::new(refname, oid, &crate::setup::acting()));
    log.append(now(), event)?;
    ledger.pin(refname, oid)?;
    Ok(())
}

fn sentence(refname: &RefName, oid: Oid) -> String {
    if refname.as_bytes() == POLICY_REF.as_bytes() {
        format!("pin {refname} at {}", oid.short())
    } else {
        format!(
            "pin {refname} at {}: its history is taken as given",
            oid.short()
        )
    }
}

fn protected(
    repository: &git2::Repository,
    policy: &Policy,
    report: &mut Report,
) -> Result<Vec<Found>, InstallError> {
    let mut found = Vec::new();
    for reference in repository.references()? {
        let reference = reference?;
        let Ok(refname) = RefName::new(reference.name_bytes()) else {
            continue;
        };
        if !policy.protects(&refname) {
            continue;
        }
        if policy
            .rules_for(&refname)
            .iter()
            .any(|rule| rule.baseline.is_some())
        {
            continue;
        }
        let target = reference.target().map(|oid| repository.find_commit(oid));
        match target {
            Some(Ok(commit)) => found.push((refname, id(&commit)?)),
            _ => report.warnings.push(format!(
                "{} is protected and does not name a commit: no push to it will pass",
                escape(reference.name_bytes())
            )),
        }
    }
    Ok(found)
}

fn id(commit: &git2::Commit<'_>) -> Result<Oid, InstallError> {
    Oid::from_bytes(commit.id().as_bytes()).map_err(|error| InstallError::Unreadable {
        why: error.to_string(),
    })
}

/// The system's clock, in whole seconds.
fn now() -> Timestamp {
    Timestamp::from_unix(jiff::Timestamp::now().as_second())
}
