//! Stages: what is read, and what is complained about.

use super::{SOUND, complaints, parse};
use crate::policy::{Distinct, Hold, LiftRule, Policy};
use crate::types::{Seconds, TeamName};

/// The usual policy with two targets and these stages.
fn staged(first: &str, second: &str, stages: &str) -> String {
    let (sound, _) = SOUND.split_once("targets:\n").unwrap();
    let sound = sound.replace("release: [www]", "release: [one, two]");
    format!(
        "{sound}targets:\n  one: {{kind: dir, path: /srv/one{first}}}\n  two: {{kind: dir, path: \
         /srv/two{second}}}\n{stages}"
    )
}

fn read(stages: &str) -> Policy {
    let text = staged(", stage: try", ", stage: live", stages);
    parse(&text).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn stages_are_read_in_their_order_with_what_holds_them() {
    let made = read(
        "stages:\n  - try\n  - name: live\n    hold:\n      lift: [reviewers]\n      after: 30m\n",
    );
    let names: Vec<&str> = made
        .stages
        .iter()
        .map(|stage| stage.name.as_str())
        .collect();
    assert_eq!(names, ["try", "live"]);
    assert_eq!(made.stages[0].hold, Hold::default());
    let lift = LiftRule {
        from: vec![TeamName::new("reviewers")],
        distinct: Distinct::FromContributors,
    };
    let hold = Hold {
        after: Some(Seconds(1800)),
        lift: Some(lift),
    };
    assert_eq!(made.stages[1].hold, hold);
    let two = crate::types::TargetName::new("two");
    assert_eq!(made.stage_of(&two).map(|(place, _)| place), Some(1));
    let none = read("stages: [try, {name: live, hold: none}]\n");
    assert_eq!(none.stages[1].hold, Hold::default());
    for (word, distinct) in [
        ("anyone", Distinct::FromNobody),
        ("not-contributor", Distinct::FromContributors),
        ("third-person", Distinct::FromApproversToo),
    ] {
        let hold = format!("{{lift: [reviewers], lifter: {word}}}");
        let made = read(&format!("stages: [try, {{name: live, hold: {hold}}}]\n"));
        assert_eq!(
            made.stages[1].hold.lift.as_ref().unwrap().distinct,
            distinct
        );
    }
}

#[test]
fn what_does_not_fit_is_said() {
    let two = |stages: &str| staged(", stage: try", ", stage: live", stages);
    for (text, says) in [
        (two(""), "stage"),
        (two("stages: [try]\n"), "live"),
        (two("stages: [try, live, try]\n"), "try"),
        (two("stages: [try, live, Live]\n"), "Live"),
        (two("stages: [try, {name: live, hold: {}}]\n"), "hold"),
        (two("stages: [try, {name: live, hold: never}]\n"), "never"),
        (
            two("stages: [try, {name: live, hold: {after: 30x}}]\n"),
            "30m",
        ),
        (
            two("stages: [try, {name: live, hold: {after: 31d}}]\n"),
            "30 days",
        ),
        (
            two("stages: [try, {name: live, hold: {lift: [nobody]}}]\n"),
            "nobody",
        ),
        (
            two("stages: [try, {name: live, hold: {after: 1h, lifter: anyone}}]\n"),
            "lift",
        ),
        (two("stages: [try, {name: live, holds: none}]\n"), "holds"),
        (two("stages: [try, live/2]\n"), "name"),
        (staged(", stage: try", "", "stages: [try]\n"), "two"),
        (
            staged(", stage: [try]", ", stage: try", "stages: [try]\n"),
            "stage",
        ),
    ] {
        let found = complaints(&text).join("\n");
        assert!(
            found.contains(says),
            "{says} is not in\n{found}\nof\n{text}"
        );
    }
}
