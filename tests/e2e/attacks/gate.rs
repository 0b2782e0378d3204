//! Ways around the gate itself.

use crate::common::{
    GATE, LOCK, POLICY, PROD, RELHOOK, Words, World, copy_program, run, run_with, write_program,
};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Puts the hooks of a copy of relhook in place, with its gate and its lock beside it, in this folder.
fn with_its_own_programs(world: &World, folder: &str) -> PathBuf {
    let folder = world.path(folder);
    fs::create_dir(&folder).unwrap();
    copy_program(RELHOOK, &folder.join("relhook"));
    copy_program(GATE, &folder.join("relhook-gate"));
    copy_program(LOCK, &folder.join("relhook-lock"));
    let mut init = world.server_command(folder.join("relhook").to_str().unwrap());
    run(init.arg("--git-dir").arg(world.server()).arg("init")).assert_ok();
    folder
}

fn first_line(world: &World, hook: &str) -> String {
    let text = fs::read_to_string(world.server().join("hooks").join(hook)).unwrap();
    text.lines().next().unwrap().to_owned()
}

#[test]
fn h_01_h_02_a_hook_that_does_not_run_is_found_and_mended() {
    let world = World::new();
    let hook = world.server().join("hooks/pre-receive");
    let mend = || {
        let said = world.init(&[]).text();
        assert!(said.contains("done  hook pre-receive"), "{said}");
    };
    fs::remove_file(&hook).unwrap();
    mend();
    fs::write(&hook, "").unwrap();
    mend();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o644)).unwrap();
    mend();
    world.person("dana").commits("x");
    world.person("dana").pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn h_01_without_the_gate_the_second_lock_holds() {
    let world = World::new();
    let before = world.server_ref(PROD);
    fs::remove_file(world.server().join("hooks/pre-receive")).unwrap();
    world.person("dana").commits("x");
    world.person("dana").pushes(&["prod"]).refused();
    assert_eq!(world.server_ref(PROD), before);
}

#[test]
fn h_08_refs_moved_inside_the_repository() {
    let world = World::new();
    let dana = world.person("dana");
    let evil = dana.commits("evil");
    dana.offers("evil");
    let before = world.server_ref(PROD);
    for args in [
        &["update-ref", PROD, &evil][..],
        &["update-ref", "-d", PROD],
        &["branch", "-f", "prod", &evil],
        &[
            "fetch",
            "-q",
            dana.clone_dir().to_str().unwrap(),
            "+refs/heads/prod:refs/heads/prod",
        ],
        &["update-ref", POLICY, &evil],
        &["update-ref", "-d", POLICY],
    ] {
        assert_ne!(world.server_git(args).code, 0, "{args:?}");
    }
    assert_eq!(world.server_ref(PROD), before);
    // What concerns no protected ref goes on as ever.
    world
        .server_git(&["update-ref", "refs/heads/other", &evil])
        .assert_ok();
    world
        .server_git(&["update-ref", "-d", "refs/heads/other"])
        .assert_ok();
    world
        .server_git(&["symbolic-ref", "HEAD", "refs/heads/evil"])
        .assert_ok();
}

#[test]
fn r_11_housekeeping_goes_on() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    world
        .server_git(&["pack-refs", "--all", "--prune"])
        .assert_ok();
    world.server_git(&["gc", "-q", "--prune=now"]).assert_ok();
    let fix = dana.commits("x");
    dana.offers("fix");
    rita.approves(&fix).accepted();
    dana.pushes(&["prod"]).accepted();
    world
        .server_git(&["pack-refs", "--all", "--prune"])
        .assert_ok();
    assert_eq!(world.server_ref(PROD), Some(fix));
    let more = dana.commits("y");
    dana.offers("fix");
    rita.approves(&more).accepted();
    dana.pushes(&["prod"]).accepted();
}

/// What the second lock answers when it is asked, as git does, whether the checkpoint's ref may become
/// `to`.
fn may_become(world: &World, to: &str) -> bool {
    let hook = world.server().join("hooks/reference-transaction");
    let mut hook = world.server_command(hook.to_str().unwrap());
    hook.arg("prepared")
        .env("GIT_DIR", ".")
        .current_dir(world.server());
    let line = format!("{} {to} refs/relhook/checkpoint\n", "0".repeat(40));
    run_with(&mut hook, line.as_bytes()).code == 0
}

#[test]
fn r_11_refs_are_packed_while_relhook_moves_the_checkpoint() {
    let world = World::new();
    let checkpoint = "refs/relhook/checkpoint";
    world.relhook(&["audit", "checkpoint"]).assert_ok();
    let before = world.server_ref(checkpoint).unwrap();
    world.relhook(&["audit", "heartbeat"]).assert_ok();
    world.relhook(&["audit", "checkpoint"]).assert_ok();
    assert_ne!(world.server_ref(checkpoint).unwrap(), before);
    let held = |name: &str| fs::write(world.server().join(name), "").unwrap();
    // Somebody moves the ref back.
    assert!(!may_become(&world, &before));
    // git packs what it read before relhook moved the ref.
    held("packed-refs.lock");
    assert!(may_become(&world, &before));
    assert!(!may_become(&world, &"0".repeat(40)));
    // Somebody moves it back, and makes it look so.
    held("refs/relhook/checkpoint.lock");
    assert!(!may_become(&world, &before));
}

#[test]
fn h_09_a_ref_that_was_written_behind_gits_back_gives_no_start() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    dana.commits("evil");
    dana.offers("evil");
    let evil = dana.git(&["rev-parse", "HEAD"]);
    fs::write(world.server().join(PROD), format!("{evil}\n")).unwrap();
    // The next push is still judged from the last accepted commit: the evil one is in it.
    let more = dana.commits("x");
    dana.offers("evil");
    rita.git(&["fetch", "-q", "origin"]);
    let mut words = Words::approve(&rita, &more);
    words.set("Relhook-Base", &evil);
    rita.pushes(&[&rita.states(&words)]).accepted();
    dana.pushes(&["prod"]).refused_with("RH");
}

#[test]
fn h_11_skipping_the_clones_hook_skips_nothing_on_the_server() {
    let world = World::new();
    let dana = world.person("dana");
    dana.relhook(&["init", "--client"]).assert_ok();
    dana.commits("x");
    dana.pushes(&["prod"]).refused_with("RH401");
    dana.pushes_with(&["--no-verify"], &["prod"])
        .refused_with("RH401");
}

#[test]
fn h_15_without_the_program_every_push_is_refused() {
    let world = World::new();
    let program = world.path("relhook");
    copy_program(RELHOOK, &program);
    let mut init = world.server_command(program.to_str().unwrap());
    run(init.arg("--git-dir").arg(world.server()).arg("init")).assert_ok();
    let dana = world.person("dana");
    dana.commits("x");
    dana.offers("fix");
    fs::remove_file(program).unwrap();
    dana.pushes(&["HEAD:refs/heads/more"])
        .refused_with("is missing");
}

#[test]
fn h_03_h_15_without_the_gate_every_push_is_refused() {
    let world = World::new();
    let folder = with_its_own_programs(&world, "bin");
    let gate = folder.join("relhook-gate");
    let first = format!("#!{} pre-receive", gate.display());
    assert_eq!(first_line(&world, "pre-receive"), first);
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let before = world.server_ref(PROD);
    let fix = dana.commits("x");
    dana.offers("fix");
    rita.approves(&fix).accepted();
    let whole = fs::read(&gate).unwrap();
    fs::remove_file(&gate).unwrap();
    for broken in [None, Some(&whole[..64]), Some(&[])] {
        if let Some(bytes) = broken {
            write_program(&gate, bytes);
        }
        for refspec in ["HEAD:refs/heads/more", "prod"] {
            dana.pushes(&[refspec]).refused();
        }
        assert_eq!(world.server_ref(PROD), before);
        assert!(world.server_ref("refs/heads/more").is_none());
        // The second lock holds by itself.
        let by_hand = world.server_git(&["update-ref", PROD, &fix]);
        assert_ne!(by_hand.code, 0, "{}", by_hand.err);
    }
    // Not executable: git would pass over such a hook, but not over such a program.
    write_program(&gate, &whole);
    fs::set_permissions(&gate, fs::Permissions::from_mode(0o644)).unwrap();
    dana.pushes(&["prod"]).refused();
    fs::set_permissions(&gate, fs::Permissions::from_mode(0o755)).unwrap();
    dana.pushes(&["prod"]).accepted();
}

#[test]
fn h_15_without_the_lock_no_ref_moves() {
    let world = World::new();
    let folder = with_its_own_programs(&world, "bin");
    let lock = folder.join("relhook-lock");
    let first = format!("#!{} reference-transaction", lock.display());
    assert_eq!(first_line(&world, "reference-transaction"), first);
    let hook = fs::read_to_string(world.server().join("hooks/reference-transaction")).unwrap();
    assert!(hook.contains("/bin/relhook-lock'"), "{hook}");
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let before = world.server_ref(PROD);
    let fix = dana.commits("x");
    dana.offers("fix");
    rita.approves(&fix).accepted();
    let whole = fs::read(&lock).unwrap();
    fs::remove_file(&lock).unwrap();
    for broken in [None, Some(&whole[..64]), Some(&[])] {
        if let Some(bytes) = broken {
            write_program(&lock, bytes);
        }
        dana.pushes(&["prod"]).refused();
        // Nothing else moves either, nor by hand.
        dana.pushes(&["HEAD:refs/heads/more"]).refused();
        let by_hand = world.server_git(&["update-ref", "refs/heads/more", &fix]);
        assert_ne!(by_hand.code, 0, "{}", by_hand.err);
        assert_eq!(world.server_ref(PROD), before);
        assert!(world.server_ref("refs/heads/more").is_none());
    }
    // Not executable: git would pass over such a hook, but not over such a program.
    write_program(&lock, &whole);
    fs::set_permissions(&lock, fs::Permissions::from_mode(0o644)).unwrap();
    dana.pushes(&["prod"]).refused();
    fs::set_permissions(&lock, fs::Permissions::from_mode(0o755)).unwrap();
    dana.pushes(&["prod"]).accepted();
}

#[test]
fn the_lock_loads_nothing_that_reads_signatures() {
    let loads = |program: &str| {
        let listed = run(std::process::Command::new("ldd").arg(program)).text();
        assert!(listed.contains("libc.so"), "{listed}");
        listed.contains("gpgme")
    };
    assert!(loads(GATE));
    assert!(!loads(LOCK));
}

#[test]
fn h_15_without_a_gate_of_this_version_relhook_itself_is_the_gate() {
    let world = World::new();
    let folder = with_its_own_programs(&world, "bin");
    let gate = folder.join("relhook-gate");
    write_program(&gate, "#!/bin/sh\necho relhook 0.0.1\n");
    let mut init = world.server_command(folder.join("relhook").to_str().unwrap());
    let said = run(init.arg("--git-dir").arg(world.server()).arg("init")).text();
    assert!(said.contains("done  hook pre-receive"), "{said}");
    assert_eq!(first_line(&world, "pre-receive"), "#!/bin/sh");
    world.person("dana").commits("x");
    world.person("dana").pushes(&["prod"]).refused_with("RH401");
}

#[test]
fn a_path_that_the_kernel_would_not_read_whole_is_left_to_the_shell() {
    for folder in ["my programs", &"x".repeat(120)] {
        let world = World::new();
        with_its_own_programs(&world, folder);
        assert_eq!(first_line(&world, "pre-receive"), "#!/bin/sh");
        let hook = fs::read_to_string(world.server().join("hooks/pre-receive")).unwrap();
        assert!(hook.contains("/relhook-gate'"), "{hook}");
        assert_eq!(first_line(&world, "reference-transaction"), "#!/bin/sh");
        let dana = world.person("dana");
        dana.commits("x");
        dana.pushes(&["prod"]).refused_with("RH401");
        dana.pushes(&["HEAD:refs/heads/fix"]).accepted();
    }
}

#[test]
fn what_hands_the_hook_to_a_shell_comes_to_the_same_verdict() {
    let world = World::new();
    let dana = world.person("dana");
    let fix = dana.commits("x");
    dana.offers("fix");
    let line = format!("{} {fix} {PROD}\n", world.server_ref(PROD).unwrap());
    let mut shell = world.server_command("sh");
    shell.current_dir(world.server()).arg("hooks/pre-receive");
    let ran = run_with(&mut shell, line.as_bytes());
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("RH401"), "{}", ran.err);
}

#[test]
fn the_lock_answers_a_shell_and_the_kernel_alike_in_every_phase() {
    let world = World::new();
    let dana = world.person("dana");
    let fix = dana.commits("x");
    dana.offers("fix");
    let line = format!("{} {fix} {PROD}\n", world.server_ref(PROD).unwrap());
    let hook = world.server().join("hooks/reference-transaction");
    let hook = hook.to_str().unwrap();
    for (program, before) in [("sh", Some(hook)), (hook, None)] {
        for (phase, code) in [
            ("prepared", 1),
            ("preparing", 0),
            ("committed", 0),
            ("aborted", 0),
        ] {
            let mut asked = world.server_command(program);
            asked.current_dir(world.server()).args(before).arg(phase);
            let ran = run_with(&mut asked, line.as_bytes());
            assert_eq!(ran.code, code, "{program} {phase}: {}", ran.err);
            assert_eq!(ran.err.contains("RH"), code == 1, "{}", ran.err);
        }
    }
}

#[test]
fn s_22_nothing_that_the_gate_starts_sees_a_password_or_a_debug_file() {
    let world = World::new();
    let trace = world.path("trace");
    let mut hook = world.server_command(&format!("{}/hooks/pre-receive", world.server().display()));
    hook.current_dir(world.server())
        .env("HTTP_AUTHORIZATION", "Basic it-is-secret")
        .env("GPGME_DEBUG", format!("9:{}", trace.display()))
        .env("REMOTE_USER", "dana")
        .stdin(Stdio::piped())
        .stderr(Stdio::null());
    let mut waits = hook.spawn().unwrap();
    // It waits for its input, with an environment that whatever it starts gets from it.
    let environment = format!("/proc/{}/environ", waits.id());
    let since = Instant::now();
    loop {
        let seen = String::from_utf8_lossy(&fs::read(&environment).unwrap()).into_owned();
        if seen.contains("REMOTE_USER=dana")
            && !seen.contains("it-is-secret")
            && !seen.contains("GPGME_DEBUG")
        {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{seen}");
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(waits.stdin.take());
    assert_eq!(waits.wait().unwrap().code(), Some(1), "no input is refused");
    assert!(!trace.exists());
}

#[test]
fn n_the_server_fails_closed_when_its_folder_is_gone_or_open_to_others() {
    let world = World::new();
    let dana = world.person("dana");
    dana.commits("x");
    let folder = world.server().join("relhook");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    dana.pushes(&["prod"]).refused_with("RH741");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    fs::rename(&folder, world.path("away")).unwrap();
    dana.pushes(&["prod"]).refused_with("RH9");
    dana.pushes(&["HEAD:refs/heads/fix"]).refused_with("RH9");
}
