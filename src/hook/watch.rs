//! Showing releases to the person who pushed. What is written stands for itself, is never more than
//! a screen, and is written while nothing is locked: a client that went away loses it and nothing
//! else, and one that stands still holds up this hook alone.

use crate::folder::Folder;
use crate::release::{Phase, Snapshot, snapshot};
use crate::types::TargetName;
use crate::ui::{self, Board};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a push waits to see its releases end. They go on without it.
const WATCH: Duration = Duration::from_secs(60);
/// How long it waits to see any of them begin: whoever starts the releaser may be away.
const BEGINS: Duration = Duration::from_secs(15);
/// How often is looked.
const PACE: Duration = Duration::from_millis(100);
/// How long it takes before the first line about releases under way. Each pause after it is twice
/// as long as the one before.
const FIRST: Duration = Duration::from_secs(2);
/// How often a line is written over, and how many times at most.
const OVER: Duration = Duration::from_millis(500);
const MOST_OVER: usize = 150;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// A few lines. They are right wherever they end up: git puts `remote: ` in front of each.
    Plain,
    /// One line that is written over, which git does for a line that ends with a carriage return.
    Live,
}

/// Which runs were shown before the releaser was woken: how they ended is no news.
pub(super) fn runs(folder: &Folder, due: &BTreeMap<TargetName, u64>) -> BTreeMap<TargetName, u64> {
    let run = |target: &TargetName| Some((target.clone(), snapshot(folder.path(), target)?.run));
    due.keys().filter_map(run).collect()
}

/// Watches until every release has ended, is held or stopped, or the time is over.
pub(super) fn watch(
    folder: &Folder,
    due: &BTreeMap<TargetName, u64>,
    before: &BTreeMap<TargetName, u64>,
    style: Style,
) {
    let begun = Instant::now();
    let mut board = Board::default();
    let mut pause = FIRST;
    let mut next = begun + if style == Style::Live { OVER } else { FIRST };
    let mut over = 0;
    let mut all = BTreeMap::new();
    while begun.elapsed() < if all.is_empty() { BEGINS } else { WATCH } {
        let now = Instant::now();
        look(folder, due, before, &mut all);
        for (target, snapshot) in &all {
            say(&board.take(target, snapshot, now));
        }
        if is_over(due, &all) {
            say(&board.close());
            return;
        }
        if now >= next {
            match style {
                Style::Plain => {
                    say(&board.round(&all));
                    pause *= 2;
                    next = now + pause;
                }
                Style::Live if over < MOST_OVER && !all.is_empty() => {
                    say(&format!("{}\r", board.over(&all)));
                    over += 1;
                    next = now + OVER;
                }
                Style::Live => {}
            }
        }
        std::thread::sleep(PACE);
    }
    say(&board.close());
    say(&unfinished(due, &all));
}

/// Whether nothing is left to see: each has ended, or waits for one that failed.
fn is_over(due: &BTreeMap<TargetName, u64>, all: &BTreeMap<TargetName, Snapshot>) -> bool {
    let stopped = all.values().any(|one| one.phase == Phase::Failed);
    due.keys().all(|target| {
        all.get(target)
            .is_some_and(|one| one.phase.is_last() || stopped && one.phase == Phase::Waiting)
    })
}

/// What each run is at, as far as it is about this push.
fn look(
    folder: &Folder,
    due: &BTreeMap<TargetName, u64>,
    before: &BTreeMap<TargetName, u64>,
    all: &mut BTreeMap<TargetName, Snapshot>,
) {
    for (target, sequence) in due {
        let now = snapshot(folder.path(), target);
        let news = |now: &Snapshot| {
            let ended_before = now.phase.is_last() && before.get(target) == Some(&now.run);
            now.sequence >= *sequence && !ended_before
        };
        if let Some(now) = now.filter(news) {
            all.insert(target.clone(), now);
        }
    }
}

/// Which releases have not ended.
fn unfinished(due: &BTreeMap<TargetName, u64>, all: &BTreeMap<TargetName, Snapshot>) -> String {
    let goes_on = |target: &&TargetName| {
        let phase = all.get(*target).map(|snapshot| snapshot.phase);
        phase.is_none_or(|phase| !phase.is_last())
    };
    let names: Vec<&TargetName> = due.keys().filter(goes_on).collect();
    let waiting = all
        .values()
        .filter(|one| one.phase == Phase::Waiting)
        .count();
    let what = match names.as_slice() {
        [] => return String::new(),
        [one] if all.is_empty() => format!("{one}: the release has not begun yet"),
        [one] => format!("{one}: the release goes on"),
        many if waiting > 0 => {
            format!(
                "{} releases go on, {waiting} of them wait for others",
                many.len()
            )
        }
        many => format!("{} releases go on", many.len()),
    };
    format!("relhook: {what}; on the server: relhook release status\n")
}

fn say(text: &str) {
    if !text.is_empty() {
        ui::emit_error(text);
    }
}
