//! Long ranges, many globs, many statements: time stays in proportion.

use super::build::*;
use crate::decide::decide;
use crate::facts::{CommitFacts, Content};
use crate::policy::{PathRule, PathRules};
use crate::types::{Oid, RepoPath};
use std::time::{Duration, Instant};

fn far(number: u32) -> Oid {
    let mut bytes = [0xcd; 20];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Oid::from_bytes(&bytes).unwrap()
}

/// A line of commits, the tip first, each changing one of a thousand files.
fn line(length: u32) -> Vec<CommitFacts> {
    let one = |number: u32| {
        let path = format!("dir{}/file{}", number % 40, number % 1000);
        CommitFacts {
            oid: far(number),
            parents: vec![if number + 1 < length {
                far(number + 1)
            } else {
                oid(BASE)
            }],
            content: Content::Adds(vec![RepoPath::new(path.into_bytes())]),
            ..commit(1, &[], "dana")
        }
    };
    (0..length).map(one).collect()
}

fn thousand_globs() -> PathRules {
    let rule = |number: u32| {
        let glob = format!("dir{}/**/file{number}", number % 40);
        PathRule {
            patterns: vec![glob],
            required: 1,
            from: teams(&["reviewers"]),
        }
    };
    PathRules::new((0..1000).map(rule).collect()).unwrap()
}

/// Far above what it takes on a slow machine without optimisation, far below what a quadratic
/// walk would.
const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn ten_thousand_commits_under_a_thousand_globs() {
    let mut policy = policy();
    policy.rules[0].paths = thousand_globs();
    let commits = line(10_000);
    let mut approval = approves(1, "rita", 1);
    approval.statement.commit = far(0);
    let facts = push(vec![update(PROD, range(commits, vec![approval]))]);
    let start = Instant::now();
    let verdict = decide(&policy, &facts);
    assert!(start.elapsed() < LIMIT, "{:?}", start.elapsed());
    assert!(
        verdict.accepted(),
        "{:?}",
        verdict.updates[0].reasons.first()
    );
}

#[test]
fn ten_thousand_commits_each_approved_from_the_one_before() {
    let length = 10_000;
    let statements = (0..length).map(|number| {
        let mut approval = approves(1, "rita", 1);
        approval.tag = far(1_000_000 + number);
        approval.statement.commit = far(number);
        if number + 1 < length {
            approval.statement.base = Some(far(number + 1));
            approval.base = crate::facts::BaseRelation::InRange;
        }
        approval
    });
    let facts = push(vec![update(
        PROD,
        range(line(length), statements.collect()),
    )]);
    let start = Instant::now();
    let verdict = decide(&policy(), &facts);
    assert!(start.elapsed() < LIMIT, "{:?}", start.elapsed());
    assert!(
        verdict.accepted(),
        "{:?}",
        verdict.updates[0].reasons.first()
    );
}

#[test]
fn x_06_a_flood_of_wide_approvals_is_refused_in_bounded_time() {
    // Each looks back to the oldest commit, so each has to be walked whole.
    let length = 20_000;
    let statements = (0..10_000).map(|number| {
        let mut approval = approves(1, "rita", 1);
        approval.tag = far(1_000_000 + number);
        approval.statement.commit = far(number % 50);
        approval.statement.base = Some(far(length - 1));
        approval.base = crate::facts::BaseRelation::InRange;
        approval
    });
    let facts = push(vec![update(
        PROD,
        range(line(length), statements.collect()),
    )]);
    let start = Instant::now();
    let verdict = decide(&policy(), &facts);
    assert!(start.elapsed() < 6 * LIMIT, "{:?}", start.elapsed());
    assert!(!verdict.accepted());
}
