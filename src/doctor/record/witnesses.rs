//! Whether the witnesses that the policy names still cosign what the log is.

use crate::audit::AuditLog;
use crate::cosign::WitnessKey;
use crate::doctor::Finding;
use crate::policy::AuditPolicy;
use crate::types::{Timestamp, WitnessName};

/// A witness that has not cosigned for so long what the log is by now has gone, in seconds: its timer
/// looks every minute.
const LONG: i64 = 86_400;

/// Looks at them.
pub(super) fn examine(log: &AuditLog, policy: &AuditPolicy) -> Vec<Finding> {
    let check = "witnesses";
    if policy.witnesses.is_empty() {
        return vec![Finding::ok(check, "the policy names no witness of the log")];
    }
    let size = match log.last() {
        Ok(last) => last.seq,
        Err(error) => return vec![Finding::unknown(check, error.to_string())],
    };
    let all = policy.witnesses.iter();
    let facts: Vec<Facts> = all.map(|one| Facts::gather(log, one)).collect();
    let now = crate::hook::clock();
    let mut found: Vec<Finding> = facts.iter().map(|one| judge(one, size, now)).collect();
    found.extend(enough(&facts, policy.required, now));
    found
}

/// What a witness has cosigned last: so many entries, when; or why that cannot be told.
#[derive(Debug, Clone)]
struct Facts {
    name: WitnessName,
    last: Result<Option<(u64, Timestamp)>, String>,
}

impl Facts {
    fn gather(log: &AuditLog, (name, key): (&WitnessName, &WitnessKey)) -> Self {
        let last = log.cosigned_by(key).map_err(|error| error.to_string());
        Self {
            name: name.clone(),
            last: last.map(|one| one.map(|one| (one.checkpoint.size, one.time()))),
        }
    }

    /// Whether it cosigned something lately.
    fn is_there(&self, now: Timestamp) -> bool {
        let last = self.last.as_ref().ok().and_then(Option::as_ref);
        last.is_some_and(|(_, at)| now.as_unix() - at.as_unix() <= LONG)
    }
}

fn judge(facts: &Facts, size: u64, now: Timestamp) -> Finding {
    let (check, name) = ("witnesses", &facts.name);
    match &facts.last {
        Err(why) => Finding::error(
            check,
            format!("what `{name}` cosigned cannot be used: {why}"),
        )
        .advice("somebody or something changed it: `relhook audit verify` looks at all of it"),
        Ok(None) => Finding::warning(
            check,
            format!("`{name}` has cosigned nothing of the log yet"),
        )
        .advice("`relhook audit witness` does, in its own clone; its key stands in the policy"),
        Ok(Some((seen, at))) if *seen < size && !facts.is_there(now) => Finding::warning(
            check,
            format!(
                "`{name}` cosigned last at {at}, and the log has {} entries more",
                size - seen
            ),
        )
        .advice(
            "ask whoever runs it whether it stopped, or saw a log that it does not sign (RH704)",
        ),
        Ok(Some((seen, at))) => Finding::ok(
            check,
            format!("`{name}` cosigned {seen} of {size} entries at {at}"),
        ),
    }
}

/// Whether as many are there as a release waits for.
fn enough(facts: &[Facts], required: u32, now: Timestamp) -> Option<Finding> {
    let there = facts.iter().filter(|one| one.is_there(now)).count();
    let missing = usize::try_from(required).unwrap_or(usize::MAX) > there;
    missing.then(|| {
        let what = format!(
            "a release waits for {required} witnesses, and {there} cosigned anything within a day: the \
             next one is held back"
        );
        Finding::warning("witnesses", what).advice("`relhook release status` says what is held now")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(1_790_000_000 + seconds)
    }

    fn facts(last: Result<Option<(u64, Timestamp)>, String>) -> Facts {
        Facts {
            name: WitnessName::new("notary"),
            last,
        }
    }

    #[test]
    fn one_that_went_silent_is_told_where_there_was_something_to_sign() {
        let state = |last| judge(&facts(last), 9, at(0)).state;
        assert_eq!(state(Ok(Some((7, at(-LONG))))), State::Ok);
        assert_eq!(state(Ok(Some((7, at(-LONG - 1))))), State::Warning);
        assert_eq!(state(Ok(Some((9, at(-LONG - 1))))), State::Ok);
        assert_eq!(state(Ok(None)), State::Warning);
        assert_eq!(state(Err("it is forged".into())), State::Error);
    }

    #[test]
    fn too_few_for_the_next_release_are_told() {
        let all = [
            facts(Ok(Some((9, at(-1))))),
            facts(Ok(Some((9, at(-LONG - 1))))),
            facts(Ok(None)),
        ];
        assert!(enough(&all, 0, at(0)).is_none());
        assert!(enough(&all, 1, at(0)).is_none());
        assert_eq!(enough(&all, 2, at(0)).unwrap().state, State::Warning);
    }
}
