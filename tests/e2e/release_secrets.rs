//! Credentials stay where they are: what every program of a release is started with is written down
//! by strace, and everything that relhook says or keeps is read.

use crate::common::sftpd::Sftpd;
use crate::common::svnserve::{PASSWORD, Svnserve, USER};
use crate::common::webhost::WebHost;
use crate::common::{PolicyText, RELHOOK, Ran, World, run, write_program};
use crate::hosting::sshd::account;
use crate::release_kit::tree;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What opens the key of the SFTP account.
const PASSPHRASE: &str = "open-sesame-battery";

/// What the program of one's own gets.
const OWN: &str = "one-of-its-own-battery";

/// What stands in every secret here, right or wrong, but in those of keys.
const MARK: &str = "battery";

fn credentials(world: &World, target: &str, lines: &str) {
    let folder = world.server().join("relhook/credentials");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join(target);
    fs::write(&file, lines).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
}

/// A release by hand, all of whose processes are followed. What they were started with, and which
/// limits they set themselves.
fn followed(world: &World) -> (Ran, String) {
    let trace = world.path("trace");
    let mut strace = world.server_command("strace");
    strace.args([
        "-f",
        "-v",
        "-s",
        "100000",
        "-e",
        "trace=execve,prlimit64,setrlimit",
        "-o",
    ]);
    strace.arg(&trace).arg(RELHOOK).arg("--git-dir");
    let ran = run(strace.arg(world.server()).arg("release"));
    (ran, fs::read_to_string(trace).unwrap())
}

/// Everything that was said and written, without the credentials themselves.
fn everything(world: &World, ran: &Ran, trace: &str) -> Vec<(String, String)> {
    let mut all = vec![
        (
            "standard output".into(),
            String::from_utf8_lossy(&ran.out).into_owned(),
        ),
        ("standard error".into(), ran.err.clone()),
        ("what was started".into(), trace.to_owned()),
    ];
    let kept = tree(&world.server().join("relhook"));
    all.extend(
        kept.into_iter()
            .filter(|(name, _)| !name.starts_with("credentials/")),
    );
    let status = world.relhook(&["release", "status", "--json"]);
    all.push((
        "the status".into(),
        String::from_utf8_lossy(&status.out).into_owned(),
    ));
    all
}

/// The first line of a key's own letters.
fn letters(key: &Path) -> String {
    let text = fs::read_to_string(key).unwrap();
    text.lines().nth(2).unwrap().to_owned()
}

/// Where the releases go.
struct Places {
    svn: Svnserve,
    host: WebHost,
    sftpd: Sftpd,
}

/// A repository that releases `prod` to all of them, and through the program `deploy`.
fn releasing(places: &Places) -> World {
    let Places { svn, host, sftpd } = places;
    let world = World::without_relhook();
    let program = world.path("deploy");
    let mut policy = PolicyText::usual().prod("release: [code, files, own, sync]");
    policy.yaml += &format!(
        "targets:\n  code:\n    kind: svn\n    url: svn://127.0.0.1/www\n    port: {}\n    tls: none\n  \
         files:\n    kind: sftp\n    host: 127.0.0.1\n    port: {}\n    path: {}\n    host_keys: ['{}']\n  \
         own:\n    kind: command\n    program: {}\n  \
         sync:\n    kind: rsync\n    host: 127.0.0.1\n    port: {}\n    path: {}\n    host_keys: ['{}']\n",
        svn.port,
        sftpd.port,
        sftpd.site().display(),
        sftpd.host_key(),
        program.display(),
        host.port,
        host.site().display(),
        host.login("host").host_keys[0],
    );
    world.write_policy(&policy);
    world
        .init(&["--policy", "policy.yaml", "--keys", "keys"])
        .assert_ok();
    world
}

/// Before anything else is started, a core file of relhook's or of what it starts has no room.
#[track_caller]
fn has_no_room_for_core_files(trace: &str) {
    let limits = trace
        .lines()
        .position(|line| line.contains("RLIMIT_CORE, {rlim_cur=0") && !line.contains("= -1"));
    let second = trace
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains("execve("))
        .nth(1);
    assert!(limits.unwrap() < second.unwrap().0, "{trace}");
}

#[test]
fn u_12_no_credential_is_in_an_argument_a_variable_a_log_an_error_or_a_core_file() {
    let (svn, host) = (Svnserve::start(), WebHost::start());
    let sftpd = Sftpd::start();
    let locked = sftpd.make_key("locked", &["-t", "ed25519", "-N", PASSPHRASE]);
    sftpd.let_in("locked");
    let places = Places { svn, host, sftpd };
    let world = releasing(&places);
    let program = world.path("deploy");
    let Places { svn, host, sftpd } = &places;
    let key =
        |path: &Path, more: &str| format!("user={}\nkey={}\n{more}", account(), path.display());
    let keep = |word: &str, own: &str, svn: &str, login: &str| {
        let passphrase = format!("passphrase={word}\n");
        credentials(&world, "code", &format!("user={USER}\npassword={svn}\n"));
        credentials(&world, "files", &key(&locked, &passphrase));
        credentials(&world, "sync", &key(&host.home().join(login), ""));
        credentials(&world, "own", &format!("password={own}\n"));
    };
    // Wrong ones first, so that whatever says so has them at hand.
    let wrong = format!("wrong-{MARK}");
    keep(&wrong, &wrong, &wrong, "other");
    write_program(&program, "#!/bin/sh\ncat >\"$0.got\"\nexit 3\n");
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
    rita.approves(&fix).accepted();
    dana.pushes(&["prod"]).accepted();
    let keys = [
        &locked,
        &host.home().join("other"),
        &host.home().join("key"),
    ]
    .map(|key| letters(key));
    let clean = |ran: &Ran, trace: &str| {
        for (what, text) in everything(&world, ran, trace) {
            assert!(!text.contains(MARK), "{what}: {text}");
            for letters in &keys {
                assert!(!text.contains(letters), "{what}");
            }
        }
    };
    let (ran, trace) = followed(&world);
    assert_eq!(ran.code, 1, "{ran:?}");
    let said = String::from_utf8_lossy(&ran.out).into_owned();
    for code in ["RH613", "RH610", "RH634"] {
        assert!(said.contains(code), "{code} is not in {said}");
    }
    clean(&ran, &trace);

    keep(PASSPHRASE, OWN, PASSWORD, "key");
    write_program(&program, "#!/bin/sh\ncat >\"$0.got\"\necho done\n");
    let (ran, trace) = followed(&world);
    assert_eq!(ran.code, 0, "{ran:?}");
    clean(&ran, &trace);
    // All of them had what they needed, so it was there to be found.
    let got = fs::read_to_string(world.path("deploy.got")).unwrap();
    assert_eq!(got, format!("password={OWN}\n"));
    for site in [svn.export(), sftpd.site(), host.site()] {
        assert!(site.join("index.html").exists(), "{}", site.display());
    }
    for started in [
        "/svn\"",
        "/svnmucc\"",
        "/rsync\"",
        "/relhook\"",
        "/deploy\"",
    ] {
        assert!(trace.contains(started), "{started} is not in {trace}");
    }
    has_no_room_for_core_files(&trace);
}
