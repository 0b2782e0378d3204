//! Change requests, and the third person who releases, through real pushes.

use crate::common::{PROD, PolicyText, Words, World, shown};

const TICKET: &str = "ticket: {pattern: \"CHG-#\", in: either}";

fn world(more: &str) -> World {
    World::with(&PolicyText::usual().prod(more))
}

#[test]
fn an_approval_names_the_change_request() {
    let world = world(TICKET);
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let fix = dana.commits("index.html");
    dana.offers("fix");
    remy.git(&["fetch", "-q", "origin"]);
    remy.approves(&fix).accepted();
    let refused = dana.pushes(&["prod"]);
    refused.refused_with("RH544");
    refused.refused_with("--ticket <name>");
    let ran = dana.relhook(&["check", "origin", "prod"]);
    assert_eq!(ran.code, 1);
    assert!(shown(&ran).contains("RH544"), "{}", shown(&ran));
    let approve = ["approve", &fix, "--ref", "prod", "--yes", "--ticket"];
    // What does not look like one is no change request.
    let odd = remy.relhook(&[&approve[..], &["CHG"]].concat());
    odd.assert_ok();
    assert!(shown(&odd).contains("RH544"), "{}", shown(&odd));
    let said = remy.relhook(&[&approve[..], &["CHG-7"]].concat());
    said.assert_ok();
    assert!(shown(&said).contains("CHG-7"), "{}", shown(&said));
    let pushed = dana.pushes(&["prod"]);
    pushed.accepted();
    assert!(pushed.said.contains("for CHG-7"), "{}", pushed.said);
    assert_eq!(world.server_ref(PROD), Some(fix));
    let log = world.log();
    let updates = &log.last().unwrap()["updates"];
    assert_eq!(updates[0]["tickets"], serde_json::json!(["CHG-7"]));
    let table = world.relhook(&["report", "--format", "csv"]).text();
    assert!(table.contains(",CHG-7,"), "{table}");
    world.relhook(&["audit", "replay"]).assert_ok();
}

#[test]
fn a_commits_message_names_it() {
    let world = world(TICKET);
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    dana.commits("first.html");
    let body = "Asked for in CHG-12, CHG-13.\n\nSigned-off-by: Dana Developer <dana@acme.example>";
    let fix = dana.commits_as("index.html", &["-m", body]);
    dana.offers("fix");
    rita.approves(&fix).accepted();
    dana.pushes(&["prod"]).accepted();
    let log = world.log();
    let tickets = &log.last().unwrap()["updates"][0]["tickets"];
    assert_eq!(*tickets, serde_json::json!(["CHG-12", "CHG-13"]));
    world.relhook(&["audit", "replay"]).assert_ok();
}

#[test]
fn each_commit_names_one_where_each_has_to() {
    let world = world("ticket: {pattern: \"CHG-#\", in: each}");
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let silent = dana.commits("first.html");
    let fix = dana.commits_as("index.html", &["-m", "CHG-12"]);
    dana.offers("fix");
    let mut words = Words::approve(&rita, &{
        rita.git(&["fetch", "-q", "origin"]);
        fix
    });
    words.set("Relhook-Ticket", "CHG-12");
    rita.pushes(&[&rita.states(&words)]).accepted();
    let refused = dana.pushes(&["prod"]);
    refused.refused_with("RH544");
    refused.refused_with(&silent[..7]);
}

#[test]
fn three_people_release_it() {
    let world = world("releaser: distinct");
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.offers("fix");
    rita.approves(&fix).accepted();
    let refused = dana.pushes(&["prod"]);
    refused.refused_with("RH547");
    refused.refused_with("git push origin");
    let ran = dana.relhook(&["check", "origin", "prod"]);
    assert_eq!(ran.code, 1);
    assert!(shown(&ran).contains("RH547"), "{}", shown(&ran));
    rita.git(&["checkout", "-q", "--detach", &fix]);
    rita.pushes(&["HEAD:refs/heads/prod"]).refused_with("RH547");
    let as_dora = dana.relhook(&["check", "--as", "dora", "origin", "prod"]);
    as_dora.assert_ok();
    let dora = world.person("dora");
    dora.git(&["fetch", "-q", "origin"]);
    dora.pushes(&[&format!("{fix}:refs/heads/prod")]).accepted();
    assert_eq!(world.server_ref(PROD), Some(fix));
    world.relhook(&["audit", "replay"]).assert_ok();
}

#[test]
fn who_brings_it_first_had_a_hand_in_it() {
    // Dora pushes what Dana handed her, and nobody has seen it before.
    let world = world("releaser: distinct");
    let (dana, dora, rita) = (
        world.person("dana"),
        world.person("dora"),
        world.person("rita"),
    );
    let fix = dana.commits("index.html");
    dora.takes_from(&dana, "prod");
    rita.takes_from(&dana, "prod");
    let statement = rita.states(&Words::approve(&rita, &fix));
    let (tag, name) = statement.split_once(':').unwrap();
    dora.git(&["fetch", "-q", rita.clone_dir().to_str().unwrap(), tag]);
    let both = [format!("{fix}:refs/heads/prod"), format!("{tag}:{name}")];
    let pushed = dora.pushes(&[&both[0], &both[1]]);
    pushed.refused_with("RH547");
}

#[test]
fn who_names_a_deputy_is_no_third_person() {
    let world = world(
        "releaser: distinct\n    delegation: {by: [reviewers], to: [developers], longest: 21d}",
    );
    let [dana, dora, rita, remy] = ["dana", "dora", "rita", "remy"].map(|name| world.person(name));
    let leave = ["--until", "14d", "--reason", "leave", "--yes"];
    let named = ["delegate", "--to", "dora", "--for", "prod"];
    rita.relhook(&[&named[..], &leave[..]].concat()).assert_ok();
    let fix = dana.commits("index.html");
    dana.offers("fix");
    dora.git(&["fetch", "-q", "origin"]);
    let approve = ["approve", &fix, "--ref", "prod", "--yes", "--in-stead-of"];
    dora.relhook(&[&approve[..], &["rita"]].concat())
        .assert_ok();
    // Dana wrote it, and Dora approved it as Rita's deputy: it is none of the three who releases it.
    for person in [&dana, &dora, &rita] {
        person.git(&["fetch", "-q", "origin"]);
        let pushed = person.pushes(&[&format!("{fix}:refs/heads/prod")]);
        pushed.refused_with("RH547");
    }
    let as_rita = dana.relhook(&["check", "--as", "rita", "origin", "prod"]);
    assert_eq!(as_rita.code, 1, "{}", shown(&as_rita));
    assert!(
        shown(&as_rita).contains("had a deputy who"),
        "{}",
        shown(&as_rita)
    );
    remy.git(&["fetch", "-q", "origin"]);
    remy.pushes(&[&format!("{fix}:refs/heads/prod")]).accepted();
    assert_eq!(world.server_ref(PROD), Some(fix));
    world.relhook(&["audit", "replay"]).assert_ok();
}
