//! Could anybody still change the policy?

use super::reach::{Demand, reachable};
use super::{Attribution, BranchRule, POLICY_FILE, POLICY_REF, Person, Policy, Releaser};
use crate::types::{RefName, TeamName};
use std::collections::BTreeSet;

/// Why nobody could ever change the policy again, if that is so.
///
/// A change needs somebody to write it, enough others to approve it by every rule of the policy's
/// own ref, and somebody to push it. Whether keys are valid and their files there is not asked.
#[must_use]
pub fn locks_out(policy: &Policy) -> Option<String> {
    let rules = RefName::new(POLICY_REF.as_bytes())
        .map(|refname| policy.rules_for(&refname))
        .unwrap_or_default();
    if rules.is_empty() {
        return Some(format!("no rule says who may change `{POLICY_REF}`"));
    }
    let authors = authors(policy, &rules);
    if authors.is_empty() {
        return Some("no enabled person has a key to sign a change of the policy with".to_owned());
    }
    let demands: Vec<Demand<'_>> = rules
        .iter()
        .flat_map(|rule| demands(policy, rule))
        .collect();
    if !reachable(&demands, &authors) {
        return Some(too_few(&demands));
    }
    let pushable = rules
        .iter()
        .filter_map(|rule| rule.push.as_deref())
        .map(|teams| pushers(policy, teams))
        .reduce(|left, right| left.intersection(&right).copied().collect());
    let third = rules.iter().any(|rule| rule.releaser == Releaser::Distinct);
    if third && !third_person(policy, &demands, &authors, pushable.as_ref()) {
        return Some(format!(
            "a change of `{POLICY_REF}` has to be pushed by somebody who neither wrote nor approved \
             it, and there are too few"
        ));
    }
    match pushable {
        Some(pushers) if pushers.is_empty() => {
            let needed = policy.identity.shows().needs();
            Some(format!("nobody who may push `{POLICY_REF}` has {needed}"))
        }
        Some(_) | None => None,
    }
}

/// Whether somebody who may push is left over when others write and approve a change.
fn third_person(
    policy: &Policy,
    demands: &[Demand<'_>],
    authors: &BTreeSet<&str>,
    pushable: Option<&BTreeSet<&str>>,
) -> bool {
    let people = policy.people.values().filter(|person| !person.disabled);
    let people = people.filter(|person| policy.can_be_shown(person));
    let mut names = people.map(|person| person.name.as_str());
    names.any(|name| {
        let others = |all: &BTreeSet<&str>| all.iter().filter(|one| **one != name).count();
        let left: Vec<Demand<'_>> = demands
            .iter()
            .map(|demand| Demand {
                required: demand.required,
                able: demand
                    .able
                    .iter()
                    .copied()
                    .filter(|one| *one != name)
                    .collect(),
            })
            .collect();
        let writers = authors.iter().copied().filter(|one| *one != name).collect();
        pushable.is_none_or(|all| others(all) < all.len()) && reachable(&left, &writers)
    })
}

fn too_few(demands: &[Demand<'_>]) -> String {
    let required = demands.iter().map(|demand| demand.required).max();
    let approvals = match required.unwrap_or_default() {
        1 => "1 approval".to_owned(),
        many => format!("{many} approvals"),
    };
    format!(
        "a change of `{POLICY_REF}` needs {approvals} by people other than its author, by every \
         rule for it, and there are too few with keys"
    )
}

/// What a rule demands of a change to the policy's file.
fn demands<'a>(policy: &'a Policy, rule: &BranchRule) -> Vec<Demand<'a>> {
    let paths = rule
        .paths
        .matching(POLICY_FILE.as_bytes())
        .into_iter()
        .map(|path| (path.required, &path.from));
    std::iter::once((rule.required, &rule.from))
        .chain(paths)
        .map(|(required, from)| Demand {
            required,
            able: able(policy, from),
        })
        .collect()
}

/// Those of the teams who can approve: enabled, with a key.
pub(super) fn able<'a>(policy: &'a Policy, teams: &[TeamName]) -> BTreeSet<&'a str> {
    of_teams(policy, teams, |person| !person.keys.is_empty())
}

/// Those of the teams who can push: enabled, with a login or key that the source shows.
pub(super) fn pushers<'a>(policy: &'a Policy, teams: &[TeamName]) -> BTreeSet<&'a str> {
    let shows = policy.identity.shows();
    of_teams(policy, teams, |person| shows.can_show(person.into()))
}

fn of_teams<'a>(
    policy: &'a Policy,
    teams: &[TeamName],
    can: impl Fn(&Person) -> bool,
) -> BTreeSet<&'a str> {
    teams
        .iter()
        .filter_map(|team| policy.teams.get(team))
        .flatten()
        .filter_map(|name| policy.people.get(name))
        .filter(|person| !person.disabled && can(person))
        .map(|person| person.name.as_str())
        .collect()
}

/// Those to whom a commit can be attributed by every one of the rules.
pub(super) fn authors<'a>(policy: &'a Policy, rules: &[&BranchRule]) -> BTreeSet<&'a str> {
    let by_signature = rules.iter().any(|rule| match rule.attribution {
        Attribution::Signature => true,
        Attribution::SignatureOrPusher => false,
    });
    let shows = policy.identity.shows();
    let as_pusher = |person: &Person| !by_signature && shows.can_show(person.into());
    policy
        .people
        .values()
        .filter(|person| !person.disabled)
        .filter(|person| !person.keys.is_empty() || as_pusher(person))
        .map(|person| person.name.as_str())
        .collect()
}
