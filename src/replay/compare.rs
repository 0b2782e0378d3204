//! What was recorded, held against what is found again. Pure.

use crate::audit::{EmergencyRecord, SettledHow, UpdateRecord, VerdictRecord};
use crate::decide::{Code, DebtState, EmergencyUse, Reason, UpdateVerdict, Verdict};
use crate::ledger::name_from_hex;
use crate::policy::zone_rules;
use crate::types::{Oid, RefName};
use std::collections::{BTreeMap, BTreeSet};

/// Whether the names of an entry are still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    Known,
    Deleted,
}

/// One thing in which the two differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Difference {
    /// The push would have been refused.
    Refused {
        /// The ref of the update that would have been.
        refname: RefName,
        reasons: Vec<Reason>,
    },
    /// The entry and what is found tell different things of a move.
    Told { refname: String, how: String },
}

/// Everything in which an accepted verdict as recorded differs from the verdict now.
pub(super) fn differences(
    record: &VerdictRecord,
    verdict: &Verdict,
    names: Names,
) -> Vec<Difference> {
    let mut found: Vec<Difference> = verdict
        .updates
        .iter()
        .filter(|update| !update.reasons.is_empty())
        .map(|update| Difference::Refused {
            refname: update.refname.clone(),
            reasons: update.reasons.clone(),
        })
        .collect();
    if !found.is_empty() {
        return found;
    }
    for update in &record.updates {
        let Some(permit) = &update.permit else {
            continue;
        };
        let name = name_from_hex(&permit.ref_hex).ok();
        let mut judged = verdict.updates.iter();
        let judged = judged.find(|judged| Some(&judged.refname) == name.as_ref());
        let told = judged.map_or_else(
            || vec!["it permits a move that the push did not ask for".to_owned()],
            |judged| told(update, judged, names),
        );
        found.extend(told.into_iter().map(|how| Difference::Told {
            refname: update.refname.clone(),
            how,
        }));
    }
    found.extend(of_debts(record, verdict));
    found
}

/// In what an update is told differently.
fn told(update: &UpdateRecord, judged: &UpdateVerdict, names: Names) -> Vec<String> {
    let mut found = Vec::new();
    let (Some(recorded), Some(permit)) = (&update.permit, &judged.permit) else {
        return vec!["it permits a move of a ref that the policy of then does not protect".into()];
    };
    if update.refname != judged.refname.to_string() {
        found.push("it shows the ref by another name".to_owned());
    }
    if (recorded.old, Some(recorded.new)) != (update.old, update.new) {
        found.push("it permits another move than the push asked for".to_owned());
    }
    if (recorded.old, recorded.new) != (permit.old(), permit.new_oid()) {
        found.push("it permits another move than the policy of then allows".to_owned());
    }
    let targets: Vec<String> = permit.release().iter().map(ToString::to_string).collect();
    if recorded.release != targets {
        found.push(format!(
            "it releases to {}, and the policy of then to {}",
            list(&recorded.release),
            list(&targets)
        ));
    }
    found.extend(of_emergency(
        update.emergency.as_ref(),
        judged.emergency.as_ref(),
    ));
    let recorded_back = update.rollback.as_ref().map(|one| one.statements.clone());
    let judged_back = judged.rollback.as_ref();
    let judged_back = judged_back.map(|one| one.statements.iter().map(|one| one.tag).collect());
    if recorded_back != judged_back {
        found.push("as a rollback it rests on other statements than the entry says".to_owned());
    }
    let passed: BTreeSet<String> = judged
        .let_pass
        .iter()
        .map(|reason| reason.code().to_string())
        .collect();
    let passed: Vec<String> = passed.into_iter().collect();
    if update.let_pass != passed {
        found.push(format!(
            "rules that only warn let it pass in spite of {}, and the entry says {}",
            codes(&passed),
            codes(&update.let_pass)
        ));
    }
    let tickets: Vec<String> = judged.tickets.iter().cloned().collect();
    if update.tickets != tickets {
        let (recorded, now) = (list(&update.tickets), list(&tickets));
        found.push(format!(
            "the change request was {now}, and the entry says {recorded}"
        ));
    }
    if names == Names::Known {
        let people = |all: BTreeSet<String>| all.into_iter().collect::<Vec<_>>();
        let covers = judged.commits.iter().flat_map(|commit| &commit.covers);
        let approvers = people(covers.map(|cover| cover.person.to_string()).collect());
        let contributors = judged
            .commits
            .iter()
            .flat_map(|commit| &commit.contributors);
        let contributors = people(contributors.map(ToString::to_string).collect());
        for (what, recorded, found_now) in [
            ("approved by", &update.approved_by, approvers),
            ("made by", &update.contributors, contributors),
        ] {
            if *recorded != found_now {
                let (recorded, now) = (list(recorded), list(&found_now));
                found.push(format!(
                    "it was {what} {now}, and the entry says {recorded}"
                ));
            }
        }
    }
    found
}

/// In what the emergency that an update rests on is told differently.
fn of_emergency(
    recorded: Option<&EmergencyRecord>,
    found: Option<&EmergencyUse>,
) -> Option<String> {
    let (recorded, found) = match (recorded, found) {
        (None, None) => return None,
        (Some(_), None) => return Some("an emergency let it in, and it is approved".to_owned()),
        (None, Some(_)) => {
            return Some("it was taken for approved, and only an emergency lets it in".to_owned());
        }
        (Some(recorded), Some(found)) => (recorded, found),
    };
    let cosigned: Vec<Oid> = found.cosigned.iter().map(|(tag, _)| *tag).collect();
    let of_record = (
        recorded.tag,
        &recorded.cosigned,
        recorded.base,
        recorded.due,
    );
    let of_found = (found.tag, &cosigned, found.base, found.due);
    (of_record != of_found)
        .then(|| "it rests on another emergency, or on other terms, than is found".to_owned())
}

/// What is told of settled debts, and what is found.
fn of_debts(record: &VerdictRecord, verdict: &Verdict) -> Vec<Difference> {
    let told: BTreeSet<(u64, &str)> = record
        .settled
        .iter()
        .map(|settled| {
            let how = match settled.how {
                SettledHow::Review => "approved",
                SettledHow::Revert => "taken back",
            };
            (settled.entry, how)
        })
        .collect();
    let found: BTreeMap<(u64, &str), &RefName> = verdict
        .debts
        .iter()
        .filter_map(|debt| {
            let how = match debt.state {
                DebtState::Open { .. } => return None,
                DebtState::Reviewed { .. } => "approved",
                DebtState::Reverted { .. } => "taken back",
            };
            Some(((debt.debt.entry, how), &debt.refname))
        })
        .collect();
    let mut differences = Vec::new();
    for settled in &record.settled {
        let key = told.iter().find(|(entry, _)| *entry == settled.entry);
        if let Some((entry, how)) = key.filter(|key| !found.contains_key(*key)) {
            differences.push(Difference::Told {
                refname: settled.refname.clone(),
                how: format!("it says that what entry {entry} let in was {how}, and it is not"),
            });
        }
    }
    for ((entry, how), refname) in found.iter().filter(|(key, _)| !told.contains(*key)) {
        differences.push(Difference::Told {
            refname: refname.to_string(),
            how: format!("it does not say that what entry {entry} let in was {how}, and it is"),
        });
    }
    differences
}

fn list(names: &[String]) -> String {
    match names {
        [] => "nobody".to_owned(),
        names => names.join(", "),
    }
}

fn codes(codes: &[String]) -> String {
    match codes {
        [] => "nothing".to_owned(),
        codes => codes.join(", "),
    }
}

/// What the differences come to, where nothing is known but what they say.
pub(super) fn cannot_tell(reasons: &[Reason], names: Names) -> bool {
    let about_pusher = |reason: &Reason| {
        names == Names::Deleted
            && [
                Code::PUSHER_MISSING,
                Code::PUSHER_UNKNOWN,
                Code::PUSHER_NOT_ALLOWED,
                Code::PUSHER_NOT_ASKED,
                Code::RELEASER_NOT_ASKED,
                Code::UNAUTHENTICATED,
            ]
            .contains(&reason.code())
    };
    let mut reasons = reasons.iter();
    reasons.all(|reason| reason.cannot_tell() || about_pusher(reason))
}

/// Whether it is only the moment that speaks against it, and was read by other rules of time zones
/// then: those that are known now may have been put right since.
pub(super) fn other_zones(record: &VerdictRecord, reasons: &[Reason]) -> bool {
    let updates = record
        .report
        .as_ref()
        .and_then(|report| report.get("updates"));
    let updates = updates.and_then(|updates| updates.as_array());
    let mut rules = updates
        .into_iter()
        .flatten()
        .filter_map(|update| update.get("zone_rules"));
    let others = rules.any(|rules| rules.as_str() != Some(zone_rules()));
    others && reasons.iter().all(Reason::is_the_moment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Oid, RefChange, hex};
    use std::collections::BTreeSet;

    const PROD: &str = "refs/heads/prod";

    fn oid(number: u8) -> Oid {
        Oid::from_bytes(&[number; 20]).unwrap()
    }

    fn record() -> VerdictRecord {
        let json = serde_json::json!({
            "outcome": "accepted", "policy": oid(9), "others": 0, "codes": [], "evidence": [],
            "seen": [], "tool": "0.1.0",
            "updates": [{
                "ref": PROD, "claimed": oid(1), "old": oid(1), "new": oid(2), "codes": [],
                "permit": {
                    "ref_hex": hex(PROD.as_bytes()), "old": oid(1), "new": oid(2), "release": [],
                },
            }],
        });
        serde_json::from_value(json).unwrap()
    }

    fn verdict(reasons: Vec<Reason>) -> Verdict {
        Verdict {
            updates: vec![UpdateVerdict {
                refname: RefName::new(PROD.as_bytes()).unwrap(),
                change: RefChange::Update {
                    old: oid(1),
                    new: oid(2),
                },
                reasons,
                let_pass: Vec::new(),
                notes: Vec::new(),
                commits: Vec::new(),
                checks: Vec::new(),
                tickets: BTreeSet::new(),
                overridden: Vec::new(),
                zone_rules: None,
                rollback: None,
                permit: None,
                emergency: None,
            }],
            reasons: Vec::new(),
            debts: Vec::new(),
        }
    }

    #[test]
    fn what_is_refused_now_is_told_with_its_reasons_alone() {
        let reasons = vec![Reason::Deletion];
        let refused = Difference::Refused {
            refname: RefName::new(PROD.as_bytes()).unwrap(),
            reasons: reasons.clone(),
        };
        let found = differences(&record(), &verdict(reasons), Names::Known);
        assert_eq!(found, [refused]);
    }

    #[test]
    fn a_permit_that_is_not_given_again_is_told() {
        let told = |record: &VerdictRecord, verdict: &Verdict| -> Vec<String> {
            let found = differences(record, verdict, Names::Known);
            found.into_iter().map(|one| format!("{one:?}")).collect()
        };
        let found = told(&record(), &verdict(Vec::new()));
        assert!(found[0].contains("does not protect"), "{found:?}");
        let mut other = record();
        other.updates[0].permit.as_mut().unwrap().ref_hex = hex(b"refs/heads/stage");
        let found = told(&other, &verdict(Vec::new()));
        assert!(found[0].contains("did not ask for"), "{found:?}");
        let mut none = record();
        none.updates[0].permit = None;
        assert!(told(&none, &verdict(Vec::new())).is_empty());
    }

    #[test]
    fn what_only_deleted_names_would_tell_is_a_doubt() {
        let missing = Reason::PusherMissing {
            source_name: "x".into(),
            configured: crate::policy::IdentitySource::Http,
        };
        assert!(cannot_tell(std::slice::from_ref(&missing), Names::Deleted));
        assert!(!cannot_tell(std::slice::from_ref(&missing), Names::Known));
        let mut all = vec![missing];
        all.push(Reason::Stranger {
            identity: "x".into(),
            roles: BTreeSet::new(),
            commits: Vec::new(),
        });
        assert!(!cannot_tell(&all, Names::Deleted));
    }
}
