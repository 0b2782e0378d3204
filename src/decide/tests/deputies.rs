//! Deputies: who counts in whose stead, and what never does.

use super::build::*;
use crate::decide::{Code, Reason, StandIn, decide};
use crate::facts::{Debt, Owed, Owing, StatementFacts};
use crate::policy::{DelegationRule, Independence, Policy, PolicyId};
use crate::types::{Seconds, TeamName};

const LONG: (i64, i64) = (-1000, 1000);

/// Reviewers may name developers and owners their deputies, for an hour.
fn delegating() -> Policy {
    let mut made = policy();
    made.id = Some(PolicyId(oid(7)));
    made.rules[0].delegation = Some(DelegationRule {
        by: teams(&["reviewers"]),
        to: teams(&["developers", "owners"]),
        longest: Seconds(3600),
    });
    made
}

fn judged(
    policy: &Policy,
    commits: Vec<crate::facts::CommitFacts>,
    statements: Vec<StatementFacts>,
    delegations: Vec<StatementFacts>,
) -> crate::decide::UpdateVerdict {
    let mut range = range(commits, statements);
    // Whoever was named a minute ago could approve since then.
    range.delegations = delegations
        .into_iter()
        .map(|mut facts| {
            facts.first_seen = facts.first_seen.map(|_| at(-500));
            facts
        })
        .collect();
    one(policy, &push(vec![update(PROD, range)]))
}

fn by_dana() -> Vec<crate::facts::CommitFacts> {
    vec![commit(1, &[BASE], "dana")]
}

#[test]
fn a_deputy_counts_as_the_one_they_stand_in_for() {
    let approved = || vec![for_(approves(1, "olga", 1), "rita")];
    let named = || vec![delegates(1, "rita", "olga", LONG)];
    let verdict = judged(&delegating(), by_dana(), approved(), named());
    passes(&verdict);
    let cover = &verdict.commits[0].covers[0];
    assert_eq!(
        (&cover.person, &cover.stead),
        (&who("olga"), &Some(who("rita")))
    );
    // Not without saying so, not without a delegation, not where the policy does not have it.
    for (policy, approval, delegations, note) in [
        (
            delegating(),
            approves(1, "olga", 1),
            named(),
            Code::NOT_IN_TEAM,
        ),
        (
            delegating(),
            for_(approves(1, "olga", 1), "rita"),
            vec![],
            Code::STEAD,
        ),
        (
            delegating(),
            for_(approves(1, "olga", 1), "remy"),
            named(),
            Code::STEAD,
        ),
        (
            delegating(),
            for_(approves(1, "dora", 1), "rita"),
            named(),
            Code::STEAD,
        ),
        (
            delegating(),
            for_(approves(1, "olga", 1), "zoe"),
            named(),
            Code::STEAD,
        ),
        (
            policy(),
            for_(approves(1, "olga", 1), "rita"),
            named(),
            Code::STEAD,
        ),
    ] {
        let verdict = judged(&policy, by_dana(), vec![approval], delegations);
        refused(&verdict, &[Code::NOT_COVERED]);
        assert_eq!(note_codes(&verdict), [note], "{:?}", verdict.notes);
    }
}

#[test]
fn nobody_approves_their_own_work_through_a_deputy() {
    // rita wrote it and named olga; olga wrote it and stands in for rita; both had a hand in it.
    for author in ["rita", "olga"] {
        let verdict = judged(
            &delegating(),
            vec![commit(1, &[BASE], author)],
            vec![for_(approves(1, "olga", 1), "rita")],
            vec![delegates(1, "rita", "olga", LONG)],
        );
        refused(&verdict, &[Code::NOT_COVERED]);
        assert_eq!(note_codes(&verdict), [Code::OWN_WORK]);
    }
    // Only what they had no hand in is covered.
    let verdict = judged(
        &delegating(),
        vec![commit(2, &[1], "dana"), commit(1, &[BASE], "rita")],
        vec![for_(approves(1, "olga", 2), "rita")],
        vec![delegates(1, "rita", "olga", LONG)],
    );
    refused(&verdict, &[Code::NOT_COVERED]);
    assert!(verdict.commits[0].shortfalls.is_empty());
    assert_eq!(verdict.commits[1].shortfalls[0].have, 0);
    let mut strict = delegating();
    strict.rules[0].independence = Independence::Range;
    let verdict = judged(
        &strict,
        vec![commit(2, &[1], "dana"), commit(1, &[BASE], "rita")],
        vec![for_(approves(1, "olga", 2), "rita"), approves(2, "remy", 1)],
        vec![delegates(1, "rita", "olga", LONG)],
    );
    assert_eq!(verdict.commits[0].shortfalls[0].have, 0);
}

#[test]
fn two_who_stand_in_for_each_other_do_not_approve_their_own() {
    // dana stands in for rita, rita is away; dana wrote it, and olga stands in for dana, who has
    // nothing to hand on.
    let verdict = judged(
        &delegating(),
        by_dana(),
        vec![
            for_(approves(1, "dana", 1), "rita"),
            for_(approves(2, "olga", 1), "dana"),
        ],
        vec![
            delegates(1, "rita", "dana", LONG),
            delegates(2, "dana", "olga", LONG),
        ],
    );
    refused(&verdict, &[Code::NOT_COVERED]);
}

#[test]
fn nobody_makes_a_quorum_alone() {
    let mut two = delegating();
    two.rules[0].required = 2;
    let named = || {
        vec![
            delegates(1, "rita", "olga", LONG),
            delegates(2, "remy", "olga", LONG),
            delegates(3, "remy", "dora", LONG),
            delegates(4, "rita", "dora", LONG),
        ]
    };
    let olga = |number, stead| for_(approves(number, "olga", 1), stead);
    let dora = |number, stead| for_(approves(number, "dora", 1), stead);
    for (statements, have) in [
        (vec![olga(1, "rita"), approves(2, "rita", 1)], 1),
        (vec![olga(1, "rita"), olga(2, "remy")], 1),
        (vec![olga(1, "rita"), dora(2, "rita")], 1),
        (vec![olga(1, "rita"), dora(2, "remy")], 2),
        (vec![olga(1, "rita"), olga(3, "remy"), dora(2, "rita")], 2),
        (vec![olga(1, "rita"), approves(2, "remy", 1)], 2),
    ] {
        let verdict = judged(&two, by_dana(), statements, named());
        if have == 2 {
            passes(&verdict);
        } else {
            refused(&verdict, &[Code::NOT_COVERED]);
            assert_eq!(verdict.commits[0].shortfalls[0].have, have);
        }
    }
}

#[test]
fn a_delegation_holds_in_its_time_only() {
    let approval = || for_(approves(1, "olga", 1), "rita");
    for (time, why) in [
        ((-1000, 0), "ended"),
        ((-1000, -30), "ended"),
        ((10, 1000), "begins"),
        ((-50, 1000), "later"),
    ] {
        let named = vec![delegates(1, "rita", "olga", time)];
        let verdict = judged(&delegating(), by_dana(), vec![approval()], named);
        refused(&verdict, &[Code::NOT_COVERED]);
        assert_eq!(note_codes(&verdict), [Code::STEAD]);
        assert!(verdict.notes[0].text.contains(why), "{:?}", verdict.notes);
    }
    // The server has to have seen it first.
    let mut early = approval();
    early.first_seen = Some(at(-600));
    let named = || vec![delegates(1, "rita", "olga", LONG)];
    let verdict = judged(&delegating(), by_dana(), vec![early], named());
    refused(&verdict, &[Code::NOT_COVERED]);
    let mut unknown = approval();
    unknown.first_seen = None;
    let verdict = judged(&delegating(), by_dana(), vec![unknown], named());
    refused(&verdict, &[Code::NOT_COVERED]);
}

#[test]
fn what_is_taken_back_or_not_allowed_any_more_does_not_count() {
    let approval = || vec![for_(approves(1, "olga", 1), "rita")];
    let given = delegates(1, "rita", "olga", LONG);
    let statement = given.tag;
    let back = |by| {
        let decision = crate::statement::Decision::Withdraw { statement };
        vec![given.clone(), says(21_000, decision, by, 7)]
    };
    refused(
        &judged(&delegating(), by_dana(), approval(), back("rita")),
        &[Code::NOT_COVERED],
    );
    // Only who gave it takes it back.
    passes(&judged(&delegating(), by_dana(), approval(), back("olga")));
    let changes: [fn(&mut Policy); 6] = [
        |policy| {
            let team = policy.teams.get_mut(&TeamName::new("reviewers")).unwrap();
            assert!(team.remove(&who("rita")));
        },
        |policy| policy.people.get_mut(&who("rita")).unwrap().disabled = true,
        |policy| policy.people.get_mut(&who("rita")).unwrap().keys.clear(),
        |policy| policy.people.get_mut(&who("olga")).unwrap().disabled = true,
        |policy| policy.rules[0].delegation.as_mut().unwrap().longest = Seconds(60),
        |policy| policy.rules[0].delegation.as_mut().unwrap().to = teams(&["developers"]),
    ];
    for change in changes {
        let mut changed = delegating();
        change(&mut changed);
        let verdict = judged(&changed, by_dana(), approval(), vec![given.clone()]);
        refused(&verdict, &[Code::NOT_COVERED]);
    }
}

#[test]
fn a_delegation_for_some_paths_is_for_those_only() {
    let mut with_paths = delegating();
    with_paths.rules[0].paths = paths(&[("infra/**", 1, "reviewers")]);
    let named = |globs: &[&str]| {
        let mut given = delegates(1, "rita", "olga", LONG);
        let grant = given.statement.particulars.grant.as_mut().unwrap();
        grant.paths = globs.iter().map(|glob| (*glob).to_owned()).collect();
        vec![given]
    };
    let touching = |paths: &[&str]| {
        let mut made = commit(1, &[BASE], "dana");
        made.content = adds(paths);
        vec![made]
    };
    let approval = || vec![for_(approves(1, "olga", 1), "rita")];
    let infra = judged(
        &with_paths,
        touching(&["infra/a"]),
        approval(),
        named(&["infra/**"]),
    );
    passes(&infra);
    let both = || touching(&["infra/a", "src/a"]);
    let verdict = judged(&with_paths, both(), approval(), named(&["infra/**"]));
    // For the paths' own demand, which is about infra alone, and not for the branch's.
    refused(&verdict, &[Code::NOT_COVERED]);
    assert_eq!(note_codes(&verdict), [Code::STEAD]);
    let mut helped = approval();
    helped.push(approves(2, "remy", 1));
    passes(&judged(&with_paths, both(), helped, named(&["infra/**"])));
    passes(&judged(
        &with_paths,
        both(),
        approval(),
        named(&["infra/**", "src/*"]),
    ));
    // Nobody says yes to the whole for a part of it.
    let mut lower = commit(1, &[BASE], "dora");
    lower.content = adds(&["src/a"]);
    let mut upper = commit(2, &[1], "dana");
    upper.content = adds(&["infra/a"]);
    let verdict = judged(
        &delegating(),
        vec![upper, lower],
        vec![approves(1, "remy", 1), for_(approves(2, "olga", 2), "rita")],
        named(&["infra/**"]),
    );
    refused(&verdict, &[Code::TIP_NOT_NAMED]);
}

#[test]
fn a_refusal_names_who_could_in_whose_stead() {
    let named = vec![
        delegates(1, "rita", "olga", LONG),
        delegates(2, "remy", "dana", LONG),
    ];
    let verdict = judged(&delegating(), by_dana(), vec![], named);
    let Reason::NotCovered(lack) = &verdict.reasons[0] else {
        panic!("{:?}", verdict.reasons);
    };
    let olga = StandIn {
        deputy: who("olga"),
        stead: who("rita"),
        until: at(1000),
    };
    // dana wrote it.
    assert_eq!(lack.stand_ins.iter().collect::<Vec<_>>(), [&olga]);
    let hints = verdict.reasons[0].hints().join("\n");
    assert!(hints.contains("olga in rita's stead (until "), "{hints}");
    assert!(hints.contains("--in-stead-of rita"), "{hints}");
}

#[test]
fn a_refusal_is_not_hopeless_while_a_deputy_is_there() {
    // rita and remy wrote it together: only a deputy of nobody's could.
    let mut both = commit(1, &[BASE], "dana");
    both.claims
        .push(claim(crate::facts::Role::CoAuthor, "remy"));
    let named = vec![delegates(1, "rita", "olga", LONG)];
    let mut alone = delegating();
    alone
        .people
        .get_mut(&who("rita"))
        .unwrap()
        .keys
        .push(key("rita2"));
    let verdict = judged(&alone, vec![both], vec![], named);
    let hints = verdict.reasons[0].hints().join("\n");
    assert!(hints.contains("ask rita to approve"), "{hints}");
    assert!(hints.contains("olga in rita's stead"), "{hints}");
}

#[test]
fn a_deputys_objection_stands_until_it_is_overruled() {
    let no = || for_(rejects(5, "olga", 1), "rita");
    let yes = || approves(1, "remy", 1);
    let named = || vec![delegates(1, "rita", "olga", LONG)];
    let verdict = judged(&delegating(), by_dana(), vec![yes(), no()], named());
    refused(&verdict, &[Code::REJECTED]);
    assert!(
        verdict.reasons[0]
            .to_string()
            .contains("olga, in rita's stead, objects")
    );
    // The end of the delegation does not turn a no into silence, and being taken back does not.
    let over = vec![delegates(1, "rita", "olga", (-1000, -30))];
    let verdict = judged(&delegating(), by_dana(), vec![yes(), no()], over);
    refused(&verdict, &[Code::REJECTED]);
    let mut back = named();
    let decision = crate::statement::Decision::Withdraw {
        statement: back[0].tag,
    };
    back.push(says(21_000, decision, "rita", 7));
    let mut later = back.clone();
    later[1].first_seen = Some(at(-10));
    let mut range = range(by_dana(), vec![yes(), no()]);
    range.delegations = later;
    range.delegations[0].first_seen = Some(at(-500));
    refused(
        &one(&delegating(), &push(vec![update(PROD, range)])),
        &[Code::REJECTED],
    );
    // Before there was a delegation, it is nobody's word.
    let late = vec![delegates(1, "rita", "olga", (-30, 1000))];
    let verdict = judged(&delegating(), by_dana(), vec![yes(), no()], late);
    passes(&verdict);
    // rita may overrule it, and olga in her stead; remy may not, nor olga in her own name.
    let later = |mut facts: StatementFacts| {
        facts.first_seen = Some(at(-5));
        facts
    };
    for (overruling, overruled) in [
        (approves(2, "rita", 1), true),
        (for_(approves(2, "olga", 1), "rita"), true),
        (approves(2, "remy", 1), false),
        (approves(2, "olga", 1), false),
        (withdraws(2, "olga", 1, 5), true),
        (withdraws(2, "rita", 1, 5), false),
    ] {
        let statements = vec![yes(), no(), later(overruling.clone())];
        let verdict = judged(&delegating(), by_dana(), statements, named());
        assert_eq!(verdict.reasons.is_empty(), overruled, "{overruling:?}");
    }
    // rita's own no is not her deputy's to overrule.
    let own = vec![
        yes(),
        rejects(5, "rita", 1),
        later(for_(approves(2, "olga", 1), "rita")),
    ];
    refused(
        &judged(&delegating(), by_dana(), own, named()),
        &[Code::REJECTED],
    );
}

/// A delegation that arrives; the policy in force is commit 7.
fn arrives(policy: &Policy, statement: StatementFacts, signer: &str) -> Vec<Code> {
    codes(&one(policy, &push(vec![arriving(statement, signer)])))
}

#[test]
fn a_delegation_is_taken_in_where_the_policy_lets_it() {
    let policy = delegating();
    let given = |by, to, time| delegates(1, by, to, time);
    assert_eq!(
        arrives(&policy, given("rita", "olga", (-10, 1000)), "rita"),
        []
    );
    // From a time to come on, too.
    assert_eq!(
        arrives(&policy, given("rita", "olga", (5000, 6000)), "rita"),
        []
    );
    for (by, to, time, wanted) in [
        ("dana", "olga", (0, 10), Code::DELEGATION_NOT_ALLOWED),
        ("olga", "dana", (0, 10), Code::DELEGATION_NOT_ALLOWED),
        ("rita", "zoe", (0, 10), Code::DELEGATION_DEPUTY),
        ("remy", "remy", (0, 10), Code::DELEGATION_DEPUTY),
        ("rita", "olga", (0, 3601), Code::DELEGATION_TIME),
        ("rita", "olga", (10, 10), Code::DELEGATION_TIME),
        ("rita", "olga", (10, 5), Code::DELEGATION_TIME),
        ("rita", "olga", (-100, 0), Code::DELEGATION_TIME),
    ] {
        let found = arrives(&policy, given(by, to, time), by);
        assert!(found.contains(&wanted), "{by} {to} {time:?}: {found:?}");
    }
    let mut elsewhere = given("rita", "olga", (0, 10));
    elsewhere.statement.refname = name("refs/heads/topic");
    assert_eq!(
        arrives(&policy, elsewhere, "rita"),
        [Code::DELEGATION_NOT_ALLOWED]
    );
    let mut older = given("rita", "olga", (0, 10));
    older.statement.commit = oid(6);
    assert_eq!(arrives(&policy, older, "rita"), [Code::DELEGATION_POLICY]);
    // Who may name somebody and is asked for nothing has nothing to hand on: a deputy, too.
    let mut open = policy.clone();
    open.rules[0].delegation.as_mut().unwrap().by = teams(&["reviewers", "owners"]);
    assert_eq!(
        arrives(&open, given("olga", "dana", (0, 10)), "olga"),
        [Code::DELEGATION_OF_NOTHING]
    );
    let mut gone = policy.clone();
    gone.people.get_mut(&who("olga")).unwrap().keys.clear();
    assert_eq!(
        arrives(&gone, given("rita", "olga", (0, 10)), "rita"),
        [Code::DELEGATION_DEPUTY]
    );
}

#[test]
fn a_delegation_under_anothers_name_is_not_taken_in() {
    let given = delegates(1, "rita", "olga", (0, 10));
    assert_eq!(
        arrives(&delegating(), given, "remy"),
        [Code::STATEMENT_TAGGER]
    );
}

#[test]
fn nobody_settles_their_own_emergency_through_a_deputy() {
    let tag = oid(9999);
    let debt = Debt {
        entry: 1,
        time: at(-300),
        base: Some(oid(BASE)),
        old: oid(BASE),
        commit: oid(1),
        tag,
        cosigned: Vec::new(),
        people: [who("remy")].into(),
        due: at(1000),
        settled: None,
        spent: true,
        told: Default::default(),
    };
    // remy declared it. olga stands in for both.
    for (stead, settles) in [("remy", false), ("rita", true)] {
        let mut yes = for_(approves(1, "olga", 1), stead);
        yes.statement.particulars.settles = Some(tag);
        let mut let_in = range(by_dana(), vec![yes]);
        let_in.delegations = vec![
            delegates(1, "rita", "olga", LONG),
            delegates(2, "remy", "olga", LONG),
        ];
        let mut facts = push(Vec::new());
        facts.owing = vec![Owing {
            refname: name(PROD),
            emergencies: vec![debt.clone()],
            open: vec![Owed {
                debt: debt.clone(),
                range: Ok(let_in),
                reverted: false,
            }],
            fault: None,
        }];
        let verdict = decide(&delegating(), &facts);
        assert_eq!(!verdict.debts[0].state.is_open(), settles, "{stead}");
    }
}
