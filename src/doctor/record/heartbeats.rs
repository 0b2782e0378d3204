//! Whether heartbeats, which make silence a statement, still come where they came before.

use crate::audit::{Entry, Event};
use crate::doctor::Finding;
use crate::doctor::words::Words;
use crate::types::Timestamp;
use std::collections::VecDeque;

/// From so many of the last ones it is told how often they come.
const LAST: usize = 10;

/// So often they come at least, whatever was seen, in seconds: nobody is told off for one that somebody
/// made by hand a minute after another.
const DAY: i64 = 86_400;

/// When heartbeats came.
#[derive(Debug, Default)]
pub(super) struct Heard {
    last: VecDeque<Timestamp>,
}

impl Heard {
    /// Takes an entry of the log, in its order.
    pub(super) fn take(&mut self, entry: &Entry) {
        if matches!(entry.event, Event::Heartbeat(_)) {
            if self.last.len() == LAST {
                self.last.pop_front();
            }
            self.last.push_back(entry.time);
        }
    }

    /// How they stand. One that is twice as late as any of the last ones was is missing.
    pub(super) fn judge(&self, now: Timestamp, words: &Words) -> Finding {
        let check = "heartbeat";
        let Some(last) = self.last.back() else {
            let what = "no heartbeat was ever made: a log that says nothing may have been stopped";
            return Finding::ok(check, what);
        };
        let times = self.last.iter().zip(self.last.iter().skip(1));
        let longest = times.map(|(one, next)| next.as_unix() - one.as_unix());
        let usual = longest.max().unwrap_or_default().max(DAY);
        let age = now.as_unix() - last.as_unix();
        if age <= 2 * usual {
            return Finding::ok(check, format!("the last heartbeat is of {last}"));
        }
        Finding::warning(
            check,
            format!(
                "the last heartbeat is of {last}, {} hours ago, and none was that late before: since \
                 then, silence says nothing",
                age / 3600
            ),
        )
        .mend(words.relhook(&["audit", "heartbeat"]))
        .advice("look at what makes them: `systemctl list-timers 'relhook-heartbeat@*'`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::HeartbeatRecord;
    use crate::doctor::State;
    use std::path::Path;

    fn heard(hours: &[i64]) -> Heard {
        let mut heard = Heard::default();
        for hour in hours {
            heard.take(&Entry {
                schema: "relhook/audit/v2".into(),
                seq: 1,
                time: Timestamp::from_unix(hour * 3600),
                hidden: None,
                event: Event::Heartbeat(HeartbeatRecord::default()),
            });
        }
        heard
    }

    fn stands(hours: &[i64], now: i64) -> State {
        let words = Words::new(Path::new("/srv/x.git"));
        let now = Timestamp::from_unix(now * 3600);
        heard(hours).judge(now, &words).state
    }

    #[test]
    fn one_that_is_late_as_none_was_before_is_missing() {
        assert_eq!(stands(&[], 1_000), State::Ok, "nobody ever asked for any");
        assert_eq!(stands(&[0, 24, 48], 48 + 48), State::Ok);
        assert_eq!(stands(&[0, 24, 48], 48 + 49), State::Warning);
        // By hand, one after the other.
        assert_eq!(stands(&[0, 0, 0], 47), State::Ok);
        assert_eq!(stands(&[0], 49), State::Warning);
        // Once a week.
        assert_eq!(stands(&[0, 168], 168 + 300), State::Ok);
        // The clock was put back.
        assert_eq!(stands(&[500], 0), State::Ok);
        let long: Vec<i64> = (0..40)
            .map(|week| week * 168)
            .chain([7_000, 7_024])
            .collect();
        assert_eq!(heard(&long).last.len(), LAST);
    }
}
