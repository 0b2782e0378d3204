//! Somebody leaves: what they said before, for what has gone out and for what has not.

use super::deputies::{changes, done, offered};
use crate::common::{PROD, Words, World};

/// The ways in which somebody leaves, as changes of the policy's text: disabled in it, taken out of the
/// teams, and taken out altogether.
fn ways() -> [fn(&str) -> String; 3] {
    [
        |old| old.replace("  remy:\n", "  remy:\n    disabled: true\n"),
        |old| old.replace("[rita, remy, vera]", "[rita, vera]"),
        |old| {
            let (before, rest) = old.split_once("  remy:\n").unwrap();
            let (_, after) = rest.split_once("  paul:\n").unwrap();
            let without = format!("{before}  paul:\n{after}");
            without.replace("[rita, remy, vera]", "[rita, vera]")
        },
    ]
}

#[test]
fn approvals_of_a_leaver_count_for_what_has_gone_out_only() {
    for (way, code) in ways().into_iter().zip(["RH412", "RH409", "RH411"]) {
        let world = World::new();
        let (dana, remy) = (world.person("dana"), world.person("remy"));
        let before = offered(&dana, "before.txt");
        remy.approves(&before).accepted();
        dana.pushes(&["prod"]).accepted();
        let after = offered(&dana, "after.txt");
        remy.approves(&after).accepted();
        changes(&world, way);
        let push = dana.pushes(&["prod"]);
        push.refused_with("RH401");
        push.refused_with(code);
        // What is out stays out, and is judged by the policy of its day.
        assert_eq!(world.server_ref(PROD), Some(before.clone()));
        world.relhook(&["audit", "verify"]).assert_ok();
        world.relhook(&["audit", "replay"]).assert_ok();
        let report = done(&world.relhook(&["report", "--format", "jsonl"]));
        assert!(report.contains(&before), "{report}");
        // Somebody who is still there says it.
        world.person("rita").approves(&after).accepted();
        dana.pushes(&["prod"]).accepted();
        world.relhook(&["audit", "replay"]).assert_ok();
    }
}

#[test]
fn an_objection_of_a_leaver_stands_until_a_change_of_the_policy_lifts_it() {
    for (way, stands) in ways().into_iter().zip([true, false, false]) {
        let world = World::new();
        let (dana, remy, rita) = (
            world.person("dana"),
            world.person("remy"),
            world.person("rita"),
        );
        let tip = offered(&dana, "price.txt");
        remy.git(&["fetch", "-q", "origin"]);
        let mut no = Words::approve(&remy, &tip);
        no.set("Relhook-Decision", "reject")
            .set("Relhook-Reason", "wrong price");
        remy.pushes(&[&remy.states(&no)]).accepted();
        rita.approves(&tip).accepted();
        dana.pushes(&["prod"]).refused_with("RH404");
        changes(&world, way);
        let push = dana.pushes(&["prod"]);
        match stands {
            // An account that is closed does not turn a no into silence.
            true => push.refused_with("RH404"),
            // That two people took remy out of those who are asked is on record.
            false => push.accepted(),
        }
        world.relhook(&["audit", "replay"]).assert_ok();
    }
}
