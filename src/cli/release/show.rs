//! How releases by hand get on: lines that are written over on a terminal, a few plain ones
//! elsewhere. Both go to standard error.

use crate::release::{Snapshot, snapshot};
use crate::types::TargetName;
use crate::ui::{self, Board, Meter, Screen, Stream, progress_line};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often is looked how they get on, and how often lines are written over.
const PACE: Duration = Duration::from_millis(50);
const OVER: Duration = Duration::from_millis(200);
/// How long it takes before the first plain line; each pause after it is twice as long.
const FIRST: Duration = Duration::from_secs(2);

/// Releases that are watched.
pub(super) struct Showing {
    folder: PathBuf,
    /// The targets, each with the run that was shown before.
    names: Vec<(TargetName, Option<u64>)>,
}

impl Showing {
    /// These targets, before anything begins.
    pub(super) fn of(folder: &Path, names: &[TargetName]) -> Self {
        let before = |name: &TargetName| {
            let last = snapshot(folder, name).map(|last| last.run);
            (name.clone(), last)
        };
        Self {
            folder: folder.to_owned(),
            names: names.iter().map(before).collect(),
        }
    }

    /// Shows how they get on until they have ended: `over` waits for that, no longer than it is told, and
    /// says whether they have.
    pub(super) fn until(&self, over: &dyn Fn(Duration) -> bool) {
        let mut screen = Screen::on(Stream::Err);
        if screen.is_live() {
            self.live(&mut screen, over);
        } else {
            self.plain(over);
        }
    }

    fn live(&self, screen: &mut Screen, over: &dyn Fn(Duration) -> bool) {
        let mut meters: BTreeMap<TargetName, Meter> = BTreeMap::new();
        let mut drawn = Instant::now();
        while !over(PACE) {
            if drawn.elapsed() < OVER {
                continue;
            }
            drawn = Instant::now();
            let lines: Vec<String> = self
                .look()
                .iter()
                .map(|(name, snapshot)| {
                    let meter = meters.entry(name.clone()).or_default();
                    meter.take(drawn, snapshot.totals.bytes);
                    progress_line(name, snapshot, meter.rate())
                })
                .collect();
            screen.draw(Stream::Err, &lines);
        }
        // How each ended is said on standard output.
        screen.draw(Stream::Err, &[]);
    }

    fn plain(&self, over: &dyn Fn(Duration) -> bool) {
        let mut board = Board::default();
        let mut pause = FIRST;
        let mut next = Instant::now() + pause;
        while !over(PACE) {
            let now = Instant::now();
            let all = self.look();
            for (name, snapshot) in &all {
                // How it ended is said on standard output.
                let _ = board.take(name, snapshot, now);
            }
            if now >= next {
                ui::emit_error(&board.round(&all));
                pause *= 2;
                next = now + pause;
            }
        }
    }

    fn look(&self) -> BTreeMap<TargetName, Snapshot> {
        let now = |(name, before): &(TargetName, Option<u64>)| {
            let now = snapshot(&self.folder, name)?;
            (Some(now.run) != *before).then(|| (name.clone(), now))
        };
        self.names.iter().filter_map(now).collect()
    }
}
