//! From the log to what a report tells.

use super::model::{
    Approval, Change, EmergencyOf, Kept, Note, Period, Refusal, ReleaseOf, Report, RollbackOf,
    SettledBy, Went,
};
use super::told::Told;
use crate::audit::{
    AuditError, AuditLog, Entry, Event, Hash, MoveOutcome, ReadRecord, RedactionRecord,
    ReleaseRecord, ReleaseState, SettledRecord, StreamRecord, StreamState, UpdateRecord,
    VerdictRecord, verify,
};
use crate::facts::{Current, Store};
use crate::object::{Commit, Tag};
use crate::policy::POLICY_REF;
use crate::statement::STATEMENT_PREFIX;
use crate::types::{Deadline, Oid, RefName, Timestamp};
use std::collections::{BTreeSet, HashMap};

/// Reads and verifies the whole log, and gathers what is in the period.
///
/// # Errors
/// When the log does not verify: then there is no report.
pub fn gather(
    log: &AuditLog,
    store: &Store,
    period: Period,
    made: Timestamp,
) -> Result<Report, AuditError> {
    let mut gathering = Gathering {
        period,
        repository: String::new(),
        entries: None,
        changes: Vec::new(),
        places: HashMap::new(),
        refusals: Vec::new(),
        notes: Vec::new(),
        seen: HashMap::new(),
        landed: BTreeSet::new(),
    };
    let verified = verify(log, |entry| gathering.take(entry))?;
    let key = log.key()?.as_str().to_owned();
    gathering.finish(log, store);
    Ok(Report {
        repository: gathering.repository,
        period,
        made,
        checkpoint: verified.checkpoint,
        key,
        entries: gathering.entries,
        redacted: verified.evidence_redacted,
        changes: gathering.changes,
        refusals: gathering.refusals,
        notes: gathering.notes,
    })
}

struct Gathering {
    period: Period,
    repository: String,
    entries: Option<(u64, u64)>,
    changes: Vec<Change>,
    /// The changes of an entry, by their places.
    places: HashMap<u64, Vec<usize>>,
    refusals: Vec<Refusal>,
    notes: Vec<Note>,
    /// When each statement was first seen.
    seen: HashMap<Oid, Timestamp>,
    /// The entries whose pushes moved refs.
    landed: BTreeSet<u64>,
}

impl Gathering {
    fn take(&mut self, entry: &Entry) {
        if let Event::Verdict(verdict) = &entry.event {
            for oid in &verdict.seen {
                self.seen.entry(*oid).or_insert(entry.time);
            }
            self.landed.extend(&verdict.landed);
            // What is owed for a change of the period may be settled later.
            for settled in &verdict.settled {
                self.settled(entry, settled);
            }
        }
        if let Event::Begun { repository, .. } = &entry.event {
            self.repository.clone_from(repository);
        }
        // What became of a change of the period may be told later.
        if let Event::Release(release) = &entry.event {
            self.release(entry, release);
        }
        if !self.period.has(entry.time) {
            return;
        }
        let first = self.entries.map_or(entry.seq, |(first, _)| first);
        self.entries = Some((first, entry.seq));
        match &entry.event {
            Event::Verdict(verdict) => self.verdict(entry, verdict),
            Event::Refused { code, login, .. } => self.refusals.push(Refusal {
                entry: entry.seq,
                time: entry.time,
                by: login.clone(),
                refs: Vec::new(),
                codes: vec![code.clone()],
            }),
            Event::Begun { .. }
            | Event::Pinned(_)
            | Event::Release(_)
            | Event::Course(_)
            | Event::Drift(_)
            | Event::Debt(_)
            | Event::Moved(_)
            | Event::Heartbeat(_)
            | Event::Migrated { .. }
            | Event::Redacted(_)
            | Event::Read(_)
            | Event::Stream(_)
            | Event::Long { .. }
            | Event::Recovered { .. } => self.note(entry),
        }
    }

    fn verdict(&mut self, entry: &Entry, verdict: &VerdictRecord) {
        let by = verdict.person.clone().or_else(|| verdict.login.clone());
        if !verdict.let_in() {
            let refused = verdict
                .updates
                .iter()
                .filter(|update| !update.codes.is_empty());
            let codes: BTreeSet<&String> = verdict
                .updates
                .iter()
                .flat_map(|update| &update.codes)
                .chain(&verdict.codes)
                .collect();
            self.refusals.push(Refusal {
                entry: entry.seq,
                time: entry.time,
                by,
                refs: refused.map(|update| update.refname.clone()).collect(),
                codes: codes.into_iter().cloned().collect(),
            });
            return;
        }
        for update in &verdict.updates {
            if update.permit.is_none() || update.refname.starts_with(STATEMENT_PREFIX) {
                continue;
            }
            self.accepted(entry, verdict, update, by.clone());
        }
    }

    fn accepted(
        &mut self,
        entry: &Entry,
        verdict: &VerdictRecord,
        update: &UpdateRecord,
        pushed_by: Option<String>,
    ) {
        let Some(new) = update.new else {
            return;
        };
        if update.refname == POLICY_REF {
            let who = |people: &[String]| match people {
                [] => "nobody".to_owned(),
                people => people.join(", "),
            };
            let text = format!(
                "the policy became {}, by {}, approved by {}",
                new.short(),
                who(&update.contributors),
                who(&update.approved_by)
            );
            self.push_note(entry, Kept::Policy, text);
            return;
        }
        let report = verdict.report.as_ref();
        let told = report.map(|report| Told::of(report, &update.refname));
        let told = told.unwrap_or_default();
        let place = self.changes.len();
        self.places.entry(entry.seq).or_default().push(place);
        self.changes.push(Change {
            entry: entry.seq,
            time: entry.time,
            refname: update.refname.clone(),
            old: update.old,
            new,
            went: Went::Unknown,
            contributors: update.contributors.clone(),
            approved_by: update.approved_by.clone(),
            in_stead: told.in_stead,
            let_pass: update.let_pass.clone(),
            pushed_by,
            policy: verdict.policy,
            committed: None,
            approvals: Vec::new(),
            evidence: verdict.evidence.clone(),
            releases: Vec::new(),
            tickets: update.tickets.clone(),
            checks: told.checks,
            overridden: told.overridden,
            rollback: update.rollback.as_ref().map(|rollback| RollbackOf {
                by: rollback.by.clone(),
                commits: rollback.count,
                statements: rollback.statements.clone(),
            }),
            emergency: update.emergency.as_ref().map(|emergency| EmergencyOf {
                people: emergency.people.clone(),
                reason: emergency.reason.clone(),
                ticket: emergency.ticket.clone(),
                waived: emergency.waived.clone(),
                due: emergency.due,
                settled: None,
            }),
        });
    }

    fn settled(&mut self, entry: &Entry, settled: &SettledRecord) {
        let places = self.places.get(&settled.entry).into_iter().flatten();
        for place in places {
            if let Some(change) = self.changes.get_mut(*place)
                && change.refname == settled.refname
                && let Some(emergency) = &mut change.emergency
            {
                emergency.settled = Some(SettledBy {
                    entry: entry.seq,
                    time: entry.time,
                    how: settled.how,
                    people: settled.people.clone(),
                });
            }
        }
    }

    fn release(&mut self, entry: &Entry, release: &ReleaseRecord) {
        let places = self.places.get(&release.sequence).into_iter().flatten();
        for place in places {
            let Some(change) = self.changes.get_mut(*place) else {
                continue;
            };
            if change.refname != release.refname {
                continue;
            }
            let last = ReleaseOf {
                target: release.target.clone(),
                entry: entry.seq,
                time: entry.time,
                finished: release.state == ReleaseState::Finished,
                error: release.error.clone(),
                lifted_by: release.lifted_by.clone(),
            };
            let mut known = change.releases.iter_mut();
            match known.find(|known| known.target == release.target) {
                // What once held it is told by when it first did.
                Some(known) if known.finished => {}
                Some(known) => *known = last,
                None => change.releases.push(last),
            }
        }
    }

    fn note(&mut self, entry: &Entry) {
        let (about, text) = match &entry.event {
            Event::Pinned(pin) => (
                Kept::Policy,
                format!("{} was taken as given at {}", pin.refname, pin.oid.short()),
            ),
            Event::Release(release) if release.state == ReleaseState::Failed => (
                Kept::Target,
                format!(
                    "the release of {} to {} failed: {}",
                    release.commit.short(),
                    release.target,
                    release
                        .error
                        .as_deref()
                        .unwrap_or("no reason was written down")
                ),
            ),
            Event::Course(course) => {
                let way = match course.above {
                    Some(_) => "went back to",
                    None => "followed what is accepted again, from",
                };
                let by = course.by.as_deref().unwrap_or("a health check");
                let commit = course.commit.short();
                let text = format!(
                    "{} {way} {commit}, by {by}: {}",
                    course.target, course.reason
                );
                (Kept::Target, text)
            }
            Event::Drift(drift) => {
                let count = drift.found.len() as u64 + drift.more;
                let target = &drift.target;
                let text = format!("somebody changed {target} by hand: {count} differences");
                (Kept::Target, text)
            }
            Event::Debt(debt) => {
                let stage = match debt.stage {
                    Deadline::Past => "is overdue",
                    Deadline::Near | Deadline::Ahead => "is due soon",
                };
                let text = format!(
                    "the review of {} on {}, which entry {} let in as an emergency, {stage} ({})",
                    debt.commit.short(),
                    debt.refname,
                    debt.entry,
                    debt.due
                );
                (Kept::Ref, text)
            }
            Event::Redacted(redaction) => (Kept::Log, redacted(redaction)),
            Event::Read(read) => (Kept::Log, read_by(read)),
            Event::Stream(stream) => (Kept::Log, streamed(stream)),
            Event::Migrated { entries, .. } => (
                Kept::Log,
                format!("{entries} entries were taken over from a log of the earlier format"),
            ),
            Event::Recovered { dropped_bytes } => (
                Kept::Log,
                format!("{dropped_bytes} bytes of an entry that was never answered were dropped"),
            ),
            Event::Begun { tool, .. } => (Kept::Log, format!("the log began, with relhook {tool}")),
            Event::Moved(moved) => match moved.outcome {
                MoveOutcome::Moved => return,
                MoveOutcome::NotMoved | MoveOutcome::Elsewhere => (Kept::Ref, moved.to_string()),
            },
            Event::Heartbeat(_)
            | Event::Long { .. }
            | Event::Release(_)
            | Event::Verdict(_)
            | Event::Refused { .. } => return,
        };
        self.push_note(entry, about, text);
    }

    fn push_note(&mut self, entry: &Entry, about: Kept, text: String) {
        self.notes.push(Note {
            entry: entry.seq,
            time: entry.time,
            about,
            text,
        });
    }

    /// What is not in the entries themselves: the evidence, and what the repository has now.
    fn finish(&mut self, log: &AuditLog, store: &Store) {
        for change in &mut self.changes {
            let name = RefName::new(change.refname.as_bytes()).ok();
            let now = name.and_then(|name| store.current(&name).ok());
            let is_there = matches!(now, Some(Current::At(oid)) if oid == change.new);
            if is_there || self.landed.contains(&change.entry) || !change.releases.is_empty() {
                change.went = Went::In;
            }
            let raw = store.commit_bytes(change.new).ok();
            let commit = raw.and_then(|raw| Commit::parse(&raw).ok());
            change.committed =
                commit.map(|commit| Timestamp::from_unix(commit.committer.claimed_seconds));
            for hash in &change.evidence {
                let Ok(raw) = log.evidence(hash) else {
                    continue;
                };
                change.approvals.extend(approval(hash, &raw, &self.seen));
                // A long report of the verdict is kept beside its entry.
                if let Ok(report) = serde_json::from_slice(&raw) {
                    let told = Told::of(&report, &change.refname);
                    change.in_stead.extend(told.in_stead);
                    change.checks.extend(told.checks);
                    change.overridden.extend(told.overridden);
                }
            }
        }
    }
}

fn redacted(redaction: &RedactionRecord) -> String {
    let evidence = match redaction.evidence.len() {
        0 => String::new(),
        count => format!(", with {count} pieces of evidence"),
    };
    format!(
        "what was kept beside entry {} was deleted{evidence}: {}",
        redaction.entry, redaction.reason
    )
}

fn read_by(read: &ReadRecord) -> String {
    let who = match read.by.as_str() {
        "" => "somebody",
        by => by,
    };
    let what = match read.last {
        0 => "no entry by number".to_owned(),
        last => format!("entries {} to {last}", read.first),
    };
    format!("{who} read {what} with relhook {}", read.command)
}

fn streamed(stream: &StreamRecord) -> String {
    let name = &stream.stream;
    match stream.state {
        StreamState::Failed => format!(
            "the stream {name} did not get through any more, behind entry {}: {}",
            stream.sent,
            stream
                .error
                .as_deref()
                .unwrap_or("no reason was written down")
        ),
        StreamState::Recovered => format!("the stream {name} got through again"),
    }
}

/// The piece of evidence as a statement; nothing where it is something else.
fn approval(hash: &Hash, raw: &[u8], seen: &HashMap<Oid, Timestamp>) -> Option<Approval> {
    Tag::parse(raw).ok()?;
    let id = git2::Oid::hash_object(git2::ObjectType::Tag, raw).ok()?;
    let oid = Oid::from_bytes(id.as_bytes()).ok()?;
    Some(Approval {
        hash: hash.clone(),
        oid,
        seen: seen.get(&oid).copied(),
    })
}
