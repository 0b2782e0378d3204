//! Whether the log's streams get everything that they are to have.

use crate::audit::{AuditLog, Mark, read_raw};
use crate::doctor::Finding;
use crate::doctor::words::Words;
use crate::policy::Bundle;
use crate::streams::{Standing, reach, standing};
use crate::types::{StreamName, Timestamp};
use std::ops::ControlFlow;
use std::path::Path;

/// An entry that waits for so long, in seconds, was left behind: each is sent about a second after it
/// was made.
const LONG: i64 = 3600;

/// Looks at them.
pub(super) fn examine(
    log: &AuditLog,
    folder: &Path,
    bundle: &Bundle,
    words: &Words,
) -> Vec<Finding> {
    let names: Vec<&StreamName> = bundle.policy.audit.streams.keys().collect();
    if names.is_empty() {
        return vec![Finding::ok("streams", "the log is sent nowhere else")];
    }
    // Each may take its time until it is given up.
    let facts: Vec<Facts> = std::thread::scope(|scope| {
        let asked: Vec<_> = names
            .iter()
            .map(|name| scope.spawn(|| Facts::gather(log, folder, bundle, name)))
            .collect();
        let told = asked.into_iter().zip(&names);
        told.map(|(one, name)| one.join().unwrap_or_else(|_| Facts::unknown(name)))
            .collect()
    });
    let now = crate::hook::clock();
    facts.iter().map(|one| judge(one, now, words)).collect()
}

/// How a stream stands.
#[derive(Debug, Clone)]
struct Facts {
    name: StreamName,
    /// By relhook's own record, or why that cannot be told.
    standing: Result<Standing, String>,
    /// The number of the log's last entry.
    last: u64,
    /// When the first entry was made that it does not have yet, if there is one.
    waits: Option<Timestamp>,
    /// Whether its place is there.
    reach: Result<(), String>,
}

impl Facts {
    fn gather(log: &AuditLog, folder: &Path, bundle: &Bundle, name: &StreamName) -> Self {
        let mut standing = standing(folder, name).map_err(|error| error.to_string());
        let last = log.last().map_or(0, |last| last.seq);
        let mut waits = None;
        let sent = standing.as_ref().map_or(last, |one| one.sent);
        if sent < last {
            let read = read_raw(log, Mark::behind(sent), |raw| {
                waits = Some(raw.time);
                ControlFlow::Break(())
            });
            if let Err(error) = read {
                standing = Err(error.to_string());
            }
        }
        Self {
            name: name.clone(),
            standing,
            last,
            waits,
            reach: reach(folder, bundle, name),
        }
    }

    fn unknown(name: &StreamName) -> Self {
        Self {
            name: name.clone(),
            standing: Err("it could not be looked at".into()),
            last: 0,
            waits: None,
            reach: Ok(()),
        }
    }
}

fn judge(facts: &Facts, now: Timestamp, words: &Words) -> Finding {
    let (check, name, last) = ("streams", &facts.name, facts.last);
    let standing = match &facts.standing {
        Ok(standing) => standing,
        Err(why) => return Finding::unknown(check, format!("stream `{name}`: {why}")),
    };
    let sent = standing.sent;
    let again = words.relhook(&["audit", "stream", "--once"]);
    if sent > last {
        let what = format!(
            "the stream `{name}` has entry {sent}, and the log ends at {last}: the log is an old copy, \
             or what is kept in relhook/streams/ is of another one"
        );
        return Finding::error(check, what).advice(
            "compare the log with what the stream's receiver has: the entries there were written",
        );
    }
    if standing.error.is_some() {
        let (missing, failures) = (last - sent, standing.failures);
        let what = format!(
            "the stream `{name}` does not get through: {missing} entries wait behind entry {sent}, \
             after {failures} failed tries"
        );
        return Finding::warning(check, what)
            .keeping(standing.error.clone().unwrap_or_default())
            .mend(again)
            .advice("nothing is lost: the log keeps what waits");
    }
    if let Err(why) = &facts.reach {
        let what = format!("the stream `{name}` would not get through now: {why}");
        return Finding::warning(check, what)
            .mend(again)
            .advice("see to its receiver; what it does not get waits in the log");
    }
    let late = |at: &Timestamp| now.as_unix() - at.as_unix() > LONG;
    if let Some(at) = facts.waits.filter(late) {
        let what = format!(
            "the stream `{name}` is {} entries behind, and the first of them is of {at}: nothing sends \
             them on",
            last - sent
        );
        return Finding::warning(check, what).mend(again).advice(
            "each push sends; where nobody pushes, `relhook-stream@.service` or the heartbeat's timer",
        );
    }
    Finding::ok(
        check,
        format!("the stream `{name}` has entry {sent} of {last}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(1_790_000_000 + seconds)
    }

    fn stands(change: impl Fn(&mut Facts)) -> (State, String) {
        let mut facts = Facts {
            name: StreamName::new("siem"),
            standing: Ok(Standing {
                sent: 7,
                failures: 0,
                error: None,
            }),
            last: 9,
            waits: Some(at(-LONG)),
            reach: Ok(()),
        };
        change(&mut facts);
        let words = Words::new(Path::new("/srv/x.git"));
        let found = judge(&facts, at(0), &words);
        (found.state, found.what)
    }

    fn sent(facts: &mut Facts, sent: u64) {
        facts.standing.as_mut().unwrap().sent = sent;
    }

    #[test]
    fn each_way_to_get_nothing_is_told() {
        assert_eq!(stands(|_| ()).0, State::Ok);
        assert_eq!(stands(|facts| sent(facts, 9)).0, State::Ok);
        let (state, what) = stands(|facts| facts.waits = Some(at(-LONG - 1)));
        assert_eq!(state, State::Warning);
        assert!(what.contains("2 entries behind"), "{what}");
        let (state, what) = stands(|facts| sent(facts, 10));
        assert_eq!(state, State::Error);
        assert!(what.contains("old copy"), "{what}");
        let (state, what) = stands(|facts| {
            let standing = facts.standing.as_mut().unwrap();
            (standing.error, standing.failures) = (Some("dana's host is down".into()), 3);
        });
        assert_eq!(state, State::Warning);
        assert!(what.contains("after 3 failed tries"), "{what}");
        assert!(!what.contains("dana"), "{what}");
        let (state, what) = stands(|facts| facts.reach = Err("/dev/log: none".into()));
        assert_eq!(state, State::Warning);
        assert!(
            what.contains("would not get through now: /dev/log"),
            "{what}"
        );
        let unknown = stands(|facts| facts.standing = Err("?".into()));
        assert_eq!(unknown.0, State::Unknown);
    }
}
