//! Pushes that are made to cost: each is refused, or goes in, within bounds that are stated here.
//!
//! Time is what the whole push takes, memory the most that any relhook process held at once, as
//! the system counts it. The bounds leave room for slow and busy machines.

use crate::common::{CommitText, POLICY, PROD, Person, RawPush, TreeText, Words, World, ZERO};
use crate::common::{run, run_with};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The most memory that relhook may hold for any of these pushes, in KiB.
const MAX_RESIDENT: u64 = 400 << 10;

/// Watches every relhook process that works in one repository.
struct Watch {
    over: Arc<AtomicBool>,
    peak: Arc<AtomicU64>,
    thread: Option<std::thread::JoinHandle<()>>,
    since: Instant,
}

impl Watch {
    fn over(world: &World) -> Self {
        let (over, peak) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let server = std::fs::canonicalize(world.server()).unwrap();
        let (stop, seen): (_, Arc<AtomicU64>) = (Arc::clone(&over), Arc::clone(&peak));
        let thread = std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                for resident in processes(&server) {
                    seen.fetch_max(resident, Ordering::Relaxed);
                }
                std::thread::sleep(Duration::from_millis(3));
            }
        });
        Self {
            over,
            peak,
            thread: Some(thread),
            since: Instant::now(),
        }
    }

    /// Does it until relhook was seen: it may be over before anybody has looked.
    fn until_seen(&self, mut act: impl FnMut()) {
        for _ in 0..50 {
            act();
            if self.peak.load(Ordering::Relaxed) > 0 {
                return;
            }
        }
    }

    /// Ends the watch: relhook was seen, and took neither more time nor more memory than allowed.
    #[track_caller]
    fn within(mut self, limit: Duration) {
        let took = self.since.elapsed();
        self.over.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
        let peak = self.peak.load(Ordering::Relaxed);
        assert!(peak > 0, "no relhook process was seen");
        assert!(peak <= MAX_RESIDENT, "{} MiB", peak >> 10);
        assert!(took <= limit, "{took:?}");
    }
}

/// The most memory that each relhook process in this repository has held so far, in KiB.
fn processes(server: &Path) -> Vec<u64> {
    let programs = [crate::common::RELHOOK, crate::common::GATE];
    let programs = programs.map(|program| std::fs::canonicalize(program).unwrap());
    let is_ours = |process: &PathBuf| {
        std::fs::read_link(process.join("exe")).is_ok_and(|exe| programs.contains(&exe))
            && std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == server)
    };
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.map(|entry| entry.path())
        .filter(is_ours)
        .filter_map(|process| std::fs::read_to_string(process.join("status")).ok())
        .filter_map(|status| {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix("VmHWM:"))?;
            line.trim().strip_suffix(" kB")?.trim().parse().ok()
        })
        .collect()
}

/// A server whose git lets everything through, so that relhook is what stops it.
fn lenient() -> World {
    let world = World::new();
    for (key, value) in [
        ("receive.fsckObjects", "false"),
        ("core.bigFileThreshold", "1m"),
    ] {
        world.server_git(&["config", key, value]).assert_ok();
    }
    world
}

#[test]
fn x_06_x_12_one_persons_statements_lock_nobody_out() {
    let world = World::new();
    let (dana, remy, dora) = (
        world.person("dana"),
        world.person("remy"),
        world.person("dora"),
    );
    let fix = dana.commits("index.html");
    dana.offers("fix");
    dora.git(&["fetch", "-q", "origin"]);
    let mut spam = Vec::new();
    for number in 0..64 {
        let mut words = Words::approve(&dora, &fix);
        words.set("Relhook-Reason", &format!("number {number}"));
        spam.push(dora.states(&words));
    }
    let refspecs: Vec<&str> = spam.iter().map(String::as_str).collect();
    dora.pushes(&refspecs).accepted();
    // No more of them: not one by one, and not many at once.
    let mut words = Words::approve(&dora, &fix);
    words.set("Relhook-Reason", "one more");
    let push = dora.pushes(&[&dora.states(&words)]);
    push.refused_with("RH334");
    push.refused_with("dora");
    // What stands can still be taken back, and everybody else goes on as ever.
    let tag = refspecs[0].split(':').next().unwrap();
    let mut words = Words::approve(&dora, &fix);
    words
        .set("Relhook-Decision", "withdraw")
        .set("Relhook-Withdraws", tag)
        .set("Relhook-Reason", "too many");
    dora.pushes(&[&dora.states(&words)]).accepted();
    remy.approves(&fix).accepted();
    dana.pushes(&["prod"]).accepted();
}

#[test]
fn x_06_more_statements_in_one_push_than_one_person_may_have() {
    let world = World::new();
    let dana = world.person("dana");
    let fix = dana.commits("index.html");
    dana.offers("fix");
    let mut spam = Vec::new();
    for number in 0..65 {
        let mut words = Words::approve(&dana, &fix);
        words.set("Relhook-Reason", &format!("number {number}"));
        spam.push(dana.states(&words));
    }
    let refspecs: Vec<&str> = spam.iter().map(String::as_str).collect();
    dana.pushes(&refspecs).refused_with("RH334");
    let stored = world.server_git(&["for-each-ref", "refs/relhook/statements"]);
    assert_eq!(stored.text(), "");
}

#[test]
fn x_05_p_11_a_hundred_thousand_refs_in_one_push() {
    let world = World::new();
    let dana = world.person("dana");
    let head = dana.commits("index.html");
    dana.offers("fix");
    let mut push = RawPush::new();
    for number in 0..100_000 {
        push = push.command(ZERO, &head, format!("refs/heads/many/{number}"));
    }
    let watch = Watch::over(&world);
    watch.until_seen(|| push.clone().send(&dana).refused_with("RH112"));
    watch.within(Duration::from_secs(60));
    let refs = world.server_git(&["for-each-ref", "refs/heads/many"]);
    assert_eq!(refs.text(), "");
}

#[test]
fn p_14_very_many_and_very_large_push_options() {
    let world = World::new();
    let dana = world.person("dana");
    let tip = dana.commits("x");
    for (count, size) in [(65, 10), (1, 1025), (2000, 30)] {
        let mut push = RawPush::new().command(ZERO, &tip, "refs/heads/fix");
        for _ in 0..count {
            push = push.option(&vec![b'x'; size]);
        }
        push.send(&dana).refused_with("RH118");
    }
    // Past what a program can be started with, the hook does not start, and git refuses.
    let mut push = RawPush::new().command(ZERO, &tip, "refs/heads/fix");
    for _ in 0..40 {
        push = push.option(&vec![b'x'; 60_000]);
    }
    push.send(&dana).refused();
    assert_eq!(world.server_ref("refs/heads/fix"), None);
}

/// A commit with this tree on top of `prod`, signed by Dana.
fn with_tree(dana: &Person<'_>, tree: &str) -> String {
    let fix = dana.commits("seed");
    let mut text = CommitText::of(dana, &fix);
    text.headers[0] = format!("tree {tree}\n");
    dana.writes_signed_commit(&text)
}

/// Pushes exactly these objects to `prod`, where relhook has to refuse them within the bounds.
#[track_caller]
fn refused_within(dana: &Person<'_>, tip: &str, objects: &[&str], limit: Duration) -> String {
    let world = dana.world;
    let before = world.server_ref(PROD).unwrap();
    let all: Vec<&str> = objects.iter().copied().chain([tip]).collect();
    let push = RawPush::new().packing(&all).command(&before, tip, PROD);
    let watch = Watch::over(world);
    let mut said = String::new();
    watch.until_seen(|| {
        let push = push.clone().send(dana);
        push.refused_with("RH");
        said = push.said;
    });
    watch.within(limit);
    assert_eq!(world.server_ref(PROD), Some(before));
    said
}

#[test]
fn x_01_q_16_a_tree_bomb() {
    let world = lenient();
    let dana = world.person("dana");
    let blob = dana.writes_object("blob", b"boom");
    let mut objects = vec![blob.clone()];
    let mut below = blob;
    for level in 0..10 {
        let mode = if level == 0 { "100644" } else { "40000" };
        let mut tree = TreeText::default();
        for number in 0..10 {
            tree = tree.entry(mode, format!("f{number}").as_bytes(), &below);
        }
        below = tree.write(&dana);
        objects.push(below.clone());
    }
    let tip = with_tree(&dana, &below);
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    let said = refused_within(&dana, &tip, &objects, Duration::from_secs(60));
    assert!(said.contains("RH112"), "{said}");
}

#[test]
fn x_02_a_tree_of_ten_thousand_levels() {
    let world = lenient();
    let dana = world.person("dana");
    // Written as one pack by git itself: a process for each of so many objects would take minutes.
    let blob = dana.writes_object("blob", b"deep");
    let tree = TreeText::default()
        .entry("100644", b"f", &blob)
        .write(&dana);
    let trees = nested(&dana, &tree, 10_000);
    let tip = with_tree(&dana, trees.last().unwrap());
    let mut objects: Vec<&str> = trees.iter().map(String::as_str).collect();
    objects.extend([blob.as_str(), tree.as_str()]);
    // git itself may refuse such a tree before the hook: both are asked.
    let before = world.server_ref(PROD).unwrap();
    let all: Vec<&str> = objects.iter().copied().chain([tip.as_str()]).collect();
    let push = RawPush::new().packing(&all).command(&before, &tip, PROD);
    push.send(&dana).refused();
    // Past git: the objects are there already, on a ref of the server's administrator.
    let copy = dana.clone_dir().join(".git/objects");
    let server = world.server().join("objects");
    run(world
        .server_command("cp")
        .args(["-rn", "--"])
        .arg(copy.join("."))
        .arg(&server))
    .assert_ok();
    let line = format!("{before} {tip} {PROD}\n");
    let hook = format!("{}/hooks/pre-receive", world.server().display());
    let watch = Watch::over(&world);
    watch.until_seen(|| {
        let mut hook = world.server_command(&hook);
        let ran = run_with(hook.current_dir(world.server()), line.as_bytes());
        assert_eq!(ran.code, 1, "{}", ran.err);
        assert!(ran.err.contains("RH112"), "{}", ran.err);
    });
    watch.within(Duration::from_secs(60));
}

/// Trees within trees, so many levels of them, from the inside out.
fn nested(dana: &Person<'_>, innermost: &str, levels: usize) -> Vec<String> {
    let repository = git2::Repository::open(dana.clone_dir()).unwrap();
    let odb = repository.odb().unwrap();
    let mut oids = Vec::with_capacity(levels);
    let mut below = git2::Oid::from_str(innermost).unwrap();
    for _ in 0..levels {
        let raw = [&b"40000 d\0"[..], below.as_bytes()].concat();
        below = odb.write(git2::ObjectType::Tree, &raw).unwrap();
        oids.push(below.to_string());
    }
    oids
}

#[test]
fn x_04_g_08_a_commit_with_ten_thousand_parents() {
    let world = lenient();
    let dana = world.person("dana");
    let fix = dana.commits("index.html");
    let mut text = CommitText::of(&dana, &fix);
    let repository = git2::Repository::open(dana.clone_dir()).unwrap();
    let odb = repository.odb().unwrap();
    let mut parents = Vec::new();
    for number in 0..10_000 {
        let mut one = text.clone();
        one.message = format!("number {number}\n");
        let oid = odb.write(git2::ObjectType::Commit, &one.bytes()).unwrap();
        parents.push(oid.to_string());
    }
    let lines: String = parents
        .iter()
        .map(|oid| format!("parent {oid}\n"))
        .collect();
    text.headers.insert(2, lines);
    let tip = dana.writes_signed_commit(&text);
    let tree = dana.git(&["rev-parse", &format!("{fix}^{{tree}}")]);
    let blob = dana.git(&["rev-parse", &format!("{fix}:index.html")]);
    let mut objects: Vec<&str> = parents.iter().map(String::as_str).collect();
    objects.extend([tree.as_str(), &blob]);
    let said = refused_within(&dana, &tip, &objects, Duration::from_secs(90));
    assert!(said.contains("parents"), "{said}");
}

#[test]
fn x_03_a_tag_whose_message_has_a_gibibyte() {
    let world = lenient();
    let (dana, rita) = (world.person("dana"), world.person("rita"));
    let fix = dana.commits("index.html");
    dana.offers("fix");
    rita.git(&["fetch", "-q", "origin"]);
    rita.git(&["config", "core.compression", "1"]);
    let small = rita.signs(&Words::approve(&rita, &fix));
    let raw = rita.try_git(&["cat-file", "tag", &small]).out.clone();
    let at = raw.windows(2).position(|pair| pair == b"\n\n").unwrap() + 2;
    let mut large = raw[..at].to_vec();
    large.extend(b"a line of words\n".repeat(1 << 26));
    large.extend(&raw[at..]);
    let tag = rita.writes_object("tag", &large);
    drop(large);
    let name = format!("refs/relhook/statements/{fix}/0123456789abcdef");
    let watch = Watch::over(&world);
    let push = RawPush::new().packing(&[&tag]).command(ZERO, &tag, &name);
    push.send(&rita).refused_with("RH");
    watch.within(Duration::from_secs(600));
    assert_eq!(world.server_ref(&name), None);
}

#[test]
fn x_03_a_file_that_inflates_to_five_gigabytes() {
    let world = lenient();
    let dana = world.person("dana");
    // It is on the server already, as an earlier push to any branch could have brought it.
    let mut zeros = world.server_command("head");
    let zeros = zeros.args(["-c", "5G", "/dev/zero"]).stdout(Stdio::piped());
    let mut zeros = zeros.spawn().unwrap();
    let mut git = world.server_command("git");
    git.arg("--git-dir").arg(world.server());
    git.args(["-c", "core.compression=1", "hash-object", "-w", "--stdin"]);
    git.stdin(zeros.stdout.take().unwrap());
    let blob = run(&mut git).text();
    zeros.wait().unwrap();
    let tree = TreeText::default()
        .entry("100644", b"five", &blob)
        .write(&dana);
    let tip = with_tree(&dana, &tree);
    let before = world.server_ref(PROD).unwrap();
    // Nothing of it has to be read to judge the push.
    let push = |name: &str, old: &str| {
        RawPush::new()
            .packing(&[&tree, &tip])
            .command(old, &tip, name)
            .send(&dana)
    };
    let watch = Watch::over(&world);
    watch.until_seen(|| push(PROD, &before).refused_with("RH401"));
    push("refs/heads/fix", ZERO).accepted();
    watch.within(Duration::from_secs(600));
}

#[test]
fn y_12_an_alias_bomb_and_deep_nesting_in_a_pushed_policy() {
    let world = World::new();
    let paul = world.person("paul");
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let last = format!("*a{}", level - 1);
        bomb += &format!("a{level}: &a{level} [{}]\n", vec![last; 10].join(", "));
    }
    let nested = format!("version: {}1{}\n", "[".repeat(30_000), "]".repeat(30_000));
    let wide = format!("people: [{}]\n", "a, ".repeat(20_000));
    let large = format!("# {}\n", "x".repeat(64 << 10));
    for yaml in [bomb, nested, wide, large, "- ".repeat(30_000)] {
        paul.git(&["fetch", "-q", "origin", POLICY]);
        paul.git(&["checkout", "-q", "-B", "policy", "FETCH_HEAD"]);
        std::fs::write(paul.clone_dir().join("policy.yaml"), yaml).unwrap();
        paul.git(&["commit", "-q", "-a", "-m", "Bomb"]);
        let watch = Watch::over(&world);
        let push = || paul.pushes(&[&format!("HEAD:{POLICY}")]);
        watch.until_seen(|| push().refused_with("RH803"));
        watch.within(Duration::from_secs(60));
    }
}

#[test]
fn x_09_patterns_that_are_dear_to_match() {
    let world = World::without_relhook();
    let stars = "**/".repeat(60) + "x";
    let braces = "*a".repeat(200);
    for pattern in [
        stars.as_str(),
        &braces,
        &"a".repeat(5000),
        "{a,b}{a,b}",
        "[[[[[[",
    ] {
        let policy = crate::common::PolicyText::usual().prod(&format!(
            "paths:\n      - match: ['{pattern}']\n        required: 1\n        from: [admins]"
        ));
        world.write_policy(&policy);
        let since = Instant::now();
        let ran = world.init(&["--dry-run", "--policy", "policy.yaml", "--keys", "keys"]);
        assert!([0, 1].contains(&ran.code), "{}", ran.err);
        assert!(since.elapsed() < Duration::from_secs(10), "{pattern}");
    }
    // One that is taken is matched in no time against a name made to make it go wrong.
    let policy = crate::common::PolicyText::usual().prod(
        "paths:\n      - match: ['*a*a*a*a*a*a*a*a*a*a*b']\n        required: 1\n        from: [admins]",
    );
    let world = World::with(&policy);
    let dana = world.person("dana");
    let name = "a".repeat(200);
    dana.commits(&name);
    // Too short for its memory to be watched.
    let since = Instant::now();
    dana.pushes(&["prod"]).refused_with("RH401");
    assert!(since.elapsed() < Duration::from_secs(20));
}

#[test]
fn x_07_signatures_that_are_dear_to_check() {
    let world = World::new();
    let (dana, mallory) = (world.person("dana"), world.person("mallory"));
    let fix = dana.commits("index.html");
    dana.offers("fix");
    mallory.git(&["fetch", "-q", "origin"]);
    let tag = mallory.signs(&Words::approve(&mallory, &fix));
    let raw = mallory.try_git(&["cat-file", "tag", &tag]).out.clone();
    let raw = String::from_utf8(raw).unwrap();
    let mut push = RawPush::new();
    // A stranger's signature costs no process; one that only claims to be a known person's does.
    for number in 0..300 {
        let text = raw.replace("tagger Mallory", &format!("tagger Mallory{number}"));
        let tag = mallory.writes_object("tag", text.as_bytes());
        push = push.command(ZERO, &tag, mallory.statement_ref(&tag, &fix));
    }
    let watch = Watch::over(&world);
    watch.until_seen(|| push.clone().send(&mallory).refused_with("RH302"));
    watch.within(Duration::from_secs(60));
}

#[test]
fn x_10_a_refused_push_leaves_nothing_behind() {
    let world = World::new();
    let dana = world.person("dana");
    let fix = dana.commits("index.html");
    dana.pushes(&["prod"]).refused_with("RH401");
    let objects = world.server().join("objects");
    let left: Vec<_> = std::fs::read_dir(objects)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("tmp") || name.starts_with("incoming"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    assert_ne!(world.server_git(&["cat-file", "-e", &fix]).code, 0);
    let folder = world.server().join("relhook");
    let waiting = run(world
        .server_command("find")
        .arg(folder)
        .args(["-name", "*.tmp*"]));
    assert_eq!(waiting.text(), "");
}
