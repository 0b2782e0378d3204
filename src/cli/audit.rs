//! `relhook audit`: what the log says, and whether it is what was written.

use super::{Answer, Exit};
use crate::audit::{AuditError, AuditLog, Entry, Event, ReleaseState, verify};
use crate::facts::Store;
use crate::folder::Folder;
use std::collections::VecDeque;
use std::path::Path;

/// What `relhook audit` is asked for.
#[derive(Debug, clap::Subcommand)]
pub enum AuditCommand {
    /// Show the last entries.
    Log {
        /// How many entries; 0 for all.
        #[arg(short = 'n', long, default_value_t = 20)]
        count: usize,
        /// Print the log's own lines, one JSON object each (docs/audit.md).
        #[arg(long)]
        json: bool,
    },
    /// Check the whole chain and all evidence; exit 4 if anything is not as it was written.
    Verify,
}

impl AuditCommand {
    /// Runs it for the repository around `dir`.
    ///
    /// # Errors
    /// When there is no log that could be read.
    pub fn run(&self, dir: &Path) -> anyhow::Result<Answer> {
        let store = Store::open(dir)?;
        let folder = Folder::open(store.git_dir())?;
        let log = AuditLog::at(folder.path());
        match self {
            Self::Log { count, json } => show(&log, *count, *json),
            Self::Verify => check(&log),
        }
    }
}

fn check(log: &AuditLog) -> anyhow::Result<Answer> {
    match verify(log, |_| ()) {
        Ok(report) => Ok(Answer::pass(format!(
            "the log is whole: {} entries, {} pieces of evidence\nlast entry {}\nhead {}\n",
            report.entries, report.evidence, report.time, report.head
        ))),
        Err(error) => broken(String::new(), error),
    }
}

fn show(log: &AuditLog, count: usize, json: bool) -> anyhow::Result<Answer> {
    let mut shown = VecDeque::new();
    let mut unwritten = None;
    let result = verify(log, |entry| {
        if count > 0 && shown.len() == count {
            shown.pop_front();
        }
        match if json {
            serde_json::to_string(entry)
        } else {
            Ok(line(entry))
        } {
            Ok(line) => shown.push_back(line + "\n"),
            Err(error) => unwritten = Some(error),
        }
    });
    if let Some(error) = unwritten {
        return Err(error.into());
    }
    let text: String = shown.into_iter().collect();
    match result {
        Ok(_) => Ok(Answer::pass(text)),
        Err(error) => broken(text, error),
    }
}

/// What was read up to a break, then the break: nothing after it can be trusted.
fn broken(text: String, error: AuditError) -> anyhow::Result<Answer> {
    if !error.is_integrity() {
        return Err(error.into());
    }
    let text = format!("{text}RH702: {error}\nnothing from there on can be trusted\n");
    Ok(Answer {
        text,
        exit: Exit::Integrity,
    })
}

/// One entry for people: when, what, and the facts that tell it from its neighbours.
fn line(entry: &Entry) -> String {
    let head = format!("{:>5}  {}  ", entry.seq, entry.time);
    let what = match &entry.event {
        Event::Begun { repository, tool } => format!("begun      {repository}, relhook {tool}"),
        Event::Pinned(pin) => format!(
            "pinned     {} at {} by {}",
            pin.refname,
            pin.oid.short(),
            pin.by
        ),
        Event::Verdict(verdict) => verdict_line(verdict),
        Event::Refused { code, why, login } => {
            format!("refused    {code} {why}{}", by(login.as_deref()))
        }
        Event::Release(release) => {
            let state = match release.state {
                ReleaseState::Started => "started",
                ReleaseState::Finished => "finished",
                ReleaseState::Failed => "failed",
            };
            let error = release.error.as_deref().map(|error| format!(": {error}"));
            format!(
                "release    {} of {} to {}, {} up, {} deleted{}",
                state,
                release.commit.short(),
                release.target,
                release.uploaded,
                release.deleted,
                error.unwrap_or_default()
            )
        }
        Event::Course(course) => course_line(course),
        Event::Drift(drift) => drift_line(drift),
        Event::Recovered { dropped_bytes } => format!("recovered  {dropped_bytes} bytes dropped"),
    };
    head + &what
}

fn course_line(course: &crate::audit::CourseRecord) -> String {
    let what = match course.above {
        Some(_) => "goes back to",
        None => "goes on with",
    };
    format!(
        "course     {} {what} {}{}: {}",
        course.target,
        course.commit.short(),
        by(course.by.as_deref()),
        course.reason
    )
}

fn drift_line(drift: &crate::audit::DriftRecord) -> String {
    let (target, commit) = (&drift.target, drift.commit.short());
    let mut text = format!("drift      {target} is not {commit} any more");
    for one in &drift.found {
        text += &format!("\n{:>10} {:<7} {}: {}", "", one.what, one.path, one.how);
    }
    if drift.more > 0 {
        text += &format!("\n{:>10} and {} more", "", drift.more);
    }
    text
}

fn verdict_line(verdict: &crate::audit::VerdictRecord) -> String {
    let who = verdict.person.as_deref().or(verdict.login.as_deref());
    let mut text = format!("{:<9}{}", verdict.outcome, by(who));
    for update in &verdict.updates {
        let old = update
            .old
            .map_or_else(|| "nothing".to_owned(), |oid| oid.short());
        let new = update
            .new
            .map_or_else(|| "nothing".to_owned(), |oid| oid.short());
        text += &format!("\n{:>10} {} {old} -> {new}", "", update.refname);
        if !update.approved_by.is_empty() {
            text += &format!(", approved by {}", update.approved_by.join(", "));
        }
        if !update.codes.is_empty() {
            text += &format!(", {}", update.codes.join(" "));
        }
    }
    text
}

fn by(who: Option<&str>) -> String {
    who.map(|who| format!("  by {who}")).unwrap_or_default()
}
