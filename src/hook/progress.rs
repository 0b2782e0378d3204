//! Signs of life for the person who pushes, where something takes long.

use crate::ui;
use std::time::{Duration, Instant};

/// Nobody is told of what takes less.
const AFTER: Duration = Duration::from_secs(2);
/// The shortest time between two lines: a client that reads nothing is not to fill the pipe soon.
const EVERY: Duration = Duration::from_secs(3);

/// Tells how far something has come, once in a while.
pub(super) struct Ticker {
    begun: Instant,
    told: Option<Instant>,
}

impl Ticker {
    /// Begins now.
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            told: None,
        }
    }

    /// How long it takes already.
    pub(super) fn since(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Tells what `line` says, if it is time to.
    pub(super) fn tick(&mut self, line: impl FnOnce() -> String) {
        let due = match self.told {
            None => self.begun.elapsed() > AFTER,
            Some(told) => told.elapsed() > EVERY,
        };
        if due {
            self.told = Some(Instant::now());
            ui::emit_error(&format!("relhook: {}\n", line()));
        }
    }
}
