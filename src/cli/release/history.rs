//! `relhook release log`: what was released when, who let it, how it ended and how long it took.

use crate::audit::{Entry, Event, ReleaseRecord, ReleaseState, VerdictRecord, verify};
use crate::cli::reading::Reader;
use crate::cli::{Answer, Exit};
use crate::types::{Oid, Timestamp};
use crate::ui;
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

/// So many acceptances are remembered while the log is read: a release follows its own closely.
const MOST_ACCEPTED: usize = 10_000;

/// What `relhook release log` is asked for.
#[derive(Debug, clap::Args)]
pub struct LogArgs {
    /// Only this target
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// How many runs; 0 for all
    #[arg(short = 'n', long, default_value_t = 20)]
    count: usize,
    /// Print it as JSON (docs/release.md)
    #[arg(long)]
    json: bool,
}

/// `relhook release log --json`.
#[derive(Debug, Serialize)]
struct Report {
    schema: &'static str,
    runs: VecDeque<Run>,
}

/// One run that changed something, or was to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Run {
    target: String,
    #[serde(rename = "ref")]
    refname: String,
    commit: Oid,
    /// The entry that accepted it.
    sequence: u64,
    /// Who pushed it, where that is known.
    pushed_by: Option<String>,
    approved_by: Vec<String>,
    /// Who let it go on to this target's stage.
    lifted_by: Vec<String>,
    /// The entries of the log that this was read from.
    entries: Vec<u64>,
    began: Option<Timestamp>,
    ended: Option<Timestamp>,
    /// In seconds.
    took: Option<u64>,
    /// `running` (or ended by a kill), `released`, `failed` or `failed-for-good`.
    outcome: &'static str,
    uploaded: u64,
    deleted: u64,
    bytes: u64,
    error: Option<String>,
}

impl LogArgs {
    /// Shows it. The log is verified on the way, and told where the policy says so: it names people.
    ///
    /// # Errors
    /// When the log cannot be read, or that it is read cannot be written down.
    pub fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        let reader = Reader::around(dir)?;
        let mut history = History::new(self.target.clone(), self.count);
        let result = verify(&reader.log, |entry| history.take(entry));
        let runs = history.close();
        let rested = rested_on(&runs);
        let text = self.text(runs)?;
        let exit = match result {
            Ok(_) => Exit::Pass,
            Err(error) if error.is_integrity() => {
                ui::emit_error(&format!("RH702: {error}\n"));
                Exit::Integrity
            }
            Err(error) => return Err(error.into()),
        };
        reader.recorded("release log", rested, Answer { text, exit })
    }

    fn text(&self, runs: VecDeque<Run>) -> anyhow::Result<String> {
        if self.json {
            let schema = "relhook/release-log/v1";
            return Ok(serde_json::to_string_pretty(&Report { schema, runs })? + "\n");
        }
        if runs.is_empty() {
            return Ok("nothing was released yet\n".to_owned());
        }
        Ok(runs.iter().map(shown).collect())
    }
}

/// The first and the last entry that runs were read from; nothing where there is no run.
fn rested_on(runs: &VecDeque<Run>) -> Option<(u64, u64)> {
    let all = || runs.iter().flat_map(|run| &run.entries).copied();
    let accepted = runs.iter().map(|run| run.sequence);
    all().chain(accepted).min().zip(all().max())
}

/// What the log has told so far.
struct History {
    target: Option<String>,
    count: usize,
    accepted: VecDeque<(u64, VerdictRecord)>,
    runs: VecDeque<Run>,
    /// The run of each target that has begun and not ended.
    open: BTreeMap<String, Run>,
}

impl History {
    fn new(target: Option<String>, count: usize) -> Self {
        Self {
            target,
            count,
            accepted: VecDeque::new(),
            runs: VecDeque::new(),
            open: BTreeMap::new(),
        }
    }

    fn take(&mut self, entry: &Entry) {
        match &entry.event {
            Event::Verdict(verdict) if verdict.let_in() => {
                if self.accepted.len() == MOST_ACCEPTED {
                    self.accepted.pop_front();
                }
                self.accepted.push_back((entry.seq, verdict.clone()));
            }
            Event::Release(release) => {
                let asked = self.target.as_ref();
                if asked.is_none_or(|target| *target == release.target) {
                    self.release(entry, release);
                }
            }
            Event::Verdict(_)
            | Event::Begun { .. }
            | Event::Pinned(_)
            | Event::Refused { .. }
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
            | Event::Recovered { .. } => {}
        }
    }

    fn release(&mut self, entry: &Entry, record: &ReleaseRecord) {
        let begun = self.open.remove(&record.target);
        let same = |run: &Run| (run.commit, run.sequence) == (record.commit, record.sequence);
        let mut run = match (record.state, begun) {
            (ReleaseState::Finished | ReleaseState::Failed, Some(begun)) if same(&begun) => begun,
            (_, begun) => {
                // It was killed, and the next run carried on.
                begun.into_iter().for_each(|run| self.keep(run));
                self.begin(record)
            }
        };
        run.entries.push(entry.seq);
        match record.state {
            ReleaseState::Started => {
                run.began = Some(entry.time);
                self.open.insert(record.target.clone(), run);
            }
            ReleaseState::Finished | ReleaseState::Failed => {
                self.keep(ended(run, entry.time, record));
            }
        }
    }

    fn begin(&self, record: &ReleaseRecord) -> Run {
        let mut accepted = self.accepted.iter().rev();
        let verdict = accepted.find(|(seq, _)| *seq == record.sequence);
        let verdict = verdict.map(|(_, verdict)| verdict);
        let update = verdict.and_then(|verdict| {
            let mut updates = verdict.updates.iter();
            updates.find(|update| update.refname == record.refname)
        });
        Run {
            target: record.target.clone(),
            refname: record.refname.clone(),
            commit: record.commit,
            sequence: record.sequence,
            pushed_by: verdict.and_then(|one| one.person.clone().or_else(|| one.login.clone())),
            approved_by: update
                .map(|one| one.approved_by.clone())
                .unwrap_or_default(),
            lifted_by: record.lifted_by.clone(),
            entries: Vec::new(),
            began: None,
            ended: None,
            took: None,
            outcome: "running",
            uploaded: 0,
            deleted: 0,
            bytes: 0,
            error: None,
        }
    }

    fn keep(&mut self, run: Run) {
        if self.count > 0 && self.runs.len() >= self.count {
            self.runs.pop_front();
        }
        self.runs.push_back(run);
    }

    /// What has begun and not ended comes last.
    fn close(mut self) -> VecDeque<Run> {
        let open = std::mem::take(&mut self.open);
        open.into_values().for_each(|run| self.keep(run));
        self.runs
    }
}

fn ended(mut run: Run, now: Timestamp, record: &ReleaseRecord) -> Run {
    run.ended = Some(now);
    run.took = run
        .began
        .and_then(|began| u64::try_from(now.as_unix() - began.as_unix()).ok());
    run.outcome = match (record.state, record.for_good) {
        (ReleaseState::Failed, true) => "failed-for-good",
        (ReleaseState::Failed, false) => "failed",
        (ReleaseState::Started | ReleaseState::Finished, _) => "released",
    };
    run.uploaded = record.uploaded;
    run.deleted = record.deleted;
    run.bytes = record.bytes;
    run.error.clone_from(&record.error);
    run
}

/// One run for people, no wider than a terminal but for its error.
fn shown(run: &Run) -> String {
    let when = run.ended.or(run.began);
    let when = when.map_or_else(String::new, |when| when.to_string());
    let mut text = format!(
        "{when}  {:<15}  {} to {}\n",
        run.outcome,
        run.commit.short(),
        run.target
    );
    let mut line = |what: &str| text.push_str(&format!("    {what}\n"));
    let by = |word: &str, people: &[String]| match people {
        [] => String::new(),
        people => format!(", {word} by {}", people.join(", ")),
    };
    let pushed: Vec<String> = run.pushed_by.iter().cloned().collect();
    line(&format!(
        "{} (entry {}){}{}{}",
        run.refname,
        run.sequence,
        by("pushed", &pushed),
        by("approved", &run.approved_by),
        by("let go on", &run.lifted_by),
    ));
    let took = run.took.map(|took| format!(" in {}", ui::span(took)));
    line(&format!(
        "{} sent ({}), {} deleted{}",
        run.uploaded,
        ui::size(run.bytes),
        run.deleted,
        took.unwrap_or_default()
    ));
    if let Some(error) = &run.error {
        line(error);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid() -> Oid {
        Oid::from_hex(b"8d01e77ab12c40a1d2f3e4b5968778695a4b3c2d").unwrap()
    }

    fn entry(seq: u64, second: i64, event: Event) -> Entry {
        Entry {
            schema: "relhook/audit/v2".to_owned(),
            seq,
            time: Timestamp::from_unix(1_800_000_000 + second),
            hidden: None,
            event,
        }
    }

    fn release(target: &str, state: ReleaseState) -> ReleaseRecord {
        ReleaseRecord {
            target: target.into(),
            refname: "refs/heads/prod".into(),
            commit: oid(),
            sequence: 2,
            state,
            uploaded: 3,
            deleted: 1,
            bytes: 4_200,
            error: None,
            for_good: false,
            lifted_by: Vec::new(),
        }
    }

    fn history(events: Vec<(i64, ReleaseRecord)>) -> VecDeque<Run> {
        let mut history = History::new(None, 0);
        for (seq, (second, record)) in events.into_iter().enumerate() {
            history.take(&entry(seq as u64 + 3, second, Event::Release(record)));
        }
        history.close()
    }

    #[test]
    fn a_run_is_its_beginning_and_its_end() {
        let mut failed = release("site", ReleaseState::Failed);
        failed.error = Some("RH611 the site is away".into());
        failed.for_good = true;
        let mut held = release("other", ReleaseState::Started);
        held.lifted_by = vec!["lena".into()];
        let runs = history(vec![
            (0, release("site", ReleaseState::Started)),
            (5, held),
            (60, failed),
            (70, release("site", ReleaseState::Started)),
            (200, release("site", ReleaseState::Finished)),
        ]);
        let text: String = runs.iter().map(shown).collect();
        insta::assert_snapshot!(text, @r"
        2027-01-15T08:01:00Z  failed-for-good  8d01e77 to site
            refs/heads/prod (entry 2)
            3 sent (4.2 kB), 1 deleted in 60 s
            RH611 the site is away
        2027-01-15T08:03:20Z  released         8d01e77 to site
            refs/heads/prod (entry 2)
            3 sent (4.2 kB), 1 deleted in 2 min
        2027-01-15T08:00:05Z  running          8d01e77 to other
            refs/heads/prod (entry 2), let go on by lena
            0 sent (0 B), 0 deleted
        ");
    }

    #[test]
    fn a_killed_run_is_there_and_the_last_ones_are_kept() {
        let runs = history(vec![
            (0, release("site", ReleaseState::Started)),
            (9, release("site", ReleaseState::Started)),
            (10, release("site", ReleaseState::Finished)),
        ]);
        let outcomes: Vec<_> = runs.iter().map(|run| (run.outcome, run.took)).collect();
        assert_eq!(outcomes, [("running", None), ("released", Some(1))]);
        let mut few = History::new(Some("site".into()), 2);
        for seq in 0..10 {
            let record = release("site", ReleaseState::Finished);
            few.take(&entry(seq, 0, Event::Release(record)));
            let record = release("other", ReleaseState::Finished);
            few.take(&entry(seq, 0, Event::Release(record)));
        }
        let entries: Vec<_> = few.close().iter().map(|run| run.entries[0]).collect();
        assert_eq!(entries, [8, 9]);
    }
}
