//! The head of the log is damaged or cannot be read: that is an error, and never an empty log.

use super::Site;
use crate::common::{RELHOOK, Ran, World, command, run};
use relhook::audit::AuditError;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Nothing is appended, nothing verifies, nothing begins.
fn is_refused(site: &Site, what: &str) {
    for words in [
        &["heartbeat"][..],
        &["verify"],
        &["checkpoint"],
        &["prove", "1"],
    ] {
        let ran = site.audit(words);
        assert!(
            [3, 4].contains(&ran.code),
            "{what}, {words:?}: {}",
            ran.code
        );
    }
    let begun = site.log().begin("acme/site", super::time(9));
    assert!(
        matches!(begun, Err(AuditError::Begun { .. })),
        "{what}: {begun:?}"
    );
}

#[test]
fn l_11_a_damaged_head_is_an_error() {
    let site = Site::of(300);
    let head = site.log().file();
    let whole = fs::read_to_string(&head).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let last = lines.last().unwrap();
    let key = site.folder().join("audit/log-key");
    for (what, damaged) in [
        ("nothing", String::new()),
        ("a cut line", lines[0][..90].to_owned()),
        ("a line break", "\n".to_owned()),
        ("no JSON", "no JSON\n".to_owned()),
        ("zeros", format!("{whole}{}\n", "\0".repeat(400))),
        ("another's first line", {
            let other = Site::of(1);
            fs::read_to_string(other.log().file()).unwrap()
        }),
        (
            "a changed root",
            whole.replace("acme/site\\n300\\n", "acme/site\\n300\\nA"),
        ),
        ("one entry twice", format!("{whole}{last}\n")),
    ] {
        fs::write(&head, &damaged).unwrap();
        // The last line alone is looked at by an append; that it is there twice, verifying tells.
        match what {
            "one entry twice" => assert_eq!(site.audit(&["verify"]).code, 4),
            _ => is_refused(&site, what),
        }
        assert_eq!(fs::read_to_string(&head).unwrap(), damaged, "{what}");
    }
    fs::remove_file(&head).unwrap();
    is_refused_without_head(&site);
    fs::create_dir(&head).unwrap();
    is_refused(&site, "a folder");
    fs::remove_dir(&head).unwrap();
    std::os::unix::fs::symlink("/nonexistent", &head).unwrap();
    is_refused(&site, "a dead link");
    fs::remove_file(&head).unwrap();
    fs::write(&head, whole).unwrap();
    fs::set_permissions(&head, fs::Permissions::from_mode(0o600)).unwrap();
    let kept = fs::read(&key).unwrap();
    fs::write(&key, "").unwrap();
    is_refused(&site, "no key in its file");
    fs::write(&key, kept).unwrap();
    site.audit(&["verify"]).assert_ok();
}

/// The tiles alone say that there was a log.
fn is_refused_without_head(site: &Site) {
    is_refused(site, "no head");
    assert!(!site.log().file().exists());
}

#[test]
fn l_11_a_head_that_the_system_does_not_give_is_an_error() {
    let site = Site::of(300);
    let head = site.log().file();
    let whole = fs::read(&head).unwrap();
    for (call, error) in [
        ("openat", "EACCES"),
        ("openat", "EIO"),
        ("openat", "EMFILE"),
        ("pread64", "EIO"),
        ("statx", "EIO"),
    ] {
        let ran = with_head_failing(&site, call, error);
        assert!([3, 4].contains(&ran.code), "{call} {error}: {}", ran.code);
        assert_eq!(fs::read(&head).unwrap(), whole, "{call} {error}");
    }
    // To be asked whether there is a log, and to get no answer, is no answer that there is none.
    for name in ["head/journal", "tile"] {
        let refused = AsOther::new(&site, name);
        assert!(refused.is_error(), "{name}");
    }
}

/// `relhook audit heartbeat`, for which this call fails where it is of the head.
fn with_head_failing(site: &Site, call: &str, error: &str) -> Ran {
    let to = site.path().join("trace");
    let mut strace = command("strace", site.path());
    strace.arg("-P").arg(site.log().file());
    strace.args(["-e", &format!("inject={call}:error={error}"), "-o"]);
    strace.arg(&to).arg(RELHOOK).arg("--git-dir");
    let ran = run(strace.arg(site.repository()).args(["audit", "heartbeat"]));
    let trace = fs::read_to_string(&to).unwrap();
    assert!(trace.contains("(INJECTED)"), "{trace}");
    ran
}

/// The log, a part of which the account that runs relhook cannot read.
struct AsOther {
    ran: Vec<Ran>,
}

impl AsOther {
    fn new(site: &Site, name: &str) -> Self {
        let site = site.copy();
        let root = rustix::process::geteuid().is_root();
        if root {
            fs::set_permissions(site.path(), Permissions::from_mode(0o755)).unwrap();
            run(command("chown", site.path())
                .args(["-R", "61000:61000"])
                .arg(site.repository()))
            .assert_ok();
        }
        let closed = site.folder().join("audit").join(name);
        fs::set_permissions(&closed, Permissions::from_mode(0o000)).unwrap();
        let before = [
            "setpriv",
            "--reuid=61000",
            "--regid=61000",
            "--clear-groups",
        ];
        let ran = ["heartbeat", "verify", "checkpoint"].map(|word| {
            let mut relhook = match root {
                true => {
                    let mut behind = command(before[0], site.path());
                    behind.args(&before[1..]).arg(RELHOOK);
                    behind
                }
                false => command(RELHOOK, site.path()),
            };
            relhook.arg("--git-dir").arg(site.repository());
            run(relhook.args(["audit", word]))
        });
        fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
        Self { ran: ran.to_vec() }
    }

    fn is_error(&self) -> bool {
        self.ran
            .iter()
            .any(|ran| ran.err.contains("denied") || ran.code == 4)
            && self.ran.iter().all(|ran| ran.code == 3 || ran.code == 4)
    }
}

#[test]
fn l_11_init_begins_no_log_where_one_was() {
    let world = World::new();
    let head = world.log_head();
    let whole = fs::read(&head).unwrap();
    let dana = world.person("dana");
    dana.commits("index.html");
    let refused = || dana.pushes(&["HEAD:refs/heads/fix"]).refused_with("RH702");
    let finished = world.server().join("relhook/installed");
    let mark = fs::read(&finished).unwrap();
    for damaged in [&b""[..], &whole[..90]] {
        fs::write(&head, damaged).unwrap();
        // As if it had not come to its end the first time.
        fs::remove_file(&finished).unwrap();
        assert_ne!(world.init(&[]).code, 0);
        fs::write(&finished, &mark).unwrap();
        refused();
        assert_eq!(fs::read(&head).unwrap(), damaged);
    }
    fs::write(&head, &whole).unwrap();
    move_away(&head, || {
        world.init(&[]);
        refused();
    });
    world.init(&[]).assert_ok();
    assert!(fs::read(&head).unwrap().starts_with(&whole));
}

fn move_away(path: &Path, meanwhile: impl FnOnce()) {
    let aside = path.with_extension("aside");
    fs::rename(path, &aside).unwrap();
    meanwhile();
    assert!(!path.exists(), "a new one was begun");
    fs::rename(aside, path).unwrap();
}
