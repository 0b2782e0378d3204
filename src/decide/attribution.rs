//! Who made the commits of a range, and whether anything proves it.

use super::signer::Signer;
use super::span::Span;
use super::{Reason, Signed};
use crate::facts::{CommitFacts, Role};
use crate::policy::{Attribution, BranchRule};
use crate::signature::SignatureProblem;
use crate::types::Oid;
use std::collections::{BTreeMap, BTreeSet};

/// Why commits of the range are refused whoever approves them: a signature that does not count,
/// nobody authenticated, or somebody whom the policy does not know.
pub(super) fn faults(span: &Span<'_>, rules: &[&BranchRule]) -> Vec<Reason> {
    let demanded = demanded(rules);
    let mut bad: Vec<(&SignatureProblem, Vec<Oid>)> = Vec::new();
    let mut unproven = Vec::new();
    for (commit, signer) in span.facts.commits.iter().zip(&span.signers) {
        match signer {
            Signer::Person { .. } => {}
            Signer::Nobody if pushed_by_a_person(span, commit, demanded) => {}
            Signer::Nobody => unproven.push(commit.oid),
            Signer::Refused(problem) => match bad.iter_mut().find(|(other, _)| *other == problem) {
                Some((_, commits)) => commits.push(commit.oid),
                None => bad.push((problem, vec![commit.oid])),
            },
        }
    }
    let mut reasons = strangers(span);
    reasons.extend(bad.into_iter().map(|(problem, commits)| Reason::Signature {
        on: Signed::Commits(commits),
        problem: problem.clone(),
    }));
    if !unproven.is_empty() {
        reasons.push(Reason::Unauthenticated {
            commits: unproven,
            demanded,
        });
    }
    reasons
}

/// What the strictest of the rules asks for.
fn demanded(rules: &[&BranchRule]) -> Attribution {
    let lenient = rules.iter().all(|rule| match rule.attribution {
        Attribution::Signature => false,
        Attribution::SignatureOrPusher => true,
    });
    if lenient {
        Attribution::SignatureOrPusher
    } else {
        Attribution::Signature
    }
}

fn pushed_by_a_person(span: &Span<'_>, commit: &CommitFacts, demanded: Attribution) -> bool {
    let first = &commit.first_pushers;
    let mut people = first.people.iter();
    let known = first.certain && people.any(|name| span.roster.number(name).is_some());
    match demanded {
        Attribution::Signature => false,
        Attribution::SignatureOrPusher => known,
    }
}

/// One reason for each identity that nobody owns, whatever the number of commits.
fn strangers(span: &Span<'_>) -> Vec<Reason> {
    let mut found: BTreeMap<String, (BTreeSet<Role>, Vec<Oid>)> = BTreeMap::new();
    for commit in &span.facts.commits {
        for (identity, role) in of_commit(span, commit) {
            let (roles, commits) = found.entry(identity).or_default();
            roles.extend(role);
            if commits.last() != Some(&commit.oid) {
                commits.push(commit.oid);
            }
        }
    }
    let reason = |(identity, (roles, commits))| Reason::Stranger {
        identity,
        roles,
        commits,
    };
    found.into_iter().map(reason).collect()
}

/// The identities in a commit that nobody owns, and as what they are named.
pub(super) fn of_commit(span: &Span<'_>, commit: &CommitFacts) -> Vec<(String, Option<Role>)> {
    let owned = |name: &_| span.roster.number(name).is_some();
    let claims = commit.claims.iter();
    let claims = claims.filter(|claim| !claim.owner.as_ref().is_some_and(owned));
    let mut all: Vec<_> = claims
        .map(|claim| (claim.identity.to_string(), Some(claim.role)))
        .collect();
    let pusher = commit
        .first_pushers
        .people
        .iter()
        .filter(|name| !owned(name));
    all.extend(pusher.map(|name| (name.to_string(), None)));
    all
}
