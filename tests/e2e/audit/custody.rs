//! Who may read the log, what is written down of that, and what can be deleted from it: with real
//! accounts of the machine.

use super::{Site, time};
use crate::common::{PolicyText, RELHOOK, Ran, World, command, run};
use relhook::audit::{Event, HeartbeatRecord};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// The machine's lists of accounts are changed by one program at a time.
static CHANGING: Mutex<()> = Mutex::new(());
static COUNT: AtomicU32 = AtomicU32::new(0);

/// Accounts and two groups of this machine, for one test; gone afterwards.
struct Accounts {
    tag: String,
}

impl Accounts {
    /// Nothing where this is not root, who alone can make accounts.
    fn make() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: accounts can be made by root only");
            return None;
        }
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let tag = format!("rh{}x{number}", std::process::id() % 100_000);
        let accounts = Self { tag };
        let _one_at_a_time = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
        let group = |name: &str| as_root("groupadd", &[&accounts.name(name)]);
        ["audit", "other"].into_iter().for_each(group);
        for (user, groups) in [("git", "audit"), ("member", "audit"), ("stranger", "other")] {
            let groups = accounts.name(groups);
            let name = accounts.name(user);
            as_root("useradd", &["-M", "-G", &groups, "-s", "/bin/sh", &name]);
        }
        Some(accounts)
    }

    fn name(&self, which: &str) -> String {
        format!("{}{which}", self.tag)
    }

    /// A program as this account, with all its groups.
    fn command(&self, who: &str, program: &str, home: &Path) -> Command {
        let mut behind = command("setpriv", home);
        let name = self.name(who);
        behind.args([
            "--reuid",
            &name,
            "--regid",
            &name,
            "--init-groups",
            "--",
            program,
        ]);
        behind
    }

    fn relhook(&self, who: &str, site: &Site, words: &[&str]) -> Ran {
        let mut relhook = self.command(who, RELHOOK, &site.path().join(who));
        relhook.arg("--git-dir").arg(site.repository()).args(words);
        run(&mut relhook)
    }
}

impl Drop for Accounts {
    fn drop(&mut self) {
        let _one_at_a_time = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
        for user in ["git", "member", "stranger"] {
            run(command("userdel", Path::new("/")).arg(self.name(user)));
        }
        for group in ["audit", "other"] {
            run(command("groupdel", Path::new("/")).arg(self.name(group)));
        }
    }
}

#[track_caller]
fn as_root(program: &str, args: &[&str]) {
    run(command(program, Path::new("/")).args(args)).assert_ok();
}

/// A repository under the rule that belongs to the account `git`, whose audit group is `audit`.
fn shared(accounts: &Accounts, policy: &PolicyText) -> Site {
    let site = Site::without_log();
    std::fs::remove_dir(site.folder()).unwrap();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(site.path(), open).unwrap();
    std::fs::create_dir(site.path().join("keys")).unwrap();
    policy.write(site.path());
    for who in ["git", "member", "stranger"] {
        let home = site.path().join(who);
        std::fs::create_dir(&home).unwrap();
        // What git asks of everybody who reads another account's repository.
        std::fs::write(home.join(".gitconfig"), "[safe]\n\tdirectory = *\n").unwrap();
        let name = accounts.name(who);
        as_root(
            "chown",
            &["-R", &format!("{name}:{name}"), home.to_str().unwrap()],
        );
    }
    let git = accounts.name("git");
    let whole = site.repository();
    as_root(
        "chown",
        &["-R", &format!("{git}:{git}"), whole.to_str().unwrap()],
    );
    let (yaml, keys) = (site.path().join("policy.yaml"), site.path().join("keys"));
    let group = accounts.name("audit");
    let words = [
        "init",
        "--policy",
        yaml.to_str().unwrap(),
        "--keys",
        keys.to_str().unwrap(),
        "--audit-group",
        &group,
    ];
    accounts.relhook("git", &site, &words).assert_ok();
    site
}

/// Both outputs, however their lines are broken.
fn said(ran: &Ran) -> String {
    let text = String::from_utf8_lossy(&ran.out).into_owned() + &ran.err;
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn l_09_a_member_of_the_audit_group_reads_and_nobody_else() {
    let Some(accounts) = Accounts::make() else {
        return;
    };
    let site = shared(&accounts, &PolicyText::usual());
    let git = |words: &[&str]| accounts.relhook("git", &site, words);
    let member = |words: &[&str]| accounts.relhook("member", &site, words);
    // Beyond a tile and into the next, in the account's own process.
    for _ in 0..300 {
        git(&["audit", "heartbeat"]).assert_ok();
    }
    git(&["audit", "checkpoint"]).assert_ok();
    everything_is_as_it_has_to_be(&accounts, &site);
    for words in [
        &["audit", "log", "-n", "0", "--json"][..],
        &["audit", "verify"],
        &["audit", "prove", "290"],
        &["audit", "key"],
        &["report"],
    ] {
        let ran = member(words);
        ran.assert_ok();
        assert!(!ran.out.is_empty(), "{words:?}");
        let stranger = accounts.relhook("stranger", &site, words);
        assert_ne!(stranger.code, 0, "{words:?}");
        assert!(stranger.out.is_empty(), "{words:?}");
    }
    assert_eq!(
        said(&member(&["audit", "key"])),
        said(&git(&["audit", "key"]))
    );
    // Who only reads writes nothing, and stops nobody.
    for words in [
        &["audit", "heartbeat"][..],
        &["audit", "redact", "2", "--reason", "x"],
        &["audit", "checkpoint"],
    ] {
        assert_ne!(member(words).code, 0, "{words:?}");
    }
    for private in ["log-key", "lock", "publish.lock"] {
        let path = site.folder().join("audit").join(private);
        let mut cat = accounts.command("member", "cat", site.path());
        assert_ne!(run(cat.arg(path)).code, 0, "{private}");
    }
    everything_is_as_it_has_to_be(&accounts, &site);
    git(&["audit", "heartbeat"]).assert_ok();
}

/// Owner, group and mode of everything in the log.
#[track_caller]
fn everything_is_as_it_has_to_be(accounts: &Accounts, site: &Site) {
    let id = |kind: &str, name: &str| -> u32 {
        let entry = run(command("getent", Path::new("/")).args([kind, &accounts.name(name)]));
        entry.text().split(':').nth(2).unwrap().parse().unwrap()
    };
    let (git, audit) = (id("passwd", "git"), id("group", "audit"));
    let mut folders = vec![site.folder().join("audit")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for one in std::fs::read_dir(&folder).unwrap() {
            let path = one.unwrap().path();
            let meta = std::fs::metadata(&path).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap();
            let private = name == "log-key" || name.ends_with("lock");
            assert_eq!(meta.uid(), git, "{path:?}");
            let mode = meta.mode() & 0o7777;
            if meta.is_dir() {
                assert_eq!((mode, meta.gid()), (0o750, audit), "{path:?}");
                folders.push(path);
            } else if private {
                assert_eq!(mode, 0o600, "{path:?}");
            } else {
                assert_eq!((mode, meta.gid()), (0o640, audit), "{path:?}");
                files += 1;
            }
        }
    }
    assert!(files > 5, "{files}");
    let top = std::fs::metadata(site.folder()).unwrap();
    assert_eq!((top.mode() & 0o7777, top.gid()), (0o750, audit));
}

#[test]
fn l_09_a_log_that_others_can_read_is_not_gone_on_with() {
    let Some(accounts) = Accounts::make() else {
        return;
    };
    let site = shared(&accounts, &PolicyText::usual());
    let heartbeat = || accounts.relhook("git", &site, &["audit", "heartbeat"]);
    let doctor = || said(&accounts.relhook("git", &site, &["doctor"]));
    heartbeat().assert_ok();
    let head = site.folder().join("audit/head/journal");
    let head = head.to_str().unwrap();
    let folder = site.folder();
    let folder = folder.to_str().unwrap();
    let (other, audit, git) = (
        accounts.name("other"),
        accounts.name("audit"),
        accounts.name("git"),
    );
    for (change, by) in [
        (["chmod", "0644", head], "everybody can get at it"),
        (["chmod", "0660", head], "a group can write it"),
        (["chgrp", &other, head], "and may not"),
        (
            ["chmod", "0755", folder],
            "must be a directory of this account alone",
        ),
        (["chgrp", &other, folder], "only the group"),
    ] {
        as_root(change[0], &change[1..]);
        let refused = heartbeat();
        assert_ne!(refused.code, 0, "{change:?}");
        assert!(
            said(&refused).contains(by),
            "{change:?}: {}",
            said(&refused)
        );
        assert!(doctor().contains(by), "{change:?}: {}", doctor());
        // What the message names puts it right: where root gave it away, root has to give it back.
        if change[0] == "chgrp" {
            as_root("chgrp", &[&audit, change[2]]);
        }
        accounts.relhook("git", &site, &["init"]).assert_ok();
        heartbeat().assert_ok();
        assert!(!doctor().contains(by), "{change:?}: {}", doctor());
    }
    as_root("chown", &[&accounts.name("stranger"), head]);
    assert_ne!(heartbeat().code, 0, "another account's head");
    as_root("chown", &[&git, head]);
    heartbeat().assert_ok();
    // Without the group again: what was open is closed.
    let closed = accounts.relhook("git", &site, &["init", "--audit-group", "none"]);
    closed.assert_ok();
    assert_ne!(accounts.relhook("member", &site, &["audit", "log"]).code, 0);
    heartbeat().assert_ok();
    let unknown = accounts.relhook("git", &site, &["init", "--audit-group", "nosuchgroup"]);
    assert!(
        said(&unknown).contains("there is no such group"),
        "{}",
        said(&unknown)
    );
    let foreign = accounts.relhook("git", &site, &["init", "--audit-group", &other]);
    assert!(said(&foreign).contains("usermod -aG"), "{}", said(&foreign));
    heartbeat().assert_ok();
}

fn reading() -> PolicyText {
    let mut policy = PolicyText::usual();
    policy.yaml += "audit:\n  log_reads: true\n";
    policy
}

#[test]
fn reading_the_log_is_an_entry_of_it() {
    let world = World::with(&reading());
    // The last entry but the one of the look itself is not shown yet by that look.
    let before = world.log().len();
    assert!(before > 1);
    for (words, command) in [
        (&["audit", "verify"][..], "audit verify"),
        (&["audit", "prove", "1"], "audit prove"),
        (&["report"], "report"),
        (&["audit", "log", "-n", "3"], "audit log"),
    ] {
        world.relhook(words).assert_ok();
        let shown = world.relhook(&["audit", "log", "-n", "1", "--json"]).text();
        let entry: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(entry["kind"], "read", "{words:?}: {shown}");
        assert_eq!(entry["command"], command);
        assert!(entry["last"].as_u64().unwrap() >= 1, "{shown}");
        assert!(!entry["by"].as_str().unwrap().is_empty(), "{shown}");
    }
    // Who it was is not in the entry itself.
    let receipt = world
        .relhook(&["audit", "prove", &(before + 1).to_string()])
        .text();
    let entry = receipt
        .lines()
        .find_map(|line| line.strip_prefix("extra "))
        .unwrap()
        .to_owned();
    let decoded =
        run(command("sh", world.root()).args(["-c", &format!("echo {entry} | base64 -d")]));
    let decoded = decoded.text();
    assert!(decoded.contains("\"kind\":\"read\""), "{decoded}");
    assert!(!decoded.contains("\"by\""), "{decoded}");
    world.relhook(&["audit", "verify"]).assert_ok();
}

/// A server whose one target cannot be reached, and what it was to hold was tried.
fn failing(policy: PolicyText) -> World {
    let nowhere = "targets:\n  site:\n    kind: dir\n    path: /proc/nowhere/out\n";
    let mut policy = policy.prod("release: [site]");
    policy.yaml += nowhere;
    let world = World::with(&policy);
    let dana = world.person("dana");
    let commit = dana.commits("fix");
    dana.offers("dana/fix");
    world.person("rita").approves(&commit).accepted();
    dana.pushes(&["prod"]).accepted();
    let ran = world.relhook(&["release", "--target", "site"]);
    assert_eq!(ran.code, 1, "{}", said(&ran));
    world
}

/// The reads that the log has, without those of this look.
fn reads(world: &World) -> Vec<serde_json::Value> {
    let log = world.log();
    let reads = log.into_iter().filter(|entry| entry["kind"] == "read");
    reads
        .filter(|read| read["command"] != "audit log")
        .collect()
}

#[test]
fn what_others_show_of_it_is_a_read_too() {
    let world = failing(reading());
    for (words, command) in [
        (&["release", "log"][..], "release log"),
        (&["release", "log", "--json"], "release log"),
        (&["release", "status"], "release status"),
        (
            &["release", "status", "--watch", "--until-done"],
            "release status",
        ),
        (&["status"], "status"),
        (&["doctor"], "doctor"),
    ] {
        let before = reads(&world).len();
        let said = said(&world.relhook(words));
        assert!(said.contains("RH620"), "{words:?}: {said}");
        let after = reads(&world);
        assert_eq!(after.len(), before + 1, "{words:?}");
        assert_eq!(after[before]["command"], command);
    }
    let logged = reads(&world);
    assert!(logged[0]["first"].as_u64() >= Some(1), "{}", logged[0]);
    assert!(logged[0]["last"].as_u64() > logged[0]["first"].as_u64());
    // What shows nothing of what is kept beside entries is none.
    let before = logged.len();
    for words in [
        &["release", "list"][..],
        &["release", "key"],
        &["audit", "key"],
        &["audit", "checkpoint"],
        &["audit", "stream", "--once"],
    ] {
        world.relhook(words).assert_ok();
    }
    assert_eq!(reads(&world).len(), before);
    world.relhook(&["audit", "verify"]).assert_ok();
}

#[test]
fn nothing_is_a_read_where_the_policy_does_not_say_so() {
    let world = failing(PolicyText::usual());
    for words in [&["release", "log"][..], &["release", "status"], &["status"]] {
        let said = said(&world.relhook(words));
        assert!(said.contains("/proc/nowhere/out"), "{words:?}: {said}");
    }
    assert!(reads(&world).is_empty());
}

#[test]
fn on_a_full_disk_the_rest_is_said() {
    let world = failing(reading());
    let full = "ulimit -f 0; trap '' XFSZ; exec \"$@\"";
    let on_full = |words: &[&str]| {
        let mut shell = world.server_command("sh");
        shell.args(["-c", full, "sh", RELHOOK, "--git-dir"]);
        run(shell.arg(world.server()).args(words))
    };
    let flat = |ran: &Ran| said(ran).split_whitespace().collect::<Vec<_>>().join(" ");
    let error = "cannot be used: No such file";
    for (words, rest) in [
        (&["release", "status"][..], "stopped"),
        (&["doctor"], "did not get to `site`"),
    ] {
        let shown = flat(&on_full(words));
        assert!(shown.contains("not shown: RH742"), "{words:?}: {shown}");
        assert!(shown.contains(rest), "{words:?}: {shown}");
        assert!(!shown.contains(error), "{words:?}: {shown}");
        let shown = flat(&world.relhook(words));
        assert!(shown.contains(error), "{words:?}: {shown}");
    }
    let refused = on_full(&["release", "log"]);
    assert_eq!(refused.code, 1, "{}", said(&refused));
    assert!(refused.out.is_empty(), "{}", said(&refused));
    assert!(refused.err.contains("RH742"), "{}", refused.err);
}

#[test]
fn what_cannot_be_recorded_is_not_shown() {
    let Some(accounts) = Accounts::make() else {
        return;
    };
    let site = shared(&accounts, &reading());
    for words in [&["audit", "log"][..], &["audit", "verify"], &["report"]] {
        let member = accounts.relhook("member", &site, words);
        assert_eq!(member.code, 1, "{words:?}");
        assert!(member.out.is_empty(), "{words:?}");
        assert!(member.err.contains("RH742"), "{}", member.err);
        accounts.relhook("git", &site, words).assert_ok();
    }
    // What is shown of the log where nobody can write to it is nothing.
    let full = "ulimit -f 0; trap '' XFSZ; exec \"$@\"";
    let mut shell = accounts.command("git", "sh", &site.path().join("git"));
    shell.args(["-c", full, "sh", RELHOOK, "--git-dir"]);
    let refused = run(shell.arg(site.repository()).args(["audit", "log"]));
    assert_eq!(refused.code, 1, "{}", said(&refused));
    assert!(
        refused.out.is_empty() && refused.err.contains("RH742"),
        "{}",
        refused.err
    );
}

#[test]
fn l_08_evidence_is_deleted_with_what_named_it_and_everything_goes_on() {
    let world = World::new();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
    rita.approves(&fix).accepted();
    dana.pushes(&["prod"]).accepted();
    let log = world.log();
    let approval = log.iter().find(|entry| {
        let updates = entry["updates"].as_array();
        updates.is_some_and(|all| {
            all.iter().any(|one| {
                one["ref"]
                    .as_str()
                    .unwrap()
                    .starts_with("refs/relhook/statements")
            })
        })
    });
    let (approval, last) = (
        approval.unwrap()["seq"].clone(),
        log.last().unwrap()["seq"].clone(),
    );
    let redact = |seq: &serde_json::Value| {
        let words = [
            "audit",
            "redact",
            &seq.to_string(),
            "--evidence",
            "--reason",
            "asked",
        ];
        let ran = world.relhook(&words);
        ran.assert_ok();
        said(&ran)
    };
    // Both entries rest on the statement, so it goes with the second of them.
    let first = redact(&approval);
    assert!(first.contains("none is deleted"), "{first}");
    let second = redact(&last);
    assert!(second.contains("deleted evidence/"), "{second}");
    assert!(second.contains("can no longer be checked"), "{second}");
    let verified = world.relhook(&["audit", "verify"]).text();
    assert!(verified.contains("redacted evidence/"), "{verified}");
    let pack = world.path("report.tar");
    world
        .relhook(&["report", "--pack", pack.to_str().unwrap()])
        .assert_ok();
    let listed = run(command("tar", world.root()).args(["tf", pack.to_str().unwrap()])).text();
    assert!(listed.contains("evidence-redacted.txt"), "{listed}");
    world.relhook(&["report"]).assert_ok();
    // Judged again, nothing is held against anybody: it is said that it cannot be told.
    let replay = world.relhook(&["audit", "replay"]);
    let replayed = said(&replay);
    assert_eq!(replay.code, 3, "{replayed}");
    assert!(replayed.contains("was deleted on purpose"), "{replayed}");
    assert!(
        !replayed.contains("RH714") && !replayed.contains("RH711"),
        "{replayed}"
    );
    // The ledger is made again, and the next push is judged by it.
    super::loses_ledger(&world);
    let more = dana.commits("more.html");
    dana.pushes(&["+HEAD:refs/heads/fix"]).accepted();
    rita.approves(&more).accepted();
    dana.pushes(&["prod"]).accepted();
    world.relhook(&["audit", "verify"]).assert_ok();
    // A piece that somebody took away beside that is missed.
    let entry = world.log().last().unwrap().clone();
    let hash = entry["evidence"][0].as_str().unwrap().to_owned();
    std::fs::remove_file(world.server().join("relhook/audit/evidence").join(hash)).unwrap();
    assert_eq!(world.relhook(&["audit", "verify"]).code, 4);
}

#[test]
fn l_08_a_push_that_is_under_way_keeps_the_evidence_that_it_names() {
    // Whoever deletes waits for the pushes that are being judged; a ledger that is open says so.
    let site = Site::of(3);
    let log = site.log();
    let ledger = relhook::ledger::Ledger::open(&site.folder(), &log).unwrap();
    let folder = site.folder();
    let waiting = std::thread::spawn(move || relhook::ledger::alone(&folder).map(drop));
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(!waiting.is_finished());
    drop(ledger);
    waiting.join().unwrap().unwrap();
    log.append(time(9), Event::Heartbeat(HeartbeatRecord::default()))
        .unwrap();
}
