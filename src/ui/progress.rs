//! How a release that is under way looks: one line for each target, and never more than a screen.

use super::text::{WIDTH, cut, paragraph};
use crate::release::{Phase, Snapshot};
use crate::types::TargetName;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// The rate is taken over so long a time.
const WINDOW: Duration = Duration::from_secs(5);

/// How wide a target's name is shown.
const NAME: usize = 24;

/// So many lines of progress, besides those that say how each release ended.
const LINES: usize = 8;

/// So many releases under way have a line each; where there are more, one line tells of all.
const ROWS: usize = 2;

/// So many ends have a line each.
const ENDS: usize = 4;

/// So many failures are shown with all that is to be said about them.
const FAILURES: usize = 2;

/// The longest line, in characters: a sentence of an error may name many paths.
const LINE: usize = 1000;

/// How fast something comes along.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    samples: VecDeque<(Instant, u64)>,
}

impl Meter {
    /// So many bytes were sent by `now`.
    pub fn take(&mut self, now: Instant, bytes: u64) {
        if self.samples.back().is_some_and(|(_, last)| *last > bytes) {
            // Another run has begun.
            self.samples.clear();
        }
        self.samples.push_back((now, bytes));
        while self.samples.len() > 2
            && self
                .samples
                .get(1)
                .is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW)
        {
            self.samples.pop_front();
        }
    }

    /// Bytes a second; nothing before there is anything to tell it from.
    #[must_use]
    pub fn rate(&self) -> Option<u64> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let millis = u64::try_from(last.0.duration_since(first.0).as_millis()).ok()?;
        (millis >= 200).then(|| last.1.saturating_sub(first.1) * 1000 / millis)
    }
}

/// One target on one line: `site: sending 120 of 340 files, 3.4 of 9.1 MB, 1.2 MB/s, 5 s left`.
#[must_use]
pub fn progress_line(target: &TargetName, snapshot: &Snapshot, rate: Option<u64>) -> String {
    let target = cut(target.as_str(), NAME);
    let line = match snapshot.phase {
        Phase::Finished | Phase::Failed => ended(snapshot),
        Phase::Waiting | Phase::Held => snapshot.note.clone().unwrap_or_default(),
        Phase::Comparing | Phase::Sending | Phase::Moving | Phase::Deleting | Phase::Checking => {
            under_way(snapshot, rate)
        }
    };
    format!("{target}: {line}")
}

fn under_way(snapshot: &Snapshot, rate: Option<u64>) -> String {
    let count = match snapshot.of {
        0 => String::new(),
        of => format!(" {} of {of}", snapshot.done),
    };
    match snapshot.phase {
        Phase::Comparing | Phase::Waiting | Phase::Held | Phase::Finished | Phase::Failed => {
            "comparing".to_owned()
        }
        Phase::Sending => {
            let files = if count.is_empty() { "" } else { " files" };
            format!("sending{count}{files}{}", bytes(snapshot, rate))
        }
        Phase::Moving => format!("putting into place{count}"),
        Phase::Deleting => format!("deleting{count}"),
        Phase::Checking => format!("checking{count}"),
    }
}

/// `, 3.4 of 9.1 MB, 1.2 MB/s, 5 s left`: as far as it can be told.
fn bytes(snapshot: &Snapshot, rate: Option<u64>) -> String {
    let Some(planned) = snapshot.planned else {
        return String::new();
    };
    let sent = snapshot.totals.bytes.min(planned.bytes);
    let mut text = format!(", {}", of(sent, planned.bytes));
    if let Some(rate) = rate.filter(|rate| *rate > 0) {
        text += &format!(", {}/s", size(rate));
        text += &format!(", {} left", span((planned.bytes - sent).div_ceil(rate)));
    }
    text
}

/// How a release ended, on one line.
fn ended(snapshot: &Snapshot) -> String {
    let totals = snapshot.totals;
    if snapshot.phase == Phase::Failed {
        let code = snapshot.code.as_deref().unwrap_or("RH601");
        let why = snapshot.error.as_deref().unwrap_or("no reason is known");
        return format!("stopped: {code} {why}");
    }
    let notice = snapshot.notice.as_ref();
    let notice = notice.map_or_else(String::new, |notice| format!("; {notice}"));
    format!(
        "released {} ({} sent, {} deleted, {} unchanged){notice}",
        snapshot.commit.short(),
        totals.uploaded,
        totals.deleted,
        totals.unchanged
    )
}

/// A number of bytes: `512 B`, `3.4 MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    let (unit, name) = unit(bytes);
    format!("{} {name}", scaled(bytes, unit))
}

/// `3.4 of 9.1 MB`: both in the unit of the whole.
fn of(part: u64, whole: u64) -> String {
    let (unit, name) = unit(whole);
    format!("{} of {} {name}", scaled(part, unit), scaled(whole, unit))
}

fn unit(bytes: u64) -> (u64, &'static str) {
    match bytes {
        0..1_000 => (1, "B"),
        1_000..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        1_000_000_000.. => (1_000_000_000, "GB"),
    }
}

fn scaled(bytes: u64, unit: u64) -> String {
    match unit {
        1 => bytes.to_string(),
        _ => format!("{}.{}", bytes / unit, bytes % unit * 10 / unit),
    }
}

/// A span of time: `5 s`, `2 min`, `3 h`, `2 d`.
#[must_use]
pub fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        172_800.. => format!("{} d", seconds / 86_400),
    }
}

/// What is said of several releases that are watched: plain lines, few of them, each whole in
/// itself. It is given what is there and says what is new; when to ask is the caller's matter.
#[derive(Debug, Default)]
pub struct Board {
    meters: BTreeMap<TargetName, Meter>,
    ended: BTreeMap<TargetName, Phase>,
    lines: usize,
    failures: usize,
}

impl Board {
    /// Takes in how a target is; says how its release ended, once.
    pub fn take(&mut self, target: &TargetName, snapshot: &Snapshot, now: Instant) -> String {
        if !snapshot.phase.is_last() {
            let meter = self.meters.entry(target.clone()).or_default();
            meter.take(now, snapshot.totals.bytes);
            return String::new();
        }
        if self.ended.insert(target.clone(), snapshot.phase).is_some() {
            return String::new();
        }
        self.end(target, snapshot)
    }

    fn end(&mut self, target: &TargetName, snapshot: &Snapshot) -> String {
        if snapshot.phase == Phase::Failed {
            self.failures += 1;
            if self.failures <= FAILURES {
                return failed(target, snapshot);
            }
        }
        if self.ended.len() > ENDS {
            return String::new();
        }
        let text = progress_line(target, snapshot, None);
        match snapshot.phase {
            // Who has to do what is not to be cut off.
            Phase::Held => paragraph("relhook: ", &text),
            Phase::Waiting
            | Phase::Comparing
            | Phase::Sending
            | Phase::Moving
            | Phase::Deleting
            | Phase::Checking
            | Phase::Finished
            | Phase::Failed => line(&text),
        }
    }

    /// What is said while some go on: a line each, or one for all.
    pub fn round(&mut self, all: &BTreeMap<TargetName, Snapshot>) -> String {
        if self.lines >= LINES {
            return String::new();
        }
        let under_way: Vec<_> = all
            .iter()
            .filter(|(target, _)| !self.ended.contains_key(*target))
            .collect();
        let text: String = match under_way.len() {
            0 => return String::new(),
            1..=ROWS => under_way
                .iter()
                .map(|(target, snapshot)| line(&progress_line(target, snapshot, self.rate(target))))
                .collect(),
            _ => line(&self.sum(all)),
        };
        self.lines += text.lines().count();
        text
    }

    /// All that is watched on one line that fits behind git's `remote: `.
    #[must_use]
    pub fn over(&self, all: &BTreeMap<TargetName, Snapshot>) -> String {
        line(&self.sum(all)).trim_end().to_owned()
    }

    /// All that is watched on one line.
    #[must_use]
    pub fn sum(&self, all: &BTreeMap<TargetName, Snapshot>) -> String {
        if let [(target, snapshot)] = all.iter().collect::<Vec<_>>().as_slice() {
            return progress_line(target, snapshot, self.rate(target));
        }
        let planned = || all.values().filter_map(|snapshot| snapshot.planned);
        let (files, whole): (u64, u64) = planned().fold((0, 0), |(files, bytes), planned| {
            (files + planned.files, bytes + planned.bytes)
        });
        let sent: u64 = all.values().map(|snapshot| snapshot.totals.bytes).sum();
        let done = self.ended.len();
        let rate: u64 = all.keys().filter_map(|target| self.rate(target)).sum();
        let mut text = format!("{done} of {} targets done", all.len().max(done));
        text += &format!(", {files} files, {}", of(sent.min(whole), whole));
        if rate > 0 {
            let left = whole.saturating_sub(sent).div_ceil(rate);
            text += &format!(", {}/s, {} left", size(rate), span(left));
        }
        text
    }

    /// The last word, where not every end was told.
    #[must_use]
    pub fn close(&self) -> String {
        let count = |phase| self.ended.values().filter(|ended| **ended == phase).count();
        let (finished, failed) = (count(Phase::Finished), count(Phase::Failed));
        if self.ended.len() <= ENDS && failed <= FAILURES {
            return String::new();
        }
        line(&format!(
            "{finished} targets released, {failed} stopped, {} held: relhook release status",
            count(Phase::Held)
        ))
    }

    fn rate(&self, target: &TargetName) -> Option<u64> {
        self.meters.get(target).and_then(Meter::rate)
    }
}

fn line(text: &str) -> String {
    let head = "relhook: ";
    format!(
        "{head}{}\n",
        cut(text, WIDTH.saturating_sub(head.len()).max(40))
    )
}

/// The ref has moved and stays; what failed is the way from there to the target.
fn failed(target: &TargetName, snapshot: &Snapshot) -> String {
    let code = snapshot.code.as_deref().unwrap_or("RH601");
    let why = snapshot.error.as_deref();
    let why: String = why
        .unwrap_or("no reason was written down")
        .chars()
        .take(LINE)
        .collect();
    let hints = snapshot.hints.iter().take(3);
    let hints: String = hints
        .map(|hint| format!("  hint: {}\n", hint.chars().take(LINE).collect::<String>()))
        .collect();
    format!(
        "relhook: {target}: the push is in, but the release stopped\n  {code} {why}\n{hints}  \
         more: relhook explain {code}\n"
    )
}

#[cfg(test)]
mod tests;
