//! Who was named a deputy: found about the policy's history, and nowhere else.

use super::*;
use crate::facts::testing::name;
use crate::policy::PolicyId;
use crate::statement::{Decision, Grant, Statement};

/// A delegation by its signer to carol, about this commit of the policy, until so many seconds from now.
fn delegation(repo: &Repo, policy: Oid, until: i64) -> Statement {
    let mut made = repo.approval(policy, None);
    made.decision = Decision::Delegate;
    made.expires = Some(Timestamp::from_unix(NOW + until));
    made.reason = Some("leave".into());
    made.particulars.grant = Some(Grant {
        to: person("carol"),
        from: Timestamp::from_unix(NOW - 500),
        paths: Vec::new(),
    });
    made
}

fn tags(facts: &PushFacts) -> Vec<(Oid, Option<Timestamp>)> {
    let Subject::Protected(RangeOutcome::Range(range)) = &facts.updates[0].subject else {
        panic!("{facts:?}");
    };
    let all = range.delegations.iter();
    all.map(|facts| (facts.tag, facts.first_seen)).collect()
}

#[test]
fn who_was_named_is_told_where_the_policy_lets_it_and_it_can_matter() {
    const LETS: &str = "    delegation: {to: [all], longest: 21d}\n";
    let repo = Repo::new();
    let base = root(&repo);
    let tip = next(&repo, base, "tip");
    let older = next(&repo, base, "the policy of before");
    let in_force = next(&repo, older, "the policy");
    let later = next(&repo, in_force, "a policy that is not in force");
    let bob = Signer::new("bob");
    let (first, _) = bob.stores(&repo, &delegation(&repo, older, 100));
    let (second, _) = bob.stores(&repo, &delegation(&repo, in_force, 100));
    let mut back = delegation(&repo, older, 100);
    back.decision = Decision::Withdraw { statement: first };
    back.expires = None;
    back.particulars.grant = None;
    let (back, _) = bob.stores(&repo, &back);
    // Over; for another ref; about no commit of the policy; and what takes one of those back.
    let (over, _) = bob.stores(&repo, &delegation(&repo, in_force, 0));
    let mut other = delegation(&repo, in_force, 100);
    other.refname = name("refs/heads/release/1");
    bob.stores(&repo, &other);
    bob.stores(&repo, &delegation(&repo, tip, 100));
    bob.stores(&repo, &delegation(&repo, later, 100));
    let (arriving, arriving_name) = bob.states(&repo, &delegation(&repo, in_force, 200));
    let refname = name("refs/heads/prod");
    let updates = [
        (&refname, RefChange::Create { new: tip }),
        (&arriving_name, RefChange::Create { new: arriving }),
    ];
    let mut memory = approved(base);
    let seen = Timestamp::from_unix(7);
    for tag in [first, second, back, over] {
        memory.seen.insert(tag, seen);
    }
    let gather = |rule: &str| {
        let mut policy = policy(rule);
        policy.id = Some(PolicyId(in_force));
        gathered(&repo.store(), &policy, &memory, Pusher::NotAsked, &updates)
    };
    let mut wanted = vec![
        (first, Some(seen)),
        (second, Some(seen)),
        (back, Some(seen)),
        (arriving, Some(Timestamp::from_unix(NOW))),
    ];
    wanted.sort_unstable();
    assert_eq!(tags(&gather(LETS)), wanted);
    assert_eq!(tags(&gather("")), []);
    // Who objects in somebody's stead may rest on what is over by now.
    let mut no = repo.approval(tip, Some(base));
    no.decision = Decision::Reject;
    no.reason = Some("wrong".into());
    no.particulars.stead = Some(person("bob"));
    Signer::new("carol").stores(&repo, &no);
    wanted.push((over, Some(seen)));
    wanted.sort_unstable();
    assert_eq!(tags(&gather(LETS)), wanted);
}

#[test]
fn what_cannot_be_read_about_the_policy_refuses() {
    let repo = Repo::new();
    let base = root(&repo);
    let tip = next(&repo, base, "tip");
    let in_force = next(&repo, base, "the policy");
    let blob = repo.git_oid(&["hash-object", "-w", "--stdin"], b"no statement");
    let broken = format!("refs/relhook/statements/{in_force}/0123456789abcdef");
    repo.set_ref(&broken, blob);
    let refname = name("refs/heads/prod");
    let updates = [(&refname, RefChange::Create { new: tip })];
    let memory = approved(base);
    for (rule, refuses) in [
        ("    delegation: {to: [all], longest: 21d}\n", true),
        ("", false),
    ] {
        let mut policy = policy(rule);
        policy.id = Some(PolicyId(in_force));
        let facts = gathered(&repo.store(), &policy, &memory, Pusher::NotAsked, &updates);
        let Subject::Protected(outcome) = &facts.updates[0].subject else {
            panic!("{facts:?}");
        };
        assert_eq!(matches!(outcome, RangeOutcome::Fault(_)), refuses);
    }
}
