//! Signatures: OpenPGP and SSH.

use crate::common::{PROD, Person, PolicyText, Words, World, keys, revoked_public, run_with};

/// Dana's commit, offered, and Rita, who has fetched it.
fn work(world: &World) -> (Person<'_>, Person<'_>, String) {
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.offers("fix");
    rita.takes("fix");
    (dana, rita, fix)
}

/// An approval's tag text without its signature, as git would write it.
fn tag_text(person: &Person<'_>, fix: &str) -> String {
    let words = Words::approve(person, fix);
    let (subject, text) = (&fix[..12], words.text());
    let tagger = format!("tagger {} 1795000000 +0000", person.address());
    format!("object {fix}\ntype commit\ntag relhook/approve/{subject}\n{tagger}\n\n{text}")
}

/// Pushes a tag object under the name that it would have; nothing may take it in.
#[track_caller]
fn refused(person: &Person<'_>, bytes: &[u8], fix: &str, what: &str) {
    let tag = person.writes_object("tag", bytes);
    let push = person.pushes(&[&person.refspec(&tag, fix)]);
    assert!(
        !push.went_in && push.said.contains("RH3"),
        "{what}: {}",
        push.said
    );
}

#[test]
fn s_01_s_20_no_signature_in_something_like_one() {
    let world = World::new();
    let (dana, rita, fix) = work(&world);
    let text = tag_text(&rita, &fix);
    let key = keys().fingerprint("rita");
    for mode in ["--sign", "--clear-sign", "--store"] {
        let mut gpg = rita.command("gpg");
        gpg.args(["--batch", "--armor", "-u", &key, mode]);
        let armor = run_with(&mut gpg, text.as_bytes()).text();
        let tag = format!("{text}{armor}\n");
        refused(&rita, tag.as_bytes(), &fix, mode);
        let mislabelled = armor.replace("PGP MESSAGE", "PGP SIGNATURE");
        let tag = format!("{text}{mislabelled}\n");
        refused(&rita, tag.as_bytes(), &fix, "mislabelled");
    }
    let empty = "-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n";
    refused(&rita, format!("{text}{empty}").as_bytes(), &fix, "empty");
    dana.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn s_02_a_signature_that_stands_in_the_message() {
    let world = World::new();
    let dana = world.person("dana");
    let fix = dana.commits("index.html");
    let text = crate::common::CommitText::of(&dana, &fix);
    let armor = dana.signature_over(&text.bytes());
    let mut evil = text;
    let folded = armor.trim_end().replace('\n', "\n ");
    evil.message = format!("x\n\ngpgsig {folded}\n");
    let oid = dana.writes_object("commit", &evil.bytes());
    dana.pushes(&[&format!("{oid}:{PROD}")]).refused_with("RH2");
}

#[test]
fn s_06_s_07_two_signatures() {
    let world = World::new();
    let (_, rita, fix) = work(&world);
    let text = tag_text(&rita, &fix);
    let first = rita.signature_over(text.as_bytes());
    let second = world.person("mallory").signature_over(text.as_bytes());
    for both in [[&first, &second], [&second, &first], [&first, &first]] {
        let tag = format!("{text}{}{}", both[0], both[1]);
        refused(&rita, tag.as_bytes(), &fix, "two blocks");
    }
    let again = format!("{text}{first}");
    let over = rita.signature_over(again.as_bytes());
    refused(
        &rita,
        format!("{again}{over}").as_bytes(),
        &fix,
        "signed twice",
    );
}

#[test]
fn s_08_text_behind_the_signature() {
    let world = World::new();
    let (_, rita, fix) = work(&world);
    let text = tag_text(&rita, &fix);
    let armor = rita.signature_over(text.as_bytes());
    let evil = world.server_ref(PROD).unwrap();
    for tail in [
        format!("Relhook-Commit: {evil}\n"),
        "\n".into(),
        " ".into(),
        "\0".into(),
    ] {
        let tag = format!("{text}{armor}{tail}");
        refused(&rita, tag.as_bytes(), &fix, &tail);
    }
    let good = rita.writes_object("tag", format!("{text}{armor}").as_bytes());
    rita.pushes(&[&rita.refspec(&good, &fix)]).accepted();
}

#[test]
fn s_10_s_11_a_strangers_key_with_the_reviewers_name() {
    let world = World::new();
    let (dana, rita, fix) = work(&world);
    rita.git(&["config", "user.signingKey", &keys().fingerprint("mallory")]);
    rita.approves(&fix).refused_with("RH3");
    dana.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn s_14_a_revoked_key() {
    let world = World::without_relhook();
    let mut policy = PolicyText::usual();
    policy
        .keys
        .insert("vera.asc".into(), revoked_public("vera"));
    world.write_policy(&policy);
    world
        .init(&["--policy", "policy.yaml", "--keys", "keys"])
        .assert_ok();
    let (dana, _, fix) = work(&world);
    let vera = world.person("vera");
    vera.approves(&fix).refused_with("RH3");
    dana.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn s_14_the_same_key_before_it_was_revoked() {
    let world = World::new();
    let (dana, _, fix) = work(&world);
    world.person("vera").approves(&fix).accepted();
    dana.pushes(&["prod"]).accepted();
}

#[test]
fn s_15_s_17_times_that_the_signer_chose() {
    let world = World::new();
    let (_, rita, fix) = work(&world);
    let text = tag_text(&rita, &fix);
    let key = keys().fingerprint("rita");
    let mut gpg = rita.command("gpg");
    let faked = [
        "--faked-system-time",
        "20400101T000000",
        "--ignore-time-conflict",
    ];
    gpg.args(["--batch", "--armor", "--detach-sign", "-u", &key])
        .args(faked);
    let armor = run_with(&mut gpg, text.as_bytes()).text();
    refused(
        &rita,
        format!("{text}{armor}\n").as_bytes(),
        &fix,
        "from the future",
    );
}

#[test]
fn s_18_a_weak_digest() {
    let world = World::new();
    let (_, rita, fix) = work(&world);
    let text = tag_text(&rita, &fix);
    let key = keys().fingerprint("rita");
    let mut gpg = rita.command("gpg");
    let weak = ["--digest-algo", "SHA1", "--weak-digest", "MD5"];
    gpg.args(["--batch", "--armor", "--detach-sign", "-u", &key])
        .args(weak);
    let armor = run_with(&mut gpg, text.as_bytes()).text();
    refused(&rita, format!("{text}{armor}\n").as_bytes(), &fix, "SHA-1");
}

#[test]
fn s_21_v_22_another_signed_object_is_no_approval() {
    let world = World::new();
    let (dana, rita, fix) = work(&world);
    // A release tag on the very commit, and one stored where statements are.
    rita.git(&["tag", "-s", "-m", "release 1", "v1", &fix]);
    rita.pushes(&["refs/tags/v1"]).accepted();
    let tag = rita.git(&["rev-parse", "refs/tags/v1"]);
    rita.pushes(&[&rita.refspec(&tag, &fix)])
        .refused_with("RH3");
    // A commit of hers on top says nothing about what is below it.
    rita.git(&["commit", "-q", "--allow-empty", "-m", "seen"]);
    rita.pushes(&["HEAD:prod"]).refused_with("RH401");
    dana.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn k_01_any_ssh_key_at_all() {
    let world = World::new();
    let (dana, rita, fix) = work(&world);
    let stranger = keys().ssh("mallory-ssh");
    rita.git(&["config", "gpg.format", "ssh"]);
    rita.git(&["config", "user.signingKey", stranger.to_str().unwrap()]);
    rita.approves(&fix).refused_with("RH3");
    dana.git(&["config", "user.signingKey", stranger.to_str().unwrap()]);
    dana.commits("more");
    dana.pushes(&["prod"]).refused_with("RH302");
}

#[test]
fn k_02_k_05_a_key_speaks_for_its_owner_only() {
    let world = World::new();
    let (dana, rita, fix) = work(&world);
    // Rita's words and tagger line over Dana's own key.
    let key = keys().ssh("dana");
    rita.git(&["config", "gpg.format", "ssh"]);
    rita.git(&["config", "user.signingKey", key.to_str().unwrap()]);
    rita.approves(&fix).refused_with("RH3");
    dana.pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn k_03_an_ssh_signature_for_another_purpose() {
    let world = World::new();
    let (_, _, fix) = work(&world);
    let remy = world.person("remy");
    remy.takes("fix");
    let text = tag_text(&remy, &fix);
    let key = keys().ssh("remy");
    for namespace in ["file", "email", "git@x"] {
        let mut keygen = remy.command("ssh-keygen");
        keygen
            .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
            .arg(&key);
        let armor = run_with(&mut keygen, text.as_bytes()).text();
        refused(
            &remy,
            format!("{text}{armor}\n").as_bytes(),
            &fix,
            namespace,
        );
    }
    let armor = remy.signature_over(text.as_bytes());
    let tag = remy.writes_object("tag", format!("{text}{armor}").as_bytes());
    remy.pushes(&[&remy.refspec(&tag, &fix)]).accepted();
}
