//! Releases through a program of the user's own.

use crate::common::write_program;
use crate::release_kit::{
    Bench, LINK, Log, PROGRAM, SITE, carry_out_apart, refused, released, tree,
};
use relhook::policy::{CommandTarget, TargetKind};
use relhook::release::{Adoption, Credits, Order, Outcome};
use relhook::types::{Oid, RefName};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A program that keeps what it is given, and says what `words` prints.
fn program(bench: &Bench, words: &str) -> PathBuf {
    let out = bench.outside("out");
    let path = out.with_file_name("deploy");
    let script = format!(
        "#!/bin/sh\nset -e\ncd {}\necho run >>runs\ncat >stdin\n\
         printf '%s\\n' \"$@\" >args\nenv >env\ncp \"$RELHOOK_RELEASE\" release.json\n\
         rm -rf tree; cp -a \"$RELHOOK_TREE\" tree\nstat -c %a \"$RELHOOK_TREE/../..\" >mode\n{words}\n",
        out.display()
    );
    write_program(&path, script);
    path
}

fn command(program: &Path) -> TargetKind {
    TargetKind::Command(CommandTarget {
        program: program.to_owned(),
        args: vec!["--stage".into(), "a b; touch x".into()],
        env: vec!["RELHOOK_TEST_PASSED".into(), "HOME".into()],
        minutes: 1,
    })
}

fn order(bench: &Bench, program: &Path, commit: Oid, sequence: u64) -> Order {
    bench.order(command(program), commit, sequence)
}

fn kept(bench: &Bench, name: &str) -> String {
    fs::read_to_string(bench.outside("out").join(name)).unwrap()
}

fn runs(bench: &Bench) -> usize {
    let runs = fs::read_to_string(bench.outside("out").join("runs"));
    runs.unwrap_or_default().lines().count()
}

fn description(bench: &Bench) -> serde_json::Value {
    serde_json::from_str(&kept(bench, "release.json")).unwrap()
}

const DONE: &str = "echo progress 1/2; echo say half of it; echo done";

#[test]
fn u_14_the_program_gets_the_tree_in_a_private_folder_and_it_goes_afterwards() {
    let bench = Bench::new();
    let program = program(&bench, DONE);
    bench.credentials("dana", "pass=word");
    let commit = bench.commit_modes(&[
        (0o100_644, b"index.html", b"one"),
        (PROGRAM, b"bin/run", b"#!/bin/sh\n"),
        (LINK, b"start", b"index.html"),
        (0o100_644, b".gitignore", b"x"),
    ]);
    let mut log = Log::default();
    let order = order(&bench, &program, commit, 4);
    let totals = released(bench.release_with(&order, Adoption::Refuse, &mut log));
    assert_eq!((totals.uploaded, totals.unchanged), (3, 0));
    assert_eq!(log.words(), ["started", "finished"]);
    let tree = tree(&bench.outside("out").join("tree"));
    assert_eq!(
        tree.into_iter().collect::<Vec<_>>(),
        [
            ("bin/", ""),
            ("bin/run", "#!/bin/sh\n"),
            ("index.html", "one"),
            ("start", "-> index.html")
        ]
        .map(|(path, content)| (path.to_owned(), content.to_owned()))
    );
    let mode = |name: &str| {
        let path = bench.outside("out").join("tree").join(name);
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode("index.html"), mode("bin/run")), (0o644, 0o755));
    assert_eq!(kept(&bench, "mode"), "700\n");
    assert_eq!(kept(&bench, "args"), "--stage\na b; touch x\n");
    assert_eq!(kept(&bench, "stdin"), "user=dana\npassword=pass=word\n");
    let desk = bench.folder().join("release").join(SITE);
    assert!(!desk.join("stage").exists());
    assert!(!desk.join("command.release.json").exists());
}

#[test]
fn the_description_says_what_is_new_changed_and_gone() {
    let bench = Bench::new();
    let program = program(&bench, DONE);
    let first = bench.commit(&[("a", "1"), ("b", "1"), ("c", "1"), ("d", "1")]);
    released(bench.release(&order(&bench, &program, first, 1)));
    let said = description(&bench);
    assert_eq!(said["schema"], "relhook/release-command/v1");
    assert_eq!(said["previous"], serde_json::Value::Null);
    assert_eq!(said["added"], serde_json::json!(["a", "b", "c", "d"]));
    assert_eq!(kept(&bench, "stdin"), "");

    let second = bench.commit_modes(&[
        (0o100_644, b"a", b"2"),
        (PROGRAM, b"b", b"1"),
        (0o100_644, b"c", b"1"),
        (0o100_644, b"caf\xe9", b"1"),
    ]);
    let mut next = order(&bench, &program, second, 2);
    next.credits = Credits {
        pushed_by: Some("dana".into()),
        approved_by: vec!["rita".into()],
    };
    let totals = released(bench.release(&next));
    assert_eq!(
        (totals.uploaded, totals.deleted, totals.unchanged),
        (3, 1, 1)
    );
    let said = description(&bench);
    let expected = serde_json::json!({
        "schema": "relhook/release-command/v1",
        "repository": "acme/site",
        "target": SITE,
        "ref": "refs/heads/prod",
        "commit": second.to_string(),
        "sequence": 2,
        "tree": bench.folder().join("release").join(SITE).join("stage/tree"),
        "previous": {"ref": "refs/heads/prod", "commit": first.to_string(), "sequence": 1},
        "added": [{"hex": "636166e9"}],
        "changed": ["a", "b"],
        "removed": ["d"],
        "author": "Dana <dana@example.org>",
        "subject": "change",
        "pushed_by": "dana",
        "approved_by": ["rita"],
    });
    assert_eq!(said, expected);
}

#[test]
fn what_was_released_is_what_relhooks_own_state_says() {
    let bench = Bench::new();
    let program = program(&bench, DONE);
    let commit = bench.commit(&[("a", "1")]);
    let first = order(&bench, &program, commit, 3);
    released(bench.release(&first));
    assert!(matches!(bench.release(&first), Ok(Outcome::UpToDate(_))));
    assert_eq!(runs(&bench), 1);
    refused(bench.release(&order(&bench, &program, commit, 2)), 618);
    // Told to adopt, it goes again whatever the state says.
    released(bench.release_with(&first, Adoption::Adopt, &mut Log::default()));
    assert_eq!(runs(&bench), 2);
}

#[test]
fn a_program_that_does_not_end_well_has_released_nothing() {
    let bench = Bench::new();
    let commit = bench.commit(&[("a", "1")]);
    for (words, part) in [
        (
            "echo 'no room' >&2; echo done; exit 3",
            "exit code 3: no room",
        ),
        ("echo progress 1/1", "`done` was not the last"),
        ("echo done; echo more", "its last line was `more`"),
        ("echo Done", "its last line was `Done`"),
        ("echo done; kill -KILL $$", "signal 9 ended it"),
        ("printf '\\033[2J\\nx' >&2; exit 1", "\\x1b[2J / x"),
    ] {
        let program = program(&bench, words);
        let error = refused(bench.release(&order(&bench, &program, commit, 1)), 634);
        assert!(error.contains(part), "{words}: {error}");
    }
    let program = program(&bench, "printf done");
    released(bench.release(&order(&bench, &program, commit, 1)));
}

#[test]
fn u_16_names_that_somebody_pushed_reach_the_program_as_data() {
    let bench = Bench::new();
    let program = program(&bench, DONE);
    let commit = bench.commit(&[("$(touch x);`id`", "1"), ("-rf", "1"), ("a\"b", "1")]);
    let mut order = order(&bench, &program, commit, 1);
    order.refname = RefName::new(b"refs/heads/$(touch${IFS}x);`id`").unwrap();
    order.credits.pushed_by = Some("$(touch x)".into());
    released(bench.release(&order));
    let said = description(&bench);
    assert_eq!(said["ref"], "refs/heads/$(touch${IFS}x);`id`");
    assert_eq!(
        said["added"],
        serde_json::json!(["$(touch x);`id`", "-rf", "a\"b"])
    );
    assert_eq!(said["pushed_by"], "$(touch x)");
    let env = kept(&bench, "env");
    assert!(
        !env.contains("touch") && !kept(&bench, "args").contains("${IFS}"),
        "{env}"
    );
    assert!(!bench.outside("out").join("x").exists());
}

#[test]
fn u_12_the_program_gets_no_secret_and_no_variable_that_the_policy_does_not_name() {
    let bench = Bench::new();
    bench.credentials("dana", "correct-horse");
    let words = "tr '\\0' ' ' </proc/$$/cmdline >cmdline; echo done";
    let program = program(&bench, words);
    released(bench.release(&order(&bench, &program, bench.commit(&[("a", "1")]), 1)));
    let env = kept(&bench, "env");
    let names: Vec<&str> = env
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.0))
        .filter(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name))
        .collect();
    let expected = [
        "HOME",
        "LC_ALL",
        "PATH",
        "RELHOOK_RELEASE",
        "RELHOOK_TREE",
        "TZ",
    ];
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    for text in [env, kept(&bench, "cmdline"), kept(&bench, "release.json")] {
        assert!(!text.contains("correct-horse"), "{text}");
    }
    assert!(kept(&bench, "stdin").contains("correct-horse"));
}

#[test]
fn a_program_that_others_could_change_is_not_run() {
    let bench = Bench::new();
    let commit = bench.commit(&[("a", "1")]);
    let program = program(&bench, DONE);
    fs::set_permissions(&program, Permissions::from_mode(0o775)).unwrap();
    let error = refused(bench.release(&order(&bench, &program, commit, 1)), 633);
    assert!(error.contains("written by others (mode 0775)"), "{error}");
    let absent = program.with_file_name("absent");
    refused(bench.release(&order(&bench, &absent, commit, 1)), 633);
    assert_eq!(runs(&bench), 0);
}

fn until(what: &str, is: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a process is there and is not just waiting to be forgotten.
fn lives(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[test]
fn u_07_a_killed_runs_program_is_ended_and_the_next_run_brings_the_same() {
    let bench = Bench::new();
    // The first one would go on for long, and undo what a later one did.
    let words = "echo $$ >>pids\n[ \"$(wc -l <runs)\" -gt 1 ] || { sleep 300; echo late >result; }\n\
                 echo right >result; echo done";
    let program = program(&bench, words);
    let commit = bench.commit(&[("a", "1"), ("d/b", "2")]);
    let order = order(&bench, &program, commit, 1);
    let variables = [("RELHOOK_APART_PROGRAM", program.to_str().unwrap())];
    let mut run = bench.release_in("release_command::apart", &order, &variables);
    let out = bench.outside("out");
    until("the program starts", || out.join("pids").exists());
    run.kill().unwrap();
    run.wait().unwrap();
    let pid = kept(&bench, "pids").trim().to_owned();
    assert!(lives(&pid), "it outlives relhook");

    let stage = bench.folder().join("release").join(SITE).join("stage");
    let written = fs::metadata(stage.join("tree/a")).unwrap();
    released(bench.release(&order));
    assert_eq!(kept(&bench, "result"), "right\n");
    until("it was ended", || !lives(&pid));
    let files: Vec<_> = tree(&out.join("tree")).into_keys().collect();
    assert_eq!(files, ["a", "d/", "d/b"]);
    let again = fs::metadata(out.join("tree/a")).unwrap();
    assert_eq!(
        written.modified().unwrap(),
        again.modified().unwrap(),
        "the stage was used"
    );
}

#[test]
fn a_stage_that_somebody_changed_is_made_anew() {
    let bench = Bench::new();
    let fails = program(&bench, "exit 1");
    let commit = bench.commit(&[("a", "1"), ("b", "2")]);
    refused(bench.release(&order(&bench, &fails, commit, 1)), 634);
    let tree = bench.folder().join("release").join(SITE).join("stage/tree");
    let changes: [&dyn Fn(); 4] = [
        &|| fs::write(tree.join("a"), "x").unwrap(),
        &|| fs::write(tree.join("more"), "x").unwrap(),
        &|| fs::remove_file(tree.join("b")).unwrap(),
        &|| fs::set_permissions(tree.join("a"), Permissions::from_mode(0o755)).unwrap(),
    ];
    for change in changes {
        change();
        refused(bench.release(&order(&bench, &fails, commit, 1)), 634);
        let found = crate::release_kit::tree(&bench.outside("out").join("tree"));
        assert_eq!(found.into_values().collect::<Vec<_>>(), ["1", "2"]);
        let mode = fs::metadata(tree.join("a")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
    }
}

#[test]
fn the_pages_example_releases() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/targets/command.md")).unwrap();
    let (_, rest) = page.split_once("```sh\n").unwrap();
    let (script, _) = rest.split_once("```").unwrap();
    let bench = Bench::new();
    let shop = bench.outside("shop");
    let path = shop.with_file_name("deploy-shop");
    write_program(&path, script.replace("/srv/shop", shop.to_str().unwrap()));
    for (number, content) in [(1, "one"), (2, "two"), (3, "three")] {
        let commit = bench.commit(&[("index.html", content), ("d/e", content)]);
        released(bench.release(&order(&bench, &path, commit, number)));
        let live = tree(&shop.join("live"));
        assert_eq!(
            (live["index.html"].as_str(), live["d/e"].as_str()),
            (content, content)
        );
    }
    assert_eq!(tree(&shop.join("old"))["index.html"], "two");
}

/// Not a test: the process that another test kills.
#[test]
#[ignore = "started by other tests, in a process that they kill"]
fn apart() {
    carry_out_apart(|variable| command(Path::new(&variable("_PROGRAM"))));
}
