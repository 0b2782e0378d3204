//! What a target can go back to: the commits that recorded verdicts accepted for it.

use super::{LedgerOrders, OrderError};
use crate::audit::{Event, ReleaseState, VerdictRecord};
use crate::policy::Bundle;
use crate::release::{Course, Order, ReleaseError};
use crate::types::{Oid, RefName, TargetName, Timestamp, escape};
use std::collections::BTreeMap;

/// An accepted commit of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The ref that it was accepted for.
    pub refname: RefName,
    /// The commit.
    pub commit: Oid,
    /// The last entry of the log that accepted it.
    pub sequence: u64,
    /// When that was.
    pub accepted: Timestamp,
    /// When it was last brought to the target, if it ever was.
    pub released: Option<Timestamp>,
}

impl LedgerOrders<'_> {
    /// Every commit that a recorded verdict accepted for `target`, on a ref that the policy in force
    /// releases to it, the last accepted first. The whole log is verified on the way.
    ///
    /// # Errors
    /// A sentence, when the log or the policy cannot be read.
    pub fn history(&self, target: &TargetName) -> Result<Vec<Past>, String> {
        self.past(target).map_err(|error| error.to_string())
    }

    fn past(&self, target: &TargetName) -> Result<Vec<Past>, OrderError> {
        let (_, bundle) = self.server.store.policy()?.ok_or(OrderError::NoPolicy)?;
        let mut past: BTreeMap<(RefName, Oid), Past> = BTreeMap::new();
        let mut landed: BTreeMap<(String, Oid), Timestamp> = BTreeMap::new();
        crate::audit::verify(&self.server.log, |entry| match &entry.event {
            Event::Verdict(verdict) => {
                for (refname, commit) in accepted(verdict, &bundle, target) {
                    let one = Past {
                        refname: refname.clone(),
                        commit,
                        sequence: entry.seq,
                        accepted: entry.time,
                        released: None,
                    };
                    past.insert((refname, commit), one);
                }
            }
            Event::Release(release) => {
                if release.state == ReleaseState::Finished && release.target == target.as_str() {
                    landed.insert((release.refname.clone(), release.commit), entry.time);
                }
            }
            Event::Begun { .. }
            | Event::Pinned(_)
            | Event::Refused { .. }
            | Event::Course(_)
            | Event::Drift(_)
            | Event::Debt(_)
            | Event::Moved(_)
            | Event::Heartbeat(_)
            | Event::Migrated { .. }
            | Event::Redacted(_)
            | Event::Read(_)
            | Event::Stream(_)
            | Event::Long { .. }
            | Event::Recovered { .. } => {}
        })?;
        let mut past: Vec<Past> = past.into_values().collect();
        for one in &mut past {
            one.released = landed.get(&(one.refname.to_string(), one.commit)).copied();
        }
        past.sort_by_key(|one| std::cmp::Reverse(one.sequence));
        Ok(past)
    }

    /// The order to bring `target` back to what `wanted` names: a commit's first digits, the number of
    /// the entry that accepted it, or `previous` for the release before the one that it holds.
    ///
    /// # Errors
    /// When that names none, or more than one, or it cannot be told.
    pub fn earlier(
        &self,
        newest: &Order,
        holds: Option<Oid>,
        wanted: &str,
    ) -> Result<Order, ReleaseError> {
        let past = self
            .history(&newest.target.name)
            .map_err(ReleaseError::Order)?;
        // What a target never had has to pass its stages first, and what holds it before them.
        let chosen = choose(&past, holds, wanted)
            .and_then(|chosen| match chosen.released {
                Some(_) => Ok(chosen),
                None if chosen.sequence == newest.sequence => Ok(chosen),
                None => Err("it was accepted, but never released there".into()),
            })
            .map_err(|why| ReleaseError::NoSuchRelease {
                wanted: escape(wanted.as_bytes()),
                why,
            })?;
        Ok(Order {
            refname: chosen.refname.clone(),
            commit: chosen.commit,
            sequence: chosen.sequence,
            course: Course::Back,
            ..newest.clone()
        })
    }
}

/// What a verdict accepted for `target`, on refs that are released to it now.
fn accepted(verdict: &VerdictRecord, bundle: &Bundle, target: &TargetName) -> Vec<(RefName, Oid)> {
    let permits = verdict.updates.iter();
    let permits = permits.filter_map(|update| update.permit.as_ref());
    permits
        .filter(|permit| permit.release.iter().any(|name| name == target.as_str()))
        .filter_map(|permit| {
            let refname = crate::ledger::name_from_hex(&permit.ref_hex).ok()?;
            let rules = bundle.policy.rules_for(&refname);
            let released = rules.iter().any(|rule| rule.release.contains(target));
            released.then_some((refname, permit.new))
        })
        .collect()
}

/// The shortest abbreviation of a commit; what is shorter and a number is an entry's.
const SHORTEST: usize = 7;

fn choose<'a>(past: &'a [Past], holds: Option<Oid>, wanted: &str) -> Result<&'a Past, String> {
    if wanted == "previous" {
        return before(past, holds);
    }
    if let Some(number) = wanted
        .parse::<u64>()
        .ok()
        .filter(|_| wanted.len() < SHORTEST)
    {
        let found = past.iter().find(|one| one.sequence == number);
        return found.ok_or_else(|| "no verdict of that number accepted anything for it".into());
    }
    let hex = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    if wanted.len() < SHORTEST || !wanted.bytes().all(hex) {
        return Err(format!(
            "write `latest`, `previous`, an entry's number or at least {SHORTEST} digits of a commit"
        ));
    }
    let mut fitting = past
        .iter()
        .filter(|one| one.commit.to_string().starts_with(wanted));
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err("no recorded verdict accepted such a commit for it".into()),
        (Some(_), Some(_)) => Err("it fits more than one: write more of it, or the number".into()),
    }
}

/// The release before the one that a target holds.
fn before(past: &[Past], holds: Option<Oid>) -> Result<&Past, String> {
    let holds = holds.ok_or("nothing was released yet")?;
    let current = past.iter().find(|one| one.commit == holds);
    let current = current.ok_or("what it holds now is not in the log")?;
    past.iter()
        .find(|one| one.sequence < current.sequence && one.released.is_some())
        .ok_or_else(|| "there was no release before this one".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(digit: u8, sequence: u64, released: bool) -> Past {
        Past {
            refname: RefName::new(b"refs/heads/prod").unwrap(),
            commit: Oid::from_bytes(&[digit; 20]).unwrap(),
            sequence,
            accepted: Timestamp::from_unix(0),
            released: released.then(|| Timestamp::from_unix(1)),
        }
    }

    #[test]
    fn a_release_is_named_by_entry_commit_or_place() {
        let all = [
            past(0xaa, 9, true),
            past(0xab, 7, false),
            past(0x12, 4, true),
        ];
        let holds = Some(all[0].commit);
        let found = |wanted: &str| choose(&all, holds, wanted).map(|one| one.sequence);
        assert_eq!(found("7"), Ok(7));
        assert_eq!(found("previous"), Ok(4));
        assert_eq!(found(&"ab".repeat(20)), Ok(7));
        assert_eq!(found("1212121"), Ok(4));
        for none in ["8", "", "aaaa", "cccccccc", "HEAD~1", "refs/heads/prod"] {
            assert!(found(none).is_err(), "{none}");
        }
        assert!(choose(&all, None, "previous").is_err());
        assert!(choose(&all, Some(all[2].commit), "previous").is_err());
        let twins = [past(0xaa, 9, true), past(0xaa, 7, true)];
        assert!(choose(&twins, holds, "aaaaaaa").is_err());
    }
}
