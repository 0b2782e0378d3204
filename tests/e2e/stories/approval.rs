//! The main story: nobody ships alone.

use crate::common::{PROD, Person, Words, World};

#[test]
fn an_unapproved_push_is_refused() {
    let world = World::new();
    let dana = world.person("dana");
    let before = world.server_ref(PROD);
    dana.commits("index.html");
    let push = dana.pushes(&["prod"]);
    push.refused_with("RH401");
    push.refused_with("relhook approve");
    assert_eq!(world.server_ref(PROD), before);
}

#[test]
fn a_distinct_approval_lets_it_in() {
    let world = World::new();
    let dana = world.person("dana");
    let fix = dana.commits("index.html");
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
    let rita = world.person("rita");
    rita.approves(&fix).accepted();
    dana.pushes(&["prod"]).accepted();
    assert_eq!(world.server_ref(PROD), Some(fix));
    world.relhook(&["audit", "verify"]).assert_ok();
}

#[test]
fn nobody_approves_their_own_commit() {
    let world = World::new();
    let remy = world.person("remy");
    let fix = remy.commits("index.html");
    remy.pushes(&["HEAD:refs/heads/fix"]).accepted();
    remy.approves(&fix).accepted();
    remy.pushes(&["prod"]).refused_with("RH401");
    // Somebody else can still approve it.
    let rita = world.person("rita");
    rita.approves(&fix).accepted();
    remy.pushes(&["prod"]).accepted();
}

#[test]
fn a_developer_who_may_not_approve_does_not_count() {
    let world = World::new();
    let (dana, dora) = (world.person("dana"), world.person("dora"));
    let fix = dana.commits("index.html");
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
    dora.takes("fix");
    let _ = dora.approves(&fix);
    dana.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn a_forged_author_neither_ships_nor_clears() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    // Unsigned, in somebody else's name: nothing says who made it.
    let name = [
        "-c",
        "user.name=Rita Reviewer",
        "-c",
        "user.email=rita@acme.example",
    ];
    let commit = ["commit", "-q", "--allow-empty", "--no-gpg-sign", "-m", "x"];
    dana.git(&[&name[..], &commit[..]].concat());
    dana.pushes(&["prod"]).refused_with("RH2");
    dana.git(&["reset", "-q", "--hard", "HEAD^"]);
    // Signed by its real author, who names the reviewer as the author: then she is one too.
    let fix = dana.commits_as(
        "index.html",
        &["--author", "Rita Reviewer <rita@acme.example>"],
    );
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
    rita.takes("fix");
    rita.approves(&fix).accepted();
    dana.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn an_approving_commit_carries_its_approval() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
    rita.takes("fix");
    let tip = approving_commit(&rita);
    rita.pushes(&["HEAD:prod"]).accepted();
    assert_eq!(world.server_ref(PROD), Some(tip.clone()));
    assert_eq!(rita.git(&["rev-parse", &format!("{tip}^")]), fix);
}

#[test]
fn an_approving_merge_carries_its_approval() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    dana.commits("index.html");
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
    rita.takes("prod");
    rita.git(&["merge", "-q", "--no-ff", "-m", &trailers(), "origin/fix"]);
    rita.pushes(&["prod"]).accepted();
}

#[test]
fn an_approving_commit_does_not_approve_its_makers_own_work() {
    let world = World::new();
    let rita = world.person("rita");
    rita.commits("index.html");
    approving_commit(&rita);
    rita.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn two_people_approve_each_others_commits_in_one_push() {
    let world = World::new();
    let (rita, remy) = (world.person("rita"), world.person("remy"));
    let first = rita.commits("a");
    rita.pushes(&["HEAD:refs/heads/both"]).accepted();
    remy.takes("both");
    let second = remy.commits("b");
    remy.pushes(&["both"]).accepted();
    rita.takes("both");
    let of_rita = rita.states(&Words::approve(&rita, &second));
    rita.pushes(&[&of_rita]).accepted();
    // Rita approved the whole, and her own commit is in it: that one still lacks another's eyes.
    remy.pushes(&["both:prod"]).refused_with("RH401");
    let of_remy = remy.states(&Words::approve(&remy, &first));
    remy.pushes(&["both:prod", &of_remy]).accepted();
}

#[test]
fn an_objection_blocks_until_it_is_withdrawn() {
    let world = World::new();
    let (dana, rita, remy) = (
        world.person("dana"),
        world.person("rita"),
        world.person("remy"),
    );
    let fix = dana.commits("index.html");
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
    rita.takes("fix");
    remy.takes("fix");
    let mut no = Words::approve(&remy, &fix);
    no.set("Relhook-Decision", "reject")
        .set("Relhook-Reason", "breaks the menu");
    let tag = remy.signs(&no);
    remy.pushes(&[&remy.refspec(&tag, &fix)]).accepted();
    rita.approves(&fix).accepted();
    dana.pushes(&["prod"]).refused_with("breaks the menu");
    remy.pushes(&[&remy.states(&withdrawal(&remy, &fix, &tag))])
        .accepted();
    dana.pushes(&["prod"]).accepted();
}

#[test]
fn a_withdrawn_approval_no_longer_counts() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
    rita.takes("fix");
    let tag = rita.signs(&Words::approve(&rita, &fix));
    rita.pushes(&[&rita.refspec(&tag, &fix)]).accepted();
    rita.pushes(&[&rita.states(&withdrawal(&rita, &fix, &tag))])
        .accepted();
    dana.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn every_ref_of_a_push_is_judged_and_one_refusal_refuses_all() {
    let world = World::new();
    let dana = world.person("dana");
    dana.commits("index.html");
    dana.pushes(&["HEAD:refs/heads/fix", "prod"])
        .refused_with("RH401");
    assert_eq!(world.server_ref("refs/heads/fix"), None);
}

#[test]
fn a_new_protected_branch_is_judged_whole() {
    let world = World::new();
    let dana = world.person("dana");
    dana.git(&["checkout", "-q", "--orphan", "fresh"]);
    dana.commits("index.html");
    dana.pushes(&["HEAD:refs/heads/release/1"])
        .refused_with("RH401");
}

fn withdrawal(person: &Person<'_>, commit: &str, tag: &str) -> Words {
    let mut words = Words::approve(person, commit);
    words
        .set("Relhook-Decision", "withdraw")
        .set("Relhook-Withdraws", tag)
        .set("Relhook-Reason", "I was mistaken");
    words
}

fn trailers() -> String {
    format!("Approved\n\nRelhook-Approve: {PROD}\nRelhook-Repository: acme/site\n")
}

fn approving_commit(person: &Person<'_>) -> String {
    person.git(&["commit", "-q", "--allow-empty", "-m", &trailers()]);
    person.git(&["rev-parse", "HEAD"])
}
