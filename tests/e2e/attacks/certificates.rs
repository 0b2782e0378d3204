//! Signed pushes: certificates that are forged, stale, replayed, or somebody else's.

use crate::common::{PROD, Person, PolicyText, RawPush, World, ZERO, command, keys, run, run_with};
use hmac::{Hmac, Mac};
use sha1::Sha1;

/// A server that knows pushers by their signed pushes alone.
fn world() -> World {
    World::with(&PolicyText::usual().replacing("source: RELHOOK_USER", "source: signed-push"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An SSH signature as git makes it.
fn signature(world: &World, key: &str, text: &[u8]) -> Vec<u8> {
    let mut sign = command("ssh-keygen", world.root());
    sign.args(["-q", "-Y", "sign", "-n", "git", "-f"]);
    run_with(sign.arg(keys().ssh(key)), text)
        .assert_ok()
        .out
        .clone()
}

/// A certificate's text for one update, as git writes it.
fn text(pushee: &str, nonce: &str, old: &str, new: &str, name: &str) -> Vec<u8> {
    format!(
        "certificate version 0.1\npusher SHA256:whoever  1790000000 +0000\npushee {pushee}\n\
         nonce {nonce}\n\n{old} {new} {name}\n"
    )
    .into_bytes()
}

fn signed(world: &World, key: &str, text: Vec<u8>) -> Vec<u8> {
    let signature = signature(world, key, &text);
    [text, signature].concat()
}

/// The server's nonce for these seconds, as git makes it.
fn nonce(world: &World, stamp: i64) -> String {
    let seed = world
        .server_git(&["config", "receive.certNonceSeed"])
        .text();
    let key = format!("{}:{stamp}", world.server().display());
    let mut hmac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).unwrap();
    hmac.update(seed.as_bytes());
    format!("{stamp}-{}", hex(&hmac.finalize().into_bytes()))
}

/// The certificates that the server's repository holds, oldest kept in no order.
fn certificates(world: &World) -> Vec<(String, String)> {
    let all = ["cat-file", "--batch-all-objects", "--batch-check"];
    let all = world.server_git(&all).text();
    let blobs = all.lines().filter(|line| line.contains(" blob "));
    let ids = blobs.map(|line| line[..40].to_owned());
    let read = ids.map(|id| {
        let text = world.server_git(&["cat-file", "blob", &id]);
        (id, String::from_utf8_lossy(&text.out).into_owned())
    });
    read.filter(|(_, text)| text.starts_with("certificate version"))
        .collect()
}

/// What somebody was told, without its line breaks.
fn flat(said: &str) -> String {
    let lines = said.lines();
    let words = lines.flat_map(|line| line.trim_start_matches("remote:").split_whitespace());
    words.collect::<Vec<_>>().join(" ")
}

/// A plain push by `person` that brings git's variables along, as a server would that lets a
/// client set its environment.
fn with_variables(person: &Person<'_>, id: &str, nonce: &str, refspec: &str) -> String {
    let mut push = person.git_command();
    push.env("GIT_PUSH_CERT", id)
        .env("GIT_PUSH_CERT_NONCE", nonce)
        .env("GIT_PUSH_CERT_NONCE_STATUS", "OK")
        .env("GIT_PUSH_CERT_STATUS", "G")
        .env("GIT_PUSH_CERT_SIGNER", "Dana Developer <dana@acme.example>");
    let ran = run(push.args(["push", "origin", refspec]));
    assert_ne!(ran.code, 0);
    flat(&ran.err)
}

#[test]
fn p_20_a_signed_push_shows_who_pushes_whatever_git_says_of_it() {
    let world = world();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.offers("fix");
    rita.approves(&fix).accepted();
    // Without a certificate, nobody is known.
    let plain = dana.pushes(&["prod"]);
    plain.refused_with("RH203");
    plain.refused_with("git push --signed");
    // git itself cannot tell whose an SSH signature is (status N); relhook can.
    dana.pushes_with(&["--signed"], &["prod"]).accepted();
    // And OpenPGP.
    let other = rita.git(&[
        "commit-tree",
        "-S",
        "-p",
        &fix,
        "-m",
        "x",
        &format!("{fix}^{{tree}}"),
    ]);
    rita.pushes_with(&["--signed"], &[&format!("{other}:{PROD}")])
        .refused_with("RH403");
    let told: Vec<_> = world
        .log()
        .into_iter()
        .filter(|entry| entry["kind"] == "verdict" && entry["person"].is_string())
        .collect();
    let people: Vec<_> = told.iter().map(|entry| entry["person"].clone()).collect();
    assert_eq!(people, ["dana", "rita"]);
    assert_eq!(told[1]["login"], keys().fingerprint("rita"));
    // Each certificate is kept, and any SSH or OpenPGP tool can check it again.
    for entry in &told {
        let evidence = entry["evidence"].as_array().unwrap();
        let folder = world.server().join("relhook/audit/evidence");
        let certificate = evidence
            .iter()
            .map(|hash| std::fs::read_to_string(folder.join(hash.as_str().unwrap())).unwrap())
            .find(|text| text.starts_with("certificate version 0.1\n"));
        assert!(certificate.unwrap().contains(PROD), "{entry}");
    }
    assert_eq!(world.relhook(&["audit", "verify"]).code, 0);
}

#[test]
fn p_20_a_strangers_key_that_carries_a_known_name() {
    let world = world();
    let mallory = world.person("mallory");
    mallory.commits("evil");
    let push = mallory.pushes_with(&["--signed"], &["prod"]);
    push.refused_with("RH209");
    push.refused_with("by a key that the policy does not hold");
    let entry = world.log().pop().unwrap();
    assert!(entry["person"].is_null(), "{entry}");
}

#[test]
fn p_20_a_certificate_that_was_used_is_used_no_more() {
    let world = world();
    let (dana, remy) = (world.person("dana"), world.person("remy"));
    dana.commits("index.html");
    dana.pushes_with(&["--signed"], &["prod"])
        .refused_with("RH401");
    let kept = certificates(&world);
    let [(id, text)] = &kept[..] else {
        panic!("{kept:?}")
    };
    let nonce = text.split("nonce ").nth(1).unwrap().lines().next().unwrap();
    remy.takes_from(&dana, "prod");
    // Remy brings Dana's certificate along for the very same update.
    let said = with_variables(&remy, id, nonce, "HEAD:prod");
    assert!(
        said.contains("RH209") && said.contains("used by an earlier push"),
        "{said}"
    );
    // And for another.
    remy.commits("evil");
    let said = with_variables(&remy, id, nonce, "HEAD:prod");
    assert!(
        said.contains("RH209") && said.contains("other refs or values"),
        "{said}"
    );
    // What git says of a certificate is nothing without one.
    let said = with_variables(&remy, ZERO, nonce, "HEAD:prod");
    assert!(said.contains("RH209"), "{said}");
    let said = with_variables(&remy, &remy.git(&["rev-parse", "HEAD"]), nonce, "HEAD:prod");
    assert!(said.contains("RH209"), "{said}");
}

#[test]
fn p_20_certificates_that_git_would_not_make() {
    let world = world();
    let dana = world.person("dana");
    let old = world.server_ref(PROD).unwrap();
    let new = dana.commits("index.html");
    let server = world.server().display().to_string();
    let send = |make: &dyn Fn(&str) -> Vec<u8>| {
        let push = RawPush::new().command(&old, &new, PROD);
        let push = push.send_signed(&dana, make);
        push.refused();
        flat(&push.said)
    };
    let dana_signs = |text: Vec<u8>| signed(&world, "dana", text);
    let whole = |nonce: &str| dana_signs(text(&server, nonce, &old, &new, PROD));
    // As it has to be, it is Dana's: only the approval is missing.
    let said = send(&whole);
    assert!(said.contains("RH401") && !said.contains("RH209"), "{said}");

    let refused = |why: &str, make: &dyn Fn(&str) -> Vec<u8>| {
        let said = send(make);
        assert!(
            said.contains("RH209") && said.contains(why),
            "{why}: {said}"
        );
    };
    refused("does not match the content", &|nonce| {
        let signature = signature(
            &world,
            "dana",
            &text(&server, nonce, &old, &new, "refs/heads/x"),
        );
        [text(&server, nonce, &old, &new, PROD), signature].concat()
    });
    refused("seconds old", &|now| {
        let stamp: i64 = now.split('-').next().unwrap().parse().unwrap();
        dana_signs(text(
            &server,
            &nonce(&world, stamp - 7200),
            &old,
            &new,
            PROD,
        ))
    });
    refused("ahead of this server's clock", &|now| {
        let stamp: i64 = now.split('-').next().unwrap().parse().unwrap();
        dana_signs(text(
            &server,
            &nonce(&world, stamp + 7200),
            &old,
            &new,
            PROD,
        ))
    });
    refused("not the one of this push", &|now| {
        let stamp: i64 = now.split('-').next().unwrap().parse().unwrap();
        dana_signs(text(&server, &nonce(&world, stamp - 60), &old, &new, PROD))
    });
    refused("not made by this server", &|now| {
        let stamp = now.split('-').next().unwrap();
        let made_up = format!("{stamp}-{}", "ab".repeat(20));
        dana_signs(text(&server, &made_up, &old, &new, PROD))
    });
    refused(
        "signed for a push to `ssh://elsewhere/other.git`",
        &|nonce| dana_signs(text("ssh://elsewhere/other.git", nonce, &old, &new, PROD)),
    );
    refused("there twice or out of its place", &|now| {
        let twice = format!("{now}\nnonce {now}");
        dana_signs(text(&server, &twice, &old, &new, PROD))
    });
    // git itself takes no second signature; a blob that claims to be a certificate may have one.
    let nonce = nonce(&world, 1_790_000_000);
    let one = whole(&nonce);
    let two = [one.clone(), signature(&world, "remy", &one)].concat();
    let mut store = world.server_command("git");
    store.arg("--git-dir").arg(world.server());
    store.args(["hash-object", "-w", "--stdin"]);
    let id = run_with(&mut store, &two).text();
    let said = with_variables(&dana, &id, &nonce, "HEAD:prod");
    assert!(
        said.contains("RH209") && said.contains("more than one block"),
        "{said}"
    );
    assert_eq!(world.server_ref(PROD), Some(old.clone()));
}

#[test]
fn p_20_a_listed_address_has_to_be_met_exactly() {
    let world = world();
    let dana = world.person("dana");
    dana.commits("index.html");
    let list = |address: &str| {
        let add = ["config", "--add", "relhook.pushee", address];
        world.server_git(&add).assert_ok();
    };
    list("ssh://git@git.acme.example/srv/git/server.git");
    let push = dana.pushes_with(&["--signed"], &["prod"]);
    push.refused_with("RH209");
    push.refused_with("ssh://git.acme.example/srv/git/server.git");
    list(world.server().to_str().unwrap());
    dana.pushes_with(&["--signed"], &["prod"])
        .refused_with("RH401");
}

#[test]
fn i_14_a_certificate_of_one_person_over_anothers_login() {
    let world = World::new();
    let seed = ["config", "receive.certNonceSeed", "0123456789abcdef0123"];
    world.server_git(&seed).assert_ok();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.offers("fix");
    rita.approves(&fix).accepted();
    let with_key = |key: &str| {
        let setting = format!("user.signingKey={}", keys().ssh(key).display());
        dana.try_git(&["-c", &setting, "push", "--signed", "origin", "prod"])
    };
    let remys = with_key("remy");
    assert!(remys.err.contains("RH209"), "{}", remys.err);
    assert!(
        flat(&remys.err).contains("remy signed it, and dana is logged in"),
        "{}",
        remys.err
    );
    let strangers = with_key("mallory-ssh");
    assert!(strangers.err.contains("RH209"), "{}", strangers.err);
    assert!(strangers.err.contains("--no-signed"), "{}", strangers.err);
    // Her own is kept beside the login.
    with_key("dana").assert_ok();
    assert_eq!(world.server_ref(PROD), Some(fix));
    let entry = world.log().pop().unwrap();
    assert_eq!(
        (&entry["person"], &entry["login"]),
        (&"dana".into(), &"dana".into())
    );
}

#[test]
fn a_seed_that_can_be_guessed_shows_nobody() {
    let world = world();
    let dana = world.person("dana");
    dana.commits("index.html");
    let file = world.server().join("relhook/nonce.config");
    std::fs::write(file, "[receive]\n\tcertNonceSeed = secret\n").unwrap();
    let push = dana.pushes_with(&["--signed"], &["prod"]);
    push.refused_with("RH209");
    push.refused_with("relhook init");
}

#[test]
fn a_clone_is_told_that_the_server_wants_signed_pushes() {
    let world = world();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.offers("fix");
    rita.approves(&fix).accepted();
    dana.relhook(&["init", "--client"]).assert_ok();
    let check = dana.relhook(&["check", "origin", "prod"]).text();
    assert!(check.contains("git push --signed origin prod"), "{check}");
    let push = dana.pushes(&["prod"]);
    push.refused_with("RH203");
    push.refused_with("git config push.gpgSign true");
    dana.git(&["config", "push.gpgSign", "true"]);
    let check = dana.relhook(&["check", "origin", "prod"]).text();
    assert!(check.contains("git push origin prod"), "{check}");
    let push = dana.pushes(&["prod"]);
    push.accepted();
    assert!(!push.said.contains("push.gpgSign"), "{}", push.said);
}
