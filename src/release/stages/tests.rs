//! The function against an oracle that is written the other way round, on random passages.

use super::*;
use proptest::prelude::*;

const PEOPLE: [&str; 4] = ["ada", "bo", "cy", "di"];

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

fn stage_name(number: usize) -> StageName {
    StageName::new(format!("s{number}"))
}

fn people() -> impl Strategy<Value = BTreeSet<PersonName>> {
    proptest::collection::btree_set(proptest::sample::select(&PEOPLE[..]), 0..4)
        .prop_map(|names| names.into_iter().map(PersonName::new).collect())
}

fn standing() -> impl Strategy<Value = Standing> {
    prop_oneof![
        1 => Just(Standing::Without),
        6 => (0i64..20).prop_map(|at| Standing::Holds(time(at))),
        1 => Just(Standing::Failed("RH611".into())),
    ]
}

fn lifters() -> impl Strategy<Value = Option<Lifters>> {
    proptest::option::of((people(), people()).prop_map(|(people, barred)| Lifters {
        teams: vec![TeamName::new("managers")],
        people,
        distinct: Distinct::FromContributors,
        barred,
    }))
}

fn stage(number: usize) -> impl Strategy<Value = StageState> {
    let targets = proptest::collection::vec(standing(), 0..3);
    let after = proptest::option::of((0u64..15).prop_map(Seconds));
    (after, lifters(), targets).prop_map(move |(after, lifters, targets)| StageState {
        name: stage_name(number),
        after,
        lifters,
        targets: targets
            .into_iter()
            .enumerate()
            .map(|(at, standing)| TargetState {
                name: TargetName::new(format!("t{number}{at}")),
                standing,
            })
            .collect(),
    })
}

fn lift() -> impl Strategy<Value = Lift> {
    let seen = proptest::option::weighted(0.9, 0i64..30);
    let expires = proptest::option::weighted(0.2, 0i64..40);
    (
        0usize..3,
        proptest::sample::select(&PEOPLE[..]),
        seen,
        expires,
    )
        .prop_map(|(number, by, seen, expires)| Lift {
            tag: Oid::from_hex(b"1111111111111111111111111111111111111111").unwrap(),
            by: PersonName::new(by),
            stage: stage_name(number),
            seen: seen.map(time),
            expires: expires.map(time),
        })
}

fn passage() -> impl Strategy<Value = Passage> {
    let stages = (stage(0), stage(1), stage(2));
    let lifts = proptest::collection::vec(lift(), 0..6);
    (0i64..10, stages, lifts).prop_map(|(accepted, (one, two, three), lifts)| Passage {
        accepted: time(accepted),
        stages: vec![one, two, three],
        lifts,
    })
}

/// All in one sentence, for each target by itself and without an order of questions.
fn may_go(passage: &Passage, at: usize, target: &TargetName, now: Timestamp) -> bool {
    let stage = &passage.stages[at];
    let holds = |target: &TargetState| match target.standing {
        Standing::Holds(when) => Some(when),
        Standing::Without | Standing::Failed(_) => None,
    };
    if stage
        .targets
        .iter()
        .any(|own| own.name == *target && holds(own).is_some())
    {
        return true;
    }
    let earlier: Vec<&TargetState> = passage.stages[..at]
        .iter()
        .flat_map(|stage| &stage.targets)
        .collect();
    let all = earlier.iter().all(|target| holds(target).is_some());
    let times = earlier.iter().filter_map(|target| holds(target));
    let since = times.chain([passage.accepted]).max().unwrap();
    let long_enough = stage
        .after
        .is_none_or(|span| now.as_unix() >= since.as_unix() + i64::try_from(span.0).unwrap());
    let lifted = stage.lifters.as_ref().is_none_or(|lifters| {
        passage.lifts.iter().any(|lift| {
            lift.stage == stage.name
                && lifters.people.contains(&lift.by)
                && !lifters.barred.contains(&lift.by)
                && lift.seen.is_some_and(|seen| seen >= since)
                && lift.expires.is_none_or(|expires| expires > now)
        })
    });
    all && long_enough && lifted
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_target_may_go_exactly_where_the_oracle_says_so(
        passage in passage(), at in 0usize..3, which in 0usize..3, now in 0i64..50,
    ) {
        let target = TargetName::new(format!("t{at}{which}"));
        let admission = admit(&passage, at, &target, time(now));
        let goes = matches!(admission, Admission::Go(_));
        prop_assert_eq!(goes, may_go(&passage, at, &target, time(now)), "{:?}", admission);
    }

    /// What is said about why not is true of what is there.
    #[test]
    fn what_is_said_is_so(passage in passage(), at in 0usize..3, now in 0i64..50) {
        let target = TargetName::new("another");
        let earlier: Vec<&StageState> = passage.stages[..at].iter().collect();
        let find = |stage: &StageName, target: &TargetName| {
            let stage = earlier.iter().find(|one| one.name == *stage).unwrap();
            stage.targets.iter().find(|one| one.name == *target).unwrap().standing.clone()
        };
        match admit(&passage, at, &target, time(now)) {
            Admission::Go(by) => {
                let lifters = passage.stages[at].lifters.as_ref();
                prop_assert_eq!(by.is_empty(), lifters.is_none());
                for person in by {
                    prop_assert!(lifters.is_some_and(|lifters| lifters.people.contains(&person)));
                }
            }
            Admission::Waiting { stage, target } => {
                prop_assert_eq!(find(&stage, &target), Standing::Without);
            }
            Admission::Stopped { stage, target, code } => {
                prop_assert_eq!(find(&stage, &target), Standing::Failed(code));
            }
            Admission::Held { stage, since, .. } => {
                prop_assert_eq!(&stage, &passage.stages[at].name);
                prop_assert!(since >= passage.accepted);
            }
            Admission::Until { stage, at: end } => {
                prop_assert_eq!(&stage, &passage.stages[at].name);
                prop_assert!(end > time(now));
            }
            // No stage asks for witnesses: that is asked before.
            Admission::Unwitnessed { .. } => prop_assert!(false),
        }
    }

    /// A hold never opens by losing something: with a statement, or a target that holds the
    /// release, taken away, nothing may go that might not before.
    #[test]
    fn less_never_lets_more_go(
        passage in passage(), at in 0usize..3, now in 0i64..50, gone in 0usize..6,
    ) {
        let target = TargetName::new("another");
        let goes = |passage: &Passage| {
            matches!(admit(passage, at, &target, time(now)), Admission::Go(_))
        };
        let mut less = passage.clone();
        if gone < less.lifts.len() {
            less.lifts.remove(gone);
        } else if let Some(stage) = less.stages[..at].iter_mut().find(|one| !one.targets.is_empty()) {
            stage.targets[0].standing = Standing::Without;
        }
        prop_assert!(!goes(&less) || goes(&passage));
    }
}

#[test]
fn a_target_that_no_stage_has_goes_at_once() {
    let passage = Passage {
        accepted: time(5),
        stages: Vec::new(),
        lifts: Vec::new(),
    };
    let site = TargetName::new("site");
    assert_eq!(
        admit(&passage, 0, &site, time(5)),
        Admission::Go(Vec::new())
    );
}
