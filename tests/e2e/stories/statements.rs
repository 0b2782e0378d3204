//! Statements are signed, stored under their own name, and stay.

use crate::common::{Person, RawPush, Words, World, ZERO};

/// A commit of Dana's on the server, which Rita has fetched.
fn work<'w>(world: &'w World) -> (Person<'w>, Person<'w>, String) {
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
    rita.takes("fix");
    (dana, rita, fix)
}

#[test]
fn nobody_deletes_or_moves_a_statement() {
    let world = World::new();
    let (dana, rita, fix) = work(&world);
    let tag = rita.signs(&Words::approve(&rita, &fix));
    let name = rita.statement_ref(&tag, &fix);
    rita.pushes(&[&format!("{tag}:{name}")]).accepted();
    rita.pushes(&[&format!(":{name}")]).refused_with("RH");
    RawPush::new()
        .command(ZERO, ZERO, &name)
        .send(&dana)
        .refused();
    let other = rita.signs(Words::approve(&rita, &fix).set("Relhook-Reason", "again"));
    rita.pushes_with(&["--force"], &[&format!("{other}:{name}")])
        .refused_with("RH");
    assert_eq!(world.server_ref(&name), Some(tag));
}

#[test]
fn anybody_may_carry_a_statement_and_only_its_signature_matters() {
    let world = World::new();
    let (dana, rita, fix) = work(&world);
    let tag = rita.signs(&Words::approve(&rita, &fix));
    let name = rita.statement_ref(&tag, &fix);
    dana.git(&[
        "fetch",
        "-q",
        rita.clone_dir().to_str().unwrap(),
        "refs/tags/relhook/approve/*:refs/got/*",
    ]);
    dana.pushes(&["prod", &format!("{tag}:{name}")]).accepted();
}

#[test]
fn an_unsigned_statement_is_not_taken_in() {
    let world = World::new();
    let (_, rita, fix) = work(&world);
    let text = Words::approve(&rita, &fix).text();
    let name = format!("relhook/approve/{}", &fix[..12]);
    rita.git(&["tag", "-a", "--no-sign", "-m", &text, &name, &fix]);
    let tag = rita.git(&["rev-parse", &name]);
    rita.pushes(&[&rita.refspec(&tag, &fix)])
        .refused_with("RH3");
}

#[test]
fn a_statement_under_another_name_is_not_taken_in() {
    let world = World::new();
    let (_, rita, fix) = work(&world);
    let tag = rita.signs(&Words::approve(&rita, &fix));
    let other = rita.git(&["rev-parse", "HEAD^"]);
    for name in [
        format!("refs/relhook/statements/{other}/{}", &tag[..16]),
        format!("refs/relhook/statements/{fix}/0123456789abcdef"),
        format!("refs/relhook/statements/{fix}"),
        "refs/relhook/statements/x".to_owned(),
        "refs/relhook/elsewhere".to_owned(),
        "refs/relhook/checkpoint".to_owned(),
    ] {
        rita.pushes(&[&format!("{tag}:{name}")]).refused();
        assert_ne!(world.server_ref(&name), Some(tag.clone()), "{name}");
    }
}

#[test]
fn statements_with_odd_trailers_are_not_taken_in() {
    let world = World::new();
    let (_, rita, fix) = work(&world);
    let good = Words::approve(&rita, &fix);
    let mut odd: Vec<(&str, Words)> = Vec::new();
    let mut try_with = |what, change: &dyn Fn(&mut Words)| {
        let mut words = good.clone();
        change(&mut words);
        odd.push((what, words));
    };
    try_with("unknown version", &|words| {
        drop(words.set("Relhook-Version", "2").text())
    });
    try_with("no version", &|words| {
        drop(words.drop("Relhook-Version").text())
    });
    try_with("another repository", &|words| {
        drop(words.set("Relhook-Repository", "acme/other").text())
    });
    try_with("another tree", &|words| {
        drop(words.set("Relhook-Tree", &fix).text())
    });
    try_with("two commits", &|words| {
        drop(words.add("Relhook-Commit", &fix).text())
    });
    try_with("upper case", &|words| {
        drop(words.set("Relhook-Commit", &fix.to_uppercase()).text())
    });
    try_with("short commit", &|words| {
        drop(words.set("Relhook-Commit", &fix[..12]).text())
    });
    try_with("unknown trailer", &|words| {
        drop(words.add("Relhook-Surprise", "yes").text())
    });
    try_with("unknown decision", &|words| {
        drop(words.set("Relhook-Decision", "bless").text())
    });
    try_with("a branch, not a ref", &|words| {
        drop(words.set("Relhook-Ref", "prod").text())
    });
    for (what, words) in odd {
        let push = rita.pushes(&[&rita.states(&words)]);
        assert!(
            !push.went_in && push.said.contains("RH3"),
            "{what}: {}",
            push.said
        );
    }
    rita.pushes(&[&rita.states(&good)]).accepted();
}
