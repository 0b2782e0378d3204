//! `relhook release status --watch`: what goes on, shown again and again.

use super::status::{TargetStatus, statuses};
use crate::cli::reading::Disclosure;
use crate::cli::{Answer, Exit};
use crate::types::TargetName;
use crate::ui::{self, Meter, Screen, Stream, progress_line};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// How often it looks.
const WATCH: Duration = Duration::from_secs(1);

/// Shows the targets until all is at rest, or for ever: over what was shown before on a terminal,
/// else what has changed.
pub(super) fn watch(dir: &Path, until_done: bool) -> anyhow::Result<Answer> {
    let mut screen = Screen::on(Stream::Out);
    let mut meters: BTreeMap<TargetName, Meter> = BTreeMap::new();
    let mut told: BTreeMap<TargetName, String> = BTreeMap::new();
    let mut disclosure = Disclosure::by("release status");
    loop {
        let all = statuses(dir, &mut disclosure)?;
        let now = Instant::now();
        let rows: Vec<(&TargetStatus, String)> = all
            .iter()
            .map(|status| {
                let meter = meters.entry(status.target.clone()).or_default();
                if let Some(running) = &status.running {
                    meter.take(now, running.totals.bytes);
                }
                (status, row(status, meter.rate()))
            })
            .collect();
        if screen.is_live() {
            let lines: Vec<String> = rows.into_iter().map(|(_, row)| row).collect();
            screen.draw(Stream::Out, &lines);
        } else {
            for (status, row) in rows {
                // How far it is changes all the time; that it runs is told once.
                let news = match status.running {
                    Some(_) => format!("{}: under way\n", status.target),
                    None => row + "\n",
                };
                if told.get(&status.target) != Some(&news) {
                    ui::emit(&news);
                    told.insert(status.target.clone(), news);
                }
            }
        }
        if until_done && all.iter().all(TargetStatus::is_at_rest) {
            let done = all.iter().all(TargetStatus::is_done);
            return Ok(Answer {
                text: String::new(),
                exit: if done { Exit::Pass } else { Exit::Refused },
            });
        }
        std::thread::sleep(WATCH);
    }
}

/// One target on one line.
pub(super) fn row(status: &TargetStatus, rate: Option<u64>) -> String {
    if let Some(running) = &status.running {
        return progress_line(&status.target, running, rate);
    }
    let name = &status.target;
    let what = match (&status.unclear, &status.wanted, &status.released) {
        (Some(why), _, _) => format!("cannot tell: {why}"),
        (None, None, _) => "nothing was accepted for it yet".to_owned(),
        (None, Some(wanted), Some(landed)) if wanted.is(landed) => {
            format!("holds {} since {}", wanted.commit.short(), landed.at)
        }
        (None, Some(wanted), _) => {
            let why = match (&status.hold, status.failure()) {
                (_, Some(failure)) => failure,
                (Some(hold), None) => hold.text.clone(),
                (None, None) => "is due".to_owned(),
            };
            format!("{} {why}", wanted.commit.short())
        }
    };
    format!("{name}: {what}")
}
