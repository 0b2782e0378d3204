//! `relhook audit stream`: sends entries on to where the policy's streams lead.

use crate::cli::Answer;
use crate::facts::Store;
use crate::folder::Folder;
use crate::streams::{Eager, Progress, pump, pump_at};
use crate::types::Timestamp;
use crate::ui;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How often is looked whether something was appended.
const PACE: Duration = Duration::from_secs(1);

/// So often everything is looked at, whatever was appended: the policy may have another stream.
const ROUND: u32 = 60;

/// Sends what is there, and says how far each stream is.
pub(super) fn once(dir: &Path) -> anyhow::Result<Answer> {
    let store = Store::open(dir)?;
    let folder = Folder::open(store.git_dir())?;
    let Some((_, bundle)) = store.policy()? else {
        return Ok(Answer::pass("there is no policy, and no stream\n"));
    };
    if bundle.policy.audit.streams.is_empty() {
        return Ok(Answer::pass("the policy names no stream\n"));
    }
    let all = pump(folder.path(), &bundle, Eager::Now)?;
    let text: String = all.iter().map(line).collect();
    Ok(match all.iter().any(|one| one.trouble.is_some()) {
        true => Answer::refused(text),
        false => Answer::pass(text),
    })
}

fn line(one: &Progress) -> String {
    match &one.trouble {
        None => format!("{}: has entry {}\n", one.stream.as_str(), one.sent),
        Some((error, _)) => format!(
            "{}: does not get through behind entry {}: {error}\n",
            one.stream.as_str(),
            one.sent
        ),
    }
}

/// Sends what is there and what comes, until it is ended. Ending it at any point loses nothing.
pub(super) fn on(dir: &Path) -> anyhow::Result<Answer> {
    let git_dir = Store::open(dir)?.git_dir().to_owned();
    let journal = git_dir.join("relhook/audit/head/journal");
    let mut said = String::new();
    loop {
        let seen = changed(&journal);
        let due = match pump_at(&git_dir) {
            Ok(all) => {
                let troubles = all.iter().filter(|one| one.trouble.is_some());
                tell(&mut said, troubles.map(line).collect());
                let due = all.iter().filter_map(|one| one.trouble.as_ref()?.1);
                due.min()
            }
            Err(error) => {
                tell(&mut said, format!("nothing was sent: {error}\n"));
                None
            }
        };
        wait(&journal, seen, due);
    }
}

/// Says what is wrong when it is something else than before.
fn tell(said: &mut String, now: String) {
    if *said != now {
        ui::emit(&now);
        *said = now;
    }
}

type Seen = Option<(SystemTime, u64)>;

fn changed(journal: &Path) -> Seen {
    let meta = std::fs::metadata(journal).ok()?;
    Some((meta.modified().ok()?, meta.len()))
}

fn wait(journal: &Path, seen: Seen, due: Option<Timestamp>) {
    for _ in 0..ROUND {
        std::thread::sleep(PACE);
        let is_due = due.is_some_and(|at| at <= crate::hook::clock());
        if is_due || changed(journal) != seen {
            return;
        }
    }
}
