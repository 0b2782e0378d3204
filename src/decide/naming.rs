//! A delegation that arrives: whether its signer may name this deputy, for this ref and so long.

use super::Reason;
use super::roster::{Number, Roster};
use crate::policy::{BranchRule, DelegationRule, Policy};
use crate::statement::{Grant, Statement};
use crate::types::{PersonName, Seconds, TeamName, Timestamp};

/// Why the delegation is not taken in. One that would change nothing is refused, so that nobody
/// relies on it.
pub(super) fn faults(
    policy: &Policy,
    roster: &Roster<'_>,
    now: Timestamp,
    statement: &Statement,
    signer: Number,
) -> Vec<Reason> {
    let (Some(grant), Some(until)) = (&statement.particulars.grant, statement.expires) else {
        let why = "it names nobody, or no end".to_owned();
        return vec![Reason::StatementFormat { why }];
    };
    let mut reasons = Vec::new();
    if policy.id.map(|id| id.0) != Some(statement.commit) {
        reasons.push(Reason::DelegationPolicy {
            stated: statement.commit,
        });
    }
    if let Some(why) = unfit(policy, roster, grant, signer) {
        reasons.push(Reason::DelegationDeputy {
            to: grant.to.clone(),
            why,
        });
    }
    let rules = policy.rules_for(&statement.refname);
    let allowing = match allowing(roster, &rules, grant, signer) {
        Ok(allowing) => allowing,
        Err((by, to)) => {
            reasons.push(Reason::DelegationNotAllowed {
                person: roster.name(signer),
                to: grant.to.clone(),
                refname: statement.refname.clone(),
                by,
                from: to,
            });
            return reasons;
        }
    };
    let holds = |rule: &&BranchRule| roster.members(&approving(rule)).has(signer);
    if !allowing.iter().any(holds) {
        reasons.push(Reason::DelegationOfNothing {
            person: roster.name(signer),
            refname: statement.refname.clone(),
        });
    }
    let longest = allowing.iter().filter(|rule| holds(rule));
    let longest = longest.filter_map(|rule| Some(rule.delegation.as_ref()?.longest));
    reasons.extend(of_time(grant.from, until, now, longest.max()));
    reasons
}

/// Whether a delegation that `by` signed would be heeded if it were its time: a rule for its ref lets
/// them name this deputy for so long, and asks for their approvals.
#[must_use]
pub fn heeds(policy: &Policy, statement: &Statement, by: &PersonName) -> bool {
    let roster = Roster::new(policy);
    let (Some(grant), Some(until), Some(signer)) = (
        &statement.particulars.grant,
        statement.expires,
        roster.number(by),
    ) else {
        return false;
    };
    let rules = policy.rules_for(&statement.refname);
    let allowing = allowing(&roster, &rules, grant, signer).unwrap_or_default();
    grant.to != *by
        && allowing.iter().any(|rule| {
            let longest = rule
                .delegation
                .as_ref()
                .map(|delegation| delegation.longest);
            roster.members(&approving(rule)).has(signer)
                && longest.is_some_and(|longest| until <= grant.from.plus(longest))
        })
}

/// Why somebody cannot be a deputy, whoever names them.
fn unfit(
    policy: &Policy,
    roster: &Roster<'_>,
    grant: &Grant,
    signer: Number,
) -> Option<&'static str> {
    let Some(person) = policy.people.get(&grant.to) else {
        return Some("the policy does not know them");
    };
    if roster.number(&grant.to) == Some(signer) {
        Some("nobody is their own deputy")
    } else if person.disabled {
        Some("they are disabled in the policy")
    } else if person.keys.is_empty() {
        Some("they have no key to sign with")
    } else {
        None
    }
}

/// The rules that let the signer name this deputy; where none does, who may name whom there.
fn allowing<'a>(
    roster: &Roster<'_>,
    rules: &[&'a BranchRule],
    grant: &Grant,
    signer: Number,
) -> Result<Vec<&'a BranchRule>, (Vec<TeamName>, Vec<TeamName>)> {
    let to = roster.number(&grant.to);
    let lets = |delegation: &DelegationRule| {
        roster.members(&delegation.by).has(signer)
            && to.is_some_and(|to| roster.members(&delegation.to).has(to))
    };
    let allowing = rules
        .iter()
        .filter(|rule| rule.delegation.as_ref().is_some_and(lets));
    let allowing: Vec<&BranchRule> = allowing.copied().collect();
    if !allowing.is_empty() {
        return Ok(allowing);
    }
    let (mut by, mut from) = (Vec::new(), Vec::new());
    for delegation in rules.iter().filter_map(|rule| rule.delegation.as_ref()) {
        by.extend(delegation.by.iter().cloned());
        from.extend(delegation.to.iter().cloned());
    }
    Err((by, from))
}

/// The teams whose approvals a rule asks for.
fn approving(rule: &BranchRule) -> Vec<TeamName> {
    let paths = rule.paths.iter().flat_map(|path| &path.from);
    rule.from.iter().chain(paths).cloned().collect()
}

fn of_time(
    from: Timestamp,
    until: Timestamp,
    now: Timestamp,
    longest: Option<Seconds>,
) -> Option<Reason> {
    let why = if until <= from {
        "it ends before it begins".to_owned()
    } else if until <= now {
        "it is over already".to_owned()
    } else {
        let longest = longest.filter(|longest| until > from.plus(*longest))?;
        format!(
            "it is longer than {}, the most that the policy allows",
            shown(longest)
        )
    };
    Some(Reason::DelegationTime { why })
}

/// As the policy writes it: `21d` or `12h`.
fn shown(span: Seconds) -> String {
    const HOUR: u64 = 60 * 60;
    match span.0 % (24 * HOUR) {
        0 => format!("{}d", span.0 / (24 * HOUR)),
        _ => format!("{}h", span.0 / HOUR),
    }
}

/// Who may name whom, for a hint.
pub(super) fn whom(by: &[TeamName], from: &[TeamName]) -> String {
    use super::reason::words::any_of;
    if by.is_empty() {
        "no rule for this ref has a `delegation`: the policy has to be changed first".to_owned()
    } else {
        format!(
            "there, somebody of {} may name somebody of {}",
            any_of(unique(by)),
            any_of(unique(from))
        )
    }
}

fn unique(teams: &[TeamName]) -> std::collections::BTreeSet<&TeamName> {
    teams.iter().collect()
}
