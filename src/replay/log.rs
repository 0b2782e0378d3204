//! The replay of a log: every accepted push judged again, and every ref followed.

use super::account::{Replay, Source};
use super::finding::{Finding, Weight};
use super::judge::Judge;
use super::memory::Then;
use super::policies::Policies;
use super::pushers::Pushers;
use super::run::Run;
use super::story::{Story, What};
use crate::audit::{AuditError, AuditLog, Report, verify_entries};
use crate::decide::Code;
use crate::facts::{Current, Fault, Store};
use crate::statement::STATEMENT_PREFIX;
use crate::types::RefName;
use std::collections::BTreeMap;

/// So many refs of a repository are looked at.
const MAX_REFS: usize = 200_000;
/// So often the log is read again because it grew meanwhile.
const MAX_READS: usize = 5;

/// What it means that a piece of evidence is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// It has to be there.
    Found,
    /// A copy need not have it.
    Doubt,
}

impl Lost {
    pub(super) fn weight(self) -> Weight {
        match self {
            Self::Found => Weight::Found,
            Self::Doubt => Weight::Doubt,
        }
    }
}

/// Why there is no replay.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The log cannot be read, or does not verify.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The repository cannot be read.
    #[error("{0}")]
    Store(#[from] Fault),
    /// There is no folder for the keys of policies.
    #[error("a folder for keys cannot be made: {0}")]
    Home(#[from] std::io::Error),
    /// The log grew each time while it was read.
    #[error("the log grew while it was read, {MAX_READS} times over: try again")]
    Busy,
}

/// Judges every accepted push of a log again and follows the refs: those of `wanted`, or every one that
/// is or was protected. The policy's own ref always is among them.
///
/// # Errors
/// When the log does not verify, or the repository cannot be read.
pub fn of_log(
    log: &AuditLog,
    store: Store,
    wanted: &[RefName],
    lost: Lost,
) -> Result<Replay, ReplayError> {
    let (story, report, now) = read(log, &store, wanted)?;
    let judge = Judge {
        log,
        store,
        policies: Policies::new()?,
        then: Then::default(),
        story: &story,
        lost,
        pushers: Pushers::default(),
    };
    let mut run = Run::new(judge, wanted);
    for (seq, time, why) in &story.unread {
        let finding = Finding::new(Code::REPLAY_DIFFERS, Weight::Found, why);
        run.findings.push(finding.at(*seq, *time));
    }
    for step in &story.steps {
        match &step.what {
            What::Pin { refname, oid } => run.pin(refname, *oid, (step.seq, step.time)),
            What::Moved(moved) => run.became(moved, (step.seq, step.time)),
            What::Verdict(record) => run.verdict(record, (step.seq, step.time)),
            What::Lifted(release) => run.lifted(release, (step.seq, step.time)),
        }
    }
    run.end(&now);
    Ok(Replay {
        repository: story.repository.clone(),
        source: Source::Log {
            entries: report.entries,
            checkpoint: report.checkpoint.to_string(),
        },
        refs: run.accounts(&now),
        moves: run.moves,
        findings: run.findings,
        remarks: run.remarks,
    })
}

/// What refs name, by name.
pub(super) type Now = BTreeMap<RefName, Current>;

/// The log, and what the refs name with it: a ref that moved while the log was read would seem to have
/// moved by itself.
pub(super) fn read(
    log: &AuditLog,
    store: &Store,
    wanted: &[RefName],
) -> Result<(Story, Report, Now), ReplayError> {
    for _ in 0..MAX_READS {
        let mut story = Story::default();
        let report = verify_entries(log, |entry| story.take(entry))?;
        let now = look(&story, store, wanted);
        if log.is_copy() || log.last()?.seq == report.entries {
            return Ok((story, report, now));
        }
    }
    Err(ReplayError::Busy)
}

/// Every ref but relhook's own, of which a repository may have more than all others.
fn listed(store: &Store) -> Result<Vec<RefName>, Fault> {
    let mut names = Vec::new();
    for top in store.names_below(b"refs/", MAX_REFS)? {
        if top == b"relhook" {
            continue;
        }
        let name = [b"refs/", top.as_slice()].concat();
        names.extend(RefName::new(&name));
        let below = store.refs_below(&[name.as_slice(), b"/"].concat(), MAX_REFS)?;
        names.extend(below.into_iter().map(|(name, _)| name));
    }
    Ok(names)
}

/// What the refs name: those of the log, those that are asked for, and all others that can be listed.
fn look(story: &Story, store: &Store, wanted: &[RefName]) -> Now {
    let mut names = story.refs();
    names.extend(wanted.iter().cloned());
    let listed = listed(store);
    names.extend(listed.iter().flatten().cloned());
    names.retain(|name| !name.is_under(STATEMENT_PREFIX));
    let look = |name: RefName| {
        let current = store.current(&name);
        let current = current.unwrap_or_else(|fault| Current::Unreadable {
            why: fault.to_string(),
        });
        (name, current)
    };
    let mut now: Now = names.into_iter().map(look).collect();
    if let (Err(fault), Ok(all)) = (listed, RefName::new(b"refs/heads")) {
        let why = format!("the refs cannot be listed: {fault}");
        now.insert(all, Current::Unreadable { why });
    }
    now
}
