//! What a rule can ask for beyond one approval, and what a refused person is told.

use crate::common::{PROD, Person, PolicyText, Words, World};

fn world(more: &str) -> World {
    World::with(&PolicyText::usual().prod(more))
}

/// Has somebody fetch a commit and approve it.
fn reviews(person: &Person<'_>, commit: &str) {
    person.git(&["fetch", "-q", "origin"]);
    person.approves(commit).accepted();
}

#[test]
fn paths_have_owners_of_their_own() {
    let world = world("paths: [{match: [infra/**], required: 1, from: [admins]}]");
    let dana = world.person("dana");
    let fix = dana.commits("infra/main.tf");
    dana.offers("fix");
    reviews(&world.person("remy"), &fix);
    let refused = dana.pushes(&["prod"]);
    refused.refused_with("RH402");
    refused.refused_with("paul or rita");
    reviews(&world.person("paul"), &fix);
    dana.pushes(&["prod"]).accepted();
    assert_eq!(world.server_ref(PROD), Some(fix));
}

#[test]
fn both_ends_of_a_rename_belong_to_their_owners() {
    let world = world("paths: [{match: [infra/**], required: 1, from: [admins]}]");
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let first = dana.commits("infra/main.tf");
    dana.offers("fix");
    reviews(&rita, &first);
    dana.pushes(&["prod"]).accepted();
    dana.git(&["mv", "infra/main.tf", "main.tf"]);
    dana.git(&["commit", "-q", "-m", "Move it out of sight"]);
    let moved = dana.git(&["rev-parse", "HEAD"]);
    dana.offers("moved");
    reviews(&world.person("remy"), &moved);
    dana.pushes(&["prod"]).refused_with("RH402");
}

#[test]
fn two_of_them_are_two_people() {
    // Remy has two keys, and is one person all the same.
    let world = World::with(&PolicyText::usual().replacing(
        "refs/heads/prod:\n    required: 1",
        "refs/heads/prod:\n    required: 2",
    ));
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    let fix = dana.commits("index.html");
    dana.offers("fix");
    reviews(&remy, &fix);
    let mut again = Words::approve(&remy, &fix);
    again.set("Relhook-Reason", "really");
    remy.pushes(&[&remy.states(&again)]).accepted();
    let refused = dana.pushes(&["prod"]);
    refused.refused_with("RH401");
    refused.refused_with("rita or vera");
    reviews(&world.person("rita"), &fix);
    dana.pushes(&["prod"]).accepted();
}

#[test]
fn a_strict_range_bars_who_had_a_hand_in_any_of_it() {
    let world = world("independence: range");
    let (rita, remy) = (world.person("rita"), world.person("remy"));
    let first = rita.commits("a");
    rita.offers("both");
    remy.takes("both");
    let second = remy.commits("b");
    remy.pushes(&["both"]).accepted();
    reviews(&remy, &first);
    reviews(&rita, &second);
    let refused = remy.pushes(&["both:prod"]);
    refused.refused_with("RH401");
    refused.refused_with("RH405");
    reviews(&world.person("vera"), &second);
    remy.pushes(&["both:prod"]).accepted();
}

#[test]
fn parts_that_were_approved_apart_need_a_yes_to_the_whole() {
    let world = World::new();
    let (dana, dora) = (world.person("dana"), world.person("dora"));
    let left = dana.commits("left");
    dana.offers("left");
    let right = dora.commits("right");
    dora.offers("right");
    let rita = world.person("rita");
    reviews(&rita, &left);
    reviews(&world.person("remy"), &right);
    dana.git(&["fetch", "-q", "origin"]);
    dana.git(&["merge", "-q", "--no-ff", "-m", "Both", "origin/right"]);
    let whole = dana.git(&["rev-parse", "HEAD"]);
    dana.offers("whole");
    dana.pushes(&["prod"]).refused_with("RH403");
    reviews(&rita, &whole);
    dana.pushes(&["prod"]).accepted();
}

#[test]
fn every_code_that_is_shown_can_be_explained() {
    let world = World::new();
    let dana = world.person("dana");
    dana.commits("index.html");
    let said = dana.pushes(&["prod"]).said;
    let code = said
        .split_whitespace()
        .find(|word| word.starts_with("RH"))
        .unwrap();
    let page = dana.relhook(&["explain", code]);
    page.assert_ok();
    assert!(page.text().contains("What to do"), "{}", page.text());
}

#[test]
fn an_approving_commit_ages_from_when_it_first_came() {
    let world = world("expire: 30d");
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    dana.commits("index.html");
    dana.offers("fix");
    rita.takes("fix");
    let approve = |message: &str| {
        let trailers = format!("Relhook-Approve: {PROD}\nRelhook-Repository: acme/site");
        let message = format!("{message}\n\n{trailers}\n");
        rita.git(&["commit", "-q", "--allow-empty", "-m", &message]);
    };
    // One that came past the hooks: nobody noted when, so nobody knows its age.
    approve("Approved");
    let past = format!("+fix:{}", "refs/heads/past");
    let fetched = world
        .server_command("git")
        .args(["-c", "core.hooksPath=/dev/null", "fetch", "-q"])
        .arg(rita.clone_dir())
        .arg(&past)
        .current_dir(world.server())
        .status()
        .unwrap();
    assert!(fetched.success());
    rita.pushes(&["fix:prod"]).refused_with("RH413");
    // One that came to another branch is as old as that.
    approve("Approved again");
    rita.pushes(&["fix"]).accepted();
    rita.pushes(&["fix:prod"]).accepted();
}
