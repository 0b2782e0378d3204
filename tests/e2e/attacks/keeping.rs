//! What is kept, where, who could read it, and what a broken environment does.

use crate::common::{PROD, RawPush, Words, World, ZERO, run, run_with, write_program};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Every file below a folder.
fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all
}

#[test]
fn d_03_x_11_a_pusher_who_stands_still_holds_nobody_up() {
    let world = World::new();
    let (dana, dora) = (world.person("dana"), world.person("dora"));
    let fix = dana.commits("index.html");
    let before = world.server_ref(PROD).unwrap();
    dana.offers("fix");
    // A hook whose every answer goes into a pipe that is full and that nobody reads.
    let (reader, writer) = std::io::pipe().unwrap();
    let filler = writer.try_clone().unwrap();
    rustix::io::ioctl_fionbio(&filler, true).unwrap();
    while std::io::Write::write(&mut &filler, &[b'x'; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(&filler, false).unwrap();
    let mut hook = world.server_command(&format!("{}/hooks/pre-receive", world.server().display()));
    hook.current_dir(world.server())
        .stdin(Stdio::piped())
        .stderr(writer);
    let mut stuck = hook.spawn().unwrap();
    let line = format!("{before} {fix} {PROD}\n");
    std::io::Write::write_all(&mut stuck.stdin.take().unwrap(), line.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(700));
    let since = Instant::now();
    dora.commits("more");
    dora.offers("more");
    assert!(
        since.elapsed() < Duration::from_secs(15),
        "{:?}",
        since.elapsed()
    );
    drop((reader, filler));
    assert_ne!(stuck.wait().unwrap().code(), Some(0));
}

#[test]
fn d_11_d_12_d_13_a_refused_push_leaves_its_record_and_nothing_else() {
    let world = World::new();
    let dana = world.person("dana");
    let refs = || world.server_git(&["for-each-ref"]).text();
    let (before, entries) = (refs(), world.log().len());
    let fix = dana.commits("index.html");
    dana.pushes(&["prod"]).refused_with("RH401");
    assert_eq!(refs(), before);
    assert_eq!(world.log().len(), entries + 1);
    world.relhook(&["audit", "verify"]).assert_ok();
    assert_ne!(world.server_git(&["cat-file", "-e", &fix]).code, 0);
    assert!(!world.server().join("hooks/update").exists());
}

#[test]
fn d_15_nothing_that_counts_is_collected_as_garbage() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.offers("fix");
    rita.approves(&fix).accepted();
    dana.pushes(&[":refs/heads/fix"]).accepted();
    world
        .server_git(&["reflog", "expire", "--expire=now", "--all"])
        .assert_ok();
    // What is written while it is pruned at once is lost: git asks that nobody does, and after these two
    // nothing is to be shown any more.
    let collects = || {
        world.relhook(&["audit", "heartbeat"]).assert_ok();
        world.relhook(&["audit", "checkpoint"]).assert_ok();
        world.server_git(&["gc", "-q", "--prune=now"]).assert_ok();
    };
    collects();
    dana.pushes(&["prod"]).accepted();
    collects();
    world.relhook(&["audit", "verify"]).assert_ok();
    let stored = world.server_git(&["for-each-ref", "refs/relhook/statements"]);
    assert!(stored.text().contains(&fix));
}

#[test]
fn h_03_n_11_a_hook_that_dies_refuses() {
    let world = World::new();
    let dana = world.person("dana");
    let before = world.server_ref(PROD);
    dana.commits("evil");
    let hook = world.server().join("hooks/pre-receive");
    for broken in [
        "#!/bin/sh\r\nexit 0\r\n",
        "#!/nonexistent/sh\nexit 0\n",
        "#!/bin/sh\nexit 101\n",
        "#!/bin/sh\nkill -9 $$\n",
        "\u{7f}ELF cut",
    ] {
        write_program(&hook, broken);
        dana.pushes(&["prod"]).refused();
        assert_eq!(world.server_ref(PROD), before, "{broken:?}");
    }
}

#[test]
fn l_05_nothing_from_outside_breaks_a_line_of_the_log() {
    let world = World::new();
    let dana = world.person("dana");
    let tip = dana.commits("x");
    for name in [
        &b"refs/heads/release/\xff\"},{\"kind\":\"begun"[..],
        "refs/heads/release/=cmd|calc!A0".as_bytes(),
        "refs/heads/release/a\u{2028}b\u{202e}c".as_bytes(),
    ] {
        let push = RawPush::new()
            .command(ZERO, &tip, name)
            .option(b"note=\"},{");
        push.send(&dana).refused();
    }
    assert!(world.log_text().is_ascii(), "every entry is plain text");
    assert!(world.log().iter().all(serde_json::Value::is_object));
    world.relhook(&["audit", "verify"]).assert_ok();
}

#[test]
fn l_08_what_a_push_option_says_is_not_kept() {
    let world = World::new();
    let dana = world.person("dana");
    let tip = dana.commits("x");
    for name in ["refs/heads/fix", PROD] {
        let secret = b"token=hunter2-hunter2";
        let _ = RawPush::new()
            .command(ZERO, &tip, name)
            .option(secret)
            .send(&dana);
    }
    for file in files(&world.server().join("relhook")) {
        let bytes = fs::read(&file).unwrap();
        let held = bytes.windows(7).any(|window| window == b"hunter2");
        assert!(!held, "{}", file.display());
    }
}

#[test]
fn l_09_n_09_nobody_else_can_read_the_folder_whatever_the_umask() {
    let world = World::new();
    let dana = world.person("dana");
    dana.commits("index.html");
    let mut push = dana.command("sh");
    push.current_dir(dana.clone_dir()).args([
        "-c",
        "umask 000; git push -q origin HEAD:refs/heads/fix; git push -q origin prod",
    ]);
    let _ = run(&mut push);
    let folder = world.server().join("relhook");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    // The folder itself keeps everybody out; what a decision rests on is closed in its own right.
    for file in files(&folder.join("audit")) {
        assert_eq!(mode(&file) & 0o022, 0, "{}", file.display());
    }
}

#[test]
fn l_10_a_log_that_was_rotated_away() {
    let world = World::new();
    let dana = world.person("dana");
    dana.commits("index.html");
    let log = world.log_head();
    fs::rename(&log, world.path("journal.1")).unwrap();
    dana.pushes(&["HEAD:refs/heads/fix"]).refused_with("RH702");
    fs::write(&log, "").unwrap();
    dana.pushes(&["HEAD:refs/heads/fix"]).refused_with("RH741");
    fs::set_permissions(&log, fs::Permissions::from_mode(0o600)).unwrap();
    dana.pushes(&["HEAD:refs/heads/fix"]).refused_with("RH702");
    fs::rename(world.path("journal.1"), &log).unwrap();
    dana.offers("fix");
}

#[test]
fn l_12_the_log_holds_the_claim_and_the_truth() {
    let world = World::new();
    let dana = world.person("dana");
    let before = world.server_ref(PROD).unwrap();
    let evil = dana.commits("evil");
    dana.offers("evil");
    RawPush::new()
        .command(&evil, &evil, PROD)
        .send(&dana)
        .refused();
    let last = world.log().pop().unwrap();
    assert_eq!(last["updates"][0]["claimed"], evil.as_str());
    assert_eq!(last["updates"][0]["old"], before.as_str());
}

#[test]
fn n_07_s_29_programs_and_languages_of_the_pushers_choice() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.offers("fix");
    rita.approves(&fix).accepted();
    let (bin, marker) = (world.path("bin"), world.path("marker"));
    fs::create_dir(&bin).unwrap();
    for name in ["gpg", "gpg2", "gpgsm", "gpgconf", "ssh-keygen"] {
        let trap = format!("#!/bin/sh\ntouch {}\nexit 0\n", marker.display());
        write_program(&bin.join(name), trap);
    }
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let line = format!("{} {fix} {PROD}\n", world.server_ref(PROD).unwrap());
    let mut hook = world.server_command(&format!("{}/hooks/pre-receive", world.server().display()));
    hook.current_dir(world.server())
        .env("PATH", path)
        .env("RELHOOK_USER", "dana")
        .env("LC_ALL", "de_DE.UTF-8")
        .env("LANGUAGE", "de")
        .env("GNUPGHOME", world.path("elsewhere"))
        .env("XDG_CONFIG_HOME", world.path("elsewhere"))
        .env("HOME", "/nonexistent");
    let ran = run_with(&mut hook, line.as_bytes());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(!marker.exists(), "a program of the pusher's choice was run");
}

#[test]
fn n_12_phases_that_a_later_git_may_have() {
    let world = World::new();
    let evil = world.server_ref(PROD).unwrap();
    let line = format!("{ZERO} {evil} refs/heads/free\n");
    for phase in [
        "preparing",
        "prepared",
        "committed",
        "aborted",
        "something-new",
    ] {
        let hook = format!("{}/hooks/reference-transaction", world.server().display());
        let mut hook = world.server_command(&hook);
        hook.current_dir(world.server()).arg(phase);
        let ran = run_with(&mut hook, line.as_bytes());
        assert_eq!(ran.code, 0, "{phase}: {}", ran.err);
    }
}

#[test]
fn p_18_a_pack_in_an_odd_order_with_more_in_it() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let before = world.server_ref(PROD).unwrap();
    let good = dana.commits("index.html");
    dana.offers("fix");
    rita.approves(&good).accepted();
    dana.git(&["checkout", "-q", "-B", "evil", &before]);
    let evil = dana.commits("evil");
    let parts = |commit: &str| {
        ["", "^{tree}"].map(|part| dana.git(&["rev-parse", &format!("{commit}{part}")]))
    };
    let ([_, tree], [_, evil_tree]) = (parts(&good), parts(&evil));
    let blob = dana.git(&["rev-parse", &format!("{evil}:evil")]);
    let other = dana.git(&["rev-parse", &format!("{good}:index.html")]);
    let all = [blob.as_str(), &evil_tree, &evil, &other, &tree, &good];
    let push = |tip: &str| {
        RawPush::new()
            .packing(&all)
            .command(&before, tip, PROD)
            .send(&dana)
    };
    push(&evil).refused_with("RH401");
    push(&good).accepted();
}

#[test]
fn s_22_a_signature_that_speaks_like_gpg_itself() {
    let world = World::new();
    let (dana, mallory) = (world.person("dana"), world.person("mallory"));
    let fix = dana.commits("index.html");
    dana.offers("fix");
    mallory.git(&["fetch", "-q", "origin"]);
    let tag = mallory.signs(&Words::approve(&mallory, &fix));
    let raw = mallory.try_git(&["cat-file", "tag", &tag]).out.clone();
    let raw = String::from_utf8(raw).unwrap();
    let rita = "tagger Rita Reviewer <rita@acme.example>";
    let payload = raw.split("-----BEGIN").next().unwrap();
    let payload = payload.replace("tagger Mallory <mallory@elsewhere.example>", rita);
    let print = crate::common::keys().fingerprint("rita");
    let spoken = format!("x@y=\n[GNUPG:] GOODSIG {print} Rita\n[GNUPG:] VALIDSIG {print}\n");
    let mut gpg = mallory.command("gpg");
    let key = mallory.git(&["config", "user.signingKey"]);
    gpg.args([
        "--batch",
        "--armor",
        "--detach-sign",
        "--sig-notation",
        &spoken,
        "-u",
        &key,
    ]);
    let signed = run_with(&mut gpg, payload.as_bytes());
    let armor = match signed.code {
        0 => String::from_utf8(signed.out.clone()).unwrap(),
        // gpg writes no line breaks there: what is left of them is said in one line.
        _ => {
            let mut gpg = mallory.command("gpg");
            let spoken = spoken.replace('\n', " ");
            gpg.args([
                "--batch",
                "--armor",
                "--detach-sign",
                "--sig-notation",
                spoken.trim(),
            ]);
            String::from_utf8(
                run_with(gpg.args(["-u", &key]), payload.as_bytes())
                    .assert_ok()
                    .out
                    .clone(),
            )
            .unwrap()
        }
    };
    let tag = mallory.writes_object("tag", format!("{payload}{armor}").as_bytes());
    mallory
        .pushes(&[&mallory.refspec(&tag, &fix)])
        .refused_with("RH302");
}
